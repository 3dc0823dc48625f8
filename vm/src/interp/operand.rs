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

    /// Writes the value from `slot` on, or returns the bits of its only slot for the caller to write. Integers are
    /// written in one place for all handlers; a float would have to leave its register for that.
    ///
    /// # Safety
    /// As for [`Regs::set`], for each slot of the value from `slot` on.
    unsafe fn store(self, regs: Regs, slot: u32) -> Option<u64>;

    /// Which accumulator has values of this type.
    #[cfg(opforge_threaded)]
    const KIND: Kind;

    /// Takes the value of a slot from its accumulator; from the slot, if it is in none.
    ///
    /// # Safety
    /// As for [`Operand::load`].
    #[cfg(opforge_threaded)]
    unsafe fn forwarded(accumulators: (u64, f64), regs: Regs, slot: u32) -> Self;

    /// The accumulators with this value in its one.
    #[cfg(opforge_threaded)]
    fn forward(self, accumulators: (u64, f64)) -> (u64, f64);
}

/// Which accumulator of threaded code has a value.
#[cfg(opforge_threaded)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// None.
    Other,
    /// That of bits: the value is in one slot and not a float.
    Bits,
    /// That of floats.
    Float,
    /// Both.
    Any,
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
            unsafe fn store(self, _: Regs, _: u32) -> Option<u64> {
                let $value = self;
                Some($store)
            }

            #[cfg(opforge_threaded)]
            const KIND: Kind = Kind::Bits;

            #[cfg(opforge_threaded)]
            #[inline(always)]
            unsafe fn forwarded(($bits, _): (u64, f64), _: Regs, _: u32) -> Self {
                $load
            }

            #[cfg(opforge_threaded)]
            #[inline(always)]
            fn forward(self, (_, float): (u64, f64)) -> (u64, f64) {
                let $value = self;
                ($store, float)
            }
        }
    )*};
}

one_slot! {
    i64: |bits| bits as i64, |value| value as u64;
    u64: |bits| bits, |value| value;
    bool: |bits| bits != 0, |value| u64::from(value);
    Bytes: |bits| Bytes(bits), |value| value.0;
    Str: |bits| Str(bits), |value| value.0;
}

impl Operand for f64 {
    #[inline(always)]
    unsafe fn load(regs: Regs, slot: u32) -> Self {
        // SAFETY: the caller vouches for the slot.
        f64::from_bits(unsafe { regs.get(slot) })
    }

    #[inline(always)]
    unsafe fn store(self, regs: Regs, slot: u32) -> Option<u64> {
        // SAFETY: the caller vouches for the slot.
        unsafe { regs.set(slot, self.to_bits()) };
        None
    }

    #[cfg(opforge_threaded)]
    const KIND: Kind = Kind::Float;

    #[cfg(opforge_threaded)]
    #[inline(always)]
    unsafe fn forwarded((_, float): (u64, f64), _: Regs, _: u32) -> Self {
        float
    }

    #[cfg(opforge_threaded)]
    #[inline(always)]
    fn forward(self, (bits, _): (u64, f64)) -> (u64, f64) {
        (bits, self)
    }
}

impl Operand for Decimal {
    #[inline(always)]
    unsafe fn load(regs: Regs, slot: u32) -> Self {
        // SAFETY: the caller vouches for both slots.
        unsafe { Self { mantissa: regs.get(slot) as i64, scale: regs.get(slot + 1) as u8 } }
    }

    #[inline(always)]
    unsafe fn store(self, regs: Regs, slot: u32) -> Option<u64> {
        // SAFETY: the caller vouches for both slots.
        unsafe {
            regs.set(slot, self.mantissa as u64);
            regs.set(slot + 1, self.scale.into());
        }
        None
    }

    #[cfg(opforge_threaded)]
    const KIND: Kind = Kind::Other;

    #[cfg(opforge_threaded)]
    #[inline(always)]
    unsafe fn forwarded(_: (u64, f64), regs: Regs, slot: u32) -> Self {
        // SAFETY: the caller vouches for both slots.
        unsafe { Self::load(regs, slot) }
    }

    #[cfg(opforge_threaded)]
    #[inline(always)]
    fn forward(self, accumulators: (u64, f64)) -> (u64, f64) {
        accumulators
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
