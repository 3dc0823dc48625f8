//! Control flow: branch targets, basic blocks, terminators, reachability.

use super::cx::FuncCx;
use super::error::{InvalidJumpTargetReason, VerifyErrorKind};
use super::report::{FuncErrors, pc_of};
use crate::ids::InstrIx;
use alloc::vec;
use alloc::vec::Vec;
use opforge_schema::Term;

/// The basic blocks of a function, numbered in code order.
#[derive(Debug)]
pub(super) struct Flow {
    /// First instruction of each block.
    pub(super) starts: Vec<InstrIx>,
    /// The reachable blocks in reverse postorder: a block comes before those it leads to, loops apart.
    pub(super) order: Vec<u32>,
    /// Whether some branch leads to the first block.
    pub(super) entry_is_target: bool,
    /// Where each block stands in `order`.
    positions: Vec<u32>,
    succs: Vec<u32>,
    /// Where each block's successors end in `succs`.
    succ_ends: Vec<u32>,
    instr_count: u32,
}

/// Checks targets and terminators and cuts the code into blocks; `None` if one of them is wrong.
pub(super) fn check_flow(cx: &FuncCx<'_>, errors: &mut FuncErrors) -> Option<Flow> {
    let before = errors.len();
    let Ends { targets, terminators } = check_targets(cx, errors);
    let starts = block_starts(cx, &targets, &terminators);
    let mut flow = Flow {
        starts,
        order: Vec::new(),
        positions: Vec::new(),
        entry_is_target: targets.contains(&InstrIx(0)),
        succs: Vec::new(),
        succ_ends: Vec::new(),
        instr_count: cx.code.instrs().len() as u32,
    };
    check_terminators(cx, &flow, errors);
    if errors.len() > before || errors.is_full() {
        return None;
    }
    flow.link(cx, &targets);
    flow.order = flow.reverse_postorder();
    flow.positions = flow.order_positions();
    Some(flow)
}

/// Where blocks end, and where branches lead, both in code order.
#[derive(Debug, Default)]
struct Ends {
    targets: Vec<InstrIx>,
    terminators: Vec<InstrIx>,
}

/// Every branch target is the start of an instruction.
fn check_targets(cx: &FuncCx<'_>, errors: &mut FuncErrors) -> Ends {
    let mut ends = Ends::default();
    for op in cx.all_ops().filter(|op| op.row.term != Term::None.code()) {
        ends.terminators.push(op.ix);
        if op.row.term() != Term::Branch {
            continue;
        }
        for (_, value) in op.operands().filter(|(row, _)| row.kind().is_target()) {
            for target in value.entries() {
                if let Some(ix) = cx.code.at_pc(target) {
                    ends.targets.push(ix);
                    continue;
                }
                let reason = if target < cx.code.byte_len() {
                    InvalidJumpTargetReason::NotInstructionBoundary
                } else {
                    InvalidJumpTargetReason::OutOfRange
                };
                errors.add_at(op.pc(), VerifyErrorKind::InvalidJumpTarget { target, reason });
            }
        }
    }
    ends
}

/// A block starts at the first instruction, at every target and behind every terminator.
fn block_starts(cx: &FuncCx<'_>, targets: &[InstrIx], terminators: &[InstrIx]) -> Vec<InstrIx> {
    let count = cx.code.instrs().len();
    let mut leads = vec![false; count];
    let mut lead = |ix: usize| {
        if let Some(slot) = leads.get_mut(ix) {
            *slot = true;
        }
    };
    lead(0);
    targets.iter().for_each(|target| lead(target.index()));
    terminators.iter().for_each(|last| lead(last.index() + 1));
    (0u32..).zip(leads).filter(|&(_, leads)| leads).map(|(ix, _)| InstrIx(ix)).collect()
}

/// Every block, reachable or not, ends in a terminator: control never runs on into the next block.
fn check_terminators(cx: &FuncCx<'_>, flow: &Flow, errors: &mut FuncErrors) {
    for block in 0..flow.starts.len() as u32 {
        let (_, end) = flow.range(block);
        let last = InstrIx(end.0.saturating_sub(1));
        let term = cx.ops(last, end).next().map(|op| op.row.term());
        if term.is_none_or(|term| term == Term::None) {
            errors.add_at(pc_of(cx.code, last), VerifyErrorKind::MissingTerminator {});
        }
    }
}

impl Flow {
    /// The instructions of a block: from, and to before.
    pub(super) fn range(&self, block: u32) -> (InstrIx, InstrIx) {
        let at = |block: usize| self.starts.get(block).copied().unwrap_or(InstrIx(self.instr_count));
        (at(block as usize), at(block as usize + 1))
    }

    /// The blocks a block leads to.
    pub(super) fn succs(&self, block: u32) -> &[u32] {
        let end_of = |block: usize| self.succ_ends.get(block).map_or(0, |&end| end as usize);
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

    fn order_positions(&self) -> Vec<u32> {
        let mut positions = vec![u32::MAX; self.starts.len()];
        for (position, &block) in (0u32..).zip(&self.order) {
            if let Some(slot) = positions.get_mut(block as usize) {
                *slot = position;
            }
        }
        positions
    }

    /// Fills in successors. `targets` holds the targets of all branches in code order, and a branch is always
    /// the last instruction of its block.
    fn link(&mut self, cx: &FuncCx<'_>, targets: &[InstrIx]) {
        let block_of =
            |ix: &InstrIx| self.starts.partition_point(|start| start <= ix).saturating_sub(1) as u32;
        self.succs = targets.iter().map(block_of).collect();
        let mut end = 0;
        for block in 0..self.starts.len() as u32 {
            let (_, after) = self.range(block);
            let last = InstrIx(after.0.saturating_sub(1));
            for op in cx.ops(last, after).filter(|op| op.row.term() == Term::Branch) {
                let pcs = op.operands().filter(|(row, _)| row.kind().is_target());
                end += pcs.map(|(_, value)| value.entries().count() as u32).sum::<u32>();
            }
            self.succ_ends.push(end);
        }
    }

    fn reverse_postorder(&self) -> Vec<u32> {
        let mut seen = vec![false; self.starts.len()];
        let mut order = Vec::new();
        // Blocks being visited, with the number of successors already taken.
        let mut stack = vec![(0u32, 0usize)];
        if let Some(entry) = seen.first_mut() {
            *entry = true;
        }
        while let Some((block, taken)) = stack.last_mut() {
            if let Some(&next) = self.succs(*block).get(*taken) {
                *taken += 1;
                if let Some(seen) = seen.get_mut(next as usize).filter(|seen| !**seen) {
                    *seen = true;
                    stack.push((next, 0));
                }
            } else {
                order.push(*block);
                stack.pop();
            }
        }
        order.reverse();
        order
    }
}
