//! Native code as an accelerator of a run.
//!
//! An engine that compiles programs implements [`NativeCode`] and attaches it to a [`Module`](super::Module). The run
//! itself stays what it is: plain data in the interpreter's frames. Native code takes over at the first instruction of
//! a function, or at others that it names, and gives the run back by returning results, or by *leaving*: it reports, for each
//! of its active frames, the instruction it is at and the values of the slots that are still needed. From these
//! the interpreter's frames are made, and the interpreter goes on, or reports, exactly as if it had run all along.
//! Whatever is unusual (fuel that does not cover a segment, an interrupt, an instruction that traps, a call that
//! goes too deep) leaves, so there is one implementation of each.
//!
//! Places and slots that native code hands over are not trusted for memory safety: they are checked here. Imports it
//! calls by itself: see [`CallImport`].
//!
//! For engines, not for embedders.

use super::call_import::CallImport;
use super::drive::State;
use super::machine::{Exit, FUEL_QUANTUM, Machine};
use super::regs::{LINK_SLOTS, Regs};
use crate::heap::{AggRead, Heap};
use crate::ids::{FuncId, InstrIx};
use crate::lower::{ExecProgram, Slot};
use crate::types::TypeId;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering;

/// Compiled code of one module.
pub trait NativeCode: fmt::Debug + Send + Sync {
    /// Most frames of native code that may be active at once. With 0 the code is never entered.
    fn max_frames(&self) -> u16;

    /// A number for where code can be entered at an instruction, which is the first of a segment; `None` if it
    /// cannot. It is 0 for a function's first instruction, where code can always be entered, and for no other.
    fn entry(&self, func: FuncId, at: InstrIx) -> Option<u32>;

    /// Runs a function from its first instruction, with its parameters in the first slots of
    /// [`NativeRun::frame`].
    fn run(&self, func: FuncId, run: &mut NativeRun<'_, '_>) -> NativeEnd;

    /// Runs a function from another entry that [`NativeCode::entry`] gave, with its values in the slots of
    /// [`NativeRun::frame`].
    fn run_from(&self, func: FuncId, entry: u32, run: &mut NativeRun<'_, '_>) -> NativeEnd;
}

/// Native code of a module.
#[derive(Clone, Debug)]
pub(crate) struct Native {
    code: Arc<dyn NativeCode>,
    /// Most frames besides the first one.
    more_frames: Option<u16>,
    /// Slots that a frame takes at most, with its linkage.
    widest: u32,
}

impl Native {
    pub(crate) fn new(code: Arc<dyn NativeCode>, program: &ExecProgram) -> Self {
        let widest = program.functions.iter().map(|f| f.frame_slots).max().unwrap_or(0);
        Self {
            more_frames: code.max_frames().checked_sub(1),
            widest: widest.saturating_add(LINK_SLOTS),
            code,
        }
    }

    /// A number for where code can be entered at a place.
    pub(super) fn entry(&self, place: &State) -> Option<u32> {
        if place.instr == InstrIx(0) { Some(0) } else { self.code.entry(place.func, place.instr) }
    }

    #[inline]
    pub(super) fn code(&self) -> &dyn NativeCode {
        &*self.code
    }

    /// How many frames may be entered on top of one of `func` at `base`; `None` if code cannot even be entered there.
    #[inline]
    pub(super) fn room(&self, machine: &Machine<'_>, func: FuncId, base: usize) -> Option<u16> {
        let by_depth = machine.max_depth.saturating_sub(machine.depth);
        let most = self.more_frames?.min(u16::try_from(by_depth).unwrap_or(u16::MAX));
        let slots = if machine.program.has_tail_calls {
            // They may put the widest frame in place of the first one too.
            machine.max_stack.checked_sub(base + (self.widest - LINK_SLOTS) as usize)?
        } else {
            let frame = machine.program.function(func).map_or(0, |f| f.frame_slots);
            machine.max_stack.saturating_sub(base + frame as usize)
        };
        // Every frame as if it were the widest: where that is too careful, the interpreter goes on and is exact.
        let widest = u64::from(self.widest);
        Some(if slots as u64 >= u64::from(most) * widest { most } else { (slots as u64 / widest) as u16 })
    }
}

