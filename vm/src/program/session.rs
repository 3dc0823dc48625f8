//! What a program declares about sessions: local types as tables of states, shapes, effects, guard layers.
//!
//! Everything is an index into another table; nothing here is checked until the verifier has seen it.

use super::Lists;
use crate::ids::{EffectId, FuncId, LayerId, ShapeId, SymbolId};
use crate::protocol::{LabelId, PayloadId, RoleId, State, StateBranch, StateId, StateKind};
use crate::value_type::ValueType;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// Most roles of a shape.
pub const MAX_SHAPE_ROLES: usize = 256;

/// What a message carries beside its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadDef {
    /// A value of this class; [`ValueType::Unit`] for nothing.
    Value(ValueType),
    /// A tuple of these payloads, each declared before this one.
    Tuple(Vec<PayloadId>),
    /// An endpoint of a session of this shape and role, in this state.
    Chan(ChanType),
}

/// The type of an endpoint: whose it is, and what is left to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChanType {
    /// The shape of its session.
    pub shape: ShapeId,
    /// The place of its role in the shape.
    pub role: u16,
    /// What is left to be done.
    pub state: StateId,
}

/// A local type with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalDef {
    /// Its name.
    pub name: SymbolId,
    /// Its first state.
    pub entry: StateId,
}

/// A kind of session: its roles with their local types, and its edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeDef {
    /// Its name.
    pub name: SymbolId,
    /// The text of the global type that its local types are projections of; symbol 0 for none.
    pub global: SymbolId,
    /// Where its roles begin among all shapes' roles, and how many there are.
    pub first_role: u32,
    /// The number of its roles.
    pub role_count: u16,
    /// Where its edges begin among all shapes' edges.
    pub first_edge: u32,
    /// The number of its edges.
    pub edge_count: u32,
}

/// A role of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeRole {
    /// Its name, by number.
    pub role: RoleId,
    /// What it does, from its first state on.
    pub entry: StateId,
}

/// What happens to a message for which an edge has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EdgePolicy {
    /// The sender waits.
    #[default]
    Block = 0,
    /// The message is lost. Lossy: the receiver may wait for ever.
    Drop = 1,
    /// The sender traps with `BufferFull`.
    Error = 2,
    /// The buffer doubles up to `max`; then the sender traps with `BufferFull`.
    Resize = 3,
    /// The edge holds the latest message only, which is never too much. Lossy.
    Latest = 4,
}

impl EdgePolicy {
    /// All policies, by code.
    pub const ALL: [Self; 5] = [Self::Block, Self::Drop, Self::Error, Self::Resize, Self::Latest];

    /// The word of the assembler.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Drop => "drop",
            Self::Error => "error",
            Self::Resize => "resize",
            Self::Latest => "latest",
        }
    }

    /// Whether messages may be lost, so that a protocol which is sound on paper can get stuck.
    #[must_use]
    pub const fn is_lossy(self) -> bool {
        matches!(self, Self::Drop | Self::Latest)
    }
}

/// A directed edge of a shape: a bounded queue of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeDef {
    /// The place of the sender in the shape.
    pub from: u16,
    /// The place of the receiver in the shape.
    pub to: u16,
    /// What happens when it is full.
    pub policy: EdgePolicy,
    /// Messages that it holds, at least 1.
    pub capacity: u32,
    /// With [`EdgePolicy::Resize`]: messages that it may come to hold; else equal to `capacity`.
    pub max: u32,
}

impl EdgeDef {
    /// The capacity of edges that declare none.
    pub const DEFAULT_CAPACITY: u32 = 64;
}

/// An effect: something that the embedder's handler does on `invoke`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectDef {
    /// Its name.
    pub name: SymbolId,
    /// The capability that the embedder must have granted; symbol 0 for none.
    pub capability: SymbolId,
    /// Whether it may be invoked inside of a speculation: it has to be harmless if that is aborted.
    pub speculative: bool,
}

/// A guard layer: something that at most `capacity` coroutines hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerDef {
    /// Its name.
    pub name: SymbolId,
    /// How many may hold it at once, at least 1.
    pub capacity: u32,
}

/// A parameter or result of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Parameter, counted from 0.
    Param(u32),
    /// Result, counted from 0.
    Result(u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(n) => write!(f, "parameter {n}"),
            Self::Result(n) => write!(f, "result {n}"),
        }
    }
}

/// The exact type of a parameter or result whose class is `chan` or `evidence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinearType {
    /// An endpoint, owned.
    Chan(ChanType),
    /// An endpoint that the function does not own yet: its first use waits until a `transfer` of it arrives. Parameters
    /// only.
    Handle(ChanType),
    /// Proof of holding a guard layer.
    Evidence(LayerId),
}

