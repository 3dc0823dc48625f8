//! What a trap of a session instruction is about.

use crate::endpoint::EndpointId;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

/// Why a session instruction could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionFault {
    /// The coroutine does not own the endpoint.
    NotOwned(EndpointId),
    /// The session of the endpoint is gone.
    Stale(EndpointId),
    /// The session was closed by somebody.
    Closed(EndpointId),
    /// A party of the session has failed.
    PeerFailed(EndpointId),
    /// The state of the endpoint does not send.
    NotSending(EndpointId),
    /// The state of the endpoint does not receive.
    NotReceiving(EndpointId),
    /// The state has several labels, and the instruction names none.
    SeveralLabels(EndpointId),
    /// The payload is of another type than the state says.
    Payload {
        /// The label of the message.
        label: Arc<str>,
    },
    /// The state, or the table of the instruction, does not have the label.
    Label {
        /// The label.
        label: Arc<str>,
    },
    /// The edge is full.
    Full {
        /// Messages that it holds.
        capacity: u32,
    },
    /// The embedder's handler refused, with its message.
    Refused(Box<str>),
    /// The embedder's handler panicked, with what it said.
    Panicked(Option<Box<str>>),
    /// The embedder's handler gave a value of another type than is declared.
    HandlerType,
    /// The endpoint that is sent along is in another state, or of another session, than the payload says.
    Delegation(EndpointId),
    /// The endpoint in the message is one that the coroutine has a handle of: two registers would name it.
    HasHandle(EndpointId),
    /// The coroutine that is to get the endpoint is gone or was never there.
    NoTarget,
    /// The coroutine that is to get the endpoint is the one that has it.
    TargetIsSelf,
    /// The coroutine that is to get the endpoint does not wait for it.
    NotAwaited,
    /// The coroutine that is to get the endpoint waits for it in another state.
    AwaitedInOtherState,
    /// Speculation is switched off.
    SpeculationOff,
    /// More speculations inside of each other than the limit.
    SpeculationDepth,
    /// There is no speculation to end in this frame.
    NoSpeculation,
    /// A session that the speculation used has ended since it began.
    SessionEnded,
    /// The instruction may not be done inside of a speculation.
    InSpeculation,
    /// The evidence is of another layer or holder, or was given back.
    Evidence,
    /// The layer is switched off.
    LayerInactive,
    /// The fact is no endpoint and text.
    Fact,
    /// More facts than the limit.
    FactLimit,
    /// The replayed run was asked something else at this place.
    Divergence(Box<str>),
}

impl fmt::Display for SessionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOwned(id) => write!(f, "{id} is not owned by this coroutine"),
            Self::Stale(id) => write!(f, "{id} is of a session that is gone"),
            Self::Closed(id) => write!(f, "{id}: the session was closed"),
            Self::PeerFailed(id) => write!(f, "{id}: another party of the session has failed"),
            Self::NotSending(id) => write!(f, "{id} has nothing to send now"),
            Self::NotReceiving(id) => write!(f, "{id} has nothing to receive now"),
            Self::SeveralLabels(id) => write!(f, "{id} has a choice of labels now"),
            Self::Payload { label } => {
                write!(f, "label {} carries another type", label.escape_debug())
            }
            Self::Label { label } => write!(f, "label {} is not expected here", label.escape_debug()),
            Self::Full { capacity } => write!(f, "the edge holds {capacity} messages already"),
            Self::Refused(message) => write!(f, "the handler refused: {}", message.escape_debug()),
            Self::Panicked(None) => f.write_str("the handler panicked"),
            Self::Panicked(Some(message)) => write!(f, "the handler panicked: {}", message.escape_debug()),
            Self::HandlerType => f.write_str("the handler gave a value of another type than is declared"),
            Self::Delegation(id) => write!(f, "{id} is not what the message is declared to carry"),
            Self::HasHandle(id) => {
                write!(f, "{id} comes in a message, and this coroutine has a handle of it, for a transfer")
            }
            Self::NoTarget => f.write_str("the coroutine that is to get it does not run"),
            Self::TargetIsSelf => f.write_str("a coroutine cannot transfer to itself"),
            Self::NotAwaited => f.write_str("the coroutine that is to get it has no handle of it"),
            Self::AwaitedInOtherState => {
                f.write_str("the coroutine that is to get it awaits it in another state")
            }
            Self::SpeculationOff => f.write_str("speculation is switched off"),
            Self::SpeculationDepth => f.write_str("too many speculations inside of each other"),
            Self::NoSpeculation => f.write_str("this frame has begun no speculation"),
            Self::SessionEnded => f.write_str("a session that it used has ended in the meantime"),
            Self::InSpeculation => {
                f.write_str("this cannot be undone, so it is refused inside of a speculation")
            }
            Self::Evidence => f.write_str("the evidence is not that of this layer and coroutine"),
            Self::LayerInactive => f.write_str("the guard layer is switched off"),
            Self::Fact => f.write_str("a fact is an endpoint's name and a text"),
            Self::FactLimit => f.write_str("the coroutine knows too many facts"),
            Self::Divergence(message) => f.write_str(message),
        }
    }
}
