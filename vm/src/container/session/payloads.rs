//! Section 131, payloads: a count, then a tagged payload each: 1 a value type, 2 a tuple as a count and payload ids, 3
//! an endpoint as shape, place of the role and state.

use super::{read_chan, write_chan};
use crate::container::encode_error::EntryError;
use crate::container::error::{DecodeErrorKind, TagKind};
use crate::container::reader::{Reader, Result};
use crate::container::value_types;
use crate::container::writer::Writer;
use crate::program::{PayloadDef, Program};
use crate::protocol::PayloadId;
use alloc::vec::Vec;

/// The least bytes of an entry: a tag, and a value type or a count.
const MIN_ENTRY: usize = 2;
/// The least bytes of a tuple element.
const MIN_ELEM: usize = 1;

const VALUE: u8 = 1;
const TUPLE: u8 = 2;
const CHAN: u8 = 3;

pub(in crate::container) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let count = r.count(MIN_ENTRY)?;
    r.reserve(program.sessions.payloads.try_reserve_exact(count))?;
    for _ in 0..count {
        program.sessions.payloads.push(read_payload(r)?);
    }
    Ok(())
}

fn read_payload(r: &mut Reader<'_>) -> Result<PayloadDef> {
    let start = r.offset();
    Ok(match r.u8()? {
        VALUE => PayloadDef::Value(value_types::read(r)?),
        TUPLE => {
            let count = r.count(MIN_ELEM)?;
            let mut elems = Vec::new();
            r.reserve(elems.try_reserve_exact(count))?;
            for _ in 0..count {
                elems.push(PayloadId(r.uleb16()?));
            }
            PayloadDef::Tuple(elems)
        }
        CHAN => PayloadDef::Chan(read_chan(r)?),
        found => return Err(r.error(start, DecodeErrorKind::BadTag { what: TagKind::Payload, found })),
    })
}

pub(in crate::container) fn is_present(program: &Program) -> bool {
    !program.sessions.payloads.is_empty()
}

pub(in crate::container) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    w.count(program.sessions.payloads.len());
    for (i, payload) in program.sessions.payloads.iter().enumerate() {
        match payload {
            PayloadDef::Value(ty) => {
                w.u8(VALUE);
                w.value_type(*ty).map_err(|kind| kind.at(i))?;
            }
            PayloadDef::Tuple(elems) => {
                w.u8(TUPLE);
                w.count(elems.len());
                for elem in elems {
                    w.uleb16(elem.0);
                }
            }
            PayloadDef::Chan(chan) => {
                w.u8(CHAN);
                write_chan(*chan, w);
            }
        }
    }
    Ok(())
}
