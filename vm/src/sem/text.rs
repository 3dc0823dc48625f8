//! Bytes and text. Values are slots that refer to the run's heap; slices and conversions copy nothing.

use crate::heap::{Heap, text_parts, text_slot};
use crate::trap::TrapDetail;
use opforge_schema::TrapCode;

/// A byte string: start and length in the heap's address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bytes(pub(crate) u64);

/// UTF-8 text: start and length in the heap's address space. Always on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Str(pub(crate) u64);

macro_rules! slots {
    ($($ty:ty)*) => {$(
        impl $ty {
            /// The value that a slot holds. A slot that refers to nothing reads as empty.
            #[doc(hidden)]
            #[must_use]
            pub const fn from_slot(slot: u64) -> Self {
                Self(slot)
            }

            /// The slot that holds the value.
            #[doc(hidden)]
            #[must_use]
            pub const fn slot(self) -> u64 {
                self.0
            }
        }
    )*};
}

slots!(Bytes Str);

#[inline]
fn len(slot: u64) -> u64 {
    text_parts(slot).1.into()
}

/// The part `start..end` of a slot, or `IndexOutOfBounds` unless `start <= end <= len`.
#[inline]
fn slice(slot: u64, start: u64, end: u64) -> Result<u64, TrapCode> {
    if start > end || end > len(slot) {
        return Err(TrapCode::IndexOutOfBounds);
    }
    // Both fit: they are at most the length, which is a u32, and the whole range exists.
    Ok(text_slot(text_parts(slot).0 + start as u32, (end - start) as u32))
}

/// The number of bytes.
#[inline]
pub fn bytes_len(a: Bytes) -> u64 {
    len(a.0)
}

/// The number of UTF-8 bytes.
#[inline]
pub fn str_len(a: Str) -> u64 {
    len(a.0)
}

/// Whether both hold the same bytes.
#[inline]
pub fn bytes_eq(heap: &mut Heap, a: Bytes, b: Bytes) -> bool {
    heap.same_bytes(a.0, b.0)
}

/// Whether both hold the same UTF-8 bytes.
#[inline]
pub fn str_eq(heap: &mut Heap, a: Str, b: Str) -> bool {
    heap.same_bytes(a.0, b.0)
}

/// `a` followed by `b`.
///
/// # Errors
/// `MemoryLimitExceeded`.
#[inline]
pub fn bytes_concat(heap: &mut Heap, a: Bytes, b: Bytes) -> Result<Bytes, TrapCode> {
    heap.concat(a.0, b.0).map(Bytes).ok_or(TrapCode::MemoryLimitExceeded)
}

/// `a` followed by `b`.
///
/// # Errors
/// `MemoryLimitExceeded`.
#[inline]
pub fn str_concat(heap: &mut Heap, a: Str, b: Str) -> Result<Str, TrapCode> {
    heap.concat(a.0, b.0).map(Str).ok_or(TrapCode::MemoryLimitExceeded)
}

/// The byte at an index, widened.
///
/// # Errors
/// `IndexOutOfBounds`.
#[inline]
pub fn bytes_get(heap: &mut Heap, bytes: Bytes, index: u64) -> Result<u64, TrapCode> {
    heap.byte(bytes.0, index).ok_or(TrapCode::IndexOutOfBounds)
}

/// The byte at an immediate index, widened.
///
/// # Errors
/// `IndexOutOfBounds`.
#[inline]
pub fn bytes_get_imm(heap: &mut Heap, bytes: Bytes, index: u32) -> Result<u64, TrapCode> {
    bytes_get(heap, bytes, index.into())
}

/// Bytes `start..end`.
///
/// # Errors
/// `IndexOutOfBounds` unless `start <= end <= len`.
#[inline]
pub fn bytes_slice(bytes: Bytes, start: u64, end: u64) -> Result<Bytes, TrapCode> {
    slice(bytes.0, start, end).map(Bytes)
}

/// Text from byte `start` up to byte `end`.
///
/// # Errors
/// `IndexOutOfBounds` unless `start <= end <= len`; then `StrNotCharBoundary` inside a character.
#[inline]
pub fn str_slice(heap: &mut Heap, s: Str, start: u64, end: u64) -> Result<Str, TrapCode> {
    let part = slice(s.0, start, end)?;
    if heap.cuts_character(s.0, [start, end]) {
        return Err(TrapCode::StrNotCharBoundary);
    }
    Ok(Str(part))
}

/// The UTF-8 bytes of a text.
#[inline]
pub fn str_to_bytes(s: Str) -> Bytes {
    Bytes(s.0)
}

/// Bytes as text.
///
/// # Errors
/// `InvalidUtf8`.
#[inline]
pub fn bytes_to_str(heap: &mut Heap, bytes: Bytes) -> Result<Str, TrapCode> {
    match heap.text_ends(bytes.0) {
        None => Ok(Str(bytes.0)),
        Some(valid) => Err(heap.note(TrapCode::InvalidUtf8, TrapDetail::Utf8 { valid })),
    }
}
