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

fn len(slot: u64) -> u64 {
    text_parts(slot).1.into()
}

/// The part `start..end` of a slot, or `IndexOutOfBounds` unless `start <= end <= len`.
fn slice(slot: u64, start: u64, end: u64) -> Result<u64, TrapCode> {
    if start > end || end > len(slot) {
        return Err(TrapCode::IndexOutOfBounds);
    }
    // Both fit: they are at most the length, which is a u32, and the whole range exists.
    Ok(text_slot(text_parts(slot).0 + start as u32, (end - start) as u32))
}

/// The number of bytes.
pub fn bytes_len(a: Bytes) -> u64 {
    len(a.0)
}

/// The number of UTF-8 bytes.
pub fn str_len(a: Str) -> u64 {
    len(a.0)
}

/// Whether both hold the same bytes.
pub fn bytes_eq(heap: &mut Heap, a: Bytes, b: Bytes) -> bool {
    a == b || heap.bytes(a.0) == heap.bytes(b.0)
}

/// Whether both hold the same UTF-8 bytes.
pub fn str_eq(heap: &mut Heap, a: Str, b: Str) -> bool {
    bytes_eq(heap, Bytes(a.0), Bytes(b.0))
}

/// `a` followed by `b`.
///
/// # Errors
/// `MemoryLimitExceeded`.
pub fn bytes_concat(heap: &mut Heap, a: Bytes, b: Bytes) -> Result<Bytes, TrapCode> {
    heap.concat(a.0, b.0).map(Bytes)
}

/// `a` followed by `b`.
///
/// # Errors
/// `MemoryLimitExceeded`.
pub fn str_concat(heap: &mut Heap, a: Str, b: Str) -> Result<Str, TrapCode> {
    heap.concat(a.0, b.0).map(Str)
}

/// The byte at an index, widened.
///
/// # Errors
/// `IndexOutOfBounds`.
pub fn bytes_get(heap: &mut Heap, bytes: Bytes, index: u64) -> Result<u64, TrapCode> {
    let byte = usize::try_from(index).ok().and_then(|i| heap.bytes(bytes.0).get(i).copied());
    byte.map(u64::from).ok_or(TrapCode::IndexOutOfBounds)
}

/// The byte at an immediate index, widened.
///
/// # Errors
/// `IndexOutOfBounds`.
pub fn bytes_get_imm(heap: &mut Heap, bytes: Bytes, index: u32) -> Result<u64, TrapCode> {
    bytes_get(heap, bytes, index.into())
}

/// Bytes `start..end`.
///
/// # Errors
/// `IndexOutOfBounds` unless `start <= end <= len`.
pub fn bytes_slice(bytes: Bytes, start: u64, end: u64) -> Result<Bytes, TrapCode> {
    slice(bytes.0, start, end).map(Bytes)
}

/// Text from byte `start` up to byte `end`.
///
/// # Errors
/// `IndexOutOfBounds` unless `start <= end <= len`; then `StrNotCharBoundary` inside a character.
pub fn str_slice(heap: &mut Heap, s: Str, start: u64, end: u64) -> Result<Str, TrapCode> {
    let part = slice(s.0, start, end)?;
    let bytes = heap.bytes(s.0);
    // A continuation byte is 0b10xx_xxxx; a position is a boundary unless such a byte stands there.
    let inside = |at: u64| bytes.get(at as usize).is_some_and(|b| b & 0xc0 == 0x80);
    if inside(start) || inside(end) {
        return Err(TrapCode::StrNotCharBoundary);
    }
    Ok(Str(part))
}

/// The UTF-8 bytes of a text.
pub fn str_to_bytes(s: Str) -> Bytes {
    Bytes(s.0)
}

/// Bytes as text.
///
/// # Errors
/// `InvalidUtf8`.
pub fn bytes_to_str(heap: &mut Heap, bytes: Bytes) -> Result<Str, TrapCode> {
    match core::str::from_utf8(heap.bytes(bytes.0)) {
        Ok(_) => Ok(Str(bytes.0)),
        Err(error) => {
            let detail = TrapDetail::Utf8 { valid: error.valid_up_to() as u64 };
            Err(heap.note(TrapCode::InvalidUtf8, detail))
        }
    }
}
