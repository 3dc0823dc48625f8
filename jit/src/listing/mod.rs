//! Machine code for people: every instruction with its place, its bytes and, where known, what it comes from.
//!
//! Relies on a disassembler for the host, and on the notes that compiling keeps where it is asked to. What is listed
//! is the code in memory, with calls filled in, not what the code generator meant to write.

mod decode;

use crate::notes::{NativePart, Note, Notes};
use crate::program::JittedProgram;
use decode::Decoded;
use opforge_vm::ids::InstrIx;
use std::ops::Range;

/// A compiled program and what its machine code belongs to. Made by [`JitEngine::disassemble`](crate::JitEngine::disassemble).
#[derive(Clone, Debug)]
pub struct Listing {
    program: JittedProgram,
    notes: Notes,
}

impl Listing {
    pub(crate) fn new(program: JittedProgram, notes: Notes) -> Self {
        Self { program, notes }
    }

    /// The compiled program.
    #[must_use]
    pub fn program(&self) -> &JittedProgram {
        &self.program
    }

    /// The architecture of the code, as Rust names it, such as `x86_64`.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        std::env::consts::ARCH
    }

    /// The parts of the code in the order of their addresses: the functions by index, then what they are entered
    /// through. Between parts there are bytes that align them.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = ListingPart<'_>> {
        self.notes.notes.iter().map(|note| ListingPart { listing: self, note })
    }

    fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.program.code().get(range).unwrap_or(&[])
    }
}

/// A part of a program's machine code.
#[derive(Clone, Copy, Debug)]
pub struct ListingPart<'l> {
    listing: &'l Listing,
    note: &'l Note,
}

impl<'l> ListingPart<'l> {
    /// What it is for.
    #[must_use]
    pub fn part(&self) -> NativePart {
        self.note.part
    }

    /// Its bytes' offsets from the start of the program's code.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.note.range.clone()
    }

    /// Its instructions, and the constants behind them, decoded as they are asked for.
    pub fn instructions(&self) -> impl Iterator<Item = NativeInstr<'l>> + use<'l> {
        let Self { listing, note } = *self;
        let mut at = note.range.start;
        let mut data = note.range.end;
        std::iter::from_fn(move || {
            let end = if at < data { data } else { note.range.end };
            let rest = listing.bytes(at..end);
            if rest.is_empty() {
                return None;
            }
            let Decoded { len, text, reads } = if at >= data {
                decode::data(rest)
            } else if end < note.range.end && rest.iter().all(|&byte| byte == 0) {
                decode::padding(rest)
            } else {
                decode::instruction(rest, at)
            };
            let bytes = rest.get(..len.clamp(1, rest.len())).unwrap_or(rest);
            // Constants stand behind the code. In large functions of some machines also within it, where they are
            // shown as what they would mean.
            if let Some(reads) = reads.filter(|&to| to > at && decode::constants_last(note.range.len())) {
                data = data.min(reads);
            }
            let range = at..at + bytes.len();
            at = range.end;
            let source = source(listing, note, range.start);
            let callee = callee(listing, note, range.clone());
            Some(NativeInstr { offset: range.start, bytes, text, source, callee, reads })
        })
    }
}

fn source(listing: &Listing, note: &Note, offset: usize) -> Option<Source> {
    let NativePart::Function(func) = note.part else { return None };
    let after = note.sources.partition_point(|(range, _)| range.start <= offset);
    let (range, instr) = note.sources.get(after.checked_sub(1)?)?;
    if !range.contains(&offset) {
        return None;
    }
    let function = listing.program.module().program().function(func)?;
    let segment = function.segments.partition_point(|segment| segment.start <= *instr).checked_sub(1)?;
    Some(Source { instr: *instr, pc: function.pc(*instr), segment: segment as u32 })
}

fn callee(listing: &Listing, note: &Note, range: Range<usize>) -> Option<NativePart> {
    let first = note.calls.partition_point(|&(at, _)| at < range.start);
    let &(at, func) = note.calls.get(first)?;
    if !range.contains(&at) {
        return None;
    }
    let functions = listing.program.module().program().functions.len();
    Some(if func.index() < functions { NativePart::Function(func) } else { NativePart::Refill })
}

/// An instruction of machine code, or a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NativeInstr<'l> {
    /// Offset from the start of the program's code.
    pub offset: usize,
    /// Its bytes.
    pub bytes: &'l [u8],
    /// Its text, as in `mov rax, qword [rdi + 0x8]`; `.byte`, `.quad` and `.zero` for what is no instruction. Targets of
    /// jumps and calls are offsets as in `offset`.
    pub text: String,
    /// The program's instruction that it does a part of, where the code generator knows.
    pub source: Option<Source>,
    /// What it calls, if it calls a part of the same code by address.
    pub callee: Option<NativePart>,
    /// The offset of the constant that it reads.
    pub reads: Option<usize>,
}

/// A place in a function of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// The instruction, among those of the lowered function.
    pub instr: InstrIx,
    /// Byte offset of the instruction in the function's bytecode.
    pub pc: u32,
    /// The segment it stands in: the stretch of code whose fuel is charged at once. From 0.
    pub segment: u32,
}

#[cfg(test)]
mod tests;
