//! Containers: the byte form of programs, EXTAPE versions 0.1 and 0.128. They differ in the opcodes that a program may
//! use, see [`ContainerVersion`](crate::program::ContainerVersion), and in nothing else.
//!
//! A container is a header and sections in any order. [`decode`] turns it into a [`Program`], [`encode`] turns
//! it back. Every container that [`encode`] writes decodes to an equal program, and a container in the
//! canonical form (shortest numbers, sections in [`Section::ALL`] order, nothing superfluous) is written back
//! byte for byte.
//!
//! The module relies on the program model alone. It never looks into code, never trusts a count or a length,
//! and takes at most 16 times the container's size of memory: sections are found first, then walked without
//! storing, then stored in memory reserved for exactly what was found. Whether a program makes sense is the
//! verifier's question; what is checked here is that numbers, text and tags are well-formed and that the
//! references hold which the format itself demands.

mod blobs;
mod call_sigs;
mod code;
mod config;
mod consts;
mod encode_error;
mod error;
mod functions;
mod header;
mod host_sigs;
mod memories;
mod names;
mod reader;
mod section;
mod session;
mod shapes;
mod sigs;
mod sink;
mod spans;
mod symbols;
#[cfg(test)]
mod tests;
mod types;
mod value_types;
mod writer;

pub use config::{DecodeConfig, TrailingBytes, UnknownSections};
pub use encode_error::{EncodeError, EncodeErrorKind};
pub use error::{DecodeError, DecodeErrorKind, IndexKind, TagKind};
pub use section::Section;

use crate::program::{
    Const, EdgeDef, EffectDef, FunctionDef, LayerDef, LinearDef, LocalDef, MemoryDef, ParamShape, PayloadDef,
    Program, ShapeDef, ShapeRole, SpanEntry, UnknownSection,
};
use crate::protocol::{State, StateBranch};
use crate::value_type::ValueType;
use alloc::vec::Vec;
use encode_error::EntryError;
use header::Frames;
use reader::Reader;
use session::{effects, linear, names as names_of, payloads, shapes as kinds, states};
use writer::Writer;

