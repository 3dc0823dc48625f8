//! Recording what the embedder decides and does, and doing it again from a tape.

use super::config::SessionConfig;
use super::datum::Datum;
use super::decide::Tape;
use super::error::SessionError;
use super::event::Observe;
use super::handler::EffectHandler;
use super::hash::bytes_hash;
use super::machine::SessionMachine;
use super::record::{Act, Decision, EffectLog, Entry, Origin};
use super::replay::{Divergence, Replay};
use super::tape::EffectTape;
use crate::value::Value;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

impl<T, H: EffectHandler> SessionMachine<T, H> {
    /// Records every decision of the handler and everything that the host does from now on, in at most this many bytes.
    /// To be asked for before anything is opened or begun. Host functions of the instance are not recorded: a program that
    /// calls them replays only as far as they give the same results.
    pub fn record(&mut self, max_bytes: usize) {
        self.world.tape = Tape::Records(EffectLog::new(max_bytes));
    }

    /// The tape of what was recorded; recording ends. `None` if nothing was asked to be.
    pub fn take_tape(&mut self) -> Option<EffectTape> {
        let (program, config) = self.hashes();
        match core::mem::take(&mut self.world.tape) {
            Tape::Records(log) => Some(log.into_tape(program, config)),
            other => {
                self.world.tape = other;
                None
            }
        }
    }

    /// Takes decisions from a tape from now on, instead of from the handler, and does what the host did when the tape was
    /// recorded. To be asked for of a new machine; then [`SessionMachine::run`] does the recorded run again. Whatever the
    /// program asks for beyond the tape or otherwise than there traps with `ReplayDivergence`.
    ///
    /// # Errors
    /// [`SessionError::OtherMachine`] if the tape is of another program or configuration.
    pub fn replay(&mut self, tape: EffectTape) -> Result<(), SessionError> {
        if (tape.program, tape.config) != self.hashes() {
            return Err(SessionError::OtherMachine);
        }
        self.sees_messages = tape.entries.iter().any(|entry| matches!(entry.act, Act::Send | Act::Receive));
        self.world.tape = Tape::Replays(Box::new(Replay::new(tape)));
        Ok(())
    }

    /// Whether a replay has come to the end of its tape.
    ///
    /// # Errors
    /// [`Divergence`] if the recorded run went on, or differently.
    pub fn finish_replay(&self) -> Result<(), Divergence> {
        match &self.world.tape {
            Tape::Replays(replay) => replay.finish(),
            _ => Ok(()),
        }
    }

    /// Hashes of what runs and how.
    fn hashes(&self) -> (u64, u64) {
        let program = self.program().and_then(|program| crate::container::encode(program).ok());
        let program = bytes_hash(&program.unwrap_or_default());
        // What is watched changes nothing that happens.
        let config = SessionConfig { observe: Observe::Off, max_events: 0, ..self.config.clone() };
        (program, bytes_hash(format!("{config:?} {:?}", self.limits).as_bytes()))
    }

    /// Keeps what the host did.
    pub(super) fn recorded(&mut self, act: Act, decision: impl FnOnce() -> Decision) {
        let origin = Origin::Host { tick: self.world.tick };
        if let Tape::Records(log) = &mut self.world.tape {
            log.push(Entry { origin, act, decision: decision() });
        }
    }

    /// The same for what has values in it, which may be too large.
    pub(super) fn recorded_values(
        &mut self,
        act: Act,
        values: &[Value],
        decision: impl FnOnce(Box<[Datum]>) -> Decision,
    ) {
        let origin = Origin::Host { tick: self.world.tick };
        if let Tape::Records(log) = &mut self.world.tape {
            let heap = self.instance.heap();
            let data: Result<Box<[Datum]>, _> =
                values.iter().map(|value| Datum::from_value(value, heap, log.room())).collect();
            match data {
                Ok(data) => log.push(Entry { origin, act, decision: decision(data) }),
                Err(_) => log.lose(),
            }
        }
    }

    /// Does what the host did up to this point of a recorded run. `false` if none is replayed.
    pub(super) fn do_again(&mut self) -> bool {
        while self.do_again_at_once() {}
        matches!(self.world.tape, Tape::Replays(_))
    }

    /// Does the next thing that the host did at this point of a recorded run. `false` if that was nothing.
    pub(super) fn do_again_at_once(&mut self) -> bool {
        let tick = self.world.tick;
        let Tape::Replays(replay) = &mut self.world.tape else { return false };
        let Some(entry) = replay.host(tick).cloned() else { return false };
        // What cannot be done again shows as a divergence where its effects are missed.
        let _ = self.act_again(&entry.act, &entry.decision);
        true
    }

    fn act_again(&mut self, act: &Act, decision: &Decision) -> Result<(), SessionError> {
        match (act, decision) {
            (Act::Open, Decision::Opened { shape, .. }) => self.open(*shape).map(|_| ()),
            (Act::Spawn, Decision::Spawned { func, args, .. }) => {
                let heap = self.instance.session_heap();
                let values: Result<Vec<Value>, _> = args.iter().map(|datum| datum.to_value(heap)).collect();
                let values = values.map_err(|error| SessionError::Argument { index: 0, error })?;
                self.spawn(*func, &values).map(|_| ())
            }
            (Act::Inject, Decision::Injected { session, to, label, value, .. }) => {
                let value = value
                    .to_value(self.instance.session_heap())
                    .map_err(|error| SessionError::Argument { index: 0, error })?;
                self.inject(session.endpoint(*to), *label, &value)
            }
            (Act::Close, Decision::Session(session)) => self.cancel(*session),
            (Act::Wake, Decision::Coroutine(coro)) => self.wake(*coro),
            (Act::WakeLayer, Decision::Layer(layer)) => self.wake_layer(*layer),
            (Act::Pause, Decision::Coroutine(coro)) => self.pause(*coro),
            (Act::Resume, Decision::Coroutine(coro)) => self.resume(*coro),
            (Act::DropEndpoint, Decision::Value(Datum::Endpoint(id))) => self.drop_endpoint(*id),
            (Act::LayerOn | Act::LayerOff, Decision::Layer(layer)) => {
                self.set_layer_active(*layer, *act == Act::LayerOn)
            }
            (Act::Tokens, Decision::Value(Datum::Tuple(parts))) => match **parts {
                [Datum::Endpoint(id), Datum::U64(tokens)] => self.set_tokens(id, tokens as u32),
                _ => Ok(()),
            },
            (Act::AddFuel, Decision::Value(Datum::U64(fuel))) => {
                self.add_fuel(*fuel);
                Ok(())
            }
            (Act::TakeFuel, Decision::Value(Datum::U64(fuel))) => {
                self.take_fuel(*fuel);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
