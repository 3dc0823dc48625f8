//! Events as JSON, one object a line, for other programs.
//!
//! The schema is stable: fields may be added, and readers should ignore those they do not know; none changes or goes.
//! Every line has `tick` (a number) and `event` (the name of the [`EventKind`](super::EventKind)). What follows, in this order:
//!
//! | event | fields |
//! |---|---|
//! | `opened` | `session`, `shape`, `roles` (a list of names, by place; left out where the shape is not known) |
//! | `sent`, `received`, `offered`, `chose` | `session`, `from`, `to`, `label` |
//! | `closed` | `session` |
//! | `terminal` | `session`, `how` (`"closed"`, `"faulted"`, `"aborted"`) |
//! | `epoch` | `session`, `epoch` |
//! | `halted`, `joined`, `aborted`, `woken` | `coro` |
//! | `invoked` | `coro`, `effect` |
//! | `acquired`, `released` | `coro`, `layer` |
//! | `transferred` | `session`, `role`, `from`, `to` (both coroutines), `bundle_hash` (16 hexadecimal digits, a text) |
//! | `forked` | `coro`, `ghost` |
//! | `tagged` | `coro`, `session`, `role`, `fact` |
//! | `checked` | `coro`, `session`, `role`, `target`, `permitted` |
//! | `failed` | `coro`, `trap` (the name of the code), `code` (its number) |
//! | `spawned` | `parent` (left out where the host spawned), `child`, `func` |
//!
//! Sessions and coroutines are numbers. Where a number is used again, the field is followed by one with `_generation`
//! behind its name, which says for how many times: `"session":0,"session_generation":1`. Shapes, roles, labels, effects,
//! layers and functions are texts where they have a name, else their number. `tick` and `ghost` are 64-bit numbers.

use super::event::{Event, Stamped};
use super::names::{Names, Shown};
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::ids::ShapeId;
use crate::text::is_hidden;
use core::fmt;

/// An event as one JSON object; see [`Stamped::json`].
#[derive(Clone, Copy, Debug)]
pub struct EventJson<'a> {
    stamped: &'a Stamped,
    names: &'a Names<'a>,
}

impl Stamped {
    /// Tick and event as one JSON object without a line break. The schema is that of the
    /// [module `json`](super::json).
    #[must_use]
    pub const fn json<'a>(&'a self, names: &'a Names<'a>) -> EventJson<'a> {
        EventJson { stamped: self, names }
    }
}

impl fmt::Display for EventJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = &self.stamped.event;
        write!(f, "{{\"tick\":{},\"event\":\"{}\"", self.stamped.tick, event.kind().name())?;
        self.fields(f, event)?;
        f.write_str("}")
    }
}

