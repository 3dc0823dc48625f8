//! What handlers of direct instructions have in common: by form, with operands from slots or from an accumulator.

use super::code::Op;
use super::handlers::leave;
use super::{Handler, State, edge, go, leave_at, leave_owing, pay};
use crate::ids::MemId;
use crate::interp::machine::Machine;
use crate::interp::operand::{Immediate, Kind, Operand, SemResult};
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};

/// Where an operand is taken from.
pub(super) trait Source {
    /// Takes an operand that stands in a slot.
    ///
    /// # Safety
    /// The slots of the value must be slots of the frame. Of [`Acc`]: the accumulator of the value's kind must hold what
    /// is in the slot.
    unsafe fn take<T: Operand>(s: &State, slot: u16) -> T;
}

/// From its slot.
pub(super) struct Slot;

/// From the accumulator, which holds what the slot does.
pub(super) struct Acc;

impl Source for Slot {
    #[inline(always)]
    unsafe fn take<T: Operand>(s: &State, slot: u16) -> T {
        // SAFETY: handed on by the caller.
        unsafe { T::load(s.regs, slot.into()) }
    }
}

impl Source for Acc {
    #[inline(always)]
    unsafe fn take<T: Operand>(s: &State, slot: u16) -> T {
        // SAFETY: handed on by the caller.
        unsafe { T::forwarded((s.acc, s.facc), s.regs, slot.into()) }
    }
}

/// Stores a value, and has it in the accumulators for what comes next.
#[inline(always)]
pub(super) unsafe fn put<T: Operand>(s: &mut State, slot: u16, value: T) {
    // SAFETY: the caller vouches for the slots of the value.
    unsafe {
        if let Some(bits) = value.store(s.regs, slot.into()) {
            s.regs.set(slot.into(), bits);
        }
    }
    (s.acc, s.facc) = value.forward((s.acc, s.facc));
}

/// Ends a direct operation of so many words: stores its result and goes on, or leaves the trap to the loop.
#[inline(always)]
unsafe fn finish<R: SemResult>(mut s: State, m: &mut Machine<'_>, op: Op, result: R, words: usize) {
    // SAFETY: `a` is the destination, a slot of the frame, and `words` as many as the operation has; the rest is handed on by
    // the caller.
    unsafe {
        match result.into_result() {
            Ok(value) => {
                put(&mut s, op.a, value);
                s.pc = s.pc.skip(words);
                go(s, m)
            }
            Err(_) => leave_at(s, m),
        }
    }
}

/// Safety, of all functions below: as for handlers (`Handler`).
#[inline(always)]
pub(super) unsafe fn unary<L: Source, A: Operand, R: SemResult>(
    s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A) -> R,
) {
    // SAFETY: handed on by the caller.
    unsafe {
        let op = s.pc.op();
        finish(s, m, op, f(L::take(&s, op.b)), 1)
    }
}

#[inline(always)]
pub(super) unsafe fn unary_imm<L: Source, A: Operand, R: SemResult>(
    s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A, u32) -> R,
) {
    // SAFETY: handed on by the caller.
    unsafe {
        let op = s.pc.op();
        finish(s, m, op, f(L::take(&s, op.b), op.wide), 1)
    }
}

#[inline(always)]
pub(super) unsafe fn binary<L: Source, R: Source, A: Operand, B: Operand, T: SemResult>(
    s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A, B) -> T,
) {
    // SAFETY: handed on by the caller.
    unsafe {
        let op = s.pc.op();
        finish(s, m, op, f(L::take(&s, op.b), R::take(&s, op.c())), 1)
    }
}

#[inline(always)]
pub(super) unsafe fn binary_imm<L: Source, A: Operand, B: Immediate, T: SemResult>(
    s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A, B) -> T,
) {
    // SAFETY: handed on by the caller.
    unsafe {
        let op = s.pc.op();
        finish(s, m, op, f(L::take(&s, op.b), B::from_imm(op.wide)), 1)
    }
}

