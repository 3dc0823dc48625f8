//! Section 4, the function table: a count, then counts of parameters, results and registers and the indices
//! of code blob and span table each. Functions may share blobs and tables.

use super::encode_error::{EncodeErrorKind, EntryError};
use super::error::IndexKind;
use super::reader::{Reader, Result};
use super::writer::Writer;
use crate::program::{FunctionDef, Program};

/// The least bytes of a row: five numbers.
const MIN_BYTES: usize = 5;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let count = r.count(MIN_BYTES)?;
    r.reserve(program.functions.try_reserve_exact(count))?;
    for _ in 0..count {
        program.functions.push(FunctionDef {
            param_count: r.uleb32()?,
            result_count: r.uleb32()?,
            reg_count: r.uleb32()?,
            code: r.index(IndexKind::Code, program.code.len())?,
            spans: r.index(IndexKind::SpanTable, program.spans.len())?,
        });
    }
    Ok(())
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let tables = [(IndexKind::Code, program.code.len()), (IndexKind::SpanTable, program.spans.len())];
    w.count(program.functions.len());
    for (i, def) in program.functions.iter().enumerate() {
        for (&(what, len), index) in tables.iter().zip([def.code, def.spans]) {
            if index as usize >= len {
                return Err(EncodeErrorKind::IndexOutOfRange { what, index, len }.at(i));
            }
        }
        for number in [def.param_count, def.result_count, def.reg_count, def.code, def.spans] {
            w.uleb32(number);
        }
    }
    Ok(())
}
