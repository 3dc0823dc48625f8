//! Section 137, types of parameters and results that are endpoints or evidence: a count, then each with a function;
//! 0 for a parameter or 1 for a result, and which; and a tagged type: 1 an endpoint and 2 one to be transferred, as
//! shape, place of the role and state, 3 evidence of a layer. Written sorted by function and place, and kept sorted.

use super::{read_chan, write_chan};
use crate::container::encode_error::EntryError;
use crate::container::error::{DecodeErrorKind, TagKind};
use crate::container::reader::{Reader, Result};
use crate::container::writer::Writer;
use crate::ids::{FuncId, LayerId};
use crate::program::{LinearDef, LinearType, Place, Program};
use alloc::borrow::Cow;

/// The least bytes of an entry: function, kind and number of the place, tag, layer.
const MIN_BYTES: usize = 5;

const CHAN: u8 = 1;
const HANDLE: u8 = 2;
const EVIDENCE: u8 = 3;

pub(in crate::container) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let count = r.count(MIN_BYTES)?;
    r.reserve(program.sessions.linear.try_reserve_exact(count))?;
    for _ in 0..count {
        let func = FuncId(r.uleb32()?);
        let is_result = r.flag()?;
        let index = r.uleb32()?;
        let place = if is_result { Place::Result(index) } else { Place::Param(index) };
        let start = r.offset();
        let ty = match r.u8()? {
            CHAN => LinearType::Chan(read_chan(r)?),
            HANDLE => LinearType::Handle(read_chan(r)?),
            EVIDENCE => LinearType::Evidence(LayerId(r.uleb32()?)),
            found => return Err(r.error(start, DecodeErrorKind::BadTag { what: TagKind::Linear, found })),
        };
        program.sessions.linear.push(LinearDef { func, place, ty });
    }
    program.sessions.linear.sort_unstable();
    Ok(())
}

pub(in crate::container) fn is_present(program: &Program) -> bool {
    !program.sessions.linear.is_empty()
}

pub(in crate::container) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let mut linear = Cow::Borrowed(program.sessions.linear.as_slice());
    if !linear.is_sorted() {
        linear.to_mut().sort_unstable();
    }
    w.count(linear.len());
    for def in linear.iter() {
        let (is_result, index) = match def.place {
            Place::Param(index) => (0, index),
            Place::Result(index) => (1, index),
        };
        w.uleb32(def.func.0);
        w.u8(is_result);
        w.uleb32(index);
        match def.ty {
            LinearType::Chan(chan) => {
                w.u8(CHAN);
                write_chan(chan, w);
            }
            LinearType::Handle(chan) => {
                w.u8(HANDLE);
                write_chan(chan, w);
            }
            LinearType::Evidence(layer) => {
                w.u8(EVIDENCE);
                w.uleb32(layer.0);
            }
        }
    }
    Ok(())
}
