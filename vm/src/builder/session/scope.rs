//! Names of declarations, and what they mean once there are states.

use super::decl::{ChanAt, ChanRef, DeclAt, RoleRef, SessionDecls, ShapeDecl, StateRef};
use super::reach::Reaches;
use crate::builder::BuildError;
use crate::ids::ShapeId;
use crate::program::{ChanType, MAX_SHAPE_ROLES};
use crate::protocol::{Automaton, Name, RoleId, StateId};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What names mean, once there are states.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    decls: &'a SessionDecls,
    /// The first states of local types, in their order.
    pub(super) local_states: Vec<Option<StateId>>,
    /// By name; `None` where more than one has it.
    pub(super) locals: BTreeMap<&'a str, Option<StateId>>,
    shapes: BTreeMap<&'a str, Option<ShapeId>>,
    /// The first states of the roles, by shape; `None` for what means nothing.
    entries: Vec<Vec<Option<StateId>>>,
    /// By declaration, where it gives a local type as such.
    types: BTreeMap<DeclAt, StateId>,
    /// The number in the automaton of each role that occurs there.
    pub(super) numbers: BTreeMap<RoleId, RoleId>,
    pub(super) reaches: Reaches<'a>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(decls: &'a SessionDecls, automaton: &'a Automaton) -> Self {
        // The automaton has an entry for each type, in their order.
        let entries = automaton.entries().iter().copied();
        let types: BTreeMap<DeclAt, StateId> =
            decls.types().zip(entries).map(|((_, at), state)| (at, state)).collect();
        let (mut local_states, mut locals) = (Vec::new(), BTreeMap::new());
        for (i, local) in decls.locals.iter().enumerate() {
            let state = match &local.entry {
                StateRef::Index(state) => Some(*state),
                _ => types.get(&DeclAt::Local(i)).copied(),
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
            let roles = shape.roles.iter().enumerate();
            let entry = |(place, (_, state)): (usize, &(RoleId, StateRef))| match state {
                StateRef::Type(_) => types.get(&DeclAt::Role(i, place)).copied(),
                StateRef::Local(name) => locals.get(&**name).copied().flatten(),
                StateRef::Index(state) => Some(*state),
            };
            roles.map(entry).collect()
        });
        let entries = entries.collect();
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
    pub(super) fn role(&self, shape: &ShapeDecl, name: &Name) -> Option<u16> {
        let id = self.decls.role_ids.get(name)?;
        // More roles than this are none: the verifier says so.
        let at = shape.roles.iter().take(MAX_SHAPE_ROLES).position(|(role, _)| role == id)?;
        u16::try_from(at).ok()
    }

    pub(super) fn entry(&self, shape: ShapeId, place: u16) -> Option<StateId> {
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
            let name = text(name);
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
                shape: text(&shape.name),
                local: text(name),
                roles: roles.len(),
            }),
        }
    }

    /// Why a role has no first state: its local type is not there, or there are several.
    pub(super) fn no_entry(&self, shape: &ShapeDecl, place: u16) -> BuildError {
        let local = shape.roles.get(usize::from(place)).map(|(_, state)| state);
        match local {
            Some(StateRef::Local(name)) => match self.local(name) {
                Err(error) => error,
                Ok(_) => BuildError::UnknownName { what: "local type", name: text(name) },
            },
            _ => BuildError::MixedStates,
        }
    }

    /// The type of an endpoint in a function's signature.
    pub(super) fn chan(&mut self, chan: &ChanRef, linear: usize) -> Result<ChanType, BuildError> {
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
            Some(StateRef::Type(_)) => {
                self.types.get(&DeclAt::Linear(linear)).copied().ok_or(BuildError::MixedStates)?
            }
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
        Some(None) => Err(BuildError::AmbiguousName { what, name: text(name) }),
        None => Err(BuildError::UnknownName { what, name: text(name) }),
    }
}

pub(super) fn no_role(shape: &ShapeDecl, name: &Name) -> BuildError {
    BuildError::NoRole { shape: text(&shape.name), role: text(name) }
}

/// The text of a name, without the quotes that it may be shown with.
pub(super) fn text(name: &Name) -> String {
    String::from(name.as_str())
}
