//! Edges of every family: wrap-around, division, shifts, conversions, NaN, signed zeros, scales.

mod bits;
mod decimals;
mod rounding;
mod wasm_rows;

use opforge_schema::TrapCode::{
    self, DecimalOverflow, DecimalScaleMismatch, DivByZero, FloatToIntInvalid, IntCastOverflow,
    IntDivOverflow,
};

use super::boolean::*;
use super::cast::*;
use super::decimal::*;
use super::float::*;
use super::int::*;

const NAN: u64 = CANONICAL_NAN_BITS;
/// NaNs of other bits: negative, with payload, signalling.
const OTHER_NANS: [u64; 4] =
    [0xfff8_0000_0000_0000, 0x7ff8_0000_0000_0001, 0x7ff0_0000_0000_0001, 0xffff_ffff_ffff_ffff];

fn dec(mantissa: i64, scale: u8) -> Decimal {
    Decimal { mantissa, scale }
}

#[test]
fn integers_wrap() {
    assert_eq!(i64_add(i64::MAX, 1), i64::MIN);
    assert_eq!(i64_sub(i64::MIN, 1), i64::MAX);
    assert_eq!(i64_mul(i64::MIN, -1), i64::MIN);
    assert_eq!(i64_sub(0, i64::MIN), i64::MIN);
    assert_eq!(u64_add(u64::MAX, 1), 0);
    assert_eq!(u64_sub(0, 1), u64::MAX);
    assert_eq!(u64_mul(1 << 63, 2), 0);
}

#[test]
fn division_traps_in_order() {
    for a in [i64::MIN, -1, 0, 1, i64::MAX] {
        assert_eq!(i64_div(a, 0), Err(DivByZero));
        assert_eq!(i64_rem(a, 0), Err(DivByZero));
        assert_eq!(u64_div(a as u64, 0), Err(DivByZero));
        assert_eq!(u64_rem(a as u64, 0), Err(DivByZero));
    }
    assert_eq!(i64_div(i64::MIN, -1), Err(IntDivOverflow));
    assert_eq!(i64_rem(i64::MIN, -1), Err(IntDivOverflow));
    assert_eq!(i64_div(i64::MIN + 1, -1), Ok(i64::MAX));
    assert_eq!(i64_rem(i64::MIN + 1, -1), Ok(0));
    assert_eq!(i64_div(i64::MIN, 1), Ok(i64::MIN));
    for (a, b, div, rem) in [(7, 2, 3, 1), (-7, 2, -3, -1), (7, -2, -3, 1), (-7, -2, 3, -1)] {
        assert_eq!((i64_div(a, b), i64_rem(a, b)), (Ok(div), Ok(rem)), "{a} by {b}");
    }
    assert_eq!(u64_div(u64::MAX, 2), Ok(i64::MAX as u64));
    assert_eq!(u64_rem(u64::MAX, 2), Ok(1));
}

#[test]
fn shift_counts_are_taken_modulo_64() {
    for (count, effective) in
        [(0, 0), (63, 63), (64, 0), (65, 1), (1_u64 << 63, 0), (u64::MAX, 63), (1 << 32, 0)]
    {
        let a = 0x8123_4567_89ab_cdef_u64;
        assert_eq!(u64_shl(a, count), a << effective, "shl {count}");
        assert_eq!(u64_shr(a, count), a >> effective, "shr {count}");
        assert_eq!(i64_shl(a as i64, count as i64), (a as i64) << effective, "signed shl {count}");
        assert_eq!(i64_shr(a as i64, count as i64), (a as i64) >> effective, "signed shr {count}");
    }
    assert_eq!(i64_shr(-1, 63), -1);
    assert_eq!(u64_shr(u64::MAX, 63), 1);
}

#[test]
fn bits_and_order() {
    assert_eq!((i64_and(-2, 7), i64_or(-2, 1), i64_xor(-1, 1)), (6, -1, -2));
    assert_eq!((u64_and(6, 3), u64_or(6, 3), u64_xor(6, 3)), (2, 7, 5));
    // The same bits in both classes order differently.
    assert!(i64_lt(-1, 0) && u64_gt(u64::MAX, 0));
    for (a, b) in [(i64::MIN, i64::MAX), (-1, 0), (0, 1), (5, 5), (1, 0)] {
        assert_eq!(i64_lt(a, b), i64_gt(b, a));
        assert_eq!(i64_le(a, b), !i64_gt(a, b));
        assert_eq!(i64_ge(a, b), !i64_lt(a, b));
        assert_eq!(i64_eq(a, b), i64_le(a, b) && i64_ge(a, b));
        let (a, b) = (a as u64, b as u64);
        assert_eq!(u64_lt(a, b), u64_gt(b, a));
        assert_eq!(u64_le(a, b), !u64_gt(a, b));
        assert_eq!(u64_ge(a, b), !u64_lt(a, b));
        assert_eq!(u64_eq(a, b), u64_le(a, b) && u64_ge(a, b));
    }
}

