//! Rust functions as host functions: signatures from types, no allocation per call for numbers.

use super::{Caller, HeapCaller, HostFault, SlotFunc};
use crate::heap::Heap;
use crate::sem::Decimal;
use crate::trap::HostError;
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::task::Poll;

/// A Rust type that stands for a parameter or result of a host function: `bool`, `i64`, `u64`, `f64`,
/// [`Decimal`], `String`, `Vec<u8>`. Bytes and text are copied; as parameters, `&[u8]` and `&str` are not.
pub trait HostParam: Sized {
    /// The type in the program.
    const TYPE: ValueType;

    #[doc(hidden)]
    fn load(heap: &Heap, slots: &[u64]) -> Self;

    #[doc(hidden)]
    fn store(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), MemoryFull>;
}

/// A result found no room in the run's memory limit.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct MemoryFull;

fn first(slots: &[u64]) -> u64 {
    slots.first().copied().unwrap_or(0)
}

fn put(slots: &mut [u64], value: u64) -> Result<(), MemoryFull> {
    if let Some(slot) = slots.first_mut() {
        *slot = value;
    }
    Ok(())
}

macro_rules! scalars {
    ($($ty:ty => $class:ident, |$bits:ident| $load:expr, |$value:ident| $store:expr;)*) => {$(
        impl HostParam for $ty {
            const TYPE: ValueType = ValueType::$class;

            fn load(_: &Heap, slots: &[u64]) -> Self {
                let $bits = first(slots);
                $load
            }

            fn store(self, _: &mut Heap, slots: &mut [u64]) -> Result<(), MemoryFull> {
                let $value = self;
                put(slots, $store)
            }
        }
    )*};
}

scalars! {
    bool => Bool, |bits| bits != 0, |value| u64::from(value);
    i64 => I64, |bits| bits as i64, |value| value as u64;
    u64 => U64, |bits| bits, |value| value;
    f64 => F64, |bits| f64::from_bits(bits), |value| value.to_bits();
}

impl HostParam for Decimal {
    const TYPE: ValueType = ValueType::Decimal;

    fn load(_: &Heap, slots: &[u64]) -> Self {
        Self { mantissa: first(slots) as i64, scale: slots.get(1).copied().unwrap_or(0) as u8 }
    }

    fn store(self, _: &mut Heap, slots: &mut [u64]) -> Result<(), MemoryFull> {
        if let [mantissa, scale, ..] = slots {
            *mantissa = self.mantissa as u64;
            *scale = self.scale.into();
        }
        Ok(())
    }
}

impl HostParam for String {
    const TYPE: ValueType = ValueType::Str;

    fn load(heap: &Heap, slots: &[u64]) -> Self {
        heap.text(first(slots)).into()
    }

    fn store(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), MemoryFull> {
        put(slots, heap.alloc_bytes(self.as_bytes()).map_err(|_| MemoryFull)?)
    }
}

impl HostParam for Vec<u8> {
    const TYPE: ValueType = ValueType::Bytes;

    fn load(heap: &Heap, slots: &[u64]) -> Self {
        heap.bytes(first(slots)).into()
    }

    fn store(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), MemoryFull> {
        put(slots, heap.alloc_bytes(&self).map_err(|_| MemoryFull)?)
    }
}

/// A Rust type that stands for a parameter of a host function: a [`HostParam`], or `&str` or `&[u8]`, which are borrowed
/// from the run's heap for the call.
pub trait HostArg {
    /// The type in the program.
    const TYPE: ValueType;

    /// The same type, borrowed from a heap.
    #[doc(hidden)]
    type Of<'h>;

    #[doc(hidden)]
    fn load_from<'h>(heap: &'h Heap, slots: &[u64]) -> Self::Of<'h>;
}

impl<P: HostParam> HostArg for P {
    const TYPE: ValueType = P::TYPE;

    type Of<'h> = P;

    fn load_from(heap: &Heap, slots: &[u64]) -> P {
        P::load(heap, slots)
    }
}

impl HostArg for &str {
    const TYPE: ValueType = ValueType::Str;

    type Of<'h> = &'h str;

    fn load_from<'h>(heap: &'h Heap, slots: &[u64]) -> &'h str {
        heap.text(first(slots))
    }
}

impl HostArg for &[u8] {
    const TYPE: ValueType = ValueType::Bytes;

    type Of<'h> = &'h [u8];

    fn load_from<'h>(heap: &'h Heap, slots: &[u64]) -> &'h [u8] {
        heap.bytes(first(slots))
    }
}

/// What a typed host function may return: nothing, one value, or a tuple of up to three; a `Result` of
/// these with [`HostError`]; and [`Poll`] of any of these: with [`Poll::Pending`] the run stops with
/// [`Outcome::Pending`](crate::Outcome::Pending), and the call is completed later.
pub trait HostResults {
    #[doc(hidden)]
    fn types() -> Vec<ValueType>;

