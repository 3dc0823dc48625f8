//! The token cursor: what every rule of the grammar is made of.

use super::error::{AsmErrorKind, AsmErrors, Diag};
use super::lexer::{Bad, Lexer, Tok, Token};
use super::literal::{self, BadLiteral};
use crate::builder::BuildError;
use crate::text::is_hidden;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The outcome of a rule: a value, or the error that ends the statement.
pub(super) type Parse<T> = Result<T, Diag>;

/// Collects errors up to the limit.
#[derive(Debug, Default)]
pub(super) struct Sink {
    diags: Vec<Diag>,
    more: bool,
}

impl Sink {
    pub(super) fn push(&mut self, diag: Diag) {
        if self.diags.len() < AsmErrors::MAX {
            self.diags.push(diag);
        } else {
            self.more = true;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.diags.is_empty()
    }

    /// Whether going on is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.more
    }

    pub(super) fn into_errors(self, source: &str) -> AsmErrors {
        AsmErrors::new(source, self.diags, self.more)
    }
}

/// A cursor over the tokens of a source, one token ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parser<'s> {
    source: &'s str,
    lexer: Lexer<'s>,
    token: Token,
}

impl<'s> Parser<'s> {
    pub(super) fn new(source: &'s str, at: usize) -> Self {
        let mut lexer = Lexer::new(source, at);
        let token = lexer.next();
        Self { source, lexer, token }
    }

