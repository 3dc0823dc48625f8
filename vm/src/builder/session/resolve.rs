//! From declarations to tables: states by one minimal automaton, names by look-up, edges from what the types use.

use super::decl::{DeclAt, LinearRef, SessionDecls, ShapeDecl};
use super::edges;
use super::payloads::{self, Chans};
use super::scope::Scope;
use crate::builder::BuildError;
use crate::ids::ShapeId;
use crate::program::{LinearDef, LinearType, LocalDef, SessionTables, ShapeDef, ShapeRole};
use crate::protocol::{
    Automaton, LabelId, LocalType, Payload, Place, RoleId, State, StateBranch, StateId, StateKind,
};
use alloc::borrow::Cow;
use alloc::string::String;
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
                None => {
                    let at = DeclAt::Role(id.index(), place.into());
                    self.fail(at, None, scope.no_entry(shape, place));
                }
            }
        }
        let edges = if shape.raw { edges::given(id, shape) } else { edges::used(id, shape, scope) };
        match edges {
            Ok(edges) => self.tables.edges.extend(edges),
            Err((at, error)) => self.fail(at, None, error),
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
