//! A linked module with a host's data.

use super::call_import::CallImport;
use super::execution::{EntryError, Execution};
use super::host_calls::{HostCalls, HostStop, Waiting};
use super::machine::ENTRY_BASE;
use super::module::Module;
use super::regs::Stack;
use super::typed::{CallParams, CallResults, TypedFunc};
use crate::guard::{LastPanic, Panic, message};
use crate::heap::Heap;
use crate::host::{HostFault, PendingCall, SlotFunc};
use crate::ids::{FuncId, MemId};
use crate::limits::Limits;
use crate::lower::{ExecFunction, ExecProgram};
use crate::trap::{HostError, Trap, TrapDetail, bounded};
use crate::value::{Value, canonical_f64_bits};
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use opforge_schema::TrapCode;

/// A module with its imports resolved and the host's data of type `T`. Runs one execution at a time; its buffers
/// are kept from run to run.
pub struct Instance<T> {
    pub(super) module: Module,
    pub(super) hosts: Hosts<T>,
    /// By import: how native code calls it.
    pub(super) calls: Box<[CallImport]>,
    pub(super) buffers: Buffers,
}

/// What runs reuse.
#[derive(Debug)]
pub(super) struct Buffers {
    pub(super) heap: Heap,
    pub(super) stack: Stack,
    pub(super) results: Vec<u64>,
    pub(super) host: Vec<u64>,
}

impl Buffers {
    /// Makes the frame of an entry function, whose linkage says that its return ends the run. Returns its first slot.
    #[inline]
    pub(super) fn entry_frame(
        &mut self,
        function: &ExecFunction,
        limits: &Limits,
    ) -> Result<usize, EntryError> {
        let end = ENTRY_BASE + function.frame_slots as usize;
        let most = limits.max_stack_slots as usize;
        if end > most {
            return Err(EntryError::StackLimitExceeded);
        }
        self.stack.limit(most);
        if end > self.stack.len() {
            self.stack.grow(end).map_err(|_| EntryError::StackLimitExceeded)?;
        }
        self.stack.slice_mut(0, ENTRY_BASE).fill(0);
        Ok(ENTRY_BASE)
    }
}

/// Resolved imports and the host's data.
pub(super) struct Hosts<T> {
    imports: Box<[LinkedImport<T>]>,
    pub(super) data: T,
    pub(super) panic: LastPanic,
}

/// An import with its host function.
pub(super) struct LinkedImport<T> {
    index: u32,
    pub(super) func: SlotFunc<T>,
    /// Slots of arguments and of results.
    pub(super) slots: (usize, usize),
    symbol: Arc<str>,
    hash: u64,
    /// Argument slots that hold floats: a NaN leaves the VM with canonical bits.
    pub(super) floats: Box<[u32]>,
}

impl<T: fmt::Debug> fmt::Debug for Instance<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("data", &self.hosts.data).finish_non_exhaustive()
    }
}

/// A heap for runs of the program.
fn new_heap(program: &ExecProgram) -> Heap {
    let heap = Heap::new(program.const_data.clone(), program.types.clone(), 0);
    heap.with_memories(&program.memories)
}

/// Empties the heap for a run of the program. One of another program, which a host has put in its place, is replaced:
/// constants and memories are the program's.
#[inline]
pub(super) fn begin_heap(heap: &mut Heap, program: &ExecProgram, limit: u64) {
    if !heap.is_of(&program.types) {
        *heap = new_heap(program);
    }
    heap.reset(limit);
}

fn slots(types: &[ValueType]) -> usize {
    types.iter().map(|ty| ty.slots() as usize).sum()
}

fn float_slots(params: &[ValueType]) -> Box<[u32]> {
    let mut slot = 0;
    let mut floats = Vec::new();
    for &ty in params {
        if ty == ValueType::F64 {
            floats.push(slot);
        }
        slot += ty.slots();
    }
    floats.into()
}

