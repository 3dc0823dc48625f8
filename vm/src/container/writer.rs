//! The writer: always the shortest form of a number.

use super::encode_error::EncodeErrorKind;
use crate::program::ContainerVersion;
use crate::value_type::ValueType;
use alloc::vec::Vec;

/// Bytes being written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: Vec<u8>,
    version: ContainerVersion,
}

impl Writer {
    /// A writer for a container of this version.
    pub(super) fn of(version: ContainerVersion) -> Self {
        Self { out: Vec::new(), version }
    }

    pub(super) fn u8(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(super) fn u16_le(&mut self, value: u16) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64_le(&mut self, value: u64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn uleb(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    pub(super) fn sleb(&mut self, mut value: i64) {
        // One byte holds 7 bits, the highest of which is the sign.
        while !(-0x40..0x40).contains(&value) {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8 & 0x7f);
    }

    pub(super) fn uleb16(&mut self, value: u16) {
        self.uleb(u64::from(value));
    }

    pub(super) fn uleb32(&mut self, value: u32) {
        self.uleb(u64::from(value));
    }

    pub(super) fn count(&mut self, count: usize) {
        self.uleb(count as u64);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(super) fn blob(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes(bytes);
    }

    /// A value type, if the version has it.
    pub(super) fn value_type(&mut self, ty: ValueType) -> Result<(), EncodeErrorKind> {
        let needed = ContainerVersion::of_class(ty);
        if needed > self.version {
            return Err(EncodeErrorKind::NeedsVersion { needed });
        }
        self.u8(ty.tag());
        if let ValueType::Obj(host) = ty {
            self.u64_le(host);
        }
        Ok(())
    }

    pub(super) fn value_types(&mut self, types: &[ValueType]) -> Result<(), EncodeErrorKind> {
        self.count(types.len());
        types.iter().try_for_each(|&ty| self.value_type(ty))
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.out
    }

    pub(super) fn clear(&mut self) {
        self.out.clear();
    }

    pub(super) fn into_vec(self) -> Vec<u8> {
        self.out
    }
}
