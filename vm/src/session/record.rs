//! What the embedder decided during a run, in order: with it, the run can be done again without the embedder.

use super::datum::Datum;
use super::tape::EffectTape;
use crate::endpoint::{CoroId, SessionId};
use crate::ids::{FuncId, InstrIx, LayerId, ShapeId};
use crate::protocol::LabelId;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// What the embedder decided about, or did by itself. Codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Act {
    /// It did an effect for `invoke`.
    Invoke = 0,
    /// It granted a guard layer, or not.
    Acquire = 1,
    /// It took a guard layer back.
    Release = 2,
    /// It had its say about a message to be sent.
    Send = 3,
    /// It had its say about a message to be received.
    Receive = 4,
    /// It had its say about an endpoint that changes hands.
    Transfer = 5,
    /// It put a message onto an edge.
    Inject = 6,
    /// It opened a session.
    Open = 7,
    /// It started a coroutine.
    Spawn = 8,
    /// It ended a session.
    Close = 9,
    /// It woke a coroutine.
    Wake = 10,
    /// It woke those that wait for a guard layer.
    WakeLayer = 11,
    /// It kept a coroutine from running.
    Pause = 12,
    /// It let it run again.
    Resume = 13,
    /// It gave up an endpoint.
    DropEndpoint = 14,
    /// It switched a guard layer on.
    LayerOn = 15,
    /// It switched a guard layer off.
    LayerOff = 16,
    /// It set the progress tokens of an endpoint.
    Tokens = 17,
    /// It added fuel.
    AddFuel = 18,
    /// It took fuel away.
    TakeFuel = 19,
}

impl Act {
    /// All acts, by code.
    pub const ALL: [Self; 20] = [
        Self::Invoke,
        Self::Acquire,
        Self::Release,
        Self::Send,
        Self::Receive,
        Self::Transfer,
        Self::Inject,
        Self::Open,
        Self::Spawn,
        Self::Close,
        Self::Wake,
        Self::WakeLayer,
        Self::Pause,
        Self::Resume,
        Self::DropEndpoint,
        Self::LayerOn,
        Self::LayerOff,
        Self::Tokens,
        Self::AddFuel,
        Self::TakeFuel,
    ];

    /// The act with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Acquire => "acquire",
            Self::Release => "release",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Transfer => "transfer",
            Self::Inject => "inject",
            Self::Open => "open",
            Self::Spawn => "spawn",
            Self::Close => "close",
            Self::Wake => "wake",
            Self::WakeLayer => "wake layer",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::DropEndpoint => "drop endpoint",
            Self::LayerOn => "switch layer on",
            Self::LayerOff => "switch layer off",
            Self::Tokens => "set tokens",
            Self::AddFuel => "add fuel",
            Self::TakeFuel => "take fuel",
        }
    }
}

/// Where a decision was asked for, or when something was done without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// An instruction asked.
    Code {
        /// The coroutine that executed it.
        coro: CoroId,
        /// The function that it stands in.
        func: FuncId,
        /// Which instruction of the function it is.
        instr: InstrIx,
    },
    /// The host did it between slices.
    Host {
        /// The number of slices that had been begun.
        tick: u64,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { coro, func, instr } => write!(f, "by {coro} at instruction {} of {func}", instr.0),
            Self::Host { tick } => write!(f, "by the host at tick {tick}"),
        }
    }
}

/// What was decided or done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It is done, or goes its way.
    Done,
    /// It is done, with this result; or this goes in place of what a message carries. What the host did: with this.
    Value(Datum),
    /// The message is lost.
    Dropped,
    /// Not now: the coroutine waits.
    Blocked,
    /// It failed, with a message for people.
    Failed(Box<str>),
    /// The embedder's function panicked. What it said, if that is text.
    Panicked(Box<str>),
    /// A message was put onto an edge.
    Injected {
        /// The session.
        session: SessionId,
        /// The sender's place in the shape.
        from: u16,
        /// The receiver's place in the shape.
        to: u16,
        /// The label.
        label: LabelId,
        /// What the message carries.
        value: Datum,
    },
    /// A session was opened.
    Opened {
        /// Its number.
        session: SessionId,
        /// Its shape.
        shape: ShapeId,
    },
    /// A coroutine was started.
    Spawned {
        /// Its number.
        child: CoroId,
        /// What it runs.
        func: FuncId,
        /// With which arguments.
        args: Box<[Datum]>,
    },
    /// It was about this session.
    Session(SessionId),
    /// It was about this coroutine.
    Coroutine(CoroId),
    /// It was about this guard layer.
    Layer(LayerId),
}

impl Decision {
    /// Bytes of memory that it takes beside its own.
    fn size(&self) -> usize {
        match self {
            Self::Value(value) | Self::Injected { value, .. } => value.size(),
            Self::Failed(text) | Self::Panicked(text) => text.len(),
            Self::Spawned { args, .. } => args.iter().map(Datum::size).sum(),
            _ => 0,
        }
    }
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it was asked for.
    pub origin: Origin,
    /// What it is about.
    pub act: Act,
    /// What was decided.
    pub decision: Decision,
}

/// The decisions of a run, in order, as far as they fit.
///
/// The first that does not fit ends the log: later ones mean nothing without it.
#[derive(Clone, Debug)]
pub struct EffectLog {
    max_bytes: usize,
    bytes: usize,
    entries: Vec<Entry>,
    lost: u64,
}

impl EffectLog {
    /// A log of at most this many bytes of memory.
    #[must_use]
    pub const fn new(max_bytes: usize) -> Self {
        Self { max_bytes, bytes: 0, entries: Vec::new(), lost: 0 }
    }

    /// Bytes that are left for the next entry's values: what to hand to [`Datum::from_value`].
    #[must_use]
    pub fn room(&self) -> usize {
        if self.lost > 0 {
            return 0;
        }
        (self.max_bytes - self.bytes).saturating_sub(size_of::<Entry>())
    }

    /// Adds a decision, or counts it as lost.
    pub fn push(&mut self, entry: Entry) {
        let size = entry.decision.size();
        if self.lost > 0
            || self.bytes.saturating_add(size_of::<Entry>()).saturating_add(size) > self.max_bytes
        {
            return self.lose();
        }
        self.bytes += size_of::<Entry>() + size;
        self.entries.push(entry);
    }

    /// Counts a decision as lost, such as one whose value does not fit.
    pub const fn lose(&mut self) {
        self.lost += 1;
    }

    /// The decisions kept.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Decisions that were not kept.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The tape of the run. `program` and `config` are hashes of what ran and how: a tape is only good for the same.
    #[must_use]
    pub fn into_tape(self, program: u64, config: u64) -> EffectTape {
        EffectTape { program, config, complete: self.lost == 0, entries: self.entries }
    }
}
