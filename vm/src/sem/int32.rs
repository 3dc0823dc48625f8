//! 32-bit integers in i64 registers: the low 32 bits are read, and the result is sign-extended.
//!
//! Rules are those of the `WebAssembly` core specification (section "Integer Operations"); the form is that of
//! RISC-V's W instructions. Sign-extended numbers stay such under and, or, xor and not, and keep their order, so those
//! have no form of their own.

use opforge_schema::TrapCode;

/// The low 32 bits of `a + b`. Twin: `i32.add`.
#[inline(always)]
#[must_use]
pub fn i32_add(a: i64, b: i64) -> i64 {
    signed(a.wrapping_add(b))
}

/// The low 32 bits of `a - b`. Twin: `i32.sub`.
#[inline(always)]
#[must_use]
pub fn i32_sub(a: i64, b: i64) -> i64 {
    signed(a.wrapping_sub(b))
}

/// The low 32 bits of `a * b`. Twin: `i32.mul`.
#[inline(always)]
#[must_use]
pub fn i32_mul(a: i64, b: i64) -> i64 {
    signed(a.wrapping_mul(b))
}

/// `a / b`, truncated toward zero. Twin: `i32.div_s`.
///
/// # Errors
/// [`TrapCode::DivByZero`] when `b` is 0, then [`TrapCode::IntDivOverflow`] for `i32::MIN / -1`.
#[inline(always)]
pub fn i32_div_s(a: i64, b: i64) -> Result<i64, TrapCode> {
    let (a, b) = (a as i32, b as i32);
    if b == 0 {
        return Err(TrapCode::DivByZero);
    }
    a.checked_div(b).map(i64::from).ok_or(TrapCode::IntDivOverflow)
}

/// `a / b` of unsigned numbers, rounded down. Twin: `i32.div_u`.
///
/// # Errors
/// [`TrapCode::DivByZero`] when `b` is 0.
#[inline(always)]
pub fn i32_div_u(a: i64, b: i64) -> Result<i64, TrapCode> {
    (a as u32).checked_div(b as u32).map(unsigned).ok_or(TrapCode::DivByZero)
}

/// `a - b * trunc(a / b)`, with the sign of `a`; `i32::MIN` by -1 gives 0. Twin: `i32.rem_s`.
///
/// # Errors
/// [`TrapCode::DivByZero`] when `b` is 0.
#[inline(always)]
pub fn i32_rem_s(a: i64, b: i64) -> Result<i64, TrapCode> {
    let (a, b) = (a as i32, b as i32);
    if b == 0 {
        return Err(TrapCode::DivByZero);
    }
    Ok(a.wrapping_rem(b).into())
}

/// `a mod b` of unsigned numbers. Twin: `i32.rem_u`.
///
/// # Errors
/// [`TrapCode::DivByZero`] when `b` is 0.
#[inline(always)]
pub fn i32_rem_u(a: i64, b: i64) -> Result<i64, TrapCode> {
    (a as u32).checked_rem(b as u32).map(unsigned).ok_or(TrapCode::DivByZero)
}

/// `a` shifted left by `b mod 32`. Twin: `i32.shl`.
#[inline(always)]
#[must_use]
pub fn i32_shl(a: i64, b: i64) -> i64 {
    (a as i32).wrapping_shl(b as u32).into()
}

/// `a` shifted right by `b mod 32`: copies of bit 31 come in above. Twin: `i32.shr_s`.
#[inline(always)]
#[must_use]
pub fn i32_shr_s(a: i64, b: i64) -> i64 {
    (a as i32).wrapping_shr(b as u32).into()
}

/// `a` shifted right by `b mod 32`: zeros come in above. Twin: `i32.shr_u`.
#[inline(always)]
#[must_use]
pub fn i32_shr_u(a: i64, b: i64) -> i64 {
    unsigned((a as u32).wrapping_shr(b as u32))
}

/// `a` rotated left by `b mod 32` bits. Twin: `i32.rotl`.
#[inline(always)]
#[must_use]
pub fn i32_rotl(a: i64, b: i64) -> i64 {
    (a as i32).rotate_left(b as u32 % 32).into()
}

/// `a` rotated right by `b mod 32` bits. Twin: `i32.rotr`.
#[inline(always)]
#[must_use]
pub fn i32_rotr(a: i64, b: i64) -> i64 {
    (a as i32).rotate_right(b as u32 % 32).into()
}

/// The number of zero bits above the highest one of 32; 32 for 0. Twin: `i32.clz`.
#[inline(always)]
#[must_use]
pub fn i32_clz(a: i64) -> i64 {
    (a as u32).leading_zeros().into()
}

/// The number of zero bits below the lowest one of 32; 32 for 0. Twin: `i32.ctz`.
#[inline(always)]
#[must_use]
pub fn i32_ctz(a: i64) -> i64 {
    (a as u32).trailing_zeros().into()
}

/// The number of one bits among the low 32. Twin: `i32.popcnt`.
#[inline(always)]
#[must_use]
pub fn i32_popcnt(a: i64) -> i64 {
    (a as u32).count_ones().into()
}

/// The low 32 bits, sign-extended.
#[inline(always)]
fn signed(a: i64) -> i64 {
    (a as i32).into()
}

/// The same bits, sign-extended.
#[inline(always)]
fn unsigned(a: u32) -> i64 {
    (a as i32).into()
}
