//! Tokens: words, numbers, strings and punctuation, with their place in the source.
//!
//! The lexer keeps nothing but a position, so it can start again anywhere. Every byte is looked at once.

use crate::text::{is_word, is_word_start};

/// What a token is. Texts are slices of the source, taken by the parser when it needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tok {
    /// A word: a mnemonic, a keyword, a register or a name. May hold dots.
    Word,
    /// A dot and a word at its place.
    Directive,
    /// A number, with its sign: anything that starts with a digit, `inf` and `nan` behind a sign, `nan:0x..`.
    Number,
    /// A text in quotes, quotes included.
    Str,
    /// `hex"..."`.
    Hex,
    /// One character of punctuation.
    Punct(u8),
    /// `->`
    Arrow,
    /// The end of a line.
    Newline,
    /// The end of the source.
    Eof,
    /// Something that is no token.
    Bad(Bad),
}

/// Why something is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// A character that starts nothing.
    Char,
    /// A text without closing quote on its line.
    OpenText,
}

/// A token and where it stands: byte offsets into the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) tok: Tok,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Reads tokens from a position on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'s> {
    bytes: &'s [u8],
    at: usize,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(source: &'s str, at: usize) -> Self {
        Self { bytes: source.as_bytes(), at }
    }

    fn peek(&self, ahead: usize) -> u8 {
        // 0 stands for the end; as a character it starts no token either.
        self.bytes.get(self.at.saturating_add(ahead)).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, f: impl Fn(u8) -> bool) {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        self.at += rest.iter().position(|&b| !f(b)).unwrap_or(rest.len());
    }

    /// The next token. Comments and blanks are skipped.
    pub(super) fn next(&mut self) -> Token {
        loop {
            self.skip_while(|b| matches!(b, b' ' | b'\t' | b'\r'));
            match (self.peek(0), self.peek(1)) {
                (b';', _) | (b'/', b'/') => self.skip_while(|b| b != b'\n'),
                _ => break,
            }
        }
        let start = self.at;
        let tok = if start >= self.bytes.len() { Tok::Eof } else { self.token() };
        Token { tok, start, end: self.at }
    }

    fn token(&mut self) -> Tok {
        let first = self.peek(0);
        let second = self.peek(1);
        match first {
            b'\n' => self.one(Tok::Newline),
            b'"' => self.text(Tok::Str),
            b'h' if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"hex\"")) => {
                self.at += 3;
                self.text(Tok::Hex)
            }
            b'-' if second == b'>' => {
                self.at += 2;
                Tok::Arrow
            }
            b'-' if second.is_ascii_alphanumeric() => self.number(),
            b'.' if is_word_start(second) => {
                self.at += 1;
                self.skip_while(is_word);
                Tok::Directive
            }
            _ if first.is_ascii_digit() || self.at_nan_bits(0) => self.number(),
            _ if is_word_start(first) => {
                self.skip_while(is_word);
                Tok::Word
            }
            _ if first.is_ascii_graphic() => self.one(Tok::Punct(first)),
            _ => {
                self.at += 1;
                // Never ends inside a character: continuation bytes belong to it.
                self.skip_while(|b| b & 0xc0 == 0x80);
                Tok::Bad(Bad::Char)
            }
        }
    }

    fn one(&mut self, tok: Tok) -> Tok {
        self.at += 1;
        tok
    }

    fn at_nan_bits(&self, ahead: usize) -> bool {
        self.bytes.get(self.at.saturating_add(ahead)..).is_some_and(|rest| rest.starts_with(b"nan:0x"))
    }

    fn number(&mut self) -> Tok {
        if self.peek(0) == b'-' {
            self.at += 1;
        }
        if self.at_nan_bits(0) {
            self.at += 4;
        }
        let hex = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X');
        self.skip_while(is_word);
        // A sign behind an exponent belongs to the number: 1e-5.
        let exponent = matches!(self.bytes.get(self.at.wrapping_sub(1)), Some(b'e' | b'E'));
        if !hex && exponent && matches!(self.peek(0), b'+' | b'-') && self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip_while(is_word);
        }
        Tok::Number
    }

    fn text(&mut self, tok: Tok) -> Tok {
        self.at += 1;
        loop {
            self.skip_while(|b| !matches!(b, b'"' | b'\\' | b'\n'));
            match self.peek(0) {
                b'"' => return self.one(tok),
                b'\\' if !matches!(self.peek(1), 0 | b'\n') => {
                    self.at += 2;
                    // The escaped character may be longer than a byte.
                    self.skip_while(|b| b & 0xc0 == 0x80);
                }
                b'\\' => self.at += 1,
                _ => return Tok::Bad(Bad::OpenText),
            }
        }
    }
}
