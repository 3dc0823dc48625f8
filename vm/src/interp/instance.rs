//! A linked module with a host's data.

use super::call_import::CallImport;
use super::execution::{EntryError, Execution};
use super::machine::{ENTRY_BASE, HostCalls, HostTrap, unknown_import};
use super::module::Module;
use super::regs::Stack;
use super::typed::{CallParams, CallResults, TypedFunc};
use crate::heap::Heap;
use crate::host::{Caller, HostFault, SlotFunc};
use crate::ids::FuncId;
use crate::limits::Limits;
use crate::lower::{ExecFunction, ExecProgram};
use crate::trap::{Trap, TrapDetail};
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
}

/// An import with its host function.
pub(super) struct LinkedImport<T> {
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The call was refused before anything ran.
    Entry(EntryError),
    /// The run trapped; running out of fuel counts as a trap here.
    Trap(Box<Trap>),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(error) => write!(f, "{error}"),
            Self::Trap(trap) => write!(f, "{trap}"),
        }
    }
}

impl core::error::Error for CallError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Entry(error) => Some(error),
            Self::Trap(trap) => Some(&**trap),
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
            .map(|(func, import)| LinkedImport {
                func,
                slots: (slots(&import.params), slots(&import.results)),
                symbol: import.symbol.clone(),
                hash: import.hash,
                floats: float_slots(&import.params),
            })
            .collect();
        let heap = Heap::new(program.const_data.clone(), program.types.clone(), 0);
        Self {
            hosts: Hosts { imports, data },
            calls,
            buffers: Buffers { heap, stack: Stack::default(), results: Vec::new(), host: Vec::new() },
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

    /// The heap of the last run, to read aggregates in its results.
    #[must_use]
    pub fn heap(&self) -> &Heap {
        &self.buffers.heap
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
        self.buffers.heap.reset(limits.max_memory);
        Execution::new(self, limits)
    }

    /// Runs a function to its end.
    ///
    /// # Errors
    /// [`CallError::Entry`] if the function or the arguments do not fit; nothing ran.
    /// [`CallError::Trap`] if the run trapped or ran out of fuel. The instance stays usable.
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
    #[inline]
    fn call(
        &mut self,
        index: u32,
        heap: &mut Heap,
        fuel: u64,
        args: &mut [u64],
        rets: &mut [u64],
    ) -> Result<u64, Box<HostTrap>> {
        let Some((import, data)) = self.import(index.into()) else { return Err(unknown_import()) };
        if !import.floats.is_empty() {
            import.make_canonical(args);
        }
        let mut caller = Caller { data, heap, fuel, charged: 0 };
        match import.func.get()(&mut caller, args, rets) {
            Ok(()) => Ok(caller.charged),
            Err(fault) => Err(import.trap(*fault)),
        }
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

    #[cold]
    pub(super) fn trap(&self, fault: HostFault) -> Box<HostTrap> {
        Box::new(match fault {
            HostFault::MemoryLimit => (TrapCode::MemoryLimitExceeded, TrapDetail::None),
            HostFault::ResultType { expected, actual } => {
                (TrapCode::TypeMismatch, TrapDetail::Types { expected, actual })
            }
            HostFault::Error(error) => {
                let (symbol, hash) = (self.symbol.clone(), self.hash);
                (TrapCode::HostCallFailed, TrapDetail::Host { symbol, hash, error })
            }
        })
    }
}
