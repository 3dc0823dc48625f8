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
//! Nothing that native code hands over is trusted for memory safety: places and slots are checked here.
//!
//! For engines, not for embedders.

use super::drive::State;
use super::machine::{Exit, FUEL_QUANTUM, Machine};
use super::regs::{LINK_SLOTS, Regs};
use crate::heap::{AggRead, Heap};
use crate::ids::{FuncId, HostSigId, InstrIx};
use crate::lower::{ExecProgram, Slot};
use crate::types::TypeId;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering;
use opforge_schema::TrapCode;

/// Compiled code of one module.
pub trait NativeCode: fmt::Debug + Send + Sync {
    /// Most frames of native code that may be active at once. With 0 the code is never entered.
    fn max_frames(&self) -> u32;

    /// A number for where code can be entered at an instruction, which is the first of a segment; `None` if it
    /// cannot. It is 0 for a function's first instruction, where code can always be entered, and for no other.
    fn entry(&self, func: FuncId, at: InstrIx) -> Option<u32>;

    /// Runs a function from an entry that [`NativeCode::entry`] gave, with its values in [`NativeRun::frame`].
    fn run(&self, func: FuncId, entry: u32, run: &mut NativeRun<'_, '_>) -> NativeEnd;
}

/// Native code of a module.
#[derive(Clone, Debug)]
pub(crate) struct Native {
    code: Arc<dyn NativeCode>,
    /// Most frames besides the first one.
    more_frames: Option<u32>,
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
    #[inline]
    pub(super) fn entry(&self, place: &State) -> Option<u32> {
        if place.instr == InstrIx(0) { Some(0) } else { self.code.entry(place.func, place.instr) }
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
    room: u32,
    /// Fuel that native code had when it ended.
    fuel: u64,
    interrupted: bool,
    trap: Option<TrapCode>,
    left: Option<Box<Left>>,
}

/// What was left.
#[derive(Debug, Default)]
struct Left {
    /// Innermost first.
    frames: Vec<LeftFrame>,
    values: Vec<(Slot, u64)>,
}

impl fmt::Debug for NativeRun<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeRun").field("room", &self.room).finish_non_exhaustive()
    }
}

impl NativeRun<'_, '_> {
    /// The first `count` slots of the entry frame; where a function starts, its parameters. They stand still until
    /// the run is left.
    #[must_use]
    #[inline]
    pub fn frame(&self, count: u32) -> &[u64] {
        self.machine.stack.slice(self.base, count as usize)
    }

    /// How many more frames may be entered on top of the first one.
    #[must_use]
    #[inline]
    pub fn room(&self) -> u32 {
        self.room
    }

