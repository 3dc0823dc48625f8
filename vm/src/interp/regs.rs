//! Unchecked access to frame slots and words: the only unsafe primitives of the interpreter.
//!
//! Soundness rests on three facts, each established before the dispatch loop can run:
//!
//! 1. **Slots**: every slot number in a word or pool list is below the frame size of its function. The verifier
//!    proves register indices in range, lowering numbers slots from them ([`crate::lower`]).
//! 2. **Frames**: a frame with its linkage lies inside the stack's allocation. `Machine::ensure_frame` checks it
//!    for the entry frame and for each call before the frame pointer moves.
//! 3. **Words**: the instruction pointer stays inside the word array. Word making resolves each branch to the start
//!    of a segment of the same function, and a segment ends in a word that leaves it ([`super::translate`]).
//!
//! Coroutines that take turns keep them: each goes on with the stack, the frame and the word that it left the loop with,
//! which nobody else writes ([`super::coroutine::Place`]).

use super::word::{Word, WordOp};
use alloc::vec::Vec;
use opforge_schema::TrapCode;

/// Slots below a frame's first slot that hold its linkage.
pub(super) const LINK_SLOTS: u32 = 2;

/// The slots of all frames of a run.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    slots: Vec<u64>,
    /// The address behind the last slot, which every call compares with.
    end: usize,
}

impl Clone for Stack {
    fn clone(&self) -> Self {
        let mut stack = Self { slots: self.slots.clone(), end: 0 };
        stack.note_end();
        stack
    }
}

impl Stack {
    fn note_end(&mut self) {
        self.end = self.slots.as_ptr_range().end as usize;
    }

    /// The number of slots there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Makes at least `slots` slots, or fails without a change if there is no memory. Frame pointers made before
    /// are no longer valid.
    pub(super) fn grow(&mut self, slots: usize) -> Result<(), TrapCode> {
        let more = slots.saturating_sub(self.slots.len());
        self.slots.try_reserve_exact(more).map_err(|_| TrapCode::MemoryLimitExceeded)?;
        self.slots.resize(self.slots.len() + more, 0);
        self.note_end();
        Ok(())
    }

    /// Gives slots back that are too many, as an earlier run under a higher limit may have left them.
    pub(super) fn limit(&mut self, slots: usize) {
        self.slots.truncate(slots);
        self.note_end();
    }

    /// The address of a slot.
    #[inline]
    pub(super) fn address(&self, slot: usize) -> *const u64 {
        debug_assert!(slot <= self.slots.len());
        self.slots.as_ptr().wrapping_add(slot)
    }

    /// Slots that exist, from one on, to write.
    #[inline]
    pub(super) fn slots_from(&mut self, start: usize) -> &mut [u64] {
        self.slots.get_mut(start..).unwrap_or(&mut [])
    }

    /// Slots that exist, to write.
    #[inline]
    pub(super) fn slice_mut(&mut self, start: usize, len: usize) -> &mut [u64] {
        self.slots.get_mut(start..start + len).unwrap_or(&mut [])
    }

    /// Reads a slot, for everything that is not in a hurry.
    pub(super) fn get(&self, slot: usize) -> Option<u64> {
        self.slots.get(slot).copied()
    }

    /// Writes a slot that exists.
    pub(super) fn set(&mut self, slot: usize, value: u64) {
        if let Some(to) = self.slots.get_mut(slot) {
            *to = value;
        }
    }
}

/// A frame pointer: the address of a frame's first slot.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct Regs(*mut u64);

impl Regs {
    /// The frame that starts at slot `base` of a stack.
    ///
    /// `Vec::as_mut_ptr` makes no reference to the slots, so frame pointers made from it stay valid until the
    /// stack reallocates.
    pub(super) fn new(stack: &mut Stack, base: usize) -> Self {
        debug_assert!(base <= stack.len());
        Self(stack.slots.as_mut_ptr().wrapping_add(base))
    }

    /// No frame at all.
    #[cfg(opforge_threaded)]
    pub(super) const NOWHERE: Self = Self(core::ptr::null_mut());

    /// The slot number of the frame's start in the stack it was made from.
    pub(super) fn base(self, stack: &Stack) -> usize {
        (self.0 as usize).wrapping_sub(stack.slots.as_ptr() as usize) / size_of::<u64>()
    }

    /// Reads a slot.
    ///
    /// # Safety
    /// `slot` must lie in the current frame (fact 1) and the frame in the stack (fact 2).
    #[inline(always)]
    pub(super) unsafe fn get(self, slot: u32) -> u64 {
        // SAFETY: the caller guarantees facts 1 and 2 of the module documentation.
        unsafe { *self.0.add(slot as usize) }
    }

    /// Writes a slot.
    ///
    /// # Safety
    /// As for [`Regs::get`].
    #[inline(always)]
    pub(super) unsafe fn set(self, slot: u32, value: u64) {
        // SAFETY: the caller guarantees facts 1 and 2 of the module documentation.
        unsafe { *self.0.add(slot as usize) = value }
    }