/// Why [`Instance::call`] gave no results.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallError {
    /// The call was refused before anything ran.
    Entry(EntryError),
    /// The run trapped; running out of fuel counts as a trap here.
    Trap(Box<Trap>),
    /// A host function left its call pending, and a call cannot wait for it; an [`Execution`] can. The run is gone.
    Pending(Box<PendingCall>),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(error) => write!(f, "{error}"),
            Self::Trap(trap) => write!(f, "{trap}"),
            Self::Pending(call) => write!(
                f,
                "error[H0007]: host function `{}` is pending, and this call cannot wait; run it as an execution",
                call.symbol.escape_debug()
            ),
        }
    }
}

impl core::error::Error for CallError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Entry(error) => Some(error),
            Self::Trap(trap) => Some(&**trap),
            Self::Pending(_) => None,
        }
    }
}

impl From<EntryError> for CallError {
    fn from(error: EntryError) -> Self {
        Self::Entry(error)
    }
}

impl<T> Instance<T> {
    pub(crate) fn new(module: Module, funcs: Box<[SlotFunc<T>]>, data: T) -> Self {
        let program = module.program();
        let calls = funcs.iter().map(SlotFunc::native).collect();
        let imports = funcs
            .into_vec()
            .into_iter()
            .zip(&program.imports)
            .zip(0..)
            .map(|((func, import), index)| LinkedImport {
                index,
                func,
                slots: (slots(&import.params), slots(&import.results)),
                symbol: import.symbol.clone(),
                hash: import.hash,
                floats: float_slots(&import.params),
            })
            .collect();
        Self {
            hosts: Hosts { imports, data, panic: LastPanic::default() },
            calls,
            buffers: Buffers {
                heap: new_heap(program),
                stack: Stack::default(),
                results: Vec::new(),
                host: Vec::new(),
            },
            module,
        }
    }

    /// The module.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The lowered program.
    #[must_use]
    pub fn program(&self) -> &ExecProgram {
        self.module.program()
    }

    /// The host's data.
    #[must_use]
    pub fn data(&self) -> &T {
        &self.hosts.data
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.hosts.data
    }

    /// Gives the host's data back.
    #[must_use]
    pub fn into_data(self) -> T {
        self.hosts.data
    }

    /// The payload of the last panic of a host function that was not taken yet, to look into it or to go on with it:
    /// `std::panic::resume_unwind`. It is kept here because a trap report can be cloned and compared.
    #[cfg(feature = "std")]
    pub fn take_panic(&mut self) -> Option<Box<dyn core::any::Any + Send>> {
        self.hosts.panic.take()
    }

    /// The heap of the last run, to read aggregates in its results.
    #[must_use]
    pub fn heap(&self) -> &Heap {
        &self.buffers.heap
    }

    /// The exported linear memory of this name, if the program has it.
    #[must_use]
    pub fn exported_memory(&self, name: &str) -> Option<MemId> {
        self.buffers.heap.exported_memory(name)
    }

    /// The bytes of an exported linear memory. They keep from run to run, also when a run traps; see
    /// [`Instance::clear_memories`]. `None` for a memory that is not exported.
    #[must_use]
    pub fn memory(&self, memory: MemId) -> Option<&[u8]> {
        self.buffers.heap.memory(memory)
    }

    /// The bytes of an exported linear memory, to change them between runs.
    pub fn memory_mut(&mut self, memory: MemId) -> Option<&mut [u8]> {
        self.buffers.heap.memory_mut(memory)
    }

    /// Gives the linear memories their first pages, all zero, so that the host can write to them before the first run,
    /// which would do it else. Does nothing if they have them, but like a run it empties the heap: aggregates of earlier
    /// runs no longer resolve.
    ///
    /// # Errors
    /// [`EntryError::MemoryLimitExceeded`] if they take more than the memory limit; nothing is made.
    pub fn make_memories(&mut self, limits: &Limits) -> Result<(), EntryError> {
        begin_heap(&mut self.buffers.heap, self.module.program(), limits.max_memory);
        self.buffers.heap.begin_memories().map_err(|_| EntryError::MemoryLimitExceeded)
    }

