//! A program as words, ready for the dispatch loop.

use super::regs::Link;
use super::translate;
use super::word::{Word, WordOp};
use crate::ids::{FuncId, InstrIx};
use crate::lower::{ExecProgram, LowerError};
use alloc::boxed::Box;

/// Where a function's words are and how large its frame is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FuncEntry {
    /// Its first word, the start of its first segment.
    pub(crate) word: u32,
    /// One past its last word.
    pub(crate) end: u32,
    /// Slots of its frame, linkage not included.
    pub(crate) frame: u32,
}

/// The words of a program.
#[derive(Debug)]
pub(crate) struct InterpCode {
    pub(crate) words: Box<[Word]>,
    /// By word: one past the last instruction that is done when the word is done. A word covers the
    /// instructions from the end of the word before it; the last of them is the word's own, which is the one
    /// that can trap. Instructions that need no word are covered by the next one.
    pub(crate) ends: Box<[u32]>,
    pub(crate) pool: Box<[u32]>,
    pub(crate) funcs: Box<[FuncEntry]>,
    /// By word: what threaded code executes.
    #[cfg(opforge_threaded)]
    pub(super) codes: Box<[super::threaded::Code]>,
}

impl InterpCode {
    /// Makes words from a lowered program.
    pub(crate) fn new(program: &ExecProgram) -> Result<Self, LowerError> {
        #[cfg_attr(not(opforge_threaded), expect(unused_mut))]
        let mut code = translate::translate(program)?;
        #[cfg(opforge_threaded)]
        {
            code.codes = super::threaded::make(&code, program);
        }
        Ok(code)
    }

    /// The slot of the one result of the call at a word; `None` if no call with one result is there.
    #[cfg(opforge_threaded)]
    pub(super) fn returned_slot(&self, word: u32) -> Option<u32> {
        let call = self.words.get(word as usize)?;
        let lists = match call.op {
            WordOp::Call1 => return Some(self.words.get(word as usize + 1)?.c),
            WordOp::Call => call.c,
            WordOp::CallIndirect => call.c.checked_add(1)?,
            _ => return None,
        };
        let &[_, nrets] = self.pool.get(lists as usize..lists as usize + 2)? else { return None };
        if nrets == 1 { self.ret_to(lists) } else { None }
    }

    /// The linkage that the call at a word gives its callee; `None` if no call of a function is there.
    pub(super) fn link_of_call(&self, word: u32) -> Option<Link> {
        let call = self.words.get(word as usize)?;
        let ret_to = match call.op {
            WordOp::Call1 => {
                let ext = self.words.get(word as usize + 1)?;
                return Some(Link { ret_word: ext.b, ret_to: ext.c, up: call.b.into() });
            }
            WordOp::Call => self.ret_to(call.c)?,
            WordOp::CallIndirect => self.ret_to(call.c.checked_add(1)?)?,
            _ => return None,
        };
        Some(Link { ret_word: word.checked_add(1)?, ret_to, up: call.b.into() })
    }

    /// Where results go of a call whose lists (counts, arguments, results) are at `at` of the pool: the slot of a
    /// single one, else the place of their slots in the pool.
    fn ret_to(&self, at: u32) -> Option<u32> {
        let &[nargs, nrets] = self.pool.get(at as usize..at as usize + 2)? else { return None };
        let rets = at + 2 + nargs;
        if nrets == 1 { self.pool.get(rets as usize).copied() } else { Some(rets) }
    }

    /// The function that a word belongs to.
    pub(crate) fn func_of(&self, word: u32) -> Option<FuncId> {
        let after = self.funcs.partition_point(|f| f.word <= word);
        let index = after.checked_sub(1)?;
        (word < self.funcs.get(index)?.end).then_some(FuncId(index as u32))
    }

    /// The word that covers an instruction.
    pub(crate) fn word_of(&self, func: FuncId, at: InstrIx) -> Option<u32> {
        let entry = self.funcs.get(func.index())?;
        let ends = self.ends.get(entry.word as usize..entry.end as usize)?;
        let offset = ends.partition_point(|&end| end <= at.0);
        (offset < ends.len()).then_some(entry.word + offset as u32)
    }

    /// The instruction a word does; for the start of a segment the first one of the segment.
    pub(crate) fn own_instr(&self, word: u32) -> InstrIx {
        let end = self.ends.get(word as usize).copied().unwrap_or(0);
        InstrIx(end.saturating_sub(1))
    }

    /// The instructions that a word covers. A `Fuel` word covers none: what stands between the word before it
    /// and its segment is never reached.
    pub(crate) fn covered(&self, func: FuncId, word: u32) -> core::ops::Range<u32> {
        let end = self.ends.get(word as usize).copied().unwrap_or(0);
        if self.words.get(word as usize).is_some_and(|word| word.op == WordOp::Fuel) {
            return end..end;
        }
        let first = self.funcs.get(func.index()).map_or(0, |f| f.word);
        let start = match word.checked_sub(1) {
            Some(before) if before >= first => self.ends.get(before as usize).copied().unwrap_or(0),
            _ => 0,
        };
        start..end
    }
}
