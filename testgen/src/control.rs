//! Control flow, structured: what holds at every place is known while it is written.

use crate::data::Taste;
use crate::state::{Body, Snapshot};
use crate::ty::Ty;
use opforge_schema::{Lower, Term};
use opforge_tables::ISA;
use opforge_vm::builder::Label;
use opforge_vm::ids::Reg;
use opforge_vm::{ValueType, emit};

const BOOL: Ty = Ty::Value(ValueType::Bool);
const I64: Ty = Ty::Value(ValueType::I64);
const U64: Ty = Ty::Value(ValueType::U64);

impl Body<'_, '_, '_> {
    /// The whole body.
    pub(crate) fn whole(&mut self) {
        if self.block(0) && !(self.choices.chance(15) && self.leave_by_tail_call()) {
            self.leave(Term::Return);
        }
        if self.choices.chance(8) {
            self.dead_block();
        }
    }

    /// A few statements. Whether control goes on behind them.
    fn block(&mut self, depth: usize) -> bool {
        // A body as a whole is longer than what is nested in it.
        let most = self.config.max_statements * if depth == 0 { 3 } else { 1 };
        for _ in 0..1 + self.choices.below(most) {
            if self.left == 0 || self.choices.is_empty() {
                break;
            }
            self.left -= 1;
            if !self.statement(depth) {
                return false;
            }
        }
        true
    }

    fn statement(&mut self, depth: usize) -> bool {
        let nest = depth < self.config.max_depth;
        match self.choices.below(100) {
            78..=83 if nest => self.if_else(depth),
            84..=87 if nest => self.counted_loop(depth),
            88 if nest => self.open_loop(depth),
            89..=90 if nest => {
                if !self.is_peer() && self.choices.chance(50) {
                    self.table(depth)
                } else {
                    self.switch(depth)
                }
            }
            91..=93 => self.guarded_call(),
            94..=95 if !self.loops.is_empty() => self.break_if(),
            96..=98 => self.leave_if(),
            99 if depth > 0 => {
                self.early();
                false
            }
            _ => self.plain(),
        }
    }

    /// An instruction that ends no block.
    fn plain(&mut self) -> bool {
        for _ in 0..4 {
            let didx = self.choices.pick(&self.world.plain).copied();
            if didx.is_some_and(|didx| self.row(didx)) || self.choices.is_empty() {
                break;
            }
        }
        true
    }

    /// A truth value, mostly of a comparison just before.
    fn condition(&mut self) -> Reg {
        if self.choices.chance(75)
            && let Some(&didx) = self.choices.pick(&self.world.tests)
            && self.row(didx)
            && let Some(reg) = self.last
        {
            return reg;
        }
        self.read(&BOOL, Taste::Wild)
    }

    fn br(&mut self, cond: Reg, yes: Label, no: Label) {
        emit!(self.func, Br, cond, yes, no).expect("a branch");
    }

    fn jmp(&mut self, to: Label) {
        emit!(self.func, Jmp, to).expect("a jump");
    }

    /// Ends the function: returns or traps.
    fn leave(&mut self, term: Term) {
        let ends = |&didx: &u16| ISA.op(didx).is_some_and(|row| row.term() == term);
        let ways: Vec<u16> = (0..ISA.ops.len() as u16).filter(ends).collect();
        let didx = self.choices.pick(&ways).copied();
        if !didx.is_some_and(|didx| self.row(didx)) {
            unreachable!("no way to leave by {term:?}");
        }
    }

    /// Ends the function with a call in its place; false if no callee fits.
    fn leave_by_tail_call(&mut self) -> bool {
        let ends = |&didx: &u16| ISA.op(didx).is_some_and(|row| row.term() == Term::TailCall);
        let ways: Vec<u16> = (0..ISA.ops.len() as u16).filter(ends).collect();
        let didx = self.choices.pick(&ways).copied();
        !self.is_peer() && didx.is_some_and(|didx| self.row(didx))
    }

    fn leave_either(&mut self) {
        if self.choices.chance(30) && self.leave_by_tail_call() {
            return;
        }
        let term = if self.choices.chance(35) { Term::Trap } else { Term::Return };
        self.leave(term);
    }

    /// Leaves for good, and sometimes writes code that nothing reaches behind it.
    fn early(&mut self) {
        self.leave_either();
        if self.choices.chance(10) {
            self.dead_block();
        }
    }

    fn dead_block(&mut self) {
        self.dead = true;
        let label = self.func.label();
        self.place(label);
        for _ in 0..1 + self.choices.below(3) {
            // The peer gives registers that only dead code writes no type.
            if self.is_peer() {
                emit!(self.func, Nop).expect("nothing");
            } else {
                self.plain();
            }
        }
        if self.is_peer() || self.choices.chance(30) {
            self.jmp(label);
        } else {
            self.leave_either();
        }
        self.dead = false;
    }

    /// Leaves if something holds.
    fn leave_if(&mut self) -> bool {
        let cond = self.condition();
        let (out, on) = (self.func.label(), self.func.label());
        self.br(cond, out, on);
        let before = self.snapshot();
        self.place(out);
        self.early();
        self.restore(&before);
        self.place(on);
        true
    }

    fn break_if(&mut self) -> bool {
        let at = self.choices.below(self.loops.len());
        let exit = self.loops[at].0;
        self.loops[at].1 = true;
        let cond = self.condition();
        let on = self.func.label();
        if self.choices.chance(50) {
            self.br(cond, exit, on);
        } else {
            self.br(cond, on, exit);
        }
        self.place(on);
        true
    }

    /// One arm of a branch: its statements, then on to the end. What holds there, if control gets there.
    fn arm(&mut self, depth: usize, before: &Snapshot, at: Label, end: Label) -> Option<Snapshot> {
        self.restore(before);
        self.place(at);
        if !self.block(depth + 1) {
            return None;
        }
        self.jmp(end);
        Some(self.snapshot())
    }

    /// Places the end of arms, if any of them gets there.
    fn end(&mut self, arms: Vec<Option<Snapshot>>, end: Label) -> bool {
        let mut arms = arms.into_iter().flatten();
        let Some(first) = arms.next() else { return false };
        self.restore(&first);
        for arm in arms {
            self.meet(&arm);
        }
        self.place(end);
        true
    }

    fn if_else(&mut self, depth: usize) -> bool {
        let cond = self.condition();
        let (yes, no, end) = (self.func.label(), self.func.label(), self.func.label());
        let before = self.snapshot();
        match self.choices.below(10) {
            // Both ways lead to one place.
            9 => {
                self.br(cond, end, end);
                self.place(end);
                true
            }
            6..=8 => {
                self.br(cond, yes, end);
                let arm = self.arm(depth, &before, yes, end);
                self.end(vec![arm, Some(before)], end)
            }
            _ => {
                self.br(cond, yes, no);
                let arms = vec![self.arm(depth, &before, yes, end), self.arm(depth, &before, no, end)];
                self.end(arms, end)
            }
        }
    }

    /// A chain of comparisons of one value, each with an arm.
    fn switch(&mut self, depth: usize) -> bool {
        let value = self.read(&U64, Taste::Wild);
        let end = self.func.label();
        let mut arms = Vec::new();
        for case in 0..2 + self.choices.below(3) as u64 {
            let (yes, no) = (self.func.label(), self.func.label());
            self.pins.push(value);
            let constant = self.target(&U64);
            emit!(self.func, ConstU64, constant, case).expect("a constant");
            self.written(constant, U64, false, None);
            let cond = self.target(&BOOL);
            self.pins.pop();
            emit!(self.func, U64Eq, cond, value, constant).expect("a comparison");
            self.written(cond, BOOL, false, None);
            self.br(cond, yes, no);
            let left = self.snapshot();
            arms.push(self.arm(depth, &left, yes, end));
            self.restore(&left);
            self.place(no);
        }
        if self.block(depth + 1) {
            self.jmp(end);
            arms.push(Some(self.snapshot()));
        }
        self.end(arms, end)
    }

    /// A number for a branch table, mostly one that has an entry.
    fn table_index(&mut self) -> Reg {
        let value = self.read(&U64, Taste::Wild);
        if self.choices.chance(25) {
            return value;
        }
        self.pins.push(value);
        let mask = self.target(&U64);
        emit!(self.func, ConstU64, mask, [1u64, 3, 7][self.choices.below(3)]).expect("a constant");
        self.written(mask, U64, false, None);
        let index = self.target(&U64);
        self.pins.pop();
        emit!(self.func, U64And, index, value, mask).expect("a mask");
        self.written(index, U64, false, None);
        index
    }

    /// Goes to one of these places, by a table that may name each any number of times.
    fn br_table(&mut self, index: Reg, to: &[Label]) {
        let entries: Vec<Label> =
            (0..self.choices.below(7)).filter_map(|_| self.choices.pick(to).copied()).collect();
        let default = *self.choices.pick(to).expect("there is a place to go to");
        emit!(self.func, BrTable, index, &*entries, default).expect("a branch table");
    }

    /// A branch table with arms, of which some lead to one place or out of a loop.
    fn table(&mut self, depth: usize) -> bool {
        let index = self.table_index();
        let end = self.func.label();
        let arms: Vec<Label> = (0..1 + self.choices.below(4)).map(|_| self.func.label()).collect();
        let mut to = arms.clone();
        to.push(end);
        if !self.loops.is_empty() && self.choices.chance(30) {
            let at = self.choices.below(self.loops.len());
            self.loops[at].1 = true;
            to.push(self.loops[at].0);
        }
        self.br_table(index, &to);
        let before = self.snapshot();
        let mut ends = vec![Some(before)];
        for at in arms {
            let before = self.snapshot();
            ends.push(self.arm(depth, &before, at, end));
            self.restore(&before);
        }
        self.end(ends, end)
    }

    /// A fresh register that only the loop writes.
    fn locked(&mut self, ty: &Ty) -> Reg {
        let reg = self.fresh(ty);
        self.state(reg).locked = true;
        reg
    }

    /// A loop that runs a few times, tested before or behind its body.
    fn counted_loop(&mut self, depth: usize) -> bool {
        if self.dead {
            return true;
        }
        let (i, count, one) = (self.locked(&U64), self.locked(&U64), self.locked(&U64));
        // Some turn often enough to be run for longer than a slice of fuel lasts.
        let most = if self.choices.chance(8) { self.choices.below(60) } else { self.choices.below(5) } as u64;
        for (reg, value) in [(i, 0), (count, most), (one, 1)] {
            emit!(self.func, ConstU64, reg, value).expect("a constant");
            self.written(reg, U64, false, None);
        }
        let more = self.target(&BOOL);
        let (head, body, exit) = (self.func.label(), self.func.label(), self.func.label());
        let behind = self.choices.chance(40);
        self.jmp(if behind { body } else { head });
        let before = self.snapshot();
        if !behind {
            self.place(head);
            emit!(self.func, U64Lt, more, i, count).expect("a comparison");
            self.written(more, BOOL, false, None);
            self.br(more, body, exit);
        }
        self.place(body);
        let (goes_on, broken) = self.loop_body(depth, exit);
        if goes_on {
            emit!(self.func, U64Add, i, i, one).expect("an increment");
            if behind {
                emit!(self.func, U64Lt, more, i, count).expect("a comparison");
                self.br(more, body, exit);
            } else {
                self.jmp(head);
            }
        }
        if behind && !goes_on && !broken {
            return false;
        }
        self.restore(&before);
        self.place(exit);
        true
    }

    /// The statements of a loop. Whether control gets to their end, and whether it breaks out of them.
    fn loop_body(&mut self, depth: usize, exit: Label) -> (bool, bool) {
        self.loops.push((exit, false));
        let goes_on = self.block(depth + 1);
        let broken = self.loops.pop().is_some_and(|(_, broken)| broken);
        (goes_on, broken)
    }

    /// A loop that only data or fuel ends.
    fn open_loop(&mut self, depth: usize) -> bool {
        let (head, exit) = (self.func.label(), self.func.label());
        self.jmp(head);
        let before = self.snapshot();
        self.place(head);
        let (goes_on, broken) = self.loop_body(depth, exit);
        let endless = goes_on && self.choices.chance(15);
        if endless {
            self.jmp(head);
        } else if goes_on && !self.is_peer() && self.choices.chance(30) {
            let index = self.table_index();
            self.br_table(index, &[head, exit]);
        } else if goes_on {
            let cond = self.condition();
            self.br(cond, head, exit);
        }
        if (endless || !goes_on) && !broken {
            return false;
        }
        self.restore(&before);
        self.place(exit);
        true
    }

    /// A call of a function that counts down, as long as this one's own counter is positive.
    fn guarded_call(&mut self) -> bool {
        let world = self.world;
        let counting: Vec<usize> =
            (0..world.funcs.len()).filter(|&f| world.funcs[f].counter.is_some()).collect();
        let Some(counter) = world.funcs[self.own].counter else { return self.plain() };
        let Some(&callee) = self.choices.pick(&counting) else { return self.plain() };
        let counter = self.func.param(counter as u32);
        let (zero, more) = (self.make(&I64, Taste::Tame(0)), self.target(&BOOL));
        emit!(self.func, I64Lt, more, zero, counter).expect("a comparison");
        self.written(more, BOOL, false, None);
        let (deeper, end) = (self.func.label(), self.func.label());
        self.br(more, deeper, end);
        let before = self.snapshot();
        self.place(deeper);
        let (one, left) = (self.make(&I64, Taste::Tame(1)), self.locked(&I64));
        emit!(self.func, I64Sub, left, counter, one).expect("a difference");
        self.written(left, I64, false, None);
        self.guarded = Some((callee, left));
        let own_results = world.funcs[callee].results == world.funcs[self.own].results;
        let tail = |&didx: &u16| ISA.op(didx).is_some_and(|row| row.lower() == Lower::TailCall);
        if own_results
            && !self.is_peer()
            && self.choices.chance(60)
            && let Some(didx) = (0..ISA.ops.len() as u16).find(tail)
            && self.row(didx)
        {
            self.guarded = None;
            self.restore(&before);
            self.place(end);
            return true;
        }
        let calls = |&didx: &u16| ISA.op(didx).is_some_and(|row| row.lower() == Lower::Call);
        if let Some(didx) = (0..ISA.ops.len() as u16).find(calls) {
            self.row(didx);
        }
        self.guarded = None;
        self.jmp(end);
        self.restore(&before);
        self.place(end);
        true
    }
}
