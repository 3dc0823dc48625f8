//! Section 11, shapes of aggregate parameters: a count, then function, parameter, and a tagged shape each:
//! 1 a tuple with a flag and maybe a type for each element, 2 a struct type, 3 an array of an element type.
//! Left out when there are none. Whether the types exist is for the verifier to check.

use super::encode_error::{EncodeErrorKind, EntryError};
use super::error::{DecodeErrorKind, IndexKind, TagKind};
use super::reader::{Reader, Result};
use super::value_types;
use super::writer::Writer;
use crate::ids::{ElemId, FuncId, StructId};
use crate::program::{AggShape, ParamShape, Program};
use alloc::vec::Vec;

/// The least bytes of an entry: function, parameter, tag, and a count or id.
const MIN_ENTRY: usize = 4;
/// The least bytes of a tuple element: the flag that says it is open.
const MIN_ELEM: usize = 1;

const TUPLE: u8 = 1;
const STRUCT: u8 = 2;
const ARRAY: u8 = 3;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let count = r.count(MIN_ENTRY)?;
    r.reserve(program.param_shapes.try_reserve_exact(count))?;
    for _ in 0..count {
        let func = FuncId(r.index(IndexKind::Function, program.functions.len())?);
        // The row exists: the index was just checked.
        let params = program.functions.get(func.index()).map_or(0, |def| def.param_count);
        let param = r.index(IndexKind::Param, params as usize)?;
        let shape = read_shape(r)?;
        program.param_shapes.push(ParamShape { func, param, shape });
    }
    Ok(())
}

fn read_shape(r: &mut Reader<'_>) -> Result<AggShape> {
    let start = r.offset();
    Ok(match r.u8()? {
        TUPLE => {
            let count = r.count(MIN_ELEM)?;
            let mut elems = Vec::new();
            r.reserve(elems.try_reserve_exact(count))?;
            for _ in 0..count {
                elems.push(if r.flag()? { Some(value_types::read(r)?) } else { None });
            }
            AggShape::Tuple(elems)
        }
        STRUCT => AggShape::Struct(StructId(r.uleb32()?)),
        ARRAY => AggShape::Array(ElemId(r.uleb32()?)),
        found => return Err(r.error(start, DecodeErrorKind::BadTag { what: TagKind::Shape, found })),
    })
}

pub(super) fn is_present(program: &Program) -> bool {
    !program.param_shapes.is_empty()
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    w.count(program.param_shapes.len());
    for (i, entry) in program.param_shapes.iter().enumerate() {
        let out_of_range = |what, index, len| EncodeErrorKind::IndexOutOfRange { what, index, len }.at(i);
        let def = program.functions.get(entry.func.index());
        let def = def.ok_or(out_of_range(IndexKind::Function, entry.func.0, program.functions.len()))?;
        if entry.param >= def.param_count {
            return Err(out_of_range(IndexKind::Param, entry.param, def.param_count as usize));
        }
        w.uleb32(entry.func.0);
        w.uleb32(entry.param);
        match &entry.shape {
            AggShape::Tuple(elems) => {
                w.u8(TUPLE);
                w.count(elems.len());
                for elem in elems {
                    w.u8(u8::from(elem.is_some()));
                    if let &Some(ty) = elem {
                        w.value_type(ty).map_err(|kind| kind.at(i))?;
                    }
                }
            }
            AggShape::Struct(id) => {
                w.u8(STRUCT);
                w.uleb32(id.0);
            }
            AggShape::Array(id) => {
                w.u8(ARRAY);
                w.uleb32(id.0);
            }
        }
    }
    Ok(())
}
