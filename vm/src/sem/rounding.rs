//! Binary64 floats: square root, and rounding to integers.
//!
//! Written on bits and on arithmetic that IEEE 754 fixes, so that results are the same on every host and need no
//! standard library. The sign of the operand stays, also that of a zero; a NaN gives a NaN, and an infinity itself.

use super::float::CANONICAL_NAN;

/// Bits of the mantissa that a binary64 stores.
const MANTISSA_BITS: u32 = 52;
/// What is added to exponents.
const BIAS: i32 = 1023;
/// The sign bit.
const SIGN: u64 = 1 << 63;

/// The square root, rounded to nearest, ties to even. Below zero it is a NaN; -0 stays. Twin: `f64.sqrt`.
#[inline(always)]
#[must_use]
pub fn f64_sqrt(a: f64) -> f64 {
    sqrt(a)
}

/// The machine's own: it rounds as IEEE 754 says, so it agrees with [`sqrt_by_bits`], which is slower.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[allow(unsafe_code)]
#[inline(always)]
fn sqrt(a: f64) -> f64 {
    use core::arch::x86_64::{_mm_cvtsd_f64, _mm_set_sd, _mm_sqrt_sd};
    // SAFETY: only compiled for machines that have these instructions; they touch no memory.
    unsafe {
        let a = _mm_set_sd(a);
        _mm_cvtsd_f64(_mm_sqrt_sd(a, a))
    }
}

/// The machine's own: as above.
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
#[allow(unsafe_code)]
#[inline(always)]
fn sqrt(a: f64) -> f64 {
    use core::arch::aarch64::{vdup_n_f64, vget_lane_f64, vsqrt_f64};
    // SAFETY: only compiled for machines that have these instructions; they touch no memory.
    unsafe { vget_lane_f64::<0>(vsqrt_f64(vdup_n_f64(a))) }
}

#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
)))]
use sqrt_by_bits as sqrt;

/// The square root from the integer root of the mantissa.
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), allow(dead_code))]
pub(super) fn sqrt_by_bits(a: f64) -> f64 {
    let bits = a.to_bits();
    if a.is_nan() {
        return CANONICAL_NAN;
    }
    if a == 0.0 || bits == f64::INFINITY.to_bits() {
        return a;
    }
    if bits & SIGN != 0 {
        return CANONICAL_NAN;
    }
    // The number is mantissa * 2^exponent, with the leading one of the mantissa at bit 52.
    let field = (bits >> MANTISSA_BITS) as i32;
    let stored = bits & ((1 << MANTISSA_BITS) - 1);
    let (mut mantissa, mut exponent) = if field == 0 {
        let shift = stored.leading_zeros() - (63 - MANTISSA_BITS);
        (stored << shift, 1 - BIAS - MANTISSA_BITS as i32 - shift as i32)
    } else {
        (stored | 1 << MANTISSA_BITS, field - BIAS - MANTISSA_BITS as i32)
    };
    if exponent & 1 != 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    // The root of 107 or 108 bits has 54: those of the result and one to round by. It is never halfway between two
    // results: its square would be odd, and what the root is taken of ends in zeros.
    let root = (u128::from(mantissa) << 54).isqrt() as u64;
    let rounded = (root + 1) >> 1;
    let exponent = exponent / 2 - 27 + 1 + MANTISSA_BITS as i32;
    // A carry out of the mantissa makes the exponent one larger, as it must.
    f64::from_bits((((exponent + BIAS - 1) as u64) << MANTISSA_BITS) + rounded)
}

/// The largest integer that is not above `a`. Twin: `f64.floor`.
#[inline(always)]
#[must_use]
pub fn f64_floor(a: f64) -> f64 {
    let whole = f64_trunc(a);
    if a < whole { whole - 1.0 } else { whole }
}

/// The smallest integer that is not below `a`. Twin: `f64.ceil`.
#[inline(always)]
#[must_use]
pub fn f64_ceil(a: f64) -> f64 {
    let whole = f64_trunc(a);
    // From -1 to 0 the whole part is -0, which is not below.
    if a > whole { whole + 1.0 } else { whole }
}

/// The integer part. Twin: `f64.trunc`.
#[inline(always)]
#[must_use]
pub fn f64_trunc(a: f64) -> f64 {
    let bits = a.to_bits();
    let exponent = (bits >> MANTISSA_BITS & 0x7ff) as i32 - BIAS;
    if exponent < 0 {
        f64::from_bits(bits & SIGN)
    } else if exponent < MANTISSA_BITS as i32 {
        f64::from_bits(bits & !(((1 << MANTISSA_BITS) - 1) >> exponent))
    } else {
        number(a)
    }
}

/// The nearest integer; halves go to the even one. Twin: `f64.nearest`.
#[inline(always)]
#[must_use]
pub fn f64_nearest(a: f64) -> f64 {
    // From here on floats are integers.
    const ALL_WHOLE: f64 = (1_u64 << MANTISSA_BITS) as f64;
    let (sign, size) = (a.to_bits() & SIGN, f64::from_bits(a.to_bits() & !SIGN));
    if size < ALL_WHOLE {
        // The sum has no bits for a fraction, and is rounded as is asked for.
        let whole = (size + ALL_WHOLE) - ALL_WHOLE;
        f64::from_bits(whole.to_bits() | sign)
    } else {
        number(a)
    }
}

/// A number as it is; the NaN of arithmetic for a NaN, which may be a signalling one.
#[inline(always)]
fn number(a: f64) -> f64 {
    if a.is_nan() { CANONICAL_NAN } else { a }
}
