//! What word making needs to know about a whole function: which slots are constant, how often slots are
//! read, and which segments can be reached.

use crate::ids::InstrIx;
use crate::interp::word::OpWords;
use crate::lower::{ExecFunction, ExecInstr, Slot, Ways};
use alloc::vec;
use alloc::vec::Vec;

/// What is known about one slot.
#[derive(Clone, Copy, Default)]
struct SlotFacts {
    /// Times it is written.
    writes: u32,
    /// Times it is read by instructions that remain after immediates are folded.
    reads: u32,
    /// Times its value became an immediate.
    folds: u32,
    /// How many of the reads are branches on a comparison that stands right before them, with which they fuse.
    tests: u32,
    /// Its value, if it is written exactly once, by a constant.
    constant: Option<u64>,
}

/// Facts about the slots and segments of one function.
pub(super) struct Facts {
    slots: Vec<SlotFacts>,
    /// By segment: whether control can get there.
    reachable: Vec<bool>,
}

impl Facts {
    pub(super) fn of(function: &ExecFunction) -> Self {
        let mut facts = Self {
            slots: vec![SlotFacts::default(); function.frame_slots as usize],
            reachable: reachable_segments(function),
        };
        facts.slots.iter_mut().take(function.param_slots as usize).for_each(|slot| slot.writes = 1);
        facts.count_tests(function);
        if facts.count_uses(function) {
            facts.fold_immediates(function);
        }
        facts
    }

    fn slot(&self, slot: Slot) -> SlotFacts {
        self.slots.get(slot as usize).copied().unwrap_or_default()
    }

    fn count_tests(&mut self, function: &ExecFunction) {
        for (segment, &live) in function.segments.iter().zip(&self.reachable) {
            let code = function.instrs.get(segment.start.0 as usize..segment.end.0 as usize);
            if live
                && let Some([.., ExecInstr::Direct { op, dst, .. }, ExecInstr::Branch { cond, .. }]) = code
                && dst == cond
                && OpWords::of(*op).is_some_and(|words| words.branch.is_some())
            {
                bump(&mut self.slots, *cond, |slot| &mut slot.tests);
            }
        }
    }

    /// Counts reads and writes, and finds the constants. Whether there are any.
    fn count_uses(&mut self, function: &ExecFunction) -> bool {
        let slots = &mut self.slots;
        for instr in live(function, &self.reachable) {
            instr.for_each_write(function, |slot| bump(slots, slot, |slot| &mut slot.writes));
            instr.for_each_read(function, |slot| bump(slots, slot, |slot| &mut slot.reads));
            if let ExecInstr::Const { dst, value } = *instr
                && let Some(slot) = slots.get_mut(dst as usize)
            {
                slot.constant = Some(value);
            }
        }
        let mut any = false;
        for slot in slots {
            slot.constant = slot.constant.filter(|_| slot.writes == 1);
            any |= slot.constant.is_some();
        }
        any
    }

    /// Takes the reads that become immediates off the counts.
    fn fold_immediates(&mut self, function: &ExecFunction) {
        for instr in live(function, &self.reachable) {
            if let ExecInstr::Direct { args: [_, right, _], .. } = *instr
                && self.immediate(instr).is_some()
                && let Some(slot) = self.slots.get_mut(right as usize)
            {
                slot.reads -= 1;
                slot.folds = slot.folds.saturating_add(1);
            }
        }
    }

    pub(super) fn reachable(&self, segment: usize) -> bool {
        self.reachable.get(segment).copied().unwrap_or(false)
    }

    /// How many instructions read a slot, those that take its value as an immediate not counted.
    pub(super) fn reads(&self, slot: Slot) -> u32 {
        self.slot(slot).reads
    }

    /// Whether a slot is read by nothing but branches that fuse with the comparison before them, so that no
    /// comparison needs to be stored.
    pub(super) fn is_only_tested(&self, slot: Slot) -> bool {
        self.slots.get(slot as usize).is_some_and(|slot| slot.tests == slot.reads)
    }

    /// Whether nothing needs the slot because its value became an immediate everywhere. One that nothing reads at all
    /// stays: an embedder may look at registers, and programs that are worth the trouble have none.
    pub(super) fn is_folded_away(&self, slot: Slot) -> bool {
        let slot = self.slot(slot);
        slot.folds > 0 && slot.constant.is_some() && slot.reads == 0
    }

    /// The right operand as an immediate: a known constant that fits 32 signed bits, of an opcode with an
    /// immediate form. A register with one write holds that value wherever it is read, because the verifier
    /// proves it is written before.
    pub(super) fn immediate(&self, instr: &ExecInstr) -> Option<u32> {
        let ExecInstr::Direct { op, args, .. } = *instr else { return None };
        let value = self.slots.get(args[1] as usize)?.constant? as i64;
        OpWords::of(op)?.imm?;
        i32::try_from(value).ok().map(|imm| imm as u32)
    }
}

/// The instructions that control can reach.
fn live<'f>(function: &'f ExecFunction, reachable: &'f [bool]) -> impl Iterator<Item = &'f ExecInstr> {
    let segments = function.segments.iter().zip(reachable).filter(|(_, live)| **live);
    segments.flat_map(|(segment, _)| {
        function.instrs.get(segment.start.index()..segment.end.index()).unwrap_or(&[])
    })
}

fn bump(slots: &mut [SlotFacts], slot: Slot, count: impl FnOnce(&mut SlotFacts) -> &mut u32) {
    if let Some(slot) = slots.get_mut(slot as usize) {
        let count = count(slot);
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