/// How native code ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeEnd {
    /// The function returned; [`NativeRun::finish`] was called.
    Finished,
    /// The run goes on elsewhere; [`NativeRun::leave_at`] and [`NativeRun::leave_call`] were called.
    Left,
}

/// A frame of native code that was left.
#[derive(Clone, Copy, Debug)]
struct LeftFrame {
    func: FuncId,
    instr: InstrIx,
    /// One past its last entry of the values; they start where those of the frame before it end.
    end: usize,
}

/// A run while native code executes it.
pub struct NativeRun<'m, 'r> {
    machine: &'m mut Machine<'r>,
    /// The entry frame's first slot.
    base: usize,
    room: u16,
    /// Fuel that native code begins with, and then what it had when it ended.
    fuel: u64,
    left: Option<Box<Left>>,
}

/// What was left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Why it was left, where that is not for the interpreter to find out.
    why: Option<Exit>,
    /// Innermost first.
    frames: Vec<LeftFrame>,
    values: Vec<(Slot, u64)>,
}

impl fmt::Debug for NativeRun<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeRun").field("room", &self.room).finish_non_exhaustive()
    }
}

impl<'m, 'r> NativeRun<'m, 'r> {
    /// What an import is called with that is not called by native code.
    #[inline(always)]
    pub(super) fn for_import(machine: &'m mut Machine<'r>) -> Self {
        Self { machine, base: 0, room: 0, fuel: 0, left: None }
    }

    /// Why an import has stopped the run.
    #[cold]
    pub(super) fn why_stopped(self) -> Exit {
        self.left.and_then(|left| left.why).unwrap_or(Exit::Internal)
    }
}

