use super::{Checked, check};
use crate::engine::EngineKind;
use opforge_tables::docs::{ExampleDoc, OpDoc};

fn i64_add() -> OpDoc {
    let docs = opforge_tables::docs().unwrap();
    docs.ops.into_iter().find(|op| op.name == "I64Add").unwrap()
}

fn outcome(text: &str, bytes: &[u8], json: &str) -> Result<Checked, String> {
    let example = ExampleDoc { text: text.to_owned(), bytes: bytes.to_vec(), json: json.to_owned() };
    check(&i64_add(), &example, EngineKind::ALL)
}

#[test]
fn a_true_example_passes() {
    let json = r#"{"in":[{"i64":2},{"i64":5}],"out":[{"i64":7}]}"#;
    assert_eq!(outcome("i64.add r3, r1, r2", &[0x20, 3, 1, 2], json), Ok(Checked::Run));
    assert_eq!(outcome("i64.add r3, r1, r2", &[0x20, 3, 1, 2], ""), Ok(Checked::Written));
}

#[test]
fn a_false_example_fails() {
    let right = r#"{"in":[{"i64":2},{"i64":5}],"out":[{"i64":7}]}"#;
    for (text, bytes, json, why) in [
        ("i64.add r3, r1, r2", &[0x21, 3, 1, 2][..], right, "the bytes are i64.sub"),
        ("i64.add r3, r2, r1", &[0x20, 3, 1, 2], right, "the bytes are `i64.add r3, r1, r2`"),
        ("i64.add r3, r1, r2", &[0x20, 0x83, 0, 1, 2], right, "are written as 20030102"),
        ("i64.add r3, r1, r2", &[0x20, 3, 1, 2, 0], right, "2 instructions"),
        ("i64.add r3, r1, r2", &[0x20, 3, 1, 2], &right.replace('7', "8"), "the example says"),
        ("i64.add r3, r1, r2", &[0x20, 3, 1, 2], &right.replace("{\"i64\":7}", ""), "0 results"),
        ("i64.add r3, r1, r2", &[0x20, 3, 1, 2], &right.replace("i64\":2", "u64\":2"), "error[V0802]"),
        ("i64.add r3, r1, r2", &[0x20, 3, 1, 2], r#"{"in":[],"trap":1}"#, "neither"),
        ("i64.add r3, r2, r1", &[0x20, 3, 1, 2], "", "the text assembles to 20030201"),
        ("i64.add r3, r1", &[0x20, 3, 1, 2], "", "error[A"),
        ("i64.add r3, r1, r2", &[0x21, 3, 1, 2], "", "the bytes are i64.sub"),
    ] {
        let error = outcome(text, bytes, json).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}
