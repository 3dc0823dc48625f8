//! Control: blocks of segments, the ways between them, and the ways in at the heads of loops.

use super::Translator;
use crate::analysis::Analysis;
use crate::context::Context;
use crate::error::JitError;
use cranelift_codegen::ir::{
    Block, InstBuilder, InstructionData, Value,
    condcodes::{CondCode, IntCC},
    types,
};
use cranelift_frontend::Switch;
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::{Slot, TargetList};

impl Translator<'_> {
    pub(super) fn run(&mut self) -> Result<(), JitError> {
        for index in 0..self.function.segments.len() {
            let reachable = self.analysis.reachable.get(index).copied().unwrap_or(false);
            let block = reachable.then(|| self.builder.create_block());
            self.blocks.push(block);
        }
        let first = self.blocks.first().copied().flatten().ok_or(self.internal())?;
        if let Some(count) = self.unsealed.first_mut() {
            *count += 1;
        }
        self.builder.ins().jump(first, &[]);
        self.edge_to(0);
        let entries = (!self.analysis.heads.is_empty()).then(|| self.builder.create_block());
        self.unmetered = entries;
        for (index, &segment) in self.function.segments.iter().enumerate() {
            let Some(block) = self.blocks.get(index).copied().flatten() else { continue };
            self.builder.switch_to_block(block);
            self.segment(index, segment)?;
        }
        if let Some(block) = entries {
            self.enter_at_heads(block)?;
        }
        self.finish_exits();
        Ok(())
    }

    /// Fills the block where the function goes if it is entered at the head of a loop: with the live slots of the
    /// interpreter's frame, and the meter, it goes there.
    fn enter_at_heads(&mut self, block: Block) -> Result<(), JitError> {
        self.builder.set_cold_block(block);
        self.builder.seal_block(block);
        self.builder.switch_to_block(block);
        let (flags, context) = (self.trusted(), self.context());
        let meter = self.builder.ins().load(types::I64, flags, context, Context::METER);
        let frame = self.builder.ins().load(types::I64, flags, context, Context::FRAME);
        let which = self.builder.ins().load(types::I64, flags, context, Context::NUMBER);
        self.builder.def_var(self.meter, meter);
        let heads = &self.analysis.heads;
        let mut switch = Switch::new();
        let mut blocks = Vec::with_capacity(heads.len());
        for number in 1..=heads.len() {
            let block = self.builder.create_block();
            self.builder.set_cold_block(block);
            switch.set_entry(number as u128, block);
            blocks.push(block);
        }
        // Numbers are those of `heads`; the last one stands for what cannot be.
        let otherwise = blocks.last().copied().ok_or(self.internal())?;
        switch.emit(&mut self.builder, which, otherwise);
        for (&head, block) in heads.iter().zip(blocks) {
            self.builder.seal_block(block);
            self.builder.switch_to_block(block);
            let live = self.analysis.live_in.get(head).ok_or(self.internal())?;
            for slot in live.iter() {
                let Some(ty) = self.types.get(slot) else { continue };
                let value = self.builder.ins().load(ty, flags, frame, slot as i32 * 8);
                self.write(slot, value);
            }
            let target = self.blocks.get(head).copied().flatten().ok_or(self.internal())?;
            self.builder.ins().jump(target, &[]);
            self.edge_to(head);
        }
        Ok(())
    }

    /// Notes that an edge to a segment is there; after the last one its block is complete from above.
    fn edge_to(&mut self, segment: usize) {
        let Some(count) = self.unsealed.get_mut(segment) else { return };
        *count = count.saturating_sub(1);
        if *count == 0
            && let Some(block) = self.blocks.get(segment).copied().flatten()
        {
            self.builder.seal_block(block);
        }
    }

    /// Goes on at the start of a segment.
    pub(super) fn go_to(&mut self, segment: usize) -> Result<(), JitError> {
        let block = self.blocks.get(segment).copied().flatten().ok_or(self.internal())?;
        self.give_back(self.charges.on_edge(self.index, segment));
        if self.analysis.repeats_head(self.index, segment) {
            // The test of the loop stands once more at its end, where it leads straight to the next turn.
            self.edge_to(segment);
            let head = self.function.segments.get(segment).copied().ok_or(self.internal())?;
            return self.segment(segment, head);
        }
        self.builder.ins().jump(block, &[]);
        self.edge_to(segment);
        self.ended = true;
        Ok(())
    }

    pub(super) fn branch(&mut self, cond: Slot, then: InstrIx, other: InstrIx) -> Result<(), JitError> {
        let cond = self.read(cond);
        let [then, other] = [then, other].map(|at| {
            let segment = Analysis::segment_at(self.function, at)?;
            Some((segment, self.blocks.get(segment).copied().flatten()?))
        });
        let targets = then.zip(other).ok_or(self.internal())?;
        let targets = [targets.0, targets.1];
        let backs = targets.map(|(segment, _)| self.charges.on_edge(self.index, segment));
        let mut edges = targets.map(|(_, block)| block);
        for (edge, back) in edges.iter_mut().zip(backs) {
            if back > 0 {
                *edge = self.builder.create_block();
            }
        }
        // The code generator lets the second target follow: it should be the one that stays in the loop.
        let leaves = targets.map(|(segment, _)| self.analysis.leaves_loop(self.index, segment));
        if leaves == [false, true] {
            let not = self.inverse(cond);
            self.builder.ins().brif(not, edges[1], &[], edges[0], &[]);
        } else {
            self.builder.ins().brif(cond, edges[0], &[], edges[1], &[]);
        }
        for ((target, edge), back) in targets.into_iter().zip(edges).zip(backs) {
            self.fill_edge(target, edge, back);
        }
        self.ended = true;
        Ok(())
    }

    /// Goes to one of many segments. There is one edge to each of them, however often the table names it.
    pub(super) fn branch_table(&mut self, index: Slot, targets: TargetList) -> Result<(), JitError> {
        let successors = self.analysis.successors.get(self.index).ok_or(self.internal())?;
        if let &[only] = successors.as_slice() {
            return self.go_to(only);
        }
        let mut edges = Vec::with_capacity(successors.len());
        for &segment in successors {
            let block = self.blocks.get(segment).copied().flatten().ok_or(self.internal())?;
            let back = self.charges.on_edge(self.index, segment);
            let edge = if back > 0 { self.builder.create_block() } else { block };
            edges.push((segment, block, edge, back));
        }
        let edge_of = |at: InstrIx| {
            let segment = Analysis::segment_at(self.function, at)?;
            let found = edges.binary_search_by_key(&segment, |edge| edge.0).ok()?;
            edges.get(found).map(|edge| edge.2)
        };
        let (&otherwise, entries) = self.function.targets(targets).split_last().ok_or(self.internal())?;
        let mut switch = Switch::new();
        for (number, &at) in entries.iter().enumerate() {
            switch.set_entry(number as u128, edge_of(at).ok_or(self.internal())?);
        }
        let otherwise = edge_of(otherwise).ok_or(self.internal())?;
        let index = self.read(index);
        switch.emit(&mut self.builder, index, otherwise);
        for (segment, block, edge, back) in edges {
            self.fill_edge((segment, block), edge, back);
        }
        self.ended = true;
        Ok(())
    }

    /// Writes what an edge to a segment does before it is there: where fuel is given back, `edge` is a block of its own.
    fn fill_edge(&mut self, (segment, block): (usize, Block), edge: Block, back: u64) {
        if edge != block {
            self.builder.switch_to_block(edge);
            self.builder.seal_block(edge);
            self.give_back(back);
            self.builder.ins().jump(block, &[]);
        }
        self.edge_to(segment);
    }

    /// The opposite of a truth value, as a comparison where it is the result of one.
    fn inverse(&mut self, cond: Value) -> Value {
        let dfg = &self.builder.func.dfg;
        match dfg.value_def(cond).inst().map(|inst| dfg.insts[inst]) {
            Some(InstructionData::IntCompare { cond, args, .. }) => {
                self.builder.ins().icmp(cond.complement(), args[0], args[1])
            }
            Some(InstructionData::FloatCompare { cond, args, .. }) => {
                self.builder.ins().fcmp(cond.complement(), args[0], args[1])
            }
            _ => {
                let zero = self.immediate(types::I8, 0);
                self.builder.ins().icmp(IntCC::Equal, cond, zero)
            }
        }
    }
}
