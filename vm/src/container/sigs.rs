//! Section 7, function signatures: a count, which must be that of the function table; then parameters and
//! results each: types, a flag, and with the flag set one symbol id for each type.

use super::encode_error::{EncodeErrorKind, EntryError};
use super::error::{DecodeErrorKind, IndexKind};
use super::reader::{Reader, Result};
use super::sink::{ListSink, Measure};
use super::value_types;
use super::writer::Writer;
use crate::ids::SymbolId;
use crate::program::Program;
use crate::value_type::ValueType;

/// The least bytes of an entry: two counts and two flags.
const MIN_BYTES: usize = 4;

/// What a signature is checked against.
#[derive(Clone, Copy)]
struct Known {
    functions: usize,
    symbols: usize,
}

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let known = Known { functions: program.functions.len(), symbols: program.symbols.len() };
    let (mut types, mut names) = (Measure::default(), Measure::default());
    walk(&mut r.clone(), known, &mut types, &mut names)?;
    types.reserve(r, &mut program.func_sigs)?;
    names.reserve(r, &mut program.func_sig_names)?;
    walk(r, known, &mut program.func_sigs, &mut program.func_sig_names)
}

fn walk(
    r: &mut Reader<'_>,
    known: Known,
    types: &mut impl ListSink<ValueType>,
    names: &mut impl ListSink<SymbolId>,
) -> Result<()> {
    let start = r.offset();
    let signatures = r.count(MIN_BYTES)?;
    let functions = known.functions;
    if signatures != functions {
        return Err(r.error(start, DecodeErrorKind::SignatureCount { functions, signatures }));
    }
    // Each signature has two halves of the same form, parameters and results.
    for _ in 0..signatures * 2 {
        let count = value_types::read_list(r, types)?;
        if r.flag()? {
            for _ in 0..count {
                names.push(SymbolId(r.index(IndexKind::Symbol, known.symbols)?));
            }
        }
        value_types::end(r, names)?;
    }
    Ok(())
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let (entries, lists) = (program.functions.len(), program.func_sigs.len());
    if entries.checked_mul(2) != Some(lists) || program.func_sig_names.len() != lists {
        return Err(EncodeErrorKind::SignatureCount { entries, lists }.at(lists / 2));
    }
    w.count(entries);
    for (i, (types, names)) in program.func_sigs.iter().zip(program.func_sig_names.iter()).enumerate() {
        w.value_types(types).map_err(|kind| kind.at(i / 2))?;
        if names.is_empty() {
            w.u8(0);
            continue;
        }
        if names.len() != types.len() {
            return Err(EncodeErrorKind::ListMismatch { types: types.len(), names: names.len() }.at(i / 2));
        }
        w.u8(1);
        for name in names {
            write_symbol(program, *name, w).map_err(|kind| kind.at(i / 2))?;
        }
    }
    Ok(())
}

/// Writes a symbol id that must exist.
pub(super) fn write_symbol(
    program: &Program,
    symbol: SymbolId,
    w: &mut Writer,
) -> core::result::Result<(), EncodeErrorKind> {
    let len = program.symbols.len();
    if symbol.index() >= len {
        return Err(EncodeErrorKind::IndexOutOfRange { what: IndexKind::Symbol, index: symbol.0, len });
    }
    w.uleb32(symbol.0);
    Ok(())
}
