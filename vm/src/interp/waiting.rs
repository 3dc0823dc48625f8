//! Runs that stand at a host call which is completed later.

use super::execution::{Execution, Outcome};
use super::host_calls::Waiting;
use super::instance::host_failed;
use crate::heap::Heap;
use crate::host::{CompleteError, PendingCall};
use crate::ids::InstrIx;
use crate::lower::{ExecInstr, ExecProgram};
use crate::trap::HostError;
use crate::value::Value;
use alloc::boxed::Box;
use alloc::vec::Vec;
use opforge_schema::TrapCode;

/// Whether a run stands at a host call.
#[derive(Debug, Default)]
pub(super) enum Pending {
    /// It does not.
    #[default]
    None,
    /// It does, until the embedder says how the call ends.
    Waits {
        call: Box<PendingCall>,
        /// What the host charged, which is taken off with the results.
        charged: u64,
    },
    /// The call has failed, which the run will report.
    Failed { call: Box<PendingCall>, error: HostError },
}

/// What waits, and the fuel that it was charged.
pub(super) fn pending_call(
    program: &ExecProgram,
    heap: &Heap,
    waiting: Option<Waiting>,
) -> (PendingCall, u64) {
    let (index, slots, charged) =
        waiting.map_or((u32::MAX, Box::default(), 0), |w| (w.import, w.args, w.charged));
    let Some(import) = program.imports.get(index as usize) else {
        debug_assert!(false, "a call of no import is pending");
        return (PendingCall { symbol: "".into(), hash: 0, args: Vec::new(), results: [].into() }, charged);
    };
    let mut rest = &*slots;
    let mut args = Vec::with_capacity(import.params.len());
    for &ty in &import.params {
        args.push(heap.load_value(ty, rest));
        rest = rest.get(ty.slots() as usize..).unwrap_or(&[]);
    }
    let (symbol, hash, results) = (import.symbol.clone(), import.hash, import.results.clone());
    (PendingCall { symbol, hash, args, results }, charged)
}

impl<T> Execution<'_, T> {
    /// The host call that the run waits for.
    #[must_use]
    pub fn pending(&self) -> Option<&PendingCall> {
        match &self.pending {
            Pending::Waits { call, .. } => Some(call),
            _ => None,
        }
    }

    /// Gives the pending host call its results; the run goes on behind it with [`Execution::resume`]. Fuel that the host
    /// charged for the call is taken off now.
    ///
    /// # Errors
    /// [`CompleteError`] if nothing is pending or the results do not fit; what was pending still is.
    pub fn complete(&mut self, results: &[Value]) -> Result<(), CompleteError> {
        let Pending::Waits { call, charged } = &self.pending else { return Err(CompleteError::NotPending) };
        if results.len() != call.results.len() {
            let (expected, actual) = (call.results.len(), results.len());
            return Err(CompleteError::ResultCount { expected, actual });
        }
        let buffers = &mut self.instance.buffers;
        let mut slots = Vec::new();
        for (index, (value, &ty)) in results.iter().zip(&call.results).enumerate() {
            let stored = buffers.heap.store_value(value, ty);
            let stored = stored.map_err(|error| CompleteError::Result { index, error })?;
            slots.extend(stored.into_iter().take(ty.slots() as usize));
        }
        let (program, state) = (self.instance.module.program(), &mut self.state);
        if let Some(function) = program.function(state.func)
            && let Some(&ExecInstr::HostCall { rets, .. }) = function.instrs.get(state.instr.0 as usize)
        {
            for (&slot, bits) in function.slots(rets).iter().zip(slots) {
                buffers.stack.set(state.base + slot as usize, bits);
            }
            state.instr = InstrIx(state.instr.0 + 1);
        }
        let charged = *charged;
        self.owed = self.owed.saturating_add(charged.saturating_sub(self.fuel));
        self.fuel = self.fuel.saturating_sub(charged);
        self.pending = Pending::None;
        Ok(())
    }

    /// Makes the pending host call fail; the next [`Execution::resume`] reports `HostCallFailed`, as if the function had
    /// returned the error.
    ///
    /// # Errors
    /// [`CompleteError::NotPending`].
    pub fn fail(&mut self, error: HostError) -> Result<(), CompleteError> {
        match core::mem::take(&mut self.pending) {
            Pending::Waits { call, .. } => {
                self.pending = Pending::Failed { call, error };
                Ok(())
            }
            other => {
                self.pending = other;
                Err(CompleteError::NotPending)
            }
        }
    }

    /// The outcome of resuming a run that stands at a host call; `None` if it does not.
    pub(super) fn stands(&mut self) -> Option<Outcome> {
        match core::mem::take(&mut self.pending) {
            Pending::None => None,
            Pending::Waits { call, charged } => {
                self.pending = Pending::Waits { call: call.clone(), charged };
                Some(Outcome::Pending(call))
            }
            Pending::Failed { call, error } => {
                self.state.running = false;
                let detail = host_failed(call.symbol, call.hash, error);
                Some(Outcome::Trapped(Box::new(self.report(TrapCode::HostCallFailed, detail))))
            }
        }
    }
}
