//! What the dispatch loop works on, and the parts of handlers that are too big or too rare to stand in it.

use super::call_import::CallImport;
use super::code::InterpCode;
use super::coroutine::Granted;
use super::dispatch::Position;
use super::host_calls::{HostCalls, HostStop, Waiting};
use super::instance::Buffers;
use super::module::Module;
use super::regs::{LINK_SLOTS, Link, Regs, Stack};
use super::session::SessionOps;
use super::trace::{self, Tracer};
use super::word::Word;
use crate::heap::Heap;
use crate::ids::{FuncId, InstrIx};
use crate::limits::Limits;
use crate::lower::ExecProgram;
use crate::trap::TrapDetail;
use crate::value_type::ValueType;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use opforge_schema::TrapCode;

/// How a dispatch loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// The entry function returned; its results are in [`Machine::results`].
    Finished,
    /// The current word trapped.
    Trap(TrapCode),
    /// The current word calls a host function that is to be completed later: see [`Machine::pending`].
    Pending,
    /// The segment at the current word does not fit the fuel that is left.
    NeedExact,
    /// The current word does not fit the fuel that is left; its own fixed fuel was charged.
    OutOfFuelInWord,
    /// Stepping exactly, fuel ran out; the instruction in the machine did not run.
    OutOfFuelExact,
    /// The interrupt flag was seen, at the start of a segment.
    Interrupted,
    /// The current word waits: nothing of it was done.
    Blocked,
    /// The current word is done, and others are to run.
    Yielded,
    /// The current word ended the coroutine.
    Halted,
    /// The slice is over, and the next one is that of another coroutine, or there is none: see [`Machine::granted`].
    Turned,
    /// Something the verifier excludes.
    Internal,
}

/// No amount of fuel that the loop can have.
pub(super) const NOT_PAID: u64 = u64::MAX;

/// Fuel given to the loop at a time. The interrupt flag is looked at in between, which costs nothing per
/// instruction and bounds the delay to some microseconds.
pub(super) const FUEL_QUANTUM: u64 = 1024;

/// Everything a run owns or borrows while it executes.
pub(super) struct Machine<'r> {
    pub(super) program: &'r ExecProgram,
    pub(super) code: &'r InterpCode,
    /// The words of `code`. Here rather than in a local of the loop, where it would hold a register that only
    /// calls and returns need.
    pub(super) words: *const Word,
    /// The codes of the words.
    #[cfg(opforge_threaded)]
    pub(super) codes: *const super::threaded::Code,
    pub(super) heap: &'r mut Heap,
    pub(super) stack: &'r mut Stack,
    pub(super) host: &'r mut dyn HostCalls,
    /// By import: how native code calls it.
    pub(super) calls: &'r [CallImport],
    pub(super) interrupt: Option<&'r AtomicBool>,
    pub(super) results: &'r mut Vec<u64>,
    pub(super) host_buffer: &'r mut Vec<u64>,
    /// Fuel that the loop has not been given yet.
    pub(super) reserve: u64,
    /// Fuel that the loop is not given at all, so that it stops soon; the host sees and charges it.
    pub(super) withheld: u64,
    pub(super) depth: u32,
    pub(super) max_depth: u32,
    pub(super) host_calls: u64,
    /// What hosts charged past the fuel that was left.
    pub(super) owed: u64,
    /// What was last asked for and was not there: where fuel ends in a word, what that costs by size.
    pub(super) short: u64,
    pub(super) max_host_calls: u64,
    pub(super) max_stack: usize,
    pub(super) detail: TrapDetail,
    /// With [`Exit::Pending`]: what waits.
    pub(super) pending: Option<Waiting>,
    /// The session machine that runs this, if one does.
    pub(super) sessions: Option<&'r mut dyn SessionOps>,
    /// Whether the loop goes from one coroutine to the next by itself.
    pub(super) switches: bool,
    /// How often it did.
    pub(super) turns: u32,
    /// With [`Exit::Turned`]: the next slice.
    pub(super) granted: Option<Granted>,
    /// Why [`Machine::pay_segment`] did not pay.
    pub(super) stop: Exit,
    #[cfg(opforge_threaded)]
    pub(super) left: super::threaded::Left,
    /// Set where threaded code ended the run.
    #[cfg(opforge_threaded)]
    pub(super) left_with: Option<Exit>,
}

