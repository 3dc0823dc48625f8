//! The frame of a container: magic, version, and sections of a tag, a length and a payload each.

use super::config::{DecodeConfig, UnknownSections};
use super::error::{DecodeError, DecodeErrorKind};
use super::reader::{Reader, Result};
use super::section::Section;
use super::writer::Writer;
use crate::program::ContainerVersion;

const MAGIC: [u8; 8] = *b"EXTAPE\0\0";

/// Where a section's payload lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) tag: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// All sections of a container, found before any is read.
#[derive(Debug)]
pub(super) struct Frames {
    /// By position in [`Section::ALL`].
    pub(super) known: [Option<Frame>; Section::ALL.len()],
    /// How many are unknown.
    pub(super) unknown: usize,
    /// Where the first section starts.
    pub(super) body: usize,
    /// The version of the format.
    pub(super) version: ContainerVersion,
}

/// Reads the header and finds the sections.
pub(super) fn scan(bytes: &[u8], config: &DecodeConfig) -> Result<Frames> {
    let mut r = Reader::new(bytes, 0, None);
    let version = read_header(&mut r)?;
    let mut frames = Frames { known: [None; Section::ALL.len()], unknown: 0, body: r.offset(), version };
    while r.remaining() > 0 {
        let start = r.offset();
        let frame = next(&mut r, version)?;
        let section = Section::from_tag(frame.tag, version);
        let position = section.and_then(|section| Section::ALL.iter().position(|&known| known == section));
        match position.and_then(|position| frames.known.get_mut(position)) {
            Some(slot @ None) => *slot = Some(frame),
            Some(Some(_)) => {
                return Err(DecodeError::new(DecodeErrorKind::DuplicateSection, start, section));
            }
            None if config.unknown == UnknownSections::Refuse => {
                return Err(r.error(start, DecodeErrorKind::UnknownSection { tag: frame.tag }));
            }
            None => frames.unknown += 1,
        }
    }
    for (section, frame) in Section::ALL.into_iter().zip(&frames.known) {
        if frame.is_none() && section.is_mandatory() {
            return Err(DecodeError::new(DecodeErrorKind::MissingSection, bytes.len(), Some(section)));
        }
    }
    Ok(frames)
}

fn read_header(r: &mut Reader<'_>) -> Result<ContainerVersion> {
    let start = r.offset();
    if r.take(MAGIC.len() as u64)? != MAGIC {
        return Err(r.error(start, DecodeErrorKind::BadMagic));
    }
    let start = r.offset();
    let (major, minor) = (r.u16_le()?, r.u16_le()?);
    ContainerVersion::from_numbers(major, minor)
        .ok_or_else(|| r.error(start, DecodeErrorKind::UnsupportedVersion { major, minor }))
}

/// The section at the reader's position, which moves behind it.
pub(super) fn next(r: &mut Reader<'_>, version: ContainerVersion) -> Result<Frame> {
    let at = r.offset();
    let tag = r.u8()?;
    let len = r.uleb64()?;
    let (start, remaining) = (r.offset(), r.remaining());
    match r.take(len) {
        Ok(_) => Ok(Frame { tag, start, end: r.offset() }),
        Err(_) => Err(DecodeError::new(
            DecodeErrorKind::SectionLength { tag, len, remaining },
            at,
            Section::from_tag(tag, version),
        )),
    }
}

/// Writes magic and version.
pub(super) fn write(w: &mut Writer, version: ContainerVersion) {
    w.bytes(&MAGIC);
    w.u16_le(0);
    w.u16_le(version.minor().into());
}

/// Writes a section.
pub(super) fn write_section(w: &mut Writer, tag: u8, payload: &[u8]) {
    w.u8(tag);
    w.blob(payload);
}
