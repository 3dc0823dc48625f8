//! From local types to the states of an automaton: variables and binders vanish, equal states become one.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::automaton::{Automaton, LabelId, PayloadId, RoleId, State, StateBranch, StateId, StateKind};
use super::error::{ProtocolError, ProtocolErrorKind};
use super::partition::{Transition, refine};
use super::tree::{Cell, Tree};
use super::{Direction, LocalAction, LocalType, Name, Payload};

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
pub(super) struct Graph {
    roles: Vec<Name>,
    labels: Vec<Name>,
    payloads: Vec<Payload>,
    states: Vec<RawState>,
    branches: Vec<RawBranch>,
    entries: Vec<usize>,
}

impl Graph {
    /// The types must be well-formed.
    pub(super) fn new(types: &[&LocalType]) -> Result<Self, ProtocolError> {
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

    /// The tables: states that no conversation tells apart become one, and are numbered.
    pub(super) fn minimal(self) -> Result<Automaton, ProtocolError> {
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

/// The state that each node of a well-formed type is, counted from `base` on: variables are the loop that binds them,
/// and a loop is its body.
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
