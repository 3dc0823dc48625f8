//! Functions that do what the local type of a role says, and nothing else.

mod emit;
#[cfg(test)]
mod tests;

use super::decl::{ChanAt, ChanRef, LinearDecl, LinearRef, StateRef};
use super::{EffectOptions, Linear};
use crate::builder::{BuildError, ProgramBuilder};
use crate::ids::{EffectId, FuncId, ShapeId};
use crate::program::{AggShape, Place};
use crate::protocol::{AbstractOp, Code, LocalType, Name, Payload, compile, compile_all};
use crate::value_type::ValueType;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use emit::Emitter;

/// What a party does where it may choose between messages; see [`ProgramBuilder::party`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Picks {
    /// The first one, always, as [`compile`] says.
    #[default]
    First,
    /// A random one, from a seed, so many times; from then on the one that leads to the end soonest, if others choose
    /// accordingly. See [`PartyParam::Seed`] and [`PartyParam::Rounds`].
    Random,
}

/// What a parameter of a party is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartyParam {
    /// The endpoint of its role: always the first parameter.
    Endpoint,
    /// With [`Picks::Random`], if the role chooses at all: where its random numbers begin. Equal seeds give equal choices.
    Seed,
    /// Behind the seed: how many of its choices are random.
    Rounds,
    /// What it sends in messages of this payload, until it receives one: then it sends what it received last.
    Payload(Payload),
}

/// A function made by [`ProgramBuilder::party`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Party {
    /// The function.
    pub func: FuncId,
    /// What its parameters are for.
    pub params: Vec<PartyParam>,
}

impl ProgramBuilder<'_> {
    /// A function that plays a role of a shape: it does what the role's local type says, as [`compile`] lays it out, or
    /// [`compile_all`] with [`Picks::Random`]; where that runs into a loop, there is a `jmp`. It ends by `halt`, so it is
    /// for coroutines of their own.
    ///
    /// Its parameters are the endpoint, then one for each payload that the role sends or receives. A payload `unit` needs
    /// none. A tuple with tuples in it has parameters for its elements. An endpoint has one if the role may send it on
    /// before it has received one. Behind each message for which there was no choice it invokes the effect
    /// [`Code::ACTION`], which is declared here if the program does not have it yet, without parameters and result.
    ///
    /// The function of every role verifies that sends and receives no endpoints. One that does verifies if it passes
    /// them on: the endpoints that it gets in messages it does not use.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use opforge_vm::builder::{PartyParam, Picks, ProgramBuilder};
    /// use opforge_vm::verify::{VerifyConfig, verify};
    /// use opforge_vm::ValueType;
    ///
    /// let mut program = ProgramBuilder::new();
    /// let global = "mu x. Client -> Server{get(u64). Server -> Client{val(str). x}, quit. end}".parse()?;
    /// let shop = program.projected_shape("Shop", &global, &[])?;
    /// let client = program.party("client", shop, "Client", Picks::Random)?;
    /// program.party("server", shop, "Server", Picks::Random)?;
    /// let payload = |ty: ValueType| PartyParam::Payload(ty.into());
    /// let expected = [
    ///     PartyParam::Endpoint,
    ///     PartyParam::Seed,
    ///     PartyParam::Rounds,
    ///     payload(ValueType::U64),
    ///     payload(ValueType::Str),
    /// ];
    /// assert_eq!(client.params, expected);
    /// assert!(verify(program.finish()?, &VerifyConfig::new()).is_ok());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BuildError::UnknownName`] if there is no such shape, or no local type or shape that it names: here they must have
    /// been declared before. [`BuildError::NoRole`] if the shape lacks the role, [`BuildError::MixedStates`] if its state
    /// is given by index, [`BuildError::NameTaken`] if the program's effect of that name has parameters or a result,
    /// [`BuildError::TooLarge`] if a table is full.
    pub fn party(
        &mut self,
        name: &str,
        shape: ShapeId,
        role: &str,
        picks: Picks,
    ) -> Result<Party, BuildError> {
        let ty = self.type_of_role(shape, role)?;
        let code = match picks {
            Picks::First => compile(ty),
            Picks::Random => compile_all(ty),
        };
        let plan = Plan::new(&code);
        let classes = plan.params.iter().map(PartyParam::class).collect::<Vec<_>>();
        let mut chans = Vec::new();
        for (place, param) in (0u32..).zip(&plan.params) {
            if let PartyParam::Payload(Payload::Chan { of, state }) = param {
                let chan = ChanRef { shape: self.shape_named(of)?, at: ChanAt::Either(state.clone()) };
                chans.push((Place::Param(place), LinearRef::Chan(chan)));
            }
        }
        let step = code.ops().contains(&AbstractOp::Invoke).then(|| self.step_effect()).transpose()?;
        let func = self.declare(name, &classes, &[])?;
        let names: Vec<String> = (0..).zip(&plan.params).map(|(at, param)| param.name(at)).collect();
        self.name_params(func, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
        self.linear(func, Place::Param(0), Linear::chan(shape, role))?;
        for (place, ty) in chans {
            self.declare_linear(LinearDecl { func, place, ty })?;
        }
        for (place, param) in (0u32..).zip(&plan.params) {
            if let PartyParam::Payload(Payload::Tuple(tuple)) = param {
                let parts = tuple.elements().iter().map(|part| Some(class(part))).collect();
                self.shape_param(func, place, AggShape::Tuple(parts));
            }
        }
        let body = self.begin(func)?;
        let body = Emitter::new(self, body, &code, &plan, step).emit(&plan.made)?;
        self.define(body)?;
        Ok(Party { func, params: plan.params })
    }

    /// The local type of a role, which must have been declared.
    fn type_of_role(&self, shape: ShapeId, role: &str) -> Result<&LocalType, BuildError> {
        let unknown = |what, name: &str| BuildError::UnknownName { what, name: name.to_string() };
        let decls = &self.session_decls;
        let decl = decls.shapes.get(shape.index()).ok_or_else(|| unknown("shape", &shape.0.to_string()))?;
        let id = decls.role_ids.get(role);
        let found = decl.roles.iter().find(|(known, _)| Some(known) == id);
        let no_role = || BuildError::NoRole { shape: decl.name.to_string(), role: role.to_string() };
        let state = match &found.ok_or_else(no_role)?.1 {
            StateRef::Local(name) => {
                let local = decls.locals.iter().find(|local| local.name == *name);
                &local.ok_or_else(|| unknown("local type", name))?.entry
            }
            state => state,
        };
        match state {
            StateRef::Type(ty) => Ok(ty),
            StateRef::Local(_) | StateRef::Index(_) => Err(BuildError::MixedStates),
        }
    }

    fn shape_named(&self, name: &Name) -> Result<ShapeId, BuildError> {
        let at = self.session_decls.shapes.iter().position(|shape| shape.name == *name);
        let at = at.and_then(|at| u32::try_from(at).ok());
        at.map(ShapeId).ok_or_else(|| BuildError::UnknownName { what: "shape", name: name.to_string() })
    }

    /// The effect behind messages.
    fn step_effect(&mut self) -> Result<EffectId, BuildError> {
        let sessions = &self.program.sessions;
        for (id, effect) in (0u32..).map(EffectId).zip(&sessions.effects) {
            let plain =
                || sessions.effect_sig(id).is_some_and(|sig| sig.params.is_empty() && sig.results.is_empty());
            if self.program.symbol(effect.name) == Some(Code::ACTION) && plain() {
                return Ok(id);
            }
        }
        self.effect(Code::ACTION, &[], None, EffectOptions::new())
    }
}

