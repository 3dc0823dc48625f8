//! As for the EXTAPE corpus: every expectation of the committed session cases is falsified in turn, and each falsehood
//! must be noticed.

mod support;

use opforge_conformance::engine::EngineKind;
use opforge_conformance::report::Report;
use opforge_conformance::sessions::{Body, Case, Expect, Instr, Printing, Run, Status, Verdict, run_cases};
use serde_json::{Value as Json, json};
use support::session_cases;

fn failures(case: &Case) -> usize {
    let mut report = Report::new();
    run_cases(std::slice::from_ref(case), &[EngineKind::Interp], Printing::Differences, &mut report);
    report.failed()
}

/// Falsifies cases in one way, and fails for those where nobody notices.
#[track_caller]
fn assert_noticed(what: &str, falsify: impl Fn(&mut Case) -> bool) {
    let mut tried = 0;
    for case in session_cases() {
        let mut falsehood = case.clone();
        if falsify(&mut falsehood) {
            tried += 1;
            assert_eq!(failures(&falsehood), 1, "{}: {what}", case.name);
        }
    }
    assert!(tried > 0, "no case to falsify: {what}");
}

#[track_caller]
fn assert_noticed_in_runs(what: &str, falsify: impl Fn(&mut Run) -> bool) {
    assert_noticed(what, |case| match &mut case.body {
        Body::Run(run) => falsify(run),
        Body::Compile { .. } | Body::Unknown(_) => false,
    });
}

/// What is made false, and how; `false` if the case has nothing of the kind.
type Falsehood = (&'static str, fn(&mut Expect) -> bool);

#[test]
fn a_false_event_is_noticed() {
    let falsehoods: [Falsehood; 6] = [
        ("the first is at another tick", |expect| {
            let first = expect.events.first_mut();
            first.map(|(tick, _)| *tick += 1).is_some()
        }),
        ("the last is at another tick", |expect| {
            let last = expect.events.last_mut();
            last.map(|(tick, _)| *tick += 1).is_some()
        }),
        ("the last is missing", |expect| expect.events.pop().is_some()),
        ("one more", |expect| {
            expect.events.push((999, json!(["halted", 0])));
            true
        }),
        ("two in another order", |expect| {
            let same_tick = expect.events.windows(2).position(|pair| pair[0].0 == pair[1].0);
            same_tick.map(|at| expect.events.swap(at, at + 1)).is_some()
        }),
        ("every one says something else", |expect| {
            expect.events.iter_mut().for_each(|(_, event)| *event = other_event(event));
            true
        }),
    ];
    for (what, falsify) in falsehoods {
        assert_noticed_in_runs(what, |run| falsify(&mut run.expect));
    }
}

/// Every field of every kind of event counts.
#[test]
fn every_field_of_an_event_counts() {
    let mut kinds = std::collections::BTreeSet::new();
    for case in session_cases() {
        let Body::Run(run) = &case.body else { continue };
        for (at, (_, event)) in run.expect.events.iter().enumerate() {
            let fields = event.as_array().unwrap();
            if !kinds.insert(fields[0].as_str().unwrap().to_owned()) {
                continue;
            }
            for field in 0..fields.len() {
                let mut falsehood = case.clone();
                let Body::Run(run) = &mut falsehood.body else { continue };
                let value = &mut run.expect.events[at].1[field];
                *value = other_value(value);
                assert_eq!(failures(&falsehood), 1, "{}: field {field} of {event}", case.name);
            }
        }
    }
    assert!(kinds.len() >= 20, "{kinds:?}");
}

fn other_event(event: &Json) -> Json {
    let fields = event.as_array().unwrap();
    fields
        .iter()
        .enumerate()
        .map(|(at, field)| if at == 0 { field.clone() } else { other_value(field) })
        .collect()
}

fn other_value(value: &Json) -> Json {
    match value {
        Json::Null => json!(0),
        Json::Bool(v) => json!(!v),
        Json::Number(_) => json!(value.as_u64().unwrap() + 1),
        Json::String(text) => json!(format!("{text}?")),
        Json::Array(values) => values.iter().map(other_value).collect(),
        Json::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), other_value(value))).collect()
        }
    }
}

#[test]
fn a_false_end_is_noticed() {
    assert_noticed_in_runs("another end", |run| {
        for status in &mut run.expect.status {
            *status = match status {
                Status::AllDone => Status::Stuck,
                Status::Stuck => Status::MaxSteps,
                Status::Fault(fault, coro) => Status::Fault(fault.clone(), *coro + 1),
                _ => Status::AllDone,
            };
        }
        true
    });
    assert_noticed_in_runs("another fault", |run| {
        let mut faults = run.expect.status.iter_mut().filter_map(|status| match status {
            Status::Fault(fault, _) => Some(fault),
            _ => None,
        });
        faults.next().map(|fault| fault.push('?')).is_some()
    });
    assert_noticed_in_runs("one end less", |run| run.expect.status.pop().is_some());
}

#[test]
fn a_false_register_is_noticed() {
    assert_noticed_in_runs("another value", |run| {
        let registers = run.expect.registers.iter_mut().flatten();
        let mut changed = false;
        for (_, registers) in registers {
            for value in registers.values_mut() {
                (*value, changed) = (other_value(value), true);
            }
        }
        changed
    });
    assert_noticed_in_runs("one register less", |run| {
        let mut registers = run.expect.registers.iter_mut().flat_map(|coros| coros.values_mut());
        registers.next().is_some_and(|registers| registers.pop_last().is_some())
    });
    assert_noticed_in_runs("one register more", |run| {
        let registers = run.expect.registers.as_mut().and_then(|coros| coros.get_mut(&0));
        registers.map(|registers| registers.insert(15, json!(1))).is_some()
    });
}

#[test]
fn false_code_of_a_type_is_noticed() {
    for (what, falsify) in [
        ("one instruction less", (|code| code.pop().is_some()) as fn(&mut Vec<Instr>) -> bool),
        ("one more", |code| {
            code.push(Instr::Halt);
            true
        }),
        ("another first one", |code| {
            code[0] = Instr::Yield;
            true
        }),
    ] {
        assert_noticed(what, |case| match &mut case.body {
            Body::Compile { code, .. } => falsify(code),
            Body::Run(_) | Body::Unknown(_) => false,
        });
    }
}

#[test]
fn a_false_verdict_is_noticed() {
    let reject = session_cases().into_iter().find_map(|case| match case.verdict {
        Verdict::Reject(reason) => Some(Verdict::Reject(reason)),
        _ => None,
    });
    for verdict in [Verdict::Accept, Verdict::Incoherent, Verdict::IllFormed, reject.unwrap()] {
        assert_noticed("another verdict", |case| {
            let fits =
                matches!(case.body, Body::Run(_)) || matches!(verdict, Verdict::Accept | Verdict::IllFormed);
            let differs = std::mem::discriminant(&case.verdict) != std::mem::discriminant(&verdict);
            case.verdict = verdict.clone();
            fits && differs
        });
    }
    // Refused for another reason than the case says. Of these cases each has only one.
    let single =
        ["send_type_violation", "offer_unknown_label", "payload_annotation_mismatch", "error_in_loop"];
    let cases = session_cases();
    let cases = cases.iter().filter(|case| single.contains(&case.name.as_str()));
    let reasons: Vec<&Verdict> = cases.map(|case| &case.verdict).collect();
    assert_eq!(reasons.len(), single.len());
    for other in reasons {
        assert_noticed("another reason", |case| {
            let differs = single.contains(&case.name.as_str()) && case.verdict != *other;
            case.verdict = other.clone();
            differs
        });
    }
}
