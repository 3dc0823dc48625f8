//! What compiled code and Rust share while code runs: the context, and the functions that code calls.
//!
//! Soundness of everything here rests on one fact: compiled code is entered only by [`enter`], which makes a context
//! whose pointers outlive the call, and passes the context's address on unchanged.

use crate::meter::{self, LEFT};
use crate::program::Compiled;
use opforge_vm::heap::{AggKind, AggRead, Heap, LinearMemory};
use opforge_vm::ids::FuncId;
use opforge_vm::interp::{CallImport, NativeEnd, NativeRun};
use opforge_vm::types::TypeId;
use std::mem::{MaybeUninit, offset_of};

/// What a run's compiled code works with. Its address is in the pinned register while code runs.
#[repr(C)]
pub(crate) struct Context<'c, 'm, 'r> {
    /// Slots that go between code and Rust; as many as the program needs at most.
    spill: *mut u64,
    /// The meter for [`refill`] and what it gave; at first the meter to begin with.
    meter: i64,
    /// The entry frame's slots, for entries at the heads of loops. Valid until something is called.
    frame: MaybeUninit<*const u64>,
    /// At first which head, counted from 1; for [`refill`] the cost.
    number: MaybeUninit<i64>,
    compiled: &'c Compiled,
    /// By import: how to call it.
    calls: *const CallImport,
    /// The run's linear memories, which stay where they are until code has returned.
    memories: *const LinearMemory,
    /// Borrowed by `enter` until code has returned. Rust functions that code calls borrow from it in turn.
    run: *mut NativeRun<'m, 'r>,
}

