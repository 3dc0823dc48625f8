//! A program's states as local types.

use super::{PayloadDef, Program, SessionTables};
use crate::ids::SymbolId;
use crate::protocol::{
    LabelId, LocalType, MAX_NAME, MAX_NODES, Name, Payload, PayloadId, ProtocolError, RoleId, StateBranch,
    StateId, StateKind, States, local_type,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

impl Program {
    /// The local type that begins in a state, for showing: `end` for ids that are none. Names that are not there are
    /// left empty, and branches whose label or payload has no text are left out.
    ///
    /// # Errors
    /// [`ProtocolErrorKind::TooLarge`](crate::protocol::ProtocolErrorKind::TooLarge) if the type has more than
    /// [`MAX_NODES`] nodes: what states share stands in a type once for each way to it.
    pub fn local_type(&self, state: StateId) -> Result<LocalType, ProtocolError> {
        let states = NamedStates::new(self, |symbol| self.symbol(symbol));
        states.local_type(state, MAX_NODES)
    }
}

/// The states of a program with all names that they use.
#[derive(Debug)]
pub(crate) struct NamedStates<'p> {
    tables: &'p SessionTables,
    pub(crate) roles: Vec<Option<Name>>,
    pub(crate) labels: Vec<Option<Name>>,
    payloads: Vec<Option<Payload>>,
    /// By shape.
    pub(crate) shapes: Vec<Option<Name>>,
    /// Names of local types, in their order.
    pub(crate) locals: Vec<Option<Name>>,
    /// The first local type that begins in a state.
    pub(crate) local_at: BTreeMap<StateId, Name>,
}

impl<'p> NamedStates<'p> {
    /// `text` gives the text of a symbol, where it can stand for it.
    pub(crate) fn new(program: &'p Program, text: impl Fn(SymbolId) -> Option<&'p str>) -> Self {
        let tables = &program.sessions;
        let mut known: BTreeMap<SymbolId, Option<Name>> = BTreeMap::new();
        // Equal names share their text, and longer ones than text may have are none.
        let mut name = |symbol: &SymbolId| {
            let new =
                || text(*symbol).filter(|text| !text.is_empty() && text.len() <= MAX_NAME).map(Name::new);
            known.entry(*symbol).or_insert_with(new).clone()
        };
        let roles = tables.roles.iter().map(&mut name).collect();
        let labels = tables.labels.iter().map(&mut name).collect();
        let shapes: Vec<Option<Name>> = tables.shapes.iter().map(|shape| name(&shape.name)).collect();
        let locals: Vec<Option<Name>> = tables.locals.iter().map(|local| name(&local.name)).collect();
        let mut local_at = BTreeMap::new();
        for (def, local) in tables.locals.iter().zip(&locals) {
            if let Some(local) = local {
                local_at.entry(def.entry).or_insert_with(|| local.clone());
            }
        }
        let mut states = Self { tables, roles, labels, payloads: Vec::new(), shapes, locals, local_at };
        for payload in &tables.payloads {
            let payload = states.read_payload(payload);
            states.payloads.push(payload);
        }
        states
    }

    /// A payload whose parts have been read before.
    fn read_payload(&self, payload: &PayloadDef) -> Option<Payload> {
        match payload {
            PayloadDef::Value(ty) if ty.is_linear() => None,
            PayloadDef::Value(ty) => Some(Payload::Value(*ty)),
            PayloadDef::Tuple(elements) => {
                let mut parts = Vec::new();
                for element in elements {
                    parts.push(self.payloads.get(usize::from(element.0))?.clone()?);
                    if parts.len() > crate::protocol::MAX_PAYLOAD_PARTS {
                        return None;
                    }
                }
                Payload::tuple(parts).ok()
            }
            PayloadDef::Chan(chan) => {
                let of = self.shapes.get(chan.shape.index())?.clone()?;
                let role = self.tables.roles_of(chan.shape).get(usize::from(chan.role))?;
                let state = if role.entry == chan.state {
                    self.roles.get(usize::from(role.role.0))?.clone()?
                } else {
                    self.local_at.get(&chan.state)?.clone()
                };
                Some(Payload::Chan { of, state })
            }
        }
    }

    /// The local type that begins in a state, with at most `max` nodes.
    pub(crate) fn local_type(&self, state: StateId, max: usize) -> Result<LocalType, ProtocolError> {
        local_type(self, state, max)
    }
}

impl States for NamedStates<'_> {
    fn kind(&self, state: StateId) -> StateKind {
        self.tables.kind(state)
    }

    fn branches(&self, state: StateId) -> &[StateBranch] {
        self.tables.branches_of(state)
    }

    fn role(&self, role: RoleId) -> Option<Name> {
        self.roles.get(usize::from(role.0)).cloned().flatten()
    }

    fn label(&self, label: LabelId) -> Option<Name> {
        self.labels.get(usize::from(label.0)).cloned().flatten()
    }

    fn payload(&self, payload: PayloadId) -> Option<Payload> {
        self.payloads.get(usize::from(payload.0)).cloned().flatten()
    }
}
