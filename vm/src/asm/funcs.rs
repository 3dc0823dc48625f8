//! Function headers, code blobs, and names that stand apart from functions.

use super::body::{BodySource, Target};
use super::env::{Env, add};
use super::error::AsmErrorKind;
use super::lexer::Tok;
use super::outline::{Directive, Outline, Statement};
use super::parser::{Parse, Parser, Sink, build_error, clip};
use super::sessions;
use super::tables::{each, own_index};
use super::types::{Param, SymbolRef};
use crate::builder::FuncDecl;
use crate::ids::{FuncId, SymbolId};
use crate::program::Place;
use crate::value_type::ValueType;
use alloc::format;
use alloc::vec::Vec;

/// Declares every function and gives the bodies to assemble: code blobs first, then functions, in order.
pub(super) fn declare<'s>(
    env: &mut Env<'s, '_>,
    sink: &mut Sink,
    source: &'s str,
    outline: &Outline,
) -> Vec<BodySource<'s>> {
    let mut bodies = Vec::new();
    for (index, statement) in outline.each(Directive::Code).enumerate() {
        let mut parser = Parser::new(source, statement.at);
        match code(&mut parser, index, statement) {
            Ok(at) => bodies.push(BodySource { target: Target::Blob, at, params: Vec::new() }),
            Err(diag) => sink.push(diag),
        }
    }
    for statement in outline.each(Directive::Func) {
        if sink.is_full() {
            break;
        }
        let mut parser = Parser::new(source, statement.at);
        match func(env, &mut parser, statement) {
            Ok(Some(body)) => bodies.push(body),
            Ok(None) => {}
            Err(diag) => sink.push(diag),
        }
    }
    bodies
}

/// Handles names, labels and shapes that stand apart from functions.
pub(super) fn name<'s>(env: &mut Env<'s, '_>, sink: &mut Sink, source: &'s str, outline: &Outline) {
    each(env, sink, source, outline, Directive::Name, |env, parser| {
        let func = env.func_ref(parser)?;
        let symbol = parser.symbol_ref("a name")?;
        let symbol = env.symbol(parser, &symbol)?;
        env.builder.push_function_name(func, symbol);
        Ok(())
    });
    each(env, sink, source, outline, Directive::Label, |env, parser| {
        let func = env.func_ref(parser)?;
        let pc = parser.u32("a byte offset")?;
        let symbol = parser.symbol_ref("a name")?;
        let symbol = env.symbol(parser, &symbol)?;
        env.builder.push_label(func, pc, symbol);
        Ok(())
    });
    each(env, sink, source, outline, Directive::Linear, sessions::linear);
    each(env, sink, source, outline, Directive::Shape, |env, parser| {
        let func = env.func_ref(parser)?;
        let param = parser.u32("a parameter index")?;
        let shape = parser.shape(env)?.ok_or_else(|| parser.expected("`tuple`, `struct` or `array`"))?;
        env.builder.shape_param(func, param, shape);
        Ok(())
    });
}

fn code(parser: &mut Parser<'_>, index: usize, statement: &Statement) -> Parse<usize> {
    own_index(parser, b'#', index)?;
    match statement.body {
        Some(at) if parser.is_punct(b'{') => Ok(at),
        _ => Err(parser.expected("`{` at the end of the line")),
    }
}

