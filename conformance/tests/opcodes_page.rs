//! `docs/OPCODES.md` says what is so: every example on the page assembles, in the program that the page shows, to the
//! bytes beside it; every opcode has a section; every link leads to one.

mod support;

use opforge_conformance::examples::check_text;
use opforge_tables::{ISA, Opcode};
use std::collections::BTreeSet;
use std::path::Path;
use support::read;

fn page() -> String {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/OPCODES.md"))
}

/// The text between two marks; empty if they are not there.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let rest = text.split_once(begin).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(inside, _)| inside)
}

/// The pieces of a line that stand in backquotes.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

fn example(program: &str, line: &str) -> Result<(), String> {
    let [text, bytes] = quoted(line)[..] else { return Err("it is not text and bytes".to_owned()) };
    let bytes =
        bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).map_err(|e| format!("{byte:?}: {e}")));
    check_text(&program.replace("; the example", text), &bytes.collect::<Result<Vec<_>, _>>()?)
}

/// The anchor that hosts make of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Everything that is wrong with a page, and how many examples it has.
fn check(page: &str) -> (Vec<String>, usize) {
    let mut wrong = Vec::new();
    let program = between(page, "```text\n", "```");
    let (mut count, mut anchors) = (0, BTreeSet::new());
    let headings = page.lines().filter(|line| line.starts_with('#'));
    for heading in headings.map(|line| line.trim_start_matches('#').trim_start()) {
        if !anchors.insert(anchor(heading)) {
            wrong.push(format!("two headings make the anchor of {heading}"));
        }
    }
    for link in page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !anchors.contains(link) {
            wrong.push(format!("there is no heading #{link}"));
        }
    }
    let sections = format!("{page}\n#");
    for op in Opcode::ALL {
        let section = between(&sections, &format!("\n### {}\n", ISA.name(op.didx())), "\n#");
        let examples: Vec<&str> = section.lines().filter(|line| line.starts_with("- example: ")).collect();
        if examples.is_empty() {
            wrong.push(format!("{op:?} has no example"));
        }
        for line in examples {
            count += 1;
            wrong.extend(example(program, line).err().map(|error| format!("{line}: {error}")));
        }
    }
    (wrong, count)
}

#[test]
fn every_example_of_the_page() {
    let page = page();
    let (wrong, count) = check(&page);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= Opcode::ALL.len());
    assert_eq!(count, page.matches("- example: ").count(), "all of them stand in a section");
}

/// One change of each kind that a page could be wrong by.
#[test]
fn a_page_that_is_wrong_is_noticed() {
    let page = page();
    for (old, new, problem) in [
        (
            "`i64.add r3, r1, r2` is `20 03 01 02`",
            "`i64.add r3, r1, r2` is `20 03 02 01`",
            "assembles to 20030102",
        ),
        ("example: `jmp @next` is", "example: `jmp @back` is", "assembles to 41"),
        ("example: `const.pool r1, greeting` is", "example: `const.pool r1, salutation` is", "salutation"),
        ("example: `trap 5` is `02 05`", "example: `trap 5` is `2 5 5`", "trap 5"),
        ("\n### u64.xor\n", "\n### u64.xot\n", "U64Xor has no example"),
        ("](#u64xor)", "](#u64-xor)", "no heading #u64-xor"),
        ("\n### call\n", "\n### Family call\n", "two headings"),
    ] {
        let changed = page.replacen(old, new, 1);
        assert_ne!(changed, page, "{old}");
        let (wrong, _) = check(&changed);
        assert!(wrong.iter().any(|line| line.contains(problem)), "{old}: {wrong:?}");
    }
}
