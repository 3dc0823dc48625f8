//! What `abort` leaves uninitialised.
//!
//! An abort gives every register the value that it had at the fork. One that was not written by then has none, though
//! every path to a read may lead over a write. So in functions with aborts every register is followed again, forward:
//! a bit a register and block says "has a value on every path to the start of the block", and behind an abort those
//! bits are what they were at its fork. Memory safety needs this, so it does not rely on speculations nesting well:
//! where it is not known which fork an abort goes back to, it may be any of the function.

use super::flow::Aborts;
use crate::ids::{InstrIx, Reg};
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::cx::{FuncCx, Op};
use crate::verify::error::VerifyErrorKind;
use crate::verify::flow::Flow;
use crate::verify::report::FuncErrors;
use alloc::collections::BinaryHeap;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;
use opforge_schema::{Access, Typestate};

/// A bit for each register.
type Bits = Vec<u64>;

#[derive(Debug)]
struct Solver<'c, 'a> {
    cx: &'c FuncCx<'a>,
    flow: &'c Flow,
    aborts: &'c Aborts,
    /// Words of a set.
    words: usize,
    /// At the start of each block; empty where nothing has led yet.
    entries: Vec<Bits>,
    /// At each fork, by instruction.
    forks: Vec<(InstrIx, Bits)>,
    /// Blocks to be looked at.
    queue: BinaryHeap<Reverse<u32>>,
    queued: Vec<bool>,
}

/// Checks the reads of a function with aborts. Those that no abort is needed for are reported elsewhere.
pub(super) fn check(
    cx: &FuncCx<'_>,
    flow: &Flow,
    aborts: &Aborts,
    budget: &mut Budget,
    errors: &mut FuncErrors,
) -> Result<(), Exhausted> {
    if !errors.is_empty() {
        return Ok(());
    }
    let mark = budget.mark();
    let words = (cx.used_regs as usize).div_ceil(64);
    let forks: Vec<InstrIx> =
        cx.all_ops().filter(|op| op.row.typestate() == Typestate::Fork).map(|op| op.ix).collect();
    budget.memory_for::<u64>((flow.starts.len() + forks.len() + 2).saturating_mul(words + 4))?;
    let mut solver = Solver {
        cx,
        flow,
        aborts,
        words,
        entries: vec![Vec::new(); flow.starts.len()],
        // Until a fork is come to, an abort that goes back to it is not come to either.
        forks: forks.into_iter().map(|ix| (ix, vec![u64::MAX; words])).collect(),
        queue: BinaryHeap::new(),
        queued: vec![false; flow.starts.len()],
    };
    solver.solve(budget)?;
    solver.report(budget, errors)?;
    budget.release_to(mark);
    Ok(())
}

fn set(bits: &mut [u64], reg: u32) {
    if let Some(word) = bits.get_mut(reg as usize / 64) {
        *word |= 1 << (reg % 64);
    }
}

fn has(bits: &[u64], reg: u32) -> bool {
    bits.get(reg as usize / 64).is_none_or(|word| word >> (reg % 64) & 1 == 1)
}

/// Keeps what is in both; whether something is lost.
fn keep_common(bits: &mut [u64], other: &[u64]) -> bool {
    let mut lost = 0;
    for (word, other) in bits.iter_mut().zip(other) {
        lost |= *word & !other;
        *word &= other;
    }
    lost != 0
}

