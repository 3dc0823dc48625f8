//! The portable dispatcher: one loop over words.
//!
//! Handlers of direct instructions are generated from the tables; their bodies are the semantic functions. The
//! loop is compiled with and without exact stepping and with and without tracing; results are the same. Where the
//! build script says so, threaded code does most words in front of it (`threaded/`).

use super::forms;
use super::machine::{Exit, Machine, NOT_PAID};
use super::regs::{Ip, Link, Regs};
#[cfg(opforge_threaded)]
use super::threaded;
use super::trace::{self, Tracer};
use super::word::WordOp;
use crate::ids::InstrIx;
use crate::sem;
use opforge_schema::TrapCode;
use opforge_tables::with_direct_ops;

/// Where a loop starts and, when it ends, where it stopped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) word: u32,
    pub(super) base: usize,
    /// Fuel the loop may use. Exact stepping gets all of it.
    pub(super) fuel: u64,
    /// Exact stepping: the next instruction to pay for.
    pub(super) instr: InstrIx,
    /// Tracing: the first instruction that the first word reports; those before it were reported before.
    pub(super) report_from: InstrIx,
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
        pay_by_size!($m, $word, $fuel, Machine::size_cost($regs, $word))
    };
    ($m:ident, $word:ident, $fuel:ident, $cost:expr) => {
        if $word.x != 0 {
            let cost: u64 = $cost;
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
        branch { $(($bop:ident $br:ident $bri:ident $bfamily:ident $bsem:ident))* }
        branch_f { $(($fop:ident $fbr:ident $ffamily:ident $fsem:ident))* }
        load { $(($lop:ident $lfamily:ident $lsem:ident))* }
        store { $(($sop:ident $sfamily:ident $ssem:ident))* }
        memory { $($memory:tt)* }
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
            let mut ip = Ip::new(m.words, position.word);
            let mut regs = Regs::new(m.stack, position.base);
            let mut fuel = position.fuel;

            /// Goes on in a segment, behind its `Fuel` word, whose fuel is charged here together with `$extra`; or
            /// leaves the loop at `$stop` with nothing charged.
            ///
            /// The way out is a call: two plain ways would become a select of `ip`, and each word would wait for the
            /// fuel of its segment.
            macro_rules! edge {
                ($target:expr, $extra:expr, $reached:ident => $stop:expr) => {{
                    let target: Ip = $target;
                    // SAFETY: branches, calls and returns go to `Fuel` words (fact 3 of `regs`).
                    let cost = $extra + u64::from(unsafe { target.word() }.a);
                    fuel = fuel.wrapping_sub(cost);
                    // The loop has less than 2^63 at a time, so a borrow shows as the sign.
                    if (fuel as i64) < 0 {
                        fuel = m.pay_segment(fuel.wrapping_add(cost), cost);
                        if fuel == NOT_PAID {
                            fuel = 0;
                            let $reached = target;
                            ip = $stop;
                            break m.stop;
                        }
                    }
                    ip = target.next();
                    continue;
                }};
            }

            /// Goes on at the start of a segment.
            macro_rules! enter {
                ($target:expr) => {{
                    let target: Ip = $target;
                    if EXACT || T::ENABLED {
                        // At its `Fuel` word: exact stepping pays word by word, and each word is reported.
                        ip = target;
                        continue;
                    }
                    edge!(target, 0, reached => reached);
                }};
            }

            /// Goes `$distance` on, for `$cost`, which is that of the segment there; or leaves the loop, with nothing
            /// charged: at the loop head that the word does in place of a jump, if there is one, else at the segment.
            macro_rules! paid_edge {
                ($cost:expr, $distance:expr, $head:expr) => {{
                    let (cost, distance, head): (u64, u32, u32) = (u64::from($cost), $distance, $head);
                    fuel = fuel.wrapping_sub(cost);
                    // As above.
                    if (fuel as i64) < 0 {
                        fuel = m.pay_segment(fuel.wrapping_add(cost), cost);
                        if fuel == NOT_PAID {
                            fuel = 0;
                            ip = if head != 0 { ip.offset(head) } else { ip.offset(distance).back() };
                            break m.stop;
                        }
                    }
                    ip = ip.offset(distance);
                    continue;
                }};
            }

            /// The `Fuel` word of the segment that an edge goes to.
            macro_rules! fuel_word {
                ($cost:expr, $distance:expr) => {
                    if $cost != 0 { ip.offset($distance).back() } else { ip.offset($distance) }
                };
            }

            /// Goes on at the segment that an edge of its own goes to.
            macro_rules! jump {
                ($cost:expr, $distance:expr) => {{
                    if EXACT || T::ENABLED {
                        ip = fuel_word!($cost, $distance);
                        continue;
                    }
                    paid_edge!($cost, $distance, 0)
                }};
            }

            /// Goes on at one of a branch's two segments. Both distances stand in words, so that each side is a load
            /// of its own: a select of `ip` would make the next word wait for the test.
            macro_rules! branch {
                ($taken:expr) => {{
                    // SAFETY: the word at hand, and the `Ext` word behind each branch.
                    let (word, ext) = unsafe { (ip.word(), ip.next().word()) };
                    let head = ext.c;
                    if ext.a != 0 {
                        // SAFETY: the slot that the branch tests.
                        unsafe { regs.set(word.a, regs.get(word.a).wrapping_add(i64::from(ext.a as i32) as u64)) };
                    }
                    if EXACT || T::ENABLED {
                        // In place of a jump to a loop head: the head's own words are paid for and reported.
                        ip = if head != 0 {
                            ip.offset(head)
                        } else if $taken {
                            fuel_word!(word.x, word.c)
                        } else {
                            fuel_word!(ext.x, ext.b)
                        };
                        continue;
                    }
                    if $taken {
                        paid_edge!(word.x, word.c, head);
                    } else {
                        paid_edge!(ext.x, ext.b, head);
                    }
                }};
            }

            /// Goes on behind the word.
            macro_rules! next {
                () => {{
                    ip = ip.next();
                    continue;
                }};
            }

            /// Goes on behind the word, or leaves with its trap.
            macro_rules! step {
                ($done:expr) => {
                    match $done {
                        Ok(()) => next!(),
                        Err(code) => break Exit::Trap(code),
                    }
                };
            }

            /// The word at hand. Each arm loads the fields that it needs: loaded ahead of the dispatch, all of
            /// them would be loaded for every word, and hold the registers that `fuel` and `regs` need.
            macro_rules! word {
                () => {
                    // SAFETY: fact 3 of `regs`: the position and every move of `ip` is a word of the program.
                    unsafe { ip.word() }
                };
            }

            let exit = loop {
                #[cfg(opforge_threaded)]
                if !EXACT && !T::ENABLED {
                    // SAFETY: the facts of `regs` hold here as for the loop itself.
                    let left = unsafe { threaded::run(ip, regs, m, fuel) };
                    (ip, regs, fuel) = (left.ip, left.regs, left.fuel);
                    if let Some(exit) = m.left_with.take() {
                        break exit;
                    }
                }
                // SAFETY: fact 3 of `regs`: the position and every move of `ip` is a word of the program.
                let op = unsafe { ip.op() };
                if EXACT {
                    if let Err(exit) = m.pay_exact(tracer, ip.index(m.words), &mut fuel, position) {
                        break exit;
                    }
                } else if T::ENABLED {
                    trace::word(m, tracer, ip.index(m.words), position.report_from);
                    position.report_from = InstrIx(0);
                }
                // SAFETY, for all unsafe blocks below: slots of words are slots of the frame and frames are inside
                // the stack (facts 1 and 2 of `regs`); an `Ext` word stands behind each word that has one.
                let first: u64 = match op {
                    WordOp::Halt | WordOp::Ext => break internal(),
                    WordOp::Pause => next!(),
                    WordOp::Fuel => {
                        if EXACT {
                            next!()
                        }
                        edge!(ip, 0, reached => reached)
                    }
                    $(WordOp::$op => {
                        // SAFETY: see above.
                        let done = unsafe {
                            let word = ip.word();
                            run_form!($form, m, regs, word, ip, fuel, sem::$family::$sem)
                        };
                        match done {
                            Ok(Some(bits)) => bits,
                            Ok(None) => next!(),
                            Err(code) => break Exit::Trap(code),
                        }
                    })*
                    $(WordOp::$imm => {
                        // SAFETY: see above.
                        match unsafe { forms::binary_imm(regs, ip.word(), sem::$ifamily::$isem) } {
                            Ok(Some(bits)) => bits,
                            Ok(None) => next!(),
                            Err(code) => break Exit::Trap(code),
                        }
                    })*
                    $(
                        WordOp::$br => {
                            // SAFETY: see above.
                            branch!(unsafe { forms::test(regs, ip.word(), sem::$bfamily::$bsem) })
                        }
                        WordOp::$bri => {
                            // SAFETY: see above.
                            branch!(unsafe { forms::test_imm(regs, ip.word(), sem::$bfamily::$bsem) })
                        }
                    )*
                    $(
                        WordOp::$fbr => {
                            // SAFETY: see above.
                            branch!(unsafe { forms::test(regs, ip.word(), sem::$ffamily::$fsem) })
                        }
                    )*
                    $(WordOp::$lop => {
                        // SAFETY: see above.
                        match unsafe { forms::load(regs, ip.word(), m.heap, sem::$lfamily::$lsem) } {
                            Ok(Some(bits)) => bits,
                            Ok(None) => next!(),
                            Err(outside) => break Exit::Trap(outside.trap(m.heap)),
                        }
                    })*
                    $(WordOp::$sop => {
                        // SAFETY: see above.
                        match unsafe { forms::store(regs, ip.word(), m.heap, sem::$sfamily::$ssem) } {
                            Ok(()) => next!(),
                            Err(outside) => break Exit::Trap(outside.trap(m.heap)),
                        }
                    })*
                    WordOp::Memory => {
                        let word = word!();
                        pay_by_size!(m, word, fuel, m.memory_size_cost(regs, word));
                        step!(m.memory(regs, word))
                    }
                    WordOp::Move1 => {
                        // SAFETY: see above.
                        unsafe { regs.get(ip.word().b) }
                    }
                    WordOp::Move2 => {
                        let word = word!();
                        // SAFETY: see above.
                        unsafe { forms::move2(regs, word.a, word.b) };
                        next!()
                    }
                    WordOp::Select1 => {
                        // SAFETY: see above.
                        let value = unsafe { regs.get(forms::selected(regs, ip)) };
                        ip = ip.next();
                        value
                    }
                    WordOp::Select2 => {
                        // SAFETY: see above.
                        unsafe { forms::move2(regs, ip.word().a, forms::selected(regs, ip)) };
                        ip = ip.next();
                        next!()
                    }
                    WordOp::Const => {
                        let word = word!();
                        u64::from(word.b) | u64::from(word.c) << 32
                    }
                    WordOp::ConstDecimal => {
                        let word = word!();
                        // SAFETY: see above.
                        unsafe {
                            regs.set(word.a, u64::from(word.b) | u64::from(word.c) << 32);
                            regs.set(word.a + 1, word.x.into());
                        }
                        next!()
                    }
                    WordOp::Trap => {
                        let word = word!();
                        m.detail = crate::trap::TrapDetail::Code(word.a);
                        break Exit::Trap(TrapCode::TrapCode);
                    }
                    WordOp::Jump => {
                        let word = word!();
                        jump!(word.x, word.c)
                    }
                    WordOp::BrIf => {
                        // SAFETY: see above.
                        branch!(unsafe { regs.get(ip.word().a) } != 0)
                    }
                    WordOp::BrMaskZero => {
                        let word = word!();
                        // SAFETY: see above.
                        branch!(unsafe { regs.get(word.a) } & i64::from(word.b as i32) as u64 == 0)
                    }
                    WordOp::BranchTable => {
                        let word = word!();
                        // SAFETY: see above.
                        let index = unsafe { regs.get(word.a) };
                        match m.table_entry(word, index) {
                            Some(target) => enter!(Ip::new(m.words, target)),
                            None => break internal(),
                        }
                    }
                    WordOp::Call1 => {
                        let word = word!();
                        if m.depth >= m.max_depth {
                            break Exit::Trap(TrapCode::CallDepthExceeded);
                        }
                        let mut callee = regs.up(word.b);
                        if !callee.fits(word.x.into(), m.stack) {
                            match m.grow_for_call(regs, word.b, word.a) {
                                Ok(moved) => {
                                    regs = moved;
                                    callee = regs.up(word.b);
                                }
                                Err(code) => break Exit::Trap(code),
                            }
                        }
                        // SAFETY: see above; the callee's frame fits, its first slot is its parameter.
                        let ext = unsafe {
                            let ext = ip.next().word();
                            callee.set(0, regs.get(word.c));
                            callee.set_link(Link { ret_word: ext.b, ret_to: ext.c, up: word.b.into() });
                            ext
                        };
                        m.depth += 1;
                        regs = callee;
                        trace::enter(m, tracer, word.a);
                        jump!(ext.x, ext.a)
                    }
                    WordOp::Call => {
                        let word = word!();
                        if m.depth >= m.max_depth {
                            break Exit::Trap(TrapCode::CallDepthExceeded);
                        }
                        let ret_word = ip.next().index(m.words);
                        match m.enter_frame(regs, (word.a, word.b), word.c, 0, ret_word) {
                            Ok(callee) => {
                                regs = callee;
                                let Some(&entry) = m.code.funcs.get(word.a as usize) else {
                                    break Exit::Internal;
                                };
                                trace::enter(m, tracer, word.a);
                                enter!(Ip::new(m.words, entry.word));
                            }
                            Err(code) => break Exit::Trap(code),
                        }
                    }
                    WordOp::CallIndirect => {
                        let word = word!();
                        match m.call_indirect(regs, word, ip.next().index(m.words)) {
                            Ok((callee, func)) => {
                                regs = callee;
                                let Some(&entry) = m.code.funcs.get(func as usize) else {
                                    break Exit::Internal;
                                };
                                trace::enter(m, tracer, func);
                                enter!(Ip::new(m.words, entry.word));
                            }
                            Err(code) => break Exit::Trap(code),
                        }
                    }
                    WordOp::TailCall => {
                        let word = word!();
                        match m.tail_call(regs, word.a, None, (word.c, word.b)) {
                            Ok((callee, entry)) => {
                                regs = callee;
                                trace::leave(m, tracer);
                                trace::enter(m, tracer, word.a);
                                enter!(Ip::new(m.words, entry));
                            }
                            Err(code) => break Exit::Trap(code),
                        }
                    }
                    WordOp::TailCallIndirect => {
                        let word = word!();
                        match m.tail_call_indirect(regs, word) {
                            Ok((callee, entry, func)) => {
                                regs = callee;
                                trace::leave(m, tracer);
                                trace::enter(m, tracer, func);
                                enter!(Ip::new(m.words, entry));
                            }
                            Err(code) => break Exit::Trap(code),
                        }
                    }
                    WordOp::Session => match m.session(regs, ip, word!(), fuel) {
                        Ok(onward) => {
                            (ip, regs, fuel) = (onward.ip, onward.regs, onward.fuel);
                            continue;
                        }
                        Err(exit) => break exit,
                    },
                    WordOp::Return1 => {
                        let word = word!();
                        // SAFETY: see above; the frame was entered, so its linkage is there.
                        let (value, link) = unsafe { (regs.get(word.a), regs.link()) };
                        trace::leave(m, tracer);
                        if link.ret_word == 0 {
                            m.finish_one(value);
                            break Exit::Finished;
                        }
                        regs = regs.down(link.up as usize);
                        // SAFETY: `ret_to` is a slot of the caller's frame.
                        unsafe { regs.set(link.ret_to, value) };
                        m.depth -= 1;
                        enter!(Ip::new(m.words, link.ret_word));
                    }
                    WordOp::Return => {
                        let word = word!();
                        trace::leave(m, tracer);
                        let Some((caller, ret_word)) = m.return_many(regs, word) else {
                            break Exit::Finished;
                        };
                        regs = caller;
                        enter!(Ip::new(m.words, ret_word));
                    }
                    WordOp::HostCall | WordOp::HostCall1 => {
                        let word = word!();
                        // A call past the limit does not reach the host.
                        let reaches_host = T::ENABLED && m.host_calls < m.max_host_calls;
                        if reaches_host {
                            trace::host(m, tracer, Some(word.a));
                        }
                        let done = match word.op {
                            WordOp::HostCall1 => m.host_call_one(regs, (word.a, word.b, word.c), fuel),
                            _ => m.host_call(regs, word, fuel),
                        };
                        if reaches_host {
                            trace::host(m, tracer, None);
                        }
                        match done {
                            Ok(left) => {
                                fuel = left;
                                next!()
                            }
                            Err(exit) => break exit,
                        }
                    }
                    WordOp::Intrinsic => {
                        let word = word!();
                        pay_by_size!(m, word, fuel, m.intrinsic_size_cost(regs, word));
                        step!(m.intrinsic(regs, word))
                    }
                    WordOp::Extension => {
                        let word = word!();
                        pay_by_size!(m, word, fuel, m.intrinsic_size_cost(regs, word));
                        step!(m.extension(regs, word))
                    }
                    WordOp::ClosureNew => {
                        let word = word!();
                        // SAFETY: see above. Both are read first: the closure may replace one of them.
                        unsafe {
                            let (func, env) = (regs.get(word.b), regs.get(word.c));
                            regs.set(word.a, func);
                            regs.set(word.a + 1, env);
                        }
                        next!()
                    }
                    WordOp::AggNew => step!(m.agg_new(regs, word!())),
                    WordOp::AggGetImm => step!(m.agg_get(regs, word!(), None)),
                    WordOp::AggGet => {
                        let word = word!();
                        let imm = m.code.pool.get(word.c as usize).copied().unwrap_or(0);
                        // SAFETY: see above.
                        let index = unsafe { regs.get(imm) };
                        step!(m.agg_get(regs, word, Some(index)))
                    }
                    WordOp::AggLen => step!(m.agg_len(regs, word!())),
                };
                // One place stores the results of nearly all words. Left to itself the compiler makes several
                // such places by merging the ends of arms, and each word pays for the jumps between them.
                // SAFETY: see above.
                unsafe { regs.set(ip.word().a, first) };
                ip = ip.next();
            };
            position.word = ip.index(m.words);
            position.base = regs.base(m.stack);
            position.fuel = fuel;
            exit
        }
    };
}

with_direct_ops!(define_loop {});

/// What the verifier excludes. A call, because a constant would be held in a register for every word.
#[cold]
#[inline(never)]
fn internal() -> Exit {
    Exit::Internal
}
