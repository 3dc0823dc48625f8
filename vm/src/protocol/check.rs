//! Well-formedness.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::Name;
use super::error::{ProtocolError, ProtocolErrorKind, ProtocolErrors};
use super::tree::{Cell, Step, Tree};

/// How many actions are shown of what leads to a node.
const SHOWN: usize = 4;

/// What is wrong with a type, in the order of the text; stops behind [`ProtocolErrors::MAX`]. `selfish` gives the
/// role that talks to itself in an action.
pub(super) fn tree<A: fmt::Display>(
    tree: &Tree<A>,
    selfish: impl Fn(&A) -> Option<&Name>,
) -> Vec<ProtocolError> {
    let mut found: Vec<(usize, ProtocolError)> = Vec::new();
    // Innermost last: for each variable in scope, how many actions lead to its binder.
    let mut scopes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut actions = 0_usize;
    let mut steps = vec![Step::Enter(tree.root)];
    while let Some(step) = steps.pop() {
        if found.len() > ProtocolErrors::MAX {
            break;
        }
        let id = match step {
            Step::Enter(id) => id,
            Step::Leave(id) => {
                match tree.cell(id) {
                    Cell::Mu { var, .. } => _ = scopes.get_mut(var.as_str()).map(Vec::pop),
                    _ => actions -= 1,
                }
                continue;
            }
        };
        match tree.cell(id) {
            Cell::End => {}
            Cell::Var(var) => match scopes.get(var.as_str()).and_then(|scope| scope.last()) {
                None => found.push((id, unbound(var))),
                Some(&bound) if bound == actions => found.push((id, unguarded(var))),
                Some(_) => {}
            },
            Cell::Mu { var, body } => {
                scopes.entry(var).or_default().push(actions);
                steps.push(Step::Leave(id));
                steps.push(Step::Enter(*body));
            }
            Cell::Act { act, .. } => {
                if let Some(role) = selfish(act) {
                    let message = format!("{role} talks to itself");
                    let error = ProtocolError::new(ProtocolErrorKind::SelfMessage, message);
                    found.push((id, error.hint("a role talks to others; use a register for what it keeps")));
                }
                branches(tree, id, act, &mut found);
                actions += 1;
                steps.push(Step::Leave(id));
                steps.extend(tree.edges(id).iter().rev().map(|edge| Step::Enter(edge.next)));
            }
        }
    }
    with_places(tree, found)
}

fn unbound(var: &Name) -> ProtocolError {
    ProtocolError::new(ProtocolErrorKind::UnboundVariable, format!("no loop around binds the variable {var}"))
        .hint(format!("write `mu {var}.` in front of what it repeats"))
}

fn unguarded(var: &Name) -> ProtocolError {
    let message = format!("the loop {var} comes back without an action in between");
    ProtocolError::new(ProtocolErrorKind::Unguarded, message).hint("send or receive something in the loop")
}

/// An action has branches, and their labels differ.
fn branches<A: fmt::Display>(tree: &Tree<A>, id: usize, act: &A, found: &mut Vec<(usize, ProtocolError)>) {
    let edges = tree.edges(id);
    if edges.is_empty() {
        let message = format!("{act} has no branches");
        let error = ProtocolError::new(ProtocolErrorKind::EmptyChoice, message);
        found.push((id, error.hint("write `end` if nothing more is done")));
    }
    let mut labels = BTreeSet::new();
    for edge in edges {
        if found.len() > ProtocolErrors::MAX {
            return;
        }
        if !labels.insert(&edge.label) {
            let message = format!("{act} has two branches with the label {}", edge.label);
            let error = ProtocolError::new(ProtocolErrorKind::DuplicateLabel, message);
            found.push((id, error.at(edge.place).hint("rename one of them")));
        }
    }
}

/// Adds places from the text, or else what leads to a node.
fn with_places<A: fmt::Display>(tree: &Tree<A>, found: Vec<(usize, ProtocolError)>) -> Vec<ProtocolError> {
    let parents = if found.is_empty() { Vec::new() } else { parents(tree) };
    let locate = |(id, mut error): (usize, ProtocolError)| {
        error.place = error.place.or_else(|| tree.place(id));
        if error.place.is_none() {
            error.message += &way(tree, &parents, id);
        }
        error
    };
    let mut errors: Vec<ProtocolError> = found.into_iter().map(locate).collect();
    // Labels that stand twice are found before what is wrong inside of earlier branches. The sort is stable.
    if errors.iter().all(|error| error.place.is_some()) {
        errors.sort_by_key(|error| error.place);
    }
    errors
}

/// For each node its parent, and which branch of that leads to it.
fn parents<A>(tree: &Tree<A>) -> Vec<Option<(usize, usize)>> {
    let mut parents = vec![None; tree.cells.len()];
    let mut set = |child: usize, parent, branch| {
        if let Some(slot) = parents.get_mut(child) {
            *slot = Some((parent, branch));
        }
    };
    for (id, cell) in tree.cells.iter().enumerate() {
        if let Cell::Mu { body, .. } = cell {
            set(*body, id, 0);
        }
        for (branch, edge) in tree.edges(id).iter().enumerate() {
            set(edge.next, id, branch);
        }
    }
    parents
}

/// The last actions that lead to a node, as text behind a message; empty at the beginning of a type.
fn way<A: fmt::Display>(tree: &Tree<A>, parents: &[Option<(usize, usize)>], mut id: usize) -> String {
    let mut steps: Vec<String> = Vec::new();
    while let Some((parent, branch)) = parents.get(id).copied().flatten() {
        if let (Cell::Act { act, .. }, Some(edge)) = (tree.cell(parent), tree.edges(parent).get(branch)) {
            if steps.len() == SHOWN {
                steps.push("..".into());
                break;
            }
            steps.push(format!("{act}.{}", edge.label));
        }
        id = parent;
    }
    steps.reverse();
    if steps.is_empty() { String::new() } else { format!(", behind {}", steps.join(" ")) }
}
