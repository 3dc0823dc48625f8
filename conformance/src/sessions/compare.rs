//! How a run compares with what the case expects.

use super::case::Expect;
use super::run::Outcome;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Events that differ, one by one, before the rest is only counted.
const SHOWN: usize = 5;

/// Everything that is not as expected.
pub(super) fn compare(expect: &Expect, found: &Outcome) -> Vec<String> {
    let mut differences = Vec::new();
    let status = |status: &[super::case::Status]| {
        status.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    if expect.status != found.status {
        differences.push(format!(
            "status: expected {}, found {}",
            status(&expect.status),
            status(&found.status)
        ));
    }
    events(&expect.events, &found.events, &mut differences);
    if let Some(expected) = &expect.registers {
        registers(expected, &found.registers, &mut differences);
    }
    differences
}

fn events(expected: &[(u64, Json)], found: &[(u64, Json)], differences: &mut Vec<String>) {
    let show = |event: Option<&(u64, Json)>| {
        event.map_or_else(|| "nothing".to_owned(), |(tick, event)| format!("tick {tick} {event}"))
    };
    let len = expected.len().max(found.len());
    let differ: Vec<usize> = (0..len).filter(|&at| expected.get(at) != found.get(at)).collect();
    for &at in differ.iter().take(SHOWN) {
        let (expected, found) = (show(expected.get(at)), show(found.get(at)));
        differences.push(format!("event {at}: expected {expected}, found {found}"));
    }
    if differ.len() > SHOWN {
        differences.push(format!("{} events differ more", differ.len() - SHOWN));
    }
}

fn registers(
    expected: &BTreeMap<usize, BTreeMap<u32, Json>>,
    found: &BTreeMap<usize, BTreeMap<u32, Json>>,
    differences: &mut Vec<String>,
) {
    let none = BTreeMap::new();
    let coros = expected.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
    for &coro in coros {
        let (expected, found) = (expected.get(&coro).unwrap_or(&none), found.get(&coro).unwrap_or(&none));
        let regs = expected.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
        for reg in regs {
            let (expected, found) = (expected.get(reg), found.get(reg));
            if expected != found {
                let show =
                    |value: Option<&Json>| value.map_or_else(|| "unit".to_owned(), ToString::to_string);
                let (expected, found) = (show(expected), show(found));
                differences
                    .push(format!("coroutine {coro}, register {reg}: expected {expected}, found {found}"));
            }
        }
    }
}
