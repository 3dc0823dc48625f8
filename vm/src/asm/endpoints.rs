//! Types of endpoints and evidence, local and global types in text, and what shapes are made of.

use super::env::Env;
use super::error::{AsmErrorKind, Diag};
use super::lexer::{Tok, Token};
use super::parser::{Parse, Parser};
use crate::builder::{ChanAt, ChanRef, EdgeDecl, LinearRef, RoleRef, StateRef, default_capacity};
use crate::program::EdgePolicy;
use crate::protocol::{GlobalType, LocalType, Name, ProtocolError, ProtocolErrors, StateId};
use crate::value_type::ValueType;
use alloc::borrow::Cow;
use alloc::format;

/// The class of registers that hold it.
pub(super) const fn class_of_linear(linear: &LinearRef) -> ValueType {
    match linear {
        LinearRef::Chan(_) | LinearRef::Handle(_) => ValueType::Chan,
        LinearRef::Evidence(_) => ValueType::Evidence,
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
    pub(super) fn state_ref(&mut self) -> Parse<StateRef> {
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
    pub(super) fn edge(&mut self) -> Parse<EdgeDecl> {
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
    pub(super) fn continued(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let mut ahead = *self;
        ahead.skip_newlines();
        let word = words.iter().copied().find(|word| ahead.eat_word(word))?;
        *self = ahead;
        Some(word)
    }

    /// Items in braces, over any number of lines.
    pub(super) fn in_braces(&mut self, mut item: impl FnMut(&mut Self) -> Parse<()>) -> Parse<()> {
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
    pub(super) fn marked(&mut self, mark: u8, what: &str) -> Parse<u32> {
        self.index(mark, what)?.ok_or_else(|| self.expected(what))
    }

    pub(super) fn number16(&mut self, mark: u8, what: &str) -> Parse<u16> {
        if !self.eat_punct(mark) {
            return Err(self.expected(what));
        }
        Ok(self.unsigned(u64::from(u16::MAX), what)? as u16)
    }

    /// A local type, which is well-formed.
    pub(super) fn local_type(&mut self) -> Parse<LocalType> {
        let at = self.token();
        let (ty, end) = LocalType::parse_at(self.source(), at.start).map_err(|e| self.type_error(at, &e))?;
        ty.check().map_err(|errors| self.protocol_error(at, &errors))?;
        *self = Self::new(self.source(), end);
        Ok(ty)
    }

    /// A global type, which is well-formed.
    pub(super) fn global_type(&mut self) -> Parse<GlobalType> {
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
