//! `tablegen diff`: which changes are told, in which words, and which break whom.

use opforge_schema::{Header, IntrinsicRow, OpRow, TableRow};
use opforge_tablegen::diff::{Report, Tables, compare};
use opforge_tablegen::source::Sources;
use opforge_tablegen::{artefacts, compile, dump, upgrade};
use std::path::Path;

fn good(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad").join(name);
    std::fs::read_to_string(path).expect("a spec")
}

fn tables(texts: [&str; 4]) -> Tables {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let spec = compile(Sources::of_texts(texts));
    let spec = spec.unwrap_or_else(|d| panic!("{}", d.render()));
    let all = artefacts::make(&root, &spec).expect("artefacts");
    let file = |name: &str| {
        let found = all.rest.iter().find(|(path, _)| path.ends_with(&format!("/{name}")));
        found.map(|(_, bytes)| bytes.clone()).ok_or_else(|| name.to_owned())
    };
    Tables::from_files(file).expect("tables")
}

/// The report of a change of the good spec: each pair of texts replaced once.
fn change(edits: &[(&str, &str)]) -> Report {
    let before = ["good.json", "types.good.json", "intrinsics.good.json", "session.good.json"].map(good);
    let mut after = before.clone();
    for (old, new) in edits {
        let text = after.iter_mut().find(|text| text.contains(old));
        let text = text.unwrap_or_else(|| panic!("{old} is there to be changed"));
        *text = text.replacen(old, new, 1);
    }
    compare(&tables(before.each_ref().map(String::as_str)), &tables(after.each_ref().map(String::as_str)))
}

/// One line of a report, and whom it breaks.
fn says(report: &Report, line: &str, breaks: Option<&str>) {
    let found = report.changes.iter().find(|c| c.line.contains(line));
    assert!(found.is_some_and(|c| c.breaks == breaks), "{line} ({breaks:?}) in:\n{}", report.render());
}

#[test]
fn no_change_is_no_change() {
    let report = change(&[]);
    assert!(report.is_empty());
    assert_eq!(report.render(), "no changes\n");
}

#[test]
fn a_doc_is_counted_only() {
    let report = change(&[("Does nothing.", "Does nothing more.")]);
    assert_eq!((report.changes.len(), report.doc_only, report.breaking()), (0, 1, 0));
    assert!(report.render().starts_with("  doc only: 1 opcode\n"), "{}", report.render());
}

#[test]
fn a_new_name_is_fine_and_a_lost_one_breaks_text() {
    let added = change(&[("\"mnemonic\": \"call\"", "\"mnemonic\": \"call\", \"aliases\": [\"invoke\"]")]);
    says(&added, "+ 0x02 invoke", None);
    assert!(!added.unacknowledged());
    let renamed = change(&[("\"mnemonic\": \"call\"", "\"mnemonic\": \"invoke\"")]);
    says(&renamed, "the name is gone", Some("text"));
    assert!(renamed.unacknowledged());
}

#[test]
fn a_moved_opcode_breaks_bytecode() {
    let moved = change(&[
        ("\"byte\": \"0x02\"", "\"byte\": \"0x03\""),
        (
            "\"from\": \"0x03\", \"to\": \"0xFF\"",
            "\"from\": \"0x02\", \"to\": \"0x02\", \"reason\": \"was call\" },\n { \"from\": \"0x04\", \"to\": \"0xFF\"",
        ),
    ]);
    says(&moved, "- 0x02 call             moved to 0x03", Some("bytecode"));
    says(&moved, "+ 0x03 call", None);
}

#[test]
fn encoding_types_fuel_and_lowering_are_told_apart() {
    says(&change(&[("\"fuel\": 1", "\"fuel\": 2")]), "fuel: 1 -> 2", Some("fuel"));
    says(&change(&[("\"imm\": true", "\"imm\": false")]), "lower: direct binary fuse 1 ->", None);
    says(&change(&[("\"since\": 1", "\"since\": 2")]), "since: 1 -> 2", Some("old containers"));
    let kind = change(&[("\"kind\": \"func_id\"", "\"kind\": \"call_sig_id\"")]);
    says(&kind, "operand 1: func_id -> call_sig_id", Some("verifier"));
    let fewer = change(&[
        (
            "        { \"name\": \"rets\", \"kind\": \"reg_list\", \"enc\": \"uleb32_list\", \"access\": \"write\", \"type\": \"results:func\" }\n",
            "",
        ),
        ("\"type\": \"params:func\" },", "\"type\": \"params:func\" }"),
        ("{func} {args} -> {rets}", "{func} {args}"),
        (",\n        {\"rule\": \"list_len_eq\", \"a\": \"rets\"}", ""),
    ]);
    says(
        &fewer,
        "operands: reg read effect, func_id, reg_list/uleb32_list read params:1, ",
        Some("encoding"),
    );
    says(&fewer, "text: {1} {2} -> {3} -> {1} {2}", Some("text"));
}

#[test]
fn types_may_be_added_but_not_changed() {
    let wider = change(&[("[\"i64\", \"i64\"]", "[\"i64\", \"i64\", \"i64\"]")]);
    says(&wider, "~ type point", Some("intrinsics"));
    let slots = change(&[("\"tag\": 2, \"slots\": 2", "\"tag\": 2, \"slots\": 1")]);
    says(&slots, "~ class 2 (decimal)", Some("values"));
    let more = change(&[(
        "\"types\": [",
        "\"types\": [\n    { \"name\": \"one\", \"layout\": [\"i64\"], \"doc\": \"One.\" },",
    )]);
    says(&more, "+ type one", None);
}

