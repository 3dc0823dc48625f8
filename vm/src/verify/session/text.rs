//! What the session checks say about endpoints, in the words of the local types.

use super::held::Held;
use crate::ids::{EffectId, FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{ChanType, LinearType, PayloadDef, Program, SessionTables};
use crate::protocol::{LabelId, Name, PayloadId, RoleId, StateId, StateKind};
use alloc::format;
use alloc::string::String;
use core::fmt::{self, Write};

/// How many messages ahead a local type is shown.
const AHEAD: u32 = 2;

/// How deep tuples in payloads are shown.
const NESTED: u32 = 2;

/// The longest text about one endpoint, in bytes.
const MAX: usize = 160;

/// Texts about what a program declares.
#[derive(Clone, Copy, Debug)]
pub(in crate::verify) struct Texts<'p> {
    program: &'p Program,
    tables: &'p SessionTables,
}

/// A text that stops growing at its bound.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.0.len() + c.len_utf8() > MAX {
                self.0.push_str("...");
                return Err(fmt::Error);
            }
            self.0.push(c);
        }
        Ok(())
    }
}

impl<'p> Texts<'p> {
    pub(in crate::verify) fn new(program: &'p Program) -> Self {
        Self { program, tables: program.sessions() }
    }

    fn bounded(write: impl FnOnce(&mut Bounded) -> fmt::Result) -> String {
        let mut text = Bounded(String::new());
        // An error means that the text is long enough.
        let _ = write(&mut text);
        text.0
    }

    /// The beginning of a text.
    pub(super) fn clip(text: &impl fmt::Display) -> String {
        Self::bounded(|out| write!(out, "{text}"))
    }

    /// `Client of Shop, of which is left: ?Server{val(str). end}`.
    pub(in crate::verify) fn chan(self, chan: ChanType) -> String {
        Self::bounded(|out| {
            self.write_role(out, chan.shape, chan.role)?;
            out.write_str(" of ")?;
            self.write_shape(out, chan.shape)?;
            if self.tables.kind(chan.state) == StateKind::End {
                return out.write_str(", of which nothing is left");
            }
            out.write_str(", of which is left: ")?;
            self.write_state(out, chan.state, AHEAD)
        })
    }

    /// What a register holds.
    pub(super) fn held(self, held: Option<Held>) -> String {
        match held {
            Some(Held::Chan(chan, _)) => self.chan(chan),
            Some(Held::Evidence(layer)) => format!("evidence of {}", self.layer(layer)),
            Some(Held::Moved) => String::from("moved or used up"),
            Some(Held::Broken) | None => String::from("nothing"),
        }
    }

    /// What a linear type takes.
    pub(super) fn linear(self, ty: LinearType) -> String {
        match ty {
            LinearType::Chan(chan) => self.chan(chan),
            LinearType::Handle(chan) => format!("a handle of {}", self.chan(chan)),
            LinearType::Evidence(layer) => format!("evidence of {}", self.layer(layer)),
        }
    }

    /// `r1 is Client of Shop, of which is left: ...`.
    pub(super) fn about(self, reg: u32, held: Held) -> String {
        format!("r{reg} is {}", self.held(Some(held)))
    }

    /// What a register holds, and what it should.
    pub(super) fn instead_of(self, reg: u32, held: Held, ty: LinearType) -> String {
        format!("{}; needed is {}", self.about(reg, held), self.linear(ty))
    }

    /// What a register holds, and the endpoint that it should be.
    pub(super) fn instead(self, reg: u32, held: Held, expected: ChanType) -> String {
        format!("{}; needed is {}", self.about(reg, held), self.chan(expected))
    }

    /// What a callee gives, and what its caller does.
    pub(super) fn instead_of_type(self, given: Option<LinearType>, own: Option<LinearType>) -> String {
        let text = |ty: Option<LinearType>| ty.map_or(String::from("nothing linear"), |ty| self.linear(ty));
        format!("the callee gives {}; needed is {}", text(given), text(own))
    }

    /// The name of a label.
    pub(super) fn called(self, label: LabelId) -> String {
        format!("the label is {}", self.label(label))
    }

    /// The name of a label, and the endpoint that it is about.
    pub(super) fn label_at(self, label: LabelId, reg: u32, chan: ChanType) -> String {
        format!("the label is {}; r{reg} is {}", self.label(label), self.chan(chan))
    }

    /// A message.
    pub(super) fn message(self, label: LabelId, payload: PayloadId) -> String {
        let label = self.label(label);
        if self.is_unit(payload) { label } else { format!("{label}({})", self.payload(payload)) }
    }

    /// What a label carries.
    pub(super) fn carries(self, label: LabelId, payload: PayloadId) -> String {
        format!("{} carries {}", self.label(label), self.payload(payload))
    }

    /// What is left to do, from a state on.
    pub(in crate::verify) fn state(self, state: StateId) -> String {
        Self::bounded(|out| self.write_state(out, state, AHEAD))
    }

    /// The name of a role of a shape.
    pub(in crate::verify) fn role(self, shape: ShapeId, place: u16) -> String {
        Self::bounded(|out| self.write_role(out, shape, place))
    }

    /// The name of a shape.
    pub(in crate::verify) fn shape(self, shape: ShapeId) -> String {
        Self::bounded(|out| self.write_shape(out, shape))
    }

