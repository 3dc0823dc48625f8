//! A run: where it stands, how it is started, resumed and reported.

use super::drive::{self, State};
use super::instance::{CallError, Instance};
use super::machine::{Exit, Machine};
use super::nesting::Nested;
use super::report;
use super::trace::{Off, On, TraceSink, Tracer};
use super::waiting::{Pending, pending_call};
use crate::heap::{Heap, ValueError};
use crate::host::PendingCall;
use crate::ids::FuncId;
use crate::limits::Limits;
use crate::trap::{Trap, TrapDetail};
use crate::value::Value;
use crate::value_type::{ValueType, write_types};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use opforge_schema::TrapCode;

/// Why a run could not be started. Nothing ran and no fuel was used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryError {
    /// The program has no such function.
    UnknownFunction(FuncId),
    /// The function takes another number of arguments.
    ArgumentCount {
        /// How many it takes.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// An argument does not fit.
    Argument {
        /// Which one, counted from 0.
        index: usize,
        /// Why.
        error: ValueError,
    },
    /// The entry frame alone is larger than the stack limit.
    StackLimitExceeded,
    /// The linear memories alone take more than [`Limits::max_memory`].
    MemoryLimitExceeded,
    /// The execution is running already; it must end first.
    AlreadyStarted,
    /// No run was started.
    NotStarted,
    /// The run would be inside of more runs on this thread than [`Limits::max_nested_runs`].
    NestedTooDeep,
    /// The typed function is another module's.
    OtherModule,
    /// The function has other parameter or result types than were asked for.
    Signature {
        /// The function.
        func: FuncId,
        /// Its parameter types.
        params: Box<[ValueType]>,
        /// Its result types.
        results: Box<[ValueType]>,
    },
}

impl EntryError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownFunction(_) => "E0001",
            Self::ArgumentCount { .. } => "E0002",
            Self::Argument { .. } => "E0003",
            Self::StackLimitExceeded => "E0004",
            Self::AlreadyStarted => "E0005",
            Self::NotStarted => "E0006",
            Self::OtherModule => "E0007",
            Self::Signature { .. } => "E0008",
            Self::NestedTooDeep => "E0009",
            Self::MemoryLimitExceeded => "E0010",
        }
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code())?;
        match self {
            Self::UnknownFunction(func) => write!(f, "the program has no {func}"),
            Self::ArgumentCount { expected, actual } => {
                write!(f, "the function takes {expected} arguments, {actual} were given")
            }
            Self::Argument { index, error } => write!(f, "argument {}: {error}", index + 1),
            Self::StackLimitExceeded => f.write_str("the function's frame is larger than the stack limit"),
            Self::MemoryLimitExceeded => {
                f.write_str("the program's linear memories are larger than the memory limit")
            }
            Self::AlreadyStarted => f.write_str("the execution is running already"),
            Self::NotStarted => f.write_str("the execution was not started"),
            Self::NestedTooDeep => f.write_str("too many runs are active on this thread already"),
            Self::OtherModule => {
                f.write_str("the typed function is that of another module than the instance's")
            }
            Self::Signature { func, params, results } => {
                write!(f, "{func} has the signature ")?;
                write_types(f, params)?;
                f.write_str(" -> ")?;
                write_types(f, results)
            }
        }
    }
}

impl core::error::Error for EntryError {}

/// How [`Execution::resume`] ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The entry function returned these values.
    Finished(Vec<Value>),
    /// The run trapped. It cannot be resumed.
    Trapped(Box<Trap>),
    /// Fuel ran out before the instruction that the report points at. [`Execution::add_fuel`] and
    /// [`Execution::resume`] go on as if nothing had happened.
    OutOfFuel(Box<Trap>),
    /// The interrupt flag was set. [`Execution::resume`] goes on.
    Interrupted,
    /// A host function left its call pending. The run stands at it: [`Execution::complete`] or [`Execution::fail`],
    /// then [`Execution::resume`]. Until then resuming gives this again.
    Pending(Box<PendingCall>),
    /// The run is inside of more other runs than [`Limits::max_nested_runs`]: host functions further out on this thread
    /// have led to it. Nothing ran; it can be resumed further out.
    NestedTooDeep,
    /// There is nothing to resume: not started, or ended.
    NotRunning,
}

