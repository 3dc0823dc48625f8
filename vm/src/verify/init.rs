//! Initialisation: every register that reachable code reads was written on all paths to the read.
//!
//! Only registers that some block reads before it writes them can be read uninitialised, so only those are
//! followed across blocks; parameters and the effect token are always written. A bit a register and block
//! says "written on every path to the start of the block". Registers are taken in groups, so that the bits
//! of one group stay within a few megabytes whatever the numbers of blocks and registers are.

use super::budget::{Budget, Exhausted};
use super::cx::FuncCx;
use super::error::VerifyErrorKind;
use super::flow::Flow;
use super::reg_set::RegSet;
use super::report::{FuncErrors, pc_of};
use crate::ids::{InstrIx, Reg};
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use opforge_schema::{Access, Typestate};

/// Most bytes for the bits of one group, as long as a word a block fits.
const GROUP_BYTES: usize = 4 << 20;

/// A read of a register that its block has not written before.
#[derive(Clone, Copy, Debug)]
struct Exposed {
    reg: u32,
    block: u32,
    pc: u32,
}

/// What is kept from function to function.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Registers that the block has written, or that were noted for it.
    settled: RegSet,
    exposed: Vec<Exposed>,
    /// Of a function with few registers, by block: those that it reads before it writes them.
    exposed_bits: Vec<u64>,
    group: Group,
}

/// Checks all reads of reachable blocks.
pub(super) fn check_init(
    cx: &FuncCx<'_>,
    flow: &Flow,
    scratch: &mut Scratch,
    budget: &mut Budget,
    errors: &mut FuncErrors,
) -> Result<(), Exhausted> {
    if scratch.few_are_written(cx, flow, budget)? {
        return Ok(());
    }
    scratch.find_exposed(cx, flow, budget)?;
    let Scratch { exposed, group, .. } = scratch;
    if exposed.is_empty() {
        return Ok(());
    }
    exposed.sort_unstable_by_key(|read| (read.reg, read.block));
    let Writes { blocks: writes, edges } = find_writes(cx, flow, exposed, budget)?;
    let regs = exposed.chunk_by(|a, b| a.reg == b.reg).count();
    let words = group_words(flow.starts.len()).min(regs.div_ceil(64));
    budget.memory_for::<u64>(flow.starts.len().saturating_mul(2 * words))?;
    group.begin(flow.starts.len(), words);
    let (mut reads, mut writes, mut edges) = (exposed.as_slice(), writes.as_slice(), edges.as_slice());
    while !reads.is_empty() {
        let regs = distinct_regs(reads, words * 64);
        let last = regs.last().copied().unwrap_or(u32::MAX);
        let (now, later) = reads.split_at(reads.partition_point(|read| read.reg <= last));
        let (now_written, later_written) = writes.split_at(writes.partition_point(|&(reg, _)| reg <= last));
        let (now_edges, later_edges) = edges.split_at(edges.partition_point(|edge| edge.reg <= last));
        (reads, writes, edges) = (later, later_written, later_edges);
        group.solve(flow, &regs, now_written, now_edges, budget)?;
        for read in now.iter().filter(|read| !group.is_written(&regs, read.reg, read.block)) {
            errors.add_at(read.pc, VerifyErrorKind::UninitializedRead { reg: Reg(read.reg) });
        }
    }
    Ok(())
}

impl Scratch {
    /// Whether all reads of a function whose registers are the bits of one word are of written registers. If this says
    /// no, the closer look tells which are not, or finds that all are.
    fn few_are_written(
        &mut self,
        cx: &FuncCx<'_>,
        flow: &Flow,
        budget: &mut Budget,
    ) -> Result<bool, Exhausted> {
        if cx.used_regs > u64::BITS {
            return Ok(false);
        }
        let blocks = flow.starts.len();
        budget.memory_for::<u64>(blocks.saturating_mul(3))?;
        let always = u64::MAX >> 63u32.saturating_sub(cx.sig.params.len() as u32);
        self.group.begin(blocks, 1);
        self.exposed_bits.clear();
        self.exposed_bits.resize(blocks, 0);
        let mut any = 0;
        for &block in &flow.order {
            let Some((exposed, writes)) = bits_of(cx, flow.range(block)) else { return Ok(false) };
            let at = block as usize;
            if let (Some(bits), Some(word)) = (self.exposed_bits.get_mut(at), self.group.writes.get_mut(at)) {
                (*bits, *word) = (exposed & !always, writes);
                any |= *bits;
            }
        }
        if any == 0 {
            return Ok(true);
        }
        self.group.run(flow, budget)?;
        Ok(self.exposed_bits.iter().zip(&self.group.entry).all(|(exposed, entry)| exposed & !entry == 0))
    }

