//! What word making needs to know about a whole function: which slots are constant, how often slots are
//! read, and which segments can be reached.

use crate::ids::InstrIx;
use crate::interp::word::OpWords;
use crate::lower::{ExecFunction, ExecInstr, Slot, Ways};
use alloc::vec;
use alloc::vec::Vec;

/// Facts about the slots and segments of one function.
pub(super) struct Facts {
    /// Times a slot is read by instructions that remain after immediates are folded.
    reads: Vec<u32>,
    /// Times a slot's value became an immediate.
    folds: Vec<u32>,
    /// How many of the reads are branches on a comparison that stands right before them, with which they fuse.
    tests: Vec<u32>,
    /// The value of a slot that is written exactly once, by a constant.
    constants: Vec<Option<u64>>,
    /// By segment: whether control can get there.
    reachable: Vec<bool>,
}

impl Facts {
    pub(super) fn of(function: &ExecFunction) -> Self {
        let slots = function.frame_slots as usize;
        let reachable = reachable_segments(function);
        let mut writes = vec![0u32; slots];
        let mut constants = vec![None; slots];
        for slot in 0..function.param_slots {
            bump(&mut writes, slot);
        }
        let mut facts = Self {
            reads: vec![0; slots],
            folds: vec![0; slots],
            tests: vec![0; slots],
            constants: Vec::new(),
            reachable,
        };
        facts.count_tests(function);
        for (_, instr) in facts.live(function) {
            instr.for_each_write(function, |slot| bump(&mut writes, slot));
            instr.for_each_read(function, |slot| bump(&mut facts.reads, slot));
            if let ExecInstr::Const { dst, value } = *instr
                && let Some(known) = constants.get_mut(dst as usize)
            {
                *known = Some(value);
            }
        }
        for (known, &count) in constants.iter_mut().zip(&writes) {
            if count != 1 {
                *known = None;
            }
        }
        facts.constants = constants;
        facts.fold_immediates(function);
        facts
    }

    fn count_tests(&mut self, function: &ExecFunction) {
        for (segment, &live) in function.segments.iter().zip(&self.reachable) {
            let code = function.instrs.get(segment.start.0 as usize..segment.end.0 as usize);
            if live
                && let Some([.., ExecInstr::Direct { op, dst, .. }, ExecInstr::Branch { cond, .. }]) = code
                && dst == cond
                && OpWords::of(*op).is_some_and(|words| words.branch.is_some())
            {
                bump(&mut self.tests, *cond);
            }
        }
    }

    /// Takes the reads that become immediates off the counts.
    fn fold_immediates(&mut self, function: &ExecFunction) {
        let folded: Vec<Slot> = self
            .live(function)
            .filter_map(|(_, instr)| match *instr {
                ExecInstr::Direct { args, .. } => self.immediate(instr).map(|_| args[1]),
                _ => None,
            })
            .collect();
        for slot in folded {
            if let Some(count) = self.reads.get_mut(slot as usize) {
                *count -= 1;
            }
            bump(&mut self.folds, slot);
        }
    }

    /// The instructions that control can reach.
    fn live<'f>(
        &self,
        function: &'f ExecFunction,
    ) -> impl Iterator<Item = (InstrIx, &'f ExecInstr)> + use<'f> {
        let segments: Vec<_> = function
            .segments
            .iter()
            .zip(&self.reachable)
            .filter_map(|(segment, &live)| live.then_some(*segment))
            .collect();
        segments.into_iter().flat_map(move |segment| {
            (segment.start.0..segment.end.0)
                .filter_map(move |i| Some((InstrIx(i), function.instrs.get(i as usize)?)))
        })
    }

    pub(super) fn reachable(&self, segment: usize) -> bool {
        self.reachable.get(segment).copied().unwrap_or(false)
    }

    /// How many instructions read a slot, those that take its value as an immediate not counted.
    pub(super) fn reads(&self, slot: Slot) -> u32 {
        self.reads.get(slot as usize).copied().unwrap_or(0)
    }

    /// Whether a slot is read by nothing but branches that fuse with the comparison before them, so that no
    /// comparison needs to be stored.
    pub(super) fn is_only_tested(&self, slot: Slot) -> bool {
        self.tests.get(slot as usize).is_some_and(|&tests| tests == self.reads(slot))
    }

    /// Whether nothing needs the slot because its value became an immediate everywhere. One that nothing reads at all
    /// stays: an embedder may look at registers, and programs that are worth the trouble have none.
    pub(super) fn is_folded_away(&self, slot: Slot) -> bool {
        let folded = self.folds.get(slot as usize).is_some_and(|&count| count > 0);
        folded && self.constants.get(slot as usize).is_some_and(Option::is_some) && self.reads(slot) == 0
    }

    /// The right operand as an immediate: a known constant that fits 32 signed bits, of an opcode with an
    /// immediate form. A register with one write holds that value wherever it is read, because the verifier
    /// proves it is written before.
    pub(super) fn immediate(&self, instr: &ExecInstr) -> Option<u32> {
        let ExecInstr::Direct { op, args, .. } = *instr else { return None };
        OpWords::of(op)?.imm?;
        let value = self.constants.get(args[1] as usize).copied()?? as i64;
        i32::try_from(value).ok().map(|imm| imm as u32)
    }
}

fn bump(counts: &mut [u32], slot: Slot) {
    if let Some(count) = counts.get_mut(slot as usize) {
        *count = count.saturating_add(1);
    }
}

fn reachable_segments(function: &ExecFunction) -> Vec<bool> {
    let mut reachable = vec![false; function.segments.len()];
    let index_of = |at: InstrIx| function.segments.partition_point(|s| s.start <= at).checked_sub(1);
    let mut work: Vec<usize> = index_of(InstrIx(0)).into_iter().collect();
    while let Some(index) = work.pop() {
        match reachable.get_mut(index) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        let Some(segment) = function.segments.get(index) else { continue };
        let last = segment.end.0.checked_sub(1).and_then(|last| function.instrs.get(last as usize));
        match last.map_or(Ways::On, |last| last.ways(function)) {
            Ways::On => work.push(index + 1),
            Ways::Either(then, other) => work.extend([then, other].into_iter().filter_map(index_of)),
            Ways::To(targets) => work.extend(targets.iter().copied().filter_map(index_of)),
        }
    }
    reachable
}
