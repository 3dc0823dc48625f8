//! Functions of programs with Rust signatures: checked once, called without allocation.

use super::drive::{self, State};
use super::execution::EntryError;
use super::instance::{CallError, Instance};
use super::machine::{Exit, Machine};
use super::module::Module;
use super::report;
use super::trace::Off;
use crate::heap::{Heap, ValueError};
use crate::host::HostParam;
use crate::ids::FuncId;
use crate::limits::Limits;
use crate::trap::{Trap, TrapDetail};
use crate::value::canonical_f64_bits;
use crate::value_type::ValueType;
use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;
use opforge_schema::TrapCode;

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
    /// [`Instance::call`], with Rust types. To call it many times, [`TypedFunc::bind`] it.
    ///
    /// # Errors
    /// As for [`TypedFunc::bind`] and [`BoundFunc::call`]. The instance stays usable.
    #[inline]
    pub fn call<T>(&self, instance: &mut Instance<T>, args: P, limits: &Limits) -> Result<R, CallError> {
        self.bind(instance, limits)?.call(args)
    }

    /// Binds the function to an instance of its module and to limits that hold for each call: what calls have in common
    /// is done once.
    ///
    /// # Errors
    /// [`EntryError::OtherModule`] if the instance is one of another module, [`EntryError::StackLimitExceeded`] if the
    /// stack limit has no room for the function's frame.
    #[inline]
    pub fn bind<'i, T>(
        &self,
        instance: &'i mut Instance<T>,
        limits: &Limits,
    ) -> Result<BoundFunc<'i, P, R>, EntryError> {
        if !self.module.is(instance.module()) {
            return Err(EntryError::OtherModule);
        }
        let Instance { module, hosts, buffers } = instance;
        let func = self.func;
        let function = module.program().function(func).ok_or(EntryError::UnknownFunction(func))?;
        let slots = buffers.entry_frame(function, limits)?;
        let params = slots..slots + function.param_slots as usize;
        let machine = Machine::new(module, hosts, buffers, limits);
        Ok(BoundFunc { machine, module, func, params, limits: *limits, types: PhantomData })
    }
}

/// A [`TypedFunc`] with the instance it runs in.
pub struct BoundFunc<'i, P, R> {
    machine: Machine<'i>,
    module: &'i Module,
    func: FuncId,
    params: Range<usize>,
    limits: Limits,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> fmt::Debug for BoundFunc<'_, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundFunc")
            .field("func", &self.func)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl<P: CallParams, R: CallResults> BoundFunc<'_, P, R> {
    /// Runs the function to its end with an empty heap and the full limits.
    ///
    /// # Errors
    /// [`CallError::Entry`] if an argument does not fit the memory limit; nothing ran. [`CallError::Trap`] if the run
    /// trapped or ran out of fuel. It can be called again.
    #[inline]
    pub fn call(&mut self, args: P) -> Result<R, CallError> {
        let machine = &mut self.machine;
        machine.heap.reset(self.limits.max_memory);
        args.store_all(machine.heap, machine.stack.slice_mut(self.params.start, self.params.len()))?;
        (machine.depth, machine.host_calls, machine.owed) = (1, 0, 0);
        let (mut state, mut fuel) = (State::entry(self.func), self.limits.fuel);
        let exit = match self.module.native() {
            Some(native) => drive::run_native(machine, native, &mut state, &mut fuel),
            None => drive::run_segments(machine, &mut Off, &mut state, &mut fuel),
        };
        if exit == Exit::Finished {
            return Ok(R::load_all(machine.heap, machine.results));
        }
        Err(CallError::Trap(self.report(exit, state, fuel)))
    }

    #[cold]
    fn report(&mut self, exit: Exit, mut state: State, fuel: u64) -> Box<Trap> {
        let machine = &mut self.machine;
        state.depth = machine.depth;
        let detail = core::mem::replace(&mut machine.detail, TrapDetail::None);
        let code = match exit {
            Exit::OutOfFuelExact | Exit::OutOfFuelInWord | Exit::NeedExact => TrapCode::FuelExceeded,
            exit => report::trap_code(exit),
        };
        Box::new(report::report(self.module, machine.stack, &state, fuel, (code, detail)))
    }
}