    /// Finds the first read of each register in each reachable block that does not write it before.
    fn find_exposed(&mut self, cx: &FuncCx<'_>, flow: &Flow, budget: &mut Budget) -> Result<(), Exhausted> {
        budget.memory_for::<u32>(cx.used_regs as usize)?;
        self.settled.begin(cx.used_regs);
        self.exposed.clear();
        for &block in &flow.order {
            self.settled.clear();
            let (start, end) = flow.range(block);
            for (ix, registers) in cx.steps(start, end) {
                if registers.is_simple() {
                    for (reg, _) in registers.reads() {
                        self.read(cx, reg, block, ix, budget)?;
                    }
                    if let Some((reg, _)) = registers.write() {
                        self.settled.insert(reg);
                    }
                } else if let Some(op) = cx.op_at(ix) {
                    for reg in op.registers(Access::Read) {
                        self.read(cx, reg, block, ix, budget)?;
                    }
                    op.registers(Access::Write).for_each(|reg| _ = self.settled.insert(reg));
                }
            }
        }
        Ok(())
    }

    /// Notes a read, unless it is of a register that is always written, was written here or was noted before.
    #[inline(always)]
    fn read(
        &mut self,
        cx: &FuncCx<'_>,
        reg: u32,
        block: u32,
        ix: InstrIx,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        if reg as usize > cx.sig.params.len() && self.settled.insert(reg) {
            budget.memory_for::<Exposed>(2)?;
            self.exposed.push(Exposed { reg, block, pc: pc_of(cx.code, ix) });
        }
        Ok(())
    }
}

/// The registers that a block reads before it writes them, and those that it writes, where registers are the bits of one
/// word. `None` if it writes one only on one of its ways.
fn bits_of(cx: &FuncCx<'_>, (start, end): (InstrIx, InstrIx)) -> Option<(u64, u64)> {
    let bit = |reg: u32| 1u64.checked_shl(reg).unwrap_or(0);
    let (mut exposed, mut writes) = (0, 0);
    for (ix, registers) in cx.steps(start, end) {
        let (mut reads, mut written) = (0, 0);
        if registers.is_simple() {
            registers.reads().for_each(|(reg, _)| reads |= bit(reg));
            written = registers.write().map_or(0, |(reg, _)| bit(reg));
        } else if let Some(op) = cx.op_at(ix) {
            if op.row.typestate() == Typestate::Choose {
                return None;
            }
            op.registers(Access::Read).for_each(|reg| reads |= bit(reg));
            op.registers(Access::Write).for_each(|reg| written |= bit(reg));
        }
        exposed |= reads & !writes;
        writes |= written;
    }
    Some((exposed, writes))
}

/// A register that the instruction at the end of a block writes only on the way to one of the blocks it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct EdgeWrite {
    reg: u32,
    block: u32,
    /// Which of the ways, counted from 0.
    way: u32,
}

/// Writes of the exposed registers, by register.
#[derive(Debug)]
struct Writes {
    /// Register and block.
    blocks: Vec<(u32, u32)>,
    edges: Vec<EdgeWrite>,
}

/// Which reachable blocks write the exposed registers.
fn find_writes(
    cx: &FuncCx<'_>,
    flow: &Flow,
    exposed: &[Exposed],
    budget: &mut Budget,
) -> Result<Writes, Exhausted> {
    budget.memory_for::<u64>(cx.used_regs as usize)?;
    let (mut tracked, mut written) = (RegSet::default(), RegSet::default());
    tracked.begin(cx.used_regs);
    written.begin(cx.used_regs);
    for read in exposed {
        tracked.insert(read.reg);
    }
    let (mut writes, mut edges) = (Vec::new(), Vec::new());
    for &block in &flow.order {
        written.clear();
        let (start, end) = flow.range(block);
        let mut write = |reg, budget: &mut Budget| -> Result<(), Exhausted> {
            if tracked.contains(reg) && written.insert(reg) {
                budget.memory_for::<(u32, u32)>(2)?;
                writes.push((reg, block));
            }
            Ok(())
        };
        for (ix, registers) in cx.steps(start, end) {
            if registers.is_simple() {
                if let Some((reg, _)) = registers.write() {
                    write(reg, budget)?;
                }
                continue;
            }
            let Some(op) = cx.op_at(ix) else { continue };
            if op.row.typestate() == Typestate::Choose {
                // Each register is written on one of the ways.
                let ways = (0u32..).zip(op.registers(Access::Write));
                for (way, reg) in ways.filter(|&(_, reg)| tracked.contains(reg)) {
                    budget.memory_for::<EdgeWrite>(2)?;
                    edges.push(EdgeWrite { reg, block, way });
                }
                continue;
            }
            op.registers(Access::Write).try_for_each(|reg| write(reg, budget))?;
        }
    }
    writes.sort_unstable();
    edges.sort_unstable();
    Ok(Writes { blocks: writes, edges })
}

/// Words a block has in a group: as many as fit, at least one.
fn group_words(blocks: usize) -> usize {
    (GROUP_BYTES / (2 * size_of::<u64>() * blocks.max(1))).clamp(1, 1024)
}

/// The first `max` different registers of a sorted list.
fn distinct_regs(reads: &[Exposed], max: usize) -> Vec<u32> {
    let mut regs = Vec::new();
    for read in reads {
        if regs.last() != Some(&read.reg) {
            if regs.len() == max {
                break;
            }
            regs.push(read.reg);
        }
    }
    regs
}

