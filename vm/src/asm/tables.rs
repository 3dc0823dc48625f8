//! Table directives: symbols, constants, types, signatures.

use super::env::{Env, Names, add};
use super::error::AsmErrorKind;
use super::lexer::Tok;
use super::outline::{Directive, Outline};
use super::parser::{Parse, Parser, Sink, build_error, clip};
use super::sessions;
use super::types::SymbolRef;
use crate::ids::{SpanId, SymbolId};
use crate::program::{ContainerVersion, MAX_PAGES, MemoryDef, SpanEntry, signature_hash};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

type Rule<'s, 'isa> = fn(&mut Env<'s, 'isa>, &mut Parser<'s>) -> Parse<()>;

/// Fills the tables. Each table's directives are taken in source order; the order of the tables is such that
/// what one refers to is there.
pub(super) fn declare<'s, 'isa>(
    env: &mut Env<'s, 'isa>,
    sink: &mut Sink,
    source: &'s str,
    outline: &Outline,
) {
    let rules: [(Directive, Rule<'s, 'isa>); 20] = [
        (Directive::Version, version),
        (Directive::Symbol, symbol),
        (Directive::Field, field),
        (Directive::Program, program),
        (Directive::Const, constant),
        (Directive::Struct, struct_type),
        (Directive::Elem, elem),
        (Directive::Host, host),
        (Directive::Sig, sig),
        (Directive::Memory, memory),
        (Directive::Role, sessions::role),
        (Directive::MessageLabel, sessions::label),
        (Directive::Layer, sessions::layer),
        (Directive::Effect, sessions::effect),
        (Directive::Payload, sessions::payload),
        (Directive::State, sessions::state),
        (Directive::Local, sessions::local),
        (Directive::SessionShape, sessions::shape),
        (Directive::Section, section),
        (Directive::Spans, spans),
    ];
    for (directive, rule) in rules {
        each(env, sink, source, outline, directive, rule);
    }
}

/// Runs a rule on every statement of a directive.
pub(super) fn each<'s, 'isa>(
    env: &mut Env<'s, 'isa>,
    sink: &mut Sink,
    source: &'s str,
    outline: &Outline,
    directive: Directive,
    rule: Rule<'s, 'isa>,
) {
    for statement in outline.each(directive) {
        if sink.is_full() {
            return;
        }
        let mut parser = Parser::new(source, statement.at);
        let done = rule(env, &mut parser).and_then(|()| parser.expect_line_end());
        if let Err(diag) = done {
            sink.push(diag);
        }
    }
}

/// An index in front of an entry, which must be the entry's own.
pub(super) fn own_index(parser: &mut Parser<'_>, mark: u8, next: usize) -> Parse<()> {
    let place = parser.second();
    match parser.index(mark, "an index")? {
        Some(index) if index as usize != next => {
            let message = format!("this entry has index {next}, not {index}");
            let diag = parser.error_at(place, AsmErrorKind::WrongIndex, message);
            Err(diag.hint("entries are numbered in order; the index may be left out"))
        }
        _ => Ok(()),
    }
}

/// A name and `=`, if they stand here.
fn name_equals<'s>(parser: &mut Parser<'s>) -> Option<Cow<'s, str>> {
    if parser.is(Tok::Word) && parser.second().tok == Tok::Punct(b'=') {
        let word = parser.bump();
        parser.bump();
        return Some(Cow::Borrowed(parser.text(word)));
    }
    None
}

/// Adds a name that must be new.
pub(super) fn add_new<'s, T: Copy>(
    parser: &Parser<'s>,
    at: super::lexer::Token,
    names: &mut Names<'s, T>,
    name: Option<Cow<'s, str>>,
    id: T,
) -> Parse<()> {
    let Some(name) = name else { return Ok(()) };
    let shown = format!("the name `{}` is taken", clip(&name));
    if add(names, name, id) {
        return Ok(());
    }
    Err(parser.error_at(at, AsmErrorKind::DuplicateName, shown))
}

/// The least version of the container; opcodes may ask for a later one.
fn version<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    let word = if parser.is(Tok::Number) { parser.here() } else { "" };
    let mut versions = ContainerVersion::ALL.into_iter();
    let Some(version) = versions.find(|version| version.to_string() == word) else {
        return Err(parser.expected("a container version").hint("versions are 0.1 and 0.128"));
    };
    parser.bump();
    env.builder.need_version(version);
    Ok(())
}

fn symbol<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'$', env.builder.program.symbols.len())?;
    let at = parser.token();
    let text = parser.string("a text")?;
    env.builder.push_symbol(&text).map_err(build_error(parser, at))?;
    Ok(())
}

fn field<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.field_names.len())?;
    let at = parser.token();
    let text = parser.string("a text")?;
    env.builder.push_field_name(&text).map_err(build_error(parser, at))?;
    Ok(())
}

fn program<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    if env.builder.program.names.program.is_some() {
        let message = "the program has a name already".into();
        return Err(parser.error(AsmErrorKind::DuplicateName, message));
    }
    let name = match parser.index(b'$', "a symbol index")? {
        Some(index) => SymbolRef::Index(index),
        None => SymbolRef::Text(parser.real_name("the program's name")?),
    };
    env.builder.program.names.program = Some(env.symbol(parser, &name)?);
    Ok(())
}

fn constant<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.consts.len())?;
    let at = parser.token();
    let name = name_equals(parser);
    let literal = parser.literal()?;
    let id = env.builder.push_const(literal.value()).map_err(build_error(parser, at))?;
    add_new(parser, at, &mut env.consts, name, id)
}

