//! From tables about sessions back to declarations.
//!
//! Text with local types and names is used if it gives the very tables back. Whether it does is not reasoned about but
//! tried: the declarations are given to the builder as the assembler would give them, and its tables are compared. If
//! they differ, as for tables that do not verify, everything is written by index.

use super::view::View;
use crate::builder::{
    ChanAt, ChanRef, EdgeDecl, LinearDecl, LinearRef, LocalDecl, ProgramBuilder, RoleRef, ShapeDecl,
    StateRef, default_capacity,
};
use crate::ids::{ShapeId, SymbolId};
use crate::program::{
    ChanType, EdgeDef, EdgePolicy, LinearType, NamedStates, Place, SessionTables, ShapeDef,
};
use crate::protocol::{GlobalType, MAX_NODES, MergeMode, Name, RoleId, StateId};
use crate::value_type::ValueType;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Declarations that give the tables of a program.
#[derive(Debug)]
pub(super) struct Recovered {
    /// Roles and labels have to be declared by themselves, in the order of their numbers.
    pub(super) names: bool,
    pub(super) locals: Vec<LocalDecl>,
    /// Shapes, and whether their local types are projections of their global type.
    pub(super) shapes: Vec<(ShapeDecl, bool)>,
    pub(super) linear: Vec<LinearDecl>,
}

/// How a shape is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Globals {
    /// By its global type where it has one that fits.
    Projected,
    /// By its roles.
    Attached,
}

/// Declarations for a program's tables, if there are some that give them back.
pub(super) fn recover(view: &View<'_>) -> Option<Recovered> {
    let tables = view.program.sessions();
    let states = NamedStates::new(view.program, |symbol| view.symbol_text(symbol));
    let wanted = normal(view, tables);
    for (globals, names) in [
        (Globals::Projected, false),
        (Globals::Projected, true),
        (Globals::Attached, false),
        (Globals::Attached, true),
    ] {
        let mut recovery = Recovery { view, tables, states: &states, budget: budget(view) };
        let recovered = recovery.declarations(globals, names)?;
        if try_out(view, &states, &recovered).is_some_and(|tables| tables == wanted) {
            return Some(recovered);
        }
    }
    None
}

/// Nodes of types that may be shown: as many as the tables can be expected to come from, and some more.
fn budget(view: &View<'_>) -> usize {
    let tables = view.program.sessions();
    let size = tables.states.len() + tables.branches.len() + tables.linear.len() + tables.shape_roles.len();
    size.saturating_mul(16).saturating_add(1 << 12)
}

/// The tables without what assembling does not keep: of symbols with the same text, the first is meant.
fn normal(view: &View<'_>, tables: &SessionTables) -> SessionTables {
    let mut tables = SessionTables {
        effects: Vec::new(),
        effect_types: Default::default(),
        layers: Vec::new(),
        ..tables.clone()
    };
    let fix = |symbol: &mut SymbolId| *symbol = view.first_symbol(*symbol);
    tables.roles.iter_mut().for_each(fix);
    tables.labels.iter_mut().for_each(fix);
    tables.locals.iter_mut().for_each(|local| fix(&mut local.name));
    tables.shapes.iter_mut().for_each(|shape| {
        fix(&mut shape.name);
        fix(&mut shape.global);
    });
    tables
}

