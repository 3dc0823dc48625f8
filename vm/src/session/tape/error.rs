//! What can be wrong with a tape, with stable codes: `R`.

use super::VERSION;
use crate::session::datum::Datum;
use core::fmt;

/// What is wrong with a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TapeErrorKind {
    /// The first bytes are not those of a tape.
    BadMagic,
    /// A version that is not known.
    Version(u8),
    /// The tape ends too early.
    End,
    /// A number that is too large for what it counts or names, or is not in its shortest form.
    Number,
    /// A count of more than there are bytes left for.
    Count,
    /// A code without meaning.
    Code(u8),
    /// Text that is not UTF-8.
    Utf8,
    /// Values inside of each other deeper than [`Datum::MAX_DEPTH`].
    TooDeep,
    /// Bytes behind the end.
    Trailing,
    /// The bytes are not those that were written.
    Check,
    /// The allocator has no room.
    OutOfMemory,
}

impl TapeErrorKind {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadMagic => "R0001",
            Self::Version(_) => "R0002",
            Self::End => "R0003",
            Self::Number => "R0004",
            Self::Count => "R0005",
            Self::Code(_) => "R0006",
            Self::Utf8 => "R0007",
            Self::TooDeep => "R0008",
            Self::Trailing => "R0009",
            Self::Check => "R0010",
            Self::OutOfMemory => "R0011",
        }
    }
}

impl fmt::Display for TapeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic => f.write_str("this is no tape: it does not begin with OPFTAPE"),
            Self::Version(found) => {
                write!(
                    f,
                    "the tape is of version {found}, this machine knows version {VERSION}; record it again"
                )
            }
            Self::End => f.write_str("the tape ends here; it was cut off"),
            Self::Number => f.write_str("a number is out of range"),
            Self::Count => f.write_str("a count is larger than what is left of the tape"),
            Self::Code(code) => write!(f, "{code} is no code that stands here"),
            Self::Utf8 => f.write_str("a text is not UTF-8"),
            Self::TooDeep => write!(f, "values are more than {} deep", Datum::MAX_DEPTH),
            Self::Trailing => f.write_str("bytes follow behind the end of the tape"),
            Self::Check => f.write_str("the tape was changed after it was written"),
            Self::OutOfMemory => f.write_str("there is no memory for the tape"),
        }
    }
}

/// A tape that cannot be read: what is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeError {
    /// What is wrong.
    pub kind: TapeErrorKind,
    /// The byte at which it is.
    pub offset: usize,
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}, at byte {} of the tape", self.kind.code(), self.kind, self.offset)
    }
}

impl core::error::Error for TapeError {}
