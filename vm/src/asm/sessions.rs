//! Directives about sessions, and the types of endpoints and evidence.

use super::env::{Env, Names, add, resolve as look_up};
use super::error::AsmErrorKind;
use super::lexer::{Tok, Token};
use super::parser::{Parse, Parser, Sink, build_error, clip};
use super::tables::{add_new, own_index};
use super::types::SymbolRef;
use crate::builder::{DeclAt, LinearDecl, LinearRef, ShapeDecl, StateRef, Unresolved};
use crate::ids::{FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{ChanType, EffectDef, LayerDef, PayloadDef, Place};
use crate::protocol::{LabelId, Name, PayloadId, RoleId, StateBranch, StateId, StateKind};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// A role by name, or the name of one for programs that have a second symbol of that text: `.role #0 "Client"`.
pub(super) fn role<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.sessions.roles.len())?;
    let at = parser.token();
    let (symbol, text) = named(env, parser, "the role's name")?;
    new_word(
        parser,
        at,
        text.as_deref().is_some_and(|n| env.builder.session_decls.role_ids.contains_key(n)),
    )?;
    env.builder.push_role(symbol, text.as_deref()).map_err(build_error(parser, at))?;
    Ok(())
}

/// A message label: `.label #0 get`.
pub(super) fn label<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.sessions.labels.len())?;
    let at = parser.token();
    let (symbol, text) = named(env, parser, "the label's name")?;
    new_word(
        parser,
        at,
        text.as_deref().is_some_and(|n| env.builder.session_decls.label_ids.contains_key(n)),
    )?;
    env.builder.push_message_label(symbol, text.as_deref()).map_err(build_error(parser, at))?;
    Ok(())
}

/// A guard layer with its capacity, 1 if it has none: `.layer auth 1`.
pub(super) fn layer<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.sessions.layers.len())?;
    let at = parser.token();
    let (name, text) = named(env, parser, "the layer's name")?;
    let capacity = if parser.is(Tok::Number) { parser.u32("a capacity")? } else { 1 };
    let id = env.builder.push_layer(LayerDef { name, capacity }).map_err(build_error(parser, at))?;
    remember(parser, at, &mut env.layers, text, id)
}

/// An effect: `.effect log(str) -> (u64) capability "io" speculative`.
pub(super) fn effect<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.sessions.effects.len())?;
    let at = parser.token();
    let (name, text) = named(env, parser, "the effect's name")?;
    let types = parser.token();
    let (params, results) = parser.signature()?;
    if results.len() > 1 {
        let message = "an effect has one result at most".into();
        return Err(parser.error_at(types, AsmErrorKind::Unexpected, message));
    }
    let capability = if parser.eat_word("capability") {
        let symbol = match parser.index(b'$', "a symbol index")? {
            Some(index) => SymbolRef::Index(index),
            None => SymbolRef::Text(parser.real_name("a capability")?),
        };
        env.symbol(parser, &symbol)?
    } else {
        SymbolId(0)
    };
    let def = EffectDef { name, capability, speculative: parser.eat_word("speculative") };
    let id = env.builder.push_effect(def, &params, &results).map_err(build_error(parser, at))?;
    remember(parser, at, &mut env.effects, text, id)
}

/// A payload as it is: `.payload #2 tuple(#0, #1)`.
pub(super) fn payload<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.sessions.payloads.len())?;
    let payload = if parser.eat_word("tuple") {
        PayloadDef::Tuple(parser.list(|p| p.number16(b'#', "a payload index").map(PayloadId))?)
    } else if parser.is_word("chan") && parser.second().tok == Tok::Punct(b'(') {
        parser.bump();
        parser.expect_punct(b'(')?;
        let shape = ShapeId(parser.marked(b'#', "a shape index")?);
        parser.expect_punct(b',')?;
        let role = parser.unsigned(u64::from(u16::MAX), "the place of a role")? as u16;
        parser.expect_punct(b',')?;
        let state = StateId(parser.marked(b'#', "a state index")?);
        parser.expect_punct(b')')?;
        PayloadDef::Chan(ChanType { shape, role, state })
    } else {
        PayloadDef::Value(parser.value_type()?)
    };
    env.builder.push_payload(payload);
    Ok(())
}

