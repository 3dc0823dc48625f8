//! Tokens of the text of types, with their places.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use super::MAX_NAME;
use super::error::{Place, ProtocolError, ProtocolErrorKind};
use super::name::{in_word, starts_word};
use crate::text::unescape;

/// What a token is. Names are slices of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tok {
    /// A word without quotes.
    Word,
    /// A text in quotes, quotes included.
    Quoted,
    /// Digits.
    Number,
    /// `->`
    Arrow,
    /// One character of punctuation.
    Punct(u8),
    /// The end of the source.
    Eof,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) tok: Tok,
    pub(super) start: usize,
    pub(super) end: usize,
    line: u32,
    column: u32,
}

impl Token {
    pub(super) fn place(self) -> Place {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (offset, length) = (number(self.start), number(self.end.saturating_sub(self.start)));
        Place { line: self.line, column: self.column, offset, length }
    }

    pub(super) fn error(self, kind: ProtocolErrorKind, message: impl Into<String>) -> ProtocolError {
        ProtocolError::new(kind, message).at(Some(self.place()))
    }
}

/// Reads tokens one after the other; every byte is looked at a bounded number of times.
#[derive(Debug)]
pub(super) struct Lexer<'s> {
    source: &'s str,
    at: usize,
    line: u32,
    column: u32,
}

impl<'s> Lexer<'s> {
    pub(super) const fn new(source: &'s str) -> Self {
        Self::at(source, 0)
    }

    /// Tokens from a byte on; places have offsets in the whole source, but lines and columns from there.
    pub(super) const fn at(source: &'s str, at: usize) -> Self {
        Self { source, at, line: 1, column: 1 }
    }

    pub(super) fn slice(&self, token: Token) -> &'s str {
        self.source.get(token.start..token.end).unwrap_or("")
    }

    fn rest(&self) -> &'s [u8] {
        self.source.as_bytes().get(self.at..).unwrap_or(&[])
    }

    /// Passes bytes and keeps count of lines and of characters in the line.
    fn pass(&mut self, bytes: usize) {
        for &byte in self.rest().get(..bytes).unwrap_or(&[]) {
            if byte == b'\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else if byte & 0xc0 != 0x80 {
                self.column = self.column.saturating_add(1);
            }
        }
        self.at = self.at.saturating_add(bytes).min(self.source.len());
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let comment = match rest.get(blanks..) {
                Some([b';', ..] | [b'/', b'/', ..]) => {
                    rest.iter().skip(blanks).take_while(|&&b| b != b'\n').count()
                }
                _ => 0,
            };
            if blanks + comment == 0 {
                return;
            }
            self.pass(blanks + comment);
        }
    }

    /// The next token; blanks and comments are skipped.
    pub(super) fn next(&mut self) -> Result<Token, ProtocolError> {
        self.skip_blanks();
        let (start, line, column) = (self.at, self.line, self.column);
        let rest = self.rest();
        let run = |f: fn(u8) -> bool| rest.iter().take_while(|&&b| f(b)).count();
        let (tok, length) = match *rest {
            [] => (Some(Tok::Eof), 0),
            [b'-', b'>', ..] => (Some(Tok::Arrow), 2),
            [b'"', ..] => (quoted(rest).map(|_| Tok::Quoted), quoted(rest).unwrap_or(1)),
            [b, ..] if starts_word(b) => (Some(Tok::Word), run(in_word)),
            [b, ..] if b.is_ascii_digit() => (Some(Tok::Number), run(in_word)),
            [b, ..] if b.is_ascii_graphic() => (Some(Tok::Punct(b)), 1),
            // A token never ends inside of a character.
            [_, ..] => (None, 1 + rest.iter().skip(1).take_while(|&&b| b & 0xc0 == 0x80).count()),
        };
        let quote = rest.first() == Some(&b'"');
        self.pass(length);
        let token = Token { tok: tok.unwrap_or(Tok::Eof), start, end: self.at, line, column };
        match tok {
            Some(_) => Ok(token),
            None if quote => Err(token
                .error(ProtocolErrorKind::OpenText, "this quote is not closed")
                .hint("close it on the same line; write \\n for a line break")),
            None => {
                let shown = self.slice(token).escape_debug();
                let message = format!("the character `{shown}` starts nothing");
                Err(token
                    .error(ProtocolErrorKind::BadCharacter, message)
                    .hint("names outside of A-Z, a-z, 0-9 and _ stand in quotes"))
            }
        }
    }

    /// The text of a word or of a quoted name.
    pub(super) fn name(&self, token: Token) -> Result<Cow<'s, str>, ProtocolError> {
        let text = self.slice(token);
        if token.end - token.start > MAX_NAME.saturating_mul(8) {
            return Err(too_long(token));
        }
        let name = match token.tok {
            Tok::Quoted => unquote(text).ok_or_else(|| {
                token
                    .error(ProtocolErrorKind::BadText, "an escape in this name is none")
                    .hint("use \\n \\t \\\" \\\\ \\u{..}")
            })?,
            _ => Cow::Borrowed(text),
        };
        if name.len() > MAX_NAME { Err(too_long(token)) } else { Ok(name) }
    }
}

fn too_long(token: Token) -> ProtocolError {
    token
        .error(ProtocolErrorKind::TooLarge, format!("a name of more than {MAX_NAME} bytes"))
        .hint("use a shorter name")
}

/// The length of the quoted text that `rest` starts with; `None` if its line ends before it does.
fn quoted(rest: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (i, &byte) in rest.iter().enumerate().skip(1) {
        match byte {
            b'\n' => return None,
            b'"' if !escaped => return Some(i + 1),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}

fn unquote(token: &str) -> Option<Cow<'_, str>> {
    let inner = token.get(1..token.len().checked_sub(1)?)?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at)?);
        let (c, used) = unescape(rest.get(at..)?)?;
        out.push(c);
        rest = rest.get(at + used..)?;
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}
