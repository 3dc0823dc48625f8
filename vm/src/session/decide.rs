//! What the embedder decides, asked for in one place: of its handler, which may be recorded, or of a tape.

use super::datum::Datum;
use super::handler::{EffectHandler, Outcome, SendDecision};
use super::record::{Act, Decision, EffectLog, Entry, Origin};
use super::replay::Replay;
use super::slice::{Done, Slice, refused, trap};
use crate::guard;
use crate::heap::Heap;
use crate::session_fault::SessionFault;
use crate::value::Value;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use opforge_schema::TrapCode;

/// Where decisions come from, and whether they are kept.
#[derive(Clone, Debug, Default)]
pub(super) enum Tape {
    /// From the handler.
    #[default]
    Off,
    /// From the handler, and kept.
    Records(EffectLog),
    /// From a tape.
    Replays(Box<Replay>),
}

/// A decision, whatever it is about.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Done,
    Value(Value),
    Dropped,
    Blocked,
    Failed(String),
}

impl From<Outcome<Value>> for Answer {
    fn from(outcome: Outcome<Value>) -> Self {
        match outcome {
            Outcome::Done(value) => Self::Value(value),
            Outcome::Blocked => Self::Blocked,
            Outcome::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<Outcome<()>> for Answer {
    fn from(outcome: Outcome<()>) -> Self {
        match outcome {
            Outcome::Done(()) => Self::Done,
            Outcome::Blocked => Self::Blocked,
            Outcome::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<SendDecision> for Answer {
    fn from(decision: SendDecision) -> Self {
        match decision {
            SendDecision::Deliver => Self::Done,
            SendDecision::Replace(value) => Self::Value(value),
            SendDecision::Drop => Self::Dropped,
            SendDecision::Fail(text) => Self::Failed(text),
        }
    }
}

impl From<Result<(), String>> for Answer {
    fn from(answer: Result<(), String>) -> Self {
        answer.map_or_else(Self::Failed, |()| Self::Done)
    }
}

impl Answer {
    /// For the record. `None` for a value that is too large, or not of this heap.
    fn decision(&self, heap: &Heap, room: usize) -> Option<Decision> {
        Some(match self {
            Self::Done => Decision::Done,
            Self::Value(value) => Decision::Value(Datum::from_value(value, heap, room).ok()?),
            Self::Dropped => Decision::Dropped,
            Self::Blocked => Decision::Blocked,
            Self::Failed(text) => Decision::Failed(text.as_str().into()),
        })
    }
}

impl Slice<'_> {
    /// What is decided here. `code` is the trap of a handler that panics; its payload is kept for the embedder.
    pub(super) fn ask<A: Into<Answer>>(
        &mut self,
        (act, code): (Act, TrapCode),
        heap: &mut Heap,
        f: impl FnOnce(&mut dyn EffectHandler) -> A,
    ) -> Done<Answer> {
        let (func, instr) = self.at;
        let origin = Origin::Code { coro: self.coro_id(), func, instr };
        if let Tape::Replays(replay) = &mut self.world.tape {
            return match replay.next(origin, act) {
                Ok(decision) => replayed(decision, code, heap),
                Err(divergence) => Err(diverged(&divergence.to_string())),
            };
        }
        let handler = &mut *self.handler;
        let answer = guard::guard(|| f(handler)).map(Into::into);
        if let Tape::Records(log) = &mut self.world.tape {
            let decision = match &answer {
                Ok(answer) => answer.decision(heap, log.room()),
                Err(panic) => Some(Decision::Panicked(guard::message(panic).unwrap_or_default())),
            };
            match decision {
                Some(decision) => log.push(Entry { origin, act, decision }),
                None => log.lose(),
            }
        }
        answer.map_err(|panic| {
            let message = guard::message(&panic);
            self.panic.keep(panic);
            trap(code, SessionFault::Panicked(message))
        })
    }
}

#[cold]
fn diverged(text: &str) -> super::slice::Stop {
    trap(TrapCode::ReplayDivergence, SessionFault::Divergence(text.into()))
}

/// A decision of a tape as the answer that it was.
fn replayed(decision: &Decision, code: TrapCode, heap: &mut Heap) -> Done<Answer> {
    Ok(match decision {
        Decision::Done => Answer::Done,
        Decision::Value(value) => match value.to_value(heap) {
            Ok(value) => Answer::Value(value),
            Err(error) => return Err(diverged(&error.to_string())),
        },
        Decision::Dropped => Answer::Dropped,
        Decision::Blocked => Answer::Blocked,
        Decision::Failed(text) => return Err(refused(code, text)),
        Decision::Panicked(text) => {
            let message = (!text.is_empty()).then(|| text.clone());
            return Err(trap(code, SessionFault::Panicked(message)));
        }
        _ => return Err(diverged("the tape holds something else than a decision of a handler here")),
    })
}