impl<'r> NativeRun<'_, 'r> {
    /// The address of the entry frame, all of whose slots are there. They stand still until anything is called here
    /// that may use the stack: no function of the heap, none that refills or leaves.
    #[must_use]
    #[inline]
    pub fn frame(&self) -> *const u64 {
        self.machine.stack.address(self.base)
    }

    /// How many more frames may be entered on top of the first one.
    #[must_use]
    #[inline]
    pub fn room(&self) -> u16 {
        self.room
    }

    /// Fuel to begin with, below 2^32. The interrupt flag is looked at when it is used up.
    #[must_use]
    #[inline]
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// The heap, for semantic functions.
    pub fn heap(&mut self) -> &mut Heap {
        self.machine.heap
    }

    /// A buffer of at least `len` slots that is kept from run to run and that nothing else uses until native code has
    /// ended. Its contents mean nothing, but for results: see [`NativeRun::finish`].
    #[inline]
    pub fn buffer(&mut self, len: usize) -> &mut [u64] {
        if self.machine.results.len() < len {
            self.grow_buffer(len);
        }
        self.machine.results
    }

    #[cold]
    #[inline(never)]
    fn grow_buffer(&mut self, len: usize) {
        self.machine.results.resize(len, 0);
    }

    /// More fuel for native code that has `fuel` and needs `cost`. `None` if the run must be left at the next
    /// instruction, with `fuel` as it is: the fuel is not there, or the run is interrupted.
    pub fn refill(&mut self, fuel: u64, cost: u64) -> Option<u64> {
        if self.machine.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            self.left().why = Some(Exit::Interrupted);
            return None;
        }
        let reserve = self.machine.reserve;
        let refilled = self.machine.refill(fuel, cost);
        if refilled.is_none() {
            self.machine.reserve = reserve;
        }
        refilled
    }

    /// By import: how code calls it.
    #[must_use]
    #[inline]
    pub fn calls(&self) -> &'r [CallImport] {
        self.machine.calls
    }

    #[inline]
    pub(super) fn machine(&mut self) -> &mut Machine<'r> {
        self.machine
    }

    /// A host call has trapped or is pending, or an embedder's function has trapped.
    pub(super) fn stopped(&mut self, exit: Exit) {
        self.left().why = Some(exit);
    }

    /// Calls the function behind an embedder's opcode or intrinsic. `false` if it has trapped: the run must then be left at
    /// the instruction, whose fuel is used.
    pub fn extension(&mut self, index: u32, imm: u32, args: &[u64], rets: &mut [u64]) -> bool {
        match self.machine.call_extension(index, imm, args, rets) {
            Ok(()) => true,
            Err(code) => {
                self.stopped(Exit::Trap(code));
                false
            }
        }
    }

    /// Makes an aggregate of `len` elements from their slots. `None` if there is no room for it.
    pub fn agg_new(&mut self, ty: TypeId, len: u32, slots: &[u64]) -> Option<u64> {
        self.machine.heap.new_node(ty, len, slots.iter().copied())
    }

    /// Reads an element into `out`, which has as many slots as the element. `false` if that traps.
    pub fn agg_get(&mut self, handle: u64, index: u64, read: &AggRead, out: &mut [u64]) -> bool {
        if let ([out], Some(value)) = (&mut *out, self.machine.heap.element(handle, index, read.shape)) {
            *out = value;
            return true;
        }
        let Ok(offset) = self.machine.heap.find_element(handle, index, read) else { return false };
        for (i, slot) in out.iter_mut().enumerate() {
            if let Some(value) = self.machine.heap.node_slot(handle, offset + i as u32) {
                *slot = value;
            }
        }
        true
    }

    /// The number of elements. `None` if that traps.
    pub fn agg_len(&mut self, handle: u64, kind: crate::heap::AggKind) -> Option<u64> {
        self.machine.heap.agg_len(handle, kind).ok()
    }

    /// The entry function returned; its results are in the first slots of the [`NativeRun::buffer`].
    #[inline]
    pub fn finish(&mut self, fuel: u64) {
        self.fuel = fuel;
    }

    /// The innermost frame is left before it has run `instr` (or, if a function of the embedder has trapped or is pending, at it), with this
    /// fuel and these values. Values of slots that nothing reads any more may be left out.
    pub fn leave_at(&mut self, at: (FuncId, InstrIx), fuel: u64, values: impl Iterator<Item = (Slot, u64)>) {
        self.fuel = fuel;
        self.leave_call(at, values);
    }

    /// The next frame outwards is left while the call at `instr` is active.
    pub fn leave_call(
        &mut self,
        (func, instr): (FuncId, InstrIx),
        values: impl Iterator<Item = (Slot, u64)>,
    ) {
        let left = self.left();
        left.values.extend(values);
        left.frames.push(LeftFrame { func, instr, end: left.values.len() });
    }

    #[cold]
    fn left(&mut self) -> &mut Left {
        self.left.get_or_insert_default()
    }
}

