//! A conformance test that cannot fail says nothing: every expectation of the sample is falsified in turn, and each
//! falsehood must be noticed.

mod support;

use opforge_conformance::engine::{EngineKind, TrapAt};
use opforge_conformance::extape::{Case, Class, Deviations, Expect, Verdict, run_cases};
use opforge_conformance::report::Report;
use opforge_conformance::value::CaseValue;
use serde_json::json;
use support::sample;

fn failures(case: &Case, deviations: &Deviations) -> usize {
    let mut report = Report::new();
    run_cases(std::slice::from_ref(case), EngineKind::ALL, deviations, &mut report);
    report.failed()
}

/// Cases that pass without any deviation.
fn plain() -> Vec<Case> {
    let deviations = Deviations::committed().unwrap();
    let plain =
        sample().into_iter().filter(|case| case.tags.is_empty() && deviations.get(&case.name).is_none());
    plain.collect()
}

/// Falsifies cases in one way, and fails for those where nobody notices.
fn assert_noticed(cases: &[Case], what: &str, falsify: impl Fn(&mut Case) -> bool) {
    let deviations = Deviations::committed().unwrap();
    let mut tried = 0;
    for case in cases {
        let mut falsehood = case.clone();
        if falsify(&mut falsehood) {
            tried += 1;
            assert_eq!(failures(&falsehood, &deviations), 1, "{}: {what}", case.name);
        }
    }
    assert!(tried > 0, "no case to falsify: {what}");
}

/// Falsifies every run of every case in one way, one run at a time.
fn assert_noticed_in_runs(what: &str, falsify: impl Fn(&mut opforge_conformance::extape::Run) -> bool) {
    for case in plain() {
        for index in 0..case.runs.len() {
            let mut falsehood = case.clone();
            if falsify(&mut falsehood.runs[index]) {
                let deviations = Deviations::default();
                assert_eq!(failures(&falsehood, &deviations), 1, "{}, run {index}: {what}", case.name);
            }
        }
    }
}

fn trap(expect: &mut Expect) -> Option<&mut TrapAt> {
    match expect {
        Expect::Trap(trap) => Some(trap),
        Expect::Results(_) => None,
    }
}

#[test]
fn a_false_stage_is_noticed() {
    let cases = plain();
    let (decode, verify) = (Verdict::DecodeError("X".to_owned()), Verdict::VerifyError("X".to_owned()));
    for verdict in [Verdict::Valid, decode, verify] {
        let differs = |case: &Case| std::mem::discriminant(&case.verdict) != std::mem::discriminant(&verdict);
        assert_noticed(&cases, "verdict", |case| {
            let differs = differs(case) && case.verdict != Verdict::PeerCrash;
            case.verdict = verdict.clone();
            differs
        });
    }
    assert_noticed(&cases, "a crash that was none", |case| {
        let valid = case.verdict == Verdict::Valid;
        case.verdict = Verdict::PeerCrash;
        valid
    });
    assert_noticed(&cases, "canonical", |case| {
        // Bytes that the format ignores stand there and are not written back.
        let trailing =
            case.name.starts_with("rejected/decode/trailing_byte") && case.verdict == Verdict::Valid;
        case.canonical = Some(true);
        trailing
    });
}

#[test]
fn a_false_name_of_an_error_is_noticed() {
    assert_noticed(&plain(), "name", |case| {
        match &mut case.verdict {
            Verdict::DecodeError(name) | Verdict::VerifyError(name) => name.push('X'),
            _ => return false,
        }
        case.has_one_cause()
    });
}

#[test]
fn a_false_number_is_noticed() {
    assert_noticed_in_runs("more fuel", |run| {
        run.fuel_used += 1;
        true
    });
    assert_noticed_in_runs("less fuel", |run| {
        run.fuel_used = run.fuel_used.wrapping_sub(1);
        true
    });
    assert_noticed_in_runs("host calls", |run| {
        run.host_calls += 1;
        true
    });
}

