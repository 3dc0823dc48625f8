//! Linear memories: numbers and their bytes, and whole ranges.
//!
//! Loads are functions of bytes and stores functions that give them, least significant first; where the bytes are is
//! not their business. Functions over ranges take the heap, the instruction's ids and its registers, in the order of
//! its row, and return what it writes, 0 if nothing. Ranges are checked as a whole before the first byte moves.

use crate::heap::{Heap, text_slot};
use crate::ids::MemId;
use opforge_schema::TrapCode;

/// The semantic function of an instruction over ranges of memories.
pub type MemoryFn = fn(&mut Heap, [u32; 3], [u64; 3]) -> Result<u64, TrapCode>;

macro_rules! loads {
    ($($(#[$meta:meta])* $name:ident: $bytes:literal $number:ty => $result:ty;)*) => {$(
        $(#[$meta])*
        #[must_use]
        #[inline(always)]
        pub fn $name(bytes: [u8; $bytes]) -> $result {
            <$number>::from_le_bytes(bytes).into()
        }
    )*};
}

loads! {
    /// Twin: `i64.load8_s`.
    i64_load8_s: 1 i8 => i64;
    /// Twin: `i64.load16_s`.
    i64_load16_s: 2 i16 => i64;
    /// Twin: `i64.load32_s`.
    i64_load32_s: 4 i32 => i64;
    /// Twin: `i64.load`.
    i64_load64: 8 i64 => i64;
    /// Twin: `i64.load8_u`.
    u64_load8: 1 u8 => u64;
    /// Twin: `i64.load16_u`.
    u64_load16: 2 u16 => u64;
    /// Twin: `i64.load32_u`.
    u64_load32: 4 u32 => u64;
    /// Twin: `i64.load`.
    u64_load64: 8 u64 => u64;
    /// Twin: `f64.load`.
    f64_load64: 8 f64 => f64;
    /// `f32.load`, then `f64.promote_f32`.
    f64_load32: 4 f32 => f64;
}

macro_rules! stores {
    ($($(#[$meta:meta])* $name:ident: $value:ty => $number:ty, $bytes:literal;)*) => {$(
        $(#[$meta])*
        #[must_use]
        #[inline(always)]
        pub fn $name(value: $value) -> [u8; $bytes] {
            (value as $number).to_le_bytes()
        }
    )*};
}

stores! {
    /// Twin: `i64.store8`.
    i64_store8: i64 => u8, 1;
    /// Twin: `i64.store16`.
    i64_store16: i64 => u16, 2;
    /// Twin: `i64.store32`.
    i64_store32: i64 => u32, 4;
    /// Twin: `i64.store`.
    i64_store64: i64 => u64, 8;
    /// Twin: `i64.store8`.
    u64_store8: u64 => u8, 1;
    /// Twin: `i64.store16`.
    u64_store16: u64 => u16, 2;
    /// Twin: `i64.store32`.
    u64_store32: u64 => u32, 4;
    /// Twin: `i64.store`.
    u64_store64: u64 => u64, 8;
}

/// Twin: `f64.store`, with one pattern for every NaN.
#[must_use]
#[inline(always)]
pub fn f64_store64(value: f64) -> [u8; 8] {
    crate::value::canonical_f64_bits(value.to_bits()).to_le_bytes()
}

/// The bits of a 32-bit NaN that leaves the VM: positive, quiet, without a payload.
pub const CANONICAL_NAN_32: u32 = 0x7fc0_0000;

/// `f32.demote_f64`, then `f32.store`, with one pattern for every NaN.
#[must_use]
#[inline(always)]
pub fn f64_store32(value: f64) -> [u8; 4] {
    let bits = if value.is_nan() { CANONICAL_NAN_32 } else { (value as f32).to_bits() };
    bits.to_le_bytes()
}

/// Twin: `memory.size`.
///
/// # Errors
/// None.
pub fn mem_size(heap: &mut Heap, [mem, ..]: [u32; 3], _: [u64; 3]) -> Result<u64, TrapCode> {
    Ok(heap.memory_pages(MemId(mem)))
}

/// Twin: `memory.grow`.
///
/// # Errors
/// [`TrapCode::MemoryLimitExceeded`] past the run's limit. Past the memory's own the result is [`u64::MAX`].
pub fn mem_grow(heap: &mut Heap, [mem, ..]: [u32; 3], [delta, ..]: [u64; 3]) -> Result<u64, TrapCode> {
    heap.grow_memory(MemId(mem), delta).map(|pages| pages.unwrap_or(u64::MAX))
}

/// Twin: `memory.fill`.
///
/// # Errors
/// [`TrapCode::MemOutOfBounds`].
pub fn mem_fill(heap: &mut Heap, [mem, ..]: [u32; 3], [dst, byte, len]: [u64; 3]) -> Result<u64, TrapCode> {
    let range = heap.memory_range(MemId(mem), dst, len)?;
    if let Some(bytes) = heap.memory_bytes_mut(MemId(mem)).get_mut(range) {
        bytes.fill(byte as u8);
    }
    Ok(0)
}

/// Twin: `memory.copy`.
///
/// # Errors
/// [`TrapCode::MemOutOfBounds`].
pub fn mem_copy(
    heap: &mut Heap,
    [to, from, _]: [u32; 3],
    [dst, src, len]: [u64; 3],
) -> Result<u64, TrapCode> {
    let dst = heap.memory_range(MemId(to), dst, len)?;
    let src = heap.memory_range(MemId(from), src, len)?;
    heap.copy_memory((MemId(to), dst), (MemId(from), src));
    Ok(0)
}

/// Twin: `memory.init`. In place of the constant's id come its start in the program's data and its length.
///
/// # Errors
/// [`TrapCode::MemOutOfBounds`].
pub fn mem_init(
    heap: &mut Heap,
    [mem, start, size]: [u32; 3],
    [dst, src, len]: [u64; 3],
) -> Result<u64, TrapCode> {
    let to = heap.memory_range(MemId(mem), dst, len)?;
    match src.checked_add(len) {
        Some(end) if end <= size.into() => {
            // Both are at most the constant's size, which has 32 bits.
            heap.put_bytes(MemId(mem), to, text_slot(start + src as u32, len as u32));
            Ok(0)
        }
        _ => Err(TrapCode::MemOutOfBounds),
    }
}

/// A copy of a range as bytes.
///
/// # Errors
/// [`TrapCode::MemOutOfBounds`], then [`TrapCode::MemoryLimitExceeded`].
pub fn bytes_from_mem(
    heap: &mut Heap,
    [mem, ..]: [u32; 3],
    [addr, len, _]: [u64; 3],
) -> Result<u64, TrapCode> {
    let range = heap.memory_range(MemId(mem), addr, len)?;
    heap.bytes_of_memory(MemId(mem), range)
}

/// Bytes to a range.
///
/// # Errors
/// [`TrapCode::MemOutOfBounds`].
pub fn mem_put_bytes(
    heap: &mut Heap,
    [mem, ..]: [u32; 3],
    [addr, bytes, _]: [u64; 3],
) -> Result<u64, TrapCode> {
    let len = heap.bytes(bytes).len() as u64;
    let range = heap.memory_range(MemId(mem), addr, len)?;
    heap.put_bytes(MemId(mem), range, bytes);
    Ok(0)
}
