//! The host side: functions that programs import, and how they are linked.
//!
//! An import is found by name and signature hash when a module is instantiated, never by text while it runs. A
//! function may ask for a capability; an instance that was not granted it cannot be made.

mod linker;
mod pending;
mod typed;

pub use linker::{AlreadyDefined, Capabilities, Capability, LinkError, LinkProblem, Linker, Unknown};
pub use pending::{CompleteError, PendingCall};
pub use typed::{HostArg, HostParam, HostResults, IntoHostFunc};

use crate::heap::Heap;
use crate::interp::CallImport;
use crate::trap::HostError;
use alloc::boxed::Box;
use alloc::sync::Arc;

/// What a host function sees of the run that calls it. The heap is only read, so text and byte strings among the
/// arguments are borrowed from it while the data is changed; a function that makes aggregates gets a [`HeapCaller`].
#[derive(Debug)]
pub struct Caller<'c, T> {
    data: &'c mut T,
    heap: &'c Heap,
    fuel: u64,
    charged: u64,
}

impl<'c, T> Caller<'c, T> {
    /// The run's heap, to read aggregates. It can be held while the data is changed.
    #[must_use]
    pub fn heap(&self) -> &'c Heap {
        self.heap
    }
}

/// As [`Caller`], for functions that make aggregates: see [`Linker::func_heap`].
#[derive(Debug)]
pub struct HeapCaller<'c, T> {
    pub(crate) data: &'c mut T,
    pub(crate) heap: &'c mut Heap,
    pub(crate) fuel: u64,
    pub(crate) charged: u64,
}

impl<T> HeapCaller<'_, T> {
    /// The run's heap, to read aggregates.
    #[must_use]
    pub fn heap(&self) -> &Heap {
        self.heap
    }

    /// The run's heap, to make aggregates and to write to linear memories. A function that puts another heap in its place
    /// fails.
    pub fn heap_mut(&mut self) -> &mut Heap {
        self.heap
    }

    /// Does something with a caller that only reads the heap.
    #[inline]
    fn reading<R>(&mut self, f: impl for<'c> FnOnce(&mut Caller<'c, T>, &'c Heap) -> R) -> R {
        let heap = &*self.heap;
        let mut caller = Caller { data: self.data, heap, fuel: self.fuel, charged: self.charged };
        let result = f(&mut caller, heap);
        self.charged = caller.charged;
        result
    }
}

macro_rules! callers {
    ($($caller:ident)*) => {$(
        impl<T> $caller<'_, T> {
            /// The instance's data.
            #[must_use]
            pub fn data(&self) -> &T {
                self.data
            }

            /// The instance's data.
            pub fn data_mut(&mut self) -> &mut T {
                self.data
            }

            /// Fuel left before this call's own charges.
            #[must_use]
            pub fn fuel(&self) -> u64 {
                self.fuel
            }

            /// Charges more fuel for this call, on top of the instruction's. It is taken off when the call returns, or
            /// is completed; where it is more than is left, fuel is zero, the next instruction runs out of fuel, and
            /// the rest is owed: fuel added to resume the run pays it first. A call that fails charges nothing.
            pub fn charge(&mut self, fuel: u64) {
                self.charged = self.charged.saturating_add(fuel);
            }
        }
    )*};
}

callers!(Caller HeapCaller);

/// A host function over slots. Arguments are in their classes' slots with canonical NaNs; results must be
/// slots that the heap made or that need no heap. A fault is boxed, so that what a call returns is one word.
pub(crate) struct SlotFunc<T> {
    func: Arc<dyn SlotFn<T>>,
    /// How native code calls it.
    native: CallImport,
}

/// What a [`SlotFunc`] holds.
pub(crate) trait SlotFn<T>:
    Fn(&mut HeapCaller<'_, T>, &[u64], &mut [u64]) -> Result<(), Box<HostFault>> + Send + Sync
{
}

impl<T, F> SlotFn<T> for F where
    F: Fn(&mut HeapCaller<'_, T>, &[u64], &mut [u64]) -> Result<(), Box<HostFault>> + Send + Sync
{
}

impl<T> SlotFunc<T> {
    pub(crate) fn new<F: SlotFn<T> + 'static>(func: F) -> Self {
        Self { native: CallImport::of::<T, F>(), func: Arc::new(func) }
    }

    /// The function.
    #[inline]
    pub(crate) fn get(&self) -> &dyn SlotFn<T> {
        &*self.func
    }

    /// How native code calls it: a function made for just its type.
    pub(crate) fn native(&self) -> CallImport {
        self.native
    }
}

impl<T> Clone for SlotFunc<T> {
    fn clone(&self) -> Self {
        Self { func: self.func.clone(), native: self.native }
    }
}

/// Why the run does not go on behind a host function's call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostFault {
    /// It is to be completed later.
    Pending,
    /// It failed.
    Error(HostError),
    /// A result had another type than the import's signature says.
    ResultType { index: u32, expected: crate::ValueType, actual: crate::ValueType },
    /// A result found no room in the heap.
    MemoryLimit,
}

impl From<HostError> for Box<HostFault> {
    #[cold]
    fn from(error: HostError) -> Self {
        Self::new(HostFault::Error(error))
    }
}