impl<'m, 'r> Context<'_, 'm, 'r> {
    pub(crate) const SPILL: i32 = offset_of!(Context<'_, '_, '_>, spill) as i32;
    pub(crate) const METER: i32 = offset_of!(Context<'_, '_, '_>, meter) as i32;
    pub(crate) const FRAME: i32 = offset_of!(Context<'_, '_, '_>, frame) as i32;
    pub(crate) const NUMBER: i32 = offset_of!(Context<'_, '_, '_>, number) as i32;
    pub(crate) const CALLS: i32 = offset_of!(Context<'_, '_, '_>, calls) as i32;
    pub(crate) const MEMORIES: i32 = offset_of!(Context<'_, '_, '_>, memories) as i32;
    pub(crate) const RUN: i32 = offset_of!(Context<'_, '_, '_>, run) as i32;
    pub(crate) const COMPILED: i32 = offset_of!(Context<'_, '_, '_>, compiled) as i32;

    /// The first slots that go between code and Rust.
    pub(crate) fn spill(&mut self, len: usize) -> &mut [u64] {
        let len = len.min(self.compiled.spill_len);
        // SAFETY: the run keeps its buffer of `spill_len` slots unmoved and unused until code has returned
        // (`NativeRun::buffer`), and nothing else refers to it while Rust code that code has called runs.
        unsafe { std::slice::from_raw_parts_mut(self.spill, len) }
    }

    /// The run.
    pub(crate) fn run(&mut self) -> &mut NativeRun<'m, 'r> {
        // SAFETY: `enter` borrows the run until code has returned, and each function that code calls is the only one
        // that uses it until it returns.
        unsafe { &mut *self.run }
    }

    pub(crate) fn heap(&mut self) -> &mut Heap {
        self.run().heap()
    }

    /// Hands results of a semantic function to code, as far as there are slots for them.
    pub(crate) fn put(&mut self, values: [u64; 2]) {
        self.spill(2).iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
    }
}

/// The Rust functions that code calls without regard to the opcode. Code loads their addresses where it calls them: a
/// constant would be kept in a register through whole loops, for calls that hardly ever happen.
#[repr(C)]
pub(crate) struct Helpers {
    refill: unsafe extern "C" fn(ContextPtr),
    leave_at: unsafe extern "C" fn(ContextPtr, u64, u64),
    agg_new: unsafe extern "C" fn(ContextPtr, u64, u64, u64) -> i64,
    agg_get: unsafe extern "C" fn(ContextPtr, u64, u64, u64, u64) -> i64,
    agg_len: unsafe extern "C" fn(ContextPtr, u64, u64) -> i64,
}

pub(crate) static HELPERS: Helpers = Helpers { refill, leave_at, agg_new, agg_get, agg_len };

/// A helper by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Helper {
    pub(crate) offset: i32,
    /// How many values it returns.
    pub(crate) results: usize,
}

impl Helper {
    pub(crate) const REFILL: Self = Self { offset: offset_of!(Helpers, refill) as i32, results: 0 };
    pub(crate) const LEAVE_AT: Self = Self { offset: offset_of!(Helpers, leave_at) as i32, results: 0 };
    pub(crate) const AGG_NEW: Self = Self { offset: offset_of!(Helpers, agg_new) as i32, results: 1 };
    pub(crate) const AGG_GET: Self = Self { offset: offset_of!(Helpers, agg_get) as i32, results: 1 };
    pub(crate) const AGG_LEN: Self = Self { offset: offset_of!(Helpers, agg_len) as i32, results: 1 };
}

/// A function as indirect calls see it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Callee {
    /// The class of its signature; see `signatures`.
    pub(crate) class: u64,
    /// The address of its code.
    pub(crate) code: usize,
}

impl Callee {
    pub(crate) const CLASS: i32 = offset_of!(Callee, class) as i32;
    pub(crate) const CODE: i32 = offset_of!(Callee, code) as i32;
    pub(crate) const SIZE: i64 = size_of::<Self>() as i64;
}

/// Code that enters a compiled function: context, code of the function, meter, parameter slots. Results are in the
/// context's slots; returns the meter, or [`LEFT`].
type Enter = unsafe extern "C" fn(*mut Context<'_, '_, '_>, usize, i64, *const u64) -> i64;

/// What helpers that give a value other than the meter return if there is none.
pub(crate) const NOTHING: i64 = -1;

/// Runs a compiled function from its start, or, with a head other than 0, from that one of its loops.
#[inline]
pub(crate) fn enter(compiled: &Compiled, func: FuncId, head: u32, run: &mut NativeRun<'_, '_>) -> NativeEnd {
    let Some(function) = compiled.entries.get(func.index()) else {
        // It has no frame to leave: the interpreter goes on where it is.
        return NativeEnd::Left;
    };
    let spill = run.buffer(compiled.spill_len).as_mut_ptr();
    // The frame's slots, of which the first are the parameters.
    let frame = run.frame();
    let meter = meter::pack(run.fuel(), run.room());
    let mut context = Context {
        spill,
        meter,
        frame: if head == 0 { MaybeUninit::uninit() } else { MaybeUninit::new(frame) },
        number: if head == 0 { MaybeUninit::uninit() } else { MaybeUninit::new(head.into()) },
        compiled,
        calls: run.calls().as_ptr(),
        memories: run.heap().linear_memories(),
        run,
    };
    // A function that is not to begin at its start finds out where it looks for too little fuel.
    let first = if head == 0 { meter } else { LEFT };
    // SAFETY: `trampoline` is the address of code with this signature, and `code` that of a function whose parameters
    // and results are those the trampoline was made for (`compile`). The code is in `compiled`, which is borrowed.
    // Code reads the frame before anything else happens: its parameters, or at a head any of its slots.
    let meter = unsafe {
        let call = std::mem::transmute::<usize, Enter>(function.trampoline);
        call(&raw mut context, function.code, first, frame)
    };
    if meter < 0 {
        return NativeEnd::Left;
    }
    run.finish(meter::unpack(meter).0);
    NativeEnd::Finished
}

/// A constant of cold code. The code generator makes a constant once where several blocks use it, and keeps it in a
/// register between them; with its bits inverted a number is none that hot code uses.
pub(crate) const fn cold(value: u64) -> u64 {
    !value
}

/// A pointer to a context, as code passes it on.
pub(crate) type ContextPtr = *mut Context<'static, 'static, 'static>;

/// The context that code was entered with.
///
/// # Safety
/// `context` must be the first argument of a function that compiled code has called, and the reference must be gone
/// when that function returns.
pub(crate) unsafe fn context<'a>(context: ContextPtr) -> &'a mut Context<'a, 'a, 'a> {
    // SAFETY: `enter` made the context and waits for code to return; no other reference to it is used meanwhile.
    unsafe { &mut *context.cast() }
}

/// More fuel for code that has taken a cost from the meter and found too little: leaves the meter in the context, or
/// [`LEFT`] if the run must be left, with the meter as it is. The cost is fuel, or stands with the place to leave, whose
/// number comes inverted ([`cold`]).
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn refill(cx: ContextPtr) {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    // SAFETY: code writes the number before it calls this.
    let number = unsafe { cx.number.assume_init() };
    let cost = match u64::try_from(number) {
        Ok(cost) => cost,
        Err(_) => cx.compiled.sites.get(!number as usize).map_or(0, |site| site.cost),
    };
    let (fuel, room) = meter::unpack(cx.meter.wrapping_add(meter::scaled(cost) as i64));
    cx.meter = cx.run().refill(fuel, cost).map_or(LEFT, |fuel| meter::pack(fuel - cost, room));
}

/// Leaves the innermost frame, whose live values are in the context's slots. The site comes with all bits inverted
/// ([`cold`]).
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn leave_at(cx: ContextPtr, site: u64, fuel: u64) {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    let Some(site) = cx.compiled.sites.get(!site as usize) else { return };
    let constants = cx.compiled.constants(site.func);
    let values = cx.compiled.live(site).iter().copied();
    // SAFETY: as in `Context::spill`; borrowed apart from `run`.
    let spill = unsafe { std::slice::from_raw_parts(cx.spill, cx.compiled.spill_len) };
    let values = values.zip(spill.iter().copied()).chain(constants.iter().copied());
    match fuel {
        IN_CALL => cx.run().leave_call((site.func, site.instr), values),
        fuel => cx.run().leave_at((site.func, site.instr), fuel, values),
    }
}

/// The fuel that [`leave_at`] is called with for frames that wait for a call.
pub(crate) const IN_CALL: u64 = u64::MAX;

/// Makes an aggregate from the context's slots. Returns its handle, or [`NOTHING`].
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn agg_new(cx: ContextPtr, ty: u64, len: u64, slots: u64) -> i64 {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    // SAFETY: as in `Context::spill`; borrowed apart from `run`.
    let spill = unsafe { std::slice::from_raw_parts(cx.spill, (slots as usize).min(cx.compiled.spill_len)) };
    cx.run().agg_new(TypeId(ty as u32), len as u32, spill).map_or(NOTHING, |handle| handle as i64)
}

/// Reads an element into the context's slots. Returns 0, or [`NOTHING`].
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn agg_get(
    cx: ContextPtr,
    handle: u64,
    index: u64,
    types: u64,
    width: u64,
) -> i64 {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    let read =
        AggRead { shape: TypeId((types >> 32) as u32), elem: TypeId(types as u32), width: width as u32 };
    // SAFETY: as in `Context::spill`; borrowed apart from `run`.
    let spill =
        unsafe { std::slice::from_raw_parts_mut(cx.spill, (width as usize).min(cx.compiled.spill_len)) };
    if cx.run().agg_get(handle, index, &read, spill) { 0 } else { NOTHING }
}

/// Counts elements. Returns the count, or [`NOTHING`].
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn agg_len(cx: ContextPtr, handle: u64, kind: u64) -> i64 {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    let kind = match kind {
        0 => AggKind::Tuple,
        1 => AggKind::Struct,
        _ => AggKind::Array,
    };
    cx.run().agg_len(handle, kind).map_or(NOTHING, |len| len as i64)
}