#[test]
fn a_false_trap_is_noticed() {
    let falsehoods: [fn(&mut TrapAt); 5] = [
        |trap| trap.kind.push('X'),
        |trap| trap.func += 1,
        |trap| trap.pc += 1,
        |trap| trap.span = if trap.span.is_none() { Some(1) } else { None },
        |trap| trap.detail = if trap.detail.is_null() { json!(0) } else { json!(null) },
    ];
    for falsify in falsehoods {
        assert_noticed_in_runs("trap", |run| trap(&mut run.expect).map(falsify).is_some());
    }
    assert_noticed_in_runs("results instead of a trap", |run| {
        let is_trap = trap(&mut run.expect).is_some();
        run.expect = Expect::Results(Vec::new());
        is_trap
    });
}

#[test]
fn a_false_result_is_noticed() {
    assert_noticed_in_runs("one result more", |run| match &mut run.expect {
        Expect::Results(values) => {
            values.push(CaseValue::Unit);
            true
        }
        Expect::Trap(_) => false,
    });
    assert_noticed_in_runs("another result", |run| match &mut run.expect {
        Expect::Results(values) if !values.is_empty() => {
            for value in values {
                *value = another(value);
            }
            true
        }
        _ => false,
    });
}

/// A value of the same kind that is another one, in its innermost part.
fn another(value: &CaseValue) -> CaseValue {
    let inner = |values: &[CaseValue]| match values {
        [] => vec![CaseValue::Unit],
        values => values.iter().map(another).collect(),
    };
    match value {
        CaseValue::Unit => CaseValue::Bool(false),
        CaseValue::Bool(v) => CaseValue::Bool(!v),
        CaseValue::I64(v) => CaseValue::U64(*v as u64),
        CaseValue::U64(v) => CaseValue::U64(v ^ 1),
        CaseValue::F64(bits) => {
            CaseValue::F64(if f64::from_bits(*bits).is_nan() { 0 } else { bits ^ 1 << 63 })
        }
        CaseValue::AnyNan => CaseValue::F64(0),
        CaseValue::Dec(mantissa, scale) => CaseValue::Dec(*mantissa, scale ^ 1),
        CaseValue::Bytes(bytes) => CaseValue::Bytes([bytes.as_slice(), &[0]].concat()),
        CaseValue::Str(text) => CaseValue::Str(format!("{text} ")),
        CaseValue::Obj(host_type, handle) => CaseValue::Obj(host_type ^ 1, *handle),
        CaseValue::Func(func) => CaseValue::Func(func ^ 1),
        CaseValue::Tuple(values) => CaseValue::Tuple(inner(values)),
        CaseValue::Struct(id, values) => CaseValue::Struct(*id, inner(values)),
        CaseValue::Array(id, values) => CaseValue::Array(*id, inner(values)),
        CaseValue::Closure(func, env) => CaseValue::Closure(*func, Box::new(another(env))),
        CaseValue::BadAgg => CaseValue::Tuple(Vec::new()),
    }
}

#[test]
fn tags_are_needed_and_must_be_true() {
    let tagged: Vec<Case> = sample().into_iter().filter(|case| !case.tags.is_empty()).collect();
    assert_noticed(&tagged, "without its tags", |case| {
        case.tags.clear();
        case.verdict == Verdict::Valid
    });
    for &tag in Class::TAGS {
        assert_noticed(&plain(), "with a tag too many", |case| {
            case.tags.push(tag);
            case.verdict == Verdict::Valid
        });
    }
}

#[test]
fn the_list_must_be_exact() {
    let committed = Deviations::committed().unwrap();
    let cases = sample();
    for (name, ..) in committed.iter() {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        assert_eq!(failures(case, &committed), 0, "{name}");
        assert_eq!(failures(case, &Deviations::default()), 1, "{name} is not listed");
        let other = Deviations::parse(&format!("{name}: error X: another error than the one it is")).unwrap();
        assert_eq!(failures(case, &other), 1, "{name} is listed with another error");
    }
    for case in plain() {
        for what in ["accepted", "error X"] {
            let stale = Deviations::parse(&format!("{}: {what}: not true", case.name)).unwrap();
            assert_eq!(failures(&case, &stale), 1, "{} is listed as {what}", case.name);
        }
    }
}
