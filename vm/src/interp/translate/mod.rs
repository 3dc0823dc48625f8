//! Makes words from `ExecInstr`s: one pass over each function.
//!
//! Guarantees for the dispatch loop: slots in words are slots of `ExecInstr`s of the same function; a branch goes
//! to the `Fuel` word of a segment of the same function; behind each word that may fall through out of a segment
//! stands a `Fuel` word; every function's last word leaves it.

mod facts;
mod reduce;

use super::code::{FuncEntry, InterpCode};
use super::regs::LINK_SLOTS;
use super::word::{OpWords, Word, WordOp};
use crate::heap::AggKind;
use crate::ids::{FuncId, InstrIx};
use crate::lower::{
    ExecFunction, ExecInstr, ExecProgram, LowerError, SizeFuel, Slot, SlotList, intrinsic_size_fuel,
    size_fuel,
};
#[cfg(opforge_threaded)]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use facts::Facts;
use opforge_schema::{Clif, Form, fuse_flags};
use opforge_tables::{ISA, Opcode};
use reduce::reduced;

pub(super) fn translate(program: &ExecProgram) -> Result<InterpCode, LowerError> {
    // About as many words as there will be: most instructions have one, each segment one more, and branches two.
    let sizes = program.functions.iter().map(|function| function.instrs.len() + 2 * function.segments.len());
    let words = sizes.sum::<usize>() + 2;
    let mut maker = WordMaker {
        func: 0,
        program,
        words: Vec::with_capacity(words),
        ends: Vec::with_capacity(words),
        pool: Vec::new(),
        fixups: Vec::new(),
        pool_fixups: Vec::new(),
        calls: Vec::new(),
        segment_words: Vec::new(),
    };
    // Two: one that entry frames return to, and one where that would go on, as behind a `Fuel` word.
    maker.push(Word::new(WordOp::Halt, 0, 0, 0, 0), 0);
    maker.push(Word::new(WordOp::Halt, 0, 0, 0, 0), 0);
    let mut funcs = Vec::with_capacity(program.functions.len());
    for (i, function) in program.functions.iter().enumerate() {
        let word = maker.here()?;
        maker.func = i as u32;
        maker.function(function).ok_or(LowerError::Internal { func: FuncId(i as u32), at: InstrIx(0) })?;
        funcs.push(FuncEntry { word, end: maker.here()?, frame: function.frame_slots });
    }
    maker.patch_calls(&funcs).ok_or(LowerError::Internal { func: FuncId(0), at: InstrIx(0) })?;
    Ok(InterpCode {
        words: maker.words.into(),
        ends: maker.ends.into(),
        pool: maker.pool.into(),
        funcs: funcs.into(),
        #[cfg(opforge_threaded)]
        codes: Box::default(),
    })
}

/// Fuel by size as the `x` field of words.
fn size_bits(size: SizeFuel) -> u16 {
    u16::from(size.shift) | u16::from(size.args) << 8
}

/// Words of a segment between `Pause` words.
const MAX_UNPAUSED_WORDS: usize = 1024;

struct WordMaker<'p> {
    /// The current function.
    func: u32,
    program: &'p ExecProgram,
    words: Vec<Word>,
    ends: Vec<u32>,
    pool: Vec<u32>,
    /// Words of the current function whose `c` becomes the distance to an instruction's segment.
    fixups: Vec<(u32, InstrIx)>,
    /// Places of the pool that become the words of instructions' segments.
    pool_fixups: Vec<(u32, InstrIx)>,
    /// Words that call a function of the program and have an `Ext` word which says where that begins.
    calls: Vec<u32>,
    /// By segment of the current function: its `Fuel` word, 0 where it is not reachable.
    segment_words: Vec<u32>,
}

/// The bytes from one word to another, as the fields of words hold them.
fn distance(from: u32, to: u32) -> u32 {
    to.wrapping_sub(from).wrapping_mul(size_of::<Word>() as u32)
}

/// How an edge is written into a word: what it costs, and which word it goes to. With its fuel known here the edge pays
/// for its segment and goes behind the `Fuel` word; more than a field holds, or nothing, is left to that word.
fn edge(words: &[Word], extra: u16, to: u32) -> Option<(u16, u32)> {
    let fuel = words.get(to as usize)?.a;
    match u16::try_from(fuel.checked_add(extra.into())?) {
        Ok(cost) if cost != 0 => Some((cost, to + 1)),
        _ => Some((extra, to)),
    }
}