impl Outcome {
    /// The outcome of a run that is not resumed.
    pub(super) fn into_results(self) -> Result<Vec<Value>, CallError> {
        match self {
            Self::Finished(results) => Ok(results),
            Self::Trapped(trap) | Self::OutOfFuel(trap) => Err(CallError::Trap(trap)),
            Self::Pending(call) => Err(CallError::Pending(call)),
            Self::NestedTooDeep => Err(CallError::Entry(EntryError::NestedTooDeep)),
            // Without an interrupt handle nobody can set the flag.
            Self::Interrupted | Self::NotRunning => Err(CallError::Entry(EntryError::NotStarted)),
        }
    }
}

/// Stops a run from another thread. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct InterruptHandle(Arc<AtomicBool>);

impl InterruptHandle {
    /// A handle whose flag is clear.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// Sets the flag: the run stops with [`Outcome::Interrupted`] within some thousand instructions.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Clears the flag, before the run is resumed.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// One run of an instance.
#[derive(Debug)]
pub struct Execution<'i, T> {
    pub(super) instance: &'i mut Instance<T>,
    limits: Limits,
    pub(super) fuel: u64,
    host_calls: u64,
    pub(super) owed: u64,
    interrupt: Option<InterruptHandle>,
    pub(super) state: State,
    pub(super) pending: Pending,
}

impl<'i, T> Execution<'i, T> {
    #[inline]
    pub(super) fn new(instance: &'i mut Instance<T>, limits: Limits) -> Self {
        let state = State { running: false, ..State::entry(FuncId(0)) };
        let (fuel, pending) = (limits.fuel, Pending::None);
        Self { instance, limits, fuel, host_calls: 0, owed: 0, interrupt: None, state, pending }
    }

    /// The heap, to read aggregates.
    #[must_use]
    pub fn heap(&self) -> &Heap {
        &self.instance.buffers.heap
    }

    /// The heap, to make aggregates that are handed in as arguments, and to write to linear memories.
    pub fn heap_mut(&mut self) -> &mut Heap {
        &mut self.instance.buffers.heap
    }

    /// The host's data.
    #[must_use]
    pub fn data(&self) -> &T {
        &self.instance.hosts.data
    }

    /// Fuel left.
    #[must_use]
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Adds fuel. What the run owes is paid first.
    pub fn add_fuel(&mut self, fuel: u64) {
        let paid = fuel.min(self.owed);
        self.owed -= paid;
        self.fuel = self.fuel.saturating_add(fuel - paid);
    }

    /// Fuel that host functions charged past what was left: see [`Caller::charge`](crate::Caller::charge).
    #[must_use]
    pub fn fuel_owed(&self) -> u64 {
        self.owed
    }

    /// Calls that reached the host so far.
    #[must_use]
    pub fn host_calls(&self) -> u64 {
        self.host_calls
    }

    /// Lets another thread stop the run.
    pub fn set_interrupt(&mut self, handle: InterruptHandle) {
        self.interrupt = Some(handle);
    }

    /// Starts a function. It runs with [`Execution::resume`].
    ///
    /// # Errors
    /// [`EntryError`] if the function or the arguments do not fit, the program's linear memories are larger than the memory
    /// limit, or the execution is running already.
    pub fn start(&mut self, func: FuncId, args: &[Value]) -> Result<(), EntryError> {
        if self.state.running {
            return Err(EntryError::AlreadyStarted);
        }
        let Instance { module, buffers, .. } = &mut *self.instance;
        let function = module.program().function(func).ok_or(EntryError::UnknownFunction(func))?;
        if args.len() != function.params.len() {
            return Err(EntryError::ArgumentCount { expected: function.params.len(), actual: args.len() });
        }
        buffers.heap.begin_memories().map_err(|_| EntryError::MemoryLimitExceeded)?;
        let mut slots = buffers.entry_frame(function, &self.limits)?;
        for (index, (value, &ty)) in args.iter().zip(&function.params).enumerate() {
            let stored = buffers.heap.store_value(value, ty);
            let stored = stored.map_err(|error| EntryError::Argument { index, error })?;
            for &bits in stored.iter().take(ty.slots() as usize) {
                buffers.stack.set(slots, bits);
                slots += 1;
            }
        }
        self.state = State::entry(func);
        Ok(())
    }