fn struct_type<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.structs.len())?;
    let at = parser.token();
    let name = if parser.is(Tok::Word) { Some(parser.name("a name")?) } else { None };
    parser.expect_punct(b'{')?;
    parser.skip_newlines();
    let (mut fields, mut names) = (Vec::new(), Vec::new());
    while !parser.eat_punct(b'}') {
        let place = parser.token();
        let (index, field) = match parser.index(b'#', "a field name index")? {
            Some(index) => (index, Cow::Borrowed("")),
            None => {
                let field = parser.name("a field name or `}`")?;
                (env.builder.field_name(&field).map_err(build_error(parser, place))?, field)
            }
        };
        parser.expect_punct(b':')?;
        fields.push((index, parser.value_type()?));
        names.push(field);
        let newline = parser.is(Tok::Newline);
        parser.skip_newlines();
        if parser.eat_punct(b',') {
            parser.skip_newlines();
        } else if !parser.is_punct(b'}') && !newline {
            return Err(parser.expected("`,` or `}`"));
        }
    }
    let id = env.builder.push_struct(&fields).map_err(build_error(parser, at))?;
    env.fields.push(names);
    add_new(parser, at, &mut env.structs, name, id)
}

fn elem<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.elems.len())?;
    let at = parser.token();
    let name = name_equals(parser);
    let ty = parser.value_type()?;
    let id = env.builder.push_elem(ty).map_err(build_error(parser, at))?;
    add_new(parser, at, &mut env.elems, name, id)
}

fn host<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.host_sigs.len())?;
    let at = parser.token();
    let mut name = name_equals(parser);
    let symbol = if name.is_none() && parser.is(Tok::Word) {
        // A word is both: the import's name and what it is called here.
        let word = parser.name("a name")?;
        name = Some(word.clone());
        SymbolRef::Text(word)
    } else {
        parser.symbol_ref("the import's name")?
    };
    let (params, results) = parser.signature()?;
    let hash = if parser.eat_word("hash") {
        parser.unsigned(u64::MAX, "a hash")?
    } else {
        signature_hash(&params, &results)
    };
    let id = env.symbol(parser, &symbol)?;
    let id = env.builder.push_host(id, hash, &params, &results).map_err(build_error(parser, at))?;
    if let SymbolRef::Text(text) = symbol {
        add(&mut env.host_symbols, text, id);
    }
    add_new(parser, at, &mut env.hosts, name, id)
}

fn sig<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.call_sigs.len() / 2)?;
    let at = parser.token();
    let mut name = name_equals(parser);
    if name.is_none() && parser.is(Tok::Word) {
        name = Some(parser.name("a name")?);
    }
    let (params, results) = parser.signature()?;
    let id = env.builder.push_call_sig(&params, &results).map_err(build_error(parser, at))?;
    add_new(parser, at, &mut env.sigs, name, id)
}

/// A linear memory: `.memory heap 1 16 export`. Name, most pages and `export` may be left out.
fn memory<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.memories.len())?;
    let at = parser.token();
    let symbol = match at.tok {
        Tok::Word => SymbolRef::Text(parser.name("a name")?),
        Tok::Number => SymbolRef::Index(0),
        _ => parser.symbol_ref("the memory's name")?,
    };
    let min = parser.u32("a number of pages")?;
    let max = if parser.is(Tok::Number) { parser.u32("a number of pages")? } else { MAX_PAGES };
    let exported = parser.eat_word("export");
    let name = match &symbol {
        SymbolRef::Index(0) => SymbolId(0),
        symbol => env.symbol(parser, symbol)?,
    };
    let memory = MemoryDef { min, max, exported, name };
    let id = env.builder.push_memory(memory).map_err(build_error(parser, at))?;
    match symbol {
        SymbolRef::Text(text) if at.tok == Tok::Word => {
            add_new(parser, at, &mut env.memories, Some(text), id)
        }
        SymbolRef::Text(text) => {
            // As in the names of host functions: several may have one, and then none is meant by it.
            add(&mut env.memories, text, id);
            Ok(())
        }
        SymbolRef::Index(_) => Ok(()),
    }
}

fn section<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    let tag = parser.unsigned(u64::from(u8::MAX), "a section tag")?;
    let payload = parser.hex("a byte string")?;
    env.builder.push_section(tag as u8, payload);
    Ok(())
}

fn spans<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.spans.len())?;
    let at = parser.token();
    let entries = span_entries(parser)?;
    env.builder.push_spans(&entries).map_err(build_error(parser, at))?;
    Ok(())
}

/// A span table as it is: `+0:17 +3:18`.
pub(super) fn span_entries(parser: &mut Parser<'_>) -> Parse<Vec<SpanEntry>> {
    let mut entries = Vec::new();
    while parser.eat_punct(b'+') {
        let pc_delta = parser.unsigned(u64::MAX, "a distance in bytes")?;
        parser.expect_punct(b':')?;
        entries.push(SpanEntry { pc_delta, span: span_id(parser)? });
    }
    Ok(entries)
}

/// A span id, which is never 0.
pub(super) fn span_id(parser: &mut Parser<'_>) -> Parse<SpanId> {
    let at = parser.token();
    let value = parser.unsigned(u64::MAX, "a span id")?;
    SpanId::new(value)
        .ok_or_else(|| parser.error_at(at, AsmErrorKind::OutOfRange, "a span id is never 0".into()))
}