/// One entry of the section of linear types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinearDef {
    /// The function.
    pub func: FuncId,
    /// Which parameter or result.
    pub place: Place,
    /// Its type.
    pub ty: LinearType,
}

/// Everything that a program declares about sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTables {
    /// Names of roles, by [`RoleId`].
    pub roles: Vec<SymbolId>,
    /// Names of labels, by [`LabelId`].
    pub labels: Vec<SymbolId>,
    /// By [`PayloadId`].
    pub payloads: Vec<PayloadDef>,
    /// By [`StateId`].
    pub states: Vec<State>,
    /// The branches of all states.
    pub branches: Vec<StateBranch>,
    /// Names of local types, for people.
    pub locals: Vec<LocalDef>,
    /// By [`ShapeId`].
    pub shapes: Vec<ShapeDef>,
    /// The roles of all shapes.
    pub shape_roles: Vec<ShapeRole>,
    /// The edges of all shapes; of a shape sorted by sender and receiver.
    pub edges: Vec<EdgeDef>,
    /// By [`EffectId`].
    pub effects: Vec<EffectDef>,
    /// Two lists an effect: parameters; the result, if there is one.
    pub effect_types: Lists<ValueType>,
    /// By [`LayerId`].
    pub layers: Vec<LayerDef>,
    /// Types of parameters and results, sorted by function and place.
    pub linear: Vec<LinearDef>,
}

impl SessionTables {
    /// Whether the program declares nothing about sessions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A state.
    #[must_use]
    pub fn state(&self, id: StateId) -> Option<&State> {
        self.states.get(id.0 as usize)
    }

    /// What is done in a state; nothing in one that does not exist.
    #[must_use]
    pub fn kind(&self, id: StateId) -> StateKind {
        self.state(id).map_or(StateKind::End, |state| state.kind)
    }

    /// The branches of a state, sorted by label.
    #[must_use]
    pub fn branches_of(&self, id: StateId) -> &[StateBranch] {
        let Some(state) = self.state(id) else { return &[] };
        let start = state.first as usize;
        self.branches.get(start..start.saturating_add(state.len.into())).unwrap_or(&[])
    }

    /// The branch of a state with this label.
    #[must_use]
    pub fn branch(&self, id: StateId, label: LabelId) -> Option<&StateBranch> {
        let branches = self.branches_of(id);
        let at = branches.binary_search_by_key(&label, |branch| branch.label).ok()?;
        branches.get(at)
    }

    /// A payload.
    #[must_use]
    pub fn payload(&self, id: PayloadId) -> Option<&PayloadDef> {
        self.payloads.get(usize::from(id.0))
    }

    /// The class of registers that hold a payload.
    #[must_use]
    pub fn payload_class(&self, id: PayloadId) -> Option<ValueType> {
        Some(match self.payload(id)? {
            PayloadDef::Value(ty) => *ty,
            PayloadDef::Tuple(_) => ValueType::Agg,
            PayloadDef::Chan(_) => ValueType::Chan,
        })
    }

    /// A shape.
    #[must_use]
    pub fn shape(&self, id: ShapeId) -> Option<&ShapeDef> {
        self.shapes.get(id.index())
    }

    /// The roles of a shape.
    #[must_use]
    pub fn roles_of(&self, id: ShapeId) -> &[ShapeRole] {
        let Some(shape) = self.shape(id) else { return &[] };
        let start = shape.first_role as usize;
        self.shape_roles.get(start..start.saturating_add(shape.role_count.into())).unwrap_or(&[])
    }

    /// The edges of a shape.
    #[must_use]
    pub fn edges_of(&self, id: ShapeId) -> &[EdgeDef] {
        let Some(shape) = self.shape(id) else { return &[] };
        let start = shape.first_edge as usize;
        self.edges.get(start..start.saturating_add(shape.edge_count as usize)).unwrap_or(&[])
    }

    /// An effect's parameter types and its result, if it has one.
    #[must_use]
    pub fn effect_sig(&self, id: EffectId) -> Option<super::Signature<'_>> {
        super::signature(&self.effect_types, id.index())
    }

    /// The linear types of a function's parameters and results, sorted by place.
    #[must_use]
    pub fn linear_of(&self, func: FuncId) -> &[LinearDef] {
        self.linear.get(self.linear_range(func)).unwrap_or(&[])
    }

    /// The linear type of a parameter or result.
    #[must_use]
    pub fn linear_at(&self, func: FuncId, place: Place) -> Option<LinearType> {
        let defs = self.linear_of(func);
        let at = defs.binary_search_by_key(&place, |def| def.place).ok()?;
        defs.get(at).map(|def| def.ty)
    }

    fn linear_range(&self, func: FuncId) -> Range<usize> {
        let start = self.linear.partition_point(|def| def.func < func);
        start..self.linear.partition_point(|def| def.func <= func)
    }
}
