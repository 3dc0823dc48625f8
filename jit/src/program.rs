//! Compiled programs.

use crate::context::{self, Callee, Helpers};
use crate::memory::CodeMemory;
use opforge_vm::Module;
use opforge_vm::ids::{FuncId, InstrIx};
use opforge_vm::interp::{NativeCode, NativeEnd, NativeRun};
use opforge_vm::lower::Slot;
use std::fmt;
use std::mem::offset_of;
use std::ops::Range;
use std::sync::Arc;

/// A program with native code. Cheap to clone, shared between threads; the code is unmapped with the last clone and
/// the last module made from it.
#[derive(Clone, Debug)]
pub struct JittedProgram {
    module: Module,
    code: Arc<Compiled>,
}

impl JittedProgram {
    pub(crate) fn new(module: Module, code: Compiled) -> Self {
        let code = Arc::new(code);
        Self { module: module.with_native(code.clone()), code }
    }

    /// The module whose instances run native code. It is linked, instantiated and run as any other module, and its
    /// runs end as those of the interpreter do: the same values, traps, fuel, host calls and memory.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The machine code of a function; empty if there is no such function.
    #[must_use]
    pub fn machine_code(&self, func: FuncId) -> &[u8] {
        let range = self.code.ranges.get(func.index()).cloned().unwrap_or(0..0);
        self.code.memory.bytes().get(range).unwrap_or(&[])
    }

    /// Where the machine code begins.
    pub(crate) fn base(&self) -> usize {
        self.code.memory.address(0)
    }

    /// All machine code.
    #[cfg(feature = "disasm")]
    pub(crate) fn code(&self) -> &[u8] {
        self.code.memory.bytes().get(..self.code.size).unwrap_or(&[])
    }

    /// Bytes of machine code of all functions.
    #[must_use]
    pub fn code_size(&self) -> usize {
        self.code.size
    }

    /// The frames that native code may have at once, by the stack it may use ([`JitConfig`](crate::JitConfig)) and
    /// the size of its largest frame. Deeper calls run in the interpreter.
    #[must_use]
    pub fn max_native_frames(&self) -> u32 {
        self.code.max_frames.into()
    }
}

/// Slots and the values that they always hold.
pub(crate) type Constants = Box<[(Slot, u64)]>;

/// A place where code may leave a frame.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) func: FuncId,
    pub(crate) instr: InstrIx,
    /// The slots whose values are handed over, in [`Compiled::slots`].
    pub(crate) live: Range<u32>,
    /// Of a place where a fixed cost is paid: that cost.
    pub(crate) cost: u64,
}

/// How a function is entered from Rust.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Address of its code.
    pub(crate) code: usize,
    /// Address of code that calls functions with its parameters and results.
    pub(crate) trampoline: usize,
    /// Where it can be entered besides its start: the heads of its loops, in order.
    pub(crate) heads: Box<[InstrIx]>,
}

/// Code, and what is needed to enter and leave it.
pub(crate) struct Compiled {
    /// The Rust functions that code calls.
    pub(crate) helpers: &'static Helpers,
    /// The address of `callees`, for code.
    pub(crate) callees_at: usize,
    pub(crate) memory: CodeMemory,
    pub(crate) size: usize,
    pub(crate) max_frames: u16,
    pub(crate) entries: Box<[Entry]>,
    #[expect(dead_code, reason = "code reads it by its address")]
    pub(crate) callees: Box<[Callee]>,
    /// By function: its code in `memory`.
    pub(crate) ranges: Box<[Range<usize>]>,
    pub(crate) sites: Box<[Site]>,
    pub(crate) slots: Box<[Slot]>,
    /// By function: slots that hold the same value wherever they are read.
    pub(crate) constants: Box<[Constants]>,
    /// Slots that code needs to exchange with Rust.
    pub(crate) spill_len: usize,
}

impl Compiled {
    pub(crate) const HELPERS: i32 = offset_of!(Compiled, helpers) as i32;
    pub(crate) const CALLEES: i32 = offset_of!(Compiled, callees_at) as i32;

    pub(crate) fn live(&self, site: &Site) -> &[Slot] {
        self.slots.get(site.live.start as usize..site.live.end as usize).unwrap_or(&[])
    }

    pub(crate) fn constants(&self, func: FuncId) -> &[(Slot, u64)] {
        self.constants.get(func.index()).map_or(&[], |constants| constants)
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Compiled");
        debug.field("functions", &self.entries.len()).field("code_bytes", &self.size).finish_non_exhaustive()
    }
}

impl NativeCode for Compiled {
    fn max_frames(&self) -> u16 {
        self.max_frames
    }

    fn entry(&self, func: FuncId, at: InstrIx) -> Option<u32> {
        if at == InstrIx(0) {
            return Some(0);
        }
        let heads = &self.entries.get(func.index())?.heads;
        heads.binary_search(&at).ok().map(|index| index as u32 + 1)
    }

    fn run(&self, func: FuncId, run: &mut NativeRun<'_, '_>) -> NativeEnd {
        context::enter(self, func, 0, run)
    }

    #[cold]
    fn run_from(&self, func: FuncId, entry: u32, run: &mut NativeRun<'_, '_>) -> NativeEnd {
        context::enter(self, func, entry, run)
    }
}
