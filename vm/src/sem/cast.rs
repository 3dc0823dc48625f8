//! Conversions between classes: the same number in another class, or a trap.

use opforge_schema::TrapCode;

use super::decimal::Decimal;
use super::float::CANONICAL_NAN_BITS;

/// 2^63, one past the largest i64.
const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
/// 2^64, one past the largest u64.
const TWO_POW_64: f64 = 18_446_744_073_709_551_616.0;

/// The powers of ten that fit in an i64, by exponent.
const POWERS_OF_TEN: [i64; 19] = {
    let mut powers = [1; 19];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// The same number as i64. Rule: `execution_tape` v1.
///
/// # Errors
/// [`TrapCode::IntCastOverflow`] above `i64::MAX`.
#[inline(always)]
pub fn u64_to_i64(a: u64) -> Result<i64, TrapCode> {
    i64::try_from(a).map_err(|_| TrapCode::IntCastOverflow)
}

/// The same number as u64. Rule: `execution_tape` v1.
///
/// # Errors
/// [`TrapCode::IntCastOverflow`] below 0.
#[inline(always)]
pub fn i64_to_u64(a: i64) -> Result<u64, TrapCode> {
    u64::try_from(a).map_err(|_| TrapCode::IntCastOverflow)
}

/// The nearest f64, ties to even. Twin: `f64.convert_i64_s`.
#[inline(always)]
#[must_use]
pub fn i64_to_f64(a: i64) -> f64 {
    a as f64
}

/// The nearest f64, ties to even; rounded once, straight from 64 bits. Twin: `f64.convert_i64_u`.
#[inline(always)]
#[must_use]
pub fn u64_to_f64(a: u64) -> f64 {
    a as f64
}

/// `a` truncated toward zero. Twin: `i64.trunc_f64_s`, which traps for the same operands. Which trap: the
/// documentation of `execution_tape` v1 (its code lets exactly 2^63 through, saturated).
///
/// # Errors
/// [`TrapCode::FloatToIntInvalid`] for a NaN, an infinity and exactly 2^63, then [`TrapCode::IntCastOverflow`] below
/// -2^63 and above 2^63.
#[inline(always)]
pub fn f64_to_i64(a: f64) -> Result<i64, TrapCode> {
    if !a.is_finite() || a == TWO_POW_63 {
        return Err(TrapCode::FloatToIntInvalid);
    }
    // Between -2^63 - 1 and -2^63 lies no f64, so comparing before truncating loses nothing.
    if !(-TWO_POW_63..TWO_POW_63).contains(&a) {
        return Err(TrapCode::IntCastOverflow);
    }
    Ok(a as i64)
}

/// `a` truncated toward zero. Twin: `i64.trunc_f64_u`, except that values between -1 and 0 trap here too (a rule of
/// `execution_tape` v1). -0 gives 0. Exactly 2^64 traps, as in [`f64_to_i64`].
///
/// # Errors
/// [`TrapCode::FloatToIntInvalid`] for a NaN, an infinity and exactly 2^64, then [`TrapCode::IntCastOverflow`] below 0
/// and above 2^64.
#[inline(always)]
pub fn f64_to_u64(a: f64) -> Result<u64, TrapCode> {
    if !a.is_finite() || a == TWO_POW_64 {
        return Err(TrapCode::FloatToIntInvalid);
    }
    // -0.0 is inside the range: it compares equal to 0.0.
    if !(0.0..TWO_POW_64).contains(&a) {
        return Err(TrapCode::IntCastOverflow);
    }
    Ok(a as u64)
}

/// `a` truncated toward zero and clamped; a NaN gives 0. Twin: `i64.trunc_sat_f64_s`.
#[inline(always)]
#[must_use]
pub fn f64_to_i64_sat(a: f64) -> i64 {
    a as i64
}

/// `a` truncated toward zero and clamped; a NaN gives 0. Twin: `i64.trunc_sat_f64_u`.
#[inline(always)]
#[must_use]
pub fn f64_to_u64_sat(a: f64) -> u64 {
    a as u64
}

/// The mantissa of a decimal of scale 0. Rule: `execution_tape` v1.
///
/// # Errors
/// [`TrapCode::DecimalScaleMismatch`] when the scale is not 0, whatever the number.
#[inline(always)]
pub fn dec_to_i64(a: Decimal) -> Result<i64, TrapCode> {
    if a.scale != 0 {
        return Err(TrapCode::DecimalScaleMismatch);
    }
    Ok(a.mantissa)
}

/// The mantissa of a decimal of scale 0. Rule: `execution_tape` v1.
///
/// # Errors
/// [`TrapCode::DecimalScaleMismatch`] when the scale is not 0, then [`TrapCode::IntCastOverflow`] below 0.
#[inline(always)]
pub fn dec_to_u64(a: Decimal) -> Result<u64, TrapCode> {
    i64_to_u64(dec_to_i64(a)?)
}

/// `a` as a decimal of this scale: the mantissa is `a * 10^scale`. Rule: `execution_tape` v1.
///
/// # Errors
/// [`TrapCode::DecimalOverflow`] when the mantissa does not fit in 64 bits, and for every scale of 19 or more, even
/// when `a` is 0: the power of ten itself does not fit.
#[inline(always)]
pub fn i64_to_dec(a: i64, scale: u32) -> Result<Decimal, TrapCode> {
    let power = POWERS_OF_TEN.get(scale as usize).ok_or(TrapCode::DecimalOverflow)?;
    let mantissa = a.checked_mul(*power).ok_or(TrapCode::DecimalOverflow)?;
    // A scale with an entry in the table is below 19.
    Ok(Decimal { mantissa, scale: scale as u8 })
}

/// `a` as a decimal of this scale: the mantissa is `a * 10^scale`, and must fit in an i64. Rule: `execution_tape` v1.
///
/// # Errors
/// [`TrapCode::DecimalOverflow`] when the mantissa is above `i64::MAX`, and for every scale of 19 or more, even when
/// `a` is 0.
#[inline(always)]
pub fn u64_to_dec(a: u64, scale: u32) -> Result<Decimal, TrapCode> {
    let a = i64::try_from(a).map_err(|_| TrapCode::DecimalOverflow)?;
    i64_to_dec(a, scale)
}

/// The bits of `a`; every NaN gives [`CANONICAL_NAN_BITS`], so that no program can tell CPUs apart. Twin:
/// `i64.reinterpret_f64`, except for that rule.
#[inline(always)]
#[must_use]
pub fn f64_to_bits(a: f64) -> u64 {
    if a.is_nan() { CANONICAL_NAN_BITS } else { a.to_bits() }
}

/// The f64 with these bits, NaN payload kept. Twin: `f64.reinterpret_i64`.
#[inline(always)]
#[must_use]
pub fn f64_from_bits(a: u64) -> f64 {
    f64::from_bits(a)
}
