//! The portable dispatcher: one loop over words.
//!
//! Handlers of direct instructions are generated from the tables; their bodies are the semantic functions. The
//! loop is compiled with and without exact stepping and with and without tracing; results are the same.

use super::machine::{Exit, Machine};
use super::operand::{Immediate, Operand, SemResult};
use super::regs::{Ip, Link, Regs};
use super::trace::{InstrEvent, Tracer};
use super::word::{Word, WordOp};
use crate::ids::{FuncId, InstrIx};
use crate::lower::ExecProgram;
use crate::sem;
use core::ops::Range;
use opforge_schema::{TrapCode, op_flags};
use opforge_tables::{ISA, with_direct_ops};

/// Where a loop starts and, when it ends, where it stopped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) word: u32,
    pub(super) base: usize,
    /// Fuel the loop may use. Exact stepping gets all of it.
    pub(super) fuel: u64,
    /// Exact stepping: the next instruction to pay for.
    pub(super) instr: InstrIx,
}

/// Handlers of direct instructions by operand form. Each loads operands as the semantic function's parameter types
/// say, calls it, and stores the result.
///
/// # Safety
/// All: the word's slots must be slots of the frame, and the frame inside the stack (`regs`, facts 1 and 2).
mod forms {
    use super::{Immediate, Ip, Operand, Regs, SemResult, TrapCode, Word};
    use crate::heap::Heap;

    type Done = Result<(), TrapCode>;

    #[inline(always)]
    unsafe fn store<R: SemResult>(result: R, regs: Regs, word: Word) -> Done {
        let value = result.into_result()?;
        // SAFETY: `a` is the destination; the caller vouches for the word's slots.
        unsafe { value.store(regs, word.a) };
        Ok(())
    }

    #[inline(always)]
    pub(super) unsafe fn unary<A: Operand, R: SemResult>(
        regs: Regs,
        word: Word,
        f: impl FnOnce(A) -> R,
    ) -> Done {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { store(f(A::load(regs, word.b)), regs, word) }
    }

    #[inline(always)]
    pub(super) unsafe fn unary_imm<A: Operand, R: SemResult>(
        regs: Regs,
        word: Word,
        f: impl FnOnce(A, u32) -> R,
    ) -> Done {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { store(f(A::load(regs, word.b), word.c), regs, word) }
    }

    #[inline(always)]
    pub(super) unsafe fn binary<A: Operand, B: Operand, R: SemResult>(
        regs: Regs,
        word: Word,
        f: impl FnOnce(A, B) -> R,
    ) -> Done {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { store(f(A::load(regs, word.b), B::load(regs, word.c)), regs, word) }
    }

    #[inline(always)]
    pub(super) unsafe fn binary_imm<A: Operand, B: Immediate, R: SemResult>(
        regs: Regs,
        word: Word,
        f: impl FnOnce(A, B) -> R,
    ) -> Done {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { store(f(A::load(regs, word.b), B::from_imm(word.c)), regs, word) }
    }

    #[inline(always)]
    pub(super) unsafe fn ternary<A: Operand, B: Operand, C: Operand, R: SemResult>(
        regs: Regs,
        word: Word,
        ip: Ip,
        f: impl FnOnce(A, B, C) -> R,
    ) -> Done {
        // SAFETY: a ternary word is followed by its `Ext` word (`translate`); the caller vouches for the slots.
        unsafe {
            let third = ip.next().word().a;
            store(f(A::load(regs, word.b), B::load(regs, word.c), C::load(regs, third)), regs, word)
        }
    }

    #[inline(always)]
    pub(super) unsafe fn heap_unary<A: Operand, R: SemResult>(
        regs: Regs,
        word: Word,
        heap: &mut Heap,
        f: impl FnOnce(&mut Heap, A) -> R,
    ) -> Done {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { store(f(heap, A::load(regs, word.b)), regs, word) }
    }

    #[inline(always)]
    pub(super) unsafe fn heap_unary_imm<A: Operand, R: SemResult>(
        regs: Regs,
        word: Word,
        heap: &mut Heap,
        f: impl FnOnce(&mut Heap, A, u32) -> R,
    ) -> Done {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { store(f(heap, A::load(regs, word.b), word.c), regs, word) }
    }

    #[inline(always)]
    pub(super) unsafe fn heap_binary<A: Operand, B: Operand, R: SemResult>(
        regs: Regs,
        word: Word,
        heap: &mut Heap,
        f: impl FnOnce(&mut Heap, A, B) -> R,
    ) -> Done {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { store(f(heap, A::load(regs, word.b), B::load(regs, word.c)), regs, word) }
    }

