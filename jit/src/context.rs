//! What compiled code and Rust share while code runs: the context, and the functions that code calls.
//!
//! Soundness of everything here rests on one fact: compiled code is entered only by [`enter`], which makes a context
//! whose pointers outlive the call, and passes the context's address on unchanged.

use crate::meter::{self, LEFT};
use crate::program::Compiled;
use opforge_vm::heap::{AggKind, AggRead, Heap};
use opforge_vm::ids::HostSigId;
use opforge_vm::interp::{NativeEnd, NativeRun};
use opforge_vm::types::TypeId;
use std::any::Any;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a run's compiled code works with. Its address is in the pinned register while code runs.
#[repr(C)]
pub(crate) struct Context<'c, 'm, 'r> {
    /// Slots that go between code and Rust; as many as the program needs at most.
    spill: *mut u64,
    /// The program's functions, for indirect calls.
    functions: *const Callee,
    helpers: *const Helpers,
    /// What [`refill`] gave; at first the meter to begin with.
    refilled: i64,
    /// The entry frame's slots, for entries at the heads of loops. Valid until something is called.
    frame: *const u64,
    /// Which head; counted from 1.
    head: u64,
    spill_len: usize,
    compiled: &'c Compiled,
    run: &'c mut NativeRun<'m, 'r>,
    panic: Option<Box<dyn Any + Send>>,
}

