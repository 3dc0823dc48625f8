//! How values of each class are read from slots and written to them, so that handlers follow from the types of
//! the semantic functions.

use super::regs::Regs;
use crate::sem::Decimal;
use crate::sem::text::{Bytes, Str};
use opforge_schema::TrapCode;

/// A value that stands in slots.
pub(super) trait Operand: Copy {
    /// Reads the value that starts at `slot`.
    ///
    /// # Safety
    /// As for [`Regs::get`], for each slot of the value.
    unsafe fn load(regs: Regs, slot: u32) -> Self;

    /// Writes the slots behind the first one and returns the first one's bits, which the caller writes.
    ///
    /// # Safety
    /// As for [`Regs::set`], for each slot of the value from `slot` on.
    unsafe fn store_rest(self, regs: Regs, slot: u32) -> u64;
}

/// A value that may be the immediate of a word.
pub(super) trait Immediate {
    /// The value of an immediate field.
    fn from_imm(imm: u32) -> Self;
}

macro_rules! one_slot {
    ($($ty:ty: |$bits:ident| $load:expr, |$value:ident| $store:expr;)*) => {$(
        impl Operand for $ty {
            #[inline(always)]
            unsafe fn load(regs: Regs, slot: u32) -> Self {
                // SAFETY: the caller vouches for the slot.
                let $bits = unsafe { regs.get(slot) };
                $load
            }

            #[inline(always)]
            unsafe fn store_rest(self, _: Regs, _: u32) -> u64 {
                let $value = self;
                $store
            }
        }
    )*};
}

one_slot! {
    i64: |bits| bits as i64, |value| value as u64;
    u64: |bits| bits, |value| value;
    f64: |bits| f64::from_bits(bits), |value| value.to_bits();
    bool: |bits| bits != 0, |value| u64::from(value);
    Bytes: |bits| Bytes(bits), |value| value.0;
    Str: |bits| Str(bits), |value| value.0;
}

impl Operand for Decimal {
    #[inline(always)]
    unsafe fn load(regs: Regs, slot: u32) -> Self {
        // SAFETY: the caller vouches for both slots.
        unsafe { Self { mantissa: regs.get(slot) as i64, scale: regs.get(slot + 1) as u8 } }
    }

    #[inline(always)]
    unsafe fn store_rest(self, regs: Regs, slot: u32) -> u64 {
        // SAFETY: the caller vouches for both slots.
        unsafe { regs.set(slot + 1, self.scale.into()) };
        self.mantissa as u64
    }
}

impl Immediate for i64 {
    #[inline(always)]
    fn from_imm(imm: u32) -> Self {
        i64::from(imm as i32)
    }
}

impl Immediate for u64 {
    #[inline(always)]
    fn from_imm(imm: u32) -> Self {
        i64::from(imm as i32) as u64
    }
}

/// What a semantic function returns: a value, or a value or a trap.
pub(super) trait SemResult {
    /// The value.
    type Value: Operand;

    /// The value or the trap.
    fn into_result(self) -> Result<Self::Value, TrapCode>;
}

macro_rules! plain_result {
    ($($ty:ty)*) => {$(
        impl SemResult for $ty {
            type Value = Self;

            #[inline(always)]
            fn into_result(self) -> Result<Self, TrapCode> {
                Ok(self)
            }
        }
    )*};
}

plain_result!(i64 u64 f64 bool Bytes Str Decimal);

impl<T: Operand> SemResult for Result<T, TrapCode> {
    type Value = T;

    #[inline(always)]
    fn into_result(self) -> Self {
        self
    }
}