/// The first operation of a pair: what a handler of [`binary`] does, but for going on.
#[inline(always)]
pub(super) unsafe fn lead<L: Source, A: Operand, B: Operand, T: Operand>(
    mut s: State,
    f: impl FnOnce(A, B) -> T,
) -> State {
    // SAFETY: handed on by the caller.
    unsafe {
        let op = s.pc.op();
        let result = f(L::take(&s, op.b), Slot::take(&s, op.c()));
        put(&mut s, op.a, result);
    }
    s.pc = s.pc.skip(1);
    s
}

/// The same of [`binary_imm`].
#[inline(always)]
pub(super) unsafe fn lead_imm<L: Source, A: Operand, B: Immediate, T: Operand>(
    mut s: State,
    f: impl FnOnce(A, B) -> T,
) -> State {
    // SAFETY: handed on by the caller.
    unsafe {
        let op = s.pc.op();
        let result = f(L::take(&s, op.b), B::from_imm(op.wide));
        put(&mut s, op.a, result);
    }
    s.pc = s.pc.skip(1);
    s
}

#[inline(always)]
pub(super) unsafe fn ternary<A: Operand, B: Operand, C: Operand, R: SemResult>(
    s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A, B, C) -> R,
) {
    // SAFETY: handed on by the caller; behind a ternary word stands the code of its `Ext` word, which `make` gives the third
    // slot.
    unsafe {
        let op = s.pc.op();
        let third = s.pc.skip(1).op().b;
        let result = f(Slot::take(&s, op.b), Slot::take(&s, op.c()), Slot::take(&s, third));
        finish(s, m, op, result, 2)
    }
}

/// Which way of a branch leads to the segment behind it, if one does.
pub(super) trait Ways {
    /// Whether the way taken does.
    const TAKEN_IS_NEXT: bool;
    /// Whether the other way does.
    const OTHER_IS_NEXT: bool;
}

/// Neither.
pub(super) struct Far;
/// The way taken.
pub(super) struct TakenNext;
/// The other way.
pub(super) struct OtherNext;

impl Ways for Far {
    const TAKEN_IS_NEXT: bool = false;
    const OTHER_IS_NEXT: bool = false;
}

impl Ways for TakenNext {
    const TAKEN_IS_NEXT: bool = true;
    const OTHER_IS_NEXT: bool = false;
}

impl Ways for OtherNext {
    const TAKEN_IS_NEXT: bool = false;
    const OTHER_IS_NEXT: bool = true;
}

/// From a branch to the first word of the segment behind it: the branch, what stands behind it, and a `Fuel` word.
pub(super) const NEXT_SEGMENT: u32 = 3 * size_of::<super::Code>() as u32;

/// From a jump to the first word of the segment behind it.
pub(super) const NEXT_TO_JUMP: u32 = 2 * size_of::<super::Code>() as u32;

/// Goes one of a branch's two ways. Each ends in a jump of its own: were a place selected first, what comes next would
/// wait for the test; and were both to end in one jump, that would be harder to predict.
#[inline(always)]
pub(super) unsafe fn branch<W: Ways>(s: State, m: &mut Machine<'_>, taken: bool) {
    // SAFETY: handed on by the caller, a handler at a branch, behind whose code `make` has put its edge. Fields are read where
    // they are needed, not ahead of time: registers are few.
    unsafe {
        if taken {
            let distance = if W::TAKEN_IS_NEXT { NEXT_SEGMENT } else { s.pc.op().wide };
            edge(s, m, s.pc.edge().cost, distance)
        } else {
            let distance = if W::OTHER_IS_NEXT { NEXT_SEGMENT } else { s.pc.edge().other };
            edge(s, m, s.pc.edge().other_cost, distance)
        }
    }
}

#[inline(always)]
pub(super) unsafe fn test<W: Ways, L: Source, R: Source, A: Operand, B: Operand>(
    s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A, B) -> bool,
) {
    // SAFETY: handed on by the caller.
    unsafe {
        let op = s.pc.op();
        branch::<W>(s, m, f(L::take(&s, op.a), R::take(&s, op.b)))
    }
}