/// The tables that the assembler would make.
fn try_out(view: &View<'_>, states: &NamedStates<'_>, recovered: &Recovered) -> Option<SessionTables> {
    let mut builder = ProgramBuilder::with_isa(*view.isa());
    for text in view.program.symbols().iter().skip(1) {
        builder.push_symbol(text).ok()?;
    }
    if recovered.names {
        for role in &states.roles {
            builder.role(role.as_deref()?).ok()?;
        }
        for label in &states.labels {
            builder.message_label(label.as_deref()?).ok()?;
        }
    }
    for local in &recovered.locals {
        builder.declare_local(local.symbol, &local.name, local.entry.clone()).ok()?;
    }
    for (shape, projected) in &recovered.shapes {
        // Roles are made in the order of the text.
        if *projected {
            let global: GlobalType = view.program.symbol(shape.global)?.parse().ok()?;
            builder.project(&shape.name, &global).ok()?;
        } else {
            for (role, _) in &shape.roles {
                builder.role(states.roles.get(usize::from(role.0))?.as_deref()?).ok()?;
            }
        }
        builder.declare_shape(shape.clone()).ok()?;
    }
    for linear in &recovered.linear {
        builder.declare_linear(linear.clone()).ok()?;
    }
    builder.resolve_sessions().is_empty().then_some(builder.program.sessions)
}

struct Recovery<'v, 'p> {
    view: &'v View<'p>,
    tables: &'p SessionTables,
    states: &'v NamedStates<'p>,
    /// Nodes of types that may still be shown.
    budget: usize,
}

impl Recovery<'_, '_> {
    fn declarations(&mut self, globals: Globals, names: bool) -> Option<Recovered> {
        let mut locals = Vec::new();
        for (def, name) in self.tables.locals.iter().zip(&self.states.locals) {
            let (name, entry) = (name.clone()?, self.written(def.entry)?);
            locals.push(LocalDecl { symbol: self.view.first_symbol(def.name), name, entry });
        }
        let mut shapes = Vec::new();
        for (id, def) in (0u32..).map(ShapeId).zip(&self.tables.shapes) {
            shapes.push(self.shape(id, def, globals)?);
        }
        let mut linear = Vec::new();
        for def in &self.tables.linear {
            let ty = match def.ty {
                LinearType::Chan(chan) => LinearRef::Chan(self.chan(chan)),
                LinearType::Handle(chan) => LinearRef::Handle(self.chan(chan)),
                LinearType::Evidence(layer) => LinearRef::Evidence(layer),
            };
            linear.push(LinearDecl { func: def.func, place: def.place, ty });
        }
        Some(Recovered { names, locals, shapes, linear })
    }

    /// The local type of a state, if the budget allows.
    fn written(&mut self, state: StateId) -> Option<StateRef> {
        let ty = self.states.local_type(state, self.budget.min(MAX_NODES)).ok()?;
        self.budget = self.budget.saturating_sub(ty.size());
        Some(StateRef::Type(ty))
    }

    fn shape(&mut self, id: ShapeId, def: &ShapeDef, globals: Globals) -> Option<(ShapeDecl, bool)> {
        let name = self.states.shapes.get(id.index())?.clone()?;
        let (symbol, global) = (self.view.first_symbol(def.name), self.view.first_symbol(def.global));
        let roles = self.tables.roles_of(id);
        let named = roles.iter().all(|role| self.states.local_at.contains_key(&role.entry));
        let projected = match globals {
            Globals::Projected if !named => self.projection(id, global),
            _ => None,
        };
        let is_projected = projected.is_some();
        let roles = match projected {
            Some(roles) => roles,
            None => {
                let mut written = Vec::new();
                for role in roles {
                    let state = match self.states.local_at.get(&role.entry) {
                        Some(local) => StateRef::Local(local.clone()),
                        None => self.written(role.entry)?,
                    };
                    self.states.roles.get(usize::from(role.role.0))?.as_ref()?;
                    written.push((role.role, state));
                }
                written
            }
        };
        let edges = self.tables.edges_of(id).iter();
        let special = edges.filter(|edge| {
            let usual = EdgeDef::DEFAULT_CAPACITY;
            (edge.policy, edge.capacity, edge.max) != (EdgePolicy::Block, usual, usual)
        });
        let edges = special.map(|edge| self.edge(id, edge)).collect::<Option<Vec<_>>>()?;
        Some((ShapeDecl { symbol, name, global, roles, edges, raw: false }, is_projected))
    }

