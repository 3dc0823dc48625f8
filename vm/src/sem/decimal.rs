//! Decimals: a 64-bit mantissa and a scale. Rules: `execution_tape` v1; every result is exact or a trap.

use opforge_schema::TrapCode;

/// The number `mantissa / 10^scale`.
///
/// Equality compares the parts, not the number: 1.0 at scale 1 and 1.00 at scale 2 differ.
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
