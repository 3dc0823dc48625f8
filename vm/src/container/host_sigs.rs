//! Section 8, host signatures: a count, then a symbol id, the signature hash as 8 bytes, parameter and
//! result types each. Whether the symbol exists and the hash fits is for the verifier to check.

use super::encode_error::{EncodeErrorKind, EntryError};
use super::reader::{Reader, Result};
use super::sink::{ListSink, Measure, Sink};
use super::value_types;
use super::writer::Writer;
use crate::ids::SymbolId;
use crate::program::Program;
use crate::value_type::ValueType;

/// The least bytes of an entry: a symbol id, a hash, two counts.
const MIN_BYTES: usize = 11;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let (mut heads, mut types) = (Measure::default(), Measure::default());
    walk(&mut r.clone(), &mut heads, &mut types)?;
    r.reserve(program.host_sigs.try_reserve_exact(heads.items))?;
    types.reserve(r, &mut program.host_sig_types)?;
    walk(r, &mut program.host_sigs, &mut program.host_sig_types)
}

fn walk(
    r: &mut Reader<'_>,
    heads: &mut impl Sink<(SymbolId, u64)>,
    types: &mut impl ListSink<ValueType>,
) -> Result<()> {
    for _ in 0..r.count(MIN_BYTES)? {
        heads.push((SymbolId(r.nonzero32()?), r.u64_le()?));
        value_types::read_list(r, types)?;
        value_types::read_list(r, types)?;
    }
    Ok(())
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let (entries, lists) = (program.host_sigs.len(), program.host_sig_types.len());
    if entries.checked_mul(2) != Some(lists) {
        return Err(EncodeErrorKind::SignatureCount { entries, lists }.at(lists / 2));
    }
    w.count(entries);
    let mut types = program.host_sig_types.iter();
    for (i, &(symbol, hash)) in program.host_sigs.iter().enumerate() {
        if symbol.0 == 0 {
            return Err(EncodeErrorKind::ZeroId.at(i));
        }
        w.uleb32(symbol.0);
        w.u64_le(hash);
        for list in types.by_ref().take(2) {
            w.value_types(list).map_err(|kind| kind.at(i))?;
        }
    }
    Ok(())
}