    #[inline(always)]
    pub(super) unsafe fn heap_ternary<A: Operand, B: Operand, C: Operand, R: SemResult>(
        regs: Regs,
        word: Word,
        ip: Ip,
        heap: &mut Heap,
        f: impl FnOnce(&mut Heap, A, B, C) -> R,
    ) -> Done {
        // SAFETY: as for `ternary`.
        unsafe {
            let third = ip.next().word().a;
            store(f(heap, A::load(regs, word.b), B::load(regs, word.c), C::load(regs, third)), regs, word)
        }
    }

    #[inline(always)]
    pub(super) unsafe fn test<A: Operand, B: Operand>(
        regs: Regs,
        word: Word,
        f: impl FnOnce(A, B) -> bool,
    ) -> bool {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { f(A::load(regs, word.a), B::load(regs, word.b)) }
    }

    #[inline(always)]
    pub(super) unsafe fn test_imm<A: Operand, B: Immediate>(
        regs: Regs,
        word: Word,
        f: impl FnOnce(A, B) -> bool,
    ) -> bool {
        // SAFETY: the caller vouches for the word's slots.
        unsafe { f(A::load(regs, word.a), B::from_imm(word.b)) }
    }
}

/// Expands to the body of a direct handler of the given form.
macro_rules! run_form {
    (unary, $m:ident, $r:ident, $w:ident, $ip:ident, $fuel:ident, $f:path) => {
        forms::unary($r, $w, $f)
    };
    (unary_imm, $m:ident, $r:ident, $w:ident, $ip:ident, $fuel:ident, $f:path) => {
        forms::unary_imm($r, $w, $f)
    };
    (binary, $m:ident, $r:ident, $w:ident, $ip:ident, $fuel:ident, $f:path) => {
        forms::binary($r, $w, $f)
    };
    (ternary, $m:ident, $r:ident, $w:ident, $ip:ident, $fuel:ident, $f:path) => {{
        let done = forms::ternary($r, $w, $ip, $f);
        if done.is_ok() {
            $ip = $ip.next();
        }
        done
    }};
    (heap_unary, $m:ident, $r:ident, $w:ident, $ip:ident, $fuel:ident, $f:path) => {{
        pay_by_size!($m, $r, $w, $fuel);
        forms::heap_unary($r, $w, $m.heap, $f)
    }};
    (heap_unary_imm, $m:ident, $r:ident, $w:ident, $ip:ident, $fuel:ident, $f:path) => {{
        pay_by_size!($m, $r, $w, $fuel);
        forms::heap_unary_imm($r, $w, $m.heap, $f)
    }};
    (heap_binary, $m:ident, $r:ident, $w:ident, $ip:ident, $fuel:ident, $f:path) => {{
        pay_by_size!($m, $r, $w, $fuel);
        forms::heap_binary($r, $w, $m.heap, $f)
    }};
    (heap_ternary, $m:ident, $r:ident, $w:ident, $ip:ident, $fuel:ident, $f:path) => {{
        pay_by_size!($m, $r, $w, $fuel);
        let done = forms::heap_ternary($r, $w, $ip, $m.heap, $f);
        if done.is_ok() {
            $ip = $ip.next();
        }
        done
    }};
}

/// Charges fuel by size, or leaves the loop with the word not done.
macro_rules! pay_by_size {
    ($m:ident, $regs:ident, $word:ident, $fuel:ident) => {
        if $word.x != 0 {
            let cost = Machine::size_cost($regs, $word);
            if $fuel < cost {
                match $m.refill($fuel, cost) {
                    Some(refilled) => $fuel = refilled,
                    None => {
                        $fuel = 0;
                        break Exit::OutOfFuelInWord;
                    }
                }
            }
            $fuel -= cost;
        }
    };
}