/// How a section is read and written.
struct Codec {
    read: fn(&mut Reader<'_>, &mut Program) -> reader::Result<()>,
    write: fn(&Program, &mut Writer) -> Result<(), EntryError>,
    /// Whether it is written; mandatory sections always are.
    is_present: fn(&Program) -> bool,
}

/// The codecs in the order of [`Section::ALL`].
const CODECS: [Codec; Section::ALL.len()] = [
    Codec { read: symbols::read, write: symbols::write, is_present: always },
    Codec { read: consts::read, write: consts::write, is_present: always },
    Codec { read: types::read, write: types::write, is_present: always },
    Codec { read: code::read, write: code::write, is_present: always },
    Codec { read: spans::read, write: spans::write, is_present: always },
    Codec { read: functions::read, write: functions::write, is_present: always },
    Codec { read: sigs::read, write: sigs::write, is_present: always },
    Codec { read: host_sigs::read, write: host_sigs::write, is_present: always },
    Codec { read: call_sigs::read, write: call_sigs::write, is_present: call_sigs::is_present },
    Codec { read: shapes::read, write: shapes::write, is_present: shapes::is_present },
    Codec { read: memories::read, write: memories::write, is_present: memories::is_present },
    Codec { read: names_of::read_roles, write: names_of::write_roles, is_present: names_of::has_roles },
    Codec { read: names_of::read_labels, write: names_of::write_labels, is_present: names_of::has_labels },
    Codec { read: payloads::read, write: payloads::write, is_present: payloads::is_present },
    Codec { read: states::read, write: states::write, is_present: states::is_present },
    Codec { read: names_of::read_locals, write: names_of::write_locals, is_present: names_of::has_locals },
    Codec { read: kinds::read, write: kinds::write, is_present: kinds::is_present },
    Codec { read: effects::read, write: effects::write, is_present: effects::is_present },
    Codec { read: names_of::read_layers, write: names_of::write_layers, is_present: names_of::has_layers },
    Codec { read: linear::read, write: linear::write, is_present: linear::is_present },
    Codec { read: names::read, write: names::write, is_present: names::is_present },
];

/// The bound of 16 bytes of memory for a byte of input holds because no entry is larger than 16 times its
/// least encoding, given behind each.
const _: () = {
    assert!(size_of::<Const>() <= 16, "1 byte: the unit constant");
    assert!(size_of::<ValueType>() <= 16, "1 byte: a type without a host type");
    assert!(size_of::<Option<ValueType>>() <= 16, "1 byte: an open tuple element");
    assert!(size_of::<SpanEntry>() <= 32, "2 bytes: distance and id");
    assert!(size_of::<FunctionDef>() <= 80, "5 bytes: five numbers");
    assert!(size_of::<MemoryDef>() <= 64, "4 bytes: two numbers, flag, id");
    assert!(size_of::<ParamShape>() <= 64, "4 bytes: function, parameter, tag, id");
    assert!(size_of::<PayloadDef>() <= 32, "2 bytes: tag and class");
    assert!(size_of::<State>() <= 16, "1 byte: the kind of the end");
    assert!(size_of::<StateBranch>() <= 48, "3 bytes: label, payload, state");
    assert!(size_of::<LocalDef>() <= 32, "2 bytes: name and state");
    assert!(size_of::<ShapeDef>() <= 64, "4 bytes: two names, two counts");
    assert!(size_of::<ShapeRole>() <= 32, "2 bytes: name and state");
    assert!(size_of::<EdgeDef>() <= 64, "4 bytes: sender, receiver, policy, capacity");
    assert!(size_of::<EffectDef>() <= 64, "5 bytes: two names, a flag, a count, a flag; two ends of lists");
    assert!(size_of::<LayerDef>() <= 32, "2 bytes: name and capacity");
    assert!(size_of::<LinearDef>() <= 80, "5 bytes: function, place, tag, layer");
    assert!(size_of::<UnknownSection>() <= 32, "2 bytes: tag and length");
};

fn always(_: &Program) -> bool {
    true
}

/// Reads a container.
///
/// Time and memory are linear in the container's size; see [`DecodeConfig::max_bytes`].
///
/// # Errors
/// [`DecodeError`] says what is wrong, at which byte and in which section. Nothing panics, whatever the bytes.
pub fn decode(bytes: &[u8], config: &DecodeConfig) -> Result<Program, DecodeError> {
    let (len, max) = (bytes.len(), config.max_bytes);
    if len > max {
        return Err(DecodeError::new(DecodeErrorKind::TooLarge { len, max }, max, None));
    }
    let frames = header::scan(bytes, config)?;
    let mut program = Program { version: frames.version, ..Program::default() };
    for ((section, codec), frame) in Section::ALL.into_iter().zip(&CODECS).zip(&frames.known) {
        let Some(frame) = frame else { continue };
        let payload = bytes.get(..frame.end).unwrap_or(bytes);
        let mut r = Reader::new(payload, frame.start, Some(section)).of(frames.version);
        (codec.read)(&mut r, &mut program)?;
        let exact = section.refuses_trailing_bytes() || config.trailing == TrailingBytes::Refuse;
        if exact && r.remaining() > 0 {
            return Err(r.error(r.offset(), DecodeErrorKind::TrailingBytes { count: r.remaining() }));
        }
    }
    if config.unknown == UnknownSections::Preserve {
        read_unknown(bytes, &frames, &mut program)?;
    }
    Ok(program)
}

fn read_unknown(bytes: &[u8], frames: &Frames, program: &mut Program) -> Result<(), DecodeError> {
    let mut r = Reader::new(bytes, frames.body, None);
    r.reserve(program.unknown.try_reserve_exact(frames.unknown))?;
    while program.unknown.len() < frames.unknown {
        let frame = header::next(&mut r, frames.version)?;
        if Section::from_tag(frame.tag, frames.version).is_none() {
            let content = bytes.get(frame.start..frame.end).unwrap_or(&[]);
            let mut payload = Vec::new();
            r.reserve(payload.try_reserve_exact(content.len()))?;
            payload.extend_from_slice(content);
            program.unknown.push(UnknownSection { tag: frame.tag, payload });
        }
    }
    Ok(())
}

/// Writes a container: the known sections in the order of [`Section::ALL`], optional ones left out when they
/// are empty, then the unknown ones.
///
/// # Errors
/// [`EncodeError`] if the program has something that [`decode`] would not read back, such as an index
/// that does not resolve.
pub fn encode(program: &Program) -> Result<Vec<u8>, EncodeError> {
    let mut out = Writer::default();
    header::write(&mut out, program.version);
    let mut payload = Writer::of(program.version);
    for (section, codec) in Section::ALL.into_iter().zip(&CODECS) {
        if (codec.is_present)(program) {
            let needed = section.since();
            if needed > program.version {
                return Err(EncodeErrorKind::NeedsVersion { needed }.at(0).within(Some(section)));
            }
            payload.clear();
            (codec.write)(program, &mut payload).map_err(|error| error.within(Some(section)))?;
            header::write_section(&mut out, section.tag(), payload.as_slice());
        }
    }
    for (i, section) in program.unknown.iter().enumerate() {
        let tag = section.tag;
        if Section::from_tag(tag, program.version).is_some() {
            return Err(EncodeErrorKind::KnownTag { tag }.at(i).within(None));
        }
        header::write_section(&mut out, tag, &section.payload);
    }
    Ok(out.into_vec())
}
