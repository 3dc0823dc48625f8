//! What a session machine says about a run: one [`Event`] for each thing that happened, with its tick.
//!
//! Events are ids and small texts; [`Names`](super::Names) knows how to show them. Nothing here depends on time, on
//! addresses or on the order of a hash table, so the same run gives the same events everywhere.

use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::ids::{EffectId, FuncId, LayerId, ShapeId};
use crate::protocol::LabelId;
use alloc::sync::Arc;
use opforge_schema::TrapCode;

/// How a session came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Ending {
    /// Somebody closed it.
    Closed = 0,
    /// A coroutine that held one of its ends trapped.
    Faulted = 1,
    /// The host gave it up.
    Aborted = 2,
}

impl Ending {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Faulted => "faulted",
            Self::Aborted => "aborted",
        }
    }
}

/// Which events a machine keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Observe {
    /// None.
    Off = 0,
    /// Those that are the meaning of a run.
    #[default]
    Events = 1,
    /// Also those that only say how it was scheduled: [`Event::Spawned`], [`Event::Woken`].
    Trace = 2,
}

/// One thing that happened. A role is its place in the shape of the session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// A session was opened.
    Opened {
        /// The session.
        session: SessionId,
        /// What kind of session it is.
        shape: ShapeId,
    },
    /// A role sent a message. Whether the edge kept it is up to the edge's policy and the host.
    Sent {
        /// The session.
        session: SessionId,
        /// The sender.
        from: u16,
        /// The receiver.
        to: u16,
        /// The message's label.
        label: LabelId,
    },
    /// A role took a message.
    Received {
        /// The session.
        session: SessionId,
        /// The sender.
        from: u16,
        /// The receiver.
        to: u16,
        /// The message's label.
        label: LabelId,
    },
    /// Follows `Sent` where the sender could choose among labels.
    Offered {
        /// The session.
        session: SessionId,
        /// The sender.
        from: u16,
        /// The receiver.
        to: u16,
        /// The label chosen.
        label: LabelId,
    },
    /// Follows `Received` where the receiver went on by the label.
    Chose {
        /// The session.
        session: SessionId,
        /// The sender.
        from: u16,
        /// The receiver.
        to: u16,
        /// The label received.
        label: LabelId,
    },
    /// A session was closed by a program.
    Closed {
        /// The session.
        session: SessionId,
    },
    /// A session is over; nothing happens in it from here on.
    Terminal {
        /// The session.
        session: SessionId,
        /// How it came to its end.
        how: Ending,
    },
    /// A session has a new epoch: what speculations did with the old one is void.
    Epoch {
        /// The session.
        session: SessionId,
        /// The new epoch.
        epoch: u32,
    },
    /// A coroutine ended.
    Halted {
        /// The coroutine.
        coro: CoroId,
    },
    /// A coroutine had the host do something.
    Invoked {
        /// The coroutine.
        coro: CoroId,
        /// What was done.
        effect: EffectId,
    },
    /// A coroutine got hold of a guard layer.
    Acquired {
        /// The coroutine.
        coro: CoroId,
        /// The layer.
        layer: LayerId,
    },
    /// A coroutine let go of a guard layer.
    Released {
        /// The coroutine.
        coro: CoroId,
        /// The layer.
        layer: LayerId,
    },
    /// An endpoint has another owner.
    Transferred {
        /// The endpoint.
        endpoint: EndpointId,
        /// Who had it.
        from: CoroId,
        /// Who has it.
        to: CoroId,
        /// The hash of the bundle that went with it; see [`bundle_hash`](super::bundle_hash).
        bundle_hash: u64,
    },
    /// A coroutine began to speculate.
    Forked {
        /// The coroutine.
        coro: CoroId,
        /// The number that the program gave to the speculation.
        ghost: u64,
    },
    /// A coroutine's innermost speculation came true.
    Joined {
        /// The coroutine.
        coro: CoroId,
    },
    /// A coroutine's innermost speculation never was.
    Aborted {
        /// The coroutine.
        coro: CoroId,
    },
    /// A coroutine noted a fact about an endpoint.
    Tagged {
        /// The coroutine.
        coro: CoroId,
        /// The endpoint.
        endpoint: EndpointId,
        /// The fact; see [`Event::MAX_TEXT`].
        fact: Arc<str>,
    },
    /// A coroutine asked whether a fact may go to a role.
    Checked {
        /// The coroutine.
        coro: CoroId,
        /// The endpoint that the fact is about.
        endpoint: EndpointId,
        /// The name of the role; see [`Event::MAX_TEXT`].
        target: Arc<str>,
        /// The answer.
        permitted: bool,
    },
    /// A coroutine trapped.
    Failed {
        /// The coroutine.
        coro: CoroId,
        /// Why.
        trap: TrapCode,
    },
    /// A coroutine was made. Trace level only.
    Spawned {
        /// Who made it; nobody where it was the host.
        parent: Option<CoroId>,
        /// The coroutine.
        child: CoroId,
        /// What it runs.
        func: FuncId,
    },
    /// A coroutine that waited is ready again. Trace level only.
    Woken {
        /// The coroutine.
        coro: CoroId,
    },
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// What an [`Event`] is, without who and what. Codes and names are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = concat!("[`Event::", stringify!($variant), "`]")] $variant = $code,)*
        }

        impl EventKind {
            /// All kinds, by code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in JSON lines.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl Event {
            /// What it is.
            #[must_use]
            pub const fn kind(&self) -> EventKind {
                match self { $(Self::$variant { .. } => EventKind::$variant,)* }
            }
        }
    };
}

