//! The rows of the WebAssembly core test suite, for every operation whose spec row names a twin.
//!
//! The whole file is read where the workspace has it beside it; a committed sample is checked everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::path::Path;
use std::println;
use std::string::{String, ToString};
use std::vec::Vec;

use opforge_schema::TrapCode;

use crate::sem::{bits, cast, float, int, int32, rounding};

/// A value as the bits a row writes.
trait Bits {
    fn read(bits: u64) -> Self;
    fn write(self) -> u64;
}

impl Bits for i64 {
    fn read(bits: u64) -> Self {
        bits as i64
    }
    fn write(self) -> u64 {
        self as u64
    }
}

impl Bits for u64 {
    fn read(bits: u64) -> Self {
        bits
    }
    fn write(self) -> u64 {
        self
    }
}

impl Bits for f64 {
    fn read(bits: u64) -> Self {
        f64::from_bits(bits)
    }
    fn write(self) -> u64 {
        self.to_bits()
    }
}

impl Bits for bool {
    fn read(bits: u64) -> Self {
        bits != 0
    }
    fn write(self) -> u64 {
        u64::from(self)
    }
}

/// What a semantic function gives: a value, or a value or a trap.
trait Outcome {
    fn outcome(self) -> Result<u64, TrapCode>;
}

impl<T: Bits> Outcome for T {
    fn outcome(self) -> Result<u64, TrapCode> {
        Ok(self.write())
    }
}

impl<T: Bits> Outcome for Result<T, TrapCode> {
    fn outcome(self) -> Result<u64, TrapCode> {
        self.map(Bits::write)
    }
}

/// One semantic function and the WebAssembly instruction it must agree with.
struct Twin {
    sem: &'static str,
    wasm: &'static str,
    run: fn(u64, u64) -> Result<u64, TrapCode>,
}

macro_rules! twins {
    (@run $file:ident $name:ident 1) => { |a, _| $file::$name(Bits::read(a)).outcome() };
    (@run $file:ident $name:ident 2) => { |a, b| $file::$name(Bits::read(a), Bits::read(b)).outcome() };
    ($($file:ident::$name:ident $arity:tt $wasm:literal,)*) => {
        &[$(Twin {
            sem: concat!(stringify!($file), "::", stringify!($name)),
            wasm: $wasm,
            run: twins!(@run $file $name $arity),
        },)*]
    };
}

