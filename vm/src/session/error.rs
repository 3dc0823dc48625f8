//! What can be wrong with what the host asks of a machine.

use crate::endpoint::{CoroId, EndpointId};
use crate::heap::ValueError;
use crate::ids::{FuncId, LayerId, ShapeId};
use crate::protocol::LabelId;
use core::fmt;
use opforge_schema::TrapCode;

/// Why a machine did not do what the host asked for. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The program has no such shape.
    NoShape(ShapeId),
    /// The program has no such function.
    NoFunction(FuncId),
    /// The program has no such guard layer.
    NoLayer(LayerId),
    /// The function takes another number of arguments.
    ArgumentCount {
        /// How many it takes.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// An argument does not fit.
    Argument {
        /// Which one, counted from 0.
        index: usize,
        /// Why.
        error: ValueError,
    },
    /// A limit is reached: of sessions, coroutines, memory, or messages on an edge.
    NoRoom(TrapCode),
    /// The session of the endpoint is gone or has ended.
    NoEndpoint(EndpointId),
    /// A coroutine owns the endpoint.
    NotTheHosts(EndpointId),
    /// The endpoint is of another shape or role, or in another state, than the function takes.
    OtherEndpoint(EndpointId),
    /// The endpoint does not receive now.
    NotReceiving(EndpointId),
    /// The endpoint does not expect the label now.
    NoLabel(EndpointId, LabelId),
    /// The host can make neither evidence nor messages that carry endpoints.
    HostEvidence,
    /// The coroutine does not run.
    NoCoroutine(CoroId),
    /// The coroutine waits for nothing that the host does.
    NotWaiting(CoroId),
    /// The snapshot is of another program or configuration.
    OtherMachine,
}

impl SessionError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoShape(_) => "N0001",
            Self::NoFunction(_) => "N0002",
            Self::NoLayer(_) => "N0003",
            Self::ArgumentCount { .. } => "N0004",
            Self::Argument { .. } => "N0005",
            Self::NoRoom(_) => "N0006",
            Self::NoEndpoint(_) => "N0007",
            Self::NotTheHosts(_) => "N0008",
            Self::OtherEndpoint(_) => "N0009",
            Self::NotReceiving(_) => "N0010",
            Self::NoLabel(..) => "N0011",
            Self::HostEvidence => "N0012",
            Self::NoCoroutine(_) => "N0013",
            Self::NotWaiting(_) => "N0014",
            Self::OtherMachine => "N0015",
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code())?;
        match self {
            Self::NoShape(shape) => write!(f, "the program has no {shape}"),
            Self::NoFunction(func) => write!(f, "the program has no {func}"),
            Self::NoLayer(layer) => write!(f, "the program has no {layer}"),
            Self::ArgumentCount { expected, actual } => {
                write!(f, "the function takes {expected} arguments, {actual} were given")
            }
            Self::Argument { index, error } => write!(f, "argument {}: {error}", index + 1),
            Self::NoRoom(code) => write!(f, "{}; raise the limit", crate::trap::reason(*code)),
            Self::NoEndpoint(id) => write!(f, "{id}: the session is over"),
            Self::NotTheHosts(id) => write!(f, "{id} belongs to a coroutine, or to nobody any more"),
            Self::OtherEndpoint(id) => {
                write!(f, "{id} is not the endpoint that the function takes: another shape, role or state")
            }
            Self::NotReceiving(id) => write!(f, "{id} does not receive now"),
            Self::NoLabel(id, label) => write!(f, "{id} does not expect label {} now", label.0),
            Self::HostEvidence => f.write_str("only programs make evidence and send endpoints"),
            Self::NoCoroutine(coro) => write!(f, "{coro} does not run"),
            Self::NotWaiting(coro) => write!(f, "{coro} waits for nothing that the host does"),
            Self::OtherMachine => f.write_str("the snapshot is of another program or configuration"),
        }
    }
}

impl core::error::Error for SessionError {}