kinds! {
    Opened = 0 "opened",
    Sent = 1 "sent",
    Received = 2 "received",
    Offered = 3 "offered",
    Chose = 4 "chose",
    Closed = 5 "closed",
    Terminal = 6 "terminal",
    Epoch = 7 "epoch",
    Halted = 8 "halted",
    Invoked = 9 "invoked",
    Acquired = 10 "acquired",
    Released = 11 "released",
    Transferred = 12 "transferred",
    Forked = 13 "forked",
    Joined = 14 "joined",
    Aborted = 15 "aborted",
    Tagged = 16 "tagged",
    Checked = 17 "checked",
    Failed = 18 "failed",
    Spawned = 19 "spawned",
    Woken = 20 "woken",
}

impl EventKind {
    /// The least level that keeps such events.
    #[must_use]
    pub const fn level(self) -> Observe {
        match self {
            Self::Spawned | Self::Woken => Observe::Trace,
            _ => Observe::Events,
        }
    }

    /// Whether such an event tells what the embedder did: an effect, or a guard layer given or taken back.
    #[must_use]
    pub const fn is_effect(self) -> bool {
        matches!(self, Self::Invoked | Self::Acquired | Self::Released)
    }
}

impl Event {
    /// Bytes of a text that an event keeps: of a longer one it has the beginning.
    pub const MAX_TEXT: usize = 128;

    /// A text of the program, as far as an event keeps it.
    pub(super) fn text(text: &str) -> Arc<str> {
        let mut end = text.len().min(Self::MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or("").into()
    }

    /// Bytes of text that it keeps.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Tagged { fact: text, .. } | Self::Checked { target: text, .. } => text.len(),
            _ => 0,
        }
    }

    /// The coroutine that did it. Messages and what becomes of sessions say roles and sessions, not coroutines.
    #[must_use]
    pub const fn coroutine(&self) -> Option<CoroId> {
        match *self {
            Self::Halted { coro }
            | Self::Invoked { coro, .. }
            | Self::Acquired { coro, .. }
            | Self::Released { coro, .. }
            | Self::Transferred { from: coro, .. }
            | Self::Forked { coro, .. }
            | Self::Joined { coro }
            | Self::Aborted { coro }
            | Self::Tagged { coro, .. }
            | Self::Checked { coro, .. }
            | Self::Failed { coro, .. }
            | Self::Woken { coro } => Some(coro),
            Self::Spawned { parent, .. } => parent,
            Self::Opened { .. }
            | Self::Sent { .. }
            | Self::Received { .. }
            | Self::Offered { .. }
            | Self::Chose { .. }
            | Self::Closed { .. }
            | Self::Terminal { .. }
            | Self::Epoch { .. } => None,
        }
    }

    /// The session that it is about, or whose endpoint it is about.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match *self {
            Self::Opened { session, .. }
            | Self::Sent { session, .. }
            | Self::Received { session, .. }
            | Self::Offered { session, .. }
            | Self::Chose { session, .. }
            | Self::Closed { session }
            | Self::Terminal { session, .. }
            | Self::Epoch { session, .. } => Some(session),
            Self::Transferred { endpoint, .. }
            | Self::Tagged { endpoint, .. }
            | Self::Checked { endpoint, .. } => Some(endpoint.session_id()),
            _ => None,
        }
    }
}

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stamped {
    /// The number of slices that had been begun: 0 before the first.
    pub tick: u64,
    /// What happened.
    pub event: Event,
}
