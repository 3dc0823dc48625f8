//! Threaded code: a fast path in front of the dispatch loop for the words that make up most of a run.
//!
//! One function a word operation and mode of its operands, its handler, whose address stands in the word's code and
//! which ends in a call of the next code's handler. The compiler makes such a call a jump, so every operation has an
//! indirect jump of its own, which processors predict far better than the one jump of a loop. What a run consists of
//! stays in registers: place, frame, machine, fuel, and the last result in one of two accumulators, from which the
//! next operation takes it if `make` says so. Results are stored in their slots all the same, so the accumulators are
//! never all there is of a value, and a run may be left or begun at any word.
//!
//! Whatever is rare or large is left to the loop, with nothing of the word done: traps, fuel that does not reach,
//! and most of the heap. The loop does that word and comes back. Results therefore cannot depend on whether this path
//! is used; it is chosen by the build script. Should a compiler not make a call a jump, a run still cannot exhaust the
//! native stack: it comes back to the loop when a fuel quantum is spent, and long segments hold `Pause` words. For the
//! compiler to make it one, a handler must have no local variable in memory: what needs that is a function of its
//! own that is not inlined and gives back a number.

mod code;
mod form;
mod handlers;
mod make;
mod pairs;
mod special;

pub(super) use code::Code;
pub(super) use make::make;

use super::dispatch::Position;
use super::machine::{Exit, Machine};
use super::regs::{Ip, Regs};
use super::word::WordOp;
use code::Pc;
use core::mem::MaybeUninit;

/// An argument that says nothing, for a register that shifts by a number in a slot need on x86-64: were it one that holds
/// something, each would have to move that away and back.
type Spare = MaybeUninit<u64>;

macro_rules! define_handler_type {
    ($abi:literal) => {
        /// Does one word and those behind it, until one is left to the loop.
        ///
        /// # Safety
        /// The three facts of `regs` must hold for the state handed over, and what `make` says of the accumulators: what
        /// the code at hand takes from one is what its slot holds. The code at hand must be one that has this handler,
        /// so that its fields, and what stands behind it, are what the handler expects (`make`). `leave` and its like
        /// take any code.
        type Handler = unsafe extern $abi fn(Pc, Regs, &mut Machine<'_>, Spare, u64, u64, f64);

        /// Defines a handler.
        macro_rules! handler {
            ($name:ident |$s:ident, $m:ident| $body:expr) => {
                #[allow(improper_ctypes_definitions)]
                pub(in crate::interp::threaded) unsafe extern $abi fn $name(
                    pc: crate::interp::threaded::Pc,
                    regs: crate::interp::threaded::Regs,
                    $m: &mut crate::interp::threaded::Machine<'_>,
                    _: crate::interp::threaded::Spare,
                    fuel: u64,
                    acc: u64,
                    facc: f64,
                ) {
                    let $s = crate::interp::threaded::State { pc, regs, fuel, acc, facc };
                    // SAFETY: what the body needs is what a handler's caller vouches for: see `Handler`. Slots of the code
                    // are slots of the frame (fact 1 of `regs`), and what it goes on with is the next word, or a
                    // resolved target (fact 3). Where a body enters a frame it says why that lies in the stack (fact 2).
                    unsafe { $body }
                }
            };
        }
    };
}

// Six integers and a float in registers, on all systems.
#[cfg(target_arch = "x86_64")]
define_handler_type!("sysv64-unwind");
#[cfg(not(target_arch = "x86_64"))]
define_handler_type!("C-unwind");

use handler;

/// What handlers hand from one to the next, beside the machine.
#[derive(Clone, Copy)]
struct State {
    pc: Pc,
    regs: Regs,
    fuel: u64,
    /// The last result, if it is one slot and not a float.
    acc: u64,
    /// The last result, if it is a float.
    facc: f64,
}

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
    let pc = Pc::of(ip, m);
    // SAFETY: `ip` is a word of the program (fact 3 of `regs`), and so `pc` its code. No run is at the first word of the
    // array, which is a `Halt`, so there is a code before.
    let slot = unsafe { if ip.op() == WordOp::Fuel { pc.op().a } else { pc.slot_before() } };
    // Whichever of them the word at hand takes its operand from, it is that of this slot. Read with care: where the word
    // takes none from there the number means nothing.
    let acc = m.stack.get(regs.base(m.stack) + usize::from(slot)).unwrap_or(0);
    // SAFETY: the facts of `regs` are handed on by the caller. The accumulators hold what `make` has reckoned with: it
    // lets a word take only the result of the word before it, or of a segment's start what the code there names.
    unsafe { go(State { pc, regs, fuel, acc, facc: f64::from_bits(acc) }, m) };
    m.left
}

