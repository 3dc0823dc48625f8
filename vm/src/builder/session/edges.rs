//! The edges of shapes.

use super::decl::{DeclAt, EdgeDecl, RoleRef, ShapeDecl, StateRef};
use super::scope::{Scope, no_role, text};
use crate::builder::BuildError;
use crate::ids::ShapeId;
use crate::program::{EdgeDef, EdgePolicy, MAX_SHAPE_ROLES};
use crate::protocol::RoleId;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What is wrong, and with what.
pub(super) type Refused = (DeclAt, BuildError);

/// The edges of a raw shape: as they are.
pub(super) fn given(id: ShapeId, shape: &ShapeDecl) -> Result<Vec<EdgeDef>, Refused> {
    let place = |role: &RoleRef| match role {
        RoleRef::Place(place) => Ok(*place),
        RoleRef::Name(name) => Err(no_role(shape, name)),
    };
    let edge = |(i, edge): (usize, &EdgeDecl)| {
        let at = |error| (DeclAt::Edge(id.index(), i), error);
        let (from, to) = (place(&edge.from).map_err(at)?, place(&edge.to).map_err(at)?);
        Ok(EdgeDef { from, to, policy: edge.policy, capacity: edge.capacity, max: edge.max })
    };
    shape.edges.iter().enumerate().map(edge).collect()
}

/// The edges that the types of a shape's roles use, sorted, with what is declared about some.
pub(super) fn used(id: ShapeId, shape: &ShapeDecl, scope: &mut Scope<'_>) -> Result<Vec<EdgeDef>, Refused> {
    let capacity = EdgeDef::DEFAULT_CAPACITY;
    let mut edges: BTreeMap<(u16, u16), EdgeDef> = BTreeMap::new();
    for (from, to) in pairs(id, shape, scope)? {
        edges.insert((from, to), EdgeDef { from, to, policy: EdgePolicy::Block, capacity, max: capacity });
    }
    let mut special = BTreeSet::new();
    for (i, decl) in shape.edges.iter().enumerate() {
        let refused = |error| (DeclAt::Edge(id.index(), i), error);
        let place = |role: &RoleRef| match role {
            RoleRef::Place(place) => Ok(*place),
            RoleRef::Name(name) => scope.role(shape, name).ok_or_else(|| refused(no_role(shape, name))),
        };
        let (from, to) = (place(&decl.from)?, place(&decl.to)?);
        let Some(edge) = edges.get_mut(&(from, to)) else {
            let (from, to) = (role_text(&decl.from), role_text(&decl.to));
            return Err(refused(BuildError::NoEdge { shape: text(&shape.name), from, to }));
        };
        if !special.insert((from, to)) {
            let name = format!("{} -> {}", role_text(&decl.from), role_text(&decl.to));
            return Err(refused(BuildError::NameTaken { what: "edge", name }));
        }
        *edge = EdgeDef { from, to, policy: decl.policy, capacity: decl.capacity, max: decl.max };
    }
    Ok(edges.into_values().collect())
}

/// Who sends to whom, by places in the shape. A partner that the shape does not have is for the verifier.
fn pairs(id: ShapeId, shape: &ShapeDecl, scope: &mut Scope<'_>) -> Result<BTreeSet<(u16, u16)>, Refused> {
    if shape.roles.len() > MAX_SHAPE_ROLES {
        return Err((DeclAt::Shape(id.index()), BuildError::TooLarge { what: "roles of a shape" }));
    }
    // Places of roles that occur in the automaton, with their numbers there.
    let places = (0u16..).zip(&shape.roles);
    let places = places.filter_map(|(place, (role, _))| Some((*scope.numbers.get(role)?, place)));
    let places: Vec<(RoleId, u16)> = places.collect();
    let mut used = BTreeSet::new();
    for (own, (_, state)) in (0u16..).zip(&shape.roles) {
        let Some(entry) = scope.entry(id, own) else { continue };
        if matches!(state, StateRef::Index(_)) {
            return Err((DeclAt::Role(id.index(), own.into()), BuildError::MixedStates));
        }
        let reach = scope.reaches.of(entry);
        for &(role, place) in &places {
            if reach.sends_to.contains(&role) {
                used.insert((own, place));
            }
            if reach.receives_from.contains(&role) {
                used.insert((place, own));
            }
        }
    }
    Ok(used)
}

fn role_text(role: &RoleRef) -> String {
    match role {
        RoleRef::Place(place) => place.to_string(),
        RoleRef::Name(name) => text(name),
    }
}
