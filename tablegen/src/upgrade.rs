//! Blobs of earlier formats as blobs of today's, so that old tables can be shown and compared. Only tools read old
//! blobs; a machine's tables are of its own format.

use opforge_schema::zerocopy::little_endian::U16;
use opforge_schema::zerocopy::{FromBytes, IntoBytes};
use opforge_schema::{Header, IntrinsicRow, OpRow, TableRow};

/// Bytes in front of the rows.
const HEAD: usize = size_of::<Header>();
/// Where the trap set of an opcode and of an intrinsic ends in format 1, which has one of 32 bits.
const TRAPS_END: usize = 8;
/// Bytes by which a trap set grew.
const GROWTH: usize = 4;

/// A blob of an earlier format, with today's; `None` for anything else.
#[must_use]
pub fn blob(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, rows) = bytes.split_first_chunk::<HEAD>()?;
    let mut header = Header::read_from_bytes(head).ok().filter(|h| h.magic == Header::MAGIC)?;
    if header.format.get() != 1 {
        return None;
    }
    header.format = U16::new(Header::FORMAT);
    let width = usize::from(header.row_size.get());
    let row: fn(&[u8]) -> Vec<u8> = match header.table.get() {
        OpRow::TABLE if width == size_of::<OpRow>() - GROWTH => op,
        IntrinsicRow::TABLE if width == size_of::<IntrinsicRow>() => intrinsic,
        _ => <[u8]>::to_vec,
    };
    let rows: Vec<Vec<u8>> = rows.chunks(width.max(1)).map(row).collect();
    header.row_size = U16::new(rows.first().map_or(width, Vec::len) as u16);
    Some([header.as_bytes(), &rows.concat()].concat())
}

/// Row 1 of opcodes: a wider trap set, and reserved bytes that are still zero.
fn op(row: &[u8]) -> Vec<u8> {
    let (front, back) = row.split_at(TRAPS_END.min(row.len()));
    [front, &[0; GROWTH], back].concat()
}

/// Row 1 of intrinsics: a wider trap set instead of the reserved bytes at the end.
fn intrinsic(row: &[u8]) -> Vec<u8> {
    let mut out = op(row);
    out.truncate(row.len());
    out
}
