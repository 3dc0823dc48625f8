//! Bodies: labels, register names, spans, raw bytes, and the instructions between them.

use super::env::Env;
use super::error::AsmErrorKind;
use super::funcs::owner;
use super::lexer::{Tok, Token};
use super::literal::hex_pair;
use super::parser::{Parse, Parser, Sink, build_error, clip};
use super::tables::{span_entries, span_id};
use crate::builder::{FuncBuilder, Label, RawTarget};
use crate::ids::FuncId;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

/// What a body belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Func(FuncId),
    /// A code blob apart from functions.
    Blob,
}

/// A body to assemble.
#[derive(Debug)]
pub(super) struct BodySource<'s> {
    pub(super) target: Target,
    /// Where it starts, behind the brace.
    pub(super) at: usize,
    /// Names of the parameters, their registers, and where they stand.
    pub(super) params: Vec<(&'s str, u32, usize)>,
}

/// A label by name: numbers are for the source only, names go into the program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LabelKey<'s> {
    Local(u64),
    Named(Cow<'s, str>),
}

#[derive(Debug)]
struct LabelState {
    label: Label,
    /// Where it is first named.
    first: Token,
}

/// The state of one body.
#[derive(Debug)]
pub(super) struct Body<'s, 'e, 'isa> {
    pub(super) env: &'e mut Env<'s, 'isa>,
    pub(super) parser: Parser<'s>,
    pub(super) code: FuncBuilder<'isa>,
    pub(super) regs: BTreeMap<&'s str, u32>,
    labels: BTreeMap<LabelKey<'s>, LabelState>,
    is_blob: bool,
    raw_spans: bool,
    /// Scratch for register lists.
    pub(super) lists: Vec<u32>,
    /// Scratch for lists of branch targets.
    pub(super) targets: Vec<RawTarget>,
}

/// Assembles a body into the program.
pub(super) fn assemble<'s>(env: &mut Env<'s, '_>, sink: &mut Sink, source: &'s str, body: &BodySource<'s>) {
    if sink.is_full() {
        return;
    }
    let func = owner(body.target);
    let is_blob = matches!(body.target, Target::Blob);
    let isa = env.builder.isa;
    let params = if is_blob { 0 } else { env.builder.program.func_sig(func).map_or(0, |s| s.params.len()) };
    let mut state = Body {
        parser: Parser::new(source, body.at),
        code: FuncBuilder::new(isa, func, params as u32),
        regs: BTreeMap::new(),
        labels: BTreeMap::new(),
        is_blob,
        raw_spans: false,
        lists: Vec::new(),
        targets: Vec::new(),
        env,
    };
    for &(name, reg, start) in &body.params {
        let place = Token { tok: Tok::Word, start, end: start + name.len() };
        if let Err(diag) = state.name_reg(name, reg, place) {
            sink.push(diag);
        }
    }
    state.statements(sink);
    let labels_ok = state.check_labels(sink);
    if !sink.is_empty() || !labels_ok {
        return;
    }
    let Body { env, parser, code, .. } = state;
    let at = parser.token();
    let done = match body.target {
        Target::Func(_) => env.builder.define(code),
        Target::Blob => code.finish().and_then(|body| {
            env.builder.need_version(body.version);
            env.builder.push_blob(&body.code).map(|_| ())
        }),
    };
    if let Err(error) = done {
        sink.push(build_error(&parser, at)(error));
    }
}

impl<'s> Body<'s, '_, '_> {
    fn statements(&mut self, sink: &mut Sink) {
        loop {
            self.parser.skip_newlines();
            match self.parser.token().tok {
                // The first pass has seen to it that there is an end.
                Tok::Eof => return,
                Tok::Punct(b'}') => {
                    self.parser.bump();
                    if let Err(diag) = self.parser.expect_line_end() {
                        sink.push(diag);
                    }
                    return;
                }
                Tok::Directive if matches!(self.parser.here(), ".func" | ".code") => return,
                _ => {}
            }
            if let Err(diag) = self.statement().and_then(|()| self.parser.expect_line_end()) {
                sink.push(diag);
                self.parser.sync();
            }
            if sink.is_full() {
                return;
            }
        }
    }

    fn statement(&mut self) -> Parse<()> {
        while self.parser.is_punct(b'@') {
            self.place_label()?;
        }
        match self.parser.token().tok {
            Tok::Newline => Ok(()),
            Tok::Word => self.instruction(),
            Tok::Directive => self.directive(),
            _ => Err(self.parser.expected("an instruction, a label or `}`")),
        }
    }

    fn directive(&mut self) -> Parse<()> {
        let word = self.parser.bump();
        match self.parser.text(word) {
            ".reg" => self.reg_names(),
            ".span" => self.span(word),
            ".spans" => {
                self.raw_spans = true;
                let entries = span_entries(&mut self.parser)?;
                self.code.set_spans(entries);
                Ok(())
            }
            ".raw" => self.raw(),
            other => {
                let message = format!("there is no directive `{}` in a body", clip(other));
                let diag = self.parser.error_at(word, AsmErrorKind::UnknownDirective, message);
                Err(diag.hint("directives in a body are .reg, .span, .spans and .raw"))
            }
        }
    }

