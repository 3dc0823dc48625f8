//! Hashes that are the same on every machine and in every version of this crate.
//!
//! A hash is taken over 64-bit words. It starts as `0xcbf29ce484222325`; each word is xored in, the result multiplied by
//! `0x9e3779b97f4a7c15` modulo 2^64, and its upper half xored onto its lower half. It finds changes, and is no
//! protection against somebody who wants two runs to look the same.
//!
//! An event's words are its tick, the code of its [`EventKind`](super::EventKind), and its fields in the order in which [`Event`]
//! lists them: one word a number, `true` as 1, a session or coroutine as its number plus its generation times 2^32, an
//! endpoint as its session and its role, the host as parent as `u64::MAX`. Bytes are their number, then each eight of
//! them as a little-endian number, the last ones filled up with zeros.

use super::event::{Event, Stamped};
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::protocol::LabelId;

/// A hash in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hasher(u64);

impl Hasher {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    #[inline]
    pub(super) const fn word(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.word(u64::from_le_bytes(word));
        }
    }

    pub(super) const fn finish(self) -> u64 {
        self.0
    }

    fn session(&mut self, id: SessionId) {
        self.word(u64::from(id.generation) << 32 | u64::from(id.index));
    }

    fn coro(&mut self, id: CoroId) {
        self.word(u64::from(id.generation) << 32 | u64::from(id.index));
    }

    fn endpoint(&mut self, id: EndpointId) {
        self.session(id.session_id());
        self.word(id.role.into());
    }

    fn message(&mut self, session: SessionId, from: u16, to: u16, label: LabelId) {
        self.session(session);
        self.word(from.into());
        self.word(to.into());
        self.word(label.0.into());
    }

    pub(super) fn event(&mut self, Stamped { tick, event }: &Stamped) {
        self.word(*tick);
        self.word(event.kind() as u64);
        match event {
            Event::Opened { session, shape } => {
                self.session(*session);
                self.word(shape.0.into());
            }
            Event::Sent { session, from, to, label }
            | Event::Received { session, from, to, label }
            | Event::Offered { session, from, to, label }
            | Event::Chose { session, from, to, label } => self.message(*session, *from, *to, *label),
            Event::Closed { session } => self.session(*session),
            Event::Terminal { session, how } => {
                self.session(*session);
                self.word(*how as u64);
            }
            Event::Epoch { session, epoch } => {
                self.session(*session);
                self.word((*epoch).into());
            }
            Event::Spawned { parent, child, func } => {
                match parent {
                    Some(parent) => self.coro(*parent),
                    None => self.word(u64::MAX),
                }
                self.coro(*child);
                self.word(func.0.into());
            }
            Event::Transferred { endpoint, from, to, bundle_hash } => {
                self.endpoint(*endpoint);
                self.coro(*from);
                self.coro(*to);
                self.word(*bundle_hash);
            }
            Event::Halted { coro }
            | Event::Joined { coro }
            | Event::Aborted { coro }
            | Event::Woken { coro } => {
                self.coro(*coro);
            }
            Event::Invoked { coro, effect } => self.numbered(*coro, effect.0.into()),
            Event::Acquired { coro, layer } | Event::Released { coro, layer } => {
                self.numbered(*coro, layer.0.into());
            }
            Event::Forked { coro, ghost } => self.numbered(*coro, *ghost),
            Event::Failed { coro, trap } => self.numbered(*coro, trap.code().into()),
            Event::Tagged { coro, endpoint, fact } => {
                self.coro(*coro);
                self.endpoint(*endpoint);
                self.bytes(fact.as_bytes());
            }
            Event::Checked { coro, endpoint, target, permitted } => {
                self.coro(*coro);
                self.endpoint(*endpoint);
                self.bytes(target.as_bytes());
                self.word((*permitted).into());
            }
        }
    }

    fn numbered(&mut self, coro: CoroId, number: u64) {
        self.coro(coro);
        self.word(number);
    }
}

/// The hash of a trace: ticks and events, in order. The same run gives the same one.
#[must_use]
pub fn trace_hash(trace: &[Stamped]) -> u64 {
    let mut hasher = Hasher::new();
    trace.iter().for_each(|stamped| hasher.event(stamped));
    hasher.finish()
}

/// The hash of bytes.
pub(super) fn bytes_hash(bytes: &[u8]) -> u64 {
    let mut hasher = Hasher::new();
    hasher.bytes(bytes);
    hasher.finish()
}

/// The hash of what goes with a transfer: 0 for nothing.
#[must_use]
pub fn bundle_hash(bundle: Option<&[u8]>) -> u64 {
    let Some(bytes) = bundle else { return 0 };
    let mut hasher = Hasher::new();
    hasher.bytes(bytes);
    hasher.finish()
}
