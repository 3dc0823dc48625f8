//! What can be wrong with a container, with stable codes: `D` for reading, `W` for writing.
//!
//! `D01xx` framing, `D02xx` numbers, counts and text, `D03xx` entries, `D04xx` references between sections.

use super::section::Section;
use core::fmt;

/// What a tag byte selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TagKind {
    /// The kind of a constant.
    Const,
    /// A value type.
    ValueType,
    /// The kind of an aggregate shape.
    Shape,
    /// The kind of a payload.
    Payload,
    /// The kind of a state.
    State,
    /// The policy of an edge.
    Policy,
    /// The kind of a linear type.
    Linear,
}

impl fmt::Display for TagKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Const => "constant",
            Self::ValueType => "value type",
            Self::Shape => "shape",
            Self::Payload => "payload",
            Self::State => "state",
            Self::Policy => "edge policy",
            Self::Linear => "linear type",
        })
    }
}

/// What an index points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexKind {
    /// The symbol table.
    Symbol,
    /// The field name table.
    FieldName,
    /// The code blobs.
    Code,
    /// The span tables.
    SpanTable,
    /// The function table.
    Function,
    /// The parameters of a function.
    Param,
}

impl fmt::Display for IndexKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Symbol => "symbol",
            Self::FieldName => "field name",
            Self::Code => "code blob",
            Self::SpanTable => "span table",
            Self::Function => "function",
            Self::Param => "parameter",
        })
    }
}

