//! Sections 129 to 137: what a program declares about sessions. All are optional and unknown to versions before 0.128.
//!
//! Lists stand inside of their entries, so ranges into other tables are made by the reader and cannot be wrong. Whether
//! ids exist, and whether what they name makes sense, is for the verifier to check.

pub(super) mod effects;
pub(super) mod linear;
pub(super) mod names;
pub(super) mod payloads;
pub(super) mod shapes;
pub(super) mod states;
#[cfg(test)]
mod tests;

use super::reader::{Reader, Result};
use super::writer::Writer;
use crate::ids::ShapeId;
use crate::program::ChanType;
use crate::protocol::StateId;

/// The type of an endpoint: shape, place of the role, state.
fn read_chan(r: &mut Reader<'_>) -> Result<ChanType> {
    Ok(ChanType { shape: ShapeId(r.uleb32()?), role: r.uleb16()?, state: StateId(r.uleb32()?) })
}

fn write_chan(chan: ChanType, w: &mut Writer) {
    w.uleb32(chan.shape.0);
    w.uleb16(chan.role);
    w.uleb32(chan.state.0);
}
