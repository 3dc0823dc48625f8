//! Why a program cannot be written. The writer refuses exactly what the reader could not read back.

use super::error::IndexKind;
use super::section::Section;
use crate::program::ContainerVersion;
use core::fmt;

/// What keeps a program from being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// Symbol 0 is missing, or it is not the empty text.
    ReservedSymbol,
    /// A bytes or text constant whose range does not resolve, or whose text is not UTF-8.
    ConstData,
    /// Two lists that go together, such as types and names, differ in length.
    ListMismatch {
        /// Length of the first.
        types: usize,
        /// Length of the second.
        names: usize,
    },
    /// There is not one signature (a list of parameters and one of results) for each entry.
    SignatureCount {
        /// Entries.
        entries: usize,
        /// Lists; twice as many are needed.
        lists: usize,
    },
    /// A symbol id that must not be 0 is 0.
    ZeroId,
    /// An index past the end of its table.
    IndexOutOfRange {
        /// What the index points into.
        what: IndexKind,
        /// The index.
        index: u32,
        /// Entries of the table.
        len: usize,
    },
    /// A label behind the end of its function's code.
    LabelOutOfCode {
        /// The label's byte offset.
        pc: u32,
        /// Bytes of code.
        len: usize,
    },
    /// An unknown section with the tag of a known one.
    KnownTag {
        /// The tag.
        tag: u8,
    },
    /// A section or class that containers of the program's version do not have.
    NeedsVersion {
        /// The first version that has it.
        needed: ContainerVersion,
    },
    /// A list of an entry is not where the format puts it, or is longer than it can be.
    ListLayout,
    /// An edge that does not grow has a maximum other than its capacity.
    EdgeMax {
        /// The maximum.
        max: u32,
        /// The capacity.
        capacity: u32,
    },
}

impl EncodeErrorKind {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ReservedSymbol => "W0101",
            Self::ConstData => "W0102",
            Self::ListMismatch { .. } => "W0103",
            Self::SignatureCount { .. } => "W0104",
            Self::ZeroId => "W0105",
            Self::IndexOutOfRange { .. } => "W0106",
            Self::LabelOutOfCode { .. } => "W0107",
            Self::KnownTag { .. } => "W0108",
            Self::NeedsVersion { .. } => "W0109",
            Self::ListLayout => "W0110",
            Self::EdgeMax { .. } => "W0111",
        }
    }

    pub(super) const fn at(self, entry: usize) -> EntryError {
        EntryError { kind: self, entry }
    }
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ReservedSymbol => f.write_str("symbol 0 must be the empty text"),
            Self::ConstData => f.write_str("the constant's data is not there, or its text is not UTF-8"),
            Self::ListMismatch { types, names } => write!(f, "{names} names for {types} types"),
            Self::SignatureCount { entries, lists } => {
                write!(f, "{lists} type lists for {entries} entries, two for each are needed")
            }
            Self::ZeroId => f.write_str("symbol 0 means \"none\" and cannot be used here"),
            Self::IndexOutOfRange { what, index, len } => {
                write!(f, "{what} {index} does not exist, there are {len}")
            }
            Self::LabelOutOfCode { pc, len } => write!(f, "label at byte {pc} of {len} bytes of code"),
            Self::KnownTag { tag } => write!(f, "tag {tag} is not that of an unknown section"),
            Self::NeedsVersion { needed } => {
                write!(f, "containers have this since version {needed}; the program is of an earlier one")
            }
            Self::ListLayout => {
                f.write_str("a list of the entry is too long, or does not begin where the one before it ends")
            }
            Self::EdgeMax { max, capacity } => {
                write!(f, "the edge does not grow, so its maximum is {capacity}, its capacity, not {max}")
            }
        }
    }
}

/// What is wrong and with which entry; becomes an [`EncodeError`] where the section is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryError {
    kind: EncodeErrorKind,
    entry: usize,
}

impl EntryError {
    #[cold]
    pub(super) const fn within(self, section: Option<Section>) -> EncodeError {
        EncodeError { kind: self.kind, section, entry: self.entry }
    }
}

/// Why a program was not written, and which entry of which section it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodeError {
    kind: EncodeErrorKind,
    section: Option<Section>,
    entry: usize,
}

impl EncodeError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> &EncodeErrorKind {
        &self.kind
    }

    /// The stable code, such as `W0101`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The section; `None` for unknown ones.
    #[must_use]
    pub const fn section(&self) -> Option<Section> {
        self.section
    }

    /// The entry in the section's table, counted from 0; for an unknown section, its position among these.
    #[must_use]
    pub const fn entry(&self) -> usize {
        self.entry
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, entry {} of ", self.code(), self.kind, self.entry)?;
        match self.section {
            Some(section) => write!(f, "{section}"),
            None => f.write_str("the unknown sections"),
        }
    }
}

impl core::error::Error for EncodeError {}
