//! Handlers of what control flow consists of: segments, jumps, calls and returns; and of constants, moves, the host,
//! sessions and intrinsics.

use super::code::Pc;
use super::form::{self, Acc, Far, OtherNext, Slot, TakenNext};
use super::handlers::{branch_handlers, leave_return};
use super::{Left, Spare, State, edge, go, handler, leave_at, leave_owing as owing, pay, stop};
use crate::interp::machine::{Exit, Machine, NOT_PAID};
use crate::interp::regs::Regs;
use crate::interp::session::Onward;

/// Slices after which threaded code comes back to the loop.
const TURNS: u32 = 64;

/// The accumulators with a slot's bits.
#[inline(always)]
fn hold(s: &mut State, bits: u64) {
    (s.acc, s.facc) = (bits, f64::from_bits(bits));
}

/// Takes the fuel of the segment whose `Fuel` word this is; `false`, with nothing taken, where it does not reach.
#[inline(always)]
unsafe fn enter(s: &mut State, target: Pc) -> bool {
    // SAFETY: handed on by the caller, whose target is a `Fuel` word.
    let cost = u64::from(unsafe { target.op() }.wide);
    let paid = pay(s, cost);
    if paid {
        s.pc = target.skip(1);
    } else {
        s.fuel = s.fuel.wrapping_add(cost);
    }
    paid
}

handler! { fuel |s, m| {
    let mut s = s;
    let here = s.pc;
    if enter(&mut s, here) { go(s, m) } else { leave_at(s, m) }
} }

pub(super) mod jump {
    use super::*;

    handler! { far |s, m| {
        let op = s.pc.op();
        edge(s, m, op.a, op.wide)
    } }
    // To the segment behind it: the jump and a `Fuel` word.
    handler! { next |s, m| edge(s, m, s.pc.op().a, form::NEXT_TO_JUMP) }
}

pub(super) mod br_if {
    use super::*;

    branch_handlers!(imm, |left: u64, _: u64| left != 0);
}

pub(super) mod br_mask_zero {
    use super::*;

    branch_handlers!(imm, |left: u64, mask: u64| left & mask == 0);
}

/// Ends a word that gives any one slot: stores it and goes on.
#[inline(always)]
unsafe fn set(mut s: State, m: &mut Machine<'_>, value: u64) {
    // SAFETY: handed on by the caller; `a` is the destination.
    unsafe {
        s.regs.set(s.pc.op().a.into(), value);
        hold(&mut s, value);
        s.pc = s.pc.skip(1);
        go(s, m)
    }
}

pub(super) mod constant {
    use super::*;

    // With sign.
    handler! { small |s, m| set(s, m, i64::from(s.pc.op().wide as i32) as u64) }
    // The upper half of a number whose lower one is 0, as of most floats.
    handler! { upper |s, m| set(s, m, u64::from(s.pc.op().wide) << 32) }
    handler! { plain |s, m| {
        let word = s.pc.ip(m).word();
        set(s, m, u64::from(word.b) | u64::from(word.c) << 32)
    } }
}

pub(super) mod move1 {
    use super::*;

    handler! { plain |s, m| set(s, m, s.regs.get(s.pc.op().b.into())) }
    handler! { left |s, m| set(s, m, s.acc) }

    /// A move in front of another one.
    #[inline(always)]
    unsafe fn lead(mut s: State, value: u64) -> State {
        // SAFETY: handed on by the caller; `a` is the destination.
        unsafe { s.regs.set(s.pc.op().a.into(), value) };
        s.pc = s.pc.skip(1);
        s
    }

    handler! { two |s, m| {
        let s = lead(s, s.regs.get(s.pc.op().b.into()));
        set(s, m, s.regs.get(s.pc.op().b.into()))
    } }
    handler! { two_left |s, m| {
        let s = lead(s, s.acc);
        set(s, m, s.regs.get(s.pc.op().b.into()))
    } }
}

handler! { select1 |s, m| {
    let mut s = s;
    let op = s.pc.op();
    let slot = if s.regs.get(op.c().into()) != 0 { op.b } else { s.pc.skip(1).op().b };
    let value = s.regs.get(slot.into());
    s.regs.set(op.a.into(), value);
    hold(&mut s, value);
    s.pc = s.pc.skip(2);
    go(s, m)
} }

pub(super) mod call1 {
    use super::*;