    fn span(&mut self, at: Token) -> Parse<()> {
        let span = span_id(&mut self.parser)?;
        let message = if self.is_blob || self.raw_spans {
            "span marks cannot stand here: the span table is given apart"
        } else if self.code.has_span_here() {
            "there is no instruction since the last span mark"
        } else {
            self.code.span(span);
            return Ok(());
        };
        Err(self.parser.error_at(at, AsmErrorKind::BadSpan, message.into()))
    }

    fn raw(&mut self) -> Parse<()> {
        let mut bytes = Vec::new();
        while !self.parser.at_line_end() {
            let pair = match self.parser.here().as_bytes() {
                &[high, low] => hex_pair(high, low),
                _ => None,
            };
            let Some(byte) = pair else { return Err(self.parser.expected("two hex digits")) };
            bytes.push(byte);
            self.parser.bump();
        }
        let at = self.parser.token();
        self.code.emit_bytes(&bytes).map_err(build_error(&self.parser, at))
    }

    /// `.reg i, sum` names the next free registers, `.reg t = r9` a chosen one.
    fn reg_names(&mut self) -> Parse<()> {
        loop {
            let at = self.parser.token();
            if at.tok != Tok::Word {
                return Err(self.parser.expected("a register name"));
            }
            self.parser.bump();
            let name = self.parser.text(at);
            let reg = if self.parser.eat_punct(b'=') { self.reg()? } else { self.code.reg().0 };
            self.name_reg(name, reg, at)?;
            if !self.parser.eat_punct(b',') {
                return Ok(());
            }
        }
    }

    fn name_reg(&mut self, name: &'s str, reg: u32, at: Token) -> Parse<()> {
        if reg_number(name).is_some() {
            let message = format!("`{}` is a register itself and cannot be a name", clip(name));
            return Err(self.parser.error_at(at, AsmErrorKind::DuplicateName, message));
        }
        if self.regs.insert(name, reg).is_some() {
            let message = format!("the register name `{}` is taken", clip(name));
            return Err(self.parser.error_at(at, AsmErrorKind::DuplicateName, message));
        }
        Ok(())
    }

    /// The name of a label: a number, a word, or a text.
    fn label_key(&mut self) -> Parse<LabelKey<'s>> {
        if self.parser.is(Tok::Number) {
            return self.parser.unsigned(u64::MAX, "a label number").map(LabelKey::Local);
        }
        self.parser.real_name("a label").map(LabelKey::Named)
    }

    /// The label that is named here, behind the `@`.
    pub(super) fn label(&mut self) -> Parse<Label> {
        let first = self.parser.token();
        let key = self.label_key()?;
        let code = &mut self.code;
        Ok(self.labels.entry(key).or_insert_with(|| LabelState { label: code.label(), first }).label)
    }

    fn place_label(&mut self) -> Parse<()> {
        self.parser.bump();
        let at = self.parser.token();
        let key = self.label_key()?;
        self.parser.expect_punct(b':')?;
        let code = &mut self.code;
        let first = LabelState { label: code.label(), first: at };
        let label = self.labels.entry(key.clone()).or_insert(first).label;
        if self.code.place(label).is_err() {
            let message = format!("the label `{}` is placed twice", clip(self.parser.text(at)));
            return Err(self.parser.error_at(at, AsmErrorKind::DuplicateName, message));
        }
        if let (LabelKey::Named(name), false) = (&key, self.is_blob) {
            self.code.name_here(name);
        }
        Ok(())
    }

    /// Reports every label that is used but not placed.
    fn check_labels(&mut self, sink: &mut Sink) -> bool {
        let states = self.labels.values();
        let missing = states.filter(|state| self.code.place_of(state.label).is_none());
        let mut places: Vec<Token> = missing.map(|state| state.first).collect();
        places.sort_unstable_by_key(|place| place.start);
        for &place in places.iter().take(super::AsmErrors::MAX + 1) {
            let name = clip(self.parser.text(place));
            let message = format!("there is no label `@{name}` in this function");
            let diag = self.parser.error_at(place, AsmErrorKind::UndefinedLabel, message);
            sink.push(diag.hint(format!("place it with `@{name}:`")));
        }
        places.is_empty()
    }
}

/// The number of a register written as `r5`.
pub(super) fn reg_number(word: &str) -> Option<Option<u32>> {
    let digits = word.strip_prefix('r')?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // `r01` would be a second spelling of `r1`.
    let spelled = digits.len() == 1 || !digits.starts_with('0');
    Some(digits.parse().ok().filter(|_| spelled))
}
