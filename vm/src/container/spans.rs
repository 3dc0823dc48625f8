//! Section 6, span tables: a count; then tables, each a count and pairs of byte distance and span id.

use super::encode_error::EntryError;
use super::error::DecodeErrorKind;
use super::reader::{Reader, Result};
use super::sink::{ListSink, Measure};
use super::value_types;
use super::writer::Writer;
use crate::ids::SpanId;
use crate::program::{Program, SpanEntry};

/// The least bytes of a table: the count of no entries.
const MIN_TABLE: usize = 1;
/// The least bytes of an entry: a distance and an id.
const MIN_ENTRY: usize = 2;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let mut spans = Measure::default();
    walk(&mut r.clone(), &mut spans)?;
    spans.reserve(r, &mut program.spans)?;
    walk(r, &mut program.spans)
}

fn walk(r: &mut Reader<'_>, spans: &mut impl ListSink<SpanEntry>) -> Result<()> {
    for _ in 0..r.count(MIN_TABLE)? {
        for _ in 0..r.count(MIN_ENTRY)? {
            let pc_delta = r.uleb64()?;
            let start = r.offset();
            let span = SpanId::new(r.uleb64()?).ok_or_else(|| r.error(start, DecodeErrorKind::ZeroId))?;
            spans.push(SpanEntry { pc_delta, span });
        }
        value_types::end(r, spans)?;
    }
    Ok(())
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    w.count(program.spans.len());
    for table in program.spans.iter() {
        w.count(table.len());
        for entry in table {
            w.uleb(entry.pc_delta);
            w.uleb(entry.span.get());
        }
    }
    Ok(())
}