/// A state as it is: `.state #0 send #1 { #0(#2) -> #3, #1(#0) -> #4 }`, `.state #1 end`.
pub(super) fn state<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.program.sessions.states.len())?;
    let at = parser.token();
    let mut branches = Vec::new();
    let kind = if parser.eat_word("end") {
        StateKind::End
    } else {
        let is_send = parser.is_word("send");
        if !is_send && !parser.is_word("recv") {
            return Err(parser.expected("`end`, `send` or `recv`"));
        }
        parser.bump();
        let role = RoleId(parser.number16(b'#', "a role index")?);
        parser.in_braces(|p| {
            let label = LabelId(p.number16(b'#', "a label index")?);
            p.expect_punct(b'(')?;
            let payload = PayloadId(p.number16(b'#', "a payload index")?);
            p.expect_punct(b')')?;
            if !p.eat(Tok::Arrow) {
                return Err(p.expected("`->`"));
            }
            let next = StateId(p.marked(b'#', "a state index")?);
            branches.push(StateBranch { label, payload, next });
            Ok(())
        })?;
        if is_send { StateKind::Send(role) } else { StateKind::Recv(role) }
    };
    env.builder.push_state(kind, &branches).map_err(build_error(parser, at))
}

/// A local type: `.local Client = mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}`; or a name for a state:
/// `.local Client = #3`.
pub(super) fn local<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    let index = env.builder.session_decls.locals.len();
    own_index(parser, b'#', index)?;
    let at = parser.token();
    let (symbol, text) = named(env, parser, "the local type's name")?;
    parser.expect_punct(b'=')?;
    let entry = match parser.index(b'#', "a state index")? {
        Some(state) => {
            env.builder.session_decls.by_index = true;
            StateRef::Index(StateId(state))
        }
        None => StateRef::Type(parser.local_type()?),
    };
    let name = text.clone().unwrap_or_default();
    env.builder.declare_local(symbol, &name, entry).map_err(build_error(parser, at))?;
    env.places.insert(DeclAt::Local(index), at);
    remember(parser, at, &mut env.locals, text, ())
}

/// A shape: `.shape Shop { Client: ClientT, Server: ServerT }`, `.shape Shop = Client -> Server{..}`.
pub(super) fn shape<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    let index = env.builder.session_decls.shapes.len();
    own_index(parser, b'#', index)?;
    let at = parser.token();
    let (symbol, text) = named(env, parser, "the shape's name")?;
    let name = Name::new(text.as_deref().unwrap_or(""));
    let raw = parser.eat_word("raw");
    let mut decl = ShapeDecl { symbol, name, global: SymbolId(0), roles: Vec::new(), edges: Vec::new(), raw };
    if !raw && parser.eat_punct(b'=') {
        let place = parser.token();
        let global = parser.global_type()?;
        decl.roles = env.builder.project(&decl.name, &global).map_err(build_error(parser, place))?;
        decl.global = env.symbol(parser, &SymbolRef::Text(Cow::Owned(global.to_string())))?;
    } else {
        parser.in_braces(|p| {
            let role = shape_role(env, p)?;
            p.expect_punct(b':')?;
            env.places.insert(DeclAt::Role(index, decl.roles.len()), p.token());
            decl.roles.push((role, p.state_ref()?));
            Ok(())
        })?;
    }
    while let Some(word) = parser.continued(&["edge", "global"]) {
        if word == "edge" {
            env.places.insert(DeclAt::Edge(index, decl.edges.len()), parser.token());
            decl.edges.push(parser.edge()?);
        } else {
            let symbol = if parser.eat_punct(b'=') {
                SymbolRef::Text(Cow::Owned(parser.global_type()?.to_string()))
            } else {
                parser.symbol_ref("the text of a global type")?
            };
            decl.global = env.symbol(parser, &symbol)?;
        }
    }
    let id = env.builder.declare_shape(decl).map_err(build_error(parser, at))?;
    env.places.insert(DeclAt::Shape(index), at);
    remember(parser, at, &mut env.shapes, text, id)
}

/// A role of a shape: its name, or `#index`.
fn shape_role<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<RoleId> {
    let at = parser.token();
    if parser.is_punct(b'#') {
        return parser.number16(b'#', "a role index").map(RoleId);
    }
    let name = parser.real_name("a role or `}`")?;
    env.builder.role(&name).map_err(build_error(parser, at))
}

