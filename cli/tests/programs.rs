//! Runs every program of `examples/` as its head says:
//!
//! ```text
//! ; run: FUNCTION ARGS.. => TYPE VALUE, TYPE VALUE..
//! ; run: FUNCTION ARGS.. => trap NAME [in FUNCTION] [, span N]
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

/// Splits at blanks; a text in quotes is one word, without them.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in text.split('"').enumerate() {
        if i % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
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

fn check(file: &str, case: &Case) {
    let (entry, args) = case.call.split_first().expect("a function");
    let mut line = vec!["run", file, "--grant", "log", "--entry", entry, "--"];
    line.extend(args.iter().map(String::as_str));
    let ran = opforge(&line);
    if let Some(trap) = case.expected.strip_prefix("trap ") {
        let ran = ran.exits(1);
        let (name, place) = trap.split_once(" in ").unwrap_or((trap, ""));
        assert!(ran.stderr.starts_with("trap[T"), "{file} {case:?}\n{}", ran.stderr);
        ran.complains(&format!(" {name}]: "));
        if let Some((func, span)) = place.split_once(", ") {
            let at = ran.stderr.lines().nth(1).expect("a place");
            assert!(at.starts_with(&format!("  at {func}, pc ")), "{file} {case:?}: {at}");
            assert!(at.ends_with(&format!(", {span}")), "{file} {case:?}: {at}");
        }
        assert_eq!(ran.stdout, "");
    } else {
        let ran = ran.exits(0);
        let results: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!(results.join(", "), case.expected, "{file} {case:?}");
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
}