impl Context<'_, '_, '_> {
    pub(crate) const SPILL: i32 = offset_of!(Context<'_, '_, '_>, spill) as i32;
    pub(crate) const HELPERS: i32 = offset_of!(Context<'_, '_, '_>, helpers) as i32;
    pub(crate) const REFILLED: i32 = offset_of!(Context<'_, '_, '_>, refilled) as i32;
    pub(crate) const FRAME: i32 = offset_of!(Context<'_, '_, '_>, frame) as i32;
    pub(crate) const HEAD: i32 = offset_of!(Context<'_, '_, '_>, head) as i32;
    pub(crate) const FUNCTIONS: i32 = offset_of!(Context<'_, '_, '_>, functions) as i32;

    /// The first slots that go between code and Rust.
    pub(crate) fn spill(&mut self, len: usize) -> &mut [u64] {
        let len = len.min(self.spill_len);
        // SAFETY: the run keeps its buffer of `spill_len` slots unmoved and unused until code has returned
        // (`NativeRun::buffer`), and nothing else refers to it while Rust code that code has called runs.
        unsafe { std::slice::from_raw_parts_mut(self.spill, len) }
    }

    pub(crate) fn heap(&mut self) -> &mut Heap {
        self.run.heap()
    }

    /// Hands results of a semantic function to code.
    pub(crate) fn put(&mut self, values: [u64; 2]) {
        self.spill(2).copy_from_slice(&values);
    }
}

/// The Rust functions that code calls without regard to the opcode. Code loads their addresses where it calls them: a
/// constant would be kept in a register through whole loops, for calls that hardly ever happen.
#[repr(C)]
pub(crate) struct Helpers {
    refill: unsafe extern "C" fn(ContextPtr, i64, i64) -> i64,
    leave_at: unsafe extern "C" fn(ContextPtr, u64, u64),
    host_call: unsafe extern "C" fn(ContextPtr, u64, i64, u64, u64) -> i64,
    agg_new: unsafe extern "C" fn(ContextPtr, u64, u64, u64) -> i64,
    agg_get: unsafe extern "C" fn(ContextPtr, u64, u64, u64, u64) -> i64,
    agg_len: unsafe extern "C" fn(ContextPtr, u64, u64) -> i64,
}

static HELPERS: Helpers = Helpers { refill, leave_at, host_call, agg_new, agg_get, agg_len };

/// A helper by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Helper {
    pub(crate) offset: i32,
    /// How many values it returns.
    pub(crate) results: usize,
}

impl Helper {
    pub(crate) const REFILL: Self = Self { offset: offset_of!(Helpers, refill) as i32, results: 1 };
    pub(crate) const LEAVE_AT: Self = Self { offset: offset_of!(Helpers, leave_at) as i32, results: 0 };
    pub(crate) const HOST_CALL: Self = Self { offset: offset_of!(Helpers, host_call) as i32, results: 1 };
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

/// Runs a compiled function from its start, or, with an entry other than 0, from the head of one of its loops.
pub(crate) fn enter(
    compiled: &Compiled,
    func: usize,
    entry: u32,
    run: &mut NativeRun<'_, '_>,
) -> Option<NativeEnd> {
    let function = compiled.entries.get(func)?;
    let spill_len = compiled.spill_len;
    let spill = run.buffer(spill_len).as_mut_ptr();
    // The frame's slots, of which the first are the parameters.
    let frame = run.frame(function.slots).as_ptr();
    let meter = meter::pack(run.take_fuel().min(meter::MAX_FUEL), run.room().min(meter::MAX_ROOM));
    let mut context = Context {
        spill,
        functions: compiled.callees.as_ptr(),
        helpers: &raw const HELPERS,
        refilled: meter,
        frame,
        head: entry.into(),
        spill_len,
        compiled,
        run,
        panic: None,
    };
    // A function that is not to begin at its start finds out where it looks for too little fuel.
    let first = if entry == 0 { meter } else { LEFT };
    // SAFETY: `trampoline` is the address of code with this signature, and `code` that of a function whose parameters
    // and results are those the trampoline was made for (`compile`). The code is in `compiled`, which is borrowed.
    // Code reads the frame before anything else happens: its parameters, or at another entry any of its slots.
    let meter = unsafe {
        let call = std::mem::transmute::<usize, Enter>(function.trampoline);
        call(&raw mut context, function.code, first, frame)
    };
    if let Some(payload) = context.panic.take() {
        resume_unwind(payload);
    }
    if meter < 0 {
        return Some(NativeEnd::Left);
    }
    run.finish(meter::unpack(meter).0);
    Some(NativeEnd::Finished)
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

/// More fuel for code that has taken a cost from the meter and found too little; [`LEFT`] if the run must be left,
/// with the meter as it is. The cost is fuel, or stands with the place to leave, whose number comes inverted
/// ([`cold`]).
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn refill(cx: ContextPtr, meter: i64, cost: i64) -> i64 {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    let cost = match u64::try_from(cost) {
        Ok(cost) => cost,
        Err(_) => cx.compiled.sites.get(!cost as usize).map_or(0, |site| site.cost),
    };
    let (fuel, room) = meter::unpack(meter.wrapping_add(meter::scaled(cost) as i64));
    cx.run.refill(fuel, cost).map_or(LEFT, |fuel| meter::pack(fuel - cost, room))
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
    let spill = unsafe { std::slice::from_raw_parts(cx.spill, cx.spill_len) };
    let values = values.zip(spill.iter().copied()).chain(constants.iter().copied());
    match fuel {
        IN_CALL => cx.run.leave_call((site.func, site.instr), values),
        fuel => cx.run.leave_at((site.func, site.instr), fuel, values),
    }
}

/// The fuel that [`leave_at`] is called with for frames that wait for a call.
pub(crate) const IN_CALL: u64 = u64::MAX;

/// Calls an import; arguments and results are in the context's slots. Returns the meter, or [`LEFT`] if the run
/// trapped.
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn host_call(
    cx: ContextPtr,
    import: u64,
    meter: i64,
    args: u64,
    slots: u64,
) -> i64 {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    let len = (slots as usize).min(cx.spill_len);
    // SAFETY: as in `Context::spill`; borrowed apart from `run`.
    let spill = unsafe { std::slice::from_raw_parts_mut(cx.spill, len) };
    let run = &mut *cx.run;
    let (fuel, room) = meter::unpack(meter);
    // A panic must not cross compiled code, which cannot be unwound; it goes on where code was entered.
    let call = || run.host_call(HostSigId(import as u32), fuel, args as usize, spill);
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(fuel) => fuel.map_or(LEFT, |fuel| meter::pack(fuel, room)),
        Err(payload) => {
            cx.panic = Some(payload);
            LEFT
        }
    }
}

/// Makes an aggregate from the context's slots. Returns its handle, or [`NOTHING`].
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn agg_new(cx: ContextPtr, ty: u64, len: u64, slots: u64) -> i64 {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    // SAFETY: as in `Context::spill`; borrowed apart from `run`.
    let spill = unsafe { std::slice::from_raw_parts(cx.spill, (slots as usize).min(cx.spill_len)) };
    cx.run.agg_new(TypeId(ty as u32), len as u32, spill).map_or(NOTHING, |handle| handle as i64)
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
    let spill = unsafe { std::slice::from_raw_parts_mut(cx.spill, (width as usize).min(cx.spill_len)) };
    if cx.run.agg_get(handle, index, &read, spill) { 0 } else { NOTHING }
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
    cx.run.agg_len(handle, kind).map_or(NOTHING, |len| len as i64)
}
