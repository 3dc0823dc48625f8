//! Runs every program of `examples/` as its head says:
//!
//! ```text
//! ; run: FUNCTION ARGS.. => TYPE VALUE, TYPE VALUE..
//! ; run: FUNCTION ARGS.. => trap NAME [(DETAIL)] [in FUNCTION] [, span N]
//! ; log: LINE                      what the run before it logs
//! ```

mod common;

use common::{opforge, root};
use std::fs;

/// One run that a program's head asks for.
#[derive(Debug)]
struct Case {
    call: Vec<String>,
    expected: String,
    logs: Vec<String>,
}

/// Splits at blanks; a text in quotes is one word, without them, and `hex"00"` is `0x00`.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut before = "";
    for (i, part) in text.split('"').enumerate() {
        if i % 2 == 1 {
            words.push(if before.ends_with("hex") { format!("0x{part}") } else { part.to_owned() });
        } else {
            let outside = part.strip_suffix("hex").unwrap_or(part);
            words.extend(outside.split_whitespace().map(str::to_owned));
        }
        before = part;
    }
    words
}

fn cases(source: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in source.lines().filter_map(|line| line.strip_prefix("; ")) {
        if let Some(run) = line.strip_prefix("run: ") {
            let (call, expected) = run.split_once(" => ").expect("`=>` in a `run:` line");
            cases.push(Case { call: words(call), expected: expected.to_owned(), logs: Vec::new() });
        } else if let Some(log) = line.strip_prefix("log: ") {
            cases.last_mut().expect("a run before its log").logs.push(format!("log: {log}"));
        }
    }
    cases
}

/// Results as the command line shows them: each with its type.
fn results(text: &str) -> Vec<String> {
    let typed = text.split(", ").map(|value| match value.strip_prefix("hex\"") {
        Some(digits) => format!("bytes 0x{}", digits.trim_end_matches('"')),
        None if matches!(value, "true" | "false") => format!("bool {value}"),
        None => value.to_owned(),
    });
    typed.collect()
}

fn check(file: &str, case: &Case) {
    let (entry, args) = case.call.split_first().expect("a function");
    let mut line = vec!["run", file, "--grant", "log", "--entry", entry, "--"];
    line.extend(args.iter().map(String::as_str));
    let ran = opforge(&line);
    if let Some(trap) = case.expected.strip_prefix("trap ") {
        let ran = ran.exits(1);
        let (name, place) = trap.split_once(" in ").unwrap_or((trap, ""));
        let (name, detail) = name.split_once(" (").unwrap_or((name, ""));
        assert!(ran.stderr.starts_with("trap[T"), "{file} {case:?}\n{}", ran.stderr);
        ran.complains(&format!(" {name}]: "));
        ran.complains(detail.trim_end_matches(')'));
        if let Some((func, span)) = place.split_once(", ") {
            let at = ran.stderr.lines().nth(1).expect("a place");
            assert!(at.starts_with(&format!("  at {func}, pc ")), "{file} {case:?}: {at}");
            assert!(at.ends_with(&format!(", {span}")), "{file} {case:?}: {at}");
        }
        assert_eq!(ran.stdout, "");
    } else {
        let ran = ran.exits(0);
        let actual = ran.stdout.lines().collect::<Vec<_>>().join(", ");
        assert_eq!(actual, results(&case.expected).join(", "), "{file} {case:?}");
        assert_eq!(ran.stderr.lines().collect::<Vec<_>>(), case.logs, "{file} {case:?}");
    }
}

#[test]
fn every_program_does_what_its_head_says() {
    let mut programs = 0;
    for entry in fs::read_dir(root().join("examples")).expect("examples").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|ext| ext != "ofa") {
            continue;
        }
        let cases = cases(&fs::read_to_string(&path).expect("a program"));
        assert!(!cases.is_empty(), "{} says nothing to check", path.display());
        for case in &cases {
            check(path.to_str().expect("UTF-8"), case);
        }
        programs += 1;
    }
    assert!(programs >= 8, "{programs} programs were found");
}

#[test]
fn words_of_a_run_line() {
    assert_eq!(words(r#"greet "Ada Lovelace" "" 5"#), ["greet", "Ada Lovelace", "", "5"]);
    assert_eq!(words(r#"crc32 hex"00ff" hex"" "hex" "5""#), ["crc32", "0x00ff", "0x", "hex", "5"]);
}

#[test]
fn results_of_a_run_line() {
    assert_eq!(results(r#"true, i64 -5, hex"00ff""#), ["bool true", "i64 -5", "bytes 0x00ff"]);
    assert_eq!(results(r#"str "Hello, Ada!", u64 11"#).join(", "), r#"str "Hello, Ada!", u64 11"#);
}
