//! Handlers of direct instructions by operand form, for both dispatchers. Each loads operands as the semantic
//! function's parameter types say, calls it, and stores the result.
//!
//! Safety, of all: the word's slots must be slots of the frame, and the frame inside the stack (`regs`, facts 1
//! and 2).

use super::operand::{Immediate, Operand, SemResult};
use super::regs::{Ip, Regs};
use super::word::Word;
use crate::heap::Heap;
use crate::ids::MemId;
use opforge_schema::TrapCode;

/// The bits of a result that the loop stores; `None` if it is stored already.
type Done = Result<Option<u64>, TrapCode>;

#[inline(always)]
unsafe fn store_result<R: SemResult>(result: R, regs: Regs, word: Word) -> Done {
    let value = result.into_result()?;
    // SAFETY: `a` is the destination; the caller vouches for the word's slots.
    Ok(unsafe { value.store(regs, word.a) })
}

#[inline(always)]
pub(super) unsafe fn unary<A: Operand, R: SemResult>(regs: Regs, word: Word, f: impl FnOnce(A) -> R) -> Done {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { store_result(f(A::load(regs, word.b)), regs, word) }
}

#[inline(always)]
pub(super) unsafe fn unary_imm<A: Operand, R: SemResult>(
    regs: Regs,
    word: Word,
    f: impl FnOnce(A, u32) -> R,
) -> Done {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { store_result(f(A::load(regs, word.b), word.c), regs, word) }
}

#[inline(always)]
pub(super) unsafe fn binary<A: Operand, B: Operand, R: SemResult>(
    regs: Regs,
    word: Word,
    f: impl FnOnce(A, B) -> R,
) -> Done {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { store_result(f(A::load(regs, word.b), B::load(regs, word.c)), regs, word) }
}

#[inline(always)]
pub(super) unsafe fn binary_imm<A: Operand, B: Immediate, R: SemResult>(
    regs: Regs,
    word: Word,
    f: impl FnOnce(A, B) -> R,
) -> Done {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { store_result(f(A::load(regs, word.b), B::from_imm(word.c)), regs, word) }
}

#[inline(always)]
pub(super) unsafe fn ternary<A: Operand, B: Operand, C: Operand, R: SemResult>(
    regs: Regs,
    word: Word,
    ip: Ip,
    f: impl FnOnce(A, B, C) -> R,
) -> Done {
    // SAFETY: a ternary word is followed by its `Ext` word (`translate`); the caller vouches for the slots.
    unsafe {
        let third = ip.next().word().b;
        store_result(f(A::load(regs, word.b), B::load(regs, word.c), C::load(regs, third)), regs, word)
    }
}

#[inline(always)]
pub(super) unsafe fn heap_unary<A: Operand, R: SemResult>(
    regs: Regs,
    word: Word,
    heap: &mut Heap,
    f: impl FnOnce(&mut Heap, A) -> R,
) -> Done {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { store_result(f(heap, A::load(regs, word.b)), regs, word) }
}

#[inline(always)]
pub(super) unsafe fn heap_unary_imm<A: Operand, R: SemResult>(
    regs: Regs,
    word: Word,
    heap: &mut Heap,
    f: impl FnOnce(&mut Heap, A, u32) -> R,
) -> Done {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { store_result(f(heap, A::load(regs, word.b), word.c), regs, word) }
}

#[inline(always)]
pub(super) unsafe fn heap_binary<A: Operand, B: Operand, R: SemResult>(
    regs: Regs,
    word: Word,
    heap: &mut Heap,
    f: impl FnOnce(&mut Heap, A, B) -> R,
) -> Done {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { store_result(f(heap, A::load(regs, word.b), B::load(regs, word.c)), regs, word) }
}

