//! What the checks notice, with runs that no engine made.

use super::case::{Case, Expect, Run, Verdict};
use super::class::Class;
use super::deviations::{Deviations, Listed};
use super::repeat::{Target, check_all};
use super::run::{Match, compare};
use super::{Findings, names};
use crate::engine::{
    End, EngineKind, Loaded, Pace, Refusal, RunLimits, RunRequest, RunResult, Trace, Tracing, TrapAt,
};
use crate::report::Report;
use crate::value::CaseValue;
use opforge::container::{DecodeConfig, decode};
use serde_json::{Value as Json, json};

fn trap(kind: &str) -> TrapAt {
    TrapAt { kind: kind.to_owned(), func: 0, pc: 0, span: None, detail: Json::Null }
}

fn run(expect: Expect, fuel_used: u64) -> Run {
    let limits = RunLimits { fuel: 100, ..RunLimits::default() };
    Run { entry: 0, args: Vec::new(), limits, expect, fuel_used, host_calls: 0 }
}

fn result(end: End, fuel_used: u64) -> RunResult {
    RunResult { end, fuel_used, charged: 0, host_calls: 0, trace: None }
}

/// An engine whose runs use ten units of fuel, unless it is told to do something wrong.
#[derive(Clone, Copy, Debug)]
struct Fake {
    /// What a run needs at least.
    least: u64,
    /// What a run in slices uses.
    sliced: u64,
    /// What a traced run uses.
    traced: u64,
    trace: Trace,
}

const TRUE: Fake = Fake {
    least: 10,
    sliced: 10,
    traced: 10,
    trace: Trace { instrs: 10, last: None, open_calls: 0, host_calls: 0, open_host_calls: 0 },
};

impl Loaded for Fake {
    fn run(&mut self, request: &RunRequest<'_>) -> RunResult {
        if request.limits.fuel < self.least {
            return result(End::Trap(trap(TrapAt::OUT_OF_FUEL)), request.limits.fuel);
        }
        let fuel = match (request.pace, request.tracing) {
            (Pace::Whole, Tracing::Off) => 10,
            (Pace::Whole, Tracing::On) => self.traced,
            (Pace::Slices(_), _) => self.sliced,
        };
        let trace = (request.tracing == Tracing::On).then_some(self.trace);
        RunResult { trace, ..result(End::Finished(Vec::new()), fuel) }
    }
}

fn check(mut v1: Fake, mut by_size: Fake) -> String {
    let case = Case {
        name: "fake".to_owned(),
        container: Vec::new(),
        verdict: Verdict::Valid,
        canonical: None,
        tags: Vec::new(),
        runs: vec![run(Expect::Results(Vec::new()), 10)],
    };
    let mut findings = Findings::default();
    let target = Target { engine: EngineKind::Interp, v1: &mut v1, by_size: &mut by_size };
    check_all(&case, target, &mut findings, &mut Report::new());
    findings.differences.join("\n")
}

#[test]
fn runs_are_repeated_in_ways_that_change_nothing() {
    assert_eq!(check(TRUE, TRUE), "");
    let trace = |instrs: u64, open_calls: i64, host_calls: u64, open_host_calls: i64| {
        let trace = Trace { instrs, last: None, open_calls, host_calls, open_host_calls };
        Fake { trace, ..TRUE }
    };
    for (fake, what) in [
        (Fake { least: 9, ..TRUE }, "one less than it used"),
        (Fake { sliced: 9, ..TRUE }, "in slices of 1"),
        (Fake { traced: 9, ..TRUE }, "traced: "),
        (trace(9, 0, 0, 0), "the trace does not fit"),
        (trace(10, 1, 0, 0), "the trace does not fit"),
        (trace(10, 0, 1, 0), "the trace does not fit"),
        (trace(10, 0, 0, -1), "the trace does not fit"),
    ] {
        let found = check(fake, TRUE);
        assert!(found.contains(what) && !found.contains("by size"), "{found}");
    }
    for fake in [Fake { least: 9, ..TRUE }, Fake { sliced: 9, ..TRUE }, Fake { least: 1000, ..TRUE }] {
        let found = check(TRUE, fake);
        assert!(found.contains("charged by size"), "{found}");
    }
}

