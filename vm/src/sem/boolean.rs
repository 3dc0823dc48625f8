//! Booleans. Both operands are values already, so nothing here evaluates lazily. Rules: `execution_tape` v1.

/// True when both are.
#[inline(always)]
#[must_use]
pub fn bool_and(a: bool, b: bool) -> bool {
    a & b
}

/// True when at least one is.
#[inline(always)]
#[must_use]
pub fn bool_or(a: bool, b: bool) -> bool {
    a | b
}

/// True when exactly one is; also serves as "not equal".
#[inline(always)]
#[must_use]
pub fn bool_xor(a: bool, b: bool) -> bool {
    a ^ b
}

/// The other value.
#[inline(always)]
#[must_use]
pub fn bool_not(a: bool) -> bool {
    !a
}
