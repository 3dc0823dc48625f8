//! Directives about sessions, and the types of endpoints and evidence.

use super::env::{Env, Names, add, resolve as look_up};
use super::error::{AsmErrorKind, Diag};
use super::lexer::{Tok, Token};
use super::parser::{Parse, Parser, Sink, build_error, clip};
use super::tables::{add_new, own_index};
use super::types::SymbolRef;
use crate::builder::{
    ChanAt, ChanRef, DeclAt, EdgeDecl, LinearDecl, LinearRef, RoleRef, ShapeDecl, StateRef, Unresolved,
    default_capacity,
};
use crate::ids::{FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{ChanType, EdgePolicy, EffectDef, LayerDef, PayloadDef, Place};
use crate::protocol::{
    GlobalType, LabelId, LocalType, Name, PayloadId, ProtocolError, ProtocolErrors, RoleId, StateBranch,
    StateId, StateKind,
};
use crate::value_type::ValueType;
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
    own_index(parser, b'#', env.builder.session_decls.locals.len())?;
    let at = parser.token();
    let (symbol, text) = named(env, parser, "the local type's name")?;
    parser.expect_punct(b'=')?;
    let entry = match parser.index(b'#', "a state index")? {
        Some(index) => {
            env.builder.session_decls.by_index = true;
            StateRef::Index(StateId(index))
        }
        None => StateRef::Type(parser.local_type()?),
    };
    let name = text.clone().unwrap_or_default();
    env.builder.declare_local(symbol, &name, entry).map_err(build_error(parser, at))?;
    env.places.locals.push(at);
    remember(parser, at, &mut env.locals, text, ())
}

