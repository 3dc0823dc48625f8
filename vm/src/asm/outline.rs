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
    Role,
    MessageLabel,
    Payload,
    State,
    Local,
    SessionShape,
    Effect,
    Layer,
    Linear,
}

const DIRECTIVES: [(&str, Directive); 24] = [
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
    (".role", Directive::Role),
    (".payload", Directive::Payload),
    (".state", Directive::State),
    (".local", Directive::Local),
    (".effect", Directive::Effect),
    (".layer", Directive::Layer),
    (".linear", Directive::Linear),
];

/// What a directive is, by what stands behind it: `.label &f` and `.shape &f` are about functions, `.label get` and
/// `.shape Shop` about sessions.
fn told_apart(directive: Directive, parser: &Parser<'_>) -> Directive {
    match directive {
        Directive::Label if !parser.is_punct(b'&') => Directive::MessageLabel,
        Directive::Shape if !parser.is_punct(b'&') => Directive::SessionShape,
        other => other,
    }
}

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
        let directive = told_apart(directive, parser);
        let at = parser.token().start;
        let body = skip_operands(parser, directive);
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
fn skip_operands(parser: &mut Parser<'_>, directive: Directive) -> Option<usize> {
    let body_ok = matches!(directive, Directive::Func | Directive::Code);
    let mut depth = 0u32;
    // Whether every group of an endpoint's type has had its end, so that looking for ends takes linear time.
    let mut groups_end = true;
    loop {
        match parser.token().tok {
            Tok::Eof => return None,
            Tok::Newline if depth == 0 && directive == Directive::SessionShape && goes_on(parser) => {}
            Tok::Newline if depth == 0 || parser.second().tok == Tok::Directive => return None,
            // Types may span lines even where no bracket is open.
            Tok::Punct(b'=') if matches!(directive, Directive::Local | Directive::SessionShape) => {
                parser.bump();
                let is_index = parser.is_punct(b'#');
                if !is_index && !parser.skip_type(directive == Directive::SessionShape) {
                    skip_to_directive(parser);
                    return None;
                }
                continue;
            }
            Tok::Word if groups_end && body_ok && parser.is_linear() => {
                parser.bump();
                // Braces at the end of a line in there do not begin the body.
                groups_end = skip_group(parser);
                continue;
            }
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

/// Passes over lines that belong to something that is wrong, so that each of them is not wrong as well.
fn skip_to_directive(parser: &mut Parser<'_>) {
    let at_directive = |parser: &Parser<'_>| parser.is(Tok::Newline) && parser.second().tok == Tok::Directive;
    while !parser.is(Tok::Eof) && !at_directive(parser) {
        parser.bump();
    }
}

/// Whether the next line goes on with the declaration of a shape.
fn goes_on(parser: &Parser<'_>) -> bool {
    let mut ahead = *parser;
    ahead.skip_newlines();
    ahead.is_word("edge") || ahead.is_word("global")
}

/// Passes over brackets with what is in them, if they are closed before the next directive.
fn skip_group(parser: &mut Parser<'_>) -> bool {
    let mut ahead = *parser;
    let mut depth = 0u32;
    loop {
        match ahead.token().tok {
            Tok::Eof => return false,
            Tok::Newline if ahead.second().tok == Tok::Directive => return false,
            Tok::Punct(b'(' | b'{') => depth = depth.saturating_add(1),
            Tok::Punct(b')' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        ahead.bump();
        if depth == 0 {
            *parser = ahead;
            return true;
        }
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
