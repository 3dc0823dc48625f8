//! Inference: the types of registers and of copied writes, as the least solution of what the writes say.
//!
//! Copied writes are nodes of a graph; what they copy from is a type fixed in the same block, another node of
//! the same block, or a register as it is at the start of the block. One pass in code order makes the graph,
//! then nodes are evaluated until nothing changes. A type widens at most three times and a tuple is built at
//! most twice, so all of it is linear in the code.

use super::lattice::{Lattice, UNSET};
use super::locals::{Locals, Write, element_index, for_each_write, same_regs};
use crate::types::TypeId;
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::cx::{FuncCx, Op};
use crate::verify::flow::Flow;
use crate::verify::reg_set::RegSet;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use opforge_schema::{OperandRow, TypeRule, Typestate};

/// Where a node takes a type from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Fixed(TypeId),
    Node(u32),
    /// The register at the start of the block.
    Reg(u32),
}

#[derive(Clone, Copy, Debug)]
enum NodeRule {
    Join,
    Tuple,
    Element(Option<u32>),
}

/// A copied write.
#[derive(Debug)]
struct Node {
    rule: NodeRule,
    dst: u32,
    value: TypeId,
    /// Its sources: a range of [`Graph::sources`].
    first: u32,
    end: u32,
    /// Sources before this one are known to have a type.
    known: u32,
    /// First of the nodes that copy from it.
    users: u32,
    queued: bool,
}

/// A link in a list of nodes to be told of a change.
#[derive(Debug)]
struct User {
    node: u32,
    next: u32,
}

/// The end of a list of users.
const NONE: u32 = u32::MAX;

/// Registers, writes and what they copy. Its arrays are used again for the next function.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// The types of the parameters.
    pub(super) params: Vec<TypeId>,
    /// The type of each register; [`UNSET`] where nothing writes it.
    pub(super) reg_types: Vec<TypeId>,
    /// Registers written with types of different classes; empty if there are none.
    pub(super) conflicts: Vec<bool>,
    /// First of the nodes that copy from each register; empty if there are none.
    reg_users: Vec<u32>,
    /// The copied writes, in code order.
    nodes: Vec<Node>,
    sources: Vec<Source>,
    users: Vec<User>,
    queue: VecDeque<u32>,
    locals: Locals<Source>,
    written: RegSet,
}

impl Graph {
    /// Finds the types of registers and copied writes, given those of the parameters.
    pub(super) fn infer(
        &mut self,
        cx: &FuncCx<'_>,
        flow: &Flow,
        lattice: &mut Lattice,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        self.reg_types.clear();
        self.reg_types.resize(cx.used_regs as usize, UNSET);
        self.conflicts.clear();
        self.reg_users.clear();
        self.nodes.clear();
        self.sources.clear();
        self.users.clear();
        self.queue.clear();
        self.locals.begin(cx.used_regs, Source::Reg(0));
        for (slot, &ty) in self.reg_types.iter_mut().zip([TypeId::UNIT].iter().chain(&self.params)) {
            *slot = ty;
        }
        let mut written = core::mem::take(&mut self.written);
        written.begin(cx.used_regs);
        self.build(cx, flow, &mut written, lattice, budget)?;
        self.written = written;
        self.solve(lattice, budget)
    }

    /// The type of each copied write, in code order.
    pub(super) fn copies(&self) -> impl Iterator<Item = TypeId> {
        self.nodes.iter().map(|node| node.value)
    }

    /// Joins all fixed writes into their registers and makes a node of every other.
    fn build(
        &mut self,
        cx: &FuncCx<'_>,
        flow: &Flow,
        written: &mut RegSet,
        lattice: &mut Lattice,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let mut pending: Vec<(u32, Source)> = Vec::new();
        for block in 0..flow.starts.len() as u32 {
            self.locals.enter_block();
            if block == 0 && !flow.entry_is_target {
                // Without a way back, the first block starts with the arguments as they were passed.
                (1u32..).zip(&self.params).for_each(|(reg, &ty)| self.locals.set(reg, Source::Fixed(ty)));
            }
            let (start, end) = flow.range(block);
            for (ix, registers) in cx.steps(start, end) {
                if registers.is_simple() {
                    if let Some((reg, ty)) = registers.write() {
                        self.write(reg, Source::Fixed(ty), lattice, budget)?;
                    }
                    continue;
                }
                let Some(op) = cx.op_at(ix) else { continue };
                for_each_write(cx, &op, written, lattice, |reg, write| {
                    let source = match write {
                        Write::Fixed(ty) => Source::Fixed(ty.unwrap_or(UNSET)),
                        Write::Copied(row) => Source::Node(self.add_node(&op, row, reg, budget)?),
                    };
                    pending.push((reg, source));
                    Ok(())
                })?;
                for (reg, source) in pending.drain(..) {
                    self.write(reg, source, lattice, budget)?;
                }
                if op.row.typestate() == Typestate::Abort {
                    // Registers are what they were at the fork: what this block wrote is no longer known.
                    self.locals.enter_block();
                }
            }
        }
        Ok(())
    }

    /// The block writes a register.
    fn write(
        &mut self,
        reg: u32,
        source: Source,
        lattice: &mut Lattice,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        self.locals.set(reg, source);
        if let Source::Fixed(ty) = source {
            self.join_reg(reg, ty, lattice, budget)?;
        }
        Ok(())
    }

