//! Runs of a program, compared with what the case expects.

use super::Findings;
use super::case::{Case, Expect, Run};
use super::class::Class;
use crate::engine::{self, End, EngineKind, Loaded, Pace, Refusal, RunLimits, RunRequest, RunResult, TrapAt};
use crate::report::Report;
use crate::value::{CaseValue, Likeness};
use serde_json::{Value as Json, json};

/// Sizes of the slices in which fuel is given: one that stops at every instruction and one that stops at odd places.
const SLICES: [u64; 2] = [1, 7];

/// How the end of a run compares with the expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// As expected.
    Same,
    /// Not as expected, on purpose.
    Deviates(Class),
    /// Not as expected; what differs.
    Differs(String),
}

/// Runs everything a case asks for on one engine.
pub(super) fn check_all(
    case: &Case,
    (engine, loaded): (EngineKind, &mut dyn Loaded),
    findings: &mut Findings,
    report: &mut Report,
) {
    for (index, run) in case.runs.iter().enumerate() {
        report.count("runs", 1);
        let result = loaded.run(&request(run, run.limits, Pace::Whole));
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
        check_least_fuel(run, &result, loaded, &mut differences, report);
        check_slices(run, &result, loaded, &mut differences, report);
        for difference in differences {
            findings.differs(format!("{engine}, run {index}: {difference}"));
        }
    }
}

fn request<'r>(run: &'r Run, limits: RunLimits, pace: Pace) -> RunRequest<'r> {
    RunRequest { entry: run.entry, args: &run.args, limits, pace }
}

/// Compares the end of a run, its fuel and its host calls with the expectation.
#[must_use]
pub fn compare(run: &Run, result: &RunResult) -> Match {
    let ends = compare_ends(run, result);
    if matches!(ends, Match::Differs(_)) {
        return ends;
    }
    // A conversion that traps where the reference implementation went on has done less by then.
    let stops_earlier = ends == Match::Deviates(Class::FloatLimit);
    let fuel_fits =
        if stops_earlier { result.fuel_used < run.fuel_used } else { result.fuel_used == run.fuel_used };
    let calls_fit =
        if stops_earlier { result.host_calls <= run.host_calls } else { result.host_calls == run.host_calls };
    if !fuel_fits {
        return Match::Differs(format!("fuel used {}, expected {}", result.fuel_used, run.fuel_used));
    }
    if !calls_fit {
        return Match::Differs(format!("host calls {}, expected {}", result.host_calls, run.host_calls));
    }
    ends
}

fn compare_ends(run: &Run, result: &RunResult) -> Match {
    let same_or = |same: bool, otherwise: Match| if same { Match::Same } else { otherwise };
    let differs = || Match::Differs(format!("expected {}, got {}", run.expect.describe(), result.end));
    match (&run.expect, &result.end) {
        (Expect::Results(expected), End::Finished(actual)) => {
            match CaseValue::compare_all(expected, actual) {
                Likeness::Same => Match::Same,
                Likeness::CanonicalNan => Match::Deviates(Class::NanBits),
                Likeness::Different => differs(),
            }
        }
        (Expect::Results(expected), End::Trap(trap)) if is_float_limit(expected, trap) => {
            Match::Deviates(Class::FloatLimit)
        }
        (Expect::Trap(expected), End::Trap(actual)) if expected.kind == "InvalidPc" => {
            let instead = matches!(actual.kind.as_str(), "TypeMismatch" | "InvalidFunction");
            if instead && expected.same_place(actual) { Match::Deviates(Class::InvalidPc) } else { differs() }
        }
        (Expect::Trap(expected), End::Trap(actual)) => {
            let same = (&expected.kind, expected.same_place(actual)) == (&actual.kind, true);
            same_or(same && same_detail(&expected.detail, &actual.detail), differs())
        }
        (Expect::Trap(expected), End::Refused(refusal)) if is_at_entry(run, expected) => {
            match (expected.kind.as_str(), refusal) {
                ("TypeMismatch", Refusal::ArgumentType { expected: wanted, actual }) => {
                    same_or(expected.detail == json!({ "expected": wanted, "actual": actual }), differs())
                }
                ("InvalidPc", Refusal::UnknownFunction | Refusal::ArgumentCount) => {
                    Match::Deviates(Class::InvalidPc)
                }
                _ => differs(),
            }
        }
        _ => differs(),
    }
}

/// Whether the details of two traps say the same. The corpus has symbols with control characters in the notation of a
/// Rust string literal.
fn same_detail(expected: &Json, actual: &Json) -> bool {
    let symbol = |detail: &Json| detail.get("symbol").and_then(Json::as_str).map(str::to_owned);
    let (Some(written), Some(plain)) = (symbol(expected), symbol(actual)) else { return expected == actual };
    if !plain.contains(char::is_control) || written != format!("{plain:?}") {
        return expected == actual;
    }
    let mut actual = actual.clone();
    actual["symbol"] = Json::String(written);
    *expected == actual
}

/// Whether a saturated result is `FloatToIntInvalid` here.
fn is_float_limit(expected: &[CaseValue], trap: &TrapAt) -> bool {
    let saturated = matches!(expected, [CaseValue::I64(i64::MAX) | CaseValue::U64(u64::MAX)]);
    saturated && trap.kind == "FloatToIntInvalid" && trap.detail.is_null()
}

/// Whether an expected trap is one of a run that was refused before anything ran: `pc` 0 of the entry, no span, no fuel.
fn is_at_entry(run: &Run, trap: &TrapAt) -> bool {
    (trap.func, trap.pc, trap.span, run.fuel_used) == (run.entry, 0, None, 0)
}

/// The fuel that a run used is the least with which it ends so.
fn check_least_fuel(
    run: &Run,
    result: &RunResult,
    loaded: &mut dyn Loaded,
    differences: &mut Vec<String>,
    report: &mut Report,
) {
    if result.fuel_used == 0 || result.end.is_out_of_fuel() {
        return;
    }
    report.count("runs repeated with one unit of fuel less", 1);
    let fuel = result.fuel_used - 1;
    let short = loaded.run(&request(run, RunLimits { fuel, ..run.limits }, Pace::Whole));
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
    whole: &RunResult,
    loaded: &mut dyn Loaded,
    differences: &mut Vec<String>,
    report: &mut Report,
) {
    if matches!(whole.end, End::Refused(_)) {
        return;
    }
    for slice in SLICES {
        let sliced = loaded.run(&request(run, run.limits, Pace::Slices(slice)));
        // A charge of the host takes only what is there, so a slice may pay less than the whole would have.
        let more = sliced.forgiven.saturating_sub(whole.forgiven);
        if more > 0 && whole.end.is_out_of_fuel() {
            report.count("runs in slices that pay less for charges and get further", 1);
            continue;
        }
        report.count("runs repeated in slices", 1);
        let same_cost = sliced.fuel_used + more == whole.fuel_used && sliced.host_calls == whole.host_calls;
        if sliced.end != whole.end || !same_cost {
            differences.push(format!(
                "in slices of {slice}: {}, fuel used {} (and {more} not charged), host calls {}; at once: {}, \
                 fuel used {}, host calls {}",
                sliced.end, sliced.fuel_used, sliced.host_calls, whole.end, whole.fuel_used, whole.host_calls
            ));
        }
    }
}

impl Expect {
    /// The expectation in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Results(values) => format!("results {}", engine::list(values)),
            Self::Trap(trap) => format!("trap {trap}"),
        }
    }
}
