//! Tracing: what a sink hears of a run. Whether a run is traced is a type parameter of the dispatch loop, so the
//! untraced loop holds no trace of it.

use super::machine::Machine;
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

/// Reports that a function was entered.
#[inline(always)]
pub(super) fn enter<T: Tracer>(m: &Machine<'_>, tracer: &mut T, func: u32) {
    if T::ENABLED
        && let Some(sink) = tracer.sink()
    {
        sink.enter(FuncId(func), m.depth);
    }
}

/// Reports that the innermost function is left.
#[inline(always)]
pub(super) fn leave<T: Tracer>(m: &Machine<'_>, tracer: &mut T) {
    if T::ENABLED
        && let Some(sink) = tracer.sink()
    {
        sink.leave(m.depth);
    }
}

/// Reports that an import is about to be called, or with `None` that it was.
#[inline(always)]
pub(super) fn host<T: Tracer>(m: &Machine<'_>, tracer: &mut T, import: Option<u32>) {
    if T::ENABLED
        && let Some(sink) = tracer.sink()
    {
        match import {
            Some(index) => {
                let symbol = m.program.imports.get(index as usize).map_or("", |import| &import.symbol);
                sink.host_enter(symbol);
            }
            None => sink.host_leave(),
        }
    }
}

/// Reports the instructions that a word covers, from one of them on.
#[cold]
#[inline(never)]
pub(super) fn word<T: Tracer>(m: &Machine<'_>, tracer: &mut T, word: u32, from: InstrIx) {
    let Some(func) = m.code.func_of(word) else { return };
    let Some(function) = m.program.function(func) else { return };
    let covered = m.code.covered(func, word);
    for at in covered.start.max(from.0)..covered.end {
        report(tracer, func, function, InstrIx(at));
    }
}
