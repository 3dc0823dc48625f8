//! What the interpreter asks of the host, and why a run does not go on behind a call of it.

use crate::guard::Panic;
use crate::trap::TrapDetail;
use alloc::boxed::Box;
use opforge_schema::TrapCode;

/// The host of a run: who an import's function is compiled for knows of which type it is.
pub(super) trait HostCalls {
    /// Keeps the payload of a panic for the embedder.
    fn keep_panic(&mut self, panic: Panic);
}

/// Why a run does not go on behind a host call.
#[derive(Debug)]
pub(super) enum HostStop {
    Trap(TrapCode, TrapDetail),
    Pending(Waiting),
}

/// A host call that is to be completed later.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) import: u32,
    /// The slots of the arguments.
    pub(super) args: Box<[u64]>,
    /// What the host charges for it once it is completed.
    pub(super) charged: u64,
}

/// The trap for an import that is not there, which the verifier excludes.
#[cold]
pub(super) fn unknown_import() -> Box<HostStop> {
    Box::new(HostStop::Trap(TrapCode::HostCallFailed, TrapDetail::None))
}

/// The trap for a host call past the limit.
#[cold]
pub(super) fn too_many_calls() -> Box<HostStop> {
    Box::new(HostStop::Trap(TrapCode::HostCallLimitExceeded, TrapDetail::None))
}
