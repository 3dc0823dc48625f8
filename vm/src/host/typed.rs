//! Rust functions as host functions: signatures from types, no allocation per call for numbers.

use super::{Caller, HostFault, SlotFunc};
use crate::heap::Heap;
use crate::sem::Decimal;
use crate::trap::HostError;
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// A Rust type that stands for a parameter or result of a host function: `bool`, `i64`, `u64`, `f64`,
/// [`Decimal`], `String`, `Vec<u8>`. Bytes and text are copied.
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

/// What a typed host function may return: nothing, one value, or a tuple of up to three; or a `Result` of
/// these with [`HostError`].
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
/// [`HostParam`]s and returns [`HostResults`].
pub trait IntoHostFunc<T, Args> {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn into_host_func(self) -> (Vec<ValueType>, Vec<ValueType>, SlotFunc<T>);
}

macro_rules! into_host_func {
    ($(($($name:ident)*))*) => {$(
        #[allow(non_snake_case, unused_variables, unused_mut, unused_assignments, private_interfaces)]
        impl<T, F, R, $($name),*> IntoHostFunc<T, ($($name,)*)> for F
        where
            F: Fn(&mut Caller<'_, T>, $($name),*) -> R + Send + Sync + 'static,
            R: HostResults,
            $($name: HostParam,)*
        {
            fn into_host_func(self) -> (Vec<ValueType>, Vec<ValueType>, SlotFunc<T>) {
                let slots = move |caller: &mut Caller<'_, T>, args: &[u64], rets: &mut [u64]| {
                    let mut at = 0;
                    $(
                        let $name = $name::load(caller.heap, args.get(at..).unwrap_or(&[]));
                        at += $name::TYPE.slots() as usize;
                    )*
                    self(caller, $($name),*).store_all(caller.heap, rets).map_err(|fault| {
                        Box::new(match fault {
                            HostFaultPublic::Error(error) => HostFault::Error(error),
                            HostFaultPublic::Full => HostFault::MemoryLimit,
                        })
                    })
                };
                (vec![$($name::TYPE),*], R::types(), SlotFunc::new(slots))
            }
        }
    )*};
}

into_host_func!(()(A)(A B)(A B C)(A B C D)(A B C D E)(A B C D E G));
