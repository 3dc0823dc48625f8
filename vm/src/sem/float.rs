//! Binary64 floats: arithmetic, sign, minimum and maximum, comparison.
//!
//! Rules are those of IEEE 754 as the `WebAssembly` core specification narrows them (section "Floating-Point
//! Operations"). What the specification leaves open is the payload and sign of a NaN that arithmetic makes: it is
//! the CPU's here too, and never visible, because a NaN becomes [`CANONICAL_NAN`] wherever it leaves the f64
//! domain. Operations that only choose or move bits are written on bits, so that they are the same on every host.

/// The bits of the one NaN that is visible outside of f64 registers: positive, quiet, no payload.
pub const CANONICAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// The NaN with [`CANONICAL_NAN_BITS`].
pub const CANONICAL_NAN: f64 = f64::from_bits(CANONICAL_NAN_BITS);

/// The sign bit of a binary64.
const SIGN: u64 = 1 << 63;

/// `a + b`, rounded to nearest, ties to even. Twin: `f64.add`.
#[inline(always)]
#[must_use]
pub fn f64_add(a: f64, b: f64) -> f64 {
    a + b
}

/// `a - b`, rounded to nearest, ties to even. Twin: `f64.sub`.
#[inline(always)]
#[must_use]
pub fn f64_sub(a: f64, b: f64) -> f64 {
    a - b
}

/// `a * b`, rounded to nearest, ties to even. Twin: `f64.mul`.
#[inline(always)]
#[must_use]
pub fn f64_mul(a: f64, b: f64) -> f64 {
    a * b
}

/// `a / b`, rounded to nearest, ties to even. Division by zero gives an infinity or a NaN. Twin: `f64.div`.
#[inline(always)]
#[must_use]
pub fn f64_div(a: f64, b: f64) -> f64 {
    a / b
}

/// `a - b * trunc(a / b)`, exact, with the sign of `a` (also that of a zero result): `fmod` of C, not the IEEE
/// remainder. `a` infinite, `b` zero or a NaN on either side gives [`CANONICAL_NAN`]; a finite `a` by an infinite
/// `b` gives `a`. Rule: `execution_tape` v1, with the NaN made the same on every CPU.
#[inline(always)]
#[must_use]
pub fn f64_rem(a: f64, b: f64) -> f64 {
    // Every finite result is exact, so all correct `fmod` routines agree on it; only the NaN is theirs to choose.
    let rem = a % b;
    if rem.is_nan() { CANONICAL_NAN } else { rem }
}

/// `a` with the sign bit flipped, also of a zero or a NaN. Twin: `f64.neg`.
#[inline(always)]
#[must_use]
pub fn f64_neg(a: f64) -> f64 {
    f64::from_bits(a.to_bits() ^ SIGN)
}

/// `a` with the sign bit cleared, also of a zero or a NaN. Twin: `f64.abs`.
#[inline(always)]
#[must_use]
pub fn f64_abs(a: f64) -> f64 {
    f64::from_bits(a.to_bits() & !SIGN)
}

/// `a` with the sign of `b`. A NaN counts as positive, because the sign of one that arithmetic has made is the CPU's.
/// Twin: `f64.copysign`, except for that rule.
#[inline(always)]
#[must_use]
pub fn f64_copysign(a: f64, b: f64) -> f64 {
    let sign = if b.is_nan() { 0 } else { b.to_bits() & SIGN };
    f64::from_bits(a.to_bits() & !SIGN | sign)
}

/// The smaller operand; -0 is below +0; a NaN on either side gives [`CANONICAL_NAN`]. Twin: `f64.min`.
#[inline(always)]
#[must_use]
pub fn f64_min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { CANONICAL_NAN } else { smaller(a, b) }
}

/// The larger operand; +0 is above -0; a NaN on either side gives [`CANONICAL_NAN`]. Twin: `f64.max`.
#[inline(always)]
#[must_use]
pub fn f64_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { CANONICAL_NAN } else { larger(a, b) }
}

/// As [`f64_min`], but one NaN gives the other operand; two give [`CANONICAL_NAN`]. Rule: `execution_tape` v1
/// (IEEE 754-2019 `minimumNumber`).
#[inline(always)]
#[must_use]
pub fn f64_min_num(a: f64, b: f64) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => smaller(a, b),
        (true, false) => b,
        (false, true) => a,
        (true, true) => CANONICAL_NAN,
    }
}

/// As [`f64_max`], but one NaN gives the other operand; two give [`CANONICAL_NAN`]. Rule: `execution_tape` v1
/// (IEEE 754-2019 `maximumNumber`).
#[inline(always)]
#[must_use]
pub fn f64_max_num(a: f64, b: f64) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => larger(a, b),
        (true, false) => b,
        (false, true) => a,
        (true, true) => CANONICAL_NAN,
    }
}

/// `a == b`; false with a NaN; -0 equals +0. Twin: `f64.eq`.
#[inline(always)]
#[must_use]
pub fn f64_eq(a: f64, b: f64) -> bool {
    a == b
}

/// `a != b`; true with a NaN; -0 equals +0. Twin: `f64.ne`.
#[inline(always)]
#[must_use]
pub fn f64_ne(a: f64, b: f64) -> bool {
    a != b
}

/// `a < b`; false with a NaN; -0 equals +0. Twin: `f64.lt`.
#[inline(always)]
#[must_use]
pub fn f64_lt(a: f64, b: f64) -> bool {
    a < b
}

/// `a <= b`; false with a NaN; -0 equals +0. Twin: `f64.le`.
#[inline(always)]
#[must_use]
pub fn f64_le(a: f64, b: f64) -> bool {
    a <= b
}

/// `a > b`; false with a NaN; -0 equals +0. Twin: `f64.gt`.
#[inline(always)]
#[must_use]
pub fn f64_gt(a: f64, b: f64) -> bool {
    a > b
}

/// `a >= b`; false with a NaN; -0 equals +0. Twin: `f64.ge`.
#[inline(always)]
#[must_use]
pub fn f64_ge(a: f64, b: f64) -> bool {
    a >= b
}

/// The smaller of two numbers, neither of them a NaN; -0 is below +0.
#[inline(always)]
fn smaller(a: f64, b: f64) -> f64 {
    if a < b {
        a
    } else if b < a {
        b
    } else {
        // Equal numbers have equal bits, except the zeros: a set sign bit on either side wins.
        f64::from_bits(a.to_bits() | b.to_bits())
    }
}

/// The larger of two numbers, neither of them a NaN; +0 is above -0.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b {
        a
    } else if b > a {
        b
    } else {
        // Equal numbers have equal bits, except the zeros: a clear sign bit on either side wins.
        f64::from_bits(a.to_bits() & b.to_bits())
    }
}
