//! What a role may come to and whom it talks to, by the first state of its type.

use crate::protocol::{Automaton, RoleId, StateId, StateKind};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;

/// What can be reached from one state.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub(super) states: BTreeSet<StateId>,
    /// Roles of the automaton that are sent something.
    pub(super) sends_to: BTreeSet<RoleId>,
    /// Roles of the automaton from which something is received.
    pub(super) receives_from: BTreeSet<RoleId>,
}

/// Remembers what can be reached. Entries are first states of types that were given as text or tree, so what is
/// remembered is not larger than all of these together.
#[derive(Debug)]
pub(super) struct Reaches<'a> {
    automaton: &'a Automaton,
    known: BTreeMap<StateId, Reach>,
}

impl<'a> Reaches<'a> {
    pub(super) fn new(automaton: &'a Automaton) -> Self {
        Self { automaton, known: BTreeMap::new() }
    }

    pub(super) fn of(&mut self, entry: StateId) -> &Reach {
        self.known.entry(entry).or_insert_with(|| walk(self.automaton, entry))
    }
}

fn walk(automaton: &Automaton, entry: StateId) -> Reach {
    let mut reach = Reach::default();
    let mut todo = vec![entry];
    while let Some(state) = todo.pop() {
        if !reach.states.insert(state) {
            continue;
        }
        match automaton.kind(state) {
            StateKind::End => {}
            StateKind::Send(role) => _ = reach.sends_to.insert(role),
            StateKind::Recv(role) => _ = reach.receives_from.insert(role),
        }
        todo.extend(automaton.branches_of(state).iter().map(|branch| branch.next));
    }
    reach
}