macro_rules! define_loop {
    (
        {}
        direct { $(($op:ident $form:ident $family:ident $sem:ident))* }
        imm { $(($iop:ident $imm:ident $ifamily:ident $isem:ident))* }
        branch { $(($bop:ident $br:ident $brn:ident $bri:ident $brni:ident $bfamily:ident $bsem:ident))* }
        branch_f { $(($fop:ident $fbr:ident $fbrn:ident $ffamily:ident $fsem:ident))* }
    ) => {
        /// Runs words from a position until something ends the loop.
        ///
        /// With `EXACT`, each word is paid for by itself as it comes; else segments are.
        #[allow(clippy::too_many_lines, clippy::cognitive_complexity)]
        pub(super) fn run<const EXACT: bool, T: Tracer>(
            m: &mut Machine<'_>,
            tracer: &mut T,
            position: &mut Position,
        ) -> Exit {
            let words = m.code.words.as_ptr();
            let mut ip = Ip::new(words, position.word);
            let mut regs = Regs::new(m.stack, position.base);
            let mut fuel = position.fuel;

            /// Goes on at a segment whose fuel is charged here; where it does not fit, at its `Fuel` word.
            macro_rules! enter {
                ($target:expr) => {{
                    ip = $target;
                    if !EXACT && !T::ENABLED {
                        // SAFETY: branches go to `Fuel` words, and one stands behind each word that falls
                        // through out of a segment (fact 3 of `regs`).
                        let cost = u64::from(unsafe { ip.word() }.a);
                        if fuel >= cost {
                            fuel -= cost;
                            ip = ip.next();
                        }
                    }
                }};
            }

            macro_rules! branch {
                ($word:ident, $taken:expr) => {
                    // Two edges, each with its own load: a select would make the next word wait for the test.
                    if $taken {
                        enter!(ip.offset($word.c));
                    } else {
                        enter!(ip.next());
                    }
                };
            }

            let exit = loop {
                // SAFETY: fact 3 of `regs`: the position and every move of `ip` is a word of the program.
                let word = unsafe { ip.word() };
                if EXACT {
                    if let Err(exit) = m.pay_exact(ip.index(words), &mut fuel, &mut position.instr) {
                        break exit;
                    }
                }
                if T::ENABLED {
                    trace_word(m, tracer, ip.index(words));
                }
                // SAFETY, for all unsafe blocks below: slots of words are slots of the frame and frames are inside
                // the stack (facts 1 and 2 of `regs`); an `Ext` word stands behind each word that has one.
                let done: Result<(), TrapCode> = match word.op {
                    WordOp::Halt => break Exit::Internal,
                    WordOp::Ext => break Exit::Internal,
                    WordOp::Fuel => {
                        let cost = u64::from(word.a);
                        if !EXACT {
                            if fuel < cost {
                                match m.refill_segment(fuel, cost) {
                                    Ok(refilled) => fuel = refilled,
                                    Err(exit) => {
                                        fuel = 0;
                                        break exit;
                                    }
                                }
                            }
                            fuel -= cost;
                        }
                        Ok(())
                    }
                    $(WordOp::$op => {
                        // SAFETY: see above.
                        unsafe { run_form!($form, m, regs, word, ip, fuel, sem::$family::$sem) }
                    })*
                    $(WordOp::$imm => {
                        // SAFETY: see above.
                        unsafe { forms::binary_imm(regs, word, sem::$ifamily::$isem) }
                    })*
                    $(
                        WordOp::$br => {
                            // SAFETY: see above.
                            branch!(word, unsafe { forms::test(regs, word, sem::$bfamily::$bsem) });
                            continue;
                        }
                        WordOp::$brn => {
                            // SAFETY: see above.
                            branch!(word, !unsafe { forms::test(regs, word, sem::$bfamily::$bsem) });
                            continue;
                        }
                        WordOp::$bri => {
                            // SAFETY: see above.
                            branch!(word, unsafe { forms::test_imm(regs, word, sem::$bfamily::$bsem) });
                            continue;
                        }
                        WordOp::$brni => {
                            // SAFETY: see above.
                            branch!(word, !unsafe { forms::test_imm(regs, word, sem::$bfamily::$bsem) });
                            continue;
                        }
                    )*
                    $(
                        WordOp::$fbr => {
                            // SAFETY: see above.
                            branch!(word, unsafe { forms::test(regs, word, sem::$ffamily::$fsem) });
                            continue;
                        }
                        WordOp::$fbrn => {
                            // SAFETY: see above.
                            branch!(word, !unsafe { forms::test(regs, word, sem::$ffamily::$fsem) });
                            continue;
                        }
                    )*
                    WordOp::Move1 => {
                        // SAFETY: see above.
                        unsafe { regs.set(word.a, regs.get(word.b)) };
                        Ok(())
                    }
                    WordOp::Move2 => {
                        // SAFETY: see above.
                        unsafe { move2(regs, word.a, word.b) };
                        Ok(())
                    }
                    WordOp::Select1 | WordOp::Select2 => {
                        // SAFETY: see above.
                        unsafe {
                            let from = if regs.get(word.c) != 0 { word.b } else { ip.next().word().a };
                            if word.op == WordOp::Select1 {
                                regs.set(word.a, regs.get(from));
                            } else {
                                move2(regs, word.a, from);
                            }
                        }
                        ip = ip.next();
                        Ok(())
                    }
                    WordOp::Const => {
                        // SAFETY: see above.
                        unsafe { regs.set(word.a, u64::from(word.b) | u64::from(word.c) << 32) };
                        Ok(())
                    }
                    WordOp::ConstDecimal => {
                        // SAFETY: see above.
                        unsafe {
                            regs.set(word.a, u64::from(word.b) | u64::from(word.c) << 32);
                            regs.set(word.a + 1, word.x.into());
                        }
                        Ok(())
                    }
                    WordOp::Trap => {
                        m.detail = crate::trap::TrapDetail::Code(word.a);
                        Err(TrapCode::TrapCode)
                    }
                    WordOp::Jump => {
                        enter!(ip.offset(word.c));
                        continue;
                    }
                    WordOp::BrIf => {
                        // SAFETY: see above.
                        branch!(word, unsafe { regs.get(word.a) } != 0);
                        continue;
                    }
                    WordOp::BrIfNot => {
                        // SAFETY: see above.
                        branch!(word, unsafe { regs.get(word.a) } == 0);
                        continue;
                    }
                    WordOp::Call1 => {
                        if m.depth >= m.max_depth {
                            break Exit::Trap(TrapCode::CallDepthExceeded);
                        }
                        let Some(&entry) = m.code.funcs.get(word.a as usize) else { break Exit::Internal };
                        let mut callee = regs.up(word.b);
                        if !callee.fits(entry.frame, m.stack) {
                            match m.grow_for_call(regs, word.b, word.a) {
                                Ok(moved) => {
                                    regs = moved;
                                    callee = regs.up(word.b);
                                }
                                Err(code) => break Exit::Trap(code),
                            }
                        }
                        let ret_word = ip.next().index(words);
                        // SAFETY: see above; the callee's frame fits, its first slot is its parameter.
                        unsafe {
                            callee.set(0, regs.get(word.c));
                            callee.set_link(Link { ret_word, ret_to: word.x.into(), up: word.b.into() });
                        }
                        m.depth += 1;
                        regs = callee;
                        trace_enter(m, tracer, word.a);
                        enter!(Ip::new(words, entry.word));
                        continue;
                    }
                    WordOp::Call => {
                        if m.depth >= m.max_depth {
                            break Exit::Trap(TrapCode::CallDepthExceeded);
                        }
                        let ret_word = ip.next().index(words);
                        match m.enter_frame(regs, (word.a, word.b), word.c, 0, ret_word) {
                            Ok(callee) => {
                                regs = callee;
                                let Some(&entry) = m.code.funcs.get(word.a as usize) else {
                                    break Exit::Internal;
                                };
                                trace_enter(m, tracer, word.a);
                                enter!(Ip::new(words, entry.word));
                                continue;
                            }
                            Err(code) => Err(code),
                        }
                    }
                    WordOp::CallIndirect => {
                        match m.call_indirect(regs, word, ip.next().index(words)) {
                            Ok((callee, func)) => {
                                regs = callee;
                                let Some(&entry) = m.code.funcs.get(func as usize) else {
                                    break Exit::Internal;
                                };
                                trace_enter(m, tracer, func);
                                enter!(Ip::new(words, entry.word));
                                continue;
                            }
                            Err(code) => Err(code),
                        }
                    }
                    WordOp::Return1 => {
                        // SAFETY: see above; the frame was entered, so its linkage is there.
                        let (value, link) = unsafe { (regs.get(word.a), regs.link()) };
                        trace_leave(m, tracer);
                        if link.ret_word == 0 {
                            m.finish_one(value);
                            break Exit::Finished;
                        }
                        regs = regs.down(link.up as usize);
                        // SAFETY: `ret_to` is a slot of the caller's frame.
                        unsafe { regs.set(link.ret_to, value) };
                        m.depth -= 1;
                        enter!(Ip::new(words, link.ret_word));
                        continue;
                    }
                    WordOp::Return => {
                        trace_leave(m, tracer);
                        let Some((caller, ret_word)) = m.return_many(regs, word) else {
                            break Exit::Finished;
                        };
                        regs = caller;
                        enter!(Ip::new(words, ret_word));
                        continue;
                    }
                    WordOp::HostCall => {
                        let reaches_host = T::ENABLED && m.host_calls < m.max_host_calls;
                        if reaches_host {
                            trace_host(m, tracer, Some(word.a));
                        }
                        let done = m.host_call(regs, word, fuel);
                        if reaches_host {
                            trace_host(m, tracer, None);
                        }
                        match done {
                            Ok(left) => {
                                fuel = left;
                                Ok(())
                            }
                            Err(code) => Err(code),
                        }
                    }
                    WordOp::ClosureNew => {
                        // SAFETY: see above. Both are read first: the closure may replace one of them.
                        unsafe {
                            let (func, env) = (regs.get(word.b), regs.get(word.c));
                            regs.set(word.a, func);
                            regs.set(word.a + 1, env);
                        }
                        Ok(())
                    }
                    WordOp::AggNew => m.agg_new(regs, word),
                    WordOp::AggGetImm => m.agg_get(regs, word, None),
                    WordOp::AggGet => {
                        let imm = m.code.pool.get(word.c as usize).copied().unwrap_or(0);
                        // SAFETY: see above.
                        let index = unsafe { regs.get(imm) };
                        m.agg_get(regs, word, Some(index))
                    }
                    WordOp::AggLen => m.agg_len(regs, word),
                };
                match done {
                    Ok(()) => ip = ip.next(),
                    Err(code) => break Exit::Trap(code),
                }
            };
            position.word = ip.index(words);
            position.base = regs.base(m.stack);
            position.fuel = fuel;
            exit
        }
    };
}

