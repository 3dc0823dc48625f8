//! The reference values of `data/intrinsics.txt`, and a program that has a function for each intrinsic.

use opforge_vm::{ISA, Value, ValueType};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One line of the reference values.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) line: String,
    pub(crate) name: String,
    pub(crate) args: Vec<u64>,
    pub(crate) results: Vec<u64>,
    /// The true values rounded once, where results may be off by one unit in the last place.
    pub(crate) exact: Option<Vec<u64>>,
}

/// Where the values are.
pub(crate) const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vm/tests/data/intrinsics.txt");

fn bits(words: &str) -> Vec<u64> {
    words.split_whitespace().map(|word| u64::from_str_radix(word, 16).expect("hex bits")).collect()
}

/// Every case, in the order of the file.
pub(crate) fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(DATA).expect("the reference values");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (left, right) = line.split_once(" => ").expect("an arrow");
            let (name, args) = left.split_once(' ').expect("a name");
            let (results, exact) = match right.split_once(" ~ ") {
                Some((results, exact)) => (results, Some(bits(exact))),
                None => (right, None),
            };
            Case {
                line: line.to_owned(),
                name: name.to_owned(),
                args: bits(args),
                results: bits(results),
                exact,
            }
        })
        .collect()
}

/// What the guards of [`source`] hold.
pub(crate) const GUARDS: [u64; 2] = [0x5a5a_5a5a_5a5a_5a5a, 0xa5a5_a5a5_a5a5_a5a5];

fn classes(slots: &[u8]) -> Vec<ValueType> {
    slots.iter().map(|&tag| ValueType::from_tag(tag, 0).expect("a class")).collect()
}

/// A program with a function for each intrinsic, in the order of the table. Registers around its results hold
/// [`GUARDS`], which it returns behind them.
pub(crate) fn source() -> String {
    let mut out = String::new();
    for row in ISA.intrinsics {
        let (args, rets) = (classes(row.arg_slots()), classes(row.ret_slots()));
        let list = |names: &[String]| names.join(", ");
        let numbered =
            |prefix: &str, count: usize| (0..count).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
        let (params, results) = (numbered("p", args.len()), numbered("o", rets.len()));
        let typed: Vec<String> = params.iter().zip(&args).map(|(name, ty)| format!("{name}: {ty}")).collect();
        let types: Vec<String> = rets.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            ".func i{}({}) -> ({}, u64, u64) {{\n .reg before, {}, behind\n const.u64 before, {}\n \
             const.u64 behind, {}\n intrinsic {} ({}) -> ({})\n ret ({}, before, behind)\n}}",
            row.id.get(),
            list(&typed),
            list(&types),
            list(&results),
            GUARDS[0],
            GUARDS[1],
            row.name.as_str(),
            list(&params),
            list(&results),
            list(&results),
        );
    }
    out
}

/// The function of [`source`] for each intrinsic, by name, with the classes of its arguments.
pub(crate) fn functions() -> BTreeMap<&'static str, (u32, Vec<ValueType>)> {
    ISA.intrinsics
        .iter()
        .zip(0..)
        .map(|(row, i)| (row.name.as_str(), (i, classes(row.arg_slots()))))
        .collect()
}

/// A slot of a number as a value.
pub(crate) fn value(ty: ValueType, bits: u64) -> Value {
    match ty {
        ValueType::F64 => Value::F64(f64::from_bits(bits)),
        ValueType::I64 => Value::I64(bits as i64),
        ValueType::U64 => Value::U64(bits),
        ValueType::Bool => Value::Bool(bits != 0),
        other => panic!("{other} is no number"),
    }
}

/// A value of a number as its slot.
pub(crate) fn slot(value: &Value) -> u64 {
    match value {
        Value::F64(v) => v.to_bits(),
        Value::I64(v) => *v as u64,
        Value::U64(v) => *v,
        Value::Bool(v) => u64::from(*v),
        other => panic!("{other:?} is no number"),
    }
}

/// How far two floats are apart, in units in the last place; `None` for a NaN beside a number.
pub(crate) fn ulps(a: u64, b: u64) -> Option<u64> {
    let nan = |bits| f64::from_bits(bits).is_nan();
    if nan(a) || nan(b) {
        return (nan(a) && nan(b)).then_some(0);
    }
    // As signed numbers, so that neighbours differ by one, across zero too.
    let ordered = |bits: u64| if bits >> 63 == 1 { -((bits & !(1 << 63)) as i64) } else { bits as i64 };
    Some(ordered(a).abs_diff(ordered(b)))
}