#[inline(always)]
pub(super) unsafe fn test_imm<W: Ways, L: Source, A: Operand, B: Immediate>(
    s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A, B) -> bool,
) {
    // SAFETY: handed on by the caller.
    unsafe { branch::<W>(s, m, f(L::take(&s, s.pc.op().a), B::from_imm(s.pc.edge().imm))) }
}

/// A branch that has added its step to its left operand, which is in the accumulator now. Nothing is stored where fuel
/// does not reach.
#[inline(always)]
unsafe fn branch_stepped<W: Ways>(mut s: State, m: &mut Machine<'_>, taken: bool) {
    // SAFETY: as for `branch`; `a` is the slot of the left operand.
    unsafe {
        let (behind, slot) = (s.pc.edge(), s.pc.op().a);
        if taken {
            if !pay(&mut s, behind.cost.into()) {
                return leave_owing(s, m, behind.cost.into());
            }
            s.regs.set(slot.into(), s.acc);
            s.pc = s.pc.offset(if W::TAKEN_IS_NEXT { NEXT_SEGMENT } else { s.pc.op().wide });
            go(s, m)
        } else {
            if !pay(&mut s, behind.other_cost.into()) {
                return leave_owing(s, m, behind.other_cost.into());
            }
            s.regs.set(slot.into(), s.acc);
            s.pc = s.pc.offset(if W::OTHER_IS_NEXT { NEXT_SEGMENT } else { behind.other });
            go(s, m)
        }
    }
}

/// The left operand with its step.
#[inline(always)]
unsafe fn stepped(s: &State) -> u64 {
    // SAFETY: as for `branch_stepped`.
    unsafe { s.regs.get(s.pc.op().a.into()).wrapping_add(i64::from(s.pc.edge().step as i32) as u64) }
}

#[inline(always)]
pub(super) unsafe fn step_test<W: Ways, A: Operand, B: Operand>(
    mut s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A, B) -> bool,
) {
    // SAFETY: handed on by the caller.
    unsafe {
        s.acc = stepped(&s);
        let op = s.pc.op();
        let left = A::forwarded((s.acc, s.facc), s.regs, op.a.into());
        let right = Slot::take(&s, op.b);
        branch_stepped::<W>(s, m, f(left, right))
    }
}

#[inline(always)]
pub(super) unsafe fn step_test_imm<W: Ways, A: Operand, B: Immediate>(
    mut s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A, B) -> bool,
) {
    // SAFETY: handed on by the caller.
    unsafe {
        s.acc = stepped(&s);
        let left = A::forwarded((s.acc, s.facc), s.regs, s.pc.op().a.into());
        let right = B::from_imm(s.pc.edge().imm);
        branch_stepped::<W>(s, m, f(left, right))
    }
}

/// A load from memory 0 as the first operation of a pair; `None`, with nothing done, if it traps.
#[inline(always)]
pub(super) unsafe fn lead_load<L: Source, const N: usize, R: Operand>(
    mut s: State,
    m: &Machine<'_>,
    f: impl FnOnce([u8; N]) -> R,
) -> Option<State> {
    // SAFETY: slots and accumulators are as a handler's caller vouches for. The address is that of `N` bytes inside of memory
    // 0: `Window::address` has compared it with the size, and the heap finds its window anew wherever bytes may have
    // moved or become fewer (`heap::memory`, `find_window`), none of which happens inside of a handler. It has exposed
    // the provenance of the bytes, which nothing else can reach while the run has the heap; an array of bytes
    // has no alignment, and any bytes are one.
    unsafe {
        let op = s.pc.op();
        let address = m.heap.window().address::<N>(L::take(&s, op.b), op.wide)?;
        let bytes = with_exposed_provenance::<[u8; N]>(address).read();
        put(&mut s, op.a, f(bytes));
    }
    s.pc = s.pc.skip(1);
    Some(s)
}

