//! Errors of protocol types: codes, places, messages, hints.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What kind of error it is; the codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProtocolErrorKind {
    /// A character that starts no token.
    BadCharacter,
    /// A quoted name without closing quote.
    OpenText,
    /// An escape that is none.
    BadText,
    /// Something else was expected here.
    Unexpected,
    /// A payload type that does not exist.
    UnknownPayload,
    /// A variable outside of the `mu` that binds it.
    UnboundVariable,
    /// A send or receive without branches.
    EmptyChoice,
    /// Two branches with one label.
    DuplicateLabel,
    /// A loop that comes back without having sent or received anything.
    Unguarded,
    /// A role that talks to itself.
    SelfMessage,
    /// A dual of a type with more than one partner.
    NotBinary,
    /// A role acts differently, depending on a choice that it does not see.
    DifferentActions,
    /// A role offers different labels, depending on a choice that it does not see.
    DifferentLabels,
    /// A label carries different payloads in two branches.
    DifferentPayloads,
    /// Two branches are in different loops.
    DifferentLoops,
    /// A type, a name, a payload or a table is too large.
    TooLarge,
}

impl ProtocolErrorKind {
    /// The stable code, such as `P0101`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadCharacter => "P0001",
            Self::OpenText => "P0002",
            Self::BadText => "P0003",
            Self::Unexpected => "P0101",
            Self::UnknownPayload => "P0102",
            Self::UnboundVariable => "P0201",
            Self::EmptyChoice => "P0202",
            Self::DuplicateLabel => "P0203",
            Self::Unguarded => "P0204",
            Self::SelfMessage => "P0205",
            Self::NotBinary => "P0206",
            Self::DifferentActions => "P0301",
            Self::DifferentLabels => "P0302",
            Self::DifferentPayloads => "P0303",
            Self::DifferentLoops => "P0304",
            Self::TooLarge => "P0401",
        }
    }
}

/// A place in the text that a type was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// Byte offset in the text.
    pub offset: u32,
    /// Length in bytes; 0 at the end of the text.
    pub length: u32,
}

/// One thing that is wrong with a protocol type or its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolError {
    /// What kind of error it is.
    pub kind: ProtocolErrorKind,
    /// Where it is in the text; `None` for types that were built in Rust. These are shown by what leads there.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: Cow<'static, str>,
}

impl ProtocolError {
    pub(super) fn new(kind: ProtocolErrorKind, message: impl Into<String>) -> Self {
        Self { kind, place: None, message: message.into(), hint: Cow::Borrowed("") }
    }

    pub(super) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = hint.into();
        self
    }

    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// The stable code, such as `P0101`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{}:{}: ", place.line, place.column)?;
        }
        write!(f, "error[{}]: {}", self.code(), self.message)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

impl core::error::Error for ProtocolError {}

/// All that is wrong with a type, in the order of the text; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolErrors {
    errors: Vec<ProtocolError>,
    more: bool,
}

impl ProtocolErrors {
    /// The most errors that are collected.
    pub const MAX: usize = 50;

    /// Success if there are no errors; the first [`ProtocolErrors::MAX`] of them are kept.
    pub(super) fn of(mut errors: Vec<ProtocolError>) -> Result<(), Self> {
        if errors.is_empty() {
            return Ok(());
        }
        let more = errors.len() > Self::MAX;
        errors.truncate(Self::MAX);
        Err(Self { errors, more })
    }

    /// The errors.
    #[must_use]
    pub fn errors(&self) -> &[ProtocolError] {
        &self.errors
    }

    /// Whether there were more than [`ProtocolErrors::MAX`].
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.more
    }
}

impl From<ProtocolError> for ProtocolErrors {
    fn from(error: ProtocolError) -> Self {
        Self { errors: alloc::vec![error], more: false }
    }
}

impl fmt::Display for ProtocolErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if i == 0 { "" } else { "\n" })?;
        }
        if self.more {
            write!(f, "\nmore than {} errors; the rest is not shown", Self::MAX)?;
        }
        Ok(())
    }
}

impl core::error::Error for ProtocolErrors {}
