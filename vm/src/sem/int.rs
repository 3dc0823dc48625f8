//! 64-bit integers: arithmetic, bits, comparison.
//!
//! Rules are those of the `WebAssembly` core specification (section "Integer Operations"): results are taken
//! modulo 2^64, shift counts modulo 64. Division is that of `execution_tape` v1, which traps where
//! `WebAssembly`'s does, and also for the remainder of `i64::MIN` by -1.

use opforge_schema::TrapCode;

/// `a + b` modulo 2^64. Twin: `i64.add`.
#[inline(always)]
#[must_use]
pub fn i64_add(a: i64, b: i64) -> i64 {
    a.wrapping_add(b)
}

/// `a - b` modulo 2^64. Twin: `i64.sub`.
#[inline(always)]
#[must_use]
pub fn i64_sub(a: i64, b: i64) -> i64 {
    a.wrapping_sub(b)
}

/// The low 64 bits of `a * b`. Twin: `i64.mul`.
#[inline(always)]
#[must_use]
pub fn i64_mul(a: i64, b: i64) -> i64 {
    a.wrapping_mul(b)
}

/// `a / b`, truncated toward zero. Twin: `i64.div_s`.
///
/// # Errors
/// [`TrapCode::DivByZero`] when `b` is 0, then [`TrapCode::IntDivOverflow`] for `i64::MIN / -1`.
#[inline(always)]
pub fn i64_div(a: i64, b: i64) -> Result<i64, TrapCode> {
    if b == 0 {
        return Err(TrapCode::DivByZero);
    }
    a.checked_div(b).ok_or(TrapCode::IntDivOverflow)
}

/// `a - b * trunc(a / b)`, with the sign of `a`. Twin: `i64.rem_s`, except that `i64::MIN` by -1 traps here
/// (a rule of `execution_tape` v1) where `WebAssembly` gives 0.
///
/// # Errors
/// [`TrapCode::DivByZero`] when `b` is 0, then [`TrapCode::IntDivOverflow`] for `i64::MIN` by -1.
#[inline(always)]
pub fn i64_rem(a: i64, b: i64) -> Result<i64, TrapCode> {
    if b == 0 {
        return Err(TrapCode::DivByZero);
    }
    a.checked_rem(b).ok_or(TrapCode::IntDivOverflow)
}

/// `a & b`, bit by bit. Twin: `i64.and`.
#[inline(always)]
#[must_use]
pub fn i64_and(a: i64, b: i64) -> i64 {
    a & b
}

/// `a | b`, bit by bit. Twin: `i64.or`.
#[inline(always)]
#[must_use]
pub fn i64_or(a: i64, b: i64) -> i64 {
    a | b
}

/// `a ^ b`, bit by bit. Twin: `i64.xor`.
#[inline(always)]
#[must_use]
pub fn i64_xor(a: i64, b: i64) -> i64 {
    a ^ b
}

/// `a * 2^(b mod 64)` modulo 2^64: zeros come in below. Twin: `i64.shl`.
#[inline(always)]
#[must_use]
pub fn i64_shl(a: i64, b: i64) -> i64 {
    a.wrapping_shl(b as u32)
}

/// `floor(a / 2^(b mod 64))`: copies of the sign bit come in above. Twin: `i64.shr_s`.
#[inline(always)]
#[must_use]
pub fn i64_shr(a: i64, b: i64) -> i64 {
    a.wrapping_shr(b as u32)
}

/// `a == b`. Twin: `i64.eq`.
#[inline(always)]
#[must_use]
pub fn i64_eq(a: i64, b: i64) -> bool {
    a == b
}

/// `a != b`. Twin: `i64.ne`.
#[inline(always)]
#[must_use]
pub fn i64_ne(a: i64, b: i64) -> bool {
    a != b
}

/// `a < b`, signed. Twin: `i64.lt_s`.
#[inline(always)]
#[must_use]
pub fn i64_lt(a: i64, b: i64) -> bool {
    a < b
}

