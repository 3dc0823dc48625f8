//! Shapes: their roles, who talks to whom, and over which edges.

use super::Reach;
use crate::ids::ShapeId;
use crate::program::{EdgeDef, EdgePolicy, MAX_SHAPE_ROLES, Program, SessionTables, ShapeDef};
use crate::protocol::{RoleId, StateKind};
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::error::{EdgeFault, ShapeFault, VerifyErrorKind};
use crate::verify::report::Errors;
use crate::verify::session::text::Texts;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

/// Every shape has roles that exist, each once, and edges that are there.
pub(super) fn check(program: &Program, errors: &mut Errors) {
    for (index, def) in (0u32..).zip(&program.sessions().shapes) {
        let shape = ShapeId(index);
        if let Some(fault) = fault(program, shape, def) {
            let note = format!("it is {}", Texts::new(program).shape(shape));
            errors.add_noted(program, None, VerifyErrorKind::ShapeMalformed { shape, fault }, Some(note));
        }
    }
}

fn fault(program: &Program, id: ShapeId, def: &ShapeDef) -> Option<ShapeFault> {
    let tables = program.sessions();
    if def.role_count == 0 {
        return Some(ShapeFault::NoRoles);
    }
    if usize::from(def.role_count) > MAX_SHAPE_ROLES {
        return Some(ShapeFault::TooManyRoles);
    }
    let roles = tables.roles_of(id);
    let known = |role: RoleId| usize::from(role.0) < tables.roles.len();
    if roles.len() != usize::from(def.role_count) || roles.iter().any(|role| !known(role.role)) {
        return Some(ShapeFault::Roles);
    }
    if places(tables, id).windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
        return Some(ShapeFault::RoleTwice);
    }
    if roles.iter().any(|role| tables.state(role.entry).is_none()) {
        return Some(ShapeFault::Entry);
    }
    if tables.edges_of(id).len() != def.edge_count as usize {
        return Some(ShapeFault::Edges);
    }
    // Symbol 0 is the empty text, and means none.
    (def.global.0 != 0 && program.symbol(def.global).is_none()).then_some(ShapeFault::Global)
}

/// The roles of a shape with their places, sorted by role.
fn places(tables: &SessionTables, id: ShapeId) -> Vec<(RoleId, u16)> {
    let mut places: Vec<_> = tables.roles_of(id).iter().map(|role| role.role).zip(0u16..).collect();
    places.sort_unstable();
    places
}

/// Every state that a role comes to has its partner among the other roles, and the edges are exactly those used.
pub(super) fn check_states(
    program: &Program,
    reach: &Reach,
    budget: &mut Budget,
    errors: &mut Errors,
) -> Result<(), Exhausted> {
    let tables = program.sessions();
    for (index, def) in (0u32..).zip(&tables.shapes) {
        if errors.is_full() {
            break;
        }
        let shape = ShapeId(index);
        let places = places(tables, shape);
        let mark = budget.mark();
        let mut used = BTreeSet::new();
        for role in 0..def.role_count {
            let states = reach.of((def.first_role as usize).saturating_add(role.into()));
            budget.work(states.len().saturating_mul(16))?;
            for &state in states {
                let kind = tables.kind(state);
                let Some(partner) = kind.partner() else { continue };
                let at = places.binary_search_by_key(&partner, |&(role, _)| role).ok();
                let place = at.and_then(|at| places.get(at)).map(|&(_, place)| place);
                let Some(place) = place.filter(|&place| place != role) else {
                    let texts = Texts::new(program);
                    let note = format!("{} does {}", texts.role_of(shape, role), texts.state(state));
                    let kind = VerifyErrorKind::ShapePartner { shape, role, state: state.0 };
                    errors.add_noted(program, None, kind, Some(note));
                    continue;
                };
                let edge = if matches!(kind, StateKind::Send(_)) { (role, place) } else { (place, role) };
                if used.insert(edge) {
                    budget.memory(16)?;
                }
            }
        }
        check_edges(program, shape, &used, errors);
        budget.release_to(mark);
    }
    Ok(())
}

fn check_edges(program: &Program, shape: ShapeId, used: &BTreeSet<(u16, u16)>, errors: &mut Errors) {
    let edges = program.sessions().edges_of(shape);
    let texts = Texts::new(program);
    let mut add = |(from, to), fault| {
        let (sender, receiver) = (texts.role(shape, from), texts.role(shape, to));
        let note = format!("it is {sender} -> {receiver} of {}", texts.shape(shape));
        let kind = VerifyErrorKind::ShapeEdge { shape, from, to, fault };
        errors.add_noted(program, None, kind, Some(note));
    };
    let mut before = None;
    let mut sorted = true;
    for edge in edges {
        let ends = (edge.from, edge.to);
        if before.is_some_and(|before| before >= ends) {
            sorted = false;
            add(ends, EdgeFault::Order);
        }
        before = Some(ends);
        if let Some(fault) = edge_fault(edge, used) {
            add(ends, fault);
        }
    }
    if sorted {
        let declared =
            |ends: &(u16, u16)| edges.binary_search_by_key(ends, |edge| (edge.from, edge.to)).is_ok();
        used.iter().filter(|ends| !declared(ends)).for_each(|&ends| add(ends, EdgeFault::Missing));
    }
}

fn edge_fault(edge: &EdgeDef, used: &BTreeSet<(u16, u16)>) -> Option<EdgeFault> {
    if !used.contains(&(edge.from, edge.to)) {
        return Some(EdgeFault::Unused);
    }
    if edge.capacity == 0 {
        return Some(EdgeFault::Capacity);
    }
    let grows = edge.policy == EdgePolicy::Resize;
    let fits = if grows { edge.max >= edge.capacity } else { edge.max == edge.capacity };
    (!fits).then_some(EdgeFault::Max)
}
