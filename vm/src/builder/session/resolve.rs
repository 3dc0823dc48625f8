//! From declarations to tables: states by one minimal automaton, names by look-up, edges from what the types use.

use super::decl::{ChanAt, ChanRef, DeclAt, LinearRef, RoleRef, SessionDecls, ShapeDecl, StateRef};
use super::payloads::{self, Chans};
use super::reach::Reaches;
use crate::builder::BuildError;
use crate::ids::ShapeId;
use crate::program::{
    ChanType, EdgeDef, EdgePolicy, LinearDef, LinearType, LocalDef, MAX_SHAPE_ROLES, SessionTables, ShapeDef,
    ShapeRole,
};
use crate::protocol::{
    Automaton, LabelId, LocalType, Name, Payload, Place, RoleId, State, StateBranch, StateId, StateKind,
};
use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A declaration that means nothing.
#[derive(Debug)]
pub(crate) struct Unresolved {
    pub(crate) at: DeclAt,
    /// Where in the text of the declaration's local type.
    pub(crate) place: Option<Place>,
    pub(crate) error: BuildError,
}

/// Errors that are collected before the rest is left unsaid.
const MAX_ERRORS: usize = 64;

/// How often endpoints in payloads that turn out to be the same are made one, before the automaton is made anew. Each
/// round is for one level of endpoints that carry endpoints with differently written types.
const MAX_ROUNDS: usize = 16;

/// Appends what the declarations mean to the tables. What cannot be looked up is left out.
pub(super) fn resolve(decls: &SessionDecls, tables: &mut SessionTables) -> Vec<Unresolved> {
    let mut errors = Vec::new();
    let mut types: Vec<Cow<'_, LocalType>> = Vec::new();
    for (ty, at) in decls.types() {
        if decls.by_index {
            errors.push(Unresolved { at, place: None, error: BuildError::MixedStates });
            return errors;
        }
        types.push(Cow::Borrowed(ty));
    }
    let mut rounds = 0;
    loop {
        let automaton = match automaton(&types) {
            Ok(automaton) => automaton,
            Err(error) => return alloc::vec![error],
        };
        let mut scope = Scope::new(decls, &automaton);
        let chans = payloads::chans(&automaton, &mut scope);
        let same = payloads::duplicates(&chans);
        rounds += 1;
        if same.is_empty() || rounds == MAX_ROUNDS {
            let mut writer = Tables { decls, tables, errors };
            writer.write(&automaton, &mut scope, &chans);
            return writer.errors;
        }
        for ty in &mut types {
            let other = |payload: &Payload| payload.with_chans(&mut |chan| same.get(chan).cloned());
            if ty.payloads().any(|(payload, _)| other(payload).is_some()) {
                ty.to_mut().replace_payloads(other);
            }
        }
    }
}

fn automaton(types: &[Cow<'_, LocalType>]) -> Result<Automaton, Unresolved> {
    let refs: Vec<&LocalType> = types.iter().map(|ty| &**ty).collect();
    Automaton::new(&refs).map_err(|errors| {
        let name = String::new();
        Unresolved { at: DeclAt::Program, place: None, error: BuildError::Protocol { name, errors } }
    })
}

/// What names mean, once there are states.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    decls: &'a SessionDecls,
    /// The first states of local types, in their order.
    local_states: Vec<Option<StateId>>,
    /// By name; `None` where more than one has it.
    locals: BTreeMap<&'a str, Option<StateId>>,
    shapes: BTreeMap<&'a str, Option<ShapeId>>,
    /// The first states of the roles, by shape; `None` for what means nothing.
    entries: Vec<Vec<Option<StateId>>>,
    /// By linear declaration, where it gives a local type as such.
    types: BTreeMap<usize, StateId>,
    /// The number in the automaton of each role that occurs there.
    numbers: BTreeMap<RoleId, RoleId>,
    reaches: Reaches<'a>,
}