pub(super) type Fault<T = ()> = Result<T, TrapCode>;

impl<'r> Machine<'r> {
    /// What a run of a module starts with.
    #[inline]
    pub(super) fn new(
        module: &'r Module,
        (host, calls): (&'r mut dyn HostCalls, &'r [CallImport]),
        buffers: &'r mut Buffers,
        limits: &Limits,
    ) -> Self {
        let (program, code) = (module.program(), module.code());
        Self {
            program,
            code,
            words: code.words.as_ptr(),
            #[cfg(opforge_threaded)]
            codes: code.codes.as_ptr(),
            heap: &mut buffers.heap,
            stack: &mut buffers.stack,
            calls,
            host,
            interrupt: None,
            results: &mut buffers.results,
            host_buffer: &mut buffers.host,
            reserve: 0,
            withheld: 0,
            depth: 1,
            max_depth: limits.max_call_depth,
            host_calls: 0,
            owed: 0,
            short: 0,
            max_host_calls: limits.max_host_calls,
            max_stack: limits.max_stack_slots as usize,
            detail: TrapDetail::None,
            pending: None,
            sessions: None,
            switches: false,
            turns: 0,
            granted: None,
            stop: Exit::NeedExact,
            #[cfg(opforge_threaded)]
            left: super::threaded::Left::NOWHERE,
            #[cfg(opforge_threaded)]
            left_with: None,
        }
    }
}

