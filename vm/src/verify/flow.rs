//! Control flow: branch targets, basic blocks, terminators, reachability.

use super::cx::FuncCx;
use super::error::{InvalidJumpTargetReason, VerifyErrorKind};
use super::report::{FuncErrors, pc_of};
use crate::codec::Marks;
use crate::ids::InstrIx;
use alloc::vec::Vec;
use opforge_schema::Term;

/// The basic blocks of a function, numbered in code order. Its arrays are used again for the next function.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// First instruction of each block.
    pub(super) starts: Vec<InstrIx>,
    /// The reachable blocks in reverse postorder: a block comes before those it leads to, loops apart.
    pub(super) order: Vec<u32>,
    /// Whether some branch leads to the first block.
    pub(super) entry_is_target: bool,
    /// Where each block stands in `order`; `u32::MAX` for unreachable ones.
    positions: Vec<u32>,
    succs: Vec<u32>,
    /// The instructions at the ends of blocks, in code order, and where the blocks' successors end in `succs`.
    ends: Vec<(InstrIx, u32)>,
    instr_count: u32,
    /// Where branches lead, in code order.
    targets: Vec<InstrIx>,
    /// A bit for each instruction: whether a block starts there.
    leads: Vec<u64>,
    /// Blocks being visited, with the number of successors already taken.
    visiting: Vec<(u32, usize)>,
}

/// Checks targets and terminators and cuts the code into blocks; whether they are right. If not, nothing is known about
/// blocks.
pub(super) fn check_flow(cx: &FuncCx<'_>, flow: &mut Flow, errors: &mut FuncErrors) -> bool {
    let before = errors.len();
    flow.instr_count = cx.code.instrs().len() as u32;
    flow.check_targets(cx, errors);
    flow.cut();
    flow.check_terminators(cx, errors);
    if errors.len() > before || errors.is_full() {
        return false;
    }
    flow.link();
    flow.put_in_order();
    true
}

impl Flow {
    /// The instructions of a block: from, and to before.
    pub(super) fn range(&self, block: u32) -> (InstrIx, InstrIx) {
        let at = |block: usize| self.starts.get(block).copied().unwrap_or(InstrIx(self.instr_count));
        (at(block as usize), at(block as usize + 1))
    }

    /// The blocks a block leads to.
    pub(super) fn succs(&self, block: u32) -> &[u32] {
        let end_of = |block: usize| self.ends.get(block).map_or(0, |&(_, end)| end as usize);
        let start = (block as usize).checked_sub(1).map_or(0, end_of);
        self.succs.get(start..end_of(block as usize)).unwrap_or(&[])
    }

    /// Where a block stands in the order; `u32::MAX` if it is unreachable.
    pub(super) fn position(&self, block: u32) -> u32 {
        self.positions.get(block as usize).copied().unwrap_or(u32::MAX)
    }

    /// Whether each block is reachable.
    pub(super) fn reachable(&self) -> impl Iterator<Item = bool> {
        self.positions.iter().map(|&position| position != u32::MAX)
    }

    /// Every branch target is the start of an instruction.
    fn check_targets(&mut self, cx: &FuncCx<'_>, errors: &mut FuncErrors) {
        self.targets.clear();
        self.ends.clear();
        for (ix, instr) in cx.all_instrs().filter(|(_, instr)| instr.marks.has(Marks::TERMINATOR)) {
            if let Some(op) = cx.op(ix, instr).filter(|op| op.row.term() == Term::Branch) {
                for (_, value) in op.operands().filter(|(row, _)| row.kind().is_target()) {
                    for target in value.entries() {
                        match cx.code.at_pc(target) {
                            Some(ix) => self.targets.push(ix),
                            None => errors.add_at(op.pc(), bad_target(cx, target)),
                        }
                    }
                }
            }
            self.ends.push((ix, self.targets.len() as u32));
        }
        self.entry_is_target = self.targets.contains(&InstrIx(0));
    }

    /// A block starts at the first instruction, at every target and behind every terminator.
    fn cut(&mut self) {
        self.leads.clear();
        self.leads.resize((self.instr_count as usize).div_ceil(64), 0);
        let behind = self.ends.iter().map(|&(ix, _)| ix.0 + 1).filter(|&ix| ix < self.instr_count);
        for ix in behind.chain(self.targets.iter().map(|target| target.0)).chain([0]) {
            if let Some(word) = self.leads.get_mut(ix as usize / 64) {
                *word |= 1 << (ix % 64);
            }
        }
        self.starts.clear();
        for (at, &word) in self.leads.iter().enumerate() {
            let mut word = word;
            while word != 0 {
                self.starts.push(InstrIx(at as u32 * 64 + word.trailing_zeros()));
                word &= word - 1;
            }
        }
    }

    /// Every block, reachable or not, ends in a terminator: control never runs on into the next block.
    fn check_terminators(&self, cx: &FuncCx<'_>, errors: &mut FuncErrors) {
        let ends_of_blocks = self.starts.iter().skip(1).map(|start| start.0).chain([self.instr_count]);
        for last in ends_of_blocks.map(|end| InstrIx(end.saturating_sub(1))) {
            if !cx.code.instr(last).is_some_and(|instr| instr.marks.has(Marks::TERMINATOR)) {
                errors.add_at(pc_of(cx.code, last), VerifyErrorKind::MissingTerminator {});
            }
        }
    }

    /// Fills in successors: every block ends in a terminator and every terminator ends a block.
    fn link(&mut self) {
        let starts = &self.starts;
        let block_of = |ix: &InstrIx| starts.partition_point(|start| start <= ix).saturating_sub(1) as u32;
        self.succs.clear();
        self.succs.extend(self.targets.iter().map(block_of));
    }

    /// Puts the reachable blocks in reverse postorder.
    fn put_in_order(&mut self) {
        self.order.clear();
        self.positions.clear();
        self.positions.resize(self.starts.len(), u32::MAX);
        let mut visiting = core::mem::take(&mut self.visiting);
        self.visit(0, &mut visiting);
        while let Some((block, taken)) = visiting.last_mut() {
            if let Some(&next) = self.succs(*block).get(*taken) {
                *taken += 1;
                self.visit(next, &mut visiting);
            } else {
                self.order.push(*block);
                visiting.pop();
            }
        }
        self.visiting = visiting;
        self.order.reverse();
        for (position, &block) in (0u32..).zip(&self.order) {
            if let Some(slot) = self.positions.get_mut(block as usize) {
                *slot = position;
            }
        }
    }

    /// Begins to visit a block, if that has not happened yet.
    fn visit(&mut self, block: u32, visiting: &mut Vec<(u32, usize)>) {
        if let Some(position) = self.positions.get_mut(block as usize).filter(|at| **at == u32::MAX) {
            // Any place in the order, until all are known.
            *position = 0;
            visiting.push((block, 0));
        }
    }
}

fn bad_target(cx: &FuncCx<'_>, target: u32) -> VerifyErrorKind {
    let reason = if target < cx.code.byte_len() {
        InvalidJumpTargetReason::NotInstructionBoundary
    } else {
        InvalidJumpTargetReason::OutOfRange
    };
    VerifyErrorKind::InvalidJumpTarget { target, reason }
}