/// The bits of one group of registers.
#[derive(Debug, Default)]
struct Group {
    words: usize,
    /// Words a block in use by this group.
    used: usize,
    /// Written on every path to the start of the block.
    entry: Vec<u64>,
    /// Written by the block.
    writes: Vec<u64>,
    /// Written on every path to the end of the block being looked at.
    out: Vec<u64>,
    /// Written on one way out of a block: block, way, and which of the group's registers.
    edges: Vec<(u32, u32, u32)>,
    /// Positions of blocks whose entry changed, least first.
    queue: BinaryHeap<Reverse<u32>>,
    queued: Vec<bool>,
}

impl Group {
    /// Makes room for so many words for each block of a function.
    fn begin(&mut self, blocks: usize, words: usize) {
        (self.words, self.used) = (words, words);
        for bits in [&mut self.entry, &mut self.writes] {
            bits.clear();
            bits.resize(blocks * words, 0);
        }
        self.edges.clear();
        self.queue.clear();
        self.queued.clear();
        self.queued.resize(blocks, false);
    }

    /// Solves the group of these registers, given which blocks write them.
    fn solve(
        &mut self,
        flow: &Flow,
        regs: &[u32],
        writes: &[(u32, u32)],
        edges: &[EdgeWrite],
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        self.used = regs.len().div_ceil(64).min(self.words);
        self.writes.fill(0);
        let mut at = 0;
        for &(reg, block) in writes {
            while regs.get(at).is_some_and(|&tracked| tracked < reg) {
                at += 1;
            }
            if let Some(word) = self.writes.get_mut(block as usize * self.words + at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        budget.memory_for::<(u32, u32, u32)>(edges.len())?;
        let index = |reg| regs.binary_search(&reg).map_or(u32::MAX, |at| at as u32);
        self.edges = edges.iter().map(|edge| (edge.block, edge.way, index(edge.reg))).collect();
        self.edges.sort_unstable();
        self.run(flow, budget)
    }

    /// Finds what is written at the start of each block, given what blocks and ways write.
    fn run(&mut self, flow: &Flow, budget: &mut Budget) -> Result<(), Exhausted> {
        budget.work(flow.starts.len().saturating_mul(self.used))?;
        self.entry.fill(u64::MAX);
        // Nothing is written at the start of the function.
        if let Some(words) = self.entry.get_mut(..self.words) {
            words.fill(0);
        }
        self.queue.push(Reverse(0));
        while let Some(Reverse(position)) = self.queue.pop() {
            if let Some(&block) = flow.order.get(position as usize) {
                self.leave(flow, block, budget)?;
            }
        }
        Ok(())
    }

    /// Carries what is written at the end of `block` to the blocks it leads to. Blocks are taken in order, so
    /// that without loops each is taken once.
    fn leave(&mut self, flow: &Flow, block: u32, budget: &mut Budget) -> Result<(), Exhausted> {
        let succs = flow.succs(block);
        budget.work((succs.len() + 1).saturating_mul(self.used + 4))?;
        let (from, used) = (block as usize * self.words, self.used);
        self.out.clear();
        if let (Some(entry), Some(writes)) =
            (self.entry.get(from..from + used), self.writes.get(from..from + used))
        {
            self.out.extend(entry.iter().zip(writes).map(|(entry, writes)| entry | writes));
        }
        if let Some(queued) = self.queued.get_mut(block as usize) {
            *queued = false;
        }
        for (way, &next) in (0u32..).zip(succs) {
            let only_here = self.write_edge(block, way);
            let to = next as usize * self.words;
            let mut lost = 0;
            for (entry, out) in self.entry.get_mut(to..to + used).into_iter().flatten().zip(&self.out) {
                lost |= *entry & !out;
                *entry &= out;
            }
            if lost != 0
                && let Some(queued) = self.queued.get_mut(next as usize).filter(|queued| !**queued)
            {
                *queued = true;
                self.queue.push(Reverse(flow.position(next)));
            }
            if let Some((word, bit)) = only_here
                && let Some(word) = self.out.get_mut(word)
            {
                *word &= !bit;
            }
        }
        Ok(())
    }

    /// Adds to what is written what one way out of the block writes. Gives the bit that other ways do not have.
    fn write_edge(&mut self, block: u32, way: u32) -> Option<(usize, u64)> {
        let at = self.edges.partition_point(|&(b, w, _)| (b, w) < (block, way));
        let &(_, _, reg) = self.edges.get(at).filter(|&&(b, w, _)| (b, w) == (block, way))?;
        let (word, bit) = (reg as usize / 64, 1 << (reg % 64));
        let out = self.out.get_mut(word).filter(|out| **out & bit == 0)?;
        *out |= bit;
        Some((word, bit))
    }

    fn is_written(&self, regs: &[u32], reg: u32, block: u32) -> bool {
        let Ok(at) = regs.binary_search(&reg) else { return true };
        let word = self.entry.get(block as usize * self.words + at / 64);
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}