impl WordMaker<'_> {
    fn here(&self) -> Result<u32, LowerError> {
        // Distances between words are signed 32-bit numbers of bytes.
        let bytes = i32::try_from(self.words.len().saturating_mul(size_of::<Word>()));
        bytes.map(|_| self.words.len() as u32).map_err(|_| LowerError::TooLarge)
    }

    fn push(&mut self, word: Word, end: u32) {
        self.words.push(word);
        self.ends.push(end);
    }

    /// `None` if the function breaks a guarantee of lowering.
    fn function(&mut self, function: &ExecFunction) -> Option<()> {
        let facts = Facts::of(function);
        self.fixups.clear();
        self.pool_fixups.clear();
        self.segment_words.clear();
        for (index, segment) in function.segments.iter().enumerate() {
            if !facts.reachable(index) {
                self.segment_words.push(0);
                continue;
            }
            self.segment_words.push(self.here().ok()?);
            let fuel = u32::try_from(function.fuel(segment.start, segment.end)).ok()?;
            self.push(Word::new(WordOp::Fuel, 0, fuel, 0, 0), segment.start.0);
            let mut at = segment.start.0;
            let mut since = self.words.len();
            while at < segment.end.0 {
                at += self.instr(function, &facts, index, at)?;
                if self.words.len() - since >= MAX_UNPAUSED_WORDS && at < segment.end.0 {
                    self.push(Word::new(WordOp::Pause, 0, 0, 0, 0), at);
                    since = self.words.len();
                }
            }
        }
        self.patch(function)
    }

    fn patch(&mut self, function: &ExecFunction) -> Option<()> {
        let word_of = |target: InstrIx| {
            let segment = function.segments.binary_search_by_key(&target, |s| s.start).ok()?;
            self.segment_words.get(segment).copied().filter(|&w| w != 0)
        };
        for &(at, target) in &self.pool_fixups {
            let to = word_of(target)?;
            *self.pool.get_mut(at as usize)? = to;
            self.words.get_mut(to as usize)?.x = 1;
        }
        for &(word, target) in &self.fixups {
            let to = word_of(target)?;
            self.words.get_mut(to as usize)?.x = 1;
            let at = *self.words.get(word as usize)?;
            // With a loop's head in place of a jump, that is paid for, too.
            let (cost, to) = edge(&self.words, at.x, to)?;
            match self.words.get_mut(word as usize)? {
                // The other side of the branch in front of it.
                ext @ &mut Word { op: WordOp::Ext, .. } => (ext.x, ext.b) = (cost, distance(word - 1, to)),
                branch => (branch.x, branch.c) = (cost, distance(word, to)),
            }
        }
        Some(())
    }

    /// Writes where functions begin into the words that call them.
    fn patch_calls(&mut self, funcs: &[FuncEntry]) -> Option<()> {
        for &word in &self.calls {
            let func = self.words.get(word as usize)?.a;
            let (cost, to) = edge(&self.words, 0, funcs.get(func as usize)?.word)?;
            let ext = self.words.get_mut(word as usize + 1)?;
            (ext.x, ext.a) = (cost, distance(word, to));
        }
        Some(())
    }

    fn list(&mut self, function: &ExecFunction, list: SlotList) -> Option<()> {
        self.pool.extend_from_slice(function.slots(list));
        Some(())
    }

    /// Counts, then slots of two lists. Returns where they start in the pool.
    fn call_lists(&mut self, function: &ExecFunction, args: SlotList, rets: SlotList) -> Option<u32> {
        let at = u32::try_from(self.pool.len()).ok()?;
        self.pool.extend([args.len, rets.len]);
        self.list(function, args)?;
        self.list(function, rets)?;
        Some(at)
    }

    /// Makes the words of the instruction at `at`; returns how many instructions they do.
    fn instr(&mut self, function: &ExecFunction, facts: &Facts, segment: usize, at: u32) -> Option<u32> {
        let end = at + 1;
        let instr = function.instrs.get(at as usize)?;
        let frame = function.frame_slots.checked_add(LINK_SLOTS)?;
        let word = match *instr {
            ExecInstr::Nop => return Some(1),
            ExecInstr::Const { dst, .. } if facts.is_folded_away(dst) => return Some(1),
            ExecInstr::Const { dst, value } => {
                Word::new(WordOp::Const, 0, dst, value as u32, (value >> 32) as u32)
            }
            ExecInstr::ConstDecimal { dst, scale, mantissa } => {
                let bits = mantissa as u64;
                Word::new(WordOp::ConstDecimal, scale.into(), dst, bits as u32, (bits >> 32) as u32)
            }
            ExecInstr::Direct { op, dst, args } => {
                return self.direct(function, facts, segment, at, instr, (op, dst, args));
            }
            ExecInstr::DirectImm { op, dst, a, imm } => {
                Word::new(OpWords::of(op)?.plain, self.size_field(op), dst, a, imm)
            }
            ExecInstr::Move { width: 1, dst, src } => Word::new(WordOp::Move1, 0, dst, src, 0),
            ExecInstr::Move { dst, src, .. } => Word::new(WordOp::Move2, 0, dst, src, 0),
            ExecInstr::Select { width, dst, cond, a, b } => {
                let op = if width == 1 { WordOp::Select1 } else { WordOp::Select2 };
                self.push(Word::new(op, 0, dst, a, cond), end);
                Word::new(WordOp::Ext, 0, dst, b, 0)
            }
            ExecInstr::Trap { code } => Word::new(WordOp::Trap, 0, code, 0, 0),
            ExecInstr::Jump { target } => {
                // Also to the segment that comes next: a jump charges its target's fuel on the way, so falling
                // through to the `Fuel` word would cost as much.
                if let Some((branch, ext)) = self.loop_head(function, target) {
                    self.push(branch, end);
                    self.push(ext, end);
                    return Some(1);
                }
                self.fixups.push((self.here().ok()?, target));
                Word::new(WordOp::Jump, 0, 0, 0, 0)
            }
            ExecInstr::Branch { cond, then, other } => {
                let branch = Word::new(WordOp::BrIf, 0, cond, 0, 0);
                self.branch((then, other), branch, end)?;
                return Some(1);
            }
            ExecInstr::BranchTable { index, targets } => {
                let pool = u32::try_from(self.pool.len()).ok()?;
                let targets = function.targets(targets);
                let most = u32::try_from(targets.len()).ok()?.checked_sub(1)?;
                for (at, &target) in (pool..).zip(targets) {
                    self.pool_fixups.push((at, target));
                    self.pool.push(0);
                }
                Word::new(WordOp::BranchTable, 0, index, most, pool)
            }
            ExecInstr::Session { site, targets, .. } => {
                let pool = u32::try_from(self.pool.len()).ok()?;
                for (at, &target) in (pool..).zip(function.targets(targets)) {
                    self.pool_fixups.push((at, target));
                    self.pool.push(0);
                }
                // What it costs by itself, to be given back where it waits.
                let cost = u16::try_from(function.fuel(InstrIx(at), InstrIx(end))).ok()?;
                Word::new(WordOp::Session, cost, self.func, site, pool)
            }
            ExecInstr::TailCall { func, args } => {
                let pool = u32::try_from(self.pool.len()).ok()?;
                self.list(function, args)?;
                Word::new(WordOp::TailCall, 0, func.0, args.len, pool)
            }
            ExecInstr::TailCallIndirect { sig, callee, closure, args } => {
                let pool = u32::try_from(self.pool.len()).ok()?;
                self.pool.push(sig.0);
                self.list(function, args)?;
                Word::new(WordOp::TailCallIndirect, closure.into(), callee, args.len, pool)
            }
            ExecInstr::Call { func, args, rets } => {
                if self.call_one(function, func, args, rets, end)? {
                    return Some(1);
                }
                let pool = self.call_lists(function, args, rets)?;
                Word::new(WordOp::Call, 0, func.0, frame, pool)
            }
            ExecInstr::CallIndirect { sig, callee, closure, args, rets } => {
                let pool = u32::try_from(self.pool.len()).ok()?;
                self.pool.push(sig.0);
                self.call_lists(function, args, rets)?;
                Word::new(WordOp::CallIndirect, closure.into(), callee, frame, pool)
            }
            ExecInstr::HostCall { host, args, rets } => match (function.slots(args), function.slots(rets)) {
                (&[arg], &[ret]) => Word::new(WordOp::HostCall1, 0, host.0, arg, ret),
                _ => {
                    let pool = self.call_lists(function, args, rets)?;
                    Word::new(WordOp::HostCall, 0, host.0, 0, pool)
                }
            },
            ExecInstr::Intrinsic { id, args, rets } => {
                let row = ISA.intrinsic(id.0);
                let size =
                    row.and_then(|row| intrinsic_size_fuel(row, self.program.schedule)).map_or(0, size_bits);
                let pool = self.call_lists(function, args, rets)?;
                Word::new(WordOp::Intrinsic, size, id.0, 0, pool)
            }
            ExecInstr::Load { op, dst, mem, addr, offset } => {
                Word::new(WordOp::of_access(op)?, u16::try_from(mem.0).ok()?, dst, addr, offset)
            }
            ExecInstr::Store { op, mem, addr, offset, value } => {
                Word::new(WordOp::of_access(op)?, u16::try_from(mem.0).ok()?, addr, value, offset)
            }
            ExecInstr::Memory { op, dst, ids, args } => self.memory(op, dst, ids, args)?,
            ExecInstr::Extension { func, imm, size, args, rets } => {
                let pool = self.call_lists(function, args, rets)?;
                Word::new(WordOp::Extension, size.map_or(0, size_bits), func, imm, pool)
            }
            ExecInstr::Return { values } => match function.slots(values) {
                &[slot] => Word::new(WordOp::Return1, 0, slot, 0, 0),
                slots => {
                    let pool = u32::try_from(self.pool.len()).ok()?;
                    self.pool.extend_from_slice(slots);
                    Word::new(WordOp::Return, 0, 0, values.len, pool)
                }
            },
            ExecInstr::ClosureNew { dst, func, env } => Word::new(WordOp::ClosureNew, 0, dst, func, env),
            ExecInstr::AggNew { dst, ty, len, values } => {
                let pool = u32::try_from(self.pool.len()).ok()?;
                self.pool.extend([len, values.len]);
                self.list(function, values)?;
                Word::new(WordOp::AggNew, 0, dst, ty.0, pool)
            }
            ExecInstr::AggGetImm { dst, agg, index, read } => {
                let pool = self.agg_read(function, index, read)?;
                Word::new(WordOp::AggGetImm, 0, dst, agg, pool)
            }
            ExecInstr::AggGet { dst, agg, index, read } => {
                let pool = self.agg_read(function, index, read)?;
                Word::new(WordOp::AggGet, 0, dst, agg, pool)
            }
            ExecInstr::AggLen { dst, agg, kind } => {
                Word::new(WordOp::AggLen, 0, dst, agg, agg_kind_code(kind))
            }
        };
        self.push(word, end);
        Some(1)
    }

    /// For a jump back to a segment that is nothing but a branch: that branch, to be done in place of the jump, and
    /// its `Ext` word. It saves a word in each turn of a loop.
    fn loop_head(&mut self, function: &ExecFunction, target: InstrIx) -> Option<(Word, Word)> {
        let segment = function.segments.binary_search_by_key(&target, |s| s.start).ok()?;
        // Segments that come later have no word yet.
        let fuel_word = self.segment_words.get(segment).copied().filter(|&word| word != 0)?;
        let [fuel, branch, _] = *self.words.get(fuel_word as usize..)?.first_chunk()?;
        let cost = u16::try_from(fuel.a).ok().filter(|&cost| cost != 0)?;
        if !branch.op.is_branch() || branch.x != 0 {
            return None;
        }
        // The branch and its `Ext` word, which have fixups one behind the other.
        let fixup = self.fixups.binary_search_by_key(&(fuel_word + 1), |&(word, _)| word).ok()?;
        let &[(_, then), (_, other)] = self.fixups.get(fixup..)?.first_chunk()?;
        let here = self.here().ok()?;
        self.fixups.extend([(here, then), (here + 1, other)]);
        let ext = Word::new(WordOp::Ext, cost, 0, 0, distance(here, fuel_word));
        Some((Word { x: cost, ..branch }, ext))
    }

    /// The words of a call with one argument and one result, as most are; `false`, with nothing done, for others.
    fn call_one(
        &mut self,
        function: &ExecFunction,
        func: FuncId,
        args: SlotList,
        rets: SlotList,
        end: u32,
    ) -> Option<bool> {
        let (&[arg], &[ret]) = (function.slots(args), function.slots(rets)) else { return Some(false) };
        let Ok(callee) = u16::try_from(self.program.function(func)?.frame_slots) else { return Some(false) };
        let (here, up) = (self.here().ok()?, function.frame_slots.checked_add(LINK_SLOTS)?);
        self.calls.push(here);
        self.push(Word::new(WordOp::Call1, callee, func.0, up, arg), end);
        self.push(Word::new(WordOp::Ext, 0, 0, here + 2, ret), end);
        Some(true)
    }

    fn agg_read(&mut self, function: &ExecFunction, index: u32, read: u32) -> Option<u32> {
        let at = u32::try_from(self.pool.len()).ok()?;
        let read = function.agg_reads.get(read as usize)?;
        self.pool.extend([index, read.shape.0, read.elem.0, read.width]);
        Some(at)
    }

    fn memory(&mut self, op: Opcode, dst: Slot, ids: [u32; 3], args: [Slot; 3]) -> Option<Word> {
        let row = ISA.op(op.didx())?;
        let pool = u32::try_from(self.pool.len()).ok()?;
        let reads = row.reads.count_ones();
        self.pool.extend(ids);
        self.pool.extend([u32::from(row.writes != 0), reads]);
        self.pool.extend(args.into_iter().take(reads as usize));
        let size = size_fuel(row, self.program.schedule);
        let size = size.map_or(0, |size| size_bits(size) | u16::from(size.counts) << 12);
        Some(Word::new(WordOp::Memory, size, dst, op.didx().into(), pool))
    }

    /// The field that says how fuel goes by size: the shift, and a bit for each register read that counts.
    fn size_field(&self, op: Opcode) -> u16 {
        let row = op.row();
        if row.fuel_shift == 0 {
            return 0;
        }
        size_fuel(row, self.program.schedule).map_or(0, size_bits)
    }

    fn direct(
        &mut self,
        function: &ExecFunction,
        facts: &Facts,
        segment: usize,
        at: u32,
        instr: &ExecInstr,
        (op, dst, [a, b, c]): (Opcode, Slot, [Slot; 3]),
    ) -> Option<u32> {
        let words = OpWords::of(op)?;
        let imm = facts.immediate(instr);
        let last = function.segments.get(segment)?.end.0;
        // The last result to the left, where threaded code has it at hand.
        let exchange = imm.is_none()
            && op.row().fuses(fuse_flags::COMMUTES)
            && a != b
            && last_result(function, at) == Some(b);
        let (a, b) = if exchange { (b, a) } else { (a, b) };
        let cheaper = imm.map(|imm| reduced(op, imm));
        if let Some((op, imm)) = cheaper
            && let Some(done) = self.fused_immediate(function, facts, at..last, (op, dst, a, imm))
        {
            return Some(done);
        }
        if at + 1 < last
            && let Some(&ExecInstr::Branch { cond, then, other }) = function.instrs.get(at as usize + 1)
            && cond == dst
            && facts.is_only_tested(dst)
        {
            let fused = match imm {
                Some(imm) => words.branch_imm.map(|op| (op, imm)),
                None => words.branch.map(|op| (op, b)),
            };
            if let Some((branch, right)) = fused {
                self.branch((then, other), Word::new(branch, 0, a, right, 0), at + 2)?;
                return Some(2);
            }
        }
        let end = at + 1;
        if let Some((op, imm)) = cheaper
            && let Some(op) = OpWords::of(op)?.imm
        {
            self.push(Word::new(op, 0, dst, a, imm), end);
            return Some(1);
        }
        self.push(Word::new(words.plain, self.size_field(op), dst, a, b), end);
        if matches!(op.row().form(), Form::Ternary | Form::HeapTernary) {
            self.push(Word::new(WordOp::Ext, 0, dst, c, 0), end);
        }
        Some(1)
    }

    /// Fuses an operation that has an immediate with what comes behind it: the step of a loop with the jump back to
    /// the loop's head, and a mask with the test against zero and the branch on that. Gives the number of
    /// instructions done.
    fn fused_immediate(
        &mut self,
        function: &ExecFunction,
        facts: &Facts,
        at: Range<u32>,
        (op, dst, a, imm): (Opcode, Slot, Slot, u32),
    ) -> Option<u32> {
        let behind = |n: u32| {
            let at = at.start.checked_add(n).filter(|next| at.contains(next))?;
            function.instrs.get(at as usize)
        };
        match op.row().clif() {
            Clif::Iadd if dst == a && imm != 0 => {
                let next = behind(1)?;
                if let Some(&branch) = behind(2) {
                    return self.step_and_test(facts, (dst, imm), (next, branch), at.start + 3);
                }
                let &ExecInstr::Jump { target } = next else { return None };
                let fixups = self.fixups.len();
                let (branch, ext) = self.loop_head(function, target)?;
                if branch.a != dst {
                    self.fixups.truncate(fixups);
                    return None;
                }
                self.push(branch, at.start + 2);
                self.push(Word { a: imm, ..ext }, at.start + 2);
                Some(2)
            }
            Clif::Band if facts.reads(dst) == 1 => {
                let test = behind(1)?;
                let (
                    &ExecInstr::Direct { op, dst: truth, args, .. },
                    &ExecInstr::Branch { cond, then, other },
                ) = (test, behind(2)?)
                else {
                    return None;
                };
                let is_test =
                    op.row().clif() == Clif::IcmpEq && args[0] == dst && facts.immediate(test) == Some(0);
                if !is_test || cond != truth || !facts.is_only_tested(truth) {
                    return None;
                }
                self.branch((then, other), Word::new(WordOp::BrMaskZero, 0, a, imm, 0), at.start + 3)?;
                Some(3)
            }
            _ => None,
        }
    }

    /// The step of a loop with the test at its end that follows.
    fn step_and_test(
        &mut self,
        facts: &Facts,
        (dst, step): (Slot, u32),
        (test, branch): (&ExecInstr, ExecInstr),
        end: u32,
    ) -> Option<u32> {
        let (
            &ExecInstr::Direct { op, dst: truth, args: [left, right, _] },
            ExecInstr::Branch { cond, then, other },
        ) = (test, branch)
        else {
            return None;
        };
        // A right operand that is stepped itself would have to be read behind the step.
        if left != dst || right == dst || cond != truth || !facts.is_only_tested(truth) {
            return None;
        }
        let words = OpWords::of(op)?;
        let (branch, right) = match facts.immediate(test) {
            Some(imm) => (words.branch_imm?, imm),
            None => (words.branch?, right),
        };
        let ext = self.here().ok()? + 1;
        self.branch((then, other), Word::new(branch, 0, dst, right, 0), end)?;
        self.words.get_mut(ext as usize)?.a = step;
        Some(3)
    }

    /// A branch with both distances: its own, and in the `Ext` word behind it that of the other side.
    fn branch(&mut self, (then, other): (InstrIx, InstrIx), word: Word, end: u32) -> Option<()> {
        self.fixups.push((self.here().ok()?, then));
        self.push(word, end);
        self.fixups.push((self.here().ok()?, other));
        self.push(Word::new(WordOp::Ext, 0, 0, 0, 0), end);
        Some(())
    }
}

/// The slot that the instruction before this one writes, if it writes one.
fn last_result(function: &ExecFunction, at: u32) -> Option<Slot> {
    let before = function.instrs.get(at.checked_sub(1)? as usize)?;
    if let &ExecInstr::Direct { dst, .. } = before {
        return Some(dst);
    }
    let mut result = None;
    before.for_each_write(function, |slot| result = Some(slot));
    result
}

pub(super) fn agg_kind_code(kind: AggKind) -> u32 {
    match kind {
        AggKind::Tuple => 0,
        AggKind::Struct => 1,
        AggKind::Array => 2,
    }
}

pub(super) fn agg_kind_of_code(code: u32) -> AggKind {
    match code {
        0 => AggKind::Tuple,
        1 => AggKind::Struct,
        _ => AggKind::Array,
    }
}