    #[inline(always)]
    unsafe fn call(mut s: State, m: &mut Machine<'_>, arg: u64) {
        // SAFETY: handed on by the caller, a handler at a `Call1`, behind whose code `make` has put its callee. The callee's
        // frame, whose linkage has room above the caller's slots, is compared with the stack's end first (fact 2 of `regs`),
        // and has a first slot, its parameter.
        unsafe {
            let (up, behind) = (s.pc.op().a, s.pc.callee());
            if m.depth >= m.max_depth || !s.regs.fits(behind.reach, m.stack) {
                return leave_at(s, m);
            }
            if !pay(&mut s, behind.cost.into()) {
                return owing(s, m, behind.cost.into());
            }
            m.depth += 1;
            let callee = s.regs.up(up.into());
            callee.set(0, arg);
            callee.set_link_bits(behind.link, up.into());
            s.regs = callee;
            hold(&mut s, arg);
            s.pc = s.pc.offset(s.pc.op().wide);
            go(s, m)
        }
    }

    handler! { plain |s, m| call(s, m, s.regs.get(s.pc.op().b.into())) }
    handler! { left |s, m| call(s, m, s.acc) }
}

handler! { call |s, m| {
    let mut s = s;
    let word = s.pc.ip(m).word();
    let Some(&entry) = m.code.funcs.get(word.a as usize) else { return leave_at(s, m) };
    let callee = s.regs.up(word.b);
    let before = s;
    if m.depth >= m.max_depth
        || !callee.fits(entry.frame, m.stack)
        || !enter(&mut s, Pc::at(m, entry.word))
    {
        return leave_at(before, m);
    }
    // The frame fits: fact 2 of `regs`.
    enter_frame(before.pc, before.regs, m);
    s.regs = callee;
    // The first argument, if there is one; the slot is there in any case, for the linkage has one above it or ends the
    // caller's frame.
    let first = if entry.frame > 0 { callee.get(0) } else { 0 };
    hold(&mut s, first);
    go(s, m)
} }

/// Copies the arguments of a call into its callee's frame, which fits, and notes the linkage.
#[inline(never)]
unsafe fn enter_frame(pc: Pc, regs: Regs, m: &mut Machine<'_>) {
    let ip = pc.ip(m);
    // SAFETY: the caller is a handler at this word (fact 3 of `regs`).
    let word = unsafe { ip.word() };
    // The frame fits, which is all that could fail.
    let _ = m.enter_frame(regs, (word.a, word.b), word.c, 0, ip.next().index(m.words));
}

handler! { tail_call |s, m| {
    let mut s = s;
    let word = s.pc.ip(m).word();
    let Some(&entry) = m.code.funcs.get(word.a as usize) else { return leave_at(s, m) };
    let before = s;
    if !s.regs.fits(entry.frame, m.stack) || !enter(&mut s, Pc::at(m, entry.word)) {
        return leave_at(before, m);
    }
    // The frame fits: fact 2 of `regs`. The list at `c` has `b` slots of the frame (fact 1).
    m.replace_slots(s.regs, 0, (word.c, word.b));
    let first = if entry.frame > 0 { s.regs.get(0) } else { 0 };
    hold(&mut s, first);
    go(s, m)
} }

pub(super) mod return1 {
    use super::*;

    #[inline(always)]
    unsafe fn ret(mut s: State, m: &mut Machine<'_>, value: u64) {
        // SAFETY: handed on by the caller; the frame was entered, so its linkage is there. It names a `Fuel` word or, in the
        // entry frame, the first word of all; a slot of the caller for the result; and how far down the caller's frame is.
        unsafe {
            let (to, up) = s.regs.link_bits();
            // The entry function "returns" to the first code of all, which costs more than there ever is.
            let target = Pc::at(m, to as u32);
            let cost = u64::from(target.op().wide);
            if !pay(&mut s, cost) {
                return leave_return(s.pc, s.regs, m, Spare::uninit(), s.fuel, value, s.facc);
            }
            s.regs = s.regs.down(up as usize);
            s.regs.set((to >> 32) as u32, value);
            m.depth -= 1;
            hold(&mut s, value);
            s.pc = target.skip(1);
            go(s, m)
        }
    }

    handler! { plain |s, m| ret(s, m, s.regs.get(s.pc.op().a.into())) }
    handler! { left |s, m| ret(s, m, s.acc) }
}