    /// The frame `slots` further up the stack.
    #[inline(always)]
    pub(super) fn up(self, slots: u32) -> Self {
        Self(self.0.wrapping_add(slots as usize))
    }

    /// The frame `slots` further down the stack.
    #[inline(always)]
    pub(super) fn down(self, slots: usize) -> Self {
        Self(self.0.wrapping_sub(slots))
    }

    /// Whether `slots` slots from here end inside the stack.
    #[inline(always)]
    pub(super) fn fits(self, slots: u32, stack: &Stack) -> bool {
        self.0.wrapping_add(slots as usize) as usize <= stack.end
    }

    /// Writes the linkage below this frame.
    ///
    /// # Safety
    /// The frame must have been placed [`LINK_SLOTS`] above its caller's slots, inside the stack (fact 2).
    #[inline(always)]
    pub(super) unsafe fn set_link(self, link: Link) {
        // SAFETY: the two slots below the frame belong to its linkage by the caller's guarantee.
        unsafe {
            *self.0.sub(2) = u64::from(link.ret_word) | u64::from(link.ret_to) << 32;
            *self.0.sub(1) = link.up;
        }
    }

    /// Writes the linkage below this frame, from the bits of where to return to.
    ///
    /// # Safety
    /// As for [`Regs::set_link`].
    #[cfg(opforge_threaded)]
    #[inline(always)]
    pub(super) unsafe fn set_link_bits(self, bits: u64, up: u64) {
        // SAFETY: the two slots below the frame belong to its linkage by the caller's guarantee.
        unsafe {
            *self.0.sub(2) = bits;
            *self.0.sub(1) = up;
        }
    }

    /// Reads the linkage below this frame as [`Regs::set_link_bits`] writes it: where to return to, and how far down the
    /// caller's frame is.
    ///
    /// # Safety
    /// As for [`Regs::link`].
    #[cfg(opforge_threaded)]
    #[inline(always)]
    pub(super) unsafe fn link_bits(self) -> (u64, u64) {
        // SAFETY: the linkage was written when the frame was entered.
        unsafe { (*self.0.sub(2), *self.0.sub(1)) }
    }

    /// Reads the linkage below this frame.
    ///
    /// # Safety
    /// [`Regs::set_link`] must have been called for this frame.
    #[inline(always)]
    pub(super) unsafe fn link(self) -> Link {
        // SAFETY: the linkage was written when the frame was entered.
        let (word, up) = unsafe { (*self.0.sub(2), *self.0.sub(1)) };
        Link { ret_word: word as u32, ret_to: (word >> 32) as u32, up }
    }
}

/// What a frame knows about its caller. Plain numbers, so a stopped run is plain data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// The word to go on with; 0 for the entry frame.
    pub(super) ret_word: u32,
    /// The caller's slot for a single result, or the pool index of its result slots.
    pub(super) ret_to: u32,
    /// How many slots the caller's frame starts below this one.
    pub(super) up: u64,
}

/// An instruction pointer.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct Ip(*const Word);

impl Ip {
    /// The word at an index of a word array.
    #[inline(always)]
    pub(super) fn new(words: *const Word, index: u32) -> Self {
        Self(words.wrapping_add(index as usize))
    }

    /// No word at all.
    #[cfg(opforge_threaded)]
    pub(super) const NOWHERE: Self = Self(core::ptr::null());

    /// The index of the word in its array.
    #[inline(always)]
    pub(super) fn index(self, words: *const Word) -> u32 {
        ((self.0 as usize).wrapping_sub(words as usize) / size_of::<Word>()) as u32
    }

    /// How many bytes this is behind the start of a word array.
    #[cfg(opforge_threaded)]
    #[inline(always)]
    pub(super) fn bytes_from(self, words: *const Word) -> usize {
        (self.0 as usize).wrapping_sub(words as usize)
    }

    /// The word `bytes` further on.
    #[cfg(opforge_threaded)]
    #[inline(always)]
    pub(super) fn offset_by(self, bytes: usize) -> Self {
        Self(self.0.wrapping_byte_add(bytes))
    }

    /// The word itself.
    ///
    /// # Safety
    /// The pointer must be inside the word array (fact 3).
    #[inline(always)]
    pub(super) unsafe fn word(self) -> Word {
        // SAFETY: the caller guarantees fact 3 of the module documentation.
        unsafe { *self.0 }
    }

    /// The operation of the word.
    ///
    /// # Safety
    /// As for [`Ip::word`].
    #[inline(always)]
    pub(super) unsafe fn op(self) -> WordOp {
        // SAFETY: the caller guarantees fact 3 of the module documentation.
        unsafe { (*self.0).op }
    }

    /// The next word.
    #[inline(always)]
    pub(super) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// The word before.
    #[inline(always)]
    pub(super) fn back(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }

    /// The word `bytes` away, a signed number carried as `u32`.
    #[inline(always)]
    pub(super) fn offset(self, bytes: u32) -> Self {
        Self(self.0.wrapping_byte_offset(bytes as i32 as isize))
    }
}
