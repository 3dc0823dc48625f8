//! The first pass: where every directive starts, with bodies passed over.

use super::error::AsmErrorKind;
use super::lexer::Tok;
use super::parser::{Parser, Sink, clip};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The directives that stand outside bodies, by the phase that handles them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Version,
    Symbol,
    Field,
    Program,
    Const,
    Struct,
    Elem,
    Host,
    Sig,
    Memory,
    Section,
    Spans,
    Code,
    Func,
    Name,
    Label,
    Shape,
}

const DIRECTIVES: [(&str, Directive); 17] = [
    (".version", Directive::Version),
    (".symbol", Directive::Symbol),
    (".field", Directive::Field),
    (".program", Directive::Program),
    (".const", Directive::Const),
    (".struct", Directive::Struct),
    (".elem", Directive::Elem),
    (".host", Directive::Host),
    (".sig", Directive::Sig),
    (".memory", Directive::Memory),
    (".section", Directive::Section),
    (".spans", Directive::Spans),
    (".code", Directive::Code),
    (".func", Directive::Func),
    (".name", Directive::Name),
    (".label", Directive::Label),
    (".shape", Directive::Shape),
];

/// One directive: what it is, where its operands start, where its body starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    pub(super) directive: Directive,
    pub(super) at: usize,
    pub(super) body: Option<usize>,
}

/// All directives of a source in order.
#[derive(Debug, Default)]
pub(super) struct Outline {
    statements: Vec<Statement>,
}

impl Outline {
    pub(super) fn scan(source: &str, sink: &mut Sink) -> Self {
        let mut outline = Self::default();
        // A byte order mark is no part of the text.
        let start = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut parser = Parser::new(source, start);
        loop {
            parser.skip_newlines();
            if parser.is(Tok::Eof) || sink.is_full() {
                return outline;
            }
            outline.scan_statement(&mut parser, sink);
        }
    }

    /// The statements of one directive.
    pub(super) fn each(&self, directive: Directive) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(move |statement| statement.directive == directive)
    }

    fn scan_statement(&mut self, parser: &mut Parser<'_>, sink: &mut Sink) {
        let first = parser.token();
        if first.tok != Tok::Directive {
            let diag = parser.expected("a directive");
            sink.push(diag.hint("instructions and labels stand inside `.func name(..) {` and a line `}`"));
            parser.sync();
            return;
        }
        let word = parser.here();
        let known = DIRECTIVES.iter().find(|(name, _)| *name == word);
        let Some(&(_, directive)) = known else {
            let message = format!("there is no directive `{}` here", clip(word));
            let diag = parser.error(AsmErrorKind::UnknownDirective, message);
            let names = DIRECTIVES.iter().map(|(name, _)| *name);
            sink.push(super::env::suggest(diag, word, names));
            parser.sync();
            return;
        };
        parser.bump();
        let at = parser.token().start;
        let body_ok = matches!(directive, Directive::Func | Directive::Code);
        let body = skip_operands(parser, body_ok);
        self.statements.push(Statement { directive, at, body });
        if body.is_some() && !skip_body(parser) {
            let message = String::from("the body has no closing `}`");
            let diag = parser.error_at(first, AsmErrorKind::OpenBody, message);
            sink.push(diag.hint("close it with a line that starts with `}`"));
        }
    }
}

/// Passes over a directive's operands: to the end of the line, where no bracket is open. Returns where the body
/// starts if the line ends in an open brace and may have one.
fn skip_operands(parser: &mut Parser<'_>, body_ok: bool) -> Option<usize> {
    let mut depth = 0u32;
    loop {
        match parser.token().tok {
            Tok::Eof => return None,
            Tok::Newline if depth == 0 || parser.second().tok == Tok::Directive => return None,
            Tok::Punct(b'{') if body_ok => {
                let line_end = matches!(parser.second().tok, Tok::Newline | Tok::Eof);
                if line_end {
                    let brace = parser.bump();
                    return Some(brace.end);
                }
            }
            Tok::Punct(b'(' | b'{') => depth = depth.saturating_add(1),
            Tok::Punct(b')' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        parser.bump();
    }
}

/// Passes over a body and its closing brace. A line that starts another function ends it too, but is an error.
fn skip_body(parser: &mut Parser<'_>) -> bool {
    loop {
        parser.skip_newlines();
        match parser.token().tok {
            Tok::Eof => return false,
            Tok::Punct(b'}') => {
                parser.bump();
                return true;
            }
            Tok::Directive if matches!(parser.here(), ".func" | ".code") => return false,
            _ => parser.sync(),
        }
    }
}
