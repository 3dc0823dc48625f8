//! Decimals: a 64-bit mantissa and a scale. Rules of sums and products: `execution_tape` v1. Every result is exact or a
//! trap, except that rescaling rounds as it is told.

use core::cmp::Ordering;
use opforge_schema::{Rounding, TrapCode};

/// The number `mantissa / 10^scale`.
///
/// Equality of this type compares the parts, not the number: 1.0 at scale 1 and 1.00 at scale 2 differ; [`dec_eq`]
/// compares numbers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The number times `10^scale`.
    pub mantissa: i64,
    /// Number of decimal places, any of 0 to 255.
    pub scale: u8,
}

/// `a + b` at their common scale.
///
/// # Errors
/// [`TrapCode::DecimalScaleMismatch`] when the scales differ, then [`TrapCode::DecimalOverflow`] when the sum of the
/// mantissas does not fit in 64 bits.
#[inline(always)]
pub fn dec_add(a: Decimal, b: Decimal) -> Result<Decimal, TrapCode> {
    if a.scale != b.scale {
        return Err(TrapCode::DecimalScaleMismatch);
    }
    let mantissa = a.mantissa.checked_add(b.mantissa).ok_or(TrapCode::DecimalOverflow)?;
    Ok(Decimal { mantissa, scale: a.scale })
}

/// `a - b` at their common scale.
///
/// # Errors
/// [`TrapCode::DecimalScaleMismatch`] when the scales differ, then [`TrapCode::DecimalOverflow`] when the difference
/// of the mantissas does not fit in 64 bits.
#[inline(always)]
pub fn dec_sub(a: Decimal, b: Decimal) -> Result<Decimal, TrapCode> {
    if a.scale != b.scale {
        return Err(TrapCode::DecimalScaleMismatch);
    }
    let mantissa = a.mantissa.checked_sub(b.mantissa).ok_or(TrapCode::DecimalOverflow)?;
    Ok(Decimal { mantissa, scale: a.scale })
}

/// `a * b`: mantissas are multiplied, scales added. Nothing is rounded.
///
/// # Errors
/// [`TrapCode::DecimalOverflow`] when the product of the mantissas does not fit in 64 bits, or the sum of the scales
/// is above 255.
#[inline(always)]
pub fn dec_mul(a: Decimal, b: Decimal) -> Result<Decimal, TrapCode> {
    let mantissa = a.mantissa.checked_mul(b.mantissa).ok_or(TrapCode::DecimalOverflow)?;
    let scale = a.scale.checked_add(b.scale).ok_or(TrapCode::DecimalOverflow)?;
    Ok(Decimal { mantissa, scale })
}

/// Whether two decimals are the same number, whatever their scales.
#[inline(always)]
#[must_use]
pub fn dec_eq(a: Decimal, b: Decimal) -> bool {
    compare(a, b) == Ordering::Equal
}

/// Whether `a` is the smaller number, whatever their scales.
#[inline(always)]
#[must_use]
pub fn dec_lt(a: Decimal, b: Decimal) -> bool {
    compare(a, b) == Ordering::Less
}

/// `a` at another scale: the low byte of `packed` is the scale, the byte above it the code of a [`Rounding`] mode.
///
/// # Errors
/// [`TrapCode::DecimalOverflow`] when the mantissa does not fit in 64 bits.
#[inline(always)]
pub fn dec_rescale(a: Decimal, packed: u32) -> Result<Decimal, TrapCode> {
    // Other codes do not decode.
    let mode = Rounding::from_code((packed >> 8) as u8).unwrap_or(Rounding::Trunc);
    rescale(a, packed as u8, mode)
}

/// 10^38, the largest power of ten that an i128 holds.
const MOST_PLACES: u32 = 38;

fn power_of_ten(exponent: u32) -> i128 {
    10_i128.pow(exponent.min(MOST_PLACES))
}

/// Compares as numbers: both mantissas at the larger scale.
fn compare(a: Decimal, b: Decimal) -> Ordering {
    if a.scale < b.scale {
        return compare(b, a).reverse();
    }
    let places = u32::from(a.scale - b.scale);
    // A mantissa has at most 19 digits: from 10^19 on, every factor takes any number but 0 past it.
    let factor = power_of_ten(places.min(19));
    i128::from(a.mantissa).cmp(&(i128::from(b.mantissa) * factor))
}

fn rescale(a: Decimal, scale: u8, mode: Rounding) -> Result<Decimal, TrapCode> {
    let mantissa = if scale >= a.scale {
        // 0 times any power is 0; any other number is past 64 bits from 10^19 on.
        let factor = power_of_ten(u32::from(scale - a.scale).min(19));
        i128::from(a.mantissa) * factor
    } else {
        // From 10^20 on, every mantissa is nearer to 0 than half a unit, so a smaller divisor does as well.
        divide(i128::from(a.mantissa), power_of_ten(u32::from(a.scale - scale)), mode)
    };
    let mantissa = i64::try_from(mantissa).map_err(|_| TrapCode::DecimalOverflow)?;
    Ok(Decimal { mantissa, scale })
}

/// `a / b`, rounded; `b` is an even positive number.
fn divide(a: i128, b: i128, mode: Rounding) -> i128 {
    let (quotient, rest) = (a / b, a % b);
    let half = rest.abs().cmp(&(b / 2));
    let away = match mode {
        Rounding::Trunc => false,
        Rounding::Floor => rest < 0,
        Rounding::Ceil => rest > 0,
        Rounding::HalfEven => half == Ordering::Greater || half == Ordering::Equal && quotient & 1 != 0,
        Rounding::HalfUp => half != Ordering::Less,
    };
    if away { quotient + a.signum() } else { quotient }
}