    /// Takes all pages of the linear memories away: the next run begins with first pages of zeros, as in a new
    /// instance.
    pub fn clear_memories(&mut self) {
        self.buffers.heap.clear_memories();
    }

    /// A function by its number, to call it with Rust types: see [`Module::typed_func`].
    ///
    /// # Errors
    /// As for [`Module::typed_func`].
    pub fn typed_func<P: CallParams, R: CallResults>(
        &self,
        func: FuncId,
    ) -> Result<TypedFunc<P, R>, EntryError> {
        self.module.typed_func(func)
    }

    /// Begins a run with an empty heap. Aggregates of earlier runs no longer resolve.
    pub fn execution(&mut self, limits: Limits) -> Execution<'_, T> {
        begin_heap(&mut self.buffers.heap, self.module.program(), limits.max_memory);
        Execution::new(self, limits)
    }

    /// Runs a function to its end.
    ///
    /// # Errors
    /// [`CallError::Entry`] if the function or the arguments do not fit; nothing ran.
    /// [`CallError::Trap`] if the run trapped or ran out of fuel; [`CallError::Pending`] if a host function left its
    /// call pending. The instance stays usable.
    pub fn call(&mut self, func: FuncId, args: &[Value], limits: Limits) -> Result<Vec<Value>, CallError> {
        let mut execution = self.execution(limits);
        execution.start(func, args)?;
        execution.resume().into_results()
    }
}

impl<T> Hosts<T> {
    /// An import, and the data that host functions work on.
    #[inline]
    pub(super) fn import(&mut self, index: u64) -> Option<(&LinkedImport<T>, &mut T)> {
        Some((self.imports.get(index as usize)?, &mut self.data))
    }
}

impl<T> HostCalls for Hosts<T> {
    fn keep_panic(&mut self, panic: Panic) {
        self.panic.keep(panic);
    }
}

impl<T> LinkedImport<T> {
    /// Gives float arguments their canonical bits.
    #[inline(never)]
    pub(super) fn make_canonical(&self, args: &mut [u64]) {
        for &slot in &self.floats {
            if let Some(bits) = args.get_mut(slot as usize) {
                *bits = canonical_f64_bits(*bits);
            }
        }
    }

    /// Why the run does not go on behind a call with these arguments, for which the host has charged fuel.
    #[cold]
    pub(super) fn stop(&self, fault: HostFault, args: &[u64], charged: u64) -> Box<HostStop> {
        Box::new(match fault {
            HostFault::Pending => {
                HostStop::Pending(Waiting { import: self.index, args: args.into(), charged })
            }
            HostFault::MemoryLimit => HostStop::Trap(TrapCode::MemoryLimitExceeded, TrapDetail::None),
            HostFault::ResultType { index, expected, actual } => {
                let symbol = self.symbol.clone();
                let detail = TrapDetail::HostResult { symbol, index, expected, actual };
                HostStop::Trap(TrapCode::TypeMismatch, detail)
            }
            HostFault::Error(error) => {
                let (symbol, hash) = (self.symbol.clone(), self.hash);
                HostStop::Trap(TrapCode::HostCallFailed, host_failed(symbol, hash, error))
            }
        })
    }

    /// The trap of a function that has panicked.
    #[cold]
    pub(super) fn panicked(&self, panic: &Panic) -> Box<HostStop> {
        let (symbol, hash, message) = (self.symbol.clone(), self.hash, message(panic));
        Box::new(HostStop::Trap(TrapCode::HostPanicked, TrapDetail::HostPanic { symbol, hash, message }))
    }
}

/// The detail of a failed call. Its message is kept as far as a report holds it.
pub(super) fn host_failed(symbol: Arc<str>, hash: u64, mut error: HostError) -> TrapDetail {
    if let HostError::Failed(message) = &mut error {
        let end = bounded(message).len();
        message.truncate(end);
        message.shrink_to_fit();
    }
    TrapDetail::Host { symbol, hash, error }
}
