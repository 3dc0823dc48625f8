//! The session cases on both engines: those beside the workspace where they are, the committed ones always.

mod support;

use opforge_conformance::engine::EngineKind;
use opforge_conformance::report::Report;
use opforge_conformance::sessions::{Body, Case, Instr, Printing, Status, Verdict, run_cases};
use std::collections::BTreeSet;
use support::{assert_passed, read, session_cases, shared};

fn run(cases: &[Case]) -> Report {
    let mut report = Report::new();
    run_cases(cases, EngineKind::ALL, Printing::Differences, &mut report);
    report
}

#[test]
fn committed_cases() {
    let cases = session_cases();
    let report = run(&cases);
    assert_passed(&report);
    assert_eq!(report.passed(), 29 + 27);
}

#[test]
fn all_cases_where_present() {
    let Some(file) = shared("sessions/cases.json") else {
        return println!("the cases are not beside the workspace: only the committed ones were checked");
    };
    let cases = Case::from_file(&read(&file)).unwrap();
    assert_eq!(cases.len(), 40);
    let report = run(&cases);
    assert_passed(&report);
    assert_eq!(report.passed(), 40);
}

/// The committed cases have something of everything: else a fresh clone would check less than it seems.
#[test]
fn the_committed_cases_cover_everything() {
    let cases = session_cases();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "names are unique");
    let (mut instrs, mut ends, mut verdicts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for case in &cases {
        verdicts.insert(match case.verdict {
            Verdict::Accept => "accept",
            Verdict::Reject(_) => "reject",
            Verdict::Incoherent => "incoherent",
            Verdict::IllFormed => "ill-formed",
        });
        let Body::Run(run) = &case.body else { continue };
        instrs.extend(run.roles.iter().flat_map(|role| &role.code).map(Instr::name));
        ends.extend(run.expect.status.iter().map(|status| match status {
            Status::Fault(fault, _) => fault.as_str(),
            Status::AllDone => "all_done",
            Status::Stuck => "stuck",
            Status::MaxSteps => "max_steps",
            Status::Other(_) => "other",
        }));
    }
    assert_eq!(instrs, Instr::names().collect());
    assert_eq!(verdicts.len(), 4, "{verdicts:?}");
    let faults = ["acquire", "buffer_full", "channel_closed", "invoke", "speculation", "transfer"];
    let more = ["type_violation", "unknown_label", "all_done", "stuck", "max_steps"];
    assert_eq!(ends, faults.into_iter().chain(more).collect());
}