/// A load from memory 0.
#[inline(always)]
pub(super) unsafe fn load<L: Source, const N: usize, R: Operand>(
    s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce([u8; N]) -> R,
) {
    // SAFETY: handed on by the caller.
    unsafe {
        match lead_load::<L, N, R>(s, m, f) {
            Some(s) => go(s, m),
            None => leave_at(s, m),
        }
    }
}

/// A store to memory 0.
#[inline(always)]
pub(super) unsafe fn store<L: Source, R: Source, const N: usize, A: Operand>(
    mut s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A) -> [u8; N],
) {
    // SAFETY: as for `lead_load`; the bytes were exposed by way of a pointer that may write them.
    unsafe {
        let op = s.pc.op();
        let bytes = f(R::take(&s, op.b));
        let Some(address) = m.heap.window().address::<N>(L::take(&s, op.a), op.wide) else {
            return leave_at(s, m);
        };
        with_exposed_provenance_mut::<[u8; N]>(address).write(bytes);
        s.pc = s.pc.skip(1);
        go(s, m)
    }
}

/// A load from another memory, whose number stands above an offset of 16 bits.
#[inline(always)]
pub(super) unsafe fn load_far<const N: usize, R: Operand>(
    mut s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce([u8; N]) -> R,
) {
    // SAFETY: slots are as a handler's caller vouches for; the memory's bytes are reached by a checked slice.
    unsafe {
        let op = s.pc.op();
        match m.heap.memory_chunk(MemId(op.x().into()), Slot::take(&s, op.b), op.c().into()) {
            Some(&bytes) => {
                put(&mut s, op.a, f(bytes));
                s.pc = s.pc.skip(1);
                go(s, m)
            }
            None => leave_at(s, m),
        }
    }
}

/// A store to another memory, likewise.
#[inline(always)]
pub(super) unsafe fn store_far<const N: usize, A: Operand>(
    mut s: State,
    m: &mut Machine<'_>,
    f: impl FnOnce(A) -> [u8; N],
) {
    // SAFETY: slots are as a handler's caller vouches for; the memory's bytes are reached by a checked slice.
    unsafe {
        let op = s.pc.op();
        let bytes = f(Slot::take(&s, op.b));
        match m.heap.memory_chunk_mut(MemId(op.x().into()), Slot::take(&s, op.a), op.c().into()) {
            Some(to) => {
                *to = bytes;
                s.pc = s.pc.skip(1);
                go(s, m)
            }
            None => leave_at(s, m),
        }
    }
}

/// How the fields of a word become those of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// They do not: the word is left to the loop.
    Left,
    /// The handler reads the word itself.
    Word,
    /// An import, a slot and a slot.
    Host,
    /// Three slots. `x` must be 0.
    Slots,
    /// The same, with a fourth slot in the `Ext` word.
    FourSlots,
    /// A destination, a slot and a number.
    Imm,
    /// Two slots and a way; behind it the other one.
    Branch,
    /// A slot, an immediate and a way; behind it the other one.
    BranchImm,
    /// A destination, an address and an offset.
    Load,
    /// An address, a value and an offset.
    Store,
    /// A destination and a number of 64 bits.
    Const,
    /// A way.
    Jump,
    /// The start of a segment.
    Fuel,
    /// A call with one argument and one result.
    Call1,
    /// A return of one slot.
    Return1,
}

/// The handlers of an operation, and what `make` must know of it.
#[derive(Clone, Copy)]
pub(super) struct Forms {
    pub(super) layout: Layout,
    pub(super) set: Set,
    /// Of a branch: where the way taken leads to the segment behind it.
    pub(super) taken_next: Set,
    /// Of a branch: where the other way does.
    pub(super) other_next: Set,
    pub(super) kinds: Kinds,
}

impl Forms {
    pub(super) const fn new(layout: Layout, set: Set, kinds: Kinds) -> Self {
        Self { layout, set, taken_next: set, other_next: set, kinds }
    }

