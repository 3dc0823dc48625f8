//! Sessions: what a program declares about them, and what its code does with endpoints, evidence and speculations.
//!
//! Endpoints and evidence are linear: each is in one register at a time, and what is left to be done with it is part of
//! what is known at each place of the code. [`check_func`] follows that through a function before types are looked at;
//! it needs none, because the typestate code of a row says what an instruction does. What it finds out, types build on:
//! which payload each message carries.
//!
//! The rules, in short:
//!
//! * An endpoint is a shape, a role of it and a state of the role's local type. Sending and receiving take it to the
//!   next state; they have to fit the state in direction, label and payload.
//! * Endpoints and evidence are moved: by `mov`, into calls and back, into messages, to other coroutines. What was moved
//!   cannot be used, what has something left to do cannot be overwritten, and nothing of that kind is left where a
//!   function or its coroutine ends. `close` takes every endpoint that the function has of one `open`.
//! * Where paths meet, endpoints and evidence are the same on both. Those that have nothing left to do may be missing on
//!   one of them; then they are gone.
//! * A parameter that is a handle is used like one's own; its first use waits. `spawn` takes any endpoint of that role
//!   for it, and leaves it where it is until it is transferred.
//! * A function forks, joins and aborts in balance. Nothing in between changes who holds what, sends or receives an
//!   endpoint, leaves the function, writes memory, calls the host or what does any of that, or invokes effects that do
//!   not say that they may be undone.
//!   An abort brings back what registers held at the fork: endpoints, shapes of aggregates, and whether there was a
//!   value at all.
//! * Code that cannot be reached is not followed: its messages carry nothing and write nothing.
//!
//! At run time the machine compares owner, state, label and payload of every message again, so nothing that is checked
//! here is needed for memory to be safe, with one exception: what `abort` leaves uninitialised (`undone`). That is
//! checked apart, and never left out.

mod calls;
mod coherence;
mod delegation;
mod flow;
mod held;
mod lifecycle;
pub(super) mod messages;
mod speculation;
mod step;
mod summary;
mod tables;
mod talk;
#[cfg(test)]
mod tests;
mod text;
mod undone;

pub use coherence::{
    CoherenceLimits, Coherent, Incoherence, IncoherenceKind, TraceAction, TraceStep, coherence,
};
pub(super) use delegation::{Delegations, Noted};
pub(super) use messages::Messages;
pub(super) use summary::{Codes, Summary};
pub(super) use text::Texts;

use super::budget::{Budget, Exhausted, VerifyConfig};
use super::cx::{FuncCx, Op};
use super::error::VerifyErrorKind;
use super::flow::Flow;
use super::report::{Errors, FuncErrors};
use crate::ids::ShapeId;
use crate::program::{PayloadDef, Program};
use crate::types::{TypeId, TypeTable};
use crate::value_type::ValueType;
use alloc::format;
use alloc::vec::Vec;
use opforge_schema::{Access, Family, Typestate, is_foreign};

/// What is known about the sessions of a program before its functions are looked at.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Whether what the program declares makes sense. If it does not, no function that uses it is checked.
    pub(super) sound: bool,
    /// The type of each payload.
    pub(super) payload_types: Vec<TypeId>,
    /// What functions may do.
    pub(super) summary: Summary,
}

impl Sessions {
    /// Checks what the program declares about sessions.
    pub(super) fn check(
        program: &Program,
        types: &mut TypeTable,
        config: &VerifyConfig,
        budget: &mut Budget,
        errors: &mut Errors,
    ) -> Result<Self, Exhausted> {
        tables::check_classes(program, errors);
        let sound = tables::check(program, budget, errors)?;
        if let Some(limits) = config.coherence.as_ref().filter(|_| sound) {
            check_coherence(program, limits, errors);
        }
        let payload_types = if sound { payload_types(program, types, budget)? } else { Vec::new() };
        Ok(Self { sound, payload_types, summary: Summary::default() })
    }
}