#[test]
fn boolean_truth_tables() {
    for (a, b, and, or, xor) in [
        (false, false, false, false, false),
        (false, true, false, true, true),
        (true, false, false, true, true),
        (true, true, true, true, false),
    ] {
        assert_eq!((bool_and(a, b), bool_or(a, b), bool_xor(a, b)), (and, or, xor));
        assert_eq!(bool_not(a), !a);
    }
}

#[test]
fn float_to_i64() {
    let cases: &[(f64, Result<i64, TrapCode>)] = &[
        (f64::NAN, Err(FloatToIntInvalid)),
        (f64::INFINITY, Err(FloatToIntInvalid)),
        (f64::NEG_INFINITY, Err(FloatToIntInvalid)),
        (9_223_372_036_854_775_808.0, Err(FloatToIntInvalid)),
        (9_223_372_036_854_777_856.0, Err(IntCastOverflow)),
        (f64::MAX, Err(IntCastOverflow)),
        (9_223_372_036_854_774_784.0, Ok(9_223_372_036_854_774_784)),
        (-9_223_372_036_854_775_808.0, Ok(i64::MIN)),
        (-9_223_372_036_854_777_856.0, Err(IntCastOverflow)),
        (-0.0, Ok(0)),
        (0.9, Ok(0)),
        (-0.9, Ok(0)),
        (-1.5, Ok(-1)),
        (5e-324, Ok(0)),
    ];
    for &(a, expected) in cases {
        assert_eq!(f64_to_i64(a), expected, "{a}");
    }
}

#[test]
fn float_to_u64() {
    let cases: &[(f64, Result<u64, TrapCode>)] = &[
        (f64::NAN, Err(FloatToIntInvalid)),
        (f64::INFINITY, Err(FloatToIntInvalid)),
        (f64::NEG_INFINITY, Err(FloatToIntInvalid)),
        (18_446_744_073_709_551_616.0, Err(FloatToIntInvalid)),
        (18_446_744_073_709_555_712.0, Err(IntCastOverflow)),
        (18_446_744_073_709_549_568.0, Ok(18_446_744_073_709_549_568)),
        (-1.0, Err(IntCastOverflow)),
        (-0.9, Err(IntCastOverflow)),
        (-5e-324, Err(IntCastOverflow)),
        (-0.0, Ok(0)),
        (0.9, Ok(0)),
        (1.5, Ok(1)),
    ];
    for &(a, expected) in cases {
        assert_eq!(f64_to_u64(a), expected, "{a}");
    }
}

#[test]
fn integer_casts() {
    assert_eq!(u64_to_i64(i64::MAX as u64), Ok(i64::MAX));
    assert_eq!(u64_to_i64(1 << 63), Err(IntCastOverflow));
    assert_eq!(i64_to_u64(i64::MAX), Ok(i64::MAX as u64));
    assert_eq!(i64_to_u64(-1), Err(IntCastOverflow));
    assert_eq!(i64_to_f64(i64::MIN), -9_223_372_036_854_775_808.0);
    // Ties to even, and rounded once: two roundings would give 2^63.
    assert_eq!(i64_to_f64(9_007_199_254_740_993), 9_007_199_254_740_992.0);
    assert_eq!(u64_to_f64(0x8000_0000_0000_0401), 9_223_372_036_854_777_856.0);
    assert_eq!(u64_to_f64(u64::MAX), 18_446_744_073_709_551_616.0);
}

#[test]
fn visible_nan_is_canonical_and_moves_keep_bits() {
    for nan in OTHER_NANS {
        let a = f64_from_bits(nan);
        assert_eq!(a.to_bits(), nan);
        assert_eq!(f64_to_bits(a), NAN);
        assert_eq!(f64_neg(a).to_bits(), nan ^ (1 << 63));
        assert_eq!(f64_abs(a).to_bits(), nan & !(1 << 63));
        for made in [f64_add(a, 1.0), f64_sub(1.0, a), f64_mul(a, a), f64_div(a, 2.0)] {
            assert_eq!(f64_to_bits(made), NAN);
        }
        for (x, y) in [(a, 1.0), (1.0, a), (a, a)] {
            for made in [f64_min(x, y), f64_max(x, y), f64_rem(x, y)] {
                assert_eq!(made.to_bits(), NAN);
            }
            for yes in [f64_eq(x, y), f64_lt(x, y), f64_le(x, y), f64_gt(x, y), f64_ge(x, y)] {
                assert!(!yes, "a comparison with a NaN is false");
            }
        }
        for f in [f64_min_num, f64_max_num] {
            assert_eq!(f(a, -0.0).to_bits(), (-0.0_f64).to_bits());
            assert_eq!(f(3.0, a), 3.0);
            assert_eq!(f(a, a).to_bits(), NAN);
        }
    }
    assert_eq!(f64_to_bits(f64_div(0.0, 0.0)), NAN);
    assert_eq!(f64_div(1.0, -0.0), f64::NEG_INFINITY);
}