impl<'a> Scope<'a> {
    fn new(decls: &'a SessionDecls, automaton: &'a Automaton) -> Self {
        // The automaton has an entry for each type, in their order.
        let entries = automaton.entries().iter().copied();
        let mut given: BTreeMap<DeclAt, Vec<StateId>> = BTreeMap::new();
        for ((_, at), state) in decls.types().zip(entries) {
            given.entry(at).or_default().push(state);
        }
        let first = |at: DeclAt| given.get(&at).and_then(|states| states.first()).copied();
        let (mut local_states, mut locals) = (Vec::new(), BTreeMap::new());
        for (i, local) in decls.locals.iter().enumerate() {
            let state = match &local.entry {
                StateRef::Index(state) => Some(*state),
                _ => first(DeclAt::Local(i)),
            };
            local_states.push(state);
            locals.entry(&*local.name).and_modify(|known| *known = None).or_insert(state);
        }
        let mut shapes = BTreeMap::new();
        for (id, shape) in (0u32..).zip(&decls.shapes) {
            let slot = shapes.entry(&*shape.name);
            slot.and_modify(|known| *known = None).or_insert(Some(ShapeId(id)));
        }
        let entries = decls.shapes.iter().enumerate().map(|(i, shape)| {
            let mut own = given.get(&DeclAt::Shape(i)).into_iter().flatten();
            let entry = |(_, state): &(RoleId, StateRef)| match state {
                StateRef::Type(_) => own.next().copied(),
                StateRef::Local(name) => locals.get(&**name).copied().flatten(),
                StateRef::Index(state) => Some(*state),
            };
            shape.roles.iter().map(entry).collect()
        });
        let entries = entries.collect();
        let types = given.iter().filter_map(|(at, states)| match at {
            DeclAt::Linear(i) => Some((*i, *states.first()?)),
            _ => None,
        });
        let types = types.collect();
        let numbers = (0u16..).map(RoleId).zip(automaton.roles());
        let numbers = numbers.filter_map(|(number, name)| Some((*decls.role_ids.get(name)?, number)));
        let numbers = numbers.collect();
        let reaches = Reaches::new(automaton);
        Self { decls, local_states, locals, shapes, entries, types, numbers, reaches }
    }

    fn local(&self, name: &Name) -> Result<StateId, BuildError> {
        look_up(&self.locals, name, "local type")
    }

    fn shape(&self, id: ShapeId) -> Option<&'a ShapeDecl> {
        self.decls.shapes.get(id.index())
    }

    /// The place of a role in a shape.
    fn role(&self, shape: &ShapeDecl, name: &Name) -> Option<u16> {
        let id = self.decls.role_ids.get(name)?;
        // More roles than this are none: the verifier says so.
        let at = shape.roles.iter().take(MAX_SHAPE_ROLES).position(|(role, _)| role == id)?;
        u16::try_from(at).ok()
    }

    fn entry(&self, shape: ShapeId, place: u16) -> Option<StateId> {
        self.entries.get(shape.index())?.get(usize::from(place)).copied().flatten()
    }

    /// The endpoint that a payload `chan(of, state)` names.
    pub(super) fn payload_chan(&mut self, of: &Name, state: &Name) -> Result<ChanType, BuildError> {
        let shape = look_up(&self.shapes, of, "shape")?;
        self.either(shape, state)
    }

    /// The role with a name, in its first state; or else a local type, and the role that comes to it.
    fn either(&mut self, id: ShapeId, name: &Name) -> Result<ChanType, BuildError> {
        let unknown = || BuildError::UnknownName { what: "shape", name: id.0.to_string() };
        let shape = self.shape(id).ok_or_else(unknown)?;
        if let Some(role) = self.role(shape, name) {
            let state = self.entry(id, role).ok_or_else(|| self.no_entry(shape, role))?;
            return Ok(ChanType { shape: id, role, state });
        }
        if !self.locals.contains_key(&**name) {
            let name = name.to_string();
            return Err(BuildError::UnknownName { what: "role of the shape or local type", name });
        }
        let state = self.local(name)?;
        if self.decls.by_index {
            return Err(BuildError::MixedStates);
        }
        let mut roles = Vec::new();
        for (place, _) in (0u16..).zip(shape.roles.iter().take(MAX_SHAPE_ROLES)) {
            if let Some(entry) = self.entry(id, place)
                && self.reaches.of(entry).states.contains(&state)
            {
                roles.push(place);
            }
        }
        match roles.as_slice() {
            [role] => Ok(ChanType { shape: id, role: *role, state }),
            _ => Err(BuildError::RoleOfState {
                shape: shape.name.to_string(),
                local: name.to_string(),
                roles: roles.len(),
            }),
        }
    }

    /// Why a role has no first state: its local type is not there, or there are several.
    fn no_entry(&self, shape: &ShapeDecl, place: u16) -> BuildError {
        let local = shape.roles.get(usize::from(place)).map(|(_, state)| state);
        match local {
            Some(StateRef::Local(name)) => match self.local(name) {
                Err(error) => error,
                Ok(_) => BuildError::UnknownName { what: "local type", name: name.to_string() },
            },
            _ => BuildError::MixedStates,
        }
    }

    /// The type of an endpoint in a function's signature.
    fn chan(&mut self, chan: &ChanRef, linear: usize) -> Result<ChanType, BuildError> {
        let (role, state) = match &chan.at {
            ChanAt::Either(name) => return self.either(chan.shape, name),
            ChanAt::Role(role, state) => (role, state),
        };
        let unknown = || BuildError::UnknownName { what: "shape", name: chan.shape.0.to_string() };
        let role = match role {
            RoleRef::Place(place) => *place,
            RoleRef::Name(name) => {
                let shape = self.shape(chan.shape).ok_or_else(unknown)?;
                self.role(shape, name).ok_or_else(|| no_role(shape, name))?
            }
        };
        let state = match state {
            Some(StateRef::Index(state)) => *state,
            Some(StateRef::Local(name)) => self.local(name)?,
            Some(StateRef::Type(_)) => self.types.get(&linear).copied().ok_or(BuildError::MixedStates)?,
            None => {
                let shape = self.shape(chan.shape).ok_or_else(unknown)?;
                let missing =
                    || BuildError::UnknownName { what: "role of the shape", name: role.to_string() };
                shape.roles.get(usize::from(role)).ok_or_else(missing)?;
                self.entry(chan.shape, role).ok_or_else(|| self.no_entry(shape, role))?
            }
        };
        Ok(ChanType { shape: chan.shape, role, state })
    }
}

