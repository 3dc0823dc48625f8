//! The handlers: those of direct instructions, made from the tables, and those of what control flow consists of.

use super::code::Pc;
use super::form::{self, Acc, Far, Forms, Kinds, Layout, OtherNext, Set, Slot, TakenNext};
use super::{Left, State, edge, go, handler, leave_at, leave_owing as owing, pay, stop};
use crate::interp::machine::{Exit, Machine, NOT_PAID};
use crate::interp::regs::Regs;
use crate::interp::session::Onward;
use crate::interp::word::WordOp;
use crate::sem;
use opforge_tables::with_direct_ops;

/// Slices after which threaded code comes back to the loop.
const TURNS: u32 = 64;

macro_rules! define_leave {
    ($abi:literal) => {
        /// Leaves the word at hand to the loop.
        #[cold]
        #[inline(never)]
        #[allow(improper_ctypes_definitions)]
        pub(super) unsafe extern $abi fn leave(
            pc: Pc,
            regs: Regs,
            m: &mut Machine<'_>,
            fuel: u64,
            _: u64,
            _: f64,
        ) {
            m.left = Left { ip: pc.ip(m), regs, fuel };
        }

        /// The same with `cost` given back.
        #[cold]
        #[inline(never)]
        #[allow(improper_ctypes_definitions)]
        pub(super) unsafe extern $abi fn leave_owing(
            pc: Pc,
            regs: Regs,
            m: &mut Machine<'_>,
            fuel: u64,
            cost: u64,
            _: f64,
        ) {
            m.left = Left { ip: pc.ip(m), regs, fuel: fuel.wrapping_add(cost) };
        }

        /// Ends the run with this value, at the return of its entry function; or leaves a return to the loop, where fuel
        /// does not reach what it returns to. Gives back what was paid for.
        #[inline(never)]
        #[allow(improper_ctypes_definitions)]
        unsafe extern $abi fn leave_return(
            pc: Pc,
            regs: Regs,
            m: &mut Machine<'_>,
            fuel: u64,
            value: u64,
            _: f64,
        ) {
            // SAFETY: it is called at a return: the linkage is there, and names a word whose code is an `Op`.
            let (cost, to) = unsafe {
                let to = regs.link_bits().0 as u32;
                (u64::from(Pc::at(m, to).op().wide), to)
            };
            m.left = Left { ip: pc.ip(m), regs, fuel: fuel.wrapping_add(cost) };
            if to == 0 {
                m.finish_one(value);
                m.left_with = Some(Exit::Finished);
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
define_leave!("sysv64-unwind");
#[cfg(not(target_arch = "x86_64"))]
define_leave!("C-unwind");

/// The handlers of a direct instruction's form.
macro_rules! direct {
    (unary, $f:path) => {
        handler!(plain | s, m | form::unary::<Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::unary::<Acc, _, _>(s, m, $f));
    };
    (unary_imm, $f:path) => {
        handler!(plain | s, m | form::unary_imm::<Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::unary_imm::<Acc, _, _>(s, m, $f));
    };
    (binary, $f:path) => {
        handler!(plain | s, m | form::binary::<Slot, Slot, _, _, _>(s, m, $f));
        handler!(left | s, m | form::binary::<Acc, Slot, _, _, _>(s, m, $f));
        handler!(right | s, m | form::binary::<Slot, Acc, _, _, _>(s, m, $f));
    };
    (ternary, $f:path) => {
        handler!(plain | s, m | form::ternary(s, m, $f));
    };
    // Heap forms call large functions that return by memory, which would cost the jump.
    ($heap:ident, $f:path) => {};
}

/// What `make` knows of a direct instruction's form.
macro_rules! direct_forms {
    (unary, $op:ident, $f:path) => {
        Forms::new(Layout::Slots, Set::with_left($op::plain, $op::left), Kinds::unary(&$f))
    };
    (unary_imm, $op:ident, $f:path) => {
        Forms::new(Layout::Imm, Set::with_left($op::plain, $op::left), Kinds::unary_imm(&$f))
    };
    (binary, $op:ident, $f:path) => {
        Forms::new(Layout::Slots, Set::with_both($op::plain, $op::left, $op::right), Kinds::binary(&$f))
    };
    (ternary, $op:ident, $f:path) => {
        Forms::new(Layout::FourSlots, Set::plain($op::plain), Kinds::ternary(&$f))
    };
    ($heap:ident, $op:ident, $f:path) => {
        Forms::left_to_loop()
    };
}

/// The handlers of a branch, a module for each of [`form::Ways`].
macro_rules! branch_handlers {
    ($kind:ident, $f:expr) => {
        pub(in crate::interp::threaded) mod far {
            use super::*;
            branch_handlers!($kind, Far, $f);
        }
        pub(in crate::interp::threaded) mod taken_next {
            use super::*;
            branch_handlers!($kind, TakenNext, $f);
        }
        pub(in crate::interp::threaded) mod other_next {
            use super::*;
            branch_handlers!($kind, OtherNext, $f);
        }
    };
    (slots, $ways:ident, $f:expr) => {
        handler!(plain | s, m | form::test::<$ways, Slot, Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::test::<$ways, Acc, Slot, _, _>(s, m, $f));
        handler!(right | s, m | form::test::<$ways, Slot, Acc, _, _>(s, m, $f));
        handler!(step | s, m | form::step_test::<$ways, _, _>(s, m, $f));
    };
    (floats, $ways:ident, $f:expr) => {
        handler!(plain | s, m | form::test::<$ways, Slot, Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::test::<$ways, Acc, Slot, _, _>(s, m, $f));
        handler!(right | s, m | form::test::<$ways, Slot, Acc, _, _>(s, m, $f));
        // A float has no step.
        pub(in crate::interp::threaded) use super::super::super::leave as step;
    };
    (imm, $ways:ident, $f:expr) => {
        handler!(plain | s, m | form::test_imm::<$ways, Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::test_imm::<$ways, Acc, _, _>(s, m, $f));
        pub(in crate::interp::threaded) use plain as right;
        handler!(step | s, m | form::step_test_imm::<$ways, _, _>(s, m, $f));
    };
}

/// The sets of a branch's handlers.
macro_rules! branch_sets {
    ($op:ident) => {
        [
            Set::with_both($op::far::plain, $op::far::left, $op::far::right).and($op::far::step),
            Set::with_both($op::taken_next::plain, $op::taken_next::left, $op::taken_next::right)
                .and($op::taken_next::step),
            Set::with_both($op::other_next::plain, $op::other_next::left, $op::other_next::right)
                .and($op::other_next::step),
        ]
    };
}

macro_rules! define_handlers {
    (
        { $($special:ident $forms:expr;)* }
        direct { $(($op:ident $form:ident $family:ident $sem:ident))* }
        imm { $(($iop:ident $imm:ident $ifamily:ident $isem:ident))* }
        branch { $(($bop:ident $br:ident $bri:ident $bfamily:ident $bsem:ident))* }
        branch_f { $(($fop:ident $fbr:ident $ffamily:ident $fsem:ident))* }
        load { $(($lop:ident $lfamily:ident $lsem:ident))* }
        store { $(($sop:ident $sfamily:ident $ssem:ident))* }
        memory { $($memory:tt)* }
    ) => {
        /// A module for each operation, under its name, with a handler for each mode of its operands.
        #[allow(non_snake_case, unused_imports)]
        mod direct {
            use super::*;

            $(pub(super) mod $op {
                use super::*;
                direct!($form, sem::$family::$sem);
            })*
            $(pub(super) mod $imm {
                use super::*;
                handler!(plain |s, m| form::binary_imm::<Slot, _, _, _>(s, m, sem::$ifamily::$isem));
                handler!(left |s, m| form::binary_imm::<Acc, _, _, _>(s, m, sem::$ifamily::$isem));
            })*
            $(
                pub(super) mod $br {
                    use super::*;
                    branch_handlers!(slots, sem::$bfamily::$bsem);
                }

                pub(super) mod $bri {
                    use super::*;
                    branch_handlers!(imm, sem::$bfamily::$bsem);
                }
            )*
            $(pub(super) mod $fbr {
                use super::*;
                branch_handlers!(floats, sem::$ffamily::$fsem);
            })*
            $(pub(super) mod $lop {
                use super::*;
                handler!(plain |s, m| form::load::<Slot, _, _>(s, m, sem::$lfamily::$lsem));
                handler!(left |s, m| form::load::<Acc, _, _>(s, m, sem::$lfamily::$lsem));
                handler!(far |s, m| form::load_far(s, m, sem::$lfamily::$lsem));
            })*
            $(pub(super) mod $sop {
                use super::*;
                handler!(plain |s, m| form::store::<Slot, Slot, _, _>(s, m, sem::$sfamily::$ssem));
                handler!(left |s, m| form::store::<Acc, Slot, _, _>(s, m, sem::$sfamily::$ssem));
                handler!(right |s, m| form::store::<Slot, Acc, _, _>(s, m, sem::$sfamily::$ssem));
                handler!(far |s, m| form::store_far(s, m, sem::$sfamily::$ssem));
            })*
        }

        /// By operation.
        pub(super) static FORMS: [Forms; WordOp::COUNT] = {
            use direct::*;
            let mut table = [Forms::left_to_loop(); WordOp::COUNT];
            $(table[WordOp::$special as usize] = $forms;)*
            $(table[WordOp::$op as usize] = direct_forms!($form, $op, sem::$family::$sem);)*
            $(
                table[WordOp::$imm as usize] = Forms::new(
                    Layout::Imm,
                    Set::with_left($imm::plain, $imm::left),
                    Kinds::binary(&sem::$ifamily::$isem),
                );
            )*
            $(
                let kinds = Kinds::test(&sem::$bfamily::$bsem);
                table[WordOp::$br as usize] = Forms::branch(Layout::Branch, branch_sets!($br), kinds);
                table[WordOp::$bri as usize] = Forms::branch(Layout::BranchImm, branch_sets!($bri), kinds);
            )*
            $(
                let kinds = Kinds::test(&sem::$ffamily::$fsem);
                table[WordOp::$fbr as usize] = Forms::branch(Layout::Branch, branch_sets!($fbr), kinds);
            )*
            $(
                table[WordOp::$lop as usize] = Forms::new(
                    Layout::Load,
                    Set::with_left($lop::plain, $lop::left).and($lop::far),
                    Kinds::load(&sem::$lfamily::$lsem),
                );
            )*
            $(
                table[WordOp::$sop as usize] = Forms::new(
                    Layout::Store,
                    Set::with_both($sop::plain, $sop::left, $sop::right).and($sop::far),
                    Kinds::store(&sem::$sfamily::$ssem),
                );
            )*
            table
        };
    };
}

with_direct_ops!(define_handlers {
    Fuel Forms::new(Layout::Fuel, Set::plain(fuel), Kinds::NONE);
    Jump Forms::new(Layout::Jump, Set::with_left(jump::far, jump::next), Kinds::NONE);
    BrIf Forms::branch(Layout::BranchImm, branch_sets!(br_if), Kinds::LEFT);
    BrMaskZero Forms::branch(Layout::BranchImm, branch_sets!(br_mask_zero), Kinds::LEFT);
    BranchTable Forms::of_word(branch_table);
    Const Forms::new(
        Layout::Const,
        Set::with_both(constant::plain, constant::small, constant::upper),
        Kinds::RESULT,
    );
    Move1 Forms::new(Layout::Slots, Set::with_left(move1::plain, move1::left), Kinds::MOVE);
    Select1 Forms::new(Layout::FourSlots, Set::plain(select1), Kinds::RESULT);
    Call Forms::of_word(call);
    Call1 Forms::new(Layout::Call1, Set::with_left(call1::plain, call1::left), Kinds::LEFT);
    TailCall Forms::of_word(tail_call);
    Return1 Forms::new(Layout::Return1, Set::with_left(return1::plain, return1::left), Kinds::LEFT);
    HostCall Forms::of_word(host_call);
    HostCall1 Forms::of_word(host_call1);
    Session Forms::of_word(session);
    Intrinsic Forms::of_word(intrinsic);
});

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

handler!(
    fuel | s,
    m | {
        let mut s = s;
        let here = s.pc;
        if enter(&mut s, here) { go(s, m) } else { leave_at(s, m) }
    }
);

mod jump {
    use super::*;

    handler!(
        far | s,
        m | {
            let op = s.pc.op();
            edge(s, m, op.a, op.wide)
        }
    );
    // To the segment behind it: the jump and a `Fuel` word.
    handler!(next | s, m | edge(s, m, s.pc.op().a, form::NEXT_TO_JUMP));
}

mod br_if {
    use super::*;

    branch_handlers!(imm, |left: u64, _: u64| left != 0);
}

mod br_mask_zero {
    use super::*;

    branch_handlers!(imm, |left: u64, mask: u64| left & mask == 0);
}

mod constant {
    use super::*;

    #[inline(always)]
    unsafe fn set(mut s: State, m: &mut Machine<'_>, value: u64) {
        // SAFETY: handed on by the caller.
        unsafe {
            s.regs.set(s.pc.op().a.into(), value);
            hold(&mut s, value);
            s.pc = s.pc.skip(1);
            go(s, m)
        }
    }

    // With sign.
    handler!(small | s, m | set(s, m, i64::from(s.pc.op().wide as i32) as u64));
    // The upper half of a number whose lower one is 0, as of most floats.
    handler!(upper | s, m | set(s, m, u64::from(s.pc.op().wide) << 32));
    handler!(
        plain | s,
        m | {
            let word = s.pc.ip(m).word();
            set(s, m, u64::from(word.b) | u64::from(word.c) << 32)
        }
    );
}

mod move1 {
    use super::*;

    #[inline(always)]
    unsafe fn set(mut s: State, m: &mut Machine<'_>, value: u64) {
        // SAFETY: handed on by the caller.
        unsafe {
            s.regs.set(s.pc.op().a.into(), value);
            hold(&mut s, value);
            s.pc = s.pc.skip(1);
            go(s, m)
        }
    }

    handler!(plain | s, m | set(s, m, s.regs.get(s.pc.op().b.into())));
    handler!(left | s, m | set(s, m, s.acc));
}

handler!(
    select1 | s,
    m | {
        let mut s = s;
        let op = s.pc.op();
        let slot = if s.regs.get(op.c().into()) != 0 { op.b } else { s.pc.skip(1).op().b };
        let value = s.regs.get(slot.into());
        s.regs.set(op.a.into(), value);
        hold(&mut s, value);
        s.pc = s.pc.skip(2);
        go(s, m)
    }
);

mod call1 {
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

    handler!(plain | s, m | call(s, m, s.regs.get(s.pc.op().b.into())));
    handler!(left | s, m | call(s, m, s.acc));
}

handler!(
    call | s,
    m | {
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
    }
);

/// Copies the arguments of a call into its callee's frame, which fits, and notes the linkage.
#[inline(never)]
unsafe fn enter_frame(pc: Pc, regs: Regs, m: &mut Machine<'_>) {
    let ip = pc.ip(m);
    // SAFETY: the caller is a handler at this word (fact 3 of `regs`).
    let word = unsafe { ip.word() };
    // The frame fits, which is all that could fail.
    let _ = m.enter_frame(regs, (word.a, word.b), word.c, 0, ip.next().index(m.words));
}

handler!(
    tail_call | s,
    m | {
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
    }
);

mod return1 {
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
                return leave_return(s.pc, s.regs, m, s.fuel, value, s.facc);
            }
            s.regs = s.regs.down(up as usize);
            s.regs.set((to >> 32) as u32, value);
            m.depth -= 1;
            hold(&mut s, value);
            s.pc = target.skip(1);
            go(s, m)
        }
    }

    handler!(plain | s, m | ret(s, m, s.regs.get(s.pc.op().a.into())));
    handler!(left | s, m | ret(s, m, s.acc));
}

handler!(
    branch_table | s,
    m | {
        let mut s = s;
        let word = s.pc.ip(m).word();
        let Some(target) = m.table_entry(word, s.regs.get(word.a)) else { return leave_at(s, m) };
        let before = s;
        if enter(&mut s, Pc::at(m, target)) { go(s, m) } else { leave_at(before, m) }
    }
);

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
    // SAFETY: the caller is a handler at this word (fact 3 of `regs`).
    let word = unsafe { pc.ip(m).word() };
    let done = m.host_call_one(regs, word, fuel);
    ended(m, done, fuel)
}

