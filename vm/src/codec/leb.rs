//! Little-endian base-128 integers, bounded: at most ten bytes, and the value must fit.
//!
//! Padded forms are accepted, because branch targets are written padded so that they can be patched.

use super::error::CodeErrorKind;
use alloc::vec::Vec;

/// Most bytes a 64-bit integer takes.
const MAX_BYTES: usize = 10;

/// A reader over code bytes that never looks past their end.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Bytes left.
    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodeErrorKind> {
        let &byte = self.bytes.get(self.at).ok_or(CodeErrorKind::UnexpectedEnd)?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn u64_le(&mut self) -> Result<u64, CodeErrorKind> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let bytes = rest.first_chunk::<8>().ok_or(CodeErrorKind::UnexpectedEnd)?;
        self.at += 8;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// An unsigned integer that fits 32 bits.
    pub(super) fn uleb32(&mut self) -> Result<u32, CodeErrorKind> {
        // One byte is by far the most frequent length.
        if let Some(&byte) = self.bytes.get(self.at)
            && byte < 0x80
        {
            self.at += 1;
            return Ok(u32::from(byte));
        }
        u32::try_from(self.uleb64()?).map_err(|_| CodeErrorKind::IntegerTooLarge)
    }

    /// The next eight bytes, the first one lowest, without reading them; `None` where there are fewer.
    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u64> {
        self.bytes.get(self.at..)?.first_chunk().copied().map(u64::from_le_bytes)
    }

    /// Goes on by `count` of the bytes that [`Reader::peek`] has shown.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// An unsigned integer that fits 64 bits.
    pub(super) fn uleb64(&mut self) -> Result<u64, CodeErrorKind> {
        let mut value = 0u64;
        for i in 0..MAX_BYTES {
            let byte = self.byte()?;
            // The tenth byte holds bit 63 alone.
            if i == MAX_BYTES - 1 && byte > 1 {
                return Err(CodeErrorKind::IntegerTooLarge);
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CodeErrorKind::IntegerTooLarge)
    }

    /// A signed integer that fits 64 bits, as its two's complement.
    pub(super) fn sleb64(&mut self) -> Result<u64, CodeErrorKind> {
        let mut value = 0u64;
        for i in 0..MAX_BYTES {
            let byte = self.byte()?;
            // The tenth byte holds bit 63 and its sign extension.
            if i == MAX_BYTES - 1 && byte != 0 && byte != 0x7f {
                return Err(CodeErrorKind::IntegerTooLarge);
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                let sign_extend = i < MAX_BYTES - 1 && byte & 0x40 != 0;
                return Ok(if sign_extend { value | u64::MAX << (7 * (i + 1)) } else { value });
            }
        }
        Err(CodeErrorKind::IntegerTooLarge)
    }
}

/// Appends an unsigned integer in the fewest bytes.
pub(super) fn write_uleb(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a 32-bit unsigned integer in exactly five bytes.
pub(super) fn write_uleb32_wide(out: &mut Vec<u8>, value: u32) {
    for i in 0..4 {
        out.push((value >> (7 * i)) as u8 | 0x80);
    }
    out.push((value >> 28) as u8);
}

/// Appends a signed integer, given as its two's complement, in the fewest bytes.
pub(super) fn write_sleb(out: &mut Vec<u8>, value: u64) {
    let mut value = value as i64;
    loop {
        let byte = value as u8 & 0x7f;
        value >>= 7;
        let done = (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0);
        if done {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
