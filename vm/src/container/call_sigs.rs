//! Section 10, signatures of indirect calls: a count, then parameter and result types each. Left out when
//! there are none.

use super::encode_error::{EncodeErrorKind, EntryError};
use super::reader::{Reader, Result};
use super::sink::{ListSink, Measure};
use super::value_types;
use super::writer::Writer;
use crate::program::Program;
use crate::value_type::ValueType;

/// The least bytes of an entry: two counts.
const MIN_BYTES: usize = 2;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let mut types = Measure::default();
    walk(&mut r.clone(), &mut types)?;
    types.reserve(r, &mut program.call_sigs)?;
    walk(r, &mut program.call_sigs)
}

fn walk(r: &mut Reader<'_>, types: &mut impl ListSink<ValueType>) -> Result<()> {
    for _ in 0..r.count(MIN_BYTES)? {
        value_types::read_list(r, types)?;
        value_types::read_list(r, types)?;
    }
    Ok(())
}

pub(super) fn is_present(program: &Program) -> bool {
    !program.call_sigs.is_empty()
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let lists = program.call_sigs.len();
    if !lists.is_multiple_of(2) {
        return Err(EncodeErrorKind::SignatureCount { entries: lists.div_ceil(2), lists }.at(lists / 2));
    }
    w.count(lists / 2);
    for (i, types) in program.call_sigs.iter().enumerate() {
        w.value_types(types).map_err(|kind| kind.at(i / 2))?;
    }
    Ok(())
}
