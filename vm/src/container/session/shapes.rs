//! Section 134, shapes of sessions: a count, then each with symbol ids of its name and of the text of its global type,
//! the latter 0 for none; a count, and role and first state each; a count, and edges of sender, receiver, policy,
//! capacity, and for edges that grow the most that they may hold.

use crate::container::encode_error::{EncodeErrorKind, EntryError};
use crate::container::error::{DecodeErrorKind, TagKind};
use crate::container::reader::{Reader, Result};
use crate::container::sink::{Measure, Sink};
use crate::container::writer::Writer;
use crate::ids::SymbolId;
use crate::program::{EdgeDef, EdgePolicy, Program, ShapeDef, ShapeRole};
use crate::protocol::{RoleId, StateId};

/// The least bytes of a shape: two symbol ids and two counts.
const MIN_SHAPE: usize = 4;
/// The least bytes of a role: its name and its first state.
const MIN_ROLE: usize = 2;
/// The least bytes of an edge: sender, receiver, policy, capacity.
const MIN_EDGE: usize = 4;

pub(in crate::container) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let (mut shapes, mut roles, mut edges) = (Measure::default(), Measure::default(), Measure::default());
    walk(&mut r.clone(), &mut shapes, &mut roles, &mut edges)?;
    let sessions = &mut program.sessions;
    r.reserve(sessions.shapes.try_reserve_exact(shapes.items))?;
    r.reserve(sessions.shape_roles.try_reserve_exact(roles.items))?;
    r.reserve(sessions.edges.try_reserve_exact(edges.items))?;
    walk(r, &mut sessions.shapes, &mut sessions.shape_roles, &mut sessions.edges)
}

fn walk(
    r: &mut Reader<'_>,
    shapes: &mut impl Sink<ShapeDef>,
    roles: &mut impl Sink<ShapeRole>,
    edges: &mut impl Sink<EdgeDef>,
) -> Result<()> {
    let (mut first_role, mut first_edge) = (0u32, 0u32);
    for _ in 0..r.count(MIN_SHAPE)? {
        let (name, global) = (SymbolId(r.uleb32()?), SymbolId(r.uleb32()?));
        let role_count = r.count16(MIN_ROLE)?;
        for _ in 0..role_count {
            roles.push(ShapeRole { role: RoleId(r.uleb16()?), entry: StateId(r.uleb32()?) });
        }
        // The limit on the container's size keeps all counts below 2^32.
        let edge_count = u32::try_from(r.count(MIN_EDGE)?).map_err(|_| r.out_of_memory())?;
        for _ in 0..edge_count {
            edges.push(read_edge(r)?);
        }
        shapes.push(ShapeDef { name, global, first_role, role_count, first_edge, edge_count });
        first_role = first_role.checked_add(role_count.into()).ok_or_else(|| r.out_of_memory())?;
        first_edge = first_edge.checked_add(edge_count).ok_or_else(|| r.out_of_memory())?;
    }
    Ok(())
}

fn read_edge(r: &mut Reader<'_>) -> Result<EdgeDef> {
    let (from, to) = (r.uleb16()?, r.uleb16()?);
    let start = r.offset();
    let found = r.u8()?;
    let policy = EdgePolicy::ALL.into_iter().find(|policy| *policy as u8 == found);
    let policy =
        policy.ok_or_else(|| r.error(start, DecodeErrorKind::BadTag { what: TagKind::Policy, found }))?;
    let capacity = r.uleb32()?;
    let max = if policy == EdgePolicy::Resize { r.uleb32()? } else { capacity };
    Ok(EdgeDef { from, to, policy, capacity, max })
}

pub(in crate::container) fn is_present(program: &Program) -> bool {
    let sessions = &program.sessions;
    !sessions.shapes.is_empty() || !sessions.shape_roles.is_empty() || !sessions.edges.is_empty()
}

pub(in crate::container) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let sessions = &program.sessions;
    w.count(sessions.shapes.len());
    let (mut roles, mut edges) = (sessions.shape_roles.as_slice(), sessions.edges.as_slice());
    let (mut first_role, mut first_edge) = (0u32, 0u32);
    for (i, shape) in sessions.shapes.iter().enumerate() {
        // The reader puts what belongs to one shape behind what belongs to another.
        let own_roles = roles.split_at_checked(shape.role_count.into());
        let own_edges = edges.split_at_checked(shape.edge_count as usize);
        let in_place = (shape.first_role, shape.first_edge) == (first_role, first_edge);
        let (Some(own_roles), Some(own_edges), true) = (own_roles, own_edges, in_place) else {
            return Err(EncodeErrorKind::ListLayout.at(i));
        };
        (roles, edges) = (own_roles.1, own_edges.1);
        first_role = first_role.saturating_add(shape.role_count.into());
        first_edge = first_edge.saturating_add(shape.edge_count);
        w.uleb32(shape.name.0);
        w.uleb32(shape.global.0);
        w.count(own_roles.0.len());
        for role in own_roles.0 {
            w.uleb16(role.role.0);
            w.uleb32(role.entry.0);
        }
        w.count(own_edges.0.len());
        for edge in own_edges.0 {
            write_edge(edge, w).map_err(|kind| kind.at(i))?;
        }
    }
    let rest = roles.is_empty() && edges.is_empty();
    if rest { Ok(()) } else { Err(EncodeErrorKind::ListLayout.at(sessions.shapes.len())) }
}

fn write_edge(edge: &EdgeDef, w: &mut Writer) -> core::result::Result<(), EncodeErrorKind> {
    w.uleb16(edge.from);
    w.uleb16(edge.to);
    w.u8(edge.policy as u8);
    w.uleb32(edge.capacity);
    if edge.policy == EdgePolicy::Resize {
        w.uleb32(edge.max);
    } else if edge.max != edge.capacity {
        return Err(EncodeErrorKind::EdgeMax { max: edge.max, capacity: edge.capacity });
    }
    Ok(())
}
