//! Local types compared with the projections of a global type.

use super::{CoherenceLimits, Incoherence, IncoherenceKind};
use crate::ids::ShapeId;
use crate::program::{ChanType, PayloadDef, Program, SessionTables};
use crate::protocol::{
    Automaton, GlobalType, LocalType, MergeMode, Name, Payload, PayloadId, StateId, StateKind,
};
use crate::verify::session::text::Texts;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Checks that the roles of a shape are the projections of the global type with this text.
pub(super) fn check(
    program: &Program,
    shape: ShapeId,
    text: &str,
    limits: &CoherenceLimits,
) -> Result<(), Incoherence> {
    let tables = program.sessions();
    let roles = tables.roles_of(shape);
    // Parsing and projecting to one role is about a hundred steps a byte.
    let work = (text.len() as u64).saturating_mul(100).saturating_mul(roles.len() as u64 + 1);
    if work > limits.work {
        let text = String::from("the global type is too long to be looked at within the limits");
        return Err(Incoherence::new(shape, IncoherenceKind::Limit, text));
    }
    let wrong = |kind, text: String| Incoherence::new(shape, kind, text);
    let global: GlobalType = text
        .parse()
        .map_err(|error| wrong(IncoherenceKind::Global, format!("the global type is none: {error}")))?;
    let names: Vec<&str> = roles.iter().map(|role| name(program, tables, role.role.0)).collect();
    if let Some(role) = global.roles().iter().find(|role| !names.iter().any(|name| *name == role.as_str())) {
        let text = format!("the shape has no role {role}, which the global type has");
        return Err(wrong(IncoherenceKind::Projection, text));
    }
    let mut types: Vec<LocalType> = Vec::with_capacity(names.len());
    for name in &names {
        let ty = global.project(name, MergeMode::Full);
        types.push(ty.map_err(|error| wrong(IncoherenceKind::Projection, error.to_string()))?);
    }
    let automaton = Automaton::new(&types.iter().collect::<Vec<_>>())
        .map_err(|error| wrong(IncoherenceKind::Projection, error.to_string()))?;
    for ((place, role), &entry) in (0u16..).zip(roles).zip(automaton.entries()) {
        let pair = Pair { program, tables, automaton: &automaton };
        if let Some((ours, theirs)) = pair.first_difference(role.entry, entry) {
            let texts = Texts::new(program);
            let said = automaton.local_type(theirs).map_or(String::new(), |ty| Texts::clip(&ty));
            let (role, does) = (texts.role(shape, place), texts.state(ours));
            let text = format!("{role} does {does} where the global type says {said}");
            return Err(wrong(IncoherenceKind::Differs { role: place }, text));
        }
    }
    Ok(())
}

/// The name of a role.
fn name<'p>(program: &'p Program, tables: &SessionTables, role: u16) -> &'p str {
    tables.roles.get(usize::from(role)).and_then(|&name| program.symbol(name)).unwrap_or("")
}

/// The tables of a program beside those of the projections.
#[derive(Debug)]
struct Pair<'a> {
    program: &'a Program,
    tables: &'a SessionTables,
    automaton: &'a Automaton,
}

impl Pair<'_> {
    /// The first state on the ways from `ours` that does something else than its counterpart on those from `theirs`,
    /// and that.
    ///
    /// The projections' tables are minimal, so a state that would have two counterparts differs from one of them.
    fn first_difference(&self, ours: StateId, theirs: StateId) -> Option<(StateId, StateId)> {
        let mut counterparts: BTreeMap<StateId, StateId> = BTreeMap::from([(ours, theirs)]);
        let mut steps = vec![(ours, theirs)];
        while let Some((ours, theirs)) = steps.pop() {
            if !self.same_kind(self.tables.kind(ours), self.automaton.kind(theirs)) {
                return Some((ours, theirs));
            }
            let (mine, other) = (self.tables.branches_of(ours), self.automaton.branches_of(theirs));
            if mine.len() != other.len() {
                return Some((ours, theirs));
            }
            for branch in mine {
                let label = self.tables.labels.get(usize::from(branch.label.0));
                let label = label.and_then(|&label| self.program.symbol(label)).unwrap_or("");
                let found = other.iter().find(|other| self.label(other.label.0) == label);
                let found = found.filter(|other| {
                    let payload = self.automaton.payloads().get(usize::from(other.payload.0));
                    payload.is_some_and(|payload| self.same_payload(branch.payload, payload))
                });
                let Some(other) = found else { return Some((ours, theirs)) };
                match counterparts.insert(branch.next, other.next) {
                    None => steps.push((branch.next, other.next)),
                    Some(before) if before != other.next => return Some((ours, theirs)),
                    Some(_) => {}
                }
            }
        }
        None
    }

    fn label(&self, label: u16) -> &str {
        self.automaton.labels().get(usize::from(label)).map_or("", Name::as_str)
    }

    fn same_kind(&self, ours: StateKind, theirs: StateKind) -> bool {
        let same = |a: crate::protocol::RoleId, b: crate::protocol::RoleId| {
            let theirs = self.automaton.roles().get(usize::from(b.0)).map_or("", Name::as_str);
            name(self.program, self.tables, a.0) == theirs
        };
        match (ours, theirs) {
            (StateKind::End, StateKind::End) => true,
            (StateKind::Send(a), StateKind::Send(b)) | (StateKind::Recv(a), StateKind::Recv(b)) => same(a, b),
            _ => false,
        }
    }

    /// Whether a payload is what its text says. Payloads in text are bounded, and so is this.
    fn same_payload(&self, ours: PayloadId, theirs: &Payload) -> bool {
        match (self.tables.payload(ours), theirs) {
            (Some(PayloadDef::Value(a)), Payload::Value(b)) => a == b,
            (Some(PayloadDef::Tuple(a)), Payload::Tuple(b)) => {
                a.len() == b.elements().len()
                    && a.iter().zip(b.elements()).all(|(&a, b)| self.same_payload(a, b))
            }
            (Some(PayloadDef::Chan(chan)), Payload::Chan { of, state }) => self.names(*chan, of, state),
            _ => false,
        }
    }

    /// Whether an endpoint is what it is called: by its shape, and by its role at the start, or by a local type.
    fn names(&self, chan: ChanType, of: &str, state: &str) -> bool {
        let shape = self.tables.shape(chan.shape).and_then(|shape| self.program.symbol(shape.name));
        let role = self.tables.roles_of(chan.shape).get(usize::from(chan.role));
        let begins = role.is_some_and(|role| {
            role.entry == chan.state && name(self.program, self.tables, role.role.0) == state
        });
        let local = || {
            let named = |name| self.program.symbol(name) == Some(state);
            self.tables.locals.iter().any(|local| local.entry == chan.state && named(local.name))
        };
        shape == Some(of) && (begins || local())
    }
}
