//! Local types as minimal tables of states.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::error::{ProtocolError, ProtocolErrorKind, ProtocolErrors};
use super::partition::{Transition, refine};
use super::tree::{Cell, Edge, Tree};
use super::{Direction, LocalAction, LocalType, MAX_NODES, Name, Payload};

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
/// Types that are equal up to unfolding, names of variables and order of branches have equal tables, and parts of types that
/// are so equal share a state. Names of roles and labels, and payloads, are sorted; so are the branches of a state, by label.
/// States are numbered in the order in which they are met from the first entry on, breadth first along the branches, then from
/// the second, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automaton {
    roles: Vec<Name>,
    labels: Vec<Name>,
    payloads: Vec<Payload>,
    states: Vec<State>,
    branches: Vec<StateBranch>,
    entries: Vec<StateId>,
}

impl Automaton {
    /// The tables of types, with one entry for each of them.
    ///
    /// Takes time proportional to `n log n` of their size.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the first type that is not well-formed ([`LocalType::check`]);
    /// [`ProtocolErrorKind::TooLarge`] if there are more than 2^16 - 1 roles, labels, payloads or branches of a state, or more
    /// than 2^32 - 1 states or branches.
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

    /// The local type that begins in a state, for showing: `end` for ids that are none. Loops have the variables `x0`, `x1`,
    /// and so on, by their state.
    ///
    /// # Errors
    ///
    /// [`ProtocolErrorKind::TooLarge`] if the type has more than [`MAX_NODES`] nodes. What states share stands in a type once
    /// for each way to it, so that can be with few states.
    pub fn local_type(&self, entry: StateId) -> Result<LocalType, ProtocolError> {
        let mut tree = Tree::new();
        let mut done: Vec<usize> = Vec::new();
        // For each state that is open around: whether something in it came back to it.
        let mut open: BTreeMap<StateId, bool> = BTreeMap::new();
        let mut steps = vec![(entry, false)];
        while let Some((id, leave)) = steps.pop() {
            if tree.cells.len() + steps.len() > MAX_NODES {
                let message = format!("the type of a state has more than {MAX_NODES} nodes");
                return Err(ProtocolError::new(ProtocolErrorKind::TooLarge, message));
            }
            let var = || Name::new(&format!("x{}", id.0));
            let (direction, role) = match self.kind(id) {
                StateKind::End => {
                    done.push(tree.push(Cell::End, None));
                    continue;
                }
                StateKind::Send(role) => (Direction::Send, role),
                StateKind::Recv(role) => (Direction::Recv, role),
            };
            let branches = self.branches_of(id);
            if !leave {
                if let Some(back) = open.get_mut(&id) {
                    *back = true;
                    done.push(tree.push(Cell::Var(var()), None));
                } else {
                    open.insert(id, false);
                    steps.push((id, true));
                    steps.extend(branches.iter().rev().map(|branch| (branch.next, false)));
                }
                continue;
            }
            let nexts = done.split_off(done.len().saturating_sub(branches.len()));
            let edges = branches.iter().zip(nexts).filter_map(|(branch, next)| {
                let label = self.labels.get(usize::from(branch.label.0))?.clone();
                let payload = self.payloads.get(usize::from(branch.payload.0))?.clone();
                Some(Edge { label, payload, next, place: None })
            });
            let edges = edges.collect();
            let partner = self.roles.get(usize::from(role.0)).cloned().unwrap_or_else(|| Name::new(""));
            let mut root = tree.push_act(LocalAction { direction, partner }, edges, None);
            if open.remove(&id) == Some(true) {
                root = tree.push(Cell::Mu { var: var(), body: root }, None);
            }
            done.push(root);
        }
        Ok(LocalType(tree))
    }
}