fn look_up<T: Copy>(
    names: &BTreeMap<&str, Option<T>>,
    name: &Name,
    what: &'static str,
) -> Result<T, BuildError> {
    match names.get(&**name) {
        Some(Some(id)) => Ok(*id),
        Some(None) => Err(BuildError::AmbiguousName { what, name: String::from(&**name) }),
        None => Err(BuildError::UnknownName { what, name: String::from(&**name) }),
    }
}

fn no_role(shape: &ShapeDecl, name: &Name) -> BuildError {
    BuildError::NoRole { shape: shape.name.to_string(), role: String::from(&**name) }
}

/// The tables being written.
struct Tables<'d, 't> {
    decls: &'d SessionDecls,
    tables: &'t mut SessionTables,
    errors: Vec<Unresolved>,
}

impl Tables<'_, '_> {
    fn fail(&mut self, at: DeclAt, place: Option<Place>, error: BuildError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(Unresolved { at, place, error });
        }
    }

    fn write(&mut self, automaton: &Automaton, scope: &mut Scope<'_>, chans: &Chans) {
        if !self.decls.by_index {
            self.write_states(automaton, chans);
        }
        for (local, entry) in self.decls.locals.iter().zip(&scope.local_states) {
            self.tables.locals.extend(entry.map(|entry| LocalDef { name: local.symbol, entry }));
        }
        for (id, shape) in (0u32..).map(ShapeId).zip(&self.decls.shapes) {
            self.write_shape(id, shape, scope);
        }
        for (i, linear) in self.decls.linear.iter().enumerate() {
            let ty = match &linear.ty {
                LinearRef::Chan(chan) => scope.chan(chan, i).map(LinearType::Chan),
                LinearRef::Handle(chan) => scope.chan(chan, i).map(LinearType::Handle),
                LinearRef::Evidence(layer) => Ok(LinearType::Evidence(*layer)),
            };
            match ty {
                Ok(ty) => self.tables.linear.push(LinearDef { func: linear.func, place: linear.place, ty }),
                Err(error) => self.fail(DeclAt::Linear(i), None, error),
            }
        }
        self.tables.linear.sort_unstable();
    }

    fn write_states(&mut self, automaton: &Automaton, chans: &Chans) {
        let defs = match payloads::definitions(automaton, chans) {
            Ok(defs) => defs,
            Err(error) => return self.fail(DeclAt::Program, None, error),
        };
        for (payload, chan) in chans {
            if let Err(error) = chan {
                let (at, place) = self.origin(payload);
                self.fail(at, place, error.clone());
            }
        }
        let role = |role: RoleId| {
            let name = automaton.roles().get(usize::from(role.0));
            name.and_then(|name| self.decls.role_ids.get(name)).copied().unwrap_or(role)
        };
        let label = |label: LabelId| {
            let name = automaton.labels().get(usize::from(label.0));
            name.and_then(|name| self.decls.label_ids.get(name)).copied().unwrap_or(label)
        };
        for (id, state) in (0u32..).map(StateId).zip(automaton.states()) {
            let first = self.tables.branches.len();
            self.tables.branches.extend(automaton.branches_of(id).iter().map(|branch| StateBranch {
                label: label(branch.label),
                payload: defs.ids.get(usize::from(branch.payload.0)).copied().unwrap_or(branch.payload),
                next: branch.next,
            }));
            // Labels are sorted by name in the automaton, but by number in the tables.
            if let Some(own) = self.tables.branches.get_mut(first..) {
                own.sort_unstable_by_key(|branch| branch.label);
            }
            let kind = match state.kind {
                StateKind::End => StateKind::End,
                StateKind::Send(partner) => StateKind::Send(role(partner)),
                StateKind::Recv(partner) => StateKind::Recv(role(partner)),
            };
            // The automaton has as many branches, and counts them with 32 bits.
            self.tables.states.push(State { kind, first: first as u32, len: state.len });
        }
        self.tables.payloads = defs.payloads;
    }

    /// The declaration with the first branch that has this endpoint in its payload.
    fn origin(&self, chan: &Payload) -> (DeclAt, Option<Place>) {
        for (ty, at) in self.decls.types() {
            for (payload, place) in ty.payloads() {
                let mut found = false;
                payload.each_part(&mut |part| found |= part == chan);
                if found {
                    return (at, place);
                }
            }
        }
        (DeclAt::Program, None)
    }

    fn write_shape(&mut self, id: ShapeId, shape: &ShapeDecl, scope: &mut Scope<'_>) {
        let at = DeclAt::Shape(id.index());
        let (first_role, first_edge) = (self.tables.shape_roles.len(), self.tables.edges.len());
        let Ok(role_count) = u16::try_from(shape.roles.len()) else {
            return self.fail(at, None, BuildError::TooLarge { what: "roles of a shape" });
        };
        for (place, (role, _)) in (0u16..).zip(&shape.roles) {
            match scope.entry(id, place) {
                Some(entry) => self.tables.shape_roles.push(ShapeRole { role: *role, entry }),
                None => self.fail(at, None, scope.no_entry(shape, place)),
            }
        }
        let edges = if shape.raw { given_edges(shape) } else { used_edges(id, shape, scope) };
        match edges {
            Ok(edges) => self.tables.edges.extend(edges),
            Err(error) => self.fail(at, None, error),
        }
        let count = u32::try_from(self.tables.edges.len());
        let (Ok(first_role), Ok(first_edge), Ok(end)) =
            (u32::try_from(first_role), u32::try_from(first_edge), count)
        else {
            return self.fail(at, None, BuildError::TooLarge { what: "shapes" });
        };
        let (name, global, edge_count) = (shape.symbol, shape.global, end - first_edge);
        self.tables.shapes.push(ShapeDef { name, global, first_role, role_count, first_edge, edge_count });
    }
}