impl<'a> Solver<'_, 'a> {
    fn solve(&mut self, budget: &mut Budget) -> Result<(), Exhausted> {
        let mut start = vec![0; self.words];
        (0..=self.cx.sig.params.len() as u32).for_each(|reg| set(&mut start, reg));
        self.enter(0, &start, budget)?;
        while let Some(Reverse(position)) = self.queue.pop() {
            let Some(&block) = self.flow.order.get(position as usize) else { continue };
            if let Some(queued) = self.queued.get_mut(block as usize) {
                *queued = false;
            }
            self.leave(block, budget)?;
        }
        Ok(())
    }

    fn enter(&mut self, block: u32, bits: &[u64], budget: &mut Budget) -> Result<(), Exhausted> {
        budget.work(self.words + 4)?;
        let Some(entry) = self.entries.get_mut(block as usize) else { return Ok(()) };
        let changed = if entry.is_empty() {
            entry.extend_from_slice(bits);
            true
        } else {
            keep_common(entry, bits)
        };
        if changed {
            self.wake(block);
        }
        Ok(())
    }

    fn wake(&mut self, block: u32) {
        if let Some(queued) = self.queued.get_mut(block as usize).filter(|queued| !**queued) {
            *queued = true;
            self.queue.push(Reverse(self.flow.position(block)));
        }
    }

    fn leave(&mut self, block: u32, budget: &mut Budget) -> Result<(), Exhausted> {
        let Some(entry) = self.entries.get(block as usize) else { return Ok(()) };
        let mut bits = entry.clone();
        let (start, end) = self.flow.range(block);
        let mut choice = None;
        for op in self.cx.ops(start, end) {
            budget.work(8)?;
            self.step(&op, &mut bits, budget)?;
            if op.row.typestate() == Typestate::Choose {
                choice = Some(op);
            }
        }
        let dsts = choice.and_then(|op| op.operand(2)).map_or(&[][..], |(_, value)| value.list());
        for (n, &next) in self.flow.succs(block).iter().enumerate() {
            let Some(&dst) = dsts.get(n) else {
                self.enter(next, &bits, budget)?;
                continue;
            };
            budget.work(self.words)?;
            let mut bits = bits.clone();
            set(&mut bits, dst);
            self.enter(next, &bits, budget)?;
        }
        Ok(())
    }

    /// What an instruction does to the set. A fork that loses something wakes the aborts that go back to it.
    fn step(&mut self, op: &Op<'a>, bits: &mut Bits, budget: &mut Budget) -> Result<(), Exhausted> {
        match op.row.typestate() {
            Typestate::Fork => {
                budget.work(self.words)?;
                let at = self.forks.binary_search_by_key(&op.ix, |&(ix, _)| ix).ok();
                let fork = at.and_then(|at| self.forks.get_mut(at));
                if fork.is_some_and(|(_, fork)| keep_common(fork, bits)) {
                    self.wake_aborts(budget)?;
                }
            }
            Typestate::Abort => self.restore(op.ix, bits, budget)?,
            // What a choice writes depends on where it goes.
            Typestate::Choose => {}
            _ => {
                let writes = op.accessing(Access::Write).flat_map(|(_, value)| value.entries());
                writes.for_each(|reg| set(bits, reg));
            }
        }
        Ok(())
    }

    fn wake_aborts(&mut self, budget: &mut Budget) -> Result<(), Exhausted> {
        let aborts = self.aborts;
        budget.work(aborts.len().saturating_mul(4))?;
        for &(ix, _) in aborts {
            let block = self.flow.starts.partition_point(|&start| start <= ix).saturating_sub(1);
            if self.entries.get(block).is_some_and(|entry| !entry.is_empty()) {
                self.wake(block as u32);
            }
        }
        Ok(())
    }

    /// The set of the fork that an abort goes back to.
    fn restore(&self, abort: InstrIx, bits: &mut Bits, budget: &mut Budget) -> Result<(), Exhausted> {
        let at = self.aborts.binary_search_by_key(&abort, |&(ix, _)| ix).ok();
        let fork = at.and_then(|at| self.aborts.get(at)).and_then(|&(_, fork)| fork);
        for (ix, set) in &self.forks {
            if fork.is_none_or(|fork| fork == *ix) {
                budget.work(self.words)?;
                keep_common(bits, set);
            }
        }
        Ok(())
    }

    fn report(&mut self, budget: &mut Budget, errors: &mut FuncErrors) -> Result<(), Exhausted> {
        for &block in &self.flow.order {
            let mut bits = self.entries.get(block as usize).cloned().unwrap_or_default();
            let (start, end) = self.flow.range(block);
            for op in self.cx.ops(start, end) {
                budget.work(8)?;
                let reads = op.accessing(Access::Read).flat_map(|(_, value)| value.entries());
                for reg in reads {
                    if !has(&bits, reg) {
                        errors.add_at(op.pc(), VerifyErrorKind::ReadAfterAbort { reg: Reg(reg) });
                        set(&mut bits, reg);
                    }
                }
                self.step(&op, &mut bits, budget)?;
            }
        }
        Ok(())
    }
}
