//! Names for what events hold as numbers, and events as lines for people.

use super::event::{Event, Stamped};
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::ids::{EffectId, FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{Program, SessionTables};
use crate::protocol::LabelId;
use crate::text::{NameText, Quoted};
use alloc::collections::BTreeMap;
use core::fmt;

/// Roles of a session that its first line lists.
const MAX_LISTED: usize = 8;

/// What the numbers in events are called: the names of a program, and which session has which shape.
///
/// What has no name is shown by its number.
#[derive(Clone, Debug, Default)]
pub struct Names<'p> {
    program: Option<&'p Program>,
    sessions: BTreeMap<SessionId, ShapeId>,
    coros: BTreeMap<CoroId, FuncId>,
}

impl<'p> Names<'p> {
    /// No names at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { program: None, sessions: BTreeMap::new(), coros: BTreeMap::new() }
    }

    /// The names of a program. Roles stay numbers until the shapes of sessions are known.
    #[must_use]
    pub fn new(program: &'p Program) -> Self {
        Self { program: Some(program), ..Self::none() }
    }

    /// The names of a program, for a run of which these are the events.
    #[must_use]
    pub fn of(program: &'p Program, events: &[Stamped]) -> Self {
        let mut names = Self::new(program);
        names.learn(events);
        names
    }

    /// Takes the shapes of sessions from `Opened` events, and what coroutines run from `Spawned` ones.
    pub fn learn(&mut self, events: &[Stamped]) {
        for stamped in events {
            match stamped.event {
                Event::Opened { session, shape } => self.session(session, shape),
                Event::Spawned { child, func, .. } => self.coroutine(child, func),
                _ => {}
            }
        }
    }

    /// Says what shape a session has, where its `Opened` event is not there any more.
    pub fn session(&mut self, session: SessionId, shape: ShapeId) {
        self.sessions.insert(session, shape);
    }

    /// Says what function a coroutine began with.
    pub fn coroutine(&mut self, coro: CoroId, func: FuncId) {
        self.coros.insert(coro, func);
    }

    /// The shape of a session.
    #[must_use]
    pub fn shape_of(&self, session: SessionId) -> Option<ShapeId> {
        self.sessions.get(&session).copied()
    }

    /// The program's session tables.
    #[must_use]
    pub fn tables(&self) -> Option<&'p SessionTables> {
        self.program.map(Program::sessions)
    }

    /// The name of a shape.
    #[must_use]
    pub fn shape(&self, id: ShapeId) -> Option<&'p str> {
        self.symbol(self.tables()?.shape(id)?.name)
    }

    /// The name of the role at a place of a session's shape.
    #[must_use]
    pub fn role(&self, session: SessionId, role: u16) -> Option<&'p str> {
        self.shape_role(self.shape_of(session)?, role)
    }

    /// The name of the role at a place of a shape.
    #[must_use]
    pub fn shape_role(&self, shape: ShapeId, role: u16) -> Option<&'p str> {
        let tables = self.tables()?;
        let role = tables.roles_of(shape).get(usize::from(role))?.role;
        self.symbol(*tables.roles.get(usize::from(role.0))?)
    }

    /// The name of a label.
    #[must_use]
    pub fn label(&self, id: LabelId) -> Option<&'p str> {
        self.symbol(*self.tables()?.labels.get(usize::from(id.0))?)
    }

    /// The name of an effect.
    #[must_use]
    pub fn effect(&self, id: EffectId) -> Option<&'p str> {
        self.symbol(self.tables()?.effects.get(id.index())?.name)
    }

    /// The name of a guard layer.
    #[must_use]
    pub fn layer(&self, id: LayerId) -> Option<&'p str> {
        self.symbol(self.tables()?.layers.get(id.index())?.name)
    }

    /// The name of a function.
    #[must_use]
    pub fn func(&self, id: FuncId) -> Option<&'p str> {
        self.program?.func_name(id).filter(|name| !name.is_empty())
    }

    /// The name of the function that a coroutine began with.
    #[must_use]
    pub fn coro_func(&self, id: CoroId) -> Option<&'p str> {
        self.func(*self.coros.get(&id)?)
    }

    /// A symbol's text; the empty one is no name.
    fn symbol(&self, id: SymbolId) -> Option<&'p str> {
        self.program?.symbol(id).filter(|name| !name.is_empty())
    }

    pub(super) fn show_role(&self, session: SessionId, role: u16) -> Shown<'p> {
        Shown { name: self.role(session, role), what: "role", number: role.into() }
    }

    /// The roles of a shape, in order; none where the shape is not known.
    pub(super) fn show_roles(
        &self,
        shape: ShapeId,
    ) -> impl ExactSizeIterator<Item = Shown<'p>> + use<'p, '_> {
        let count = self.tables().map_or(0, |tables| tables.roles_of(shape).len());
        (0..count).map(move |place| Shown {
            name: self.shape_role(shape, place as u16),
            what: "role",
            number: place as u32,
        })
    }

    pub(super) fn show_end(&self, endpoint: EndpointId) -> Shown<'p> {
        self.show_role(endpoint.session_id(), endpoint.role)
    }

    pub(super) fn show_label(&self, id: LabelId) -> Shown<'p> {
        Shown { name: self.label(id), what: "label", number: id.0.into() }
    }

    pub(super) fn show_shape(&self, id: ShapeId) -> Shown<'p> {
        Shown { name: self.shape(id), what: "shape", number: id.0 }
    }

    pub(super) fn show_effect(&self, id: EffectId) -> Shown<'p> {
        Shown { name: self.effect(id), what: "effect", number: id.0 }
    }

    pub(super) fn show_layer(&self, id: LayerId) -> Shown<'p> {
        Shown { name: self.layer(id), what: "layer", number: id.0 }
    }

    pub(super) fn show_func(&self, id: FuncId) -> Shown<'p> {
        Shown { name: self.func(id), what: "func", number: id.0 }
    }

    pub(super) fn show_coro(&self, coro: CoroId) -> ShownCoro<'p> {
        ShownCoro { coro, func: self.coro_func(coro) }
    }
}