const TWINS: &[Twin] = twins! {
    int::i64_add 2 "i64.add", int::i64_sub 2 "i64.sub", int::i64_mul 2 "i64.mul",
    int::u64_add 2 "i64.add", int::u64_sub 2 "i64.sub", int::u64_mul 2 "i64.mul",
    int::i64_div 2 "i64.div_s", int::i64_rem 2 "i64.rem_s",
    int::u64_div 2 "i64.div_u", int::u64_rem 2 "i64.rem_u",
    int::i64_and 2 "i64.and", int::i64_or 2 "i64.or", int::i64_xor 2 "i64.xor",
    int::u64_and 2 "i64.and", int::u64_or 2 "i64.or", int::u64_xor 2 "i64.xor",
    int::i64_shl 2 "i64.shl", int::i64_shr 2 "i64.shr_s",
    int::u64_shl 2 "i64.shl", int::u64_shr 2 "i64.shr_u",
    int::i64_eq 2 "i64.eq", int::i64_lt 2 "i64.lt_s", int::i64_le 2 "i64.le_s",
    int::i64_gt 2 "i64.gt_s", int::i64_ge 2 "i64.ge_s",
    int::u64_eq 2 "i64.eq", int::u64_lt 2 "i64.lt_u", int::u64_le 2 "i64.le_u",
    int::u64_gt 2 "i64.gt_u", int::u64_ge 2 "i64.ge_u",
    float::f64_add 2 "f64.add", float::f64_sub 2 "f64.sub",
    float::f64_mul 2 "f64.mul", float::f64_div 2 "f64.div",
    float::f64_neg 1 "f64.neg", float::f64_abs 1 "f64.abs",
    float::f64_min 2 "f64.min", float::f64_max 2 "f64.max",
    float::f64_eq 2 "f64.eq", float::f64_lt 2 "f64.lt", float::f64_le 2 "f64.le",
    float::f64_gt 2 "f64.gt", float::f64_ge 2 "f64.ge",
    cast::i64_to_f64 1 "f64.convert_i64_s", cast::u64_to_f64 1 "f64.convert_i64_u",
    cast::f64_to_i64 1 "i64.trunc_f64_s", cast::f64_to_u64 1 "i64.trunc_f64_u",
    cast::f64_to_bits 1 "i64.reinterpret_f64", cast::f64_from_bits 1 "f64.reinterpret_i64",
    int::i64_ne 2 "i64.ne", int::u64_ne 2 "i64.ne", float::f64_ne 2 "f64.ne",
    rounding::f64_sqrt 1 "f64.sqrt", rounding::f64_floor 1 "f64.floor", rounding::f64_ceil 1 "f64.ceil",
    rounding::f64_trunc 1 "f64.trunc", rounding::f64_nearest 1 "f64.nearest",
    float::f64_copysign 2 "f64.copysign",
    cast::f64_to_i64_sat 1 "i64.trunc_sat_f64_s", cast::f64_to_u64_sat 1 "i64.trunc_sat_f64_u",
    bits::i64_rotl 2 "i64.rotl", bits::i64_rotr 2 "i64.rotr",
    bits::u64_rotl 2 "i64.rotl", bits::u64_rotr 2 "i64.rotr",
    bits::i64_clz 1 "i64.clz", bits::i64_ctz 1 "i64.ctz", bits::i64_popcnt 1 "i64.popcnt",
    bits::u64_clz 1 "i64.clz", bits::u64_ctz 1 "i64.ctz", bits::u64_popcnt 1 "i64.popcnt",
    bits::i64_extend8_s 1 "i64.extend8_s", bits::i64_extend16_s 1 "i64.extend16_s",
    bits::i64_extend32_s 1 "i64.extend32_s",
    int32::i32_add 2 "i32.add", int32::i32_sub 2 "i32.sub", int32::i32_mul 2 "i32.mul",
    int32::i32_div_s 2 "i32.div_s", int32::i32_div_u 2 "i32.div_u",
    int32::i32_rem_s 2 "i32.rem_s", int32::i32_rem_u 2 "i32.rem_u",
    int32::i32_shl 2 "i32.shl", int32::i32_shr_s 2 "i32.shr_s", int32::i32_shr_u 2 "i32.shr_u",
    int32::i32_rotl 2 "i32.rotl", int32::i32_rotr 2 "i32.rotr",
    int32::i32_clz 1 "i32.clz", int32::i32_ctz 1 "i32.ctz", int32::i32_popcnt 1 "i32.popcnt",
};

/// What the operation gives where its spec row says that it deviates from its twin; `None` elsewhere.
fn deviation(sem: &str, a: u64, b: u64) -> Option<Result<u64, TrapCode>> {
    let float = f64::from_bits(a);
    match sem {
        "int::i64_rem" if a == 1 << 63 && b == u64::MAX => Some(Err(TrapCode::IntDivOverflow)),
        "cast::f64_to_u64" if float > -1.0 && float < 0.0 => Some(Err(TrapCode::IntCastOverflow)),
        "cast::f64_to_bits" if float.is_nan() => Some(Ok(0x7ff8_0000_0000_0000)),
        "float::f64_copysign" if f64::from_bits(b).is_nan() => Some(Ok(a & !(1 << 63))),
        _ => None,
    }
}

/// Whether `got` is what a row of this operation, kind and result allows.
fn agrees(op: &str, kind: &str, result: &str, got: Result<u64, TrapCode>) -> bool {
    const QUIET: u64 = 0x7ff8_0000_0000_0000;
    match (kind, got) {
        // 32-bit integers stand sign-extended in registers.
        ("bits", Ok(bits)) if op.starts_with("i32.") => bits == number(result) as i32 as u64,
        ("bits", Ok(bits)) => bits == number(result),
        ("nan:canonical", Ok(bits)) => bits & !(1 << 63) == QUIET,
        ("nan:arithmetic", Ok(bits)) => bits & QUIET == QUIET,
        ("trap", Err(trap)) => match result {
            "integer divide by zero" => trap == TrapCode::DivByZero,
            "invalid conversion to integer" => trap == TrapCode::FloatToIntInvalid,
            // One trap there, three reasons here.
            "integer overflow" => matches!(
                trap,
                TrapCode::IntDivOverflow | TrapCode::IntCastOverflow | TrapCode::FloatToIntInvalid
            ),
            other => panic!("unknown trap text {other:?}"),
        },
        _ => false,
    }
}