/// A header: `.func fib(n: i64) -> (i64) regs 5 {`.
fn func<'s>(
    env: &mut Env<'s, '_>,
    parser: &mut Parser<'s>,
    statement: &Statement,
) -> Parse<Option<BodySource<'s>>> {
    own_index(parser, b'&', env.builder.decls.len())?;
    let name_at = parser.token();
    let name = if parser.is(Tok::Word) || parser.is(Tok::Str) {
        Some(parser.real_name("the function's name")?)
    } else {
        None
    };
    let params = parser.list(|p| p.param(env))?;
    let mut results = Vec::new();
    if parser.eat(Tok::Arrow) {
        if parser.is_punct(b'(') {
            results = parser.list(|p| p.param(env))?;
        } else {
            results.push(parser.param(env)?);
        }
    }
    if let Some(result) = results.iter().find(|result| result.shape.is_some()) {
        let mut diag = parser.error(AsmErrorKind::Unexpected, "results have no declared shape".into());
        (diag.start, diag.end) = (result.start, result.start + 1);
        return Err(diag.hint("write `agg`"));
    }
    let mut decl = attributes(parser)?;
    let body = body_of(parser, statement, &decl, name_at)?;
    if let Some(name) = &name {
        decl.name = Some(env.symbol(parser, &SymbolRef::Text(name.clone()))?);
    }
    decl.param_names = param_symbols(env, parser, &params)?;
    decl.result_names = param_symbols(env, parser, &results)?;
    let types = |params: &[Param<'_>]| params.iter().map(|p| p.ty).collect::<Vec<ValueType>>();
    let id = env
        .builder
        .declare_raw(decl, &types(&params), &types(&results))
        .map_err(build_error(parser, name_at))?;
    let mut aliases = Vec::new();
    for (index, param) in (0u32..).zip(params) {
        if let Some(shape) = param.shape {
            env.builder.shape_param(id, index, shape);
        }
        if let Some((ty, at)) = param.linear {
            sessions::declare_linear(env, parser, id, Place::Param(index), ty, at)?;
        }
        if let Some(alias) = param.alias {
            aliases.push((alias, index.saturating_add(1), param.start));
        }
    }
    for (index, result) in (0u32..).zip(results) {
        if let Some((ty, at)) = result.linear {
            sessions::declare_linear(env, parser, id, Place::Result(index), ty, at)?;
        }
    }
    if let Some(name) = name {
        let message = format!("a function `{}` is there already", clip(&name));
        if !add(&mut env.funcs, name, id) {
            return Err(parser.error_at(name_at, AsmErrorKind::DuplicateName, message));
        }
    }
    Ok(body.map(|at| BodySource { target: Target::Func(id), at, params: aliases }))
}

/// Where the body starts. A function has a body or names its code, not both.
fn body_of(
    parser: &Parser<'_>,
    statement: &Statement,
    decl: &FuncDecl,
    name_at: super::lexer::Token,
) -> Parse<Option<usize>> {
    let brace = parser.is_punct(b'{');
    if !brace && !parser.at_line_end() {
        return Err(parser.expected("`{` or the end of the line"));
    }
    match (brace, decl.code.is_some()) {
        (true, false) => match statement.body {
            Some(at) => Ok(Some(at)),
            None => Err(parser.expected("`{` at the end of the line")),
        },
        (false, true) => Ok(None),
        (true, true) => {
            let message = "a function with `code` has no body of its own".into();
            Err(parser.error(AsmErrorKind::Unexpected, message))
        }
        (false, false) => {
            let message = "the function has no body".into();
            let diag = parser.error_at(name_at, AsmErrorKind::NoBody, message);
            Err(diag.hint("end the line with `{`"))
        }
    }
}

/// What stands behind a signature: `regs 5 arity 1 2 code 0 spans 0`.
fn attributes(parser: &mut Parser<'_>) -> Parse<FuncDecl> {
    let mut decl = FuncDecl::default();
    while parser.is(Tok::Word) {
        let word = parser.bump();
        match parser.text(word) {
            "regs" => decl.reg_count = Some(parser.u32("a number of registers")?),
            "arity" => {
                let params = parser.u32("a number of parameters")?;
                decl.arity = Some((params, parser.u32("a number of results")?));
            }
            "code" => decl.code = Some(parser.u32("a code index")?),
            "spans" => decl.spans = Some(parser.u32("a span table index")?),
            other => {
                let message = format!("there is no attribute `{}`", clip(other));
                let diag = parser.error_at(word, AsmErrorKind::Unexpected, message);
                return Err(diag.hint("attributes are regs, arity, code and spans"));
            }
        }
    }
    Ok(decl)
}

/// Names as symbols: none at all if no parameter has one.
fn param_symbols<'s>(
    env: &mut Env<'s, '_>,
    parser: &Parser<'s>,
    params: &[Param<'s>],
) -> Parse<Vec<SymbolId>> {
    if params.iter().all(|param| param.name.is_none()) {
        return Ok(Vec::new());
    }
    let mut symbols = Vec::with_capacity(params.len());
    for param in params {
        symbols.push(match &param.name {
            Some(name) => env.symbol(parser, name)?,
            None => SymbolId(0),
        });
    }
    Ok(symbols)
}

/// The function that a body belongs to; blobs have none.
pub(super) const fn owner(target: Target) -> FuncId {
    match target {
        Target::Func(id) => id,
        Target::Blob => FuncId(0),
    }
}
