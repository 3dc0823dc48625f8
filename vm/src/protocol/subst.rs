//! Unfolding: a loop with its variable replaced by itself.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::error::{ProtocolError, ProtocolErrorKind};
use super::tree::{Cell, Edge, Tree};
use super::{MAX_NODES, Name};

enum Task {
    /// Copies a node: in the unfolded body, or in a copy of the whole loop that was put in for its variable.
    Copy { id: usize, outer: bool },
    /// Takes the copied children of a node and adds it.
    Finish { id: usize, outer: bool },
}

pub(super) fn unfold<A: Clone>(tree: &Tree<A>) -> Result<Tree<A>, ProtocolError> {
    let Cell::Mu { body, .. } = *tree.cell(tree.root) else { return Ok(tree.clone()) };
    let binders = tree.binders();
    let renamed = renamed(tree, &binders);
    let new_name = |id: usize, var: &Name, outer: bool| match renamed.get(id) {
        Some(Some(name)) if outer => name.clone(),
        _ => var.clone(),
    };

    let mut out = Tree::new();
    let mut done: Vec<usize> = Vec::new();
    let mut tasks = vec![Task::Copy { id: body, outer: true }];
    while let Some(task) = tasks.pop() {
        if out.cells.len() >= MAX_NODES {
            let message = format!("unfolding gives a type of more than {MAX_NODES} nodes");
            return Err(ProtocolError::new(ProtocolErrorKind::TooLarge, message));
        }
        match task {
            Task::Copy { id, outer } => match tree.cell(id) {
                Cell::End => done.push(out.push(Cell::End, tree.place(id))),
                Cell::Var(var) => match binders.get(id).copied().flatten() {
                    Some(binder) if outer && binder == tree.root => {
                        tasks.push(Task::Copy { id: binder, outer: false });
                    }
                    binder => {
                        let name = binder.map_or_else(|| var.clone(), |id| new_name(id, var, outer));
                        done.push(out.push(Cell::Var(name), tree.place(id)));
                    }
                },
                Cell::Mu { body, .. } => {
                    tasks.push(Task::Finish { id, outer });
                    tasks.push(Task::Copy { id: *body, outer });
                }
                Cell::Act { .. } => {
                    tasks.push(Task::Finish { id, outer });
                    let edges = tree.edges(id).iter().rev();
                    tasks.extend(edges.map(|edge| Task::Copy { id: edge.next, outer }));
                }
            },
            Task::Finish { id, outer } => match tree.cell(id) {
                Cell::Mu { var, .. } => {
                    let body = done.pop().unwrap_or(0);
                    done.push(out.push(Cell::Mu { var: new_name(id, var, outer), body }, tree.place(id)));
                }
                Cell::Act { act, count, .. } => {
                    let nexts = done.split_off(done.len().saturating_sub(*count));
                    let edges = tree.edges(id).iter().zip(nexts);
                    let edges = edges.map(|(edge, next)| Edge { next, ..edge.clone() }).collect();
                    done.push(out.push_act(act.clone(), edges, tree.place(id)));
                }
                Cell::End | Cell::Var(_) => {}
            },
        }
    }
    Ok(out)
}

/// New names for the binders that would capture a variable that is free in the whole loop.
fn renamed<A>(tree: &Tree<A>, binders: &[Option<usize>]) -> Vec<Option<Name>> {
    let mut used: BTreeSet<Name> = BTreeSet::new();
    let mut free: BTreeSet<&Name> = BTreeSet::new();
    for (cell, binder) in tree.cells.iter().zip(binders) {
        if let Cell::Var(var) | Cell::Mu { var, .. } = cell {
            used.insert(var.clone());
            if binder.is_none() && matches!(cell, Cell::Var(_)) {
                free.insert(var);
            }
        }
    }
    let mut number = 0_usize;
    let rename = |(id, cell): (usize, &Cell<A>)| match cell {
        Cell::Mu { var, .. } if id != tree.root && free.contains(var) => loop {
            number += 1;
            let name = Name::new(&format!("{}_{number}", &**var));
            if used.insert(name.clone()) {
                return Some(name);
            }
        },
        _ => None,
    };
    tree.cells.iter().enumerate().map(rename).collect()
}
