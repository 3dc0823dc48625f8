//! Spec texts and places in them. Owns normalisation (BOM, CRLF) and the way from a byte offset to line and
//! column; never reads files.

/// Largest spec file that is read at all.
pub const MAX_SPEC_BYTES: u64 = 4 << 20;

/// One spec file, normalised.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as shown in messages, with `/` between folders.
    pub name: String,
    /// The text, without a byte order mark and with `\n` line ends.
    pub text: String,
}

/// The files of a spec.
#[derive(Clone, Debug)]
pub struct Sources {
    /// `opcodes.json`.
    pub opcodes: Source,
    /// `types.json`.
    pub types: Source,
    /// `intrinsics.json`.
    pub intrinsics: Source,
    /// `session.json`.
    pub session: Source,
    /// What an embedder adds to them.
    pub overlay: Option<Source>,
}

impl Sources {
    /// Sources under their usual names, from the texts of `opcodes.json`, `types.json`, `intrinsics.json` and
    /// `session.json`.
    #[must_use]
    pub fn of_texts([opcodes, types, intrinsics, session]: [&str; 4]) -> Self {
        Self {
            opcodes: Source::new("spec/opcodes.json", opcodes),
            types: Source::new("spec/types.json", types),
            intrinsics: Source::new("spec/intrinsics.json", intrinsics),
            session: Source::new("spec/session.json", session),
            overlay: None,
        }
    }
}

/// A range of bytes in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Position of the source in [`Diags`](crate::diag::Diags).
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub v: T,
    /// Where.
    pub at: Span,
}

impl<T> At<T> {
    /// Pairs a value with its place.
    pub fn new(v: T, at: Span) -> Self {
        Self { v, at }
    }
}

/// The text with LF line ends and without a byte order mark: what digests and positions are taken from.
#[must_use]
pub fn normalise(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

impl Source {
    /// A source from the text of a file.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.replace('\\', "/"), text: normalise(text) }
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let before = self.text.get(..offset as usize).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The line that holds a byte offset, and the offset of its first byte.
    #[must_use]
    pub fn line_at(&self, offset: u32) -> (&str, usize) {
        let at = (offset as usize).min(self.text.len());
        let start = self.text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
        let rest = self.text.get(start..).unwrap_or("");
        (rest.split('\n').next().unwrap_or(""), start)
    }

    /// The byte offset of a line and column as serde_json counts them (line from 1, column in bytes from 1).
    #[must_use]
    pub fn offset(&self, line: usize, column: usize) -> u32 {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let mut at = (start + column.saturating_sub(1)).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at as u32
    }
}