impl Machine<'_> {
    /// Pays for a segment that costs more than the loop has, from the reserve. Gives the loop's fuel afterwards, or
    /// [`NOT_PAID`], with nothing charged, all fuel in reserve and the reason in `stop`.
    #[cold]
    #[inline(never)]
    pub(super) fn pay_segment(&mut self, fuel: u64, cost: u64) -> u64 {
        if self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            self.reserve += fuel;
            self.stop = Exit::Interrupted;
            return NOT_PAID;
        }
        match self.refill(fuel, cost) {
            Some(refilled) => refilled - cost,
            None => {
                self.stop = Exit::NeedExact;
                NOT_PAID
            }
        }
    }

    /// The loop's fuel after a refill for `cost`; `None`, with all fuel in reserve, if that is not there.
    #[cold]
    #[inline(never)]
    pub(super) fn refill(&mut self, fuel: u64, cost: u64) -> Option<u64> {
        let total = self.reserve + fuel;
        if total < cost {
            self.reserve = total;
            self.short = cost;
            return None;
        }
        let take = total.min(cost.saturating_add(FUEL_QUANTUM));
        self.reserve = total - take;
        Some(take)
    }

    /// Exact stepping: pays for the instructions that a word covers, from the next unpaid one on, and reports each
    /// that is paid. If fuel ends in between, the position's next instruction is the one that did not run.
    #[cold]
    #[inline(never)]
    pub(super) fn pay_exact<T: Tracer>(
        &self,
        tracer: &mut T,
        word: u32,
        fuel: &mut u64,
        position: &mut Position,
    ) -> Result<(), Exit> {
        let func = self.code.func_of(word).ok_or(Exit::Internal)?;
        let function = self.program.function(func).ok_or(Exit::Internal)?;
        let end = InstrIx(self.code.covered(func, word).end);
        while position.instr < end {
            let at = position.instr;
            let after = InstrIx(at.0 + 1);
            let cost = function.fuel(at, after);
            if *fuel < cost {
                return Err(Exit::OutOfFuelExact);
            }
            *fuel -= cost;
            position.instr = after;
            if at >= position.report_from {
                trace::report(tracer, func, function, at);
            }
        }
        Ok(())
    }

    /// Fuel by size: `x` holds the shift, and a bit for each register read that counts.
    #[inline(always)]
    pub(super) fn size_cost(regs: Regs, word: Word) -> u64 {
        let mut bytes = 0;
        if word.x & 0x100 != 0 {
            // SAFETY: `b` is the first operand's slot of a heap form (fact 1 of `regs`).
            bytes += u64::from(unsafe { regs.get(word.b) } as u32);
        }
        if word.x & 0x200 != 0 {
            // SAFETY: `c` is the second operand's slot of a heap form (fact 1 of `regs`).
            bytes += u64::from(unsafe { regs.get(word.c) } as u32);
        }
        bytes >> (word.x & 0x3f)
    }

    pub(super) fn pool(&self, at: u32, len: u32) -> &[u32] {
        self.code.pool.get(at as usize..at as usize + len as usize).unwrap_or(&[])
    }

    /// Grows the stack so that `slots` slots above `base` exist.
    pub(super) fn ensure_frame(&mut self, base: usize, slots: u32) -> Fault {
        let end = base.checked_add(slots as usize).ok_or(TrapCode::CallDepthExceeded)?;
        if end <= self.stack.len() {
            return Ok(());
        }
        if end > self.max_stack {
            return Err(TrapCode::CallDepthExceeded);
        }
        let target = self.stack.len().saturating_mul(2).clamp(end, self.max_stack.max(end));
        self.grow_stack(target)
    }

    /// Makes the stack larger. Coroutines' stacks count against the memory limit of their machine.
    #[cold]
    pub(super) fn grow_stack(&mut self, slots: usize) -> Fault {
        if self.sessions.is_some() {
            self.heap.charge(slots.saturating_sub(self.stack.len()) as u64 * 8)?;
        }
        self.stack.grow(slots)
    }

    /// The frame `up` slots above `regs`, with room for function `func`.
    #[cold]
    #[inline(never)]
    pub(super) fn grow_for_call(&mut self, regs: Regs, up: u32, func: u32) -> Fault<Regs> {
        let base = regs.base(self.stack);
        let frame = self.code.funcs.get(func as usize).map_or(0, |f| f.frame);
        self.ensure_frame(base + up as usize, frame)?;
        Ok(Regs::new(self.stack, base))
    }

    /// Places a callee's frame and copies arguments; the pool has counts, argument slots and result slots at `at`.
    /// Returns the new frame.
    #[inline(always)]
    pub(super) fn enter_frame(
        &mut self,
        regs: Regs,
        (func, up): (u32, u32),
        at: u32,
        skip: u32,
        ret_word: u32,
    ) -> Fault<Regs> {
        let frame = self.code.funcs.get(func as usize).map_or(0, |f| f.frame);
        let mut regs = regs;
        let mut callee = regs.up(up);
        if !callee.fits(frame, self.stack) {
            regs = self.grow_for_call(regs, up, func)?;
            callee = regs.up(up);
        }
        let &[nargs, nrets] = self.pool(at, 2) else { return Ok(callee) };
        for (i, &slot) in self.pool(at + 2, nargs).iter().enumerate() {
            // SAFETY: argument slots are the caller's, parameter slots the callee's (fact 1 of `regs`); the
            // callee's frame fits the stack (checked above).
            unsafe { callee.set(skip + i as u32, regs.get(slot)) };
        }
        let rets = at + 2 + nargs;
        let ret_to = if nrets == 1 { self.pool(rets, 1).first().copied().unwrap_or(0) } else { rets };
        // SAFETY: `up` leaves room for the linkage above the caller's slots (`translate` adds `LINK_SLOTS`).
        unsafe { callee.set_link(Link { ret_word, ret_to, up: up.into() }) };
        self.depth += 1;
        Ok(callee)
    }

    /// Copies `n` results from the frame to the caller's slots, or out of the run.
    #[inline(never)]
    pub(super) fn return_many(&mut self, regs: Regs, word: Word) -> Option<(Regs, u32)> {
        // SAFETY: the frame was entered, so its linkage is there.
        let link = unsafe { regs.link() };
        if link.ret_word == 0 {
            self.finish(regs, word.c, word.b);
            return None;
        }
        let caller = regs.down(link.up as usize);
        for (&from, &to) in self.pool(word.c, word.b).iter().zip(self.pool(link.ret_to, word.b)) {
            // SAFETY: `from` is a slot of the callee, `to` of the caller (fact 1 of `regs`).
            unsafe { caller.set(to, regs.get(from)) };
        }
        self.depth -= 1;
        Some((caller, link.ret_word))
    }

    /// Takes the results of the entry function.
    #[cold]
    #[inline(never)]
    pub(super) fn finish(&mut self, regs: Regs, at: u32, len: u32) {
        self.results.clear();
        let slots = self.code.pool.get(at as usize..at as usize + len as usize).unwrap_or(&[]);
        for &slot in slots {
            // SAFETY: result slots are slots of the frame (fact 1 of `regs`).
            self.results.push(unsafe { regs.get(slot) });
        }
    }

    /// Takes the one result of the entry function.
    #[inline]
    pub(super) fn finish_one(&mut self, value: u64) {
        self.results.clear();
        self.results.push(value);
    }

    /// Checks an indirect callee and enters its frame. Returns the frame and the callee.
    #[inline(never)]
    pub(super) fn call_indirect(&mut self, regs: Regs, word: Word, ret_word: u32) -> Fault<(Regs, u32)> {
        if self.depth >= self.max_depth {
            return Err(TrapCode::CallDepthExceeded);
        }
        let closure = word.x != 0;
        // SAFETY: the callee's slot, and for a closure the one behind it, are the frame's (fact 1 of `regs`).
        let (func, env) = unsafe { (regs.get(word.a), if closure { regs.get(word.a + 1) } else { 0 }) };
        let sig = self.pool(word.c, 1).first().copied().unwrap_or(0);
        let func = u32::try_from(func).map_err(|_| TrapCode::InvalidFunction)?;
        self.check_callee(sig, FuncId(func), closure)?;
        let skip = u32::from(closure);
        let callee = self.enter_frame(regs, (func, word.b), word.c + 1, skip, ret_word)?;
        if closure {
            // SAFETY: the callee's first parameter is an aggregate (checked above), so slot 0 is its own.
            unsafe { callee.set(0, env) };
        }
        Ok((callee, func))
    }

    /// The word that a branch table leads to from an index. `None` is excluded by translation.
    #[inline(always)]
    pub(super) fn table_entry(&self, word: Word, index: u64) -> Option<u32> {
        // `b` is the last entry, so the sum is an index of the pool.
        let entry = index.min(word.b.into()) as usize;
        self.code.pool.get(word.c as usize + entry).copied()
    }

    /// The callee must exist and have the signature, behind the environment if it is a closure. The order of the
    /// checks shows in the trap: the environment, then parameters, then results; of each the count before the types.
    pub(super) fn check_callee(&mut self, sig: u32, func: FuncId, closure: bool) -> Fault {
        let callee = self.program.function(func).ok_or(TrapCode::InvalidFunction)?;
        let sig = self.program.call_sigs.get(sig as usize).ok_or(TrapCode::InvalidFunction)?;
        let mut params = &*callee.params;
        if closure {
            let (env, rest) = params.split_first().ok_or(TrapCode::ArityMismatch)?;
            self.check_types(&[ValueType::Agg], &[*env])?;
            params = rest;
        }
        self.check_types(&sig.params, params)?;
        self.check_types(&sig.results, &callee.results)
    }

    fn check_types(&mut self, expected: &[ValueType], actual: &[ValueType]) -> Fault {
        if expected.len() != actual.len() {
            return Err(TrapCode::ArityMismatch);
        }
        match expected.iter().zip(actual).find(|(expected, actual)| expected != actual) {
            None => Ok(()),
            Some((&expected, &actual)) => {
                self.detail = TrapDetail::Types { expected, actual };
                Err(TrapCode::TypeMismatch)
            }
        }
    }

    /// Calls an import with one argument slot and one result slot, as most have.
    #[inline(always)]
    pub(super) fn host_call_one(
        &mut self,
        regs: Regs,
        (import, arg, ret): (u32, u32, u32),
        fuel: u64,
    ) -> Result<u64, Exit> {
        // SAFETY: argument slots are slots of the frame (fact 1 of `regs`).
        let mut slots = [unsafe { regs.get(arg) }, 0];
        let left = self.call_import(import, fuel, &mut slots)?;
        // SAFETY: result slots are slots of the frame (fact 1 of `regs`).
        unsafe { regs.set(ret, slots[1]) };
        Ok(left)
    }

    /// Calls an import with any number of argument and result slots. Returns the loop's fuel.
    #[inline(never)]
    pub(super) fn host_call(&mut self, regs: Regs, word: Word, fuel: u64) -> Result<u64, Exit> {
        let lists = self.code.pool.get(word.c as usize..).unwrap_or(&[]);
        let Some((&[nargs, nrets], lists)) = lists.split_first_chunk() else { return Ok(fuel) };
        let Some((args, lists)) = lists.split_at_checked(nargs as usize) else { return Ok(fuel) };
        let Some(rets) = lists.get(..nrets as usize) else { return Ok(fuel) };
        let mut slots = core::mem::take(self.host_buffer);
        if slots.len() < args.len() + rets.len() {
            slots.resize(args.len() + rets.len(), 0);
        }
        for (value, &slot) in slots.iter_mut().zip(args) {
            // SAFETY: argument slots are slots of the frame (fact 1 of `regs`).
            *value = unsafe { regs.get(slot) };
        }
        // Nothing is cleared: a function that succeeds writes each of its result slots.
        let outcome = self.call_import(word.a, fuel, &mut slots);
        if outcome.is_ok() {
            for (&slot, &value) in rets.iter().zip(slots.iter().skip(args.len())) {
                // SAFETY: result slots are slots of the frame (fact 1 of `regs`).
                unsafe { regs.set(slot, value) };
            }
        }
        *self.host_buffer = slots;
        outcome
    }

    /// How the run ends or stops at a host call.
    #[cold]
    pub(super) fn stop_at_host(&mut self, stop: HostStop) -> Exit {
        match stop {
            HostStop::Trap(code, detail) => {
                self.detail = detail;
                Exit::Trap(code)
            }
            HostStop::Pending(waiting) => {
                self.pending = Some(waiting);
                Exit::Pending
            }
        }
    }

    /// Pays for what a session instruction did by size, as for what a host charges. Returns the loop's fuel.
    #[cold]
    #[inline(never)]
    pub(super) fn pay_work(&mut self, fuel: u64, by_size: u64) -> u64 {
        self.charge(by_size, self.reserve + self.withheld + fuel)
    }

    /// Takes what the host charges from all the fuel there is. Returns the loop's fuel.
    pub(super) fn charge(&mut self, extra: u64, total: u64) -> u64 {
        let left = total.saturating_sub(extra);
        self.owed = self.owed.saturating_add(extra.saturating_sub(total));
        let keep = left.min(FUEL_QUANTUM);
        (self.reserve, self.withheld) = (left - keep, 0);
        keep
    }
}

/// Slots that the entry frame leaves for its linkage.
pub(super) const ENTRY_BASE: usize = LINK_SLOTS as usize;
