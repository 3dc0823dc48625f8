//! Coroutines: where each stands, what it owns, and what it would go back to.

use super::event::Event;
use super::ring::Message;
use crate::endpoint::{CoroId, EndpointId};
use crate::ids::EffectId;
use crate::interp::coroutine::Frames;
use crate::protocol::StateId;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a coroutine waits for. Eight bytes: see [`Stop`](super::slice::Stop).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Room on an edge.
    Send { session: u32, edge: u16 },
    /// A message on an edge.
    Recv { session: u32, edge: u16 },
    /// A guard layer.
    Acquire { layer: u32 },
    /// The embedder, to do an effect.
    Effect { effect: EffectId },
    /// The embedder, to grant a guard layer.
    Grant { layer: u32 },
    /// An endpoint that is to be transferred to it: [`Coroutine::awaits`].
    Ownership,
}

impl Wait {
    /// Among coroutines that wake at once: senders first, then receivers, then those that wait for guards, then others.
    pub(super) const fn order(self) -> u8 {
        match self {
            Self::Send { .. } => 0,
            Self::Recv { .. } => 1,
            Self::Acquire { .. } => 2,
            Self::Grant { .. } | Self::Effect { .. } | Self::Ownership => 3,
        }
    }
}

/// How a coroutine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// In the queue.
    Ready,
    /// Its slice is on.
    Running,
    /// It waits.
    Waits(Wait),
    /// It has halted.
    Halted,
    /// It has trapped.
    Trapped,
}

/// Something that a coroutine knows about an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) endpoint: EndpointId,
    pub(super) text: Arc<str>,
}

impl Fact {
    /// Bytes that it is charged.
    pub(super) fn bytes(&self) -> u64 {
        Self::bytes_of(&self.text)
    }

    /// Bytes that one of this text is charged.
    pub(super) fn bytes_of(text: &str) -> u64 {
        (size_of::<Self>() + text.len()) as u64
    }
}

/// A message that was sent inside of a speculation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    pub(super) session: u32,
    pub(super) edge: u16,
    pub(super) message: Message,
}

/// What a speculation would go back to, and what it has done that others do not see.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    /// The frame that began it, by the number of frames.
    pub(super) depth: u32,
    pub(super) slots: Box<[u64]>,
    /// State of each endpoint that the coroutine owns, with the epoch of its session.
    pub(super) owned: Vec<(EndpointId, StateId, u32)>,
    pub(super) facts: usize,
    pub(super) outbox: Vec<Outgoing>,
    /// Messages taken, with the edges that they were taken from.
    pub(super) inbox: Vec<Outgoing>,
    pub(super) events: Vec<Event>,
    /// Bytes charged for it.
    pub(super) bytes: u64,
}

/// What a coroutine owes and keeps beside its frames.
#[derive(Clone, Debug)]
pub(super) struct Coroutine {
    pub(super) generation: u32,
    pub(super) status: Status,
    pub(super) paused: bool,
    /// It is among those that are ready from the next tick on.
    pub(super) woken: bool,
    /// The layer that has called it: room is kept for it.
    pub(super) called: Option<u32>,
    /// The first endpoint that it was given: says in which session and role its events are told.
    pub(super) home: Option<EndpointId>,
    pub(super) owned: Vec<EndpointId>,
    /// With [`Wait::Ownership`]: the endpoint.
    pub(super) awaits: Option<EndpointId>,
    /// Endpoints that it may use once they are transferred to it.
    pub(super) handles: Vec<(EndpointId, StateId)>,
    pub(super) facts: Vec<Fact>,
    pub(super) checkpoints: Vec<Checkpoint>,
    pub(super) frames: Frames,
    /// Bytes charged for it.
    pub(super) bytes: u64,
}

impl Coroutine {
    /// Bytes that one is charged beside its stack.
    pub(super) const BYTES: u64 = size_of::<Self>() as u64;

    pub(super) fn id(&self, index: u32) -> CoroId {
        CoroId { index, generation: self.generation }
    }

    pub(super) fn is_alive(&self) -> bool {
        !matches!(self.status, Status::Halted | Status::Trapped)
    }
}
