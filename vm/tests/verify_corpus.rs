//! The conformance corpus: what verifies, what does not, and what the first error is called.
//!
//! `data/verify_deviations.txt` lists every case in which the verdict differs from the peer's on purpose, and
//! every case refused under another name than the peer's. The lists must be exact.

mod container_support;

use container_support::{Case, Verdict, corpus, read};
use opforge_vm::container::{DecodeConfig, decode};
use opforge_vm::verify::{VerifyConfig, VerifyErrorKind, VerifyReport, verify};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const DEVIATIONS: &str = include_str!("data/verify_deviations.txt");
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/verify.jsonl");

/// Case names with what differs, of one section of the list.
fn deviations(section: &str) -> BTreeMap<&'static str, &'static str> {
    let mut found = BTreeMap::new();
    let mut current = "";
    for line in DEVIATIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            current = name;
        } else if current == section {
            let (name, reason) = line.split_once(": ").expect("a case name and a reason");
            assert!(found.insert(name, reason).is_none(), "{name} is listed twice");
        }
    }
    found
}

fn outcome(case: &Case) -> Option<Result<(), VerifyReport>> {
    let program = decode(&case.bytes, &DecodeConfig::new()).ok()?;
    Some(verify(program, &VerifyConfig::new()).map(|_| ()))
}

/// All of the corpus, or the committed sample of it.
fn cases() -> (Vec<Case>, bool) {
    match corpus() {
        (cases, true) => (cases, true),
        (_, false) => (read(Path::new(SAMPLE)), false),
    }
}

/// Compares what differs with what is listed as differing, both ways.
fn assert_listed(section: &str, cases: &[Case], differing: BTreeMap<&str, String>) {
    let listed = deviations(section);
    let names: BTreeSet<_> = cases.iter().map(|case| case.name.as_str()).collect();
    let unlisted: Vec<_> = differing
        .iter()
        .filter(|(name, _)| !listed.contains_key(*name))
        .map(|(name, what)| format!("{name}: {what}"))
        .collect();
    let stale: Vec<_> =
        listed.keys().filter(|name| names.contains(*name) && !differing.contains_key(*name)).collect();
    assert!(unlisted.is_empty(), "{} cases differ:\n{}", unlisted.len(), unlisted.join("\n"));
    assert!(stale.is_empty(), "listed under [{section}], but as the peer has it: {stale:?}");
}

#[test]
fn verdicts_are_those_of_the_corpus() {
    let (cases, complete) = cases();
    assert!(cases.len() >= if complete { 3480 } else { 20 });
    let mut differing = BTreeMap::new();
    for case in &cases {
        let what = match (case.verdict, outcome(case)) {
            (Verdict::Valid, Some(Err(report))) => format!("must verify, but:\n{report}"),
            (Verdict::VerifyError, Some(Ok(()))) => format!("must be refused: {:?}", case.error),
            (Verdict::Crash, Some(Ok(()))) => "must be refused, the peer crashes".to_owned(),
            (Verdict::DecodeError, Some(_)) => "must not decode".to_owned(),
            _ => continue,
        };
        differing.insert(case.name.as_str(), what);
    }
    assert_listed("verdict", &cases, differing);
}

#[test]
fn the_first_error_has_the_name_the_peer_gives_it() {
    let (cases, _) = cases();
    let mut differing = BTreeMap::new();
    let mut same = 0;
    for case in cases.iter().filter(|case| case.verdict == Verdict::VerifyError) {
        let Some(Err(report)) = outcome(case) else { continue };
        let ours = report.errors().first().map(|error| error.kind().name());
        if ours == case.error.as_deref() {
            same += 1;
        } else {
            let (theirs, ours) = (case.error.as_deref().unwrap_or(""), ours.unwrap_or(""));
            differing.insert(case.name.as_str(), format!("{theirs} is {ours}"));
        }
    }
    assert!(same > 10, "only {same} alike");
    assert_listed("name", &cases, differing);
}

#[test]
fn every_report_says_where_and_what_to_do() {
    for case in cases().0 {
        let Some(Err(report)) = outcome(&case) else { continue };
        assert!(!report.errors().is_empty(), "{}", case.name);
        let text = report.to_string();
        for error in report.errors() {
            assert!(text.contains(error.kind().code()) && text.contains(error.kind().hint()), "{text}");
            assert_eq!(error.instr().is_some(), error.pc().is_some() && !is_decode(error.kind()), "{text}");
        }
    }
}

fn is_decode(kind: &VerifyErrorKind) -> bool {
    matches!(kind, VerifyErrorKind::BytecodeDecode { .. })
}
