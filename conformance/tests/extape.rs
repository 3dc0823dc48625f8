//! The EXTAPE corpus on every engine: the whole of it where it stands beside the workspace, else the sample.

mod support;

use opforge_conformance::engine::EngineKind;
use opforge_conformance::extape::{Case, Class, Deviations, Verdict, run_cases};
use opforge_conformance::peak::measure;
use opforge_conformance::report::Report;
use std::collections::BTreeSet;
use std::hint::black_box;
use support::{assert_passed, read, sample, shared};

fn run(cases: &[Case]) -> Report {
    let mut report = Report::new();
    run_cases(cases, EngineKind::ALL, &Deviations::committed().unwrap(), &mut report);
    report
}

#[test]
fn committed_sample() {
    let cases = sample();
    assert!(cases.len() >= 150);
    assert_passed(&run(&cases));
}

#[test]
fn whole_corpus_where_present() {
    let Some(folder) = shared("extape") else {
        return println!("the corpus is not beside the workspace: only the committed sample was checked");
    };
    let mut cases = Vec::new();
    for file in ["hand.jsonl", "random.jsonl", "mutated.jsonl", "rejected.jsonl"] {
        cases.extend(Case::from_lines(&read(&folder.join(file))).unwrap());
    }
    assert_eq!(cases.len(), 3480);
    let report = run(&cases);
    assert_passed(&report);
    assert_eq!(report.passed(), cases.len());
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let deviations = Deviations::committed().unwrap();
    let unknown: Vec<&str> =
        deviations.iter().map(|(name, ..)| name).filter(|name| !names.contains(name)).collect();
    assert!(unknown.is_empty(), "listed, but not in the corpus: {unknown:?}");
}

/// The sample has something of everything that is treated apart.
#[test]
fn the_sample_covers_every_class() {
    let cases = sample();
    for &tag in Class::TAGS {
        assert!(cases.iter().any(|case| case.tags.contains(&tag)), "no case tagged {tag}");
    }
    for group in ["hand/", "random/", "mutated/", "rejected/"] {
        assert!(cases.iter().filter(|case| case.name.starts_with(group)).count() >= 30, "{group}");
    }
    assert!(cases.iter().any(|case| case.verdict == Verdict::PeerCrash));
    for (name, ..) in Deviations::committed().unwrap().iter() {
        assert!(cases.iter().any(|case| case.name == name), "{name} is listed, but not in the sample");
    }
}

/// Memory is counted: a bound on it would otherwise hold of itself.
#[test]
fn memory_is_measured() {
    let (bytes, peak) = measure(|| {
        // Optimised builds leave out an allocation that nobody sees.
        drop(black_box(vec![1_u8; 3 << 20]));
        vec![1_u8; 1 << 20]
    });
    assert_eq!(bytes.len(), 1 << 20);
    assert!((3 << 20..4 << 20).contains(&peak), "{peak}");
}