with_direct_ops!(define_loop {});

/// Copies two slots; source and destination may overlap.
///
/// # Safety
/// Both pairs must be slots of the frame.
#[inline(always)]
unsafe fn move2(regs: Regs, to: u32, from: u32) {
    // SAFETY: the caller vouches for the slots.
    unsafe {
        let (first, second) = (regs.get(from), regs.get(from + 1));
        regs.set(to, first);
        regs.set(to + 1, second);
    }
}

#[inline(always)]
fn trace_enter<T: Tracer>(m: &Machine<'_>, tracer: &mut T, func: u32) {
    if T::ENABLED
        && let Some(sink) = tracer.sink()
    {
        sink.enter(FuncId(func), m.depth);
    }
}

#[inline(always)]
fn trace_leave<T: Tracer>(m: &Machine<'_>, tracer: &mut T) {
    if T::ENABLED
        && let Some(sink) = tracer.sink()
    {
        sink.leave(m.depth);
    }
}

#[inline(always)]
fn trace_host<T: Tracer>(m: &Machine<'_>, tracer: &mut T, import: Option<u32>) {
    if T::ENABLED
        && let Some(sink) = tracer.sink()
    {
        match import {
            Some(index) => {
                let symbol = m.program.imports.get(index as usize).map_or("", |import| &import.symbol);
                sink.host_enter(symbol);
            }
            None => sink.host_leave(),
        }
    }
}