    /// The name of a label.
    pub(in crate::verify) fn label(self, label: LabelId) -> String {
        Self::bounded(|out| self.write_label(out, label))
    }

    /// What a message carries.
    pub(in crate::verify) fn payload(self, payload: PayloadId) -> String {
        Self::bounded(|out| self.write_payload(out, payload, NESTED))
    }

    /// What a payload that may be malformed is.
    pub(super) fn payload_at(self, payload: u32) -> String {
        let id = u16::try_from(payload).map(PayloadId);
        id.map_or_else(|_| format!("payload {payload}"), |id| format!("it is {}", self.payload(id)))
    }

    /// The names of a role and of its shape.
    pub(super) fn role_of(self, shape: ShapeId, place: u16) -> String {
        format!("{} of {}", self.role(shape, place), self.shape(shape))
    }

    /// The name of an effect.
    pub(super) fn effect(self, effect: EffectId) -> String {
        let name = self.tables.effects.get(effect.index()).map(|effect| effect.name);
        Self::bounded(|out| self.write_name(out, name, "effect", effect.0))
    }

    /// The name of a guard layer.
    pub(in crate::verify) fn layer(self, layer: LayerId) -> String {
        let name = self.tables.layers.get(layer.index()).map(|layer| layer.name);
        Self::bounded(|out| self.write_name(out, name, "layer", layer.0))
    }

    /// The name of a function.
    pub(in crate::verify) fn func(self, func: FuncId) -> String {
        Self::bounded(|out| match self.program.func_name(func) {
            Some(name) => write!(out, "{}", Name::new(name)),
            None => write!(out, "{func}"),
        })
    }

    fn write_name(self, out: &mut Bounded, name: Option<SymbolId>, what: &str, index: u32) -> fmt::Result {
        match name.and_then(|name| self.program.symbol(name)) {
            Some(text) if !text.is_empty() => write!(out, "{}", Name::new(text)),
            _ => write!(out, "{what} {index}"),
        }
    }

    fn write_shape(self, out: &mut Bounded, shape: ShapeId) -> fmt::Result {
        self.write_name(out, self.tables.shape(shape).map(|shape| shape.name), "shape", shape.0)
    }

    fn write_role(self, out: &mut Bounded, shape: ShapeId, place: u16) -> fmt::Result {
        match self.tables.roles_of(shape).get(usize::from(place)) {
            Some(role) => self.write_partner(out, role.role),
            None => write!(out, "role {place}"),
        }
    }

    fn write_partner(self, out: &mut Bounded, role: RoleId) -> fmt::Result {
        self.write_name(out, self.tables.roles.get(usize::from(role.0)).copied(), "role", role.0.into())
    }

    fn write_label(self, out: &mut Bounded, label: LabelId) -> fmt::Result {
        self.write_name(out, self.tables.labels.get(usize::from(label.0)).copied(), "label", label.0.into())
    }

    fn write_state(self, out: &mut Bounded, id: StateId, ahead: u32) -> fmt::Result {
        let (sign, partner) = match self.tables.kind(id) {
            StateKind::End => return out.write_str("end"),
            _ if ahead == 0 => return out.write_str("..."),
            StateKind::Send(partner) => ('!', partner),
            StateKind::Recv(partner) => ('?', partner),
        };
        out.write_char(sign)?;
        self.write_partner(out, partner)?;
        out.write_char('{')?;
        for (i, branch) in self.tables.branches_of(id).iter().enumerate() {
            out.write_str(if i == 0 { "" } else { ", " })?;
            self.write_label(out, branch.label)?;
            if !self.is_unit(branch.payload) {
                out.write_char('(')?;
                self.write_payload(out, branch.payload, NESTED)?;
                out.write_char(')')?;
            }
            out.write_str(". ")?;
            self.write_state(out, branch.next, ahead - 1)?;
        }
        out.write_char('}')
    }

    fn is_unit(self, payload: PayloadId) -> bool {
        self.tables.payload(payload) == Some(&PayloadDef::Value(crate::ValueType::Unit))
    }

    fn write_payload(self, out: &mut Bounded, payload: PayloadId, nested: u32) -> fmt::Result {
        match self.tables.payload(payload) {
            None => write!(out, "payload {}", payload.0),
            Some(PayloadDef::Value(ty)) => write!(out, "{ty}"),
            Some(PayloadDef::Tuple(_)) if nested == 0 => out.write_str("tuple(...)"),
            Some(PayloadDef::Tuple(elems)) => {
                out.write_str("tuple(")?;
                for (i, &elem) in elems.iter().enumerate() {
                    out.write_str(if i == 0 { "" } else { ", " })?;
                    self.write_payload(out, elem, nested - 1)?;
                }
                out.write_char(')')
            }
            Some(PayloadDef::Chan(chan)) => {
                out.write_str("chan(")?;
                self.write_shape(out, chan.shape)?;
                out.write_str(", ")?;
                self.write_role(out, chan.shape, chan.role)?;
                let entry = self.tables.roles_of(chan.shape).get(usize::from(chan.role));
                if entry.is_none_or(|role| role.entry != chan.state) {
                    out.write_str(", ")?;
                    self.write_state(out, chan.state, 1)?;
                }
                out.write_char(')')
            }
        }
    }
}