/// A name, or what it would be the name of and its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'p> {
    pub(super) name: Option<&'p str>,
    what: &'static str,
    pub(super) number: u32,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{}", NameText(name)),
            None => write!(f, "{} {}", self.what, self.number),
        }
    }
}

/// A coroutine with the name of its function, where that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShownCoro<'p> {
    coro: CoroId,
    func: Option<&'p str>,
}

impl fmt::Display for ShownCoro<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.coro)?;
        match self.func {
            Some(func) => write!(f, " ({})", NameText(func)),
            None => Ok(()),
        }
    }
}

/// A session as `#3`; a later use of the number as `#3.1`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash(pub(super) SessionId);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0.index)?;
        if self.0.generation != 0 {
            write!(f, ".{}", self.0.generation)?;
        }
        Ok(())
    }
}

/// An event as one line; see [`Event::display`].
#[derive(Clone, Copy, Debug)]
pub struct EventText<'a> {
    event: &'a Event,
    names: &'a Names<'a>,
}

impl Event {
    /// The event as one line for people, such as `#3 Client -> Server get`, where `#3` is the session.
    #[must_use]
    pub const fn display<'a>(&'a self, names: &'a Names<'a>) -> EventText<'a> {
        EventText { event: self, names }
    }
}

impl fmt::Display for EventText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names;
        match *self.event {
            Event::Opened { session, shape } => {
                write!(f, "{} opened {}", Hash(session), names.show_shape(shape))?;
                roles(f, names, shape)
            }
            Event::Sent { session, from, to, label } => {
                message(f, names, session, [from, to], ["->", ""], label)
            }
            Event::Received { session, from, to, label } => {
                message(f, names, session, [to, from], ["<-", ""], label)
            }
            Event::Offered { session, from, to, label } => {
                message(f, names, session, [from, to], ["->", "offered "], label)
            }
            Event::Chose { session, from, to, label } => {
                message(f, names, session, [to, from], ["<-", "chose "], label)
            }
            Event::Closed { session } => write!(f, "{} closed", Hash(session)),
            Event::Terminal { session, how } => write!(f, "{} ended: {}", Hash(session), how.name()),
            Event::Epoch { session, epoch } => write!(f, "{} epoch {epoch}", Hash(session)),
            Event::Spawned { parent: None, .. } => write!(f, "the host {}", self.event.action(names)),
            _ => match self.event.coroutine() {
                Some(coro) => write!(f, "{} {}", names.show_coro(coro), self.event.action(names)),
                None => write!(f, "{}", self.event.action(names)),
            },
        }
    }
}

