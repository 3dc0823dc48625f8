//! Value types and lists of them, as all signatures spell them: a tag byte, and the host type of an object
//! behind it as 8 bytes.

use super::error::{DecodeErrorKind, TagKind};
use super::reader::{Reader, Result};
use super::sink::ListSink;
use crate::program::ContainerVersion;
use crate::value_type::ValueType;

/// The least bytes of a value type.
pub(super) const MIN_BYTES: usize = 1;

pub(super) fn read(r: &mut Reader<'_>) -> Result<ValueType> {
    let start = r.offset();
    let tag = r.u8()?;
    let host_type = if tag == ValueType::OBJ_TAG { r.u64_le()? } else { 0 };
    ValueType::from_tag(tag, host_type)
        .filter(|ty| ContainerVersion::of_class(*ty) <= r.version())
        .ok_or_else(|| r.error(start, DecodeErrorKind::BadTag { what: TagKind::ValueType, found: tag }))
}

/// A count and that many types, which become one list. Returns how many.
pub(super) fn read_list(r: &mut Reader<'_>, types: &mut impl ListSink<ValueType>) -> Result<usize> {
    let count = r.count(MIN_BYTES)?;
    for _ in 0..count {
        types.push(read(r)?);
    }
    end(r, types)?;
    Ok(count)
}

/// Ends a list.
pub(super) fn end<T>(r: &Reader<'_>, lists: &mut impl ListSink<T>) -> Result<()> {
    lists.end_list().map(|_| ()).ok_or_else(|| r.out_of_memory())
}