/// A state before states are merged; the branches are sorted by label.
#[derive(Debug)]
struct RawState {
    kind: StateKind,
    first: usize,
    len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RawBranch {
    label: u16,
    payload: u16,
    next: usize,
}

/// A state for each action and each end of some types.
#[derive(Debug)]
struct Graph {
    roles: Vec<Name>,
    labels: Vec<Name>,
    payloads: Vec<Payload>,
    states: Vec<RawState>,
    branches: Vec<RawBranch>,
    entries: Vec<usize>,
}

impl Graph {
    /// The types must be well-formed.
    fn new(types: &[&LocalType]) -> Result<Self, ProtocolError> {
        let (mut roles, mut labels, mut payloads) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for LocalType(tree) in types {
            for cell in &tree.cells {
                if let Cell::Act { act, .. } = cell {
                    roles.insert(&act.partner);
                }
            }
            labels.extend(tree.edges.iter().map(|edge| &edge.label));
            payloads.extend(tree.edges.iter().map(|edge| &edge.payload));
        }
        let role_ids = numbered(&roles, "roles")?;
        let label_ids = numbered(&labels, "labels")?;
        let payload_ids = numbered(&payloads, "payloads")?;

        let (mut states, mut branches, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for LocalType(tree) in types {
            let targets = targets(tree, states.len());
            let target = |id: usize| targets.get(id).copied().unwrap_or(0);
            for (id, cell) in tree.cells.iter().enumerate() {
                let kind = match cell {
                    Cell::Var(_) | Cell::Mu { .. } => continue,
                    Cell::End => StateKind::End,
                    Cell::Act { act, .. } => {
                        let role = RoleId(role_ids.get(&act.partner).copied().unwrap_or(0));
                        match act.direction {
                            Direction::Send => StateKind::Send(role),
                            Direction::Recv => StateKind::Recv(role),
                        }
                    }
                };
                let first = branches.len();
                branches.extend(tree.edges(id).iter().map(|edge| RawBranch {
                    label: label_ids.get(&edge.label).copied().unwrap_or(0),
                    payload: payload_ids.get(&edge.payload).copied().unwrap_or(0),
                    next: target(edge.next),
                }));
                if let Some(own) = branches.get_mut(first..) {
                    own.sort_unstable();
                }
                states.push(RawState { kind, first, len: branches.len() - first });
            }
            entries.push(target(tree.root));
        }
        let roles = roles.into_iter().cloned().collect();
        let labels = labels.into_iter().cloned().collect();
        Ok(Self {
            roles,
            labels,
            payloads: payloads.into_iter().cloned().collect(),
            states,
            branches,
            entries,
        })
    }

    fn branches_of(&self, state: &RawState) -> &[RawBranch] {
        self.branches.get(state.first..state.first + state.len).unwrap_or(&[])
    }

    /// Classes of states that look alike as long as nobody looks at what comes next.
    fn classes(&self) -> (Vec<usize>, usize) {
        let mut order: Vec<usize> = (0..self.states.len()).collect();
        let compare = |a: &usize, b: &usize| {
            let (Some(a), Some(b)) = (self.states.get(*a), self.states.get(*b)) else { return a.cmp(b) };
            let heads = |state| self.branches_of(state).iter().map(|branch| (branch.label, branch.payload));
            a.kind.cmp(&b.kind).then(a.len.cmp(&b.len)).then_with(|| heads(a).cmp(heads(b)))
        };
        order.sort_unstable_by(compare);
        let mut class = vec![0; self.states.len()];
        let (mut last, mut count) = (None, 0);
        for id in order {
            if last.is_none_or(|last| compare(&last, &id).is_ne()) {
                count += 1;
            }
            last = Some(id);
            if let Some(slot) = class.get_mut(id) {
                *slot = count - 1;
            }
        }
        (class, count)
    }

    fn minimal(self) -> Result<Automaton, ProtocolError> {
        let (class, classes) = self.classes();
        let transitions = self.states.iter().enumerate().flat_map(|(tail, state)| {
            let branches = self.branches_of(state).iter();
            branches.map(move |branch| Transition {
                tail,
                label: usize::from(branch.label),
                head: branch.next,
            })
        });
        let transitions: Vec<Transition> = transitions.collect();
        let (block, blocks) = refine(class, classes, &transitions, self.labels.len());
        let block_of = |state: usize| block.get(state).copied().unwrap_or(0);

        // Any state of a block stands for it.
        let mut sample = vec![0; blocks];
        for (state, &block) in block.iter().enumerate() {
            if let Some(slot) = sample.get_mut(block) {
                *slot = state;
            }
        }
        let mut numbers = Numbers { of: vec![None; blocks], todo: VecDeque::new(), next: 0 };
        let (mut states, mut branches) = (Vec::new(), Vec::new());
        let mut entries = Vec::with_capacity(self.entries.len());
        for &entry in &self.entries {
            entries.push(numbers.get(block_of(entry))?);
            while let Some(block) = numbers.todo.pop_front() {
                let Some(state) = sample.get(block).and_then(|&s| self.states.get(s)) else { continue };
                let first = u32::try_from(branches.len()).map_err(|_| too_many("branches", u32::MAX))?;
                for branch in self.branches_of(state) {
                    branches.push(StateBranch {
                        label: LabelId(branch.label),
                        payload: PayloadId(branch.payload),
                        next: numbers.get(block_of(branch.next))?,
                    });
                }
                let len = u16::try_from(state.len)
                    .map_err(|_| too_many("branches of an action", u16::MAX.into()))?;
                states.push(State { kind: state.kind, first, len });
            }
        }
        let Self { roles, labels, payloads, .. } = self;
        Ok(Automaton { roles, labels, payloads, states, branches, entries })
    }
}

/// Numbers of blocks, in the order in which they are met.
#[derive(Debug)]
struct Numbers {
    of: Vec<Option<StateId>>,
    todo: VecDeque<usize>,
    next: u32,
}

impl Numbers {
    fn get(&mut self, block: usize) -> Result<StateId, ProtocolError> {
        if let Some(Some(known)) = self.of.get(block) {
            return Ok(*known);
        }
        let id = StateId(self.next);
        self.next = self.next.checked_add(1).ok_or_else(|| too_many("states", u32::MAX))?;
        if let Some(slot) = self.of.get_mut(block) {
            *slot = Some(id);
        }
        self.todo.push_back(block);
        Ok(id)
    }
}

/// The state that each node of a well-formed type is, counted from `base` on: variables are the loop that binds them, and a
/// loop is its body.
fn targets(tree: &Tree<LocalAction>, base: usize) -> Vec<usize> {
    let binders = tree.binders();
    let mut target: Vec<Option<usize>> = Vec::with_capacity(tree.cells.len());
    let mut next = base;
    for cell in &tree.cells {
        let is_state = matches!(cell, Cell::End | Cell::Act { .. });
        target.push(is_state.then_some(next));
        next += usize::from(is_state);
    }
    let mut way = Vec::new();
    for start in 0..tree.cells.len() {
        let mut id = start;
        // Every node on the way gets what is found, so each is passed once. Well-formed types have no circles here.
        while target.get(id).copied().flatten().is_none() && way.len() <= tree.cells.len() {
            way.push(id);
            id = match tree.cell(id) {
                Cell::Mu { body, .. } => *body,
                _ => binders.get(id).copied().flatten().unwrap_or(tree.root),
            };
        }
        let found = target.get(id).copied().flatten();
        for id in way.drain(..) {
            if let Some(slot) = target.get_mut(id) {
                *slot = found;
            }
        }
    }
    target.into_iter().map(|target| target.unwrap_or(base)).collect()
}

/// The place of each element in its order.
fn numbered<'a, T: Ord>(sorted: &BTreeSet<&'a T>, what: &str) -> Result<BTreeMap<&'a T, u16>, ProtocolError> {
    if sorted.len() > usize::from(u16::MAX) {
        return Err(too_many(what, u16::MAX.into()));
    }
    Ok(sorted.iter().copied().zip(0..).collect())
}

fn too_many(what: &str, limit: u32) -> ProtocolError {
    let message = format!("there are more than {limit} {what}");
    ProtocolError::new(ProtocolErrorKind::TooLarge, message).hint("split the protocol")
}