    fn add_node(
        &mut self,
        op: &Op<'_>,
        row: &OperandRow,
        dst: u32,
        budget: &mut Budget,
    ) -> Result<u32, Exhausted> {
        let node = self.nodes.len() as u32;
        if node == 0 {
            self.reg_users.resize(self.reg_types.len(), NONE);
        }
        let first = self.sources.len();
        let locals = &self.locals;
        let source = |reg: u32| locals.get(reg).unwrap_or(Source::Reg(reg));
        let rule = match row.ty() {
            TypeRule::Same => {
                self.sources.extend(same_regs(op, row.arg).map(source));
                NodeRule::Join
            }
            rule => {
                let from = op.operand(row.arg).map(|(_, value)| value);
                self.sources.extend(from.into_iter().flat_map(|value| value.entries()).map(source));
                let element = || NodeRule::Element(element_index(op, row.arg));
                if rule == TypeRule::TupleOf { NodeRule::Tuple } else { element() }
            }
        };
        let count = self.sources.len() - first;
        budget.memory_for::<Node>(2)?;
        budget.memory_for::<(Source, User)>(count.saturating_mul(2))?;
        for i in first..self.sources.len() {
            let head = match self.sources.get(i) {
                Some(&Source::Reg(reg)) => self.reg_users.get_mut(reg as usize),
                Some(&Source::Node(node)) => self.nodes.get_mut(node as usize).map(|node| &mut node.users),
                Some(Source::Fixed(_)) | None => None,
            };
            if let Some(head) = head {
                let next = core::mem::replace(head, self.users.len() as u32);
                self.users.push(User { node, next });
            }
        }
        let (first, end) = (first as u32, self.sources.len() as u32);
        self.nodes.push(Node {
            rule,
            dst,
            value: UNSET,
            first,
            end,
            known: first,
            users: NONE,
            queued: true,
        });
        self.queue.push_back(node);
        Ok(node)
    }

    fn solve(&mut self, lattice: &mut Lattice, budget: &mut Budget) -> Result<(), Exhausted> {
        while let Some(ix) = self.queue.pop_front() {
            budget.work(8)?;
            let Some(node) = self.nodes.get_mut(ix as usize) else { continue };
            node.queued = false;
            let (before, dst) = (node.value, node.dst);
            let Some(value) = self.evaluate(ix, lattice, budget)? else { continue };
            let after = if before == UNSET { Some(value) } else { lattice.join(before, value, budget)? };
            let Some(after) = after.filter(|&after| after != before) else { continue };
            if let Some(node) = self.nodes.get_mut(ix as usize) {
                node.value = after;
                let users = node.users;
                self.wake(users);
            }
            if self.join_reg(dst, after, lattice, budget)? {
                self.wake(self.reg_users.get(dst as usize).copied().unwrap_or(NONE));
            }
        }
        Ok(())
    }

    /// What a node's sources say now; `None` if they say nothing yet.
    fn evaluate(
        &mut self,
        ix: u32,
        lattice: &mut Lattice,
        budget: &mut Budget,
    ) -> Result<Option<TypeId>, Exhausted> {
        let Some(node) = self.nodes.get(ix as usize) else { return Ok(None) };
        let (first, end, known, value) = (node.first, node.end, node.known, node.value);
        match node.rule {
            NodeRule::Element(index) => Ok(self.source(first).and_then(|agg| lattice.element(agg, index))),
            NodeRule::Join => {
                let mut joined = None;
                for ty in (first..end).filter_map(|at| self.source(at)) {
                    joined = match joined {
                        None => Some(ty),
                        // Different classes are an error that the check reports.
                        Some(before) => Some(lattice.join(before, ty, budget)?.unwrap_or(before)),
                    };
                }
                Ok(joined)
            }
            // A source changed: whatever it is now, the flat type covers it.
            NodeRule::Tuple if value != UNSET => lattice.flat(value, budget).map(Some),
            NodeRule::Tuple => {
                let missing = (known..end).find(|&at| self.source(at).is_none());
                if let Some(node) = self.nodes.get_mut(ix as usize) {
                    node.known = missing.unwrap_or(end);
                }
                if missing.is_some() {
                    return Ok(None);
                }
                budget.work((end - first) as usize)?;
                let elems: Vec<TypeId> = (first..end).filter_map(|at| self.source(at)).collect();
                lattice.tuple(&elems, budget).map(Some)
            }
        }
    }

    /// The type of a source, if it has one by now.
    fn source(&self, at: u32) -> Option<TypeId> {
        let ty = match *self.sources.get(at as usize)? {
            Source::Fixed(ty) => ty,
            Source::Node(node) => self.nodes.get(node as usize)?.value,
            Source::Reg(reg) => *self.reg_types.get(reg as usize)?,
        };
        (ty != UNSET).then_some(ty)
    }

    /// Widens a register's type to cover `ty`; whether it changed.
    fn join_reg(
        &mut self,
        reg: u32,
        ty: TypeId,
        lattice: &mut Lattice,
        budget: &mut Budget,
    ) -> Result<bool, Exhausted> {
        let Some(slot) = self.reg_types.get_mut(reg as usize) else { return Ok(false) };
        if *slot == ty || ty == UNSET {
            return Ok(false);
        }
        let joined = if *slot == UNSET { Some(ty) } else { lattice.join(*slot, ty, budget)? };
        match joined {
            Some(joined) => {
                let changed = *slot != joined;
                *slot = joined;
                Ok(changed)
            }
            None => {
                self.conflicts.resize(self.reg_types.len(), false);
                if let Some(conflict) = self.conflicts.get_mut(reg as usize) {
                    *conflict = true;
                }
                Ok(false)
            }
        }
    }

    /// Queues a list of users.
    fn wake(&mut self, mut at: u32) {
        while let Some(&User { node, next }) = self.users.get(at as usize) {
            if let Some(user) = self.nodes.get_mut(node as usize).filter(|user| !user.queued) {
                user.queued = true;
                self.queue.push_back(node);
            }
            at = next;
        }
    }
}
