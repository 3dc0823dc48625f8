//! The bounded reader: every byte, number, count and index of a container comes through here.
//!
//! It never reads behind its end, never trusts a count, and does not allocate except through
//! [`Reader::reserve`], which reports a full allocator as an ordinary error.

use super::error::{DecodeError, DecodeErrorKind, IndexKind};
use super::section::Section;
use crate::program::ContainerVersion;
use alloc::collections::TryReserveError;
use core::str;

pub(super) type Result<T> = core::result::Result<T, DecodeError>;

/// A position in the container, with the end it must not pass.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    /// The container up to the end of what may be read.
    bytes: &'a [u8],
    /// Counted from the start of the container, so that errors need no base.
    pos: usize,
    section: Option<Section>,
    version: ContainerVersion,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], pos: usize, section: Option<Section>) -> Self {
        Self { bytes, pos, section, version: ContainerVersion::NEWEST }
    }

    /// The same reader, of a container of this version.
    pub(super) const fn of(self, version: ContainerVersion) -> Self {
        Self { version, ..self }
    }

    /// The version of the container.
    pub(super) const fn version(&self) -> ContainerVersion {
        self.version
    }

    pub(super) const fn offset(&self) -> usize {
        self.pos
    }

    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.pos)
    }

    #[cold]
    pub(super) const fn error(&self, offset: usize, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, offset, self.section)
    }

    #[cold]
    fn end(&self, needed: u64) -> DecodeError {
        self.error(self.pos, DecodeErrorKind::UnexpectedEnd { needed, remaining: self.remaining() })
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        let Some(&byte) = self.bytes.get(self.pos) else { return Err(self.end(1)) };
        self.pos += 1;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some(bytes) = self.bytes.get(self.pos..).and_then(<[u8]>::first_chunk) else {
            return Err(self.end(N as u64));
        };
        self.pos += N;
        Ok(*bytes)
    }

    pub(super) fn u16_le(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u64_le(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: u64) -> Result<&'a [u8]> {
        let bytes = usize::try_from(len)
            .ok()
            .and_then(|len| self.pos.checked_add(len))
            .and_then(|end| self.bytes.get(self.pos..end));
        let Some(bytes) = bytes else { return Err(self.end(len)) };
        self.pos += bytes.len();
        Ok(bytes)
    }

    /// An unsigned LEB128 number. Padded forms are fine up to 10 bytes; the tenth byte may only be 0 or 1.
    pub(super) fn uleb64(&mut self) -> Result<u64> {
        let start = self.pos;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error(start, DecodeErrorKind::VarintOverflow))
    }

    /// A signed LEB128 number. Padded forms are fine up to 10 bytes; the tenth byte may only be 0 or 0x7f.
    pub(super) fn sleb64(&mut self) -> Result<i64> {
        let start = self.pos;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            if shift == 63 && byte != 0 && byte != 0x7f {
                break;
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let filled = shift + 7;
                let negative = byte & 0x40 != 0 && filled < 64;
                return Ok(if negative { value | (-1 << filled) } else { value });
            }
        }
        Err(self.error(start, DecodeErrorKind::VarintOverflow))
    }

    /// An unsigned LEB128 number that fits 32 bits, in up to 10 bytes.
    pub(super) fn uleb32(&mut self) -> Result<u32> {
        let start = self.pos;
        let value = self.uleb64()?;
        u32::try_from(value)
            .map_err(|_| self.error(start, DecodeErrorKind::NumberTooLarge { value, bits: 32 }))
    }

    /// An unsigned LEB128 number that fits 16 bits, in up to 10 bytes.
    pub(super) fn uleb16(&mut self) -> Result<u16> {
        let start = self.pos;
        let value = self.uleb64()?;
        u16::try_from(value)
            .map_err(|_| self.error(start, DecodeErrorKind::NumberTooLarge { value, bits: 16 }))
    }

    /// A 32-bit number other than 0.
    pub(super) fn nonzero32(&mut self) -> Result<u32> {
        let start = self.pos;
        match self.uleb32()? {
            0 => Err(self.error(start, DecodeErrorKind::ZeroId)),
            value => Ok(value),
        }
    }

    /// An index into a table of `len` entries.
    pub(super) fn index(&mut self, what: IndexKind, len: usize) -> Result<u32> {
        let start = self.pos;
        let index = self.uleb64()?;
        self.check_index(start, what, index, len)
    }

    /// As [`Reader::index`], for symbol ids of which 0 is not allowed.
    pub(super) fn nonzero_symbol(&mut self, len: usize) -> Result<u32> {
        let start = self.pos;
        let index = self.nonzero32()?;
        self.check_index(start, IndexKind::Symbol, u64::from(index), len)
    }

    fn check_index(&self, start: usize, what: IndexKind, index: u64, len: usize) -> Result<u32> {
        match u32::try_from(index) {
            Ok(small) if (small as usize) < len => Ok(small),
            _ => Err(self.error(start, DecodeErrorKind::IndexOutOfRange { what, index, len })),
        }
    }

    /// A count of entries of at least `min_bytes` bytes each. The rest of the section must have room for
    /// them, so what a caller reserves for `count` entries is bounded by the input.
    pub(super) fn count(&mut self, min_bytes: usize) -> Result<usize> {
        let start = self.pos;
        let count = self.uleb64()?;
        let room = self.remaining() / min_bytes.max(1);
        match usize::try_from(count) {
            Ok(count) if count <= room => Ok(count),
            _ => Err(self.error(start, DecodeErrorKind::CountExceedsInput { count, room })),
        }
    }

    /// As [`Reader::count`], for tables that count with 16 bits.
    pub(super) fn count16(&mut self, min_bytes: usize) -> Result<u16> {
        let start = self.pos;
        let count = self.count(min_bytes)?;
        let too_large = DecodeErrorKind::NumberTooLarge { value: count as u64, bits: 16 };
        u16::try_from(count).map_err(|_| self.error(start, too_large))
    }

    /// A byte that says no (0) or yes (1).
    pub(super) fn flag(&mut self) -> Result<bool> {
        let start = self.pos;
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(self.error(start, DecodeErrorKind::BadFlag { found })),
        }
    }

    /// Length and that many bytes.
    pub(super) fn blob(&mut self) -> Result<&'a [u8]> {
        let len = self.uleb64()?;
        self.take(len)
    }

    /// Length and that many bytes of UTF-8.
    pub(super) fn text(&mut self) -> Result<&'a str> {
        let bytes = self.blob()?;
        str::from_utf8(bytes).map_err(|error| {
            let start = self.pos - bytes.len();
            self.error(start + error.valid_up_to(), DecodeErrorKind::InvalidUtf8)
        })
    }

    /// Turns a failed reservation into an error at the current position.
    pub(super) fn reserve(&self, outcome: core::result::Result<(), TryReserveError>) -> Result<()> {
        outcome.map_err(|_| self.out_of_memory())
    }

    #[cold]
    pub(super) const fn out_of_memory(&self) -> DecodeError {
        self.error(self.pos, DecodeErrorKind::OutOfMemory)
    }
}