    /// Runs until something ends or stops the run.
    pub fn resume(&mut self) -> Outcome {
        self.drive(&mut Off)
    }

    /// Runs as [`Execution::resume`] does and reports to a sink. Results, fuel and traps are the same.
    pub fn resume_traced(&mut self, sink: &mut dyn TraceSink) -> Outcome {
        if self.state.running && !self.state.resumed {
            sink.enter(self.state.func, 1);
        }
        let outcome = self.drive(&mut On(sink));
        if matches!(outcome, Outcome::Trapped(_)) {
            for depth in (1..=self.state.depth).rev() {
                sink.leave(depth);
            }
        }
        outcome
    }

    fn drive<R: Tracer>(&mut self, tracer: &mut R) -> Outcome {
        if !self.state.running {
            return Outcome::NotRunning;
        }
        self.state.resumed = true;
        if let Some(outcome) = self.stands() {
            return outcome;
        }
        let Instance { module, hosts, calls, buffers } = &mut *self.instance;
        let Some(_nested) = Nested::enter(calls.len(), self.limits.max_nested_runs) else {
            return Outcome::NestedTooDeep;
        };
        // Native code relies on the memories that it was made for; the interpreter looks at all it is given.
        let native = module.native().filter(|_| buffers.heap.is_ready_for(&module.program().types));
        let mut machine = Machine::new(module, (hosts, calls), buffers, &self.limits);
        machine.interrupt = self.interrupt.as_ref().map(|handle| &*handle.0);
        machine.depth = self.state.depth;
        machine.host_calls = self.host_calls;
        machine.owed = self.owed;
        let exit = match native {
            Some(native) if !R::ENABLED => {
                drive::run_native(&mut machine, native, &mut self.state, &mut self.fuel)
            }
            _ => drive::run_segments(&mut machine, tracer, &mut self.state, &mut self.fuel),
        };
        self.host_calls = machine.host_calls;
        self.owed = machine.owed;
        self.state.depth = machine.depth;
        let detail = machine.take_detail(exit);
        let waiting = machine.pending.take();
        self.state.running &= !matches!(exit, Exit::Finished | Exit::Trap(_) | Exit::Internal);
        match exit {
            Exit::Finished => Outcome::Finished(self.results()),
            Exit::Interrupted => Outcome::Interrupted,
            Exit::Pending => {
                let Instance { module, buffers, .. } = &*self.instance;
                let (call, charged) = pending_call(module.program(), &buffers.heap, waiting);
                self.pending = Pending::Waits { call: Box::new(call.clone()), charged };
                Outcome::Pending(Box::new(call))
            }
            Exit::OutOfFuelExact | Exit::OutOfFuelInWord | Exit::NeedExact => {
                Outcome::OutOfFuel(Box::new(self.report(TrapCode::FuelExceeded, TrapDetail::None)))
            }
            // Only a session machine's coroutines wait, yield, halt and take turns.
            Exit::Trap(_) | Exit::Internal | Exit::Blocked | Exit::Yielded | Exit::Halted | Exit::Turned => {
                Outcome::Trapped(Box::new(self.report(report::trap_code(exit), detail)))
            }
        }
    }

    fn results(&self) -> Vec<Value> {
        let Some(function) = self.instance.module.program().function(self.state.entry) else {
            return Vec::new();
        };
        let mut rest = &*self.instance.buffers.results;
        let mut values = Vec::with_capacity(function.results.len());
        for &ty in &function.results {
            values.push(self.instance.buffers.heap.load_value(ty, rest));
            rest = rest.get(ty.slots() as usize..).unwrap_or(&[]);
        }
        values
    }

    /// The report of a run that stopped at the current state.
    pub(super) fn report(&self, code: TrapCode, detail: TrapDetail) -> Trap {
        report::report(
            self.instance.module(),
            &self.instance.buffers.stack,
            &self.state,
            self.fuel,
            (code, detail),
        )
    }
}