#[test]
fn refusals_stand_for_traps_at_the_entry_only() {
    let refused = |refusal: Refusal, fuel: u64| result(End::Refused(refusal), fuel);
    let invalid = run(Expect::Trap(trap("InvalidPc")), 0);
    for refusal in [Refusal::UnknownFunction, Refusal::ArgumentCount] {
        assert_eq!(compare(&invalid, &refused(refusal, 0)), Match::Deviates(Class::InvalidPc));
    }
    let other = refused(Refusal::Other("full".to_owned()), 0);
    assert!(matches!(compare(&invalid, &other), Match::Differs(_)));

    let detail = json!({ "expected": "I64", "actual": "Str" });
    let mismatch =
        |span, fuel| run(Expect::Trap(TrapAt { detail: detail.clone(), span, ..trap("TypeMismatch") }), fuel);
    let argument =
        |actual: &str| refused(Refusal::ArgumentType { expected: json!("I64"), actual: json!(actual) }, 0);
    assert_eq!(compare(&mismatch(None, 0), &argument("Str")), Match::Same);
    assert!(matches!(compare(&mismatch(None, 0), &argument("U64")), Match::Differs(_)));
    assert!(matches!(compare(&mismatch(Some(1), 0), &argument("Str")), Match::Differs(_)));
    assert!(matches!(compare(&mismatch(None, 1), &argument("Str")), Match::Differs(_)));
}

#[test]
fn deviations_of_runs_are_exact() {
    let at = |kind: &str, pc: u32| result(End::Trap(TrapAt { pc, ..trap(kind) }), 3);
    let invalid = run(Expect::Trap(trap("InvalidPc")), 3);
    assert_eq!(compare(&invalid, &at("InvalidFunction", 0)), Match::Deviates(Class::InvalidPc));
    assert_eq!(compare(&invalid, &at("TypeMismatch", 0)), Match::Deviates(Class::InvalidPc));
    assert!(matches!(compare(&invalid, &at("TypeMismatch", 1)), Match::Differs(_)));
    assert!(matches!(compare(&invalid, &at("AggError", 0)), Match::Differs(_)));

    let saturated = |value: CaseValue| run(Expect::Results(vec![value]), 4);
    let limit = at("FloatToIntInvalid", 2);
    for value in [CaseValue::I64(i64::MAX), CaseValue::U64(u64::MAX)] {
        assert_eq!(compare(&saturated(value), &limit), Match::Deviates(Class::FloatLimit));
    }
    assert!(matches!(compare(&saturated(CaseValue::I64(0)), &limit), Match::Differs(_)));
    let elsewhere = at("IntCastOverflow", 2);
    assert!(matches!(compare(&saturated(CaseValue::I64(i64::MAX)), &elsewhere), Match::Differs(_)));

    let moved = |bits: u64| run(Expect::Results(vec![CaseValue::F64(bits)]), 4);
    let nan = |bits: u64| result(End::Finished(vec![CaseValue::F64(bits)]), 4);
    let quiet = 0x7ff8_0000_0000_0000;
    assert_eq!(compare(&moved(quiet | 1), &nan(quiet)), Match::Deviates(Class::NanBits));
    assert_eq!(compare(&moved(quiet), &nan(quiet)), Match::Same);
    assert!(matches!(compare(&moved(quiet | 1), &nan(quiet | 1)), Match::Differs(_)));
}

#[test]
fn symbols_with_control_characters_are_written_as_rust_writes_them() {
    let failed = |symbol: &str| TrapAt {
        detail: json!({ "symbol": symbol, "sig_hash": 1, "error": "UnknownSymbol" }),
        ..trap("HostCallFailed")
    };
    let compare = |expected: &str, actual: &str| {
        compare(&run(Expect::Trap(failed(expected)), 3), &result(End::Trap(failed(actual)), 3))
    };
    assert_eq!(compare("host.x", "host.x"), Match::Same);
    assert_eq!(compare(r#""h\u{10}st""#, "h\u{10}st"), Match::Same);
    assert!(matches!(compare(r#""h\u{11}st""#, "h\u{10}st"), Match::Differs(_)));
    assert!(matches!(compare(r#""host.x""#, "host.x"), Match::Differs(_)));
}

#[test]
fn the_list_of_deviations_is_read_strictly() {
    let list = Deviations::parse("# note\n\na/b: accepted: why\nc: error X: because: of this\n").unwrap();
    assert_eq!(list.get("a/b"), Some(&Listed::Accepted));
    assert_eq!(list.get("c"), Some(&Listed::Error("X".to_owned())));
    assert_eq!(list.iter().last().map(|(.., reason)| reason), Some("because: of this"));
    for (text, error) in [
        ("a", "line 1"),
        ("a: accepted", "line 1"),
        ("a: refused: why", "\"refused\""),
        ("\na: accepted: ", "line 2: a deviation needs a reason"),
        ("a: accepted: x\na: error X: y", "line 2: a is listed twice"),
    ] {
        let found = Deviations::parse(text).unwrap_err();
        assert!(found.contains(error), "{found}");
    }
    assert!(Deviations::committed().is_ok());
}

#[test]
fn names_of_decode_errors() {
    let error = decode(b"not a container!", &DecodeConfig::new()).unwrap_err();
    assert!(names::decode_error_is(&error, "BadMagic"));
    assert!(!names::decode_error_is(&error, "MissingSection"));
}