    pub(super) const fn branch(
        layout: Layout,
        [set, taken_next, other_next]: [Set; 3],
        kinds: Kinds,
    ) -> Self {
        Self { layout, set, taken_next, other_next, kinds }
    }

    /// An operation with one handler, which reads its word.
    pub(super) const fn of_word(handler: Handler) -> Self {
        Self::new(Layout::Word, Set::plain(handler), Kinds::NONE)
    }

    /// An operation that is left to the loop.
    pub(super) const fn left_to_loop() -> Self {
        Self::new(Layout::Left, Set::plain(leave), Kinds::NONE)
    }
}

/// The handlers of an operation by where its operands come from.
#[derive(Clone, Copy)]
pub(super) struct Set {
    /// All come from slots.
    pub(super) plain: Handler,
    /// The left operand comes from an accumulator.
    pub(super) left: Handler,
    /// The right operand comes from an accumulator.
    pub(super) right: Handler,
    /// Of a branch: adds a step to the left operand first. Of a load or store: is of another memory than memory 0.
    pub(super) other: Handler,
}

impl Set {
    pub(super) const fn plain(plain: Handler) -> Self {
        Self { plain, left: plain, right: plain, other: leave }
    }

    pub(super) const fn with_left(plain: Handler, left: Handler) -> Self {
        Self { plain, left, right: plain, other: leave }
    }

    pub(super) const fn with_both(plain: Handler, left: Handler, right: Handler) -> Self {
        Self { plain, left, right, other: leave }
    }

    pub(super) const fn and(self, other: Handler) -> Self {
        Self { other, ..self }
    }
}

/// Of which kind the left and the right operand and the result are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kinds {
    pub(super) left: Kind,
    pub(super) right: Kind,
    pub(super) result: Kind,
}

impl Kinds {
    pub(super) const NONE: Self = Self { left: Kind::Other, right: Kind::Other, result: Kind::Other };
    /// Bits on the left.
    pub(super) const LEFT: Self = Self { left: Kind::Bits, ..Self::NONE };
    /// A result in both accumulators.
    pub(super) const RESULT: Self = Self { result: Kind::Any, ..Self::NONE };
    /// Bits that come to be in both accumulators.
    pub(super) const MOVE: Self = Self { left: Kind::Bits, ..Self::RESULT };

    pub(super) const fn unary<A: Operand, R: SemResult, F: Fn(A) -> R>(_: &F) -> Self {
        Self { left: A::KIND, right: Kind::Other, result: R::Value::KIND }
    }

    pub(super) const fn unary_imm<A: Operand, R: SemResult, F: Fn(A, u32) -> R>(_: &F) -> Self {
        Self { left: A::KIND, right: Kind::Other, result: R::Value::KIND }
    }

    pub(super) const fn binary<A: Operand, B: Operand, R: SemResult, F: Fn(A, B) -> R>(_: &F) -> Self {
        Self { left: A::KIND, right: B::KIND, result: R::Value::KIND }
    }

    pub(super) const fn ternary<A: Operand, B: Operand, C: Operand, R: SemResult, F>(_: &F) -> Self
    where
        F: Fn(A, B, C) -> R,
    {
        Self { left: Kind::Other, right: Kind::Other, result: R::Value::KIND }
    }

    /// Of a comparison that branches: it has no result.
    pub(super) const fn test<A: Operand, B: Operand, F: Fn(A, B) -> bool>(_: &F) -> Self {
        Self { left: A::KIND, right: B::KIND, result: Kind::Other }
    }

    pub(super) const fn load<const N: usize, R: Operand, F: Fn([u8; N]) -> R>(_: &F) -> Self {
        Self { left: Kind::Bits, right: Kind::Other, result: R::KIND }
    }

    pub(super) const fn store<const N: usize, A: Operand, F: Fn(A) -> [u8; N]>(_: &F) -> Self {
        Self { left: Kind::Bits, right: A::KIND, result: Kind::Other }
    }
}
