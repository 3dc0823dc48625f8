//! Section 3, types: field names; then struct types, each a count and pairs of field name index and type;
//! then the element types of arrays.

use super::blobs;
use super::encode_error::{EncodeErrorKind, EntryError};
use super::error::IndexKind;
use super::reader::{Reader, Result};
use super::sink::{ListSink, Measure};
use super::value_types;
use super::writer::Writer;
use crate::program::Program;
use crate::value_type::ValueType;

/// The least bytes of a struct type: the count of no fields.
const MIN_STRUCT: usize = 1;
/// The least bytes of a field: a name index and a type.
const MIN_FIELD: usize = 2;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    blobs::read_texts(r, &mut program.field_names)?;
    let named = program.field_names.len();
    let (mut types, mut names) = (Measure::default(), Measure::default());
    walk(&mut r.clone(), named, &mut types, &mut names)?;
    types.reserve(r, &mut program.structs)?;
    names.reserve(r, &mut program.struct_field_names)?;
    walk(r, named, &mut program.structs, &mut program.struct_field_names)?;

    let count = r.count(value_types::MIN_BYTES)?;
    r.reserve(program.elems.try_reserve_exact(count))?;
    for _ in 0..count {
        program.elems.push(value_types::read(r)?);
    }
    Ok(())
}

fn walk(
    r: &mut Reader<'_>,
    named: usize,
    types: &mut impl ListSink<ValueType>,
    names: &mut impl ListSink<u32>,
) -> Result<()> {
    for _ in 0..r.count(MIN_STRUCT)? {
        for _ in 0..r.count(MIN_FIELD)? {
            names.push(r.index(IndexKind::FieldName, named)?);
            types.push(value_types::read(r)?);
        }
        value_types::end(r, types)?;
        value_types::end(r, names)?;
    }
    Ok(())
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let named = program.field_names.len();
    blobs::write_texts(&program.field_names, w);
    let structs = program.structs.len();
    if program.struct_field_names.len() != structs {
        let names = program.struct_field_names.len();
        return Err(EncodeErrorKind::ListMismatch { types: structs, names }.at(structs.min(names)));
    }
    w.count(structs);
    for (i, (types, names)) in program.structs.iter().zip(program.struct_field_names.iter()).enumerate() {
        if types.len() != names.len() {
            return Err(EncodeErrorKind::ListMismatch { types: types.len(), names: names.len() }.at(i));
        }
        w.count(types.len());
        for (&ty, &index) in types.iter().zip(names) {
            if index as usize >= named {
                let what = IndexKind::FieldName;
                return Err(EncodeErrorKind::IndexOutOfRange { what, index, len: named }.at(i));
            }
            w.uleb32(index);
            w.value_type(ty).map_err(|kind| kind.at(i))?;
        }
    }
    w.count(program.elems.len());
    for (i, &ty) in program.elems.iter().enumerate() {
        w.value_type(ty).map_err(|kind| kind.at(structs + i))?;
    }
    Ok(())
}