    #[doc(hidden)]
    fn store_all(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), HostFaultPublic>;
}

/// Why storing results failed.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum HostFaultPublic {
    /// The function failed.
    Error(HostError),
    /// No room.
    Full,
    /// The function is to be completed later.
    Pending,
}

impl From<HostFaultPublic> for Box<HostFault> {
    #[cold]
    fn from(fault: HostFaultPublic) -> Self {
        Self::new(match fault {
            HostFaultPublic::Error(error) => HostFault::Error(error),
            HostFaultPublic::Full => HostFault::MemoryLimit,
            HostFaultPublic::Pending => HostFault::Pending,
        })
    }
}

impl From<MemoryFull> for HostFaultPublic {
    fn from(_: MemoryFull) -> Self {
        Self::Full
    }
}

impl HostResults for () {
    fn types() -> Vec<ValueType> {
        Vec::new()
    }

    fn store_all(self, _: &mut Heap, _: &mut [u64]) -> Result<(), HostFaultPublic> {
        Ok(())
    }
}

impl<R: HostParam> HostResults for R {
    fn types() -> Vec<ValueType> {
        vec![R::TYPE]
    }

    fn store_all(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), HostFaultPublic> {
        Ok(self.store(heap, slots)?)
    }
}

impl<R: HostResults> HostResults for Result<R, HostError> {
    fn types() -> Vec<ValueType> {
        R::types()
    }

    fn store_all(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), HostFaultPublic> {
        self.map_err(HostFaultPublic::Error)?.store_all(heap, slots)
    }
}

impl<R: HostResults> HostResults for Poll<R> {
    fn types() -> Vec<ValueType> {
        R::types()
    }

    fn store_all(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), HostFaultPublic> {
        match self {
            Self::Ready(results) => results.store_all(heap, slots),
            Self::Pending => Err(HostFaultPublic::Pending),
        }
    }
}

macro_rules! result_tuples {
    ($(($($name:ident)+))*) => {$(
        impl<$($name: HostParam),+> HostResults for ($($name,)+) {
            fn types() -> Vec<ValueType> {
                vec![$($name::TYPE),+]
            }

            #[allow(non_snake_case, unused_assignments)]
            fn store_all(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), HostFaultPublic> {
                let ($($name,)+) = self;
                let mut at = 0;
                $(
                    $name.store(heap, slots.get_mut(at..).unwrap_or(&mut []))?;
                    at += $name::TYPE.slots() as usize;
                )+
                Ok(())
            }
        }
    )*};
}

result_tuples!((A B)(A B C));

/// A Rust function that a [`Linker`](super::Linker) can register: it takes `&mut Caller<'_, T>` and up to six
/// [`HostArg`]s and returns [`HostResults`].
pub trait IntoHostFunc<T, Args> {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn into_host_func(self) -> (Vec<ValueType>, Vec<ValueType>, SlotFunc<T>);
}

macro_rules! into_host_func {
    ($(($($name:ident)*))*) => {$(
        // Of the two bounds on the function, the first says which types its parameters are, and the second that it
        // takes them however short a time they are borrowed for.
        #[allow(non_snake_case, unused_variables, unused_mut, unused_assignments, private_interfaces)]
        impl<T, F, R, $($name),*> IntoHostFunc<T, ($($name,)*)> for F
        where
            F: Fn(&mut Caller<'_, T>, $($name),*) -> R
                + for<'h> Fn(&mut Caller<'_, T>, $($name::Of<'h>),*) -> R
                + Send
                + Sync
                + 'static,
            R: HostResults,
            $($name: HostArg,)*
        {
            fn into_host_func(self) -> (Vec<ValueType>, Vec<ValueType>, SlotFunc<T>) {
                // With both bounds in sight a call is ambiguous.
                #[inline(always)]
                #[allow(clippy::too_many_arguments)]
                fn call<T, R, $($name),*>(
                    func: &impl Fn(&mut Caller<'_, T>, $($name),*) -> R,
                    caller: &mut Caller<'_, T>,
                    $($name: $name),*
                ) -> R {
                    func(caller, $($name),*)
                }
                let slots = move |caller: &mut HeapCaller<'_, T>, args: &[u64], rets: &mut [u64]| {
                    let results: R = caller.reading(|caller, heap| {
                        let mut at = 0;
                        $(
                            let $name = <$name as HostArg>::load_from(heap, args.get(at..).unwrap_or(&[]));
                            at += <$name as HostArg>::TYPE.slots() as usize;
                        )*
                        call(&self, caller, $($name),*)
                    });
                    Ok(results.store_all(caller.heap, rets)?)
                };
                (vec![$(<$name as HostArg>::TYPE),*], R::types(), SlotFunc::new(slots))
            }
        }
    )*};
}

into_host_func!(()(A)(A B)(A B C)(A B C D)(A B C D E)(A B C D E G));
