//! Section 1, symbols: a count, then texts. The first one is empty, so that id 0 can mean "none".

use super::blobs;
use super::encode_error::{EncodeErrorKind, EntryError};
use super::error::DecodeErrorKind;
use super::reader::{Reader, Result};
use super::writer::Writer;
use crate::program::Program;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let start = r.offset();
    blobs::read_texts(r, &mut program.symbols)?;
    if program.symbols.get(0) != Some("") {
        return Err(r.error(start, DecodeErrorKind::ReservedSymbol));
    }
    Ok(())
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    if program.symbols.get(0) != Some("") {
        return Err(EncodeErrorKind::ReservedSymbol.at(0));
    }
    blobs::write_texts(&program.symbols, w);
    Ok(())
}
