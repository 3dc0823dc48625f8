//! Functions of programs with Rust signatures: checked once, called without allocation.

use super::execution::EntryError;
use super::instance::{CallError, Instance};
use super::machine::Exit;
use super::module::Module;
use super::trace::Off;
use crate::heap::{Heap, ValueError};
use crate::host::HostParam;
use crate::ids::FuncId;
use crate::limits::Limits;
use crate::value::canonical_f64_bits;
use crate::value_type::ValueType;
use core::fmt;
use core::marker::PhantomData;

/// Rust types that stand for a function's parameters: `()` or a tuple of up to six [`HostParam`]s.
pub trait CallParams {
    /// The types in the program.
    #[doc(hidden)]
    const TYPES: &'static [ValueType];

    #[doc(hidden)]
    fn store_all(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), EntryError>;
}

/// Rust types that stand for a function's results: `()`, a [`HostParam`], or a tuple of up to three.
pub trait CallResults: Sized {
    /// The types in the program.
    #[doc(hidden)]
    const TYPES: &'static [ValueType];

    #[doc(hidden)]
    fn load_all(heap: &Heap, slots: &[u64]) -> Self;
}

macro_rules! call_params {
    ($(($($name:ident)*))*) => {$(
        impl<$($name: HostParam),*> CallParams for ($($name,)*) {
            const TYPES: &'static [ValueType] = &[$($name::TYPE),*];

            #[inline]
            #[allow(non_snake_case, unused_variables, unused_mut, unused_assignments)]
            fn store_all(self, heap: &mut Heap, slots: &mut [u64]) -> Result<(), EntryError> {
                let ($($name,)*) = self;
                let (mut index, mut at) = (0, 0);
                $(
                    if $name.store(heap, slots.get_mut(at..).unwrap_or(&mut [])).is_err() {
                        return Err(EntryError::Argument { index, error: ValueError::MemoryLimitExceeded });
                    }
                    index += 1;
                    at += $name::TYPE.slots() as usize;
                )*
                Ok(())
            }
        }
    )*};
}

call_params!(()(A)(A B)(A B C)(A B C D)(A B C D E)(A B C D E F));

/// Reads a result; a NaN leaves the VM with canonical bits.
#[inline]
fn load<R: HostParam>(heap: &Heap, slots: &[u64]) -> R {
    match (R::TYPE, slots.first()) {
        (ValueType::F64, Some(&bits)) => R::load(heap, &[canonical_f64_bits(bits)]),
        _ => R::load(heap, slots),
    }
}

impl CallResults for () {
    const TYPES: &'static [ValueType] = &[];

    #[inline]
    fn load_all(_: &Heap, _: &[u64]) -> Self {}
}

impl<R: HostParam> CallResults for R {
    const TYPES: &'static [ValueType] = &[R::TYPE];

    #[inline]
    fn load_all(heap: &Heap, slots: &[u64]) -> Self {
        load(heap, slots)
    }
}

macro_rules! result_tuples {
    ($(($($name:ident)+))*) => {$(
        impl<$($name: HostParam),+> CallResults for ($($name,)+) {
            const TYPES: &'static [ValueType] = &[$($name::TYPE),*];

            #[inline]
            #[allow(non_snake_case, unused_assignments)]
            fn load_all(heap: &Heap, slots: &[u64]) -> Self {
                let mut at = 0;
                $(
                    let $name = load(heap, slots.get(at..).unwrap_or(&[]));
                    at += $name::TYPE.slots() as usize;
                )+
                ($($name,)+)
            }
        }
    )*};
}

result_tuples!((A)(A B)(A B C));

/// A function of a module whose types have been checked against Rust's: `TypedFunc<(i64, i64), i64>`.
///
/// Calling it converts no [`Value`](crate::Value)s and, for numbers, allocates nothing.
pub struct TypedFunc<P, R> {
    module: Module,
    func: FuncId,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        Self { module: self.module.clone(), func: self.func, types: PhantomData }
    }
}

impl<P, R> fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedFunc").field("func", &self.func).finish_non_exhaustive()
    }
}

impl Module {
    /// A function by its number, to call it with Rust types: see [`TypedFunc::call`].
    /// [`ExecProgram::func_by_name`](crate::lower::ExecProgram::func_by_name) gives the number of a named one.
    ///
    /// # Errors
    /// [`EntryError::UnknownFunction`] if there is no such function, [`EntryError::Signature`] if it has other
    /// parameter or result types.
    pub fn typed_func<P: CallParams, R: CallResults>(
        &self,
        func: FuncId,
    ) -> Result<TypedFunc<P, R>, EntryError> {
        let function = self.program().function(func).ok_or(EntryError::UnknownFunction(func))?;
        if *function.params != *P::TYPES || *function.results != *R::TYPES {
            let (params, results) = (function.params.clone(), function.results.clone());
            return Err(EntryError::Signature { func, params, results });
        }
        Ok(TypedFunc { module: self.clone(), func, types: PhantomData })
    }
}

impl<P: CallParams, R: CallResults> TypedFunc<P, R> {
    /// The function's number.
    #[must_use]
    pub fn func(&self) -> FuncId {
        self.func
    }

    /// Runs the function to its end in an instance of its module, with an empty heap. As
    /// [`Instance::call`], with Rust types.
    ///
    /// # Errors
    /// [`CallError::Entry`] if the instance is one of another module, its stack limit has no room for the function's
    /// frame, or an argument does not fit the memory limit; nothing ran. [`CallError::Trap`] if the run trapped or ran
    /// out of fuel. The instance stays usable.
    #[inline]
    pub fn call<T>(&self, instance: &mut Instance<T>, args: P, limits: &Limits) -> Result<R, CallError> {
        if !self.module.is(instance.module()) {
            return Err(CallError::Entry(EntryError::OtherModule));
        }
        let mut execution = instance.execution(*limits);
        execution.start_checked(self.func, |heap, slots| args.store_all(heap, slots))?;
        match execution.run(&mut Off) {
            Exit::Finished => {
                let (heap, slots) = execution.result_slots();
                Ok(R::load_all(heap, slots))
            }
            exit => Err(match execution.outcome(exit).into_results() {
                Err(error) => error,
                // Only a run that has finished has results.
                Ok(_) => CallError::Entry(EntryError::NotStarted),
            }),
        }
    }
}
