use super::{CANONICAL_NAN, CaseValue, Likeness};
use serde_json::json;

#[test]
fn every_notation_reads_and_writes_back() {
    let values = json!([
        { "unit": null }, { "bool": true }, { "i64": i64::MIN }, { "u64": u64::MAX },
        { "f64": "3ff0000000000000" }, { "f64": "nan" }, { "dec": ["-1234", 2] }, { "bytes": "00ff" },
        { "str": "é" }, { "obj": [7, 9] }, { "func": 3 }, { "tuple": [{ "i64": 1 }, { "unit": null }] },
        { "struct": [2, [{ "bool": false }]] }, { "array": [0, []] },
        { "closure": [4, { "tuple": [] }] }, { "bad_agg": null },
    ]);
    for json in values.as_array().unwrap() {
        assert_eq!(&CaseValue::from_json(json).unwrap().to_json(), json);
    }
}

#[test]
fn what_is_no_value_is_refused() {
    let wrong = json!([
        null, {}, { "i64": 1, "u64": 1 }, { "i64": 9_223_372_036_854_775_808_u64 }, { "i64": 1.5 }, { "u64": -1 },
        { "f64": "3ff" }, { "f64": 1.0 }, { "dec": [1, 2] }, { "dec": ["1", 256] }, { "bytes": "0" },
        { "bytes": "+1" }, { "obj": [1] }, { "func": -1 }, { "tuple": { "i64": 1 } }, { "unit": 0 }, { "other": 1 },
    ]);
    for json in wrong.as_array().unwrap() {
        assert!(CaseValue::from_json(json).is_err(), "{json}");
    }
}

#[test]
fn nans_are_told_apart_and_zeros_too() {
    let (quiet, other) = (CaseValue::F64(CANONICAL_NAN), CaseValue::F64(0x7ff8_0000_0000_0001));
    assert_eq!(CaseValue::AnyNan.compare(&quiet), Likeness::Same);
    assert_eq!(
        CaseValue::AnyNan.compare(&other),
        Likeness::Different,
        "a NaN that leaves the VM is canonical"
    );
    assert_eq!(CaseValue::AnyNan.compare(&CaseValue::F64(0)), Likeness::Different);
    assert_eq!(quiet.compare(&quiet), Likeness::Same);
    assert_eq!(other.compare(&quiet), Likeness::CanonicalNan);
    assert_eq!(other.compare(&other), Likeness::Different);
    assert_eq!(CaseValue::F64(0).compare(&CaseValue::F64(1 << 63)), Likeness::Different);
    let nested = |value: &CaseValue| CaseValue::Tuple(vec![CaseValue::Unit, value.clone()]);
    assert_eq!(nested(&other).compare(&nested(&quiet)), Likeness::CanonicalNan);
    assert_eq!(nested(&quiet).compare(&CaseValue::Tuple(vec![])), Likeness::Different);
}