#[inline(always)]
pub(super) unsafe fn heap_ternary<A: Operand, B: Operand, C: Operand, R: SemResult>(
    regs: Regs,
    word: Word,
    ip: Ip,
    heap: &mut Heap,
    f: impl FnOnce(&mut Heap, A, B, C) -> R,
) -> Done {
    // SAFETY: as for `ternary`.
    unsafe {
        let third = ip.next().word().b;
        store_result(f(heap, A::load(regs, word.b), B::load(regs, word.c), C::load(regs, third)), regs, word)
    }
}

#[inline(always)]
pub(super) unsafe fn test<A: Operand, B: Operand>(
    regs: Regs,
    word: Word,
    f: impl FnOnce(A, B) -> bool,
) -> bool {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { f(A::load(regs, word.a), B::load(regs, word.b)) }
}

#[inline(always)]
pub(super) unsafe fn test_imm<A: Operand, B: Immediate>(
    regs: Regs,
    word: Word,
    f: impl FnOnce(A, B) -> bool,
) -> bool {
    // SAFETY: the caller vouches for the word's slots.
    unsafe { f(A::load(regs, word.a), B::from_imm(word.b)) }
}

/// A load or store that is not all in its memory.
pub(super) struct Outside {
    mem: MemId,
    addr: u64,
    offset: u32,
    len: u64,
}

impl Outside {
    /// The trap, with what its report is to say. Not done where the access is: a call would cost the registers of each.
    #[cold]
    pub(super) fn trap(self, heap: &mut Heap) -> TrapCode {
        heap.out_of_bounds(self.mem, (self.addr, self.offset), self.len)
    }
}

/// Reads a number from a linear memory.
#[inline(always)]
pub(super) unsafe fn load<const N: usize, R: Operand>(
    regs: Regs,
    word: Word,
    heap: &Heap,
    f: impl FnOnce([u8; N]) -> R,
) -> Result<Option<u64>, Outside> {
    // SAFETY: the caller vouches for the word's slots.
    let addr = unsafe { regs.get(word.b) };
    let (mem, offset) = (MemId(word.x.into()), word.c);
    match heap.memory_chunk(mem, addr, offset) {
        // SAFETY: the caller vouches for the word's slots.
        Some(bytes) => Ok(unsafe { f(*bytes).store(regs, word.a) }),
        None => Err(Outside { mem, addr, offset, len: N as u64 }),
    }
}

/// Writes a number to a linear memory.
#[inline(always)]
pub(super) unsafe fn store<const N: usize, A: Operand>(
    regs: Regs,
    word: Word,
    heap: &mut Heap,
    f: impl FnOnce(A) -> [u8; N],
) -> Result<(), Outside> {
    // SAFETY: the caller vouches for the word's slots.
    let (addr, value) = unsafe { (regs.get(word.a), A::load(regs, word.b)) };
    let (mem, offset) = (MemId(word.x.into()), word.c);
    match heap.memory_chunk_mut(mem, addr, offset) {
        Some(bytes) => {
            *bytes = f(value);
            Ok(())
        }
        None => Err(Outside { mem, addr, offset, len: N as u64 }),
    }
}

/// The slot that a select takes.
///
/// # Safety
/// `ip` must be at a select word, whose slots are slots of the frame and which is followed by its `Ext` word.
#[inline(always)]
pub(super) unsafe fn selected(regs: Regs, ip: Ip) -> u32 {
    // SAFETY: the caller vouches for both words and their slots.
    unsafe {
        let word = ip.word();
        if regs.get(word.c) != 0 { word.b } else { ip.next().word().b }
    }
}

/// Copies two slots; source and destination may overlap.
///
/// # Safety
/// Both pairs must be slots of the frame.
#[inline(always)]
pub(super) unsafe fn move2(regs: Regs, to: u32, from: u32) {
    // SAFETY: the caller vouches for the slots.
    unsafe {
        let (first, second) = (regs.get(from), regs.get(from + 1));
        regs.set(to, first);
        regs.set(to + 1, second);
    }
}
