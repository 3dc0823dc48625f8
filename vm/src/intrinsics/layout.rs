//! The logical types as Rust types: which slots they take, and how functions over them become functions over slots.

use super::IntrinsicCtx;
use crate::sem::text::{Bytes, Str};
use crate::value::canonical_f64_bits;
use crate::value_type::ValueType;
use opforge_schema::TrapCode;

/// A value that lies in slots: `f64`, `i64`, `u64`, `bool`, [`Str`], [`Bytes`], and types of one's own that are made of
/// these. Its classes are checked against the tables where functions are registered.
pub trait Layout: Sized {
    /// Class tags of its slots.
    const CLASSES: &'static [u8];

    /// The value in the first slots; there are as many as classes, or more.
    fn load(slots: &[u64]) -> Self;

    /// Puts the value into the first slots.
    fn store(self, slots: &mut [u64]);
}

/// The tag that stands for an immediate, which has no class.
pub(crate) const IMMEDIATE: u8 = 0xff;

/// The slots of a function.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Class tags of each argument.
    pub args: &'static [&'static [u8]],
    /// Class tags of each result.
    pub rets: &'static [&'static [u8]],
}

fn at(slots: &[u64], index: usize) -> u64 {
    slots.get(index).copied().unwrap_or(0)
}

fn put(slots: &mut [u64], index: usize, value: u64) {
    if let Some(slot) = slots.get_mut(index) {
        *slot = value;
    }
}

fn after<T: Layout>(slots: &[u64]) -> &[u64] {
    slots.get(T::CLASSES.len()..).unwrap_or(&[])
}

fn after_mut<T: Layout>(slots: &mut [u64]) -> &mut [u64] {
    slots.get_mut(T::CLASSES.len()..).unwrap_or(&mut [])
}

macro_rules! one_slot {
    ($($ty:ty: $class:ident, |$bits:ident| $load:expr, |$value:ident| $store:expr;)*) => {$(
        impl Layout for $ty {
            const CLASSES: &'static [u8] = &[ValueType::$class.tag()];

            #[inline]
            fn load(slots: &[u64]) -> Self {
                let $bits = at(slots, 0);
                $load
            }

            #[inline]
            fn store(self, slots: &mut [u64]) {
                let $value = self;
                put(slots, 0, $store);
            }
        }
    )*};
}

one_slot! {
    f64: F64, |bits| f64::from_bits(canonical_f64_bits(bits)), |value| canonical_f64_bits(value.to_bits());
    i64: I64, |bits| bits as i64, |value| value as u64;
    u64: U64, |bits| bits, |value| value;
    bool: Bool, |bits| bits != 0, |value| u64::from(value);
    Str: Str, |bits| Str::from_slot(bits), |value| value.slot();
    Bytes: Bytes, |bits| Bytes::from_slot(bits), |value| value.slot();
}

/// An immediate of an embedder's opcode.
impl Layout for u32 {
    const CLASSES: &'static [u8] = &[IMMEDIATE];

    #[inline]
    fn load(slots: &[u64]) -> Self {
        at(slots, 0) as u32
    }

    #[inline]
    fn store(self, slots: &mut [u64]) {
        put(slots, 0, self.into());
    }
}

/// What a function gives: one value or several, or a trap.
pub trait Outcome {
    /// Class tags of each value.
    const PARTS: &'static [&'static [u8]];

    /// Puts the values into slots.
    ///
    /// # Errors
    /// The trap, if it is one.
    fn finish(self, rets: &mut [u64]) -> Result<(), TrapCode>;
}

impl<T: Layout> Outcome for T {
    const PARTS: &'static [&'static [u8]] = &[T::CLASSES];

    #[inline]
    fn finish(self, rets: &mut [u64]) -> Result<(), TrapCode> {
        self.store(rets);
        Ok(())
    }
}

impl<R: Outcome> Outcome for Result<R, TrapCode> {
    const PARTS: &'static [&'static [u8]] = R::PARTS;

    #[inline]
    fn finish(self, rets: &mut [u64]) -> Result<(), TrapCode> {
        self?.finish(rets)
    }
}

macro_rules! tuples {
    ($(($($part:ident $value:ident),*))*) => {$(
        impl<$($part: Layout),*> Outcome for ($($part,)*) {
            const PARTS: &'static [&'static [u8]] = &[$($part::CLASSES),*];

            #[inline]
            fn finish(self, rets: &mut [u64]) -> Result<(), TrapCode> {
                let ($($value,)*) = self;
                $(
                    $value.store(rets);
                    let rets = after_mut::<$part>(rets);
                )*
                let _ = rets;
                Ok(())
            }
        }
    )*};
}

tuples! {
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
}

/// A function over logical types. `A` lists its argument types, behind [`WithCtx`] if it takes the context.
pub trait Function<A> {
    /// Its argument and result types.
    const SHAPE: Shape;

    /// Calls it with slots for both.
    ///
    /// # Errors
    /// The trap that it ends in.
    fn invoke(&self, ctx: &mut IntrinsicCtx<'_>, args: &[u64], rets: &mut [u64]) -> Result<(), TrapCode>;
}

/// Marks functions that take the context first.
#[derive(Clone, Copy, Debug)]
pub struct WithCtx;

macro_rules! functions {
    ($(($($arg:ident $value:ident),*))*) => {$(
        impl<F: Fn($($arg),*) -> R, R: Outcome, $($arg: Layout),*> Function<($($arg,)*)> for F {
            const SHAPE: Shape = Shape { args: &[$($arg::CLASSES),*], rets: R::PARTS };

            #[allow(clippy::many_single_char_names)]
            #[inline]
            fn invoke(&self, _: &mut IntrinsicCtx<'_>, args: &[u64], rets: &mut [u64]) -> Result<(), TrapCode> {
                $(
                    let $value = $arg::load(args);
                    let args = after::<$arg>(args);
                )*
                let _ = args;
                self($($value),*).finish(rets)
            }
        }

        impl<F: Fn(&mut IntrinsicCtx<'_>, $($arg),*) -> R, R: Outcome, $($arg: Layout),*>
            Function<(WithCtx, $($arg,)*)> for F
        {
            const SHAPE: Shape = Shape { args: &[$($arg::CLASSES),*], rets: R::PARTS };

            #[inline]
            fn invoke(&self, ctx: &mut IntrinsicCtx<'_>, args: &[u64], rets: &mut [u64]) -> Result<(), TrapCode> {
                $(
                    let $value = $arg::load(args);
                    let args = after::<$arg>(args);
                )*
                let _ = args;
                self(ctx, $($value),*).finish(rets)
            }
        }
    )*};
}

functions! {
    ()
    (A a)
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
    (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, G g)
    (A a, B b, C c, D d, E e, G g, H h)
    (A a, B b, C c, D d, E e, G g, H h, I i)
}