handler! { branch_table |s, m| {
    let mut s = s;
    let word = s.pc.ip(m).word();
    let Some(target) = m.table_entry(word, s.regs.get(word.a)) else { return leave_at(s, m) };
    let before = s;
    if enter(&mut s, Pc::at(m, target)) { go(s, m) } else { leave_at(before, m) }
} }

/// Goes on behind a call of an import, with the fuel that is left.
#[inline(always)]
unsafe fn behind_host_call(mut s: State, m: &mut Machine<'_>, left: u64) {
    // SAFETY: handed on by the caller, a handler at a host call, with which a segment ends: behind it begins another one.
    unsafe {
        if left == NOT_PAID {
            s.fuel = 0;
            return leave_at(s, m);
        }
        s.fuel = left;
        s.pc = s.pc.skip(1);
        // Nothing behind it takes anything from there, and so it need not be kept over the call.
        hold(&mut s, 0);
        go(s, m)
    }
}

/// The call of an import. It gives the fuel left, or [`NOT_PAID`] where the call has failed or is pending: it must not be
/// done again by the loop.
fn ended(m: &mut Machine<'_>, done: Result<u64, Exit>, fuel: u64) -> u64 {
    match done {
        Ok(left) => left,
        Err(exit) => {
            stop(m, exit, fuel);
            NOT_PAID
        }
    }
}

#[inline(never)]
unsafe fn call_host(pc: Pc, regs: Regs, m: &mut Machine<'_>, fuel: u64) -> u64 {
    // SAFETY: the caller is a handler at this word (fact 3 of `regs`).
    let word = unsafe { pc.ip(m).word() };
    let done = m.host_call(regs, word, fuel);
    ended(m, done, fuel)
}

#[inline(never)]
unsafe fn call_host_one(pc: Pc, regs: Regs, m: &mut Machine<'_>, fuel: u64) -> u64 {
    // SAFETY: the caller is a handler at this code (fact 3 of `regs`).
    let op = unsafe { pc.op() };
    let done = m.host_call_one(regs, (op.a.into(), op.b.into(), op.wide), fuel);
    ended(m, done, fuel)
}

handler! { host_call |s, m| {
    let left = call_host(s.pc, s.regs, m, s.fuel);
    behind_host_call(s, m, left)
} }

handler! { host_call1 |s, m| {
    let left = call_host_one(s.pc, s.regs, m, s.fuel);
    behind_host_call(s, m, left)
} }

/// Does a session instruction. The machine then says where to go on, unless this is `false`: it did not come to its end,
/// and the loop must not do it again.
#[inline(never)]
unsafe fn step_session(pc: Pc, regs: Regs, m: &mut Machine<'_>, fuel: u64) -> bool {
    let ip = pc.ip(m);
    // SAFETY: the caller is a handler at this word (fact 3 of `regs`).
    match m.session_inline(regs, ip, unsafe { ip.word() }, fuel) {
        Ok(Onward { ip, regs, fuel }) => {
            m.left = Left { ip, regs, fuel };
            true
        }
        Err(exit) => {
            stop(m, exit, fuel);
            false
        }
    }
}

handler! { session |s, m| {
    let mut s = s;
    let turns = m.turns;
    if !step_session(s.pc, s.regs, m, s.fuel) {
        s.fuel = 0;
        return leave_at(s, m);
    }
    // Each slice has fuel of its own: now and then the loop must be come back to all the same.
    if m.turns != turns && m.turns.is_multiple_of(TURNS) {
        return;
    }
    // A word and a frame of the coroutine whose turn it is, which has left them as the facts of `regs` say.
    let left = m.left;
    (s.pc, s.regs, s.fuel) = (Pc::of(left.ip, m), left.regs, left.fuel);
    go(s, m)
} }

/// Executes an intrinsic; `false` if it has trapped, and so has changed nothing.
#[inline(never)]
unsafe fn execute_intrinsic(pc: Pc, regs: Regs, m: &mut Machine<'_>) -> bool {
    // SAFETY: the caller is a handler at this word (fact 3 of `regs`).
    let word = unsafe { pc.ip(m).word() };
    m.intrinsic(regs, word).is_ok()
}

handler! { intrinsic |s, m| {
    let mut s = s;
    // Fuel by size is the loop's to pay, and a trap its to report.
    if s.pc.ip(m).word().x != 0 || !execute_intrinsic(s.pc, s.regs, m) {
        return leave_at(s, m);
    }
    s.pc = s.pc.skip(1);
    go(s, m)
} }