handler!(
    host_call | s,
    m | {
        let left = call_host(s.pc, s.regs, m, s.fuel);
        behind_host_call(s, m, left)
    }
);

handler!(
    host_call1 | s,
    m | {
        let left = call_host_one(s.pc, s.regs, m, s.fuel);
        behind_host_call(s, m, left)
    }
);

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

handler!(
    session | s,
    m | {
        let mut s = s;
        let turns = m.turns;
        if !step_session(s.pc, s.regs, m, s.fuel) {
            s.fuel = 0;
            return leave_at(s, m);
        }
        // Each slice has fuel of its own: now and then the loop must be come back to all the same.
        if m.turns != turns && m.turns % TURNS == 0 {
            return;
        }
        // A word and a frame of the coroutine whose turn it is, which has left them as the facts of `regs` say.
        let left = m.left;
        (s.pc, s.regs, s.fuel) = (Pc::of(left.ip, m), left.regs, left.fuel);
        go(s, m)
    }
);

/// Executes an intrinsic; `false` if it has trapped, and so has changed nothing.
#[inline(never)]
unsafe fn execute_intrinsic(pc: Pc, regs: Regs, m: &mut Machine<'_>) -> bool {
    // SAFETY: the caller is a handler at this word (fact 3 of `regs`).
    let word = unsafe { pc.ip(m).word() };
    m.intrinsic(regs, word).is_ok()
}

handler!(
    intrinsic | s,
    m | {
        let mut s = s;
        // Fuel by size is the loop's to pay, and a trap its to report.
        if s.pc.ip(m).word().x != 0 || !execute_intrinsic(s.pc, s.regs, m) {
            return leave_at(s, m);
        }
        s.pc = s.pc.skip(1);
        go(s, m)
    }
);
