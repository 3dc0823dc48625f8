//! What the program's shapes mean at run time: edges by their ends, roles by their names.

use super::config::SessionConfig;
use crate::ids::{FuncId, ShapeId};
use crate::lower::ExecProgram;
use crate::program::{EdgeDef, EdgePolicy, LinearType, PayloadDef, Place, SessionTables};
use crate::protocol::{PayloadId, RoleId, StateId};
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// No edge, no role.
pub(super) const NONE: u16 = u16::MAX;

/// A shape, ready to be opened.
#[derive(Clone, Debug)]
pub(super) struct ShapePlan {
    /// By place of the role: its first state.
    pub(super) entries: Box<[StateId]>,
    /// By role name: the place of the role in the shape, [`NONE`] if it has none.
    places: Box<[u16]>,
    /// By place of sender and receiver: the edge, [`NONE`] if there is none.
    edge_at: Box<[u16]>,
    pub(super) edges: Box<[EdgeDef]>,
}

impl ShapePlan {
    fn new(tables: &SessionTables, shape: ShapeId, config: &SessionConfig) -> Self {
        let roles = tables.roles_of(shape);
        let mut places = vec![NONE; tables.roles.len()];
        for (place, role) in (0..).zip(roles) {
            if let Some(slot) = places.get_mut(usize::from(role.role.0)) {
                *slot = place;
            }
        }
        let edges: Box<[EdgeDef]> = tables
            .edges_of(shape)
            .iter()
            .map(|edge| config.edge.map_or(*edge, |over| over.apply(edge)))
            .collect();
        let mut edge_at = vec![NONE; roles.len() * roles.len()];
        for (index, edge) in (0..).zip(&edges) {
            if let Some(slot) = edge_at.get_mut(usize::from(edge.from) * roles.len() + usize::from(edge.to)) {
                *slot = index;
            }
        }
        Self {
            entries: roles.iter().map(|role| role.entry).collect(),
            places: places.into(),
            edge_at: edge_at.into(),
            edges,
        }
    }

    /// The place of a role in the shape.
    #[inline]
    pub(super) fn place(&self, role: RoleId) -> Option<u16> {
        self.places.get(usize::from(role.0)).copied().filter(|&place| place != NONE)
    }

    /// The edge from one place to another.
    #[inline]
    pub(super) fn edge(&self, from: u16, to: u16) -> Option<u16> {
        let at = usize::from(from) * self.entries.len() + usize::from(to);
        self.edge_at.get(at).copied().filter(|&edge| edge != NONE)
    }

    /// The most messages that an edge may come to hold.
    pub(super) fn bound(&self, edge: u16) -> u32 {
        self.edges.get(usize::from(edge)).map_or(1, |edge| match edge.policy {
            EdgePolicy::Latest => 1,
            EdgePolicy::Resize => edge.max.max(edge.capacity),
            _ => edge.capacity.max(1),
        })
    }
}

/// What has to be done about a payload on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    /// Nothing.
    Plain,
    /// A float: a NaN leaves with canonical bits.
    Float,
    /// An endpoint: it changes hands.
    Endpoint,
}

/// A parameter of a function that takes something linear.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearParam {
    /// Its slot among the parameter slots.
    pub(super) slot: u32,
    pub(super) ty: LinearType,
}

impl LinearParam {
    /// Whether the argument for it is also that for another one: nobody owns anything twice.
    pub(super) fn is_same(&self, other: &Self, slots: &[u64]) -> bool {
        let of_guard = |ty| matches!(ty, LinearType::Evidence(_));
        of_guard(self.ty) == of_guard(other.ty)
            && slots.get(self.slot as usize) == slots.get(other.slot as usize)
    }
}

/// Everything about the program that the machine looks up while it runs.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) tables: SessionTables,
    pub(super) shapes: Box<[ShapePlan]>,
    /// By payload.
    carries: Box<[Carries]>,
    /// By function.
    linear: Box<[Box<[LinearParam]>]>,
}

impl Plan {
    pub(super) fn new(program: &ExecProgram, config: &SessionConfig) -> Self {
        let tables =
            program.source.as_ref().map(|source| source.program().sessions().clone()).unwrap_or_default();
        let tables = &tables;
        let shapes =
            (0..tables.shapes.len() as u32).map(|i| ShapePlan::new(tables, ShapeId(i), config)).collect();
        let linear = (0..program.functions.len() as u32).map(|i| linear_params(tables, program, FuncId(i)));
        let carries = tables.payloads.iter().map(|payload| match payload {
            PayloadDef::Value(ValueType::F64) => Carries::Float,
            PayloadDef::Value(_) | PayloadDef::Tuple(_) => Carries::Plain,
            PayloadDef::Chan(_) => Carries::Endpoint,
        });
        Self { shapes, linear: linear.collect(), carries: carries.collect(), tables: tables.clone() }
    }

    pub(super) fn shape(&self, id: ShapeId) -> Option<&ShapePlan> {
        self.shapes.get(id.index())
    }

    #[inline]
    pub(super) fn carries(&self, payload: PayloadId) -> Carries {
        self.carries.get(usize::from(payload.0)).copied().unwrap_or(Carries::Plain)
    }

    /// The linear parameters of a function.
    pub(super) fn linear(&self, func: FuncId) -> &[LinearParam] {
        self.linear.get(func.index()).map_or(&[], |params| params)
    }
}

fn linear_params(tables: &SessionTables, program: &ExecProgram, func: FuncId) -> Box<[LinearParam]> {
    let mut slot = 0;
    let mut found = Vec::new();
    for (index, ty) in (0..).zip(program.function(func).map_or(&[][..], |function| &function.params)) {
        if let Some(ty) = tables.linear_at(func, Place::Param(index)) {
            found.push(LinearParam { slot, ty });
        }
        slot += ty.slots();
    }
    found.into()
}
