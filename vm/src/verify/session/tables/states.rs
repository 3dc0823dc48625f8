//! States and their branches, and the local types that begin in them.

use crate::program::{Program, SessionTables};
use crate::protocol::{State, StateId, StateKind};
use crate::verify::error::{StateFault, VerifyErrorKind};
use crate::verify::report::Errors;
use crate::verify::session::text::Texts;
use alloc::format;

/// Every state is an end, or has branches that are there, sorted by label, and lead to states.
pub(super) fn check(program: &Program, errors: &mut Errors) {
    let tables = program.sessions();
    for (state, def) in (0u32..).zip(&tables.states) {
        if let Some(fault) = fault(tables, StateId(state), def) {
            let note = format!("it is {}", Texts::new(program).state(StateId(state)));
            errors.add_noted(program, None, VerifyErrorKind::StateMalformed { state, fault }, Some(note));
        }
    }
    for (local, def) in (0u32..).zip(&tables.locals) {
        if tables.state(def.entry).is_none() {
            errors.add(program, None, VerifyErrorKind::LocalMalformed { local });
        }
    }
}

fn fault(tables: &SessionTables, id: StateId, def: &State) -> Option<StateFault> {
    let partner = match def.kind {
        StateKind::End if def.len > 0 => return Some(StateFault::EndBranches),
        StateKind::End => return None,
        StateKind::Send(partner) | StateKind::Recv(partner) => partner,
    };
    if usize::from(partner.0) >= tables.roles.len() {
        return Some(StateFault::Partner);
    }
    if def.len == 0 {
        return Some(StateFault::NoBranches);
    }
    let branches = tables.branches_of(id);
    if branches.len() != usize::from(def.len) {
        return Some(StateFault::Branches);
    }
    let mut before = None;
    for branch in branches {
        if usize::from(branch.label.0) >= tables.labels.len() {
            return Some(StateFault::Label);
        }
        if before.is_some_and(|before| before >= branch.label) {
            return Some(StateFault::Order);
        }
        before = Some(branch.label);
        if tables.payload(branch.payload).is_none() {
            return Some(StateFault::Payload);
        }
        if tables.state(branch.next).is_none() {
            return Some(StateFault::Next);
        }
    }
    None
}
