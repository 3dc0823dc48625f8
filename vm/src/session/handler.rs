//! What the embedder does for a session machine: effects, guards, and a say in every message.

use crate::endpoint::CoroId;
use crate::ids::{EffectId, LayerId};
use crate::value::Value;
use alloc::string::String;

/// What came of something that the embedder was asked to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome<T> {
    /// It is done.
    Done(T),
    /// It cannot be done now. The coroutine waits until the embedder wakes it, then asks again.
    Blocked,
    /// It failed: the coroutine traps, with this message for people.
    Failed(String),
}

/// What happens to a message that is about to be sent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SendDecision {
    /// It goes its way.
    Deliver,
    /// This goes in place of what it carries. It must be of the same type.
    Replace(Value),
    /// It is lost, and the sender does not know. The receiver may wait for ever.
    Drop,
    /// The sender traps, with this message for people.
    Fail(String),
}

/// A message, as the embedder sees it. Roles and labels by name.
#[derive(Clone, Copy, Debug)]
pub struct MessageInfo<'m> {
    /// The number of the session.
    pub session: u32,
    /// Who sends it.
    pub from: &'m str,
    /// Who receives it.
    pub to: &'m str,
    /// Its label.
    pub label: &'m str,
    /// What it carries.
    pub value: &'m Value,
    /// The coroutine that sends or receives it.
    pub coro: CoroId,
}

/// An effect that is invoked.
#[derive(Clone, Copy, Debug)]
pub struct EffectCall<'c> {
    /// The coroutine that invokes it.
    pub coro: CoroId,
    /// The effect.
    pub effect: EffectId,
    /// Its name.
    pub name: &'c str,
    /// Its arguments, of the types that the program declares.
    pub args: &'c [Value],
}

/// A guard layer that a coroutine asks for or gives back.
#[derive(Clone, Copy, Debug)]
pub struct GuardCall<'c> {
    /// The coroutine.
    pub coro: CoroId,
    /// The layer.
    pub layer: LayerId,
    /// Its name.
    pub name: &'c str,
}

/// An endpoint that changes hands.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'c> {
    /// The number of the transfer, from 1 on.
    pub serial: u64,
    /// The session of the endpoint.
    pub session: u32,
    /// The name of its role.
    pub role: &'c str,
    /// Who gives it.
    pub from: CoroId,
    /// Who gets it.
    pub to: CoroId,
    /// Facts about it that go along.
    pub facts: usize,
    /// What the giver sends along.
    pub bundle: &'c [u8],
}

/// The embedder's side of a session machine. Every method has a default, so that an empty handler is one that lets
/// everything pass, knows no effects and grants all guards.
///
/// Methods see no machine, so they cannot act on it; what they decide is recorded and can be replayed. A method that
/// panics makes the coroutine trap; the machine stays usable.
pub trait EffectHandler {
    /// Does an effect. The result must be of the type that the program declares: [`Value::Unit`] for none.
    fn invoke(&mut self, call: EffectCall<'_>) -> Outcome<Value> {
        Outcome::Failed(alloc::format!("no handler does effect `{}`", call.name.escape_debug()))
    }

    /// Whether a coroutine may have a layer that has room for it.
    fn acquire(&mut self, call: GuardCall<'_>) -> Outcome<()> {
        let _ = call;
        Outcome::Done(())
    }

    /// A layer was given back.
    fn release(&mut self, call: GuardCall<'_>) {
        let _ = call;
    }

    /// Whether [`EffectHandler::on_send`] and [`EffectHandler::on_recv`] want to see messages. Asked once, when the
    /// machine is made: it saves making a [`Value`] of everything that is sent.
    fn sees_messages(&self) -> bool {
        false
    }

    /// What happens to a message that is about to be sent. Not asked for messages of a speculation until that is joined,
    /// and not while the sender waits for room.
    fn on_send(&mut self, message: MessageInfo<'_>) -> SendDecision {
        let _ = message;
        SendDecision::Deliver
    }

    /// A message is about to be received. Returning an error makes the receiver trap; the message stays.
    ///
    /// # Errors
    /// A message for people.
    fn on_recv(&mut self, message: MessageInfo<'_>) -> Result<(), String> {
        let _ = message;
        Ok(())
    }

    /// An endpoint is about to change hands. Returning an error refuses it: the giver traps and keeps the endpoint.
    ///
    /// # Errors
    /// A message for people.
    fn on_transfer(&mut self, receipt: Receipt<'_>) -> Result<(), String> {
        let _ = receipt;
        Ok(())
    }
}

/// A handler that does nothing: every message passes, every guard is granted, every effect fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoEffects;

impl EffectHandler for NoEffects {}