/// What a coroutine did, without who it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Action<'a> {
    event: &'a Event,
    names: &'a Names<'a>,
}

impl Event {
    pub(super) const fn action<'a>(&'a self, names: &'a Names<'a>) -> Action<'a> {
        Action { event: self, names }
    }
}

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names;
        match self.event {
            Event::Halted { .. } => f.write_str("halted"),
            Event::Invoked { effect, .. } => write!(f, "invoked {}", names.show_effect(*effect)),
            Event::Acquired { layer, .. } => write!(f, "acquired {}", names.show_layer(*layer)),
            Event::Released { layer, .. } => write!(f, "released {}", names.show_layer(*layer)),
            Event::Transferred { endpoint, to, bundle_hash, .. } => {
                write!(f, "gave {} to {}", End(names, *endpoint), names.show_coro(*to))?;
                match bundle_hash {
                    0 => Ok(()),
                    hash => write!(f, ", with bundle {hash:016x}"),
                }
            }
            Event::Forked { ghost, .. } => write!(f, "forked, ghost {ghost}"),
            Event::Joined { .. } => f.write_str("joined"),
            Event::Aborted { .. } => f.write_str("aborted"),
            Event::Tagged { endpoint, fact, .. } => {
                write!(f, "tagged {} with {}", End(names, *endpoint), Quoted(fact))
            }
            Event::Checked { endpoint, target, permitted, .. } => {
                let answer = if *permitted { "permitted" } else { "refused" };
                write!(f, "checked {} for {}: {answer}", End(names, *endpoint), NameText(target))
            }
            Event::Failed { trap, .. } => write!(f, "failed: T{:03} {}", trap.code(), trap.name()),
            Event::Spawned { child, func, .. } => write!(f, "spawned {child}, {}", names.show_func(*func)),
            Event::Woken { .. } => f.write_str("woken"),
            // These are of sessions.
            Event::Opened { .. }
            | Event::Sent { .. }
            | Event::Received { .. }
            | Event::Offered { .. }
            | Event::Chose { .. }
            | Event::Closed { .. }
            | Event::Terminal { .. }
            | Event::Epoch { .. } => Ok(()),
        }
    }
}

/// An endpoint as session and role.
struct End<'a>(&'a Names<'a>, EndpointId);

impl fmt::Display for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Hash(self.1.session_id()), self.0.show_end(self.1))
    }
}

/// One line of a message: the role that acted stands first, an arrow between the roles, a word behind them.
fn message(
    f: &mut fmt::Formatter<'_>,
    names: &Names<'_>,
    session: SessionId,
    [actor, partner]: [u16; 2],
    [arrow, word]: [&str; 2],
    label: LabelId,
) -> fmt::Result {
    let [actor, partner] = [actor, partner].map(|role| names.show_role(session, role));
    write!(f, "{} {actor} {arrow} {partner} {word}{}", Hash(session), names.show_label(label))
}

fn roles(f: &mut fmt::Formatter<'_>, names: &Names<'_>, shape: ShapeId) -> fmt::Result {
    let roles = names.show_roles(shape);
    let count = roles.len();
    for (place, role) in roles.take(MAX_LISTED).enumerate() {
        write!(f, "{}{role}", if place == 0 { " (" } else { ", " })?;
    }
    match count {
        0 => Ok(()),
        1..=MAX_LISTED => f.write_str(")"),
        _ => write!(f, ", {} more)", count - MAX_LISTED),
    }
}

/// An event with its tick as one line; see [`Stamped::display`].
#[derive(Clone, Copy, Debug)]
pub struct StampedText<'a> {
    stamped: &'a Stamped,
    names: &'a Names<'a>,
}

impl Stamped {
    /// Tick and event as one line for people, such as `7: #3 Client -> Server get`.
    #[must_use]
    pub const fn display<'a>(&'a self, names: &'a Names<'a>) -> StampedText<'a> {
        StampedText { stamped: self, names }
    }
}

impl fmt::Display for StampedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stamped.tick, self.stamped.event.display(self.names))
    }
}
