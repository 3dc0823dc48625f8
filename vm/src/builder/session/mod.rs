//! Sessions: roles, labels, local types, shapes, effects, guard layers, and the linear types of functions.
//!
//! Roles, labels, effects and layers are tables at once, so code can refer to them. Local types become states when the
//! program is finished: one minimal automaton for all of them, so that equal states have equal ids in the whole
//! program. Until then shapes and functions refer to states by the names of local types or by the types themselves.

pub(crate) mod decl;
mod edges;
mod party;
mod payloads;
mod reach;
mod resolve;
mod scope;
mod spec;
#[cfg(test)]
mod tests;

pub(crate) use decl::{ChanAt, ChanRef, DeclAt, EdgeDecl, LinearDecl, LinearRef, RoleRef, StateRef};
pub(crate) use decl::{LocalDecl, SessionDecls, ShapeDecl};
pub use party::{Party, PartyParam, Picks};
pub(crate) use resolve::Unresolved;
pub(crate) use spec::default_capacity;
pub use spec::{Edge, EffectOptions, Linear};

use super::tables::index_of;
use super::{BuildError, ProgramBuilder, push_list};
use crate::ids::{EffectId, FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{ContainerVersion, EdgePolicy, EffectDef, LayerDef, PayloadDef, Place};
use crate::protocol::{
    GlobalType, LabelId, LocalType, MergeMode, Name, RoleId, State, StateBranch, StateKind,
};
use crate::value_type::ValueType;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use spec::{Endpoint, Kind, Left};

/// An id of 16 bits for the next entry of a table.
fn index16(len: usize, what: &'static str) -> Result<u16, BuildError> {
    u16::try_from(len).map_err(|_| BuildError::TooLarge { what })
}

impl ProgramBuilder<'_> {
    /// The role with this name. Shapes and local types make the roles that they name.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if a table is full.
    pub fn role(&mut self, name: &str) -> Result<RoleId, BuildError> {
        match self.session_decls.role_ids.get(name) {
            Some(&id) => Ok(id),
            None => {
                let symbol = self.symbol(name)?;
                self.push_role(symbol, Some(name))
            }
        }
    }

    pub(crate) fn push_role(&mut self, symbol: SymbolId, name: Option<&str>) -> Result<RoleId, BuildError> {
        let roles = &mut self.program.sessions.roles;
        let id = RoleId(index16(roles.len(), "roles")?);
        roles.push(symbol);
        if let Some(name) = name {
            self.session_decls.role_ids.entry(Name::new(name)).or_insert(id);
        }
        self.need_version(ContainerVersion::V0_128);
        Ok(id)
    }

    /// The label with this name, for `offer` and `choose`. Local types make the labels that they name.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if a table is full.
    pub fn message_label(&mut self, name: &str) -> Result<LabelId, BuildError> {
        match self.session_decls.label_ids.get(name) {
            Some(&id) => Ok(id),
            None => {
                let symbol = self.symbol(name)?;
                self.push_message_label(symbol, Some(name))
            }
        }
    }

    pub(crate) fn push_message_label(
        &mut self,
        symbol: SymbolId,
        name: Option<&str>,
    ) -> Result<LabelId, BuildError> {
        let labels = &mut self.program.sessions.labels;
        let id = LabelId(index16(labels.len(), "labels")?);
        labels.push(symbol);
        if let Some(name) = name {
            self.session_decls.label_ids.entry(Name::new(name)).or_insert(id);
        }
        self.need_version(ContainerVersion::V0_128);
        Ok(id)
    }

    /// Declares a local type.
    ///
    /// An endpoint in a payload, `chan(Shop, X)`, is one of the role `X` of the shape `Shop` in its first state. If the
    /// shape has no such role, `X` is a local type, and the role is the one that comes to it.
    ///
    /// # Errors
    /// [`BuildError::Protocol`] if it is not well-formed, [`BuildError::NameTaken`] if another one has its name,
    /// [`BuildError::TooLarge`] if a table is full. What payloads name is looked up when the program is finished.
    pub fn local(&mut self, name: &str, ty: &LocalType) -> Result<(), BuildError> {
        ty.check().map_err(|errors| BuildError::Protocol { name: name.to_string(), errors })?;
        if self.names.locals.contains(name) {
            return Err(BuildError::NameTaken { what: "local type", name: name.to_string() });
        }
        let symbol = self.symbol(name)?;
        self.declare_local(symbol, name, StateRef::Type(ty.clone()))
    }

    /// Declares local types; as [`ProgramBuilder::local`] for each.
    ///
    /// # Errors
    /// As [`ProgramBuilder::local`].
    pub fn local_types(&mut self, types: &[(&str, &LocalType)]) -> Result<(), BuildError> {
        types.iter().try_for_each(|(name, ty)| self.local(name, ty))
    }

    /// Declares a local type without asking whether it is well-formed or its name is new.
    pub(crate) fn declare_local(
        &mut self,
        symbol: SymbolId,
        name: &str,
        entry: StateRef,
    ) -> Result<(), BuildError> {
        self.intern_state(&entry)?;
        self.names.locals.insert(String::from(name));
        self.session_decls.locals.push(LocalDecl { symbol, name: Name::new(name), entry });
        self.need_version(ContainerVersion::V0_128);
        Ok(())
    }

    /// Makes the roles and labels that a local type names, sorted by name.
    fn intern_state(&mut self, state: &StateRef) -> Result<(), BuildError> {
        if let StateRef::Type(ty) = state {
            for role in ty.partners() {
                self.role(&role)?;
            }
            for label in ty.labels() {
                self.message_label(&label)?;
            }
        }
        Ok(())
    }

    /// Declares a kind of session: its roles, each with the name of its local type, which may be declared later, and
    /// what is special about some of its edges. It has the edges that the local types use.
    ///
    /// # Errors
    /// [`BuildError::NameTaken`] if another one has its name, [`BuildError::TooLarge`] if a table is full. The local
    /// types are looked up when the program is finished.
    pub fn shape(
        &mut self,
        name: &str,
        roles: &[(&str, &str)],
        edges: &[Edge<'_>],
    ) -> Result<ShapeId, BuildError> {
        let mut states = Vec::with_capacity(roles.len());
        for (role, local) in roles {
            states.push((self.role(role)?, StateRef::Local(Name::new(local))));
        }
        self.new_shape(name, SymbolId(0), states, edges)
    }

    /// Declares a kind of session whose local types are the projections of a global type; see
    /// [`GlobalType::project_all`].
    ///
    /// # Errors
    /// As [`ProgramBuilder::shape`]; [`BuildError::Protocol`] if the type cannot be projected.
    pub fn projected_shape(
        &mut self,
        name: &str,
        global: &GlobalType,
        edges: &[Edge<'_>],
    ) -> Result<ShapeId, BuildError> {
        let roles = self.project(name, global)?;
        let text = self.symbol(&global.to_string())?;
        self.new_shape(name, text, roles, edges)
    }

    /// The roles of a global type with what they do.
    pub(crate) fn project(
        &mut self,
        name: &str,
        global: &GlobalType,
    ) -> Result<Vec<(RoleId, StateRef)>, BuildError> {
        let locals = global.project_all(MergeMode::Full);
        let locals = locals.map_err(|errors| BuildError::Protocol { name: name.to_string(), errors })?;
        let mut roles = Vec::with_capacity(locals.len());
        for (role, ty) in locals {
            roles.push((self.role(&role)?, StateRef::Type(ty)));
        }
        Ok(roles)
    }

    /// Attaches the global type that the local types of a shape are said to be projections of.
    ///
    /// # Errors
    /// [`BuildError::UnknownName`] if there is no such shape, [`BuildError::TooLarge`] if the symbol table is full.
    pub fn shape_global(&mut self, shape: ShapeId, global: &GlobalType) -> Result<(), BuildError> {
        let text = self.symbol(&global.to_string())?;
        let decl = self.session_decls.shapes.get_mut(shape.index());
        let unknown = || BuildError::UnknownName { what: "shape", name: shape.0.to_string() };
        decl.ok_or_else(unknown)?.global = text;
        Ok(())
    }

    fn new_shape(
        &mut self,
        name: &str,
        global: SymbolId,
        roles: Vec<(RoleId, StateRef)>,
        edges: &[Edge<'_>],
    ) -> Result<ShapeId, BuildError> {
        if self.names.shapes.contains(name) {
            return Err(BuildError::NameTaken { what: "shape", name: name.to_string() });
        }
        let edges = edges.iter().map(|edge| {
            let capacity = edge.capacity.unwrap_or(default_capacity(edge.policy));
            EdgeDecl {
                from: RoleRef::Name(Name::new(edge.from)),
                to: RoleRef::Name(Name::new(edge.to)),
                policy: edge.policy,
                capacity,
                max: edge.max.filter(|_| edge.policy == EdgePolicy::Resize).unwrap_or(capacity),
            }
        });
        let edges = edges.collect();
        let symbol = self.symbol(name)?;
        self.declare_shape(ShapeDecl { symbol, name: Name::new(name), global, roles, edges, raw: false })
    }

    /// Declares a shape without asking whether its name is new.
    pub(crate) fn declare_shape(&mut self, decl: ShapeDecl) -> Result<ShapeId, BuildError> {
        let id = ShapeId(index_of(self.session_decls.shapes.len(), "shapes")?);
        for (_, state) in &decl.roles {
            self.intern_state(state)?;
        }
        self.names.shapes.insert(String::from(&*decl.name));
        self.session_decls.shapes.push(decl);
        self.need_version(ContainerVersion::V0_128);
        Ok(id)
    }

    /// Declares an effect: what the embedder's handler does on `invoke`.
    ///
    /// # Errors
    /// [`BuildError::NameTaken`] if another one has its name, [`BuildError::TooLarge`] if a table is full.
    pub fn effect(
        &mut self,
        name: &str,
        params: &[ValueType],
        result: Option<ValueType>,
        options: EffectOptions<'_>,
    ) -> Result<EffectId, BuildError> {
        if self.names.effects.contains(name) {
            return Err(BuildError::NameTaken { what: "effect", name: name.to_string() });
        }
        let (name_id, capability) = (self.symbol(name)?, self.symbol(options.capability)?);
        let def = EffectDef { name: name_id, capability, speculative: options.speculative };
        let id = self.push_effect(def, params, result.as_slice())?;
        self.names.effects.insert(String::from(name));
        Ok(id)
    }

    pub(crate) fn push_effect(
        &mut self,
        def: EffectDef,
        params: &[ValueType],
        result: &[ValueType],
    ) -> Result<EffectId, BuildError> {
        let sessions = &mut self.program.sessions;
        let id = EffectId(index_of(sessions.effects.len(), "effects")?);
        push_list(&mut sessions.effect_types, params, "effects")?;
        push_list(&mut sessions.effect_types, result, "effects")?;
        sessions.effects.push(def);
        self.need_version(ContainerVersion::V0_128);
        Ok(id)
    }

    /// Declares a guard layer that at most `capacity` coroutines hold at once.
    ///
    /// # Errors
    /// [`BuildError::NameTaken`] if another one has its name, [`BuildError::TooLarge`] if a table is full.
    pub fn layer(&mut self, name: &str, capacity: u32) -> Result<LayerId, BuildError> {
        if self.names.layers.contains(name) {
            return Err(BuildError::NameTaken { what: "guard layer", name: name.to_string() });
        }
        let symbol = self.symbol(name)?;
        let id = self.push_layer(LayerDef { name: symbol, capacity })?;
        self.names.layers.insert(String::from(name));
        Ok(id)
    }

    pub(crate) fn push_layer(&mut self, def: LayerDef) -> Result<LayerId, BuildError> {
        let id = LayerId(index_of(self.program.sessions.layers.len(), "guard layers")?);
        self.program.sessions.layers.push(def);
        self.need_version(ContainerVersion::V0_128);
        Ok(id)
    }

    /// Says which endpoint or evidence a parameter or result is. Every one of class `chan` or `evidence` needs this;
    /// the verifier compares the two.
    ///
    /// # Errors
    /// [`BuildError::UnknownFunction`]; [`BuildError::Protocol`] if a local type is not well-formed. Names are looked up
    /// when the program is finished.
    pub fn linear(&mut self, func: FuncId, place: Place, ty: Linear<'_>) -> Result<(), BuildError> {
        if func.index() >= self.decls.len() {
            return Err(BuildError::UnknownFunction { func });
        }
        let chan = |endpoint: Endpoint<'_>| -> Result<ChanRef, BuildError> {
            let state = match endpoint.left {
                Left::All => None,
                Left::Named(local) => Some(StateRef::Local(Name::new(local))),
                Left::Type(ty) => {
                    let name = String::new();
                    ty.check().map_err(|errors| BuildError::Protocol { name, errors })?;
                    Some(StateRef::Type(ty.clone()))
                }
            };
            let role = RoleRef::Name(Name::new(endpoint.role));
            Ok(ChanRef { shape: endpoint.shape, at: ChanAt::Role(role, state) })
        };
        let ty = match ty.0 {
            Kind::Chan(endpoint) => LinearRef::Chan(chan(endpoint)?),
            Kind::Handle(endpoint) => LinearRef::Handle(chan(endpoint)?),
            Kind::Evidence(layer) => LinearRef::Evidence(layer),
        };
        self.declare_linear(LinearDecl { func, place, ty })
    }

    pub(crate) fn declare_linear(&mut self, decl: LinearDecl) -> Result<(), BuildError> {
        if let LinearRef::Chan(chan) | LinearRef::Handle(chan) = &decl.ty
            && let ChanAt::Role(_, Some(state)) = &chan.at
        {
            self.intern_state(state)?;
        }
        self.session_decls.linear.push(decl);
        self.need_version(ContainerVersion::V0_128);
        Ok(())
    }

    /// Appends a payload as it is; local types can no longer be given as such.
    pub(crate) fn push_payload(&mut self, payload: PayloadDef) {
        self.session_decls.by_index = true;
        self.program.sessions.payloads.push(payload);
        self.need_version(ContainerVersion::V0_128);
    }

    /// Appends a state as it is; local types can no longer be given as such.
    pub(crate) fn push_state(&mut self, kind: StateKind, branches: &[StateBranch]) -> Result<(), BuildError> {
        self.session_decls.by_index = true;
        let first = index_of(self.program.sessions.branches.len(), "branches of states")?;
        let len = index16(branches.len(), "branches of a state")?;
        self.program.sessions.branches.extend_from_slice(branches);
        self.program.sessions.states.push(State { kind, first, len });
        self.need_version(ContainerVersion::V0_128);
        Ok(())
    }

    /// Makes tables of the declarations. What cannot be looked up is left out.
    pub(crate) fn resolve_sessions(&mut self) -> Vec<Unresolved> {
        let decls = core::mem::take(&mut self.session_decls);
        let errors =
            if decls.is_empty() { Vec::new() } else { resolve::resolve(&decls, &mut self.program.sessions) };
        self.session_decls =
            SessionDecls { role_ids: decls.role_ids, label_ids: decls.label_ids, ..Default::default() };
        errors
    }
}
