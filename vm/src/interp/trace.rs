//! Tracing: what a sink hears of a run. Whether a run is traced is a type parameter of the dispatch loop, so the
//! untraced loop holds no trace of it.

use crate::ids::{FuncId, InstrIx, SpanId};
use crate::lower::ExecFunction;

/// One instruction about to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstrEvent {
    /// Its function.
    pub func: FuncId,
    /// Its byte offset.
    pub pc: u32,
    /// Its opcode, as `page << 8 | byte`.
    pub didx: u16,
    /// Its span.
    pub span: Option<SpanId>,
}

/// Hears what a run does. Scopes are balanced: whatever ends the run, each call entered is left.
pub trait TraceSink {
    /// An instruction is about to run.
    fn instr(&mut self, event: InstrEvent) {
        let _ = event;
    }

    /// A function was entered; `depth` is 1 for the entry function.
    fn enter(&mut self, func: FuncId, depth: u32) {
        let _ = (func, depth);
    }

    /// A function was left, by return or because the run ended.
    fn leave(&mut self, depth: u32) {
        let _ = depth;
    }

    /// A host function is about to be called.
    fn host_enter(&mut self, symbol: &str) {
        let _ = symbol;
    }

    /// The host function returned or failed.
    fn host_leave(&mut self) {}
}

/// Whether and where a dispatch loop reports.
pub(super) trait Tracer {
    const ENABLED: bool;

    fn sink(&mut self) -> Option<&mut dyn TraceSink>;
}

/// Reports nothing.
pub(super) struct Off;

impl Tracer for Off {
    const ENABLED: bool = false;

    fn sink(&mut self) -> Option<&mut dyn TraceSink> {
        None
    }
}

/// Reports to a sink.
pub(super) struct On<'s>(pub(super) &'s mut dyn TraceSink);

impl Tracer for On<'_> {
    const ENABLED: bool = true;

    fn sink(&mut self) -> Option<&mut dyn TraceSink> {
        Some(&mut *self.0)
    }
}

/// Reports an instruction, if anything is reported at all.
pub(super) fn report<R: Tracer>(tracer: &mut R, func: FuncId, function: &ExecFunction, at: InstrIx) {
    if let Some(sink) = tracer.sink() {
        let didx = function.ops.get(at.index()).copied().unwrap_or(0);
        sink.instr(InstrEvent { func, pc: function.pc(at), didx, span: function.span(at) });
    }
}