#[test]
fn a_higher_version_acknowledges_what_breaks() {
    let edits = [("\"fuel\": 1", "\"fuel\": 2"), ("\"isa_version\": 1", "\"isa_version\": 2")];
    let report = change(&edits);
    assert_eq!((report.breaking(), report.unacknowledged()), (1, false));
    let report = change(&edits[..1]);
    assert!(report.unacknowledged());
    assert!(
        report
            .render()
            .ends_with("isa_version 1 -> 1: 1 breaking change needs a higher isa_version in the spec\n")
    );
}

#[test]
fn intrinsics_may_be_added_but_not_changed() {
    let edit = |old: &str, new: &str| change(&[(old, new)]);
    let layout = "\"type\": \"pair\"}], \"rets\": [\"i64\"], \"arg_slots\": 2, \"ret_slots\": 1";
    let wider = change(&[
        (
            layout,
            "\"type\": \"pair\"}, {\"name\": \"k\", \"type\": \"i64\"}], \"rets\": [\"i64\"], \"arg_slots\": 3, \"ret_slots\": 1",
        ),
        (
            "{\"in\": [{\"i64\": 1}, {\"i64\": 2}], \"out\"",
            "{\"in\": [{\"i64\": 1}, {\"i64\": 2}, {\"i64\": 3}], \"out\"",
        ),
    ]);
    says(&wider, "~ intrinsic 1 point.sum: arg slots: [1, 1] -> [1, 1, 1]", Some("verifier"));
    let gone = edit("\"id\": 2, \"name\": \"point.swap_of\"", "\"id\": 3, \"name\": \"point.swap_of\"");
    says(&gone, "- intrinsic 2 point.swap_of removed", Some("bytecode"));
    says(&gone, "+ intrinsic 3 point.swap_of(pair) -> (pair) fuel 2", None);
    let renamed = edit("\"point.sum\"", "\"point.total\"");
    says(&renamed, "~ intrinsic 1 point.total: name: point.sum -> point.total", Some("text"));
    says(
        &edit("\"fuel\": 2, \"sem\": \"point", "\"fuel\": 3, \"sem\": \"point"),
        "fuel: 2 -> 3",
        Some("fuel"),
    );
    let traps = edit(
        "\"traps\": [], \"fuel\": 1, \"sem\": \"point",
        "\"traps\": [\"DivByZero\"], \"fuel\": 1, \"sem\": \"point",
    );
    says(&traps, "~ intrinsic 1 point.sum: traps:  -> DivByZero", Some("semantics"));
    let docs = edit("p.x + p.y.", "The sum.");
    assert_eq!((docs.changes.len(), docs.intrinsic_docs), (0, 1));
    assert!(docs.render().starts_with("  docs of 1 intrinsic\n"), "{}", docs.render());
}

/// The files of a set of tables as format 1 had them: trap sets of 32 bits, no typestate.
fn format_1(bytes: &[u8]) -> Vec<u8> {
    let (head, rows) = bytes.split_at(16);
    let mut head = head.to_vec();
    assert_eq!(head[4..6], Header::FORMAT.to_le_bytes());
    head[4] = 1;
    let (table, width) = (u16::from_le_bytes([head[6], head[7]]), usize::from(head[8]));
    let narrow = |row: &[u8]| [&row[..8], &row[12..]].concat();
    let rows: Vec<Vec<u8>> = match table {
        OpRow::TABLE => {
            head[8] -= 4;
            rows.chunks(width).map(narrow).collect()
        }
        IntrinsicRow::TABLE => rows.chunks(width).map(|row| [&narrow(row)[..], &[0; 4]].concat()).collect(),
        _ => vec![rows.to_vec()],
    };
    [head, rows.concat()].concat()
}

#[test]
fn tables_of_format_1_are_read_and_shown_as_todays() {
    let texts = ["good.json", "types.good.json", "intrinsics.good.json", "session.good.json"].map(good);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let spec = compile(Sources::of_texts(texts.each_ref().map(String::as_str)));
    let all = artefacts::make(&root, &spec.unwrap_or_else(|d| panic!("{}", d.render()))).expect("artefacts");
    let file = |name: &str| {
        let found = all.rest.iter().find(|(path, _)| path.ends_with(&format!("/{name}")));
        found.map(|(_, bytes)| bytes.clone()).ok_or_else(|| name.to_owned())
    };
    let new = Tables::from_files(file).expect("tables");
    let old = Tables::from_files(|name| {
        file(name).map(|bytes| if name.ends_with(".bin") { format_1(&bytes) } else { bytes })
    });
    assert!(compare(&old.expect("old tables"), &new).is_empty());
    for (name, bytes) in &all.blobs {
        let old = format_1(bytes);
        assert_ne!(old, *bytes);
        assert_eq!(upgrade::blob(&old).as_deref(), Some(&bytes[..]), "{name}");
        assert_eq!(upgrade::blob(bytes), None, "{name}");
        assert_eq!(dump::blob(&old), dump::blob(bytes), "{name}");
        // Damaged ones may be refused, but nothing else happens.
        for cut in 0..old.len().min(200) {
            let _ = dump::blob(&old[..cut]);
        }
    }
}

#[test]
fn a_typestate_rule_may_be_given_but_not_changed() {
    let rule = "\"typestate\": \"call\", \"lower\": {\"kind\": \"call\"}";
    let given = change(&[("\"lower\": {\"kind\": \"call\"}", rule)]);
    says(&given, "typestate: none -> call", None);
    let linear =
        change(&[("\"slots\": 1, \"heap\": true", "\"slots\": 1, \"heap\": true, \"linear\": true")]);
    says(&linear, "~ class 3 (str) changed or is gone", Some("values"));
}
