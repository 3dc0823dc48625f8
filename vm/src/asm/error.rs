//! Assembler errors: codes, places, messages, hints.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What kind of error it is; the numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AsmErrorKind {
    /// A character that starts no token.
    BadCharacter,
    /// A text without closing quote.
    OpenText,
    /// An escape that is not one, or hex digits that are not pairs.
    BadText,
    /// A number that is not one.
    BadNumber,
    /// Something else was expected here.
    Unexpected,
    /// A directive that does not exist, or not here.
    UnknownDirective,
    /// A mnemonic that does not exist.
    UnknownInstruction,
    /// A body without closing brace.
    OpenBody,
    /// A function with neither body nor code.
    NoBody,
    /// A label that is used but never placed.
    UndefinedLabel,
    /// A label, register or table name that means two things.
    DuplicateName,
    /// A name that means nothing.
    UndefinedName,
    /// A name that means more than one entry.
    AmbiguousName,
    /// A number that is too large or too small.
    OutOfRange,
    /// An index that says another place than the entry has.
    WrongIndex,
    /// A span mark that cannot stand here.
    BadSpan,
    /// A table, the code of a function or the source is too large.
    TooLarge,
    /// A local or global type that is not well-formed. The message begins with the code of
    /// [`ProtocolErrorKind`](crate::protocol::ProtocolErrorKind).
    BadProtocol,
}

impl AsmErrorKind {
    /// The stable code, such as `A0101`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadCharacter => "A0001",
            Self::OpenText => "A0002",
            Self::BadText => "A0003",
            Self::BadNumber => "A0004",
            Self::Unexpected => "A0101",
            Self::UnknownDirective => "A0102",
            Self::UnknownInstruction => "A0103",
            Self::OpenBody => "A0104",
            Self::NoBody => "A0105",
            Self::UndefinedLabel => "A0201",
            Self::DuplicateName => "A0202",
            Self::UndefinedName => "A0203",
            Self::AmbiguousName => "A0204",
            Self::OutOfRange => "A0301",
            Self::WrongIndex => "A0302",
            Self::BadSpan => "A0303",
            Self::TooLarge => "A0401",
            Self::BadProtocol => "A0501",
        }
    }
}

/// An error while its place is still a byte range.
#[derive(Debug)]
pub(super) struct Diag {
    pub(super) kind: AsmErrorKind,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) message: String,
    pub(super) hint: Cow<'static, str>,
}

impl Diag {
    pub(super) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// One error of an assembler source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsmError {
    /// What kind of error it is.
    pub kind: AsmErrorKind,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// Length in characters, at least 1; never past the end of the line.
    pub length: u32,
    /// Byte offset in the source.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: Cow<'static, str>,
}

impl AsmError {
    /// The stable code, such as `A0101`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: error[{}]: {}", self.line, self.column, self.code(), self.message)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

impl core::error::Error for AsmError {}

/// All errors found in one source, in the order of their places; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsmErrors {
    errors: Vec<AsmError>,
    more: bool,
}

impl AsmErrors {
    /// The most errors that are collected before the assembler gives up.
    pub const MAX: usize = 50;

    /// The errors.
    #[must_use]
    pub fn errors(&self) -> &[AsmError] {
        &self.errors
    }

    /// Whether there were more than [`AsmErrors::MAX`].
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Turns byte ranges into lines and columns, in one pass over the source.
    pub(super) fn new(source: &str, mut diags: Vec<Diag>, more: bool) -> Self {
        diags.sort_by_key(|diag| diag.start);
        let (mut line, mut line_start, mut scanned) = (1u32, 0usize, 0usize);
        let mut errors = Vec::with_capacity(diags.len());
        for diag in diags {
            let start = diag.start.min(source.len());
            let passed = source.as_bytes().get(scanned..start).unwrap_or(&[]);
            for (i, _) in passed.iter().enumerate().filter(|&(_, &b)| b == b'\n') {
                line = line.saturating_add(1);
                line_start = scanned + i + 1;
            }
            scanned = start;
            let before = source.get(line_start..start).unwrap_or("");
            let covered = source.get(start..diag.end.min(source.len())).unwrap_or("");
            let covered = covered.split('\n').next().unwrap_or("");
            errors.push(AsmError {
                kind: diag.kind,
                line,
                column: count(before).saturating_add(1),
                length: count(covered).max(1),
                offset: start,
                message: diag.message,
                hint: diag.hint,
            });
        }
        Self { errors, more }
    }
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

impl fmt::Display for AsmErrors {
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

impl core::error::Error for AsmErrors {}