    pub(super) fn source(&self) -> &'s str {
        self.source
    }

    pub(super) fn token(&self) -> Token {
        self.token
    }

    /// The token behind the current one.
    pub(super) fn second(&self) -> Token {
        let mut lexer = self.lexer;
        lexer.next()
    }

    /// The source of a token.
    pub(super) fn text(&self, token: Token) -> &'s str {
        self.source.get(token.start..token.end).unwrap_or("")
    }

    /// The source of the current token.
    pub(super) fn here(&self) -> &'s str {
        self.text(self.token)
    }

    /// Takes the current token.
    pub(super) fn bump(&mut self) -> Token {
        let token = self.token;
        self.token = self.lexer.next();
        token
    }

    pub(super) fn is(&self, tok: Tok) -> bool {
        self.token.tok == tok
    }

    pub(super) fn is_punct(&self, c: u8) -> bool {
        self.is(Tok::Punct(c))
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.is(Tok::Word) && self.here() == word
    }

    pub(super) fn eat(&mut self, tok: Tok) -> bool {
        let there = self.is(tok);
        if there {
            self.bump();
        }
        there
    }

    pub(super) fn eat_punct(&mut self, c: u8) -> bool {
        self.eat(Tok::Punct(c))
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let there = self.is_word(word);
        if there {
            self.bump();
        }
        there
    }

    pub(super) fn expect_punct(&mut self, c: u8) -> Parse<()> {
        if self.eat_punct(c) { Ok(()) } else { Err(self.expected(&format!("`{}`", char::from(c)))) }
    }

    pub(super) fn skip_newlines(&mut self) {
        while self.eat(Tok::Newline) {}
    }

    /// Skips to the end of the line.
    pub(super) fn sync(&mut self) {
        while !matches!(self.token.tok, Tok::Newline | Tok::Eof) {
            self.bump();
        }
    }

    /// Whether the line ends here.
    pub(super) fn at_line_end(&self) -> bool {
        matches!(self.token.tok, Tok::Newline | Tok::Eof)
    }

    pub(super) fn expect_line_end(&mut self) -> Parse<()> {
        if self.at_line_end() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    /// An error at a token.
    pub(super) fn error_at(&self, token: Token, kind: AsmErrorKind, message: String) -> Diag {
        Diag { kind, start: token.start, end: token.end, message, hint: Cow::Borrowed("") }
    }

    /// An error at the current token.
    pub(super) fn error(&self, kind: AsmErrorKind, message: String) -> Diag {
        self.error_at(self.token, kind, message)
    }

    /// The error that something else should stand here.
    pub(super) fn expected(&self, what: &str) -> Diag {
        match self.token.tok {
            Tok::Bad(Bad::Char) => {
                let c = self.here().chars().next().unwrap_or('\0');
                let message = format!("character U+{:04X} starts nothing", u32::from(c));
                self.error(AsmErrorKind::BadCharacter, message)
            }
            Tok::Bad(Bad::OpenText) => {
                self.error(AsmErrorKind::OpenText, String::from("the text has no closing quote on its line"))
            }
            _ => {
                let message = format!("expected {what}, found {}", self.found());
                self.error(AsmErrorKind::Unexpected, message)
            }
        }
    }

    /// The current token, for messages.
    fn found(&self) -> String {
        match self.token.tok {
            Tok::Eof => String::from("the end of the source"),
            Tok::Newline => String::from("the end of the line"),
            Tok::Str | Tok::Hex => String::from("a text"),
            _ => format!("`{}`", clip(self.here())),
        }
    }

    /// The error for a literal that has no value.
    pub(super) fn bad_literal(&self, token: Token, bad: BadLiteral, what: &str) -> Diag {
        let text = clip(self.text(token));
        match bad {
            BadLiteral::Malformed => {
                self.error_at(token, AsmErrorKind::BadNumber, format!("`{text}` is not {what}"))
            }
            BadLiteral::Range => {
                self.error_at(token, AsmErrorKind::OutOfRange, format!("`{text}` is out of range for {what}"))
            }
            BadLiteral::Escape(at) => {
                let start = token.start.saturating_add(at);
                let place = Token { start, end: start.saturating_add(2).min(token.end), ..token };
                let message = String::from("this is no escape");
                self.error_at(place, AsmErrorKind::BadText, message)
                    .hint("escapes are \\n \\r \\t \\0 \\\\ \\\" \\x7f \\u{1f600}")
            }
            BadLiteral::HexDigits => {
                let message = String::from("expected pairs of hex digits");
                self.error_at(token, AsmErrorKind::BadText, message)
            }
        }
    }

    /// An unsigned integer of at most `max`.
    pub(super) fn unsigned(&mut self, max: u64, what: &str) -> Parse<u64> {
        if !self.is(Tok::Number) {
            return Err(self.expected(what));
        }
        let value = literal::unsigned(self.here(), max);
        let token = self.bump();
        value.map_err(|bad| self.bad_literal(token, bad, what))
    }

    /// An unsigned 32-bit integer.
    pub(super) fn u32(&mut self, what: &str) -> Parse<u32> {
        Ok(self.unsigned(u64::from(u32::MAX), what)? as u32)
    }

    /// A signed integer.
    pub(super) fn signed(&mut self, what: &str) -> Parse<i64> {
        if !self.is(Tok::Number) {
            return Err(self.expected(what));
        }
        let value = literal::signed(self.here());
        let token = self.bump();
        value.map_err(|bad| self.bad_literal(token, bad, what))
    }

    /// The bits of a float.
    pub(super) fn float(&mut self, what: &str) -> Parse<u64> {
        if !self.is(Tok::Number) && !self.is_word("inf") && !self.is_word("nan") {
            return Err(self.expected(what));
        }
        let value = literal::float(self.here());
        let token = self.bump();
        value.map_err(|bad| self.bad_literal(token, bad, what))
    }

    /// A text in quotes.
    pub(super) fn string(&mut self, what: &str) -> Parse<Cow<'s, str>> {
        if !self.is(Tok::Str) {
            return Err(self.expected(what));
        }
        let value = literal::text(self.here());
        let token = self.bump();
        value.map_err(|bad| self.bad_literal(token, bad, what))
    }

    /// A `hex"..."` byte string.
    pub(super) fn hex(&mut self, what: &str) -> Parse<Vec<u8>> {
        if !self.is(Tok::Hex) {
            return Err(self.expected(what));
        }
        let value = literal::hex_text(self.here());
        let token = self.bump();
        value.map_err(|bad| self.bad_literal(token, bad, what))
    }

    /// A name: a word or a text in quotes.
    pub(super) fn name(&mut self, what: &str) -> Parse<Cow<'s, str>> {
        if self.is(Tok::Word) {
            let token = self.bump();
            return Ok(Cow::Borrowed(self.text(token)));
        }
        self.string(what)
    }

    /// A name that goes into the program, where an empty one would mean none.
    pub(super) fn real_name(&mut self, what: &str) -> Parse<Cow<'s, str>> {
        let at = self.token;
        let name = self.name(what)?;
        if name.is_empty() {
            return Err(self.error_at(at, AsmErrorKind::BadText, format!("{what} is never empty")));
        }
        Ok(name)
    }

    /// A mark and an index, such as `#3`, if the mark stands here.
    pub(super) fn index(&mut self, mark: u8, what: &str) -> Parse<Option<u32>> {
        if !self.eat_punct(mark) {
            return Ok(None);
        }
        self.u32(what).map(Some)
    }
}

/// The start of a text, for messages, with hidden characters escaped.
pub(super) fn clip(text: &str) -> String {
    const MAX: usize = 40;
    let mut shown = String::new();
    for (i, c) in text.chars().enumerate() {
        match c {
            _ if i >= MAX => {
                shown.push_str("..");
                break;
            }
            _ if is_hidden(c) => shown.extend(c.escape_unicode()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Error from the builder at a place of the source.
pub(super) fn build_error(parser: &Parser<'_>, at: Token) -> impl FnOnce(BuildError) -> Diag {
    let place = *parser;
    move |error| {
        if let BuildError::Protocol { errors, .. } = &error {
            return place.protocol_error(at, errors);
        }
        let kind = match error {
            BuildError::NameTaken { .. } => AsmErrorKind::DuplicateName,
            BuildError::UnknownName { .. } | BuildError::NoRole { .. } | BuildError::NoEdge { .. } => {
                AsmErrorKind::UndefinedName
            }
            BuildError::AmbiguousName { .. } | BuildError::RoleOfState { .. } => AsmErrorKind::AmbiguousName,
            BuildError::MixedStates => AsmErrorKind::Unexpected,
            _ => AsmErrorKind::TooLarge,
        };
        place.error_at(at, kind, format!("{error}"))
    }
}