/// The type of a parameter or result that stands apart from its function: `.linear &f param 0 chan(#0, 1, #3)`.
pub(super) fn linear<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    let func = env.func_ref(parser)?;
    let is_result = parser.is_word("result");
    if !is_result && !parser.is_word("param") {
        return Err(parser.expected("`param` or `result`"));
    }
    parser.bump();
    let index = parser.u32("the place of a parameter or result")?;
    let place = if is_result { Place::Result(index) } else { Place::Param(index) };
    let at = parser.token();
    if !parser.is_linear() {
        return Err(parser.expected("`chan(..)`, `handle(..)` or `evidence(..)`"));
    }
    let ty = parser.linear(env)?;
    declare_linear(env, parser, func, place, ty, at)
}

pub(super) fn declare_linear<'s>(
    env: &mut Env<'s, '_>,
    parser: &Parser<'s>,
    func: FuncId,
    place: Place,
    ty: LinearRef,
    at: Token,
) -> Parse<()> {
    env.places.insert(DeclAt::Linear(env.builder.session_decls.linear.len()), at);
    env.builder.declare_linear(LinearDecl { func, place, ty }).map_err(build_error(parser, at))
}

/// Makes tables of all declarations, and reports what they name that is not there.
pub(super) fn resolve(env: &mut Env<'_, '_>, sink: &mut Sink) {
    for Unresolved { at, place, error } in env.builder.resolve_sessions() {
        let start = Token { tok: Tok::Eof, start: 0, end: 0 };
        let first = env.places.values().next().copied().unwrap_or(start);
        let mut token = env.places.get(&at).copied().unwrap_or(first);
        if let Some(place) = place {
            // Types are read with offsets in the whole source.
            let start = place.offset as usize;
            token = Token { start, end: start.saturating_add(place.length as usize), ..token };
        }
        sink.push(build_error(&Parser::new("", 0), token)(error));
    }
}

/// A name as a word, as a text in quotes, or as `$index`: its symbol, and the text if that is given.
fn named<'s>(
    env: &mut Env<'s, '_>,
    parser: &mut Parser<'s>,
    what: &str,
) -> Parse<(SymbolId, Option<Cow<'s, str>>)> {
    if let Some(index) = parser.index(b'$', "a symbol index")? {
        return Ok((SymbolId(index), None));
    }
    let text = parser.real_name(what)?;
    let symbol = env.symbol(parser, &SymbolRef::Text(text.clone()))?;
    Ok((symbol, Some(text)))
}

/// Refuses a word that is taken. Several texts in quotes may be equal; the first is meant by them.
fn new_word(parser: &Parser<'_>, at: Token, taken: bool) -> Parse<()> {
    if taken && at.tok == Tok::Word {
        let message = format!("the name `{}` is taken", clip(parser.text(at)));
        return Err(parser.error_at(at, AsmErrorKind::DuplicateName, message));
    }
    Ok(())
}

/// Adds the name of an entry. A word must be new; several texts in quotes may be equal, and then none is meant by them.
fn remember<'s, T: Copy>(
    parser: &Parser<'s>,
    at: Token,
    names: &mut Names<'s, T>,
    text: Option<Cow<'s, str>>,
    id: T,
) -> Parse<()> {
    match text {
        Some(text) if at.tok == Tok::Word => add_new(parser, at, names, Some(text), id),
        Some(text) => {
            add(names, text, id);
            Ok(())
        }
        None => Ok(()),
    }
}

impl<'s> Env<'s, '_> {
    /// A shape of sessions: `#index` or its name.
    pub(super) fn session_shape(&self, parser: &mut Parser<'s>) -> Parse<ShapeId> {
        match parser.index(b'#', "a shape index")? {
            Some(index) => Ok(ShapeId(index)),
            None => look_up(parser, &self.shapes, "session shape"),
        }
    }

    /// A guard layer: `#index` or its name.
    pub(super) fn guard_layer(&self, parser: &mut Parser<'s>) -> Parse<LayerId> {
        match parser.index(b'#', "a layer index")? {
            Some(index) => Ok(LayerId(index)),
            None => look_up(parser, &self.layers, "guard layer"),
        }
    }
}
