//! Local types as minimal tables of states.

use alloc::vec::Vec;

use super::error::{ProtocolError, ProtocolErrors};
use super::graph::Graph;
use super::readback::{self, States};
use super::{LocalType, MAX_NODES, Name, Payload};

/// A state of an [`Automaton`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateId(pub u32);

/// A role of an [`Automaton`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleId(pub u16);

/// A label of an [`Automaton`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelId(pub u16);

/// A payload of an [`Automaton`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadId(pub u16);

/// What is done in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateKind {
    /// Nothing more.
    End,
    /// One of the branches is sent to the partner.
    Send(RoleId),
    /// One of the branches is received from the partner.
    Recv(RoleId),
}

impl StateKind {
    /// The role at the other end; `None` at the end.
    #[must_use]
    pub const fn partner(self) -> Option<RoleId> {
        match self {
            Self::End => None,
            Self::Send(role) | Self::Recv(role) => Some(role),
        }
    }
}

/// A state: what is done in it, and a range of branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What is done.
    pub kind: StateKind,
    /// Where its branches begin among all branches.
    pub first: u32,
    /// How many there are; 0 at the end, else at least 1.
    pub len: u16,
}

/// A branch of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateBranch {
    /// The label.
    pub label: LabelId,
    /// What the message carries beside its label.
    pub payload: PayloadId,
    /// The state after it.
    pub next: StateId,
}

/// Local types as tables: a state for each thing that is left to be done, without two for the same.
///
/// Types that are equal up to unfolding, names of variables and order of branches have equal tables, and parts of
/// types that are so equal share a state. Names of roles and labels, and payloads, are sorted; so are the branches of
/// a state, by label. States are numbered in the order in which they are met from the first entry on, breadth first
/// along the branches, then from the second, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automaton {
    pub(super) roles: Vec<Name>,
    pub(super) labels: Vec<Name>,
    pub(super) payloads: Vec<Payload>,
    pub(super) states: Vec<State>,
    pub(super) branches: Vec<StateBranch>,
    pub(super) entries: Vec<StateId>,
}

impl Automaton {
    /// The tables of types, with one entry for each of them.
    ///
    /// Takes time proportional to `n log n` of their size.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the first type that is not well-formed ([`LocalType::check`]);
    /// [`ProtocolErrorKind::TooLarge`](super::ProtocolErrorKind::TooLarge) if there are more than 2^16 - 1 roles, labels, payloads or branches of a
    /// state, or more than 2^32 - 1 states or branches.
    pub fn new(types: &[&LocalType]) -> Result<Self, ProtocolErrors> {
        for ty in types {
            ty.check()?;
        }
        Ok(Graph::new(types)?.minimal()?)
    }

    /// The roles that are talked to, sorted.
    #[must_use]
    pub fn roles(&self) -> &[Name] {
        &self.roles
    }

    /// The labels, sorted.
    #[must_use]
    pub fn labels(&self) -> &[Name] {
        &self.labels
    }

    /// The payloads, sorted.
    #[must_use]
    pub fn payloads(&self) -> &[Payload] {
        &self.payloads
    }

    /// The states, by id.
    #[must_use]
    pub fn states(&self) -> &[State] {
        &self.states
    }

    /// The branches of all states.
    #[must_use]
    pub fn branches(&self) -> &[StateBranch] {
        &self.branches
    }

    /// The state that each type begins with, in the order in which the types were given.
    #[must_use]
    pub fn entries(&self) -> &[StateId] {
        &self.entries
    }

    /// What is done in a state; [`StateKind::End`] for ids that are none.
    #[must_use]
    pub fn kind(&self, state: StateId) -> StateKind {
        self.state(state).map_or(StateKind::End, |state| state.kind)
    }

    /// The branches of a state, sorted by label; none for ids that are none.
    #[must_use]
    pub fn branches_of(&self, state: StateId) -> &[StateBranch] {
        let range = |state: &State| {
            let first = usize::try_from(state.first).ok()?;
            self.branches.get(first..first.checked_add(usize::from(state.len))?)
        };
        self.state(state).and_then(range).unwrap_or(&[])
    }

    /// The branch of a state with this label.
    #[must_use]
    pub fn branch(&self, state: StateId, label: LabelId) -> Option<&StateBranch> {
        let branches = self.branches_of(state);
        branches.binary_search_by_key(&label, |branch| branch.label).ok().and_then(|i| branches.get(i))
    }

    fn state(&self, id: StateId) -> Option<&State> {
        self.states.get(usize::try_from(id.0).ok()?)
    }

    /// The local type that begins in a state, for showing: `end` for ids that are none. Loops have the variables
    /// `x0`, `x1`, and so on, by their state.
    ///
    /// # Errors
    ///
    /// [`ProtocolErrorKind::TooLarge`](super::ProtocolErrorKind::TooLarge) if the type has more than [`MAX_NODES`] nodes. What states share stands in a
    /// type once for each way to it, so that can be with few states.
    pub fn local_type(&self, entry: StateId) -> Result<LocalType, ProtocolError> {
        readback::local_type(self, entry, MAX_NODES)
    }
}

impl States for Automaton {
    fn kind(&self, state: StateId) -> StateKind {
        Self::kind(self, state)
    }

    fn branches(&self, state: StateId) -> &[StateBranch] {
        self.branches_of(state)
    }

    fn role(&self, role: RoleId) -> Option<Name> {
        self.roles.get(usize::from(role.0)).cloned()
    }

    fn label(&self, label: LabelId) -> Option<Name> {
        self.labels.get(usize::from(label.0)).cloned()
    }

    fn payload(&self, payload: PayloadId) -> Option<Payload> {
        self.payloads.get(usize::from(payload.0)).cloned()
    }
}