#[test]
fn minimum_and_maximum_tell_zeros_apart() {
    let (neg, pos) = ((-0.0_f64).to_bits(), 0.0_f64.to_bits());
    for (a, b, min, max) in
        [(0.0, -0.0, neg, pos), (-0.0, 0.0, neg, pos), (0.0, 0.0, pos, pos), (-0.0, -0.0, neg, neg)]
    {
        for (f, expected) in
            [(f64_min as fn(f64, f64) -> f64, min), (f64_min_num, min), (f64_max, max), (f64_max_num, max)]
        {
            assert_eq!(f(a, b).to_bits(), expected, "{a} {b}");
        }
    }
    assert!(f64_eq(0.0, -0.0) && !f64_lt(-0.0, 0.0));
    assert_eq!(f64_min(f64::NEG_INFINITY, f64::MIN), f64::NEG_INFINITY);
    assert_eq!(f64_max(5e-324, 0.0), 5e-324);
    assert_eq!((f64_min(1.0, 2.0), f64_max(1.0, 2.0)), (1.0, 2.0));
    assert_eq!((f64_min(-7.5, -7.5), f64_max(-7.5, -7.5)), (-7.5, -7.5));
}

#[test]
fn remainder_is_that_of_c() {
    for (a, b, expected) in [
        (-7.5, 2.0, -1.5),
        (7.5, -2.0, 1.5),
        (6.0, 2.0, 0.0),
        (-6.0, 2.0, -0.0),
        (-0.0, 1.0, -0.0),
        (1.0, f64::INFINITY, 1.0),
        (f64::MAX, 5e-324, 0.0),
        (1e308, 3.0, 2.0),
        (5e-324, f64::MAX, 5e-324),
    ] {
        assert_eq!(f64_rem(a, b).to_bits(), f64::to_bits(expected), "{a} rem {b}");
    }
    for (a, b) in [(f64::INFINITY, 1.0), (1.0, 0.0), (1.0, -0.0), (f64::INFINITY, f64::INFINITY)] {
        assert_eq!(f64_rem(a, b).to_bits(), NAN, "{a} rem {b}");
    }
}

#[test]
fn decimal_arithmetic() {
    assert_eq!(dec_add(dec(150, 2), dec(25, 2)), Ok(dec(175, 2)));
    assert_eq!(dec_sub(dec(150, 2), dec(25, 2)), Ok(dec(125, 2)));
    assert_eq!(dec_mul(dec(15, 1), dec(20, 1)), Ok(dec(300, 2)));
    // The scales are compared first, even where the sum would not fit.
    assert_eq!(dec_add(dec(i64::MAX, 1), dec(1, 2)), Err(DecimalScaleMismatch));
    assert_eq!(dec_sub(dec(i64::MIN, 1), dec(1, 2)), Err(DecimalScaleMismatch));
    assert_eq!(dec_add(dec(i64::MAX, 0), dec(1, 0)), Err(DecimalOverflow));
    assert_eq!(dec_sub(dec(i64::MIN, 255), dec(1, 255)), Err(DecimalOverflow));
    assert_eq!(dec_mul(dec(i64::MIN, 0), dec(-1, 0)), Err(DecimalOverflow));
    assert_eq!(dec_mul(dec(0, 200), dec(0, 56)), Err(DecimalOverflow));
    assert_eq!(dec_mul(dec(0, 200), dec(0, 55)), Ok(dec(0, 255)));
}

#[test]
fn decimal_casts() {
    assert_eq!(dec_to_i64(dec(i64::MIN, 0)), Ok(i64::MIN));
    assert_eq!(dec_to_i64(dec(0, 1)), Err(DecimalScaleMismatch));
    assert_eq!(dec_to_u64(dec(5, 0)), Ok(5));
    assert_eq!(dec_to_u64(dec(-5, 0)), Err(IntCastOverflow));
    assert_eq!(dec_to_u64(dec(-5, 1)), Err(DecimalScaleMismatch));
    assert_eq!(i64_to_dec(-5, 2), Ok(dec(-500, 2)));
    assert_eq!(i64_to_dec(9, 18), Ok(dec(9_000_000_000_000_000_000, 18)));
    assert_eq!(i64_to_dec(10, 18), Err(DecimalOverflow));
    assert_eq!(i64_to_dec(i64::MIN, 0), Ok(dec(i64::MIN, 0)));
    assert_eq!(u64_to_dec(5, 2), Ok(dec(500, 2)));
    assert_eq!(u64_to_dec(1 << 63, 0), Err(DecimalOverflow));
    for scale in [19, 255, 256, u32::MAX] {
        assert_eq!(i64_to_dec(0, scale), Err(DecimalOverflow));
        assert_eq!(u64_to_dec(0, scale), Err(DecimalOverflow));
    }
}