    /// What the roles of a shape do by its global type, if it has one that says so for the same roles.
    fn projection(&mut self, id: ShapeId, global: SymbolId) -> Option<Vec<(RoleId, StateRef)>> {
        let text = self
            .view
            .symbol_text(global)
            .filter(|_| global.0 != 0 && self.budget >= global_cost(self.view, global))?;
        self.budget = self.budget.saturating_sub(text.len());
        let ty: GlobalType = text.parse().ok()?;
        if ty.to_string() != text {
            return None;
        }
        let locals = ty.project_all(MergeMode::Full).ok()?;
        let roles = self.tables.roles_of(id);
        let mut out = Vec::new();
        for (role, (name, local)) in roles.iter().zip(&locals) {
            if self.states.roles.get(usize::from(role.role.0))?.as_ref()? != name {
                return None;
            }
            out.push((role.role, StateRef::Type(local.clone())));
        }
        (roles.len() == locals.len()).then_some(out)
    }

    fn edge(&self, id: ShapeId, edge: &EdgeDef) -> Option<EdgeDecl> {
        let end = |place| self.role_name(id, place).map(RoleRef::Name);
        let EdgeDef { policy, capacity, max, .. } = *edge;
        Some(EdgeDecl { from: end(edge.from)?, to: end(edge.to)?, policy, capacity, max })
    }

    /// The name of the role at a place of a shape.
    fn role_name(&self, id: ShapeId, place: u16) -> Option<Name> {
        let role = self.tables.roles_of(id).get(usize::from(place))?.role;
        self.states.roles.get(usize::from(role.0))?.clone()
    }

    /// The type of an endpoint: by names as far as there are some, else by index.
    fn chan(&mut self, chan: ChanType) -> ChanRef {
        let role = self.tables.roles_of(chan.shape).get(usize::from(chan.role));
        let at = match role {
            Some(role) if role.entry == chan.state => None,
            _ => Some(match self.states.local_at.get(&chan.state) {
                Some(local) => StateRef::Local(local.clone()),
                None => self.written(chan.state).unwrap_or(StateRef::Index(chan.state)),
            }),
        };
        let name = self.role_name(chan.shape, chan.role);
        let role = name.map_or(RoleRef::Place(chan.role), RoleRef::Name);
        ChanRef { shape: chan.shape, at: ChanAt::Role(role, at) }
    }
}

/// What reading a global type costs.
fn global_cost(view: &View<'_>, global: SymbolId) -> usize {
    view.program.symbol(global).map_or(0, str::len)
}

/// Whether every linear type can stand at its function: one for each parameter and result, of the class that it says.
pub(super) fn linear_is_regular(view: &View<'_>) -> bool {
    let linear = &view.program.sessions().linear;
    let mut places = BTreeMap::new();
    linear.iter().all(|def| {
        let sig = view.program.func_sig(def.func);
        let class = sig.and_then(|sig| match def.place {
            Place::Param(index) => sig.params.get(index as usize),
            Place::Result(index) => sig.results.get(index as usize),
        });
        let expected = match def.ty {
            LinearType::Chan(_) | LinearType::Handle(_) => ValueType::Chan,
            LinearType::Evidence(_) => ValueType::Evidence,
        };
        let exists = def.func.index() < view.program.functions().len();
        exists && class == Some(&expected) && places.insert((def.func, def.place), ()).is_none()
    })
}

/// An edge as it is declared, apart from its ends.
pub(super) fn edge_words(policy: EdgePolicy, capacity: u32, max: u32) -> alloc::string::String {
    let mut words = alloc::string::String::new();
    if capacity != default_capacity(policy) {
        words.push_str(" capacity ");
        words.push_str(&capacity.to_string());
    }
    if policy != EdgePolicy::Block {
        words.push_str(" policy ");
        words.push_str(policy.name());
    }
    if policy == EdgePolicy::Resize {
        words.push_str(" max ");
        words.push_str(&max.to_string());
    }
    words
}
