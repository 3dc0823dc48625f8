//! Declarations about sessions while they still name what they refer to. They become tables in
//! [`resolve`](super::resolve), when all of them are known.

use crate::ids::{FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{EdgePolicy, Place};
use crate::protocol::{LabelId, LocalType, Name, RoleId, StateId};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// All declarations of a program that are not tables yet.
#[derive(Debug, Default)]
pub(crate) struct SessionDecls {
    /// The first role and label of each name.
    pub(crate) role_ids: BTreeMap<Name, RoleId>,
    pub(crate) label_ids: BTreeMap<Name, LabelId>,
    pub(crate) locals: Vec<LocalDecl>,
    pub(crate) shapes: Vec<ShapeDecl>,
    pub(crate) linear: Vec<LinearDecl>,
    /// States and payloads are tables already: nothing is to be made of local types.
    pub(crate) by_index: bool,
}

/// A state, by what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateRef {
    /// The first one of the local type with this name.
    Local(Name),
    /// The first one of this local type.
    Type(LocalType),
    /// This one.
    Index(StateId),
}

/// A role of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RoleRef {
    Name(Name),
    Place(u16),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalDecl {
    pub(crate) symbol: SymbolId,
    /// The text of the symbol, where there is one.
    pub(crate) name: Name,
    /// No other local type's name.
    pub(crate) entry: StateRef,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShapeDecl {
    pub(crate) symbol: SymbolId,
    pub(crate) name: Name,
    pub(crate) global: SymbolId,
    pub(crate) roles: Vec<(RoleId, StateRef)>,
    pub(crate) edges: Vec<EdgeDecl>,
    /// The edges are all that there are, in this order, with places of roles. Else they are those that the types use,
    /// and `edges` says what is special about some.
    pub(crate) raw: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EdgeDecl {
    pub(crate) from: RoleRef,
    pub(crate) to: RoleRef,
    pub(crate) policy: EdgePolicy,
    pub(crate) capacity: u32,
    pub(crate) max: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinearDecl {
    pub(crate) func: FuncId,
    pub(crate) place: Place,
    pub(crate) ty: LinearRef,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinearRef {
    Chan(ChanRef),
    Handle(ChanRef),
    Evidence(LayerId),
}

/// The type of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChanRef {
    pub(crate) shape: ShapeId,
    pub(crate) at: ChanAt,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChanAt {
    /// A role of the shape with this name, in its first state; or else the local type with this name, of the role that
    /// comes to it.
    Either(Name),
    /// A role in its first state, or in another.
    Role(RoleRef, Option<StateRef>),
}

/// Which declaration something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DeclAt {
    /// All together.
    Program,
    Local(usize),
    Shape(usize),
    /// A role of a shape.
    Role(usize, usize),
    /// An edge of a shape.
    Edge(usize, usize),
    Linear(usize),
}

impl SessionDecls {
    pub(crate) fn is_empty(&self) -> bool {
        self.locals.is_empty() && self.shapes.is_empty() && self.linear.is_empty()
    }

    /// Every local type that is given as such, in the order in which their states are numbered.
    pub(crate) fn types(&self) -> impl Iterator<Item = (&LocalType, DeclAt)> {
        let locals = self.locals.iter().enumerate().map(|(i, local)| (&local.entry, DeclAt::Local(i)));
        let shapes = self.shapes.iter().enumerate().flat_map(|(i, shape)| {
            shape.roles.iter().enumerate().map(move |(place, role)| (&role.1, DeclAt::Role(i, place)))
        });
        let linear = self.linear.iter().enumerate().filter_map(|(i, linear)| match &linear.ty {
            LinearRef::Chan(chan) | LinearRef::Handle(chan) => match &chan.at {
                ChanAt::Role(_, Some(state)) => Some((state, DeclAt::Linear(i))),
                ChanAt::Role(_, None) | ChanAt::Either(_) => None,
            },
            LinearRef::Evidence(_) => None,
        });
        locals.chain(shapes).chain(linear).filter_map(|(state, at)| match state {
            StateRef::Type(ty) => Some((ty, at)),
            StateRef::Local(_) | StateRef::Index(_) => None,
        })
    }
}
