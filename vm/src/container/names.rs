//! Section 9, names for people: the program's (flag and symbol id), functions' (count; function, symbol id
//! each), labels' (count; function, byte offset, symbol id each). Written sorted, kept sorted in a program,
//! and left out when there are none.

use super::encode_error::{EncodeErrorKind, EntryError};
use super::error::{DecodeErrorKind, IndexKind};
use super::reader::{Reader, Result};
use super::sigs::write_symbol;
use super::writer::Writer;
use crate::ids::{FuncId, SymbolId};
use crate::program::{Names, Program};
use alloc::borrow::Cow;

/// The least bytes of a function's name: function and symbol id.
const MIN_FUNCTION: usize = 2;
/// The least bytes of a label: function, offset and symbol id.
const MIN_LABEL: usize = 3;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let symbols = program.symbols.len();
    let functions = program.functions.len();
    let mut names = Names::default();
    if r.flag()? {
        names.program = Some(SymbolId(r.nonzero_symbol(symbols)?));
    }

    let count = r.count(MIN_FUNCTION)?;
    r.reserve(names.functions.try_reserve_exact(count))?;
    for _ in 0..count {
        let func = FuncId(r.index(IndexKind::Function, functions)?);
        names.functions.push((func, SymbolId(r.nonzero_symbol(symbols)?)));
    }

    let count = r.count(MIN_LABEL)?;
    r.reserve(names.labels.try_reserve_exact(count))?;
    for _ in 0..count {
        let func = FuncId(r.index(IndexKind::Function, functions)?);
        let start = r.offset();
        let pc = r.uleb32()?;
        let len = program.code(func).map_or(0, <[u8]>::len);
        if pc as usize > len {
            return Err(r.error(start, DecodeErrorKind::LabelOutOfCode { pc, len }));
        }
        names.labels.push((func, pc, SymbolId(r.nonzero_symbol(symbols)?)));
    }
    names.sort();
    program.names = names;
    Ok(())
}

pub(super) fn is_present(program: &Program) -> bool {
    let names = &program.names;
    names.program.is_some() || !names.functions.is_empty() || !names.labels.is_empty()
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let mut names = Cow::Borrowed(&program.names);
    if !names.is_sorted() {
        names.to_mut().sort();
    }
    w.u8(u8::from(names.program.is_some()));
    if let Some(symbol) = names.program {
        write_name(program, symbol, w).map_err(|kind| kind.at(0))?;
    }
    w.count(names.functions.len());
    for (i, &(func, symbol)) in names.functions.iter().enumerate() {
        write_func(program, func, w)
            .and_then(|()| write_name(program, symbol, w))
            .map_err(|kind| kind.at(i))?;
    }
    w.count(names.labels.len());
    for (i, &(func, pc, symbol)) in names.labels.iter().enumerate() {
        write_func(program, func, w).map_err(|kind| kind.at(i))?;
        let len = program.code(func).map_or(0, <[u8]>::len);
        if pc as usize > len {
            return Err(EncodeErrorKind::LabelOutOfCode { pc, len }.at(i));
        }
        w.uleb32(pc);
        write_name(program, symbol, w).map_err(|kind| kind.at(i))?;
    }
    Ok(())
}

fn write_func(program: &Program, func: FuncId, w: &mut Writer) -> core::result::Result<(), EncodeErrorKind> {
    let len = program.functions.len();
    if func.index() >= len {
        return Err(EncodeErrorKind::IndexOutOfRange { what: IndexKind::Function, index: func.0, len });
    }
    w.uleb32(func.0);
    Ok(())
}

fn write_name(
    program: &Program,
    symbol: SymbolId,
    w: &mut Writer,
) -> core::result::Result<(), EncodeErrorKind> {
    if symbol.0 == 0 {
        return Err(EncodeErrorKind::ZeroId);
    }
    write_symbol(program, symbol, w)
}