/// Reports the instructions that a word covers.
///
/// Those that a `Fuel` word covers end the segment before it: they run where that segment falls through, and not
/// where a branch goes to the word.
#[cold]
#[inline(never)]
fn trace_word<T: Tracer>(m: &mut Machine<'_>, tracer: &mut T, word: u32) {
    let before = core::mem::replace(&mut m.traced_word, word);
    let Some(func) = m.code.func_of(word) else { return };
    let is = |at: u32, op: WordOp| m.code.words.get(at as usize).is_some_and(|word| word.op == op);
    if is(word, WordOp::Fuel) {
        let between = before.saturating_add(1);
        let adjacent = word == between || word == between + 1 && is(between, WordOp::Ext);
        if !adjacent || ends_block(m, func, before) {
            return;
        }
    }
    let covered = m.code.covered(func, word);
    let from = core::mem::replace(&mut m.trace_from, InstrIx(0));
    trace_instrs(m.program, tracer, func, covered.start.max(from.0)..covered.end);
}

/// Whether a word's own instruction ends a block: control goes on elsewhere, or at the next block's start.
fn ends_block(m: &Machine<'_>, func: FuncId, word: u32) -> bool {
    let own = m.code.own_instr(word);
    let didx = m.program.function(func).and_then(|function| function.ops.get(own.index()));
    didx.and_then(|&didx| ISA.op(didx)).is_some_and(|row| row.has(op_flags::TERMINATOR))
}

/// Reports instructions of a function.
pub(super) fn trace_instrs<T: Tracer>(
    program: &ExecProgram,
    tracer: &mut T,
    func: FuncId,
    instrs: Range<u32>,
) {
    let Some(sink) = tracer.sink() else { return };
    let Some(function) = program.function(func) else { return };
    for at in instrs {
        let at = InstrIx(at);
        let didx = function.ops.get(at.index()).copied().unwrap_or(0);
        sink.instr(InstrEvent { func, pc: function.pc(at), didx, span: function.span(at) });
    }
}