/// `a <= b`, signed. Twin: `i64.le_s`.
#[inline(always)]
#[must_use]
pub fn i64_le(a: i64, b: i64) -> bool {
    a <= b
}

/// `a > b`, signed. Twin: `i64.gt_s`.
#[inline(always)]
#[must_use]
pub fn i64_gt(a: i64, b: i64) -> bool {
    a > b
}

/// `a >= b`, signed. Twin: `i64.ge_s`.
#[inline(always)]
#[must_use]
pub fn i64_ge(a: i64, b: i64) -> bool {
    a >= b
}

/// `a + b` modulo 2^64. Twin: `i64.add`.
#[inline(always)]
#[must_use]
pub fn u64_add(a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}

/// `a - b` modulo 2^64. Twin: `i64.sub`.
#[inline(always)]
#[must_use]
pub fn u64_sub(a: u64, b: u64) -> u64 {
    a.wrapping_sub(b)
}

/// The low 64 bits of `a * b`. Twin: `i64.mul`.
#[inline(always)]
#[must_use]
pub fn u64_mul(a: u64, b: u64) -> u64 {
    a.wrapping_mul(b)
}

/// `a / b`, rounded down. Twin: `i64.div_u`.
///
/// # Errors
/// [`TrapCode::DivByZero`] when `b` is 0.
#[inline(always)]
pub fn u64_div(a: u64, b: u64) -> Result<u64, TrapCode> {
    a.checked_div(b).ok_or(TrapCode::DivByZero)
}

/// `a mod b`. Twin: `i64.rem_u`.
///
/// # Errors
/// [`TrapCode::DivByZero`] when `b` is 0.
#[inline(always)]
pub fn u64_rem(a: u64, b: u64) -> Result<u64, TrapCode> {
    a.checked_rem(b).ok_or(TrapCode::DivByZero)
}

/// `a & b`, bit by bit. Twin: `i64.and`.
#[inline(always)]
#[must_use]
pub fn u64_and(a: u64, b: u64) -> u64 {
    a & b
}

/// `a | b`, bit by bit. Twin: `i64.or`.
#[inline(always)]
#[must_use]
pub fn u64_or(a: u64, b: u64) -> u64 {
    a | b
}

/// `a ^ b`, bit by bit. Twin: `i64.xor`.
#[inline(always)]
#[must_use]
pub fn u64_xor(a: u64, b: u64) -> u64 {
    a ^ b
}

/// `a * 2^(b mod 64)` modulo 2^64: zeros come in below. Twin: `i64.shl`.
#[inline(always)]
#[must_use]
pub fn u64_shl(a: u64, b: u64) -> u64 {
    a.wrapping_shl(b as u32)
}

/// `floor(a / 2^(b mod 64))`: zeros come in above. Twin: `i64.shr_u`.
#[inline(always)]
#[must_use]
pub fn u64_shr(a: u64, b: u64) -> u64 {
    a.wrapping_shr(b as u32)
}

/// `a == b`. Twin: `i64.eq`.
#[inline(always)]
#[must_use]
pub fn u64_eq(a: u64, b: u64) -> bool {
    a == b
}

/// `a != b`. Twin: `i64.ne`.
#[inline(always)]
#[must_use]
pub fn u64_ne(a: u64, b: u64) -> bool {
    a != b
}

/// `a < b`, unsigned. Twin: `i64.lt_u`.
#[inline(always)]
#[must_use]
pub fn u64_lt(a: u64, b: u64) -> bool {
    a < b
}

/// `a <= b`, unsigned. Twin: `i64.le_u`.
#[inline(always)]
#[must_use]
pub fn u64_le(a: u64, b: u64) -> bool {
    a <= b
}

/// `a > b`, unsigned. Twin: `i64.gt_u`.
#[inline(always)]
#[must_use]
pub fn u64_gt(a: u64, b: u64) -> bool {
    a > b
}

/// `a >= b`, unsigned. Twin: `i64.ge_u`.
#[inline(always)]
#[must_use]
pub fn u64_ge(a: u64, b: u64) -> bool {
    a >= b
}
