//! Section 5, code: a count, then blobs of bytes. What is in them is the codec's and the verifier's business.

use super::blobs;
use super::encode_error::EntryError;
use super::reader::{Reader, Result};
use super::writer::Writer;
use crate::program::Program;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    blobs::read_bytes(r, &mut program.code)
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    blobs::write_bytes(&program.code, w);
    Ok(())
}
