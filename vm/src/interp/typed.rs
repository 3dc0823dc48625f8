//! Functions of programs with Rust signatures: checked once, called without allocation.

use super::drive::{self, Begun, State};
use super::execution::EntryError;
use super::instance::{CallError, Instance, begin_heap};
use super::machine::{ENTRY_BASE, Exit, Machine};
use super::module::Module;
use super::native::{self, NativeCode, NativeEnd, Visited};
use super::nesting::Nested;
use super::report;
use super::waiting::pending_call;
use crate::heap::{Heap, ValueError};
use crate::host::HostParam;
use crate::ids::FuncId;
use crate::limits::Limits;
use crate::value::canonical_f64_bits;
use crate::value_type::ValueType;
use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
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
        self.make_frame(instance, limits)?;
        let Instance { module, hosts, calls, buffers } = instance;
        // Not by way of a bound function, which would be moved.
        let mut machine = Machine::new(module, (hosts, calls), buffers, limits);
        let start = Start::new(&machine, module, self.func);
        start.call(&mut machine, limits, args)
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
        self.make_frame(instance, limits)?;
        let Instance { module, hosts, calls, buffers } = instance;
        let machine = Machine::new(module, (hosts, calls), buffers, limits);
        let start = Start::new(&machine, module, self.func);
        Ok(BoundFunc { machine, start, limits: *limits, types: PhantomData })
    }

    /// Makes the function's frame.
    #[inline]
    fn make_frame<T>(&self, instance: &mut Instance<T>, limits: &Limits) -> Result<(), EntryError> {
        if !self.module.is(instance.module()) {
            return Err(EntryError::OtherModule);
        }
        let Instance { module, buffers, .. } = instance;
        let function = module.program().function(self.func).ok_or(EntryError::UnknownFunction(self.func))?;
        buffers.entry_frame(function, limits).map(|_| ())
    }
}

/// A [`TypedFunc`] with the instance it runs in.
pub struct BoundFunc<'i, P, R> {
    machine: Machine<'i>,
    start: Start<'i>,
    limits: Limits,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> fmt::Debug for BoundFunc<'_, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("BoundFunc");
        debug.field("func", &self.start.func).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl<P: CallParams, R: CallResults> BoundFunc<'_, P, R> {
    /// Runs the function to its end with an empty heap and the full limits.
    ///
    /// # Errors
    /// [`CallError::Entry`] if an argument does not fit the memory limit; nothing ran. [`CallError::Trap`] if the run
    /// trapped or ran out of fuel, [`CallError::Pending`] if a host function left its call pending. It can be called
    /// again.
    #[inline]
    pub fn call(&mut self, args: P) -> Result<R, CallError> {
        (self.machine.depth, self.machine.host_calls, self.machine.owed) = (1, 0, 0);
        self.start.call(&mut self.machine, &self.limits, args)
    }
}

/// What a run goes on from.
enum GoOn {
    /// The interpreter has begun.
    Interpreter(Begun),
    /// Native code has begun, and was left.
    Native(Option<Visited>),
}

/// Where runs of an entry function begin.
struct Start<'i> {
    module: &'i Module,
    /// Native code, and the room for its frames.
    native: Option<(&'i dyn NativeCode, u16)>,
    func: FuncId,
    /// Its first word and segment: see [`drive::start_of`].
    first: Option<(u32, u64)>,
}

impl<'i> Start<'i> {
    #[inline]
    fn new(machine: &Machine<'_>, module: &'i Module, func: FuncId) -> Self {
        let native = module.native();
        let native = native.and_then(|native| Some((native.code(), native.room(machine, func, ENTRY_BASE)?)));
        Self { module, native, func, first: drive::start_of(module.code(), func) }
    }

    /// Runs the function in a machine that is as before a run.
    #[inline]
    fn call<P: CallParams, R: CallResults>(
        &self,
        machine: &mut Machine<'_>,
        limits: &Limits,
        args: P,
    ) -> Result<R, CallError> {
        let Some(_nested) = Nested::enter(machine.calls.len(), limits.max_nested_runs) else {
            return Err(CallError::Entry(EntryError::NestedTooDeep));
        };
        begin_heap(machine.heap, machine.program, limits.max_memory);
        machine.heap.begin_memories().map_err(|_| EntryError::MemoryLimitExceeded)?;
        args.store_all(machine.heap, machine.stack.slots_from(ENTRY_BASE))?;
        let visited = match self.native {
            Some((code, room)) => {
                let visited = native::visit(machine, code, (self.func, 0), (ENTRY_BASE, room), limits.fuel);
                if visited.end == NativeEnd::Finished {
                    // Nothing was left, so there is nothing to drop.
                    core::mem::forget(visited);
                    return Ok(R::load_all(machine.heap, machine.results));
                }
                Some(visited)
            }
            None => None,
        };
        if visited.is_none()
            && let Some(first) = self.first
        {
            let Some(begun) = drive::begin(machine, first, limits.fuel) else {
                return Ok(R::load_all(machine.heap, machine.results));
            };
            self.go_on(machine, limits, GoOn::Interpreter(begun))?;
        } else {
            self.go_on(machine, limits, GoOn::Native(visited))?;
        }
        Ok(R::load_all(machine.heap, machine.results))
    }

    /// Goes on with a run that is not over yet.
    #[cold]
    #[inline(never)]
    fn go_on(&self, machine: &mut Machine<'_>, limits: &Limits, from: GoOn) -> Result<(), CallError> {
        let mut state = State::entry(self.func);
        let mut fuel = limits.fuel;
        let exit = match from {
            GoOn::Interpreter(begun) => drive::go_on(machine, begun, &mut state, &mut fuel),
            GoOn::Native(visited) => match visited.zip(self.module.native()) {
                Some((visited, native)) => {
                    drive::run_on(machine, native, (visited, limits.fuel), &mut state, &mut fuel)
                }
                None => Exit::Internal,
            },
        };
        let code = match exit {
            Exit::Finished => return Ok(()),
            Exit::OutOfFuelExact | Exit::OutOfFuelInWord | Exit::NeedExact => TrapCode::FuelExceeded,
            Exit::Pending => {
                let waiting = machine.pending.take();
                let (call, _) = pending_call(machine.program, machine.heap, waiting);
                return Err(CallError::Pending(Box::new(call)));
            }
            exit => report::trap_code(exit),
        };
        state.depth = machine.depth;
        let detail = machine.take_detail(exit);
        let trap = report::report(self.module, machine.stack, &state, fuel, (code, detail));
        Err(CallError::Trap(Box::new(trap)))
    }
}