/// The edges of a raw shape: as they are.
fn given_edges(shape: &ShapeDecl) -> Result<Vec<EdgeDef>, BuildError> {
    let place = |role: &RoleRef| match role {
        RoleRef::Place(place) => Ok(*place),
        RoleRef::Name(name) => Err(no_role(shape, name)),
    };
    let edge = |edge: &super::EdgeDecl| {
        let (from, to) = (place(&edge.from)?, place(&edge.to)?);
        Ok(EdgeDef { from, to, policy: edge.policy, capacity: edge.capacity, max: edge.max })
    };
    shape.edges.iter().map(edge).collect()
}

/// The edges that the types of a shape's roles use, sorted, with what is declared about some.
fn used_edges(id: ShapeId, shape: &ShapeDecl, scope: &mut Scope<'_>) -> Result<Vec<EdgeDef>, BuildError> {
    if shape.roles.len() > MAX_SHAPE_ROLES {
        return Err(BuildError::TooLarge { what: "roles of a shape" });
    }
    // Places of roles that occur in the automaton, with their numbers there. A partner that the shape does not have is
    // for the verifier.
    let places = (0u16..).zip(&shape.roles);
    let places = places.filter_map(|(place, (role, _))| Some((*scope.numbers.get(role)?, place)));
    let places: Vec<(RoleId, u16)> = places.collect();
    let mut used: BTreeSet<(u16, u16)> = BTreeSet::new();
    for own in (0u16..).take(shape.roles.len()) {
        let Some(entry) = scope.entry(id, own) else { continue };
        if matches!(shape.roles.get(usize::from(own)), Some((_, StateRef::Index(_)))) {
            return Err(BuildError::MixedStates);
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
    let capacity = EdgeDef::DEFAULT_CAPACITY;
    let plain = |&(from, to): &(u16, u16)| {
        ((from, to), EdgeDef { from, to, policy: EdgePolicy::Block, capacity, max: capacity })
    };
    let mut edges: BTreeMap<(u16, u16), EdgeDef> = used.iter().map(plain).collect();
    for decl in &shape.edges {
        let place = |role: &RoleRef| match role {
            RoleRef::Place(place) => Ok(*place),
            RoleRef::Name(name) => scope.role(shape, name).ok_or_else(|| no_role(shape, name)),
        };
        let (from, to) = (place(&decl.from)?, place(&decl.to)?);
        let text = |role: &RoleRef| match role {
            RoleRef::Place(place) => place.to_string(),
            RoleRef::Name(name) => name.to_string(),
        };
        let no_edge = || {
            let (from, to) = (text(&decl.from), text(&decl.to));
            BuildError::NoEdge { shape: shape.name.to_string(), from, to }
        };
        let edge = edges.get_mut(&(from, to)).ok_or_else(no_edge)?;
        *edge = EdgeDef { from, to, policy: decl.policy, capacity: decl.capacity, max: decl.max };
    }
    Ok(edges.into_values().collect())
}
