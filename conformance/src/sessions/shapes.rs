//! The kinds of sessions in a case, and what is left to be done in each state.

use super::case::Run;
use super::instr::{Instr, Open};
use super::values::Class;
use crate::fields::Result;
use opforge::protocol::{Automaton, LocalType, StateBranch, StateId, StateKind};

/// One end of a session at some place of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    /// The kind of session: a place in [`Shapes`].
    pub(super) shape: usize,
    /// The place of its role there.
    pub(super) role: usize,
    /// What is left to be done.
    pub(super) state: StateId,
}

/// A kind of session: its roles with what they do.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) roles: Vec<(String, LocalType)>,
    /// The first state of each role.
    entries: Vec<StateId>,
}

/// Every kind of session in a case; the first is that of its coroutines.
#[derive(Debug)]
pub(super) struct Shapes {
    pub(super) all: Vec<Shape>,
    automaton: Automaton,
}

impl Shapes {
    pub(super) fn of(run: &Run) -> Result<Self> {
        let protocol = run.roles.iter().map(|role| (role.name.clone(), role.ty.clone())).collect();
        let mut kinds: Vec<Vec<(String, LocalType)>> = vec![protocol];
        for instr in run.roles.iter().flat_map(|role| &role.code) {
            if let Instr::Open(open) = instr {
                let roles = roles_of(open);
                if !kinds.iter().skip(1).any(|known| *known == roles) {
                    kinds.push(roles);
                }
            }
        }
        let types: Vec<&LocalType> = kinds.iter().flatten().map(|(_, ty)| ty).collect();
        let automaton = Automaton::new(&types).map_err(|errors| errors.to_string())?;
        let mut entries = automaton.entries().iter().copied();
        let shape = |(at, roles): (usize, Vec<(String, LocalType)>)| {
            let entries = entries.by_ref().take(roles.len()).collect();
            let name = if at == 0 { "protocol".to_owned() } else { format!("opened{at}") };
            Shape { name, roles, entries }
        };
        let all = kinds.into_iter().enumerate().map(shape).collect();
        Ok(Self { all, automaton })
    }

    /// The kind of session that is opened.
    pub(super) fn opened(&self, open: &Open) -> Option<usize> {
        let roles = roles_of(open);
        (1..self.all.len()).find(|&at| self.all.get(at).is_some_and(|shape| shape.roles == roles))
    }

    /// The end of a role that has done nothing yet.
    pub(super) fn entry(&self, shape: usize, role: usize) -> Option<End> {
        let state = *self.all.get(shape)?.entries.get(role)?;
        Some(End { shape, role, state })
    }

    /// What is left to be done with an end, as a type.
    pub(super) fn left(&self, end: End) -> Result<LocalType> {
        self.automaton.local_type(end.state).map_err(|error| error.to_string())
    }

    /// What a message that is sent carries, and what is left then; the label is the only one if none is named.
    /// `None` if nothing like it can be sent.
    pub(super) fn sent(&self, end: Option<End>, label: Option<&str>) -> Option<(Class, End)> {
        let sends = |kind| matches!(kind, StateKind::Send(_));
        self.message(end.filter(|end| sends(self.automaton.kind(end.state)))?, label)
    }

    /// As [`Shapes::sent`], of a message that is received.
    pub(super) fn received(&self, end: Option<End>, label: Option<&str>) -> Option<(Class, End)> {
        let receives = |kind| matches!(kind, StateKind::Recv(_));
        self.message(end.filter(|end| receives(self.automaton.kind(end.state)))?, label)
    }

    fn message(&self, end: End, label: Option<&str>) -> Option<(Class, End)> {
        let branches = self.automaton.branches_of(end.state);
        let named = |branch: &&StateBranch| {
            let name = self.automaton.labels().get(usize::from(branch.label.0));
            name.is_some_and(|name| Some(name.as_str()) == label)
        };
        let branch = match (label, branches) {
            (Some(_), _) => branches.iter().find(named)?,
            (None, [only]) => only,
            (None, _) => return None,
        };
        let payload = self.automaton.payloads().get(usize::from(branch.payload.0))?;
        Some((Class::of_payload(payload)?, End { state: branch.next, ..end }))
    }
}

fn roles_of(open: &Open) -> Vec<(String, LocalType)> {
    open.roles.iter().map(|(role, ty, _)| (role.clone(), ty.clone())).collect()
}