impl Left {
    /// Makes the interpreter's frames of those that were left. `place` is in the entry frame, and comes to
    /// be in the innermost one.
    fn restore(&self, machine: &mut Machine<'_>, place: &mut State) -> Result<(), Exit> {
        let mut end = place.base;
        for frame in &self.frames {
            let function = machine.program.function(frame.func).ok_or(Exit::Internal)?;
            if function.segment_of(frame.instr).is_none() {
                return Err(Exit::Internal);
            }
            end += function.frame_slots as usize + LINK_SLOTS as usize;
        }
        let end = end - LINK_SLOTS as usize;
        if end > machine.stack.len() {
            machine.grow_stack(end).map_err(Exit::Trap)?;
        }
        let mut base = place.base;
        for (i, frame) in self.frames.iter().enumerate().rev() {
            let slots = machine.program.function(frame.func).map_or(0, |f| f.frame_slots);
            let from = i.checked_sub(1).and_then(|inner| self.frames.get(inner)).map_or(0, |inner| inner.end);
            for &(slot, value) in self.values.get(from..frame.end).unwrap_or(&[]) {
                if slot < slots {
                    machine.stack.set(base + slot as usize, value);
                }
            }
            (place.func, place.instr, place.base) = (frame.func, frame.instr, base);
            if i > 0 {
                let word = machine.code.word_of(frame.func, frame.instr).ok_or(Exit::Internal)?;
                let link = machine.code.link_of_call(word).ok_or(Exit::Internal)?;
                if link.up != u64::from(slots + LINK_SLOTS) {
                    return Err(Exit::Internal);
                }
                base += link.up as usize;
                let callee = Regs::new(machine.stack, base);
                // SAFETY: `up` is the caller's frame and the linkage, and the stack reaches beyond (grown above).
                unsafe { callee.set_link(link) };
                machine.depth += 1;
            }
        }
        Ok(())
    }
}

/// How a visit of native code ended.
pub(super) struct Visited {
    pub(super) end: NativeEnd,
    /// Fuel that code had left, besides the machine's reserve.
    pub(super) fuel: u64,
    left: Option<Box<Left>>,
}

/// Runs native code from an entry of a function whose frame is at `base`.
#[inline]
pub(super) fn visit(
    machine: &mut Machine<'_>,
    code: &dyn NativeCode,
    (func, entry): (FuncId, u32),
    (base, room): (usize, u16),
    fuel: u64,
) -> Visited {
    let first = fuel.min(FUEL_QUANTUM);
    machine.reserve = fuel - first;
    let mut run = NativeRun { machine, base, room, fuel: first, left: None };
    let end = match entry {
        0 => code.run(func, &mut run),
        entry => code.run_from(func, entry, &mut run),
    };
    Visited { end, fuel: run.fuel, left: run.left }
}

/// Where a run goes on: [`Exit::NeedExact`] if the function has returned to its caller's frame, where the place is now;
/// `None` if the interpreter is to go on from the place.
#[cold]
#[inline(never)]
pub(super) fn go_on(machine: &mut Machine<'_>, visit: Visited, place: &mut State) -> Option<Exit> {
    if visit.end == NativeEnd::Finished {
        return Some(match return_to_caller(machine, place) {
            Some(()) => Exit::NeedExact,
            None => Exit::Internal,
        });
    }
    let mut left = visit.left.unwrap_or_default();
    let why = left.why.take();
    left.restore(machine, place).err().or(why)
}

/// Takes the results of a function that has returned to a frame of the interpreter, and goes there.
#[cold]
fn return_to_caller(machine: &mut Machine<'_>, place: &mut State) -> Option<()> {
    let frame = Regs::new(machine.stack, place.base);
    // SAFETY: the depth is more than 1, so the frame was entered by a call, which wrote its linkage; or it was made
    // by `restore`, which did.
    let link = unsafe { frame.link() };
    let call = link.ret_word.checked_sub(1)?;
    let func = machine.code.func_of(call)?;
    let base = place.base.checked_sub(usize::try_from(link.up).ok()?)?;
    let count = machine.program.function(place.func)?.result_slots as usize;
    let results = machine.results.get(..count)?;
    if let &[result] = results {
        machine.stack.set(base + link.ret_to as usize, result);
    } else {
        let at = link.ret_to as usize;
        let to = machine.code.pool.get(at..at + count)?;
        for (&slot, &result) in to.iter().zip(results) {
            machine.stack.set(base + slot as usize, result);
        }
    }
    machine.depth -= 1;
    (place.func, place.instr, place.base) = (func, InstrIx(machine.code.own_instr(call).0 + 1), base);
    Some(())
}
