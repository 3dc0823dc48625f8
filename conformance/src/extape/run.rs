//! How the end of a run compares with what the case expects.

use super::case::{Expect, Run};
use super::class::Class;
use crate::engine::{self, End, Refusal, RunResult, TrapAt};
use crate::value::{CaseValue, Likeness};
use serde_json::{Value as Json, json};

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