/// What is wrong with a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The container has more bytes than the configuration allows.
    TooLarge {
        /// Bytes of the container.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The first eight bytes are not the magic.
    BadMagic,
    /// Another version of the format.
    UnsupportedVersion {
        /// Major version found.
        major: u16,
        /// Minor version found.
        minor: u16,
    },
    /// A section claims to be longer than the rest of the container.
    SectionLength {
        /// The section's tag.
        tag: u8,
        /// Bytes claimed.
        len: u64,
        /// Bytes there are.
        remaining: usize,
    },
    /// A known section stands there twice.
    DuplicateSection,
    /// A mandatory section is not there.
    MissingSection,
    /// An unknown section, and the configuration refuses these.
    UnknownSection {
        /// Its tag.
        tag: u8,
    },
    /// Bytes behind a section's last entry.
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// The allocator has no room for what the container holds.
    OutOfMemory,
    /// The section, or the container, ends inside an entry.
    UnexpectedEnd {
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        remaining: usize,
    },
    /// A LEB128 number of more than 64 bits or 10 bytes.
    VarintOverflow,
    /// A number that must fit 32 or 16 bits does not.
    NumberTooLarge {
        /// The number.
        value: u64,
        /// The bits that there are for it.
        bits: u8,
    },
    /// A count of more entries than the rest of the section has room for.
    CountExceedsInput {
        /// Entries claimed.
        count: u64,
        /// Entries there is room for at most.
        room: usize,
    },
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A tag byte without meaning.
    BadTag {
        /// What it should select.
        what: TagKind,
        /// The byte.
        found: u8,
    },
    /// A byte that must be 0 or 1 is neither.
    BadFlag {
        /// The byte.
        found: u8,
    },
    /// A symbol or span id that must not be 0 is 0.
    ZeroId,
    /// Symbol 0 is missing, or it is not the empty text.
    ReservedSymbol,
    /// There is not one signature for each function.
    SignatureCount {
        /// Functions in the function table.
        functions: usize,
        /// Signatures.
        signatures: usize,
    },
    /// An index past the end of its table.
    IndexOutOfRange {
        /// What the index points into.
        what: IndexKind,
        /// The index.
        index: u64,
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
}

impl DecodeErrorKind {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "D0101",
            Self::BadMagic => "D0102",
            Self::UnsupportedVersion { .. } => "D0103",
            Self::SectionLength { .. } => "D0104",
            Self::DuplicateSection => "D0105",
            Self::MissingSection => "D0106",
            Self::UnknownSection { .. } => "D0107",
            Self::TrailingBytes { .. } => "D0108",
            Self::OutOfMemory => "D0109",
            Self::UnexpectedEnd { .. } => "D0201",
            Self::VarintOverflow => "D0202",
            Self::NumberTooLarge { .. } => "D0203",
            Self::CountExceedsInput { .. } => "D0204",
            Self::InvalidUtf8 => "D0205",
            Self::BadTag { .. } => "D0301",
            Self::BadFlag { .. } => "D0302",
            Self::ZeroId => "D0303",
            Self::ReservedSymbol => "D0304",
            Self::SignatureCount { .. } => "D0401",
            Self::IndexOutOfRange { .. } => "D0402",
            Self::LabelOutOfCode { .. } => "D0403",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => {
                "raise `DecodeConfig::max_bytes` if the source is trusted with the memory"
            }
            Self::BadMagic => "this is not an EXTAPE container",
            Self::UnsupportedVersion { .. } => "write the container for version 0.1 or 0.128",
            Self::SectionLength { .. } | Self::UnexpectedEnd { .. } | Self::CountExceedsInput { .. } => {
                "the container was cut, or a length or count in it is wrong"
            }
            Self::DuplicateSection => "write each known section once",
            Self::MissingSection => "sections 1 to 8 must be there, even when empty",
            Self::UnknownSection { .. } => "preserve or skip unknown sections, or use a newer reader",
            Self::TrailingBytes { .. } => "the count in front of the entries may be too low",
            Self::OutOfMemory => "lower `DecodeConfig::max_bytes`, or give the allocator more room",
            Self::VarintOverflow => "a LEB128 number has at most 10 bytes and 64 bits",
            Self::NumberTooLarge { .. } => {
                "ids, counts of registers and byte offsets have 32 bits; roles, labels, payloads and branches of a state 16"
            }
            Self::InvalidUtf8 => "names and text constants are UTF-8; use a bytes constant for other data",
            Self::BadTag { .. } => "the container may need a newer reader",
            Self::BadFlag { .. } => "truth values and flags are stored as 0 or 1",
            Self::ZeroId => "0 means \"none\" and cannot be used here",
            Self::ReservedSymbol => "the symbol table starts with an empty text",
            Self::SignatureCount { .. } => "section 7 has one entry for each function of section 4",
            Self::IndexOutOfRange { .. } => "the tables may come from different programs",
            Self::LabelOutOfCode { .. } => "a label stands at or before the end of its function's code",
        }
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooLarge { len, max } => write!(f, "the container has {len} bytes, {max} are allowed"),
            Self::BadMagic => f.write_str("wrong magic"),
            Self::UnsupportedVersion { major, minor } => {
                write!(f, "container version {major}.{minor}, expected 0.1 or 0.128")
            }
            Self::SectionLength { tag, len, remaining } => {
                write!(f, "the section with tag {tag} has length {len}, bytes remaining {remaining}")
            }
            Self::DuplicateSection => f.write_str("the section stands there twice"),
            Self::MissingSection => f.write_str("the section is missing"),
            Self::UnknownSection { tag } => write!(f, "unknown section with tag {tag}"),
            Self::TrailingBytes { count } => write!(f, "bytes behind the last entry: {count}"),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::UnexpectedEnd { needed, remaining } => {
                write!(f, "unexpected end: bytes needed {needed}, remaining {remaining}")
            }
            Self::VarintOverflow => f.write_str("LEB128 number too long or too large"),
            Self::NumberTooLarge { value, bits } => write!(f, "{value} does not fit in {bits} bits"),
            Self::CountExceedsInput { count, room } => {
                write!(f, "count {count}, room for at most {room}")
            }
            Self::InvalidUtf8 => f.write_str("text is not UTF-8"),
            Self::BadTag { what, found } => write!(f, "unknown {what} tag {found}"),
            Self::BadFlag { found } => write!(f, "byte {found} where 0 or 1 is expected"),
            Self::ZeroId => f.write_str("id is 0"),
            Self::ReservedSymbol => f.write_str("symbol 0 is not the empty text"),
            Self::SignatureCount { functions, signatures } => {
                write!(f, "{signatures} signatures for {functions} functions")
            }
            Self::IndexOutOfRange { what, index, len } => {
                write!(f, "{what} {index} does not exist, there are {len}")
            }
            Self::LabelOutOfCode { pc, len } => write!(f, "label at byte {pc} of {len} bytes of code"),
        }
    }
}

/// Why a container was refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeError {
    kind: DecodeErrorKind,
    offset: usize,
    section: Option<Section>,
}

impl DecodeError {
    #[cold]
    pub(super) const fn new(kind: DecodeErrorKind, offset: usize, section: Option<Section>) -> Self {
        Self { kind, offset, section }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> &DecodeErrorKind {
        &self.kind
    }

    /// The stable code, such as `D0103`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Where: the first byte of what is wrong, counted from the start of the container. For something that
    /// is missing, where it was looked for.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The section it is in, or about; `None` for the header and for unknown sections.
    #[must_use]
    pub const fn section(&self) -> Option<Section> {
        self.section
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        self.kind.hint()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (at byte {}", self.code(), self.kind, self.offset)?;
        if let Some(section) = self.section {
            write!(f, ", {section}")?;
        }
        write!(f, "); {}", self.hint())
    }
}

impl core::error::Error for DecodeError {}
