//! Threaded code: a fast path in front of the dispatch loop for the words that make up most of a run.
//!
//! One function a word operation, each of which ends in a call of the next word's function. The compiler makes
//! such a call a jump, so every operation has an indirect jump of its own, which processors predict far better
//! than the one jump of a loop, and instruction pointer, frame and fuel stay in registers.
//!
//! Whatever is rare or large is left to the loop, with nothing of the word done: traps, fuel that does not reach,
//! heap and host. The loop does that word and comes back. Results therefore cannot depend on whether this path is
//! used; it is chosen by the build script. Should a compiler not make a call a jump, a run still cannot exhaust the
//! native stack: it comes back to the loop when a fuel quantum is spent, and long segments hold `Pause` words.

use super::forms;
use super::machine::{Exit, Machine, NOT_PAID};
use super::regs::{Ip, Link, Regs};
use super::session::Onward;
use super::word::WordOp;
use crate::sem;
use opforge_tables::with_direct_ops;

/// Does one word and those behind it, until one is left to the loop.
///
/// # Safety
/// The three facts of `regs` must hold for the state handed over.
type Handler = unsafe fn(Ip, Regs, &mut Machine<'_>, u64, Table);

/// Slices after which threaded code comes back to the loop.
const TURNS: u32 = 64;

/// The handlers, handed from one to the next so that they stay in a register.
type Table = &'static Handlers;

/// See [`HANDLERS`].
struct Handlers([Handler; WordOp::COUNT]);

/// Where threaded code came back to the loop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) ip: Ip,
    pub(super) regs: Regs,
    pub(super) fuel: u64,
}

impl Left {
    /// Before it did.
    pub(super) const NOWHERE: Self = Self { ip: Ip::NOWHERE, regs: Regs::NOWHERE, fuel: 0 };
}

/// Runs words from `ip` until one is left to the loop, which must then do that one itself.
///
/// # Safety
/// The three facts of `regs` must hold.
#[inline(always)]
pub(super) unsafe fn run(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64) -> Left {
    // SAFETY: handed on by the caller.
    unsafe { HANDLERS.0[ip.op() as usize](ip, regs, m, fuel, &HANDLERS) };
    m.left
}

/// Goes on with the word at `ip`: a jump, where the compiler sees to it.
macro_rules! go {
    ($ip:expr, $regs:expr, $m:expr, $fuel:expr, $table:ident) => {{
        let ip: Ip = $ip;
        $table.0[ip.op() as usize](ip, $regs, $m, $fuel, $table)
    }};
}

/// Enters the segment at `target`; leaves before the word where fuel does not reach.
macro_rules! enter {
    ($ip:ident, $regs:expr, $m:ident, $fuel:ident, $table:ident, $target:expr, $leave:expr, $on:expr) => {{
        let target: Ip = $target;
        let left = $fuel.wrapping_sub(u64::from(target.word().a));
        if (left as i64) < 0 {
            return $leave;
        }
        $on;
        go!(target.next(), $regs, $m, left, $table)
    }};
}

/// Goes on as a word says whose edge it is: `$distance` on, for `$cost`; leaves before the word where fuel does not reach.
macro_rules! edge {
    ($ip:ident, $regs:expr, $m:ident, $fuel:ident, $table:ident, $cost:expr, $distance:expr, $leave:expr) => {{
        let left = $fuel.wrapping_sub(u64::from($cost));
        if (left as i64) < 0 {
            return $leave;
        }
        go!($ip.offset($distance), $regs, $m, left, $table)
    }};
}

/// Leaves the word at `ip` to the loop.
#[cold]
#[inline(never)]
unsafe fn leave(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, _: Table) {
    m.left = Left { ip, regs, fuel };
}

/// Notes how the run ends or stops at a word that the loop must not do again, with the fuel that is left.
#[cold]
fn stop(m: &mut Machine<'_>, exit: Exit, fuel: u64) {
    m.reserve = m.reserve.saturating_add(fuel);
    m.left_with = Some(exit);
}

/// Defines the call of an import. It gives the fuel left, or [`NOT_PAID`] where the call has failed or is pending: it must
/// not be done again by the loop.
macro_rules! host_call {
    ($name:ident) => {
        #[inline(never)]
        unsafe fn $name(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64) -> u64 {
            // SAFETY: handed on by the caller.
            match m.$name(regs, unsafe { ip.word() }, fuel) {
                Ok(left) => left,
                Err(exit) => {
                    stop(m, exit, fuel);
                    NOT_PAID
                }
            }
        }
    };
    ($name:ident, $ip:ident, $regs:ident, $m:ident, $fuel:ident, $table:ident) => {{
        let left = $name($ip, $regs, $m, $fuel);
        if left == NOT_PAID {
            return leave($ip, $regs, $m, 0, $table);
        }
        go!($ip.next(), $regs, $m, left, $table)
    }};
}