/// The class of registers that hold a payload.
fn class(payload: &Payload) -> ValueType {
    match payload {
        Payload::Value(ty) => *ty,
        Payload::Tuple(_) => ValueType::Agg,
        Payload::Chan { .. } => ValueType::Chan,
    }
}

impl PartyParam {
    fn class(&self) -> ValueType {
        match self {
            Self::Endpoint => ValueType::Chan,
            Self::Seed | Self::Rounds => ValueType::U64,
            Self::Payload(payload) => class(payload),
        }
    }

    fn name(&self, at: usize) -> String {
        match self {
            Self::Endpoint => "c".to_string(),
            Self::Seed => "seed".to_string(),
            Self::Rounds => "rounds".to_string(),
            Self::Payload(_) => format!("value{at}"),
        }
    }
}

/// Which payloads a party has registers for, and where these come from.
#[derive(Debug, Default)]
struct Plan {
    params: Vec<PartyParam>,
    /// Tuples that are made of other registers, inner ones first.
    made: Vec<Payload>,
    /// Endpoints that are received before they are sent.
    received: Vec<Payload>,
    known: BTreeSet<Payload>,
}

impl Plan {
    fn new(code: &Code) -> Self {
        let mut plan = Self { params: vec![PartyParam::Endpoint], ..Self::default() };
        if code.ops().iter().any(|op| matches!(op, AbstractOp::Pick { .. })) {
            plan.params.extend([PartyParam::Seed, PartyParam::Rounds]);
        }
        for op in code.ops() {
            match op {
                AbstractOp::Send { payload, .. }
                | AbstractOp::Receive { payload, .. }
                | AbstractOp::Offer { payload, .. } => plan.add(code, payload),
                AbstractOp::Choose { .. } => {
                    code.arms(op).iter().for_each(|arm| plan.add(code, &arm.payload))
                }
                _ => {}
            }
        }
        plan
    }

    fn add(&mut self, code: &Code, payload: &Payload) {
        if payload.is_unit() || !self.known.insert(payload.clone()) {
            return;
        }
        match payload {
            // The shape of a parameter says the classes of a tuple's elements, and nothing about these.
            Payload::Tuple(tuple)
                if tuple.elements().iter().any(|part| matches!(part, Payload::Tuple(_))) =>
            {
                // As deep as tuples may be.
                tuple.elements().iter().for_each(|part| self.add(code, part));
                self.made.push(payload.clone());
            }
            Payload::Chan { .. } if !sends_first(code, payload) => self.received.push(payload.clone()),
            _ => self.params.push(PartyParam::Payload(payload.clone())),
        }
    }
}

/// Whether a payload is sent somewhere before it has been received.
fn sends_first(code: &Code, payload: &Payload) -> bool {
    let mut seen = BTreeSet::new();
    let mut todo = vec![0];
    while let Some(pc) = todo.pop() {
        let Some(op) = code.ops().get(pc).filter(|_| seen.insert(pc)) else { continue };
        match op {
            AbstractOp::Send { payload: sent, .. } | AbstractOp::Offer { payload: sent, .. }
                if sent == payload =>
            {
                return true;
            }
            AbstractOp::Receive { payload: received, .. } if received == payload => {}
            AbstractOp::Choose { .. } => {
                todo.extend(code.arms(op).iter().filter(|arm| arm.payload != *payload).map(|arm| arm.target));
            }
            AbstractOp::Pick { .. } => todo.extend(code.arms(op).iter().map(|arm| arm.target)),
            AbstractOp::Jump { target } => todo.push(*target),
            AbstractOp::Halt => {}
            _ => todo.push(pc + 1),
        }
    }
    false
}
