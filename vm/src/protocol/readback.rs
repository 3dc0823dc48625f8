//! Local types from tables of states.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::automaton::{LabelId, PayloadId, RoleId, StateBranch, StateId, StateKind};
use super::error::{ProtocolError, ProtocolErrorKind};
use super::tree::{Cell, Edge, Tree};
use super::{Direction, LocalAction, LocalType, Name, Payload};

/// Tables of states with names. Nothing is relied on: ids may point anywhere.
pub(crate) trait States {
    /// What is done in a state; the end for ids that are none.
    fn kind(&self, state: StateId) -> StateKind;
    /// The branches of a state; none for ids that are none.
    fn branches(&self, state: StateId) -> &[StateBranch];
    /// The name of a role.
    fn role(&self, role: RoleId) -> Option<Name>;
    /// The name of a label.
    fn label(&self, label: LabelId) -> Option<Name>;
    /// A payload.
    fn payload(&self, payload: PayloadId) -> Option<Payload>;
}

/// The local type that begins in a state, with at most `max` nodes. Branches without a label or a payload are left
/// out, and a role without a name has the empty one.
///
/// # Errors
///
/// [`ProtocolErrorKind::TooLarge`].
pub(crate) fn local_type(
    states: &impl States,
    entry: StateId,
    max: usize,
) -> Result<LocalType, ProtocolError> {
    let mut tree = Tree::new();
    let mut done: Vec<usize> = Vec::new();
    // For each state that is open around: whether something in it came back to it.
    let mut open: BTreeMap<StateId, bool> = BTreeMap::new();
    let mut steps = vec![(entry, false)];
    while let Some((id, leave)) = steps.pop() {
        if tree.cells.len() + steps.len() > max {
            let message = format!("the type of a state has more than {max} nodes");
            return Err(ProtocolError::new(ProtocolErrorKind::TooLarge, message));
        }
        let var = || Name::new(&format!("x{}", id.0));
        let (direction, role) = match states.kind(id) {
            StateKind::End => {
                done.push(tree.push(Cell::End, None));
                continue;
            }
            StateKind::Send(role) => (Direction::Send, role),
            StateKind::Recv(role) => (Direction::Recv, role),
        };
        let branches = states.branches(id);
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
            let (label, payload) = (states.label(branch.label)?, states.payload(branch.payload)?);
            Some(Edge { label, payload, next, place: None })
        });
        let edges = edges.collect();
        let partner = states.role(role).unwrap_or_else(|| Name::new(""));
        let mut root = tree.push_act(LocalAction { direction, partner }, edges, None);
        if open.remove(&id) == Some(true) {
            root = tree.push(Cell::Mu { var: var(), body: root }, None);
        }
        done.push(root);
    }
    Ok(LocalType(tree))
}