impl EventJson<'_> {
    fn fields(&self, f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
        let names = self.names;
        match event {
            Event::Opened { session: id, shape } => {
                session(f, *id)?;
                named(f, "shape", names.show_shape(*shape))?;
                self.roles(f, *shape)
            }
            Event::Sent { session: id, from, to, label }
            | Event::Received { session: id, from, to, label }
            | Event::Offered { session: id, from, to, label }
            | Event::Chose { session: id, from, to, label } => {
                session(f, *id)?;
                named(f, "from", names.show_role(*id, *from))?;
                named(f, "to", names.show_role(*id, *to))?;
                named(f, "label", names.show_label(*label))
            }
            Event::Closed { session: id } => session(f, *id),
            Event::Terminal { session: id, how } => {
                session(f, *id)?;
                write!(f, ",\"how\":\"{}\"", how.name())
            }
            Event::Epoch { session: id, epoch } => {
                session(f, *id)?;
                write!(f, ",\"epoch\":{epoch}")
            }
            Event::Transferred { endpoint, from, to, bundle_hash } => {
                self.endpoint(f, *endpoint)?;
                coroutine(f, "from", *from)?;
                coroutine(f, "to", *to)?;
                write!(f, ",\"bundle_hash\":\"{bundle_hash:016x}\"")
            }
            Event::Spawned { parent, child, func } => {
                if let Some(parent) = parent {
                    coroutine(f, "parent", *parent)?;
                }
                coroutine(f, "child", *child)?;
                named(f, "func", names.show_func(*func))
            }
            Event::Halted { coro }
            | Event::Joined { coro }
            | Event::Aborted { coro }
            | Event::Woken { coro }
            | Event::Invoked { coro, .. }
            | Event::Acquired { coro, .. }
            | Event::Released { coro, .. }
            | Event::Forked { coro, .. }
            | Event::Tagged { coro, .. }
            | Event::Checked { coro, .. }
            | Event::Failed { coro, .. } => {
                coroutine(f, "coro", *coro)?;
                self.rest(f, event)
            }
        }
    }

    /// What an event of one coroutine says beside who it was.
    fn rest(&self, f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
        match event {
            Event::Invoked { effect, .. } => named(f, "effect", self.names.show_effect(*effect)),
            Event::Acquired { layer, .. } | Event::Released { layer, .. } => {
                named(f, "layer", self.names.show_layer(*layer))
            }
            Event::Forked { ghost, .. } => write!(f, ",\"ghost\":{ghost}"),
            Event::Tagged { endpoint, fact, .. } => {
                self.endpoint(f, *endpoint)?;
                write!(f, ",\"fact\":{}", Text(fact))
            }
            Event::Checked { endpoint, target, permitted, .. } => {
                self.endpoint(f, *endpoint)?;
                write!(f, ",\"target\":{},\"permitted\":{permitted}", Text(target))
            }
            Event::Failed { trap, .. } => {
                write!(f, ",\"trap\":{},\"code\":{}", Text(trap.name()), trap.code())
            }
            _ => Ok(()),
        }
    }

    fn roles(&self, f: &mut fmt::Formatter<'_>, shape: ShapeId) -> fmt::Result {
        let roles = self.names.show_roles(shape);
        if roles.len() == 0 {
            return Ok(());
        }
        for (place, role) in roles.enumerate() {
            f.write_str(if place == 0 { ",\"roles\":[" } else { "," })?;
            value(f, role)?;
        }
        f.write_str("]")
    }

    fn endpoint(&self, f: &mut fmt::Formatter<'_>, endpoint: EndpointId) -> fmt::Result {
        session(f, endpoint.session_id())?;
        named(f, "role", self.names.show_end(endpoint))
    }
}

fn session(f: &mut fmt::Formatter<'_>, id: SessionId) -> fmt::Result {
    numbered(f, "session", id.index, id.generation.into())
}

fn coroutine(f: &mut fmt::Formatter<'_>, key: &str, id: CoroId) -> fmt::Result {
    numbered(f, key, id.index, id.generation)
}

fn numbered(f: &mut fmt::Formatter<'_>, key: &str, index: u32, generation: u32) -> fmt::Result {
    write!(f, ",\"{key}\":{index}")?;
    if generation != 0 {
        write!(f, ",\"{key}_generation\":{generation}")?;
    }
    Ok(())
}

fn named(f: &mut fmt::Formatter<'_>, key: &str, shown: Shown<'_>) -> fmt::Result {
    write!(f, ",\"{key}\":")?;
    value(f, shown)
}

fn value(f: &mut fmt::Formatter<'_>, shown: Shown<'_>) -> fmt::Result {
    match shown.name {
        Some(name) => write!(f, "{}", Text(name)),
        None => write!(f, "{}", shown.number),
    }
}

/// A text as a JSON string. Characters that are hidden on a terminal are escaped, too.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut plain = 0;
        for (at, c) in self.0.char_indices() {
            if c != '"' && c != '\\' && !is_hidden(c) {
                continue;
            }
            f.write_str(self.0.get(plain..at).unwrap_or(""))?;
            plain = at + c.len_utf8();
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                _ => {
                    // Past the first 65,536 characters, JSON wants the two halves of UTF-16.
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(f, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        write!(f, "{}\"", self.0.get(plain..).unwrap_or(""))
    }
}

/// Events as JSON lines, each with its line break; the schema is that of the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct JsonLines<'a> {
    /// The events.
    pub events: &'a [Stamped],
    /// Their names.
    pub names: &'a Names<'a>,
}

impl fmt::Display for JsonLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.iter().try_for_each(|stamped| writeln!(f, "{}", stamped.json(self.names)))
    }
}