host_call!(host_call);
host_call!(host_call_one);

/// Does a session instruction. The machine then says where to go on, unless this is `false`: it did not come to its end,
/// and the loop must not do it again.
#[inline(never)]
unsafe fn session(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64) -> bool {
    // SAFETY: handed on by the caller.
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

/// Ends a direct operation: stores its result and goes on, or leaves the trap to the loop.
macro_rules! finish {
    ($done:expr, $behind:expr, $ip:ident, $regs:ident, $m:ident, $fuel:ident, $table:ident) => {
        match $done {
            Ok(bits) => {
                if let Some(bits) = bits {
                    $regs.set($ip.word().a, bits);
                }
                go!($behind, $regs, $m, $fuel, $table)
            }
            Err(_) => leave($ip, $regs, $m, $fuel, $table),
        }
    };
}

macro_rules! direct {
    (unary, $ip:ident, $regs:ident, $m:ident, $fuel:ident, $table:ident, $f:path) => {
        finish!(forms::unary($regs, $ip.word(), $f), $ip.next(), $ip, $regs, $m, $fuel, $table)
    };
    (unary_imm, $ip:ident, $regs:ident, $m:ident, $fuel:ident, $table:ident, $f:path) => {
        finish!(forms::unary_imm($regs, $ip.word(), $f), $ip.next(), $ip, $regs, $m, $fuel, $table)
    };
    (binary, $ip:ident, $regs:ident, $m:ident, $fuel:ident, $table:ident, $f:path) => {
        finish!(forms::binary($regs, $ip.word(), $f), $ip.next(), $ip, $regs, $m, $fuel, $table)
    };
    (ternary, $ip:ident, $regs:ident, $m:ident, $fuel:ident, $table:ident, $f:path) => {
        finish!(forms::ternary($regs, $ip.word(), $ip, $f), $ip.next().next(), $ip, $regs, $m, $fuel, $table)
    };
    // Heap forms call large functions that return by memory, which would cost the jump.
    ($heap:ident, $ip:ident, $regs:ident, $m:ident, $fuel:ident, $table:ident, $f:path) => {
        leave($ip, $regs, $m, $fuel, $table)
    };
}

/// Leaves the branch at `ip` to the loop, as it was before its step was added.
#[cold]
#[inline(never)]
unsafe fn leave_branch(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, _: Table) {
    // SAFETY: handed on by the caller: a branch, with its `Ext` word.
    unsafe {
        let (slot, step) = (ip.word().a, i64::from(ip.next().word().a as i32) as u64);
        if step != 0 {
            regs.set(slot, regs.get(slot).wrapping_sub(step));
        }
    }
    m.left = Left { ip, regs, fuel };
}

/// A branch: see [`WordOp::BrIf`]. `$left` are the bits of its slot, the step added; memory gets them, but the test does
/// not wait for that.
macro_rules! branch {
    ($ip:ident, $regs:ident, $m:ident, $fuel:ident, $table:ident, |$left:ident| $taken:expr) => {{
        // Fields are read where they are needed, not ahead of time: registers are few.
        let slot = $ip.word().a;
        let mut $left = $regs.get(slot);
        let step = i64::from($ip.next().word().a as i32) as u64;
        if step != 0 {
            $left = $left.wrapping_add(step);
            $regs.set(slot, $left);
        }
        if $taken {
            let word = $ip.word();
            edge!($ip, $regs, $m, $fuel, $table, word.x, word.c, leave_branch($ip, $regs, $m, $fuel, $table))
        } else {
            let ext = $ip.next().word();
            edge!($ip, $regs, $m, $fuel, $table, ext.x, ext.b, leave_branch($ip, $regs, $m, $fuel, $table))
        }
    }};
}

macro_rules! define_handlers {
    (
        { $($special:ident)* }
        direct { $(($op:ident $form:ident $family:ident $sem:ident))* }
        imm { $(($iop:ident $imm:ident $ifamily:ident $isem:ident))* }
        branch { $(($bop:ident $br:ident $bri:ident $bfamily:ident $bsem:ident))* }
        branch_f { $(($fop:ident $fbr:ident $ffamily:ident $fsem:ident))* }
        load { $(($lop:ident $lfamily:ident $lsem:ident))* }
        store { $(($sop:ident $sfamily:ident $ssem:ident))* }
        memory { $($memory:tt)* }
    ) => {
        /// One handler for each operation, under its name.
        ///
        /// SAFETY, for all unsafe blocks below: the caller guarantees the facts of `regs`. Slots of words are slots
        /// of the frame; behind each word that has one stands its `Ext` word; branches, calls and returns go to
        /// `Fuel` words; what else `ip` moves to is the next word of the segment.
        #[allow(non_snake_case, unused_variables)]
        mod handlers {
            use super::*;

            $(pub(super) unsafe fn $op(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe { direct!($form, ip, regs, m, fuel, table, sem::$family::$sem) }
            })*
            $(pub(super) unsafe fn $imm(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    finish!(forms::binary_imm(regs, ip.word(), sem::$ifamily::$isem), ip.next(), ip, regs, m, fuel, table)
                }
            })*
            $(
                pub(super) unsafe fn $br(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                    // SAFETY: see the module.
                    unsafe { branch!(ip, regs, m, fuel, table, |left| forms::test_left(left, regs, ip.word(), sem::$bfamily::$bsem)) }
                }

                pub(super) unsafe fn $bri(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                    // SAFETY: see the module.
                    unsafe { branch!(ip, regs, m, fuel, table, |left| forms::test_left_imm(left, ip.word(), sem::$bfamily::$bsem)) }
                }
            )*
            $(pub(super) unsafe fn $fbr(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe { branch!(ip, regs, m, fuel, table, |left| forms::test_left(left, regs, ip.word(), sem::$ffamily::$fsem)) }
            })*

            $(pub(super) unsafe fn $lop(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    let done = forms::load(regs, ip.word(), m.heap, sem::$lfamily::$lsem);
                    finish!(done, ip.next(), ip, regs, m, fuel, table)
                }
            })*
            $(pub(super) unsafe fn $sop(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    match forms::store(regs, ip.word(), m.heap, sem::$sfamily::$ssem) {
                        Ok(()) => go!(ip.next(), regs, m, fuel, table),
                        Err(_) => leave(ip, regs, m, fuel, table),
                    }
                }
            })*

            pub(super) unsafe fn BrIf(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe { branch!(ip, regs, m, fuel, table, |left| left != 0) }
            }

            pub(super) unsafe fn BrMaskZero(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    let mask = i64::from(ip.word().b as i32) as u64;
                    branch!(ip, regs, m, fuel, table, |left| left & mask == 0)
                }
            }

            pub(super) unsafe fn Jump(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    let word = ip.word();
                    edge!(ip, regs, m, fuel, table, word.x, word.c, leave(ip, regs, m, fuel, table))
                }
            }

            pub(super) unsafe fn BranchTable(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    let word = ip.word();
                    let Some(target) = m.table_entry(word, regs.get(word.a)) else {
                        return leave(ip, regs, m, fuel, table);
                    };
                    enter!(ip, regs, m, fuel, table, Ip::new(m.words, target), leave(ip, regs, m, fuel, table), ())
                }
            }

            pub(super) unsafe fn Const(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    let word = ip.word();
                    regs.set(word.a, u64::from(word.b) | u64::from(word.c) << 32);
                    go!(ip.next(), regs, m, fuel, table)
                }
            }

            pub(super) unsafe fn Move1(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    let word = ip.word();
                    regs.set(word.a, regs.get(word.b));
                    go!(ip.next(), regs, m, fuel, table)
                }
            }

            pub(super) unsafe fn F64MulThenAdd(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    forms::float_pair(regs, ip.word(), ip, sem::float::f64_mul, sem::float::f64_add);
                    go!(ip.next().next(), regs, m, fuel, table)
                }
            }

            pub(super) unsafe fn F64MulThenMul(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    forms::float_pair(regs, ip.word(), ip, sem::float::f64_mul, sem::float::f64_mul);
                    go!(ip.next().next(), regs, m, fuel, table)
                }
            }

            pub(super) unsafe fn F64SubThenAdd(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    forms::float_pair(regs, ip.word(), ip, sem::float::f64_sub, sem::float::f64_add);
                    go!(ip.next().next(), regs, m, fuel, table)
                }
            }

            pub(super) unsafe fn F64AddThenMul(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    forms::float_pair(regs, ip.word(), ip, sem::float::f64_add, sem::float::f64_mul);
                    go!(ip.next().next(), regs, m, fuel, table)
                }
            }

            pub(super) unsafe fn F64AddThenAdd(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    forms::float_pair(regs, ip.word(), ip, sem::float::f64_add, sem::float::f64_add);
                    go!(ip.next().next(), regs, m, fuel, table)
                }
            }

            pub(super) unsafe fn Call1(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module; the callee's frame is checked to fit.
                unsafe {
                    let (word, ext) = (ip.word(), ip.next().word());
                    let callee = regs.up(word.b);
                    let left = fuel.wrapping_sub(u64::from(ext.x));
                    if (left as i64) < 0 || m.depth >= m.max_depth || !callee.fits(word.x.into(), m.stack) {
                        return leave(ip, regs, m, fuel, table);
                    }
                    callee.set(0, regs.get(word.c));
                    callee.set_link(Link { ret_word: ext.b, ret_to: ext.c, up: word.b.into() });
                    m.depth += 1;
                    go!(ip.offset(ext.a), callee, m, left, table)
                }
            }

            pub(super) unsafe fn TailCall(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module; the callee's frame is checked to fit.
                unsafe {
                    let word = ip.word();
                    let Some(&entry) = m.code.funcs.get(word.a as usize) else {
                        return leave(ip, regs, m, fuel, table);
                    };
                    if !regs.fits(entry.frame, m.stack) {
                        return leave(ip, regs, m, fuel, table);
                    }
                    enter!(
                        ip, regs, m, fuel, table, Ip::new(m.words, entry.word), leave(ip, regs, m, fuel, table),
                        m.replace_slots(regs, 0, (word.c, word.b))
                    )
                }
            }

            pub(super) unsafe fn HostCall(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe { host_call!(host_call, ip, regs, m, fuel, table) }
            }

            pub(super) unsafe fn HostCall1(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe { host_call!(host_call_one, ip, regs, m, fuel, table) }
            }

            pub(super) unsafe fn Session(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    let turns = m.turns;
                    if !session(ip, regs, m, fuel) {
                        return leave(ip, regs, m, 0, table);
                    }
                    // Each slice has fuel of its own: now and then the loop must be come back to all the same.
                    if m.turns != turns && turns % TURNS == 0 {
                        return;
                    }
                    let left = m.left;
                    go!(left.ip, left.regs, m, left.fuel, table)
                }
            }

            pub(super) unsafe fn Fuel(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe { enter!(ip, regs, m, fuel, table, ip, leave(ip, regs, m, fuel, table), ()) }
            }

            pub(super) unsafe fn Intrinsic(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module.
                unsafe {
                    // Fuel by size is the loop's to pay, and a trap its to report: one that traps has changed nothing.
                    let word = ip.word();
                    if word.x != 0 || m.intrinsic(regs, word).is_err() {
                        return leave(ip, regs, m, fuel, table);
                    }
                    go!(ip.next(), regs, m, fuel, table)
                }
            }

            pub(super) unsafe fn Return1(ip: Ip, regs: Regs, m: &mut Machine<'_>, fuel: u64, table: Table) {
                // SAFETY: see the module; the frame was entered, so its linkage is there.
                unsafe {
                    let (value, link) = (regs.get(ip.word().a), regs.link());
                    if link.ret_word == 0 {
                        return leave(ip, regs, m, fuel, table);
                    }
                    let caller = regs.down(link.up as usize);
                    enter!(
                        ip, caller, m, fuel, table, Ip::new(m.words, link.ret_word), leave(ip, regs, m, fuel, table),
                        {
                            caller.set(link.ret_to, value);
                            m.depth -= 1;
                        }
                    )
                }
            }
        }

        /// The handlers by operation.
        static HANDLERS: Handlers = {
            let mut table: [Handler; WordOp::COUNT] = [leave; WordOp::COUNT];
            $(table[WordOp::$special as usize] = handlers::$special;)*
            $(table[WordOp::$op as usize] = handlers::$op;)*
            $(table[WordOp::$imm as usize] = handlers::$imm;)*
            $(
                table[WordOp::$br as usize] = handlers::$br;
                table[WordOp::$bri as usize] = handlers::$bri;
            )*
            $(table[WordOp::$fbr as usize] = handlers::$fbr;)*
            $(table[WordOp::$lop as usize] = handlers::$lop;)*
            $(table[WordOp::$sop as usize] = handlers::$sop;)*
            Handlers(table)
        };
    };
}

with_direct_ops!(define_handlers {
    BrIf BrMaskZero Jump BranchTable Const Move1 Call1 TailCall HostCall HostCall1 Session Fuel Intrinsic Return1
    F64MulThenAdd F64MulThenMul F64SubThenAdd F64AddThenMul F64AddThenAdd
});