/// Runs from a position until the run ends, or a word is left to the loop, at which the position then is.
#[inline]
pub(super) fn run_at(m: &mut Machine<'_>, position: &mut Position) -> Option<Exit> {
    if finishes(m, position) {
        position.fuel = m.left.fuel;
        return Some(Exit::Finished);
    }
    ended(m, position)
}

/// Runs from a position. Whether the run has finished; else [`ended`] says why it does not go on here, and where that
/// is.
#[inline(always)]
pub(super) fn finishes(m: &mut Machine<'_>, position: &Position) -> bool {
    let (ip, regs) = (Ip::new(m.words, position.word), Regs::new(m.stack, position.base));
    // SAFETY: the facts of `regs` hold for a position as for the loop itself.
    unsafe { run(ip, regs, m, position.fuel) };
    let finished = m.left_with == Some(Exit::Finished);
    if finished {
        m.left_with = None;
    }
    finished
}

/// Where threaded code was left, and how if the loop must not go on there.
pub(super) fn ended(m: &mut Machine<'_>, position: &mut Position) -> Option<Exit> {
    let left = m.left;
    (position.word, position.base, position.fuel) =
        (left.ip.index(m.words), left.regs.base(m.stack), left.fuel);
    m.left_with.take()
}

/// Goes on with the code at hand: a jump, where the compiler sees to it.
#[inline(always)]
unsafe fn go(s: State, m: &mut Machine<'_>) {
    // SAFETY: what a handler needs is handed on by the caller, and this is the handler of the code at hand.
    unsafe { (s.pc.op().handler)(s.pc, s.regs, m, Spare::uninit(), s.fuel, s.acc, s.facc) }
}

/// Goes on at the start of a segment, whose fuel is charged: `distance` bytes on. Leaves before the word at hand, where
/// fuel does not reach.
#[inline(always)]
unsafe fn edge(mut s: State, m: &mut Machine<'_>, cost: u16, distance: u32) {
    // SAFETY: handed on by the caller, whose distance leads to the start of a segment of the function (fact 3 of `regs`).
    unsafe {
        if pay(&mut s, cost.into()) {
            s.pc = s.pc.offset(distance);
            go(s, m)
        } else {
            leave_owing(s, m, cost.into())
        }
    }
}

/// Takes the fuel of a segment; `false` where it does not reach, and [`leave_owing`] must follow.
#[inline(always)]
fn pay(s: &mut State, cost: u64) -> bool {
    s.fuel = s.fuel.wrapping_sub(cost);
    // Code has less than 2^63 at a time, so a borrow shows as the sign.
    s.fuel as i64 >= 0
}

/// Leaves the word at hand to the loop, with what was paid for given back. A handler of its own: were the fuel put right
/// before, each branch would keep a copy of it for that.
#[inline(always)]
unsafe fn leave_owing(s: State, m: &mut Machine<'_>, cost: u64) {
    // SAFETY: it touches neither frame nor accumulators, and takes any code of the array.
    unsafe { handlers::leave_owing(s.pc, s.regs, m, Spare::uninit(), s.fuel, cost, s.facc) }
}

/// Leaves the word at hand to the loop.
#[inline(always)]
unsafe fn leave_at(s: State, m: &mut Machine<'_>) {
    // SAFETY: it touches neither frame nor accumulators, and takes any code of the array.
    unsafe { handlers::leave(s.pc, s.regs, m, Spare::uninit(), s.fuel, s.acc, s.facc) }
}

/// Notes how the run ends or stops at a word that the loop must not do again, with the fuel that is left.
#[cold]
#[inline(never)]
fn stop(m: &mut Machine<'_>, exit: Exit, fuel: u64) {
    m.reserve = m.reserve.saturating_add(fuel);
    m.left_with = Some(exit);
}
