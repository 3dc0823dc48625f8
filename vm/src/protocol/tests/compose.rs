//! Whether parties fit together: all of them run side by side, with bounded queues between them.

use super::super::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// A message in a queue: label and payload.
type Message = (LabelId, PayloadId);
type Queues = BTreeMap<(usize, usize), Vec<Message>>;
type Global = (Vec<StateId>, Queues);

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Explored {
    /// Every state that can be reached was looked at.
    All,
    /// As many as were allowed.
    Cut,
}

/// Looks at the states that parties reach together, with at most `bound` messages from one party to another. A
/// message that nobody expects, one that is left behind and parties that wait for each other are errors.
pub(super) fn explore(types: &[(Name, LocalType)], bound: usize, limit: usize) -> Result<Explored, String> {
    let locals: Vec<&LocalType> = types.iter().map(|(_, ty)| ty).collect();
    let automaton = Automaton::new(&locals).map_err(|errors| errors.to_string())?;
    let party = |role: RoleId| {
        let name = &automaton.roles()[usize::from(role.0)];
        types.iter().position(|(role, _)| role == name).ok_or_else(|| format!("{name} has no type"))
    };
    let start: Global = (automaton.entries().to_vec(), Queues::new());
    let mut seen = BTreeSet::from([start.clone()]);
    let mut todo = VecDeque::from([start]);
    while let Some((states, queues)) = todo.pop_front() {
        let mut stuck = true;
        let mut next = Vec::new();
        for (me, &state) in states.iter().enumerate() {
            let goes = |to: StateId| {
                let mut states = states.clone();
                states[me] = to;
                states
            };
            match automaton.kind(state) {
                StateKind::End => {}
                StateKind::Send(role) => {
                    let edge = (me, party(role)?);
                    for branch in automaton.branches_of(state) {
                        stuck = false;
                        let mut queues = queues.clone();
                        let queue = queues.entry(edge).or_default();
                        if queue.len() < bound {
                            queue.push((branch.label, branch.payload));
                            next.push((goes(branch.next), queues));
                        }
                    }
                }
                StateKind::Recv(role) => {
                    let edge = (party(role)?, me);
                    let Some(&(label, payload)) = queues.get(&edge).and_then(|queue| queue.first()) else {
                        continue;
                    };
                    let name = || automaton.labels()[usize::from(label.0)].to_string();
                    let branch = automaton.branch(state, label).filter(|branch| branch.payload == payload);
                    let branch =
                        branch.ok_or_else(|| format!("{} does not expect {}", types[me].0, name()))?;
                    stuck = false;
                    let mut queues = queues.clone();
                    let queue = queues.entry(edge).or_default();
                    queue.remove(0);
                    if queue.is_empty() {
                        queues.remove(&edge);
                    }
                    next.push((goes(branch.next), queues));
                }
            }
        }
        let ended = states.iter().all(|&state| automaton.kind(state) == StateKind::End);
        // A sender whose queue is full may go on when the other side takes something, which it must do by itself.
        let moves = !next.is_empty();
        if ended && !queues.is_empty() {
            return Err("a message is left behind".into());
        }
        if !ended && (stuck || !moves) {
            return Err(format!("nobody can go on: {states:?}"));
        }
        for state in next {
            if seen.insert(state.clone()) {
                todo.push_back(state);
            }
        }
        if seen.len() > limit {
            return Ok(Explored::Cut);
        }
    }
    Ok(Explored::All)
}

/// Parties from text.
pub(super) fn parties(types: &[(&str, &str)]) -> Vec<(Name, LocalType)> {
    types.iter().map(|&(role, text)| (role.into(), super::local(text))).collect()
}

#[test]
fn exploration_sees_what_it_is_for() {
    let fine = parties(&[("A", "mu x. !B{a. x, b. ?B{c. end}}"), ("B", "mu x. ?A{b. !A{c. end}, a. x}")]);
    assert_eq!(explore(&fine, 2, 1_000), Ok(Explored::All));
    let wrong = [
        (vec![("A", "!B{a. end}"), ("B", "?A{b. end}")], "B does not expect a"),
        (vec![("A", "!B{a(u64). end}"), ("B", "?A{a. end}")], "B does not expect a"),
        (vec![("A", "!B{a. end}"), ("B", "end")], "a message is left behind"),
        (
            vec![("A", "?B{a. !B{b. end}}"), ("B", "?A{b. !A{a. end}}")],
            "nobody can go on: [StateId(0), StateId(3)]",
        ),
        (vec![("A", "!B{a. end}")], "B has no type"),
    ];
    for (types, expected) in wrong {
        assert_eq!(explore(&parties(&types), 2, 1_000), Err(expected.to_string()));
    }
    let endless = parties(&[("A", "mu x. !B{a. x}"), ("B", "mu x. ?A{a. x}")]);
    assert_eq!(explore(&endless, 5, 3), Ok(Explored::Cut));
}
