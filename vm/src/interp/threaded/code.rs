//! Codes: words as threaded code executes them.
//!
//! Each word has a code at the same index, of the same size: what the word says, with the address of the handler that
//! does it in place of the operation's number, and with slots of 16 bits. A word that does not fit so has a code that
//! leaves it to the loop. Codes say nothing that words do not say; the loop, traps, traces and stopped runs know
//! words only.

use super::Handler;
use crate::interp::machine::Machine;
use crate::interp::regs::Ip;
use crate::interp::word::Word;
use core::fmt;

/// The code of a word.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(in crate::interp) union Code {
    op: Op,
    edge: Edge,
    callee: Callee,
}

const _: () = assert!(size_of::<Code>() == size_of::<Word>());

/// The code of all words but `Ext` words.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Op {
    pub(super) handler: Handler,
    /// The destination; of a branch, the slot of the left operand. Where control may come to the next word from
    /// elsewhere: the slot that the accumulators then hold.
    pub(super) a: u16,
    pub(super) b: u16,
    /// A third slot and 16 more bits, or one number of 32 bits.
    pub(super) wide: u32,
}

impl Op {
    /// The lower half of the wide field.
    #[inline(always)]
    pub(super) const fn c(self) -> u16 {
        self.wide as u16
    }

    /// The upper half of the wide field.
    #[inline(always)]
    pub(super) const fn x(self) -> u16 {
        (self.wide >> 16) as u16
    }
}

/// Behind a branch: what does not fit the branch itself, which says how far it goes if taken.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Edge {
    /// How far it goes otherwise.
    pub(super) other: u32,
    /// The immediate right operand.
    pub(super) imm: u32,
    /// What is added to the left operand first.
    pub(super) step: u32,
    /// What the way taken costs.
    pub(super) cost: u16,
    /// What the other way costs.
    pub(super) other_cost: u16,
}

/// Behind a call: what the callee's frame is made with.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Callee {
    /// The linkage but for the distance of the frames.
    pub(super) link: u64,
    /// Slots from the caller's frame to the end of the callee's.
    pub(super) reach: u32,
    /// The fuel of the callee's first segment.
    pub(super) cost: u16,
    pub(super) pad: u16,
}

impl Code {
    pub(super) const fn op(handler: Handler, a: u16, b: u16, wide: u32) -> Self {
        Self { op: Op { handler, a, b, wide } }
    }

    /// Has another handler do the word.
    pub(super) fn set_handler(&mut self, handler: Handler) {
        // Writing to a field of a union is safe; the other fields stay.
        self.op.handler = handler;
    }

    pub(super) const fn edge(edge: Edge) -> Self {
        Self { edge }
    }

    pub(super) const fn callee(callee: Callee) -> Self {
        Self { callee }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

/// The place of a code.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct Pc(*const Code);

impl Pc {
    /// The code of the word at `ip`.
    #[inline(always)]
    pub(super) fn of(ip: Ip, m: &Machine<'_>) -> Self {
        Self(m.codes.wrapping_byte_add(ip.bytes_from(m.words)))
    }

    /// The code of the word with this index.
    #[inline(always)]
    pub(super) fn at(m: &Machine<'_>, index: u32) -> Self {
        Self(m.codes.wrapping_add(index as usize))
    }

    /// The word whose code this is.
    #[inline(always)]
    pub(super) fn ip(self, m: &Machine<'_>) -> Ip {
        Ip::new(m.words, 0).offset_by((self.0 as usize).wrapping_sub(m.codes as usize))
    }

    /// The code.
    ///
    /// # Safety
    /// This must be inside the array of codes (fact 3 of `regs`: it is where its word is), and not that of an `Ext`
    /// word behind a branch or a call.
    #[inline(always)]
    pub(super) unsafe fn op(self) -> Op {
        // SAFETY: the caller vouches for the place. All codes of that array are made by `make`, these as `Op`.
        unsafe { (*self.0).op }
    }

    /// The code before: what it says of the accumulators.
    ///
    /// # Safety
    /// As for [`Pc::op`], of a word that is not the first of the array. The code before may be one of any word.
    #[inline(always)]
    pub(super) unsafe fn slot_before(self) -> u16 {
        // SAFETY: the caller vouches for the place. Every code has initialised bytes there, and any are a number.
        unsafe { (*self.0.wrapping_sub(1)).op.a }
    }

    /// What stands behind a branch.
    ///
    /// # Safety
    /// As for [`Pc::op`], at a branch.
    #[inline(always)]
    pub(super) unsafe fn edge(self) -> Edge {
        // SAFETY: `make` puts an edge behind each branch.
        unsafe { (*self.0.add(1)).edge }
    }

    /// What stands behind a call.
    ///
    /// # Safety
    /// As for [`Pc::op`], at a `Call1`.
    #[inline(always)]
    pub(super) unsafe fn callee(self) -> Callee {
        // SAFETY: `make` puts this behind each `Call1`.
        unsafe { (*self.0.add(1)).callee }
    }

    /// The code `words` words on.
    #[inline(always)]
    pub(super) fn skip(self, words: usize) -> Self {
        Self(self.0.wrapping_add(words))
    }

    /// The code `bytes` away, a signed number carried as `u32`.
    #[inline(always)]
    pub(super) fn offset(self, bytes: u32) -> Self {
        Self(self.0.wrapping_byte_offset(bytes as i32 as isize))
    }
}