/// A shape: `.shape Shop { Client: ClientT, Server: ServerT }`, `.shape Shop = Client -> Server{..}`.
pub(super) fn shape<'s>(env: &mut Env<'s, '_>, parser: &mut Parser<'s>) -> Parse<()> {
    own_index(parser, b'#', env.builder.session_decls.shapes.len())?;
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
            decl.roles.push((role, p.state_ref()?));
            Ok(())
        })?;
    }
    while let Some(word) = parser.continued(&["edge", "global"]) {
        if word == "edge" {
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
    env.places.shapes.push(at);
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
    env.places.linear.push(at);
    env.builder.declare_linear(LinearDecl { func, place, ty }).map_err(build_error(parser, at))
}

/// The class of registers that hold it.
pub(super) const fn class_of_linear(linear: &LinearRef) -> ValueType {
    match linear {
        LinearRef::Chan(_) | LinearRef::Handle(_) => ValueType::Chan,
        LinearRef::Evidence(_) => ValueType::Evidence,
    }
}

/// Makes tables of all declarations, and reports what they name that is not there.
pub(super) fn resolve(env: &mut Env<'_, '_>, sink: &mut Sink) {
    for Unresolved { at, place, error } in env.builder.resolve_sessions() {
        let (tokens, index) = match at {
            DeclAt::Program => (&env.places.locals, 0),
            DeclAt::Local(index) => (&env.places.locals, index),
            DeclAt::Shape(index) => (&env.places.shapes, index),
            DeclAt::Linear(index) => (&env.places.linear, index),
        };
        let start = Token { tok: Tok::Eof, start: 0, end: 0 };
        let mut token = tokens.get(index).copied().unwrap_or(start);
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

impl<'s> Parser<'s> {
    /// Whether the type of an endpoint or of evidence stands here; `chan` alone is a class.
    pub(super) fn is_linear(&self) -> bool {
        self.is(Tok::Word)
            && matches!(self.here(), "chan" | "handle" | "evidence")
            && self.second().tok == Tok::Punct(b'(')
    }

    /// `chan(Shop, Client)`, `handle(Shop, Client, Waiting)`, `chan(Shop, Client, ?Server{val(str). end})`,
    /// `evidence(auth)`.
    pub(super) fn linear(&mut self, env: &Env<'s, '_>) -> Parse<LinearRef> {
        let word = self.bump();
        self.expect_punct(b'(')?;
        self.skip_newlines();
        if self.text(word) == "evidence" {
            let layer = env.guard_layer(self)?;
            self.skip_newlines();
            self.expect_punct(b')')?;
            return Ok(LinearRef::Evidence(layer));
        }
        let shape = env.session_shape(self)?;
        self.separator()?;
        let role = if self.is(Tok::Number) {
            RoleRef::Place(self.unsigned(u64::from(u16::MAX), "the place of a role")? as u16)
        } else {
            RoleRef::Name(Name::new(&self.real_name("a role or a local type")?))
        };
        self.skip_newlines();
        let at = if self.is_punct(b',') {
            self.separator()?;
            let state = self.state_ref()?;
            self.skip_newlines();
            ChanAt::Role(role, Some(state))
        } else {
            match role {
                RoleRef::Name(name) => ChanAt::Either(name),
                RoleRef::Place(_) => ChanAt::Role(role, None),
            }
        };
        self.expect_punct(b')')?;
        let chan = ChanRef { shape, at };
        Ok(if self.text(word) == "handle" { LinearRef::Handle(chan) } else { LinearRef::Chan(chan) })
    }

    fn separator(&mut self) -> Parse<()> {
        self.skip_newlines();
        self.expect_punct(b',')?;
        self.skip_newlines();
        Ok(())
    }

    /// A state: the name of a local type, a local type, or `#index`.
    fn state_ref(&mut self) -> Parse<StateRef> {
        if let Some(index) = self.index(b'#', "a state index")? {
            return Ok(StateRef::Index(StateId(index)));
        }
        let is_name = self.is(Tok::Word) && !matches!(self.here(), "end" | "mu") || self.is(Tok::Str);
        if is_name {
            return Ok(StateRef::Local(Name::new(&self.real_name("a local type")?)));
        }
        self.local_type().map(StateRef::Type)
    }

    /// An edge behind its word: `Client -> Server capacity 4 policy resize max 16`.
    fn edge(&mut self) -> Parse<EdgeDecl> {
        let from = self.edge_end()?;
        if !self.eat(Tok::Arrow) {
            return Err(self.expected("`->`"));
        }
        let to = self.edge_end()?;
        let (mut capacity, mut policy, mut max) = (None, EdgePolicy::Block, None);
        loop {
            if self.eat_word("capacity") {
                capacity = Some(self.u32("a number of messages")?);
            } else if self.eat_word("policy") {
                let word = if self.is(Tok::Word) { self.here() } else { "" };
                let known = EdgePolicy::ALL.into_iter().find(|policy| policy.name() == word);
                let names = || EdgePolicy::ALL.map(EdgePolicy::name).join(", ");
                policy = known
                    .ok_or_else(|| self.expected("a policy").hint(format!("policies are {}", names())))?;
                self.bump();
            } else if self.is_word("max") && policy == EdgePolicy::Resize {
                self.bump();
                max = Some(self.u32("a number of messages")?);
            } else if self.is_word("max") {
                let message = "an edge that does not grow has no `max`".into();
                let diag = self.error(AsmErrorKind::Unexpected, message);
                return Err(diag.hint("write `policy resize` in front of it"));
            } else {
                break;
            }
        }
        if policy == EdgePolicy::Resize && max.is_none() {
            return Err(self.expected("`max` and how far the edge grows"));
        }
        let capacity = capacity.unwrap_or(default_capacity(policy));
        Ok(EdgeDecl { from, to, policy, capacity, max: max.unwrap_or(capacity) })
    }

    fn edge_end(&mut self) -> Parse<RoleRef> {
        if self.is(Tok::Number) {
            return Ok(RoleRef::Place(self.unsigned(u64::from(u16::MAX), "the place of a role")? as u16));
        }
        Ok(RoleRef::Name(Name::new(&self.real_name("a role")?)))
    }

    /// Takes one of these words if it stands here or at the start of the next line with something on it.
    fn continued(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let mut ahead = *self;
        ahead.skip_newlines();
        let word = words.iter().copied().find(|word| ahead.eat_word(word))?;
        *self = ahead;
        Some(word)
    }

    /// Items in braces, over any number of lines.
    fn in_braces(&mut self, mut item: impl FnMut(&mut Self) -> Parse<()>) -> Parse<()> {
        self.expect_punct(b'{')?;
        self.skip_newlines();
        while !self.eat_punct(b'}') {
            item(self)?;
            self.skip_newlines();
            if self.eat_punct(b',') {
                self.skip_newlines();
            } else if !self.is_punct(b'}') {
                return Err(self.expected("`,` or `}`"));
            }
        }
        Ok(())
    }

    /// A number behind a mark.
    fn marked(&mut self, mark: u8, what: &str) -> Parse<u32> {
        self.index(mark, what)?.ok_or_else(|| self.expected(what))
    }

    fn number16(&mut self, mark: u8, what: &str) -> Parse<u16> {
        if !self.eat_punct(mark) {
            return Err(self.expected(what));
        }
        Ok(self.unsigned(u64::from(u16::MAX), what)? as u16)
    }

    /// A local type, which is well-formed.
    fn local_type(&mut self) -> Parse<LocalType> {
        let at = self.token();
        let (ty, end) = LocalType::parse_at(self.source(), at.start).map_err(|e| self.type_error(at, &e))?;
        ty.check().map_err(|errors| self.protocol_error(at, &errors))?;
        *self = Self::new(self.source(), end);
        Ok(ty)
    }

    /// A global type, which is well-formed.
    fn global_type(&mut self) -> Parse<GlobalType> {
        let at = self.token();
        let (ty, end) = GlobalType::parse_at(self.source(), at.start).map_err(|e| self.type_error(at, &e))?;
        ty.check().map_err(|errors| self.protocol_error(at, &errors))?;
        *self = Self::new(self.source(), end);
        Ok(ty)
    }

    /// Passes over a type that stands here. Says whether one does.
    pub(super) fn skip_type(&mut self, global: bool) -> bool {
        let at = self.token().start;
        let end = if global {
            GlobalType::parse_at(self.source(), at).map(|(_, end)| end)
        } else {
            LocalType::parse_at(self.source(), at).map(|(_, end)| end)
        };
        if let Ok(end) = end {
            *self = Self::new(self.source(), end);
        }
        end.is_ok()
    }

    /// The first error of a type that was read from this source.
    pub(super) fn protocol_error(&self, at: Token, errors: &ProtocolErrors) -> Diag {
        match errors.errors().first() {
            Some(error) => self.type_error(at, error),
            None => self.error_at(at, AsmErrorKind::BadProtocol, "the type is not well-formed".into()),
        }
    }

    fn type_error(&self, at: Token, error: &ProtocolError) -> Diag {
        let mut token = at;
        if let Some(place) = error.place {
            let start = place.offset as usize;
            token = Token { start, end: start.saturating_add(place.length as usize), ..at };
        }
        let message = format!("{}: {}", error.code(), clip_long(&error.message));
        self.error_at(token, AsmErrorKind::BadProtocol, message).hint(error.hint.clone())
    }
}

/// A message that quotes what it is about, within bounds.
fn clip_long(message: &str) -> Cow<'_, str> {
    const MAX: usize = 400;
    match message.char_indices().nth(MAX) {
        None => Cow::Borrowed(message),
        Some((end, _)) => Cow::Owned(format!("{}..", message.get(..end).unwrap_or(""))),
    }
}