/// Checks that the roles of each shape fit together.
fn check_coherence(program: &Program, limits: &CoherenceLimits, errors: &mut Errors) {
    for shape in (0..program.sessions().shapes.len() as u32).map(ShapeId) {
        if errors.is_full() {
            break;
        }
        let Err(found) = coherence(program, shape, limits) else { continue };
        let kind = if found.is_limit() {
            VerifyErrorKind::ShapeUnknown { shape }
        } else {
            VerifyErrorKind::ShapeIncoherent { shape }
        };
        let note = format!("{}: {found}", Texts::new(program).shape(shape));
        errors.add_noted(program, None, kind, Some(note));
    }
}

/// The type of each payload: a class, or a tuple of the types of earlier ones.
fn payload_types(
    program: &Program,
    types: &mut TypeTable,
    budget: &mut Budget,
) -> Result<Vec<TypeId>, Exhausted> {
    let payloads = &program.sessions().payloads;
    budget.memory_for::<TypeId>(payloads.len())?;
    let mut ids: Vec<TypeId> = Vec::with_capacity(payloads.len());
    for payload in payloads {
        let id = match payload {
            PayloadDef::Value(ty) => types.value(*ty)?,
            PayloadDef::Chan(_) => TypeId::CHAN,
            PayloadDef::Tuple(elems) => {
                budget.memory(elems.len().saturating_mul(24).saturating_add(96))?;
                let elem = |elem: &crate::protocol::PayloadId| ids.get(usize::from(elem.0)).copied();
                let elems: Vec<TypeId> = elems.iter().filter_map(elem).collect();
                types.tuple(&elems)?
            }
        };
        ids.push(id);
    }
    Ok(ids)
}

/// Follows the endpoints, evidence and speculations of a function. Gives what messages carry; nothing if that is not
/// known because of errors. What can be said only once all functions have been followed goes to `noted`.
pub(super) fn check_func(
    cx: &FuncCx<'_>,
    flow: &Flow,
    sessions: &Sessions,
    config: &VerifyConfig,
    noted: &mut Noted,
    budget: &mut Budget,
    errors: &mut FuncErrors,
) -> Result<Option<Messages>, Exhausted> {
    if cx.program.sessions().linear_of(cx.id).is_empty() && !cx.active_ops().any(|op| concerns(cx, &op)) {
        return Ok(Some(Messages::NONE));
    }
    if !sessions.sound {
        return Ok(None);
    }
    let mut dropped = FuncErrors::new(config);
    let found = if config.unchecked_sessions { &mut dropped } else { &mut *errors };
    let found = flow::follow(cx, flow, sessions, config, budget, found)?;
    let (mut messages, mut aborts) = (found.messages, found.aborts);
    if !config.unchecked_sessions {
        *noted = found.noted;
    }
    if !dropped.is_empty() {
        // Where each abort goes back to is known only of speculations that nest well.
        aborts.iter_mut().for_each(|(_, fork)| *fork = None);
    }
    if !aborts.is_empty() {
        undone::check(cx, flow, &aborts, budget, errors)?;
    }
    messages.unchecked = config.unchecked_sessions;
    // Types build on what messages carry.
    Ok(errors.is_empty_but_uninitialized().then_some(messages))
}

/// Whether an instruction is of sessions, or may hold something linear.
fn concerns(cx: &FuncCx<'_>, op: &Op<'_>) -> bool {
    let typestate = op.row.typestate();
    if typestate == Typestate::None {
        // Rows of the VM that have no rule have no linear types either.
        if !is_foreign(op.instr.didx) && op.row.family() != Family::Intrinsic {
            return false;
        }
        let linear = |ty: Option<ValueType>| ty.is_some_and(ValueType::is_linear);
        return op.accessing(Access::Write).any(|(row, value)| {
            let types = cx.list_types(op, row);
            (0..value.entries().count()).any(|n| linear(types.get(n)))
        });
    }
    typestate.is_session()
        || summary::callee(op).is_some_and(|callee| !cx.program.sessions().linear_of(callee).is_empty())
}
