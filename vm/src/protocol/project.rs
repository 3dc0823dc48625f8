//! Projection: what one role does in a conversation.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::error::ProtocolError;
use super::merge::{Conflict, MergeMode, Part, PartBranch, Parts};
use super::tree::{Cell, Step, Tree};
use super::{Direction, GlobalAction, LocalAction, Name};

/// The local type of a role. The global type must be well-formed.
///
/// A message that the role sends or receives stays; others vanish, and what comes after their branches is merged. A
/// loop that the role has no part in is `end`, one whose variable is not used is its body, and one that only goes
/// back to an outer loop is that loop's variable.
pub(super) fn project(
    global: &Tree<GlobalAction>,
    role: &Name,
    mode: MergeMode,
) -> Result<Tree<LocalAction>, ProtocolError> {
    let Scan { idle, used } = Scan::new(global, role);
    let mut parts = Parts::default();
    let mut done: Vec<usize> = Vec::new();
    let mut steps = vec![Step::Enter(global.root)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Enter(id) if idle.get(id) == Some(&true) => done.push(parts.push(Part::End)),
            Step::Enter(id) => match global.cell(id) {
                Cell::End => done.push(parts.push(Part::End)),
                Cell::Var(var) => done.push(parts.push(Part::Var(var.clone()))),
                Cell::Mu { body, .. } => steps.extend([Step::Leave(id), Step::Enter(*body)]),
                Cell::Act { .. } => {
                    steps.push(Step::Leave(id));
                    steps.extend(global.edges(id).iter().rev().map(|edge| Step::Enter(edge.next)));
                }
            },
            Step::Leave(id) => match global.cell(id) {
                Cell::Mu { var, .. } => {
                    let body = done.pop().unwrap_or(0);
                    // It is not `var` itself: a loop that only comes back to itself is idle.
                    let is_used = used.get(id) == Some(&true);
                    done.push(match parts.get(body) {
                        Part::Mu(..) | Part::Act(..) if is_used => parts.push(Part::Mu(var.clone(), body)),
                        _ => body,
                    });
                }
                Cell::Act { act, .. } => {
                    let nexts = done.split_off(done.len().saturating_sub(global.edges(id).len()));
                    let part = match partner(act, role) {
                        Some(local) => parts.push(Part::Act(local, branches(global, id, &nexts))),
                        None => parts.merge(&nexts, mode).map_err(|c| explain(global, id, act, role, &c))?,
                    };
                    done.push(part);
                }
                Cell::End | Cell::Var(_) => {}
            },
        }
    }
    Ok(parts.into_tree(done.pop().unwrap_or(0)))
}

/// What a message is to a role; `None` if it is neither sender nor receiver.
fn partner(act: &GlobalAction, role: &Name) -> Option<LocalAction> {
    let (direction, partner) = if act.from == *role {
        (Direction::Send, &act.to)
    } else if act.to == *role {
        (Direction::Recv, &act.from)
    } else {
        return None;
    };
    Some(LocalAction { direction, partner: partner.clone() })
}

fn branches(global: &Tree<GlobalAction>, id: usize, nexts: &[usize]) -> Vec<PartBranch> {
    let edges = global.edges(id).iter().zip(nexts);
    let branch = |(edge, &next): (&super::tree::Edge, &usize)| PartBranch {
        label: edge.label.clone(),
        payload: edge.payload.clone(),
        next,
    };
    edges.map(branch).collect()
}

/// Facts about the nodes of a global type.
struct Scan {
    /// Whether the role has no part in what begins here, and nothing leads out of it to a loop around.
    idle: Vec<bool>,
    /// For loops: whether the variable occurs.
    used: Vec<bool>,
}

impl Scan {
    fn new(global: &Tree<GlobalAction>, role: &Name) -> Self {
        let size = global.cells.len();
        let (mut idle, mut used) = (vec![false; size], vec![false; size]);
        let binders = global.binders();
        // For each node on the way whether the role occurs below it, and how far out its variables lead: the least
        // number of loops around one of their binders.
        let mut done: Vec<(bool, usize)> = Vec::new();
        let mut depth = vec![0_usize; size];
        let mut loops = 0_usize;
        let mut steps = vec![Step::Enter(global.root)];
        while let Some(step) = steps.pop() {
            let (id, fact) = match step {
                Step::Enter(id) => match global.cell(id) {
                    Cell::End => (id, (false, usize::MAX)),
                    Cell::Var(_) => {
                        let binder = binders.get(id).copied().flatten();
                        if let Some(slot) = binder.and_then(|binder| used.get_mut(binder)) {
                            *slot = true;
                        }
                        let out = binder.and_then(|binder| depth.get(binder).copied()).unwrap_or(0);
                        (id, (false, out))
                    }
                    Cell::Mu { body, .. } => {
                        if let Some(slot) = depth.get_mut(id) {
                            *slot = loops;
                        }
                        loops += 1;
                        steps.extend([Step::Leave(id), Step::Enter(*body)]);
                        continue;
                    }
                    Cell::Act { .. } => {
                        steps.push(Step::Leave(id));
                        steps.extend(global.edges(id).iter().rev().map(|edge| Step::Enter(edge.next)));
                        continue;
                    }
                },
                Step::Leave(id) => match global.cell(id) {
                    Cell::Act { act, count, .. } => {
                        let below = done.split_off(done.len().saturating_sub(*count));
                        let acts = partner(act, role).is_some() || below.iter().any(|(acts, _)| *acts);
                        let out = below.iter().map(|(_, out)| *out).min();
                        (id, (acts, out.unwrap_or(usize::MAX)))
                    }
                    _ => {
                        loops -= 1;
                        let (acts, out) = done.pop().unwrap_or((false, usize::MAX));
                        // What leads to this loop or further in does not lead out of it.
                        (id, (acts, if out >= loops { usize::MAX } else { out }))
                    }
                },
            };
            if let Some(slot) = idle.get_mut(id) {
                *slot = fact == (false, usize::MAX);
            }
            done.push(fact);
        }
        Self { idle, used }
    }
}

/// Which role cannot take part, in which choice, and why.
fn explain(
    global: &Tree<GlobalAction>,
    id: usize,
    act: &GlobalAction,
    role: &Name,
    conflict: &Conflict,
) -> ProtocolError {
    let label =
        |branch: usize| global.edges(id).get(branch).map_or_else(|| "".into(), |edge| edge.label.clone());
    let ([first, second], [a, b]) = (conflict.branches.map(label), &conflict.does);
    let message = format!(
        "{role} does not see whether {act} says {first} or {second}, but would do `{a}` after {first} and `{b}` after \
         {second}"
    );
    let hint = format!(
        "let {} or {} tell {role} first, with one message whose label differs in the two branches",
        act.from, act.to
    );
    ProtocolError::new(conflict.kind, message).hint(hint).at(global.place(id))
}