    /// Fuel to begin with. The interrupt flag is looked at when it is used up.
    #[must_use]
    #[inline]
    pub fn take_fuel(&mut self) -> u64 {
        let fuel = self.machine.reserve.min(FUEL_QUANTUM);
        self.machine.reserve -= fuel;
        fuel
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
            self.machine.results.resize(len, 0);
        }
        self.machine.results
    }

    /// More fuel for native code that has `fuel` and needs `cost`. `None` if the run must be left at the next
    /// instruction, with `fuel` as it is: the fuel is not there, or the run is interrupted.
    pub fn refill(&mut self, fuel: u64, cost: u64) -> Option<u64> {
        if self.machine.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            self.interrupted = true;
            return None;
        }
        let reserve = self.machine.reserve;
        let refilled = self.machine.refill(fuel, cost);
        if refilled.is_none() {
            self.machine.reserve = reserve;
        }
        refilled
    }

    /// Calls an import: arguments in the first `args` slots of `slots`, results in those behind them. Returns the
    /// fuel for native code; `None` if the run ends with a trap and must be left at this instruction.
    pub fn host_call(&mut self, import: HostSigId, fuel: u64, args: usize, slots: &mut [u64]) -> Option<u64> {
        let (args, rets) = slots.split_at_mut_checked(args)?;
        match self.machine.invoke_host(import.0, fuel, args, rets) {
            Ok(left) => Some(left),
            Err(code) => {
                self.trap = Some(code);
                None
            }
        }
    }

    /// Makes an aggregate of `len` elements from their slots. `None` if there is no room for it.
    pub fn agg_new(&mut self, ty: TypeId, len: u32, slots: &[u64]) -> Option<u64> {
        let handle = self.machine.heap.begin_node(ty, len, slots.len()).ok()?;
        for &slot in slots {
            self.machine.heap.push_slot(slot);
        }
        Some(handle)
    }

    /// Reads an element into `out`, which has as many slots as the element. `false` if that traps.
    pub fn agg_get(&mut self, handle: u64, index: u64, read: &AggRead, out: &mut [u64]) -> bool {
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

    /// The innermost frame is left before it has run `instr` (or, if a host call has trapped, at it), with this
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
        let left = self.left.get_or_insert_default();
        left.values.extend(values);
        left.frames.push(LeftFrame { func, instr, end: left.values.len() });
    }

    /// Makes the interpreter's frames of those that were left. `place` is in the entry frame, and comes to
    /// be in the innermost one.
    #[cold]
    fn restore(&mut self, place: &mut State) -> Result<(), Exit> {
        let machine = &mut *self.machine;
        let Left { frames, values } = *self.left.take().unwrap_or_default();
        let mut end = place.base;
        for frame in &frames {
            let function = machine.program.function(frame.func).ok_or(Exit::Internal)?;
            if function.segment_of(frame.instr).is_none() {
                return Err(Exit::Internal);
            }
            end += function.frame_slots as usize + LINK_SLOTS as usize;
        }
        let end = end - LINK_SLOTS as usize;
        if end > machine.stack.len() {
            machine.stack.grow(end).map_err(Exit::Trap)?;
        }
        let mut base = place.base;
        for (i, frame) in frames.iter().enumerate().rev() {
            let slots = machine.program.function(frame.func).map_or(0, |f| f.frame_slots);
            let from = i.checked_sub(1).and_then(|inner| frames.get(inner)).map_or(0, |inner| inner.end);
            for &(slot, value) in values.get(from..frame.end).unwrap_or(&[]) {
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

/// Runs native code from an entry at the place where a run stands. The exit, if the run has ended;
/// [`Exit::NeedExact`] if the function has returned to its caller's frame, where the place is now; `None` if the
/// interpreter is to go on from the place. `fuel` is what is left.
#[inline]
pub(super) fn enter(
    machine: &mut Machine<'_>,
    native: &Native,
    entry: u32,
    place: &mut State,
    fuel: &mut u64,
) -> Option<Exit> {
    if machine.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        return Some(Exit::Interrupted);
    }
    let frame = machine.program.function(place.func).map_or(0, |f| f.frame_slots);
    let most = native.more_frames?.min(machine.max_depth.saturating_sub(machine.depth));
    let slots = machine.max_stack.saturating_sub(place.base + frame as usize);
    // Every frame as if it were the widest: where that is too careful, the interpreter goes on and is exact.
    let widest = native.widest as usize;
    let room = if slots as u64 >= u64::from(most) * widest as u64 { most } else { (slots / widest) as u32 };
    machine.reserve = *fuel;
    let base = place.base;
    let mut run = NativeRun { machine, base, room, fuel: 0, interrupted: false, trap: None, left: None };
    let end = native.code.run(place.func, entry, &mut run);
    *fuel = run.machine.reserve.saturating_add(run.fuel);
    run.machine.reserve = 0;
    if end == NativeEnd::Finished && run.machine.depth == 1 {
        return Some(Exit::Finished);
    }
    go_on(run, place, end)
}

/// Where a run goes on that native code has returned from or left, but that has not finished.
#[cold]
#[inline(never)]
fn go_on(mut run: NativeRun<'_, '_>, place: &mut State, end: NativeEnd) -> Option<Exit> {
    if end == NativeEnd::Finished {
        return Some(match return_to_caller(run.machine, place) {
            Some(()) => Exit::NeedExact,
            None => Exit::Internal,
        });
    }
    if let Err(exit) = run.restore(place) {
        return Some(exit);
    }
    match (run.trap, run.interrupted) {
        (Some(code), _) => Some(Exit::Trap(code)),
        (None, true) => Some(Exit::Interrupted),
        (None, false) => None,
    }
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
