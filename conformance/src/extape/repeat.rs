//! The runs of a case on one engine: once as the case says, then again in ways that must not change what happens.

use super::Findings;
use super::case::{Case, Run};
use super::run::{Match, compare};
use crate::engine::{End, EngineKind, Loaded, Pace, RunLimits, RunRequest, RunResult, Tracing};
use crate::report::Report;
use opforge::FuelSchedule;

/// Sizes of the slices in which fuel is given: one that stops at every instruction and one that stops at odd places.
const SLICES: [u64; 2] = [1, 7];

/// How much more fuel a run may need where fuel is charged by size.
const BY_SIZE_FACTOR: u64 = 64;

/// A program on one engine, charged by each schedule.
#[derive(Debug)]
pub(super) struct Target<'e> {
    pub(super) engine: EngineKind,
    /// One unit for every instruction: what the cases count.
    pub(super) v1: &'e mut dyn Loaded,
    /// By size as well.
    pub(super) by_size: &'e mut dyn Loaded,
}

/// Runs everything a case asks for.
pub(super) fn check_all(case: &Case, target: Target<'_>, findings: &mut Findings, report: &mut Report) {
    for (index, run) in case.runs.iter().enumerate() {
        report.count("runs", 1);
        let result = target.v1.run(&request(run, run.limits.fuel, Pace::Whole));
        let mut differences = Vec::new();
        match compare(run, &result) {
            Match::Same => {}
            Match::Deviates(class) if case.tags.contains(&class) => {
                findings.classes.insert(class);
                report.count(&format!("deviation {class}, runs"), 1);
            }
            Match::Deviates(class) => differences.push(format!(
                "expected {}, got {}: this is {class}, but the case is not tagged so",
                run.expect.describe(),
                result.end
            )),
            Match::Differs(difference) => differences.push(difference),
        }
        if !matches!(result.end, End::Refused(_)) {
            check_least_fuel(run, &result, target.v1, &mut differences);
            check_slices(run, (&result, run.limits.fuel), target.v1, &mut differences);
            let traced = (&result, run.limits.fuel, FuelSchedule::V1);
            check_traced(run, traced, target.v1, &mut differences);
            check_by_size(run, &result, target.by_size, &mut differences, report);
        }
        for difference in differences {
            findings.differs(format!("{}, run {index}: {difference}", target.engine));
        }
    }
}

fn request(run: &Run, fuel: u64, pace: Pace) -> RunRequest<'_> {
    let limits = RunLimits { fuel, ..run.limits };
    RunRequest { entry: run.entry, args: &run.args, limits, pace, tracing: Tracing::Off }
}

/// The fuel that a run used is the least with which it ends so.
fn check_least_fuel(run: &Run, result: &RunResult, loaded: &mut dyn Loaded, differences: &mut Vec<String>) {
    if result.end.is_out_of_fuel() {
        return;
    }
    let Some(fuel) = result.fuel_used.checked_sub(1) else { return };
    let short = loaded.run(&request(run, fuel, Pace::Whole));
    if !short.end.is_out_of_fuel() || short.fuel_used != fuel {
        differences.push(format!(
            "with {fuel} units of fuel, one less than it used: {}, fuel used {}",
            short.end, short.fuel_used
        ));
    }
}

/// Fuel that is given in slices changes neither the end of a run nor what it costs.
fn check_slices(
    run: &Run,
    (whole, fuel): (&RunResult, u64),
    loaded: &mut dyn Loaded,
    differences: &mut Vec<String>,
) {
    for slice in SLICES {
        let sliced = loaded.run(&request(run, fuel, Pace::Slices(slice)));
        let same_cost = sliced.fuel_used == whole.fuel_used && sliced.host_calls == whole.host_calls;
        if sliced.end != whole.end || !same_cost {
            differences.push(format!(
                "in slices of {slice}: {}, fuel used {}, host calls {}; at once: {}, fuel used {}, host calls {}",
                sliced.end, sliced.fuel_used, sliced.host_calls, whole.end, whole.fuel_used, whole.host_calls
            ));
        }
    }
}

/// A trace changes nothing, and says what happened: every instruction that ran, the one that trapped last, every host
/// call, and an end for every call once the run has ended. It says the same when the run stops in between.
fn check_traced(
    run: &Run,
    (whole, fuel, schedule): (&RunResult, u64, FuelSchedule),
    loaded: &mut dyn Loaded,
    differences: &mut Vec<String>,
) {
    let mut traced = |pace| loaded.run(&RunRequest { tracing: Tracing::On, ..request(run, fuel, pace) });
    let mut result = traced(Pace::Whole);
    let Some(trace) = result.trace.take() else {
        return differences.push("the engine does not trace".to_owned());
    };
    if result != *whole {
        differences.push(format!("traced: {}, fuel used {}", result.end, result.fuel_used));
    }
    // By size, instructions cost more than one unit.
    let paid = schedule != FuelSchedule::V1 || trace.instrs + whole.charged == whole.fuel_used;
    let ended = !whole.end.is_out_of_fuel();
    let closed = !ended || (trace.open_calls, trace.open_host_calls) == (0, 0);
    let at_trap = match &whole.end {
        End::Trap(trap) if ended => trace.last == Some((trap.func, trap.pc, trap.span)),
        _ => true,
    };
    if !paid || !closed || !at_trap || trace.host_calls != whole.host_calls {
        differences.push(format!("the trace does not fit the run: {trace:?}, {whole:?}"));
    }
    for slice in SLICES {
        let sliced = traced(Pace::Slices(slice));
        if sliced.trace != Some(trace) {
            differences.push(format!("traced in slices of {slice}: {:?}, at once: {trace:?}", sliced.trace));
        }
    }
}

/// Another schedule changes only what a run costs; fuel is as exact there.
fn check_by_size(
    run: &Run,
    v1: &RunResult,
    loaded: &mut dyn Loaded,
    differences: &mut Vec<String>,
    report: &mut Report,
) {
    if v1.end.is_out_of_fuel() {
        return;
    }
    let fuel = v1.fuel_used.saturating_mul(BY_SIZE_FACTOR);
    let by_size = loaded.run(&request(run, fuel, Pace::Whole));
    let same = (&by_size.end, by_size.host_calls) == (&v1.end, v1.host_calls);
    if !same || by_size.fuel_used < v1.fuel_used {
        differences.push(format!(
            "charged by size: {}, fuel used {}, {} by instructions alone",
            by_size.end, by_size.fuel_used, v1.fuel_used
        ));
        return;
    }
    let before = differences.len();
    check_least_fuel(run, &by_size, loaded, differences);
    check_slices(run, (&by_size, fuel), loaded, differences);
    check_traced(run, (&by_size, fuel, FuelSchedule::BySize), loaded, differences);
    for difference in differences.iter_mut().skip(before) {
        difference.insert_str(0, "charged by size, ");
    }
    report.count("runs that cost more by size", u64::from(by_size.fuel_used > v1.fuel_used));
}
