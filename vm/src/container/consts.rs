//! Section 2, constants: a count, then a tag and a value each.
//!
//! Floats keep all their bits and decimals any scale. A truth value must be 0 or 1, so that the container of
//! a program is one byte string; other readers of the format take any other byte as true.

use super::encode_error::{EncodeErrorKind, EntryError};
use super::error::{DecodeErrorKind, TagKind};
use super::reader::{Reader, Result};
use super::sink::{Measure, Sink};
use super::writer::Writer;
use crate::program::{Const, Program};
use crate::value_type::ValueType;
use core::str;

/// The least bytes of a constant: the tag of the unit value.
const MIN_BYTES: usize = 1;

// A constant has the tag of its value type; types that no constant can have are not listed.
const UNIT: u8 = ValueType::Unit.tag();
const BOOL: u8 = ValueType::Bool.tag();
const I64: u8 = ValueType::I64.tag();
const U64: u8 = ValueType::U64.tag();
const F64: u8 = ValueType::F64.tag();
const DECIMAL: u8 = ValueType::Decimal.tag();
const BYTES: u8 = ValueType::Bytes.tag();
const STR: u8 = ValueType::Str.tag();

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let (mut consts, mut data) = (Measure::default(), Measure::default());
    walk(&mut r.clone(), &mut consts, &mut data)?;
    r.reserve(program.consts.try_reserve_exact(consts.items))?;
    r.reserve(program.const_data.try_reserve_exact(data.items))?;
    walk(r, &mut program.consts, &mut program.const_data)
}

fn walk(r: &mut Reader<'_>, consts: &mut impl Sink<Const>, data: &mut impl Sink<u8>) -> Result<()> {
    let mut used = 0;
    for _ in 0..r.count(MIN_BYTES)? {
        let start = r.offset();
        let constant = match r.u8()? {
            UNIT => Const::Unit,
            BOOL => Const::Bool(r.flag()?),
            I64 => Const::I64(r.sleb64()?),
            U64 => Const::U64(r.uleb64()?),
            F64 => Const::F64(r.u64_le()?),
            DECIMAL => Const::Decimal { mantissa: r.sleb64()?, scale: r.u8()? },
            BYTES => {
                let bytes = r.blob()?;
                let (at, len) = place(r, &mut used, bytes)?;
                data.extend(bytes);
                Const::Bytes(at, len)
            }
            STR => {
                let bytes = r.text()?.as_bytes();
                let (at, len) = place(r, &mut used, bytes)?;
                data.extend(bytes);
                Const::Str(at, len)
            }
            found => return Err(r.error(start, DecodeErrorKind::BadTag { what: TagKind::Const, found })),
        };
        consts.push(constant);
    }
    Ok(())
}

/// Start and length of the next data. The limit on the container's size keeps both below 2^32.
fn place(r: &Reader<'_>, used: &mut u32, bytes: &[u8]) -> Result<(u32, u32)> {
    let start = *used;
    let len = u32::try_from(bytes.len()).map_err(|_| r.out_of_memory())?;
    *used = start.checked_add(len).ok_or_else(|| r.out_of_memory())?;
    Ok((start, len))
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    w.count(program.consts.len());
    for (i, constant) in program.consts.iter().enumerate() {
        w.u8(constant.value_type().tag());
        match *constant {
            Const::Unit => {}
            Const::Bool(value) => w.u8(u8::from(value)),
            Const::I64(value) => w.sleb(value),
            Const::U64(value) => w.uleb(value),
            Const::F64(bits) => w.u64_le(bits),
            Const::Decimal { mantissa, scale } => {
                w.sleb(mantissa);
                w.u8(scale);
            }
            Const::Bytes(start, len) => {
                w.blob(data(program, start, len).ok_or(EncodeErrorKind::ConstData.at(i))?);
            }
            Const::Str(start, len) => {
                let text = data(program, start, len).filter(|bytes| str::from_utf8(bytes).is_ok());
                w.blob(text.ok_or(EncodeErrorKind::ConstData.at(i))?);
            }
        }
    }
    Ok(())
}

fn data(program: &Program, start: u32, len: u32) -> Option<&[u8]> {
    let start = start as usize;
    program.const_data.get(start..start.checked_add(len as usize)?)
}