/// The number behind `0x` and hex digits; no operand reads as 0.
fn number(field: &str) -> u64 {
    if field.is_empty() {
        return 0;
    }
    let digits = field.strip_prefix("0x").unwrap_or_else(|| panic!("not a bit pattern: {field:?}"));
    u64::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("not a bit pattern: {field:?}"))
}

/// Runs every row on every twin of its operation; prints what ran and what was skipped, by operation.
fn check(rows: &str) {
    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong: Vec<String> = Vec::new();
    let body = rows.lines().filter(|line| !line.starts_with('#')).skip(1);
    for line in body {
        let fields: Vec<&str> = line.split(',').collect();
        let &[op, a, b, kind, result] = fields.as_slice() else { panic!("not five fields: {line:?}") };
        let mut twins = TWINS.iter().filter(|twin| twin.wasm == op).peekable();
        if twins.peek().is_none() {
            *skipped.entry(op.to_string()).or_default() += 1;
            continue;
        }
        let (a, b) = (number(a), number(b));
        for twin in twins {
            // Of 32-bit operands, what stands in the upper half does not matter.
            let dirt: &[u64] =
                if op.starts_with("i32.") { &[0, u64::MAX << 32, 0x8badf00d << 32] } else { &[0] };
            for (a_dirt, b_dirt) in dirt.iter().flat_map(|a| dirt.iter().map(move |b| (a, b))) {
                let got = (twin.run)(a | a_dirt, b | b_dirt);
                let right = match deviation(twin.sem, a, b) {
                    Some(ours) => got == ours,
                    None => agrees(op, kind, result, got),
                };
                if !right {
                    wrong.push(format!("{}: {line} gave {got:x?}", twin.sem));
                }
            }
            *ran.entry(twin.sem).or_default() += 1;
        }
    }
    println!("rows run, by function: {ran:?}");
    println!("rows skipped (no twin), by operation: {skipped:?}");
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
    let unused: Vec<_> = TWINS.iter().map(|twin| twin.sem).filter(|sem| !ran.contains_key(sem)).collect();
    assert!(unused.is_empty(), "no row for {unused:?}");
}

#[test]
fn committed_sample() {
    check(include_str!("../../../tests/data/wasm_numeric_sample.csv"));
}

#[test]
fn whole_file_where_present() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance/wasm_numeric.csv"));
    match std::fs::read_to_string(path) {
        Ok(rows) => check(&rows),
        Err(error) => println!("only the committed sample is checked: {}: {error}", path.display()),
    }
}

/// The mapping above is exactly what the spec says, so that neither side can lose an operation.
#[test]
fn twins_are_those_of_the_spec() {
    let spec = include_str!("../../../../spec/opcodes.json");
    let mut expected = BTreeSet::new();
    for line in spec.lines() {
        let (Some(sem), Some((_, wasm))) = (text_after(line, "\"sem\": "), line.split_once("\"wasm\": "))
        else {
            continue;
        };
        // The cases are of numbers; what moves them to and from memory is run by `tests/programs/memory`.
        if sem.starts_with("mem::") {
            continue;
        }
        let wasm = text_after(wasm, "\"name\": ").or_else(|| wasm.split('"').nth(1));
        expected.insert((sem, wasm.unwrap_or_else(|| panic!("no twin name in {line}"))));
    }
    let mapped: BTreeSet<_> = TWINS.iter().map(|twin| (twin.sem, twin.wasm)).collect();
    assert!(
        expected.len() > 40,
        "only {} rows with a twin found: has the spec's layout changed?",
        expected.len()
    );
    assert_eq!(mapped, expected);
}

/// The text between the two quotes that follow `key`.
fn text_after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_once(key)?.1.split('"').nth(1)
}
