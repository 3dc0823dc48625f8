//! Host calls that are completed later.

use crate::heap::ValueError;
use crate::value::Value;
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A host call that its function left pending, by returning [`Poll::Pending`](core::task::Poll::Pending). The run stands
/// at it until [`Execution::complete`](crate::Execution::complete) or [`Execution::fail`](crate::Execution::fail).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PendingCall {
    /// Name of the import.
    pub symbol: Arc<str>,
    /// Its signature hash.
    pub hash: u64,
    /// The arguments, one for each parameter.
    pub args: Vec<Value>,
    /// The types of the results that it waits for.
    pub results: Box<[ValueType]>,
}

/// Why a pending host call was not completed. It still waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompleteError {
    /// No host call waits.
    NotPending,
    /// The call gives another number of results.
    ResultCount {
        /// How many it gives.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// A result does not fit.
    Result {
        /// Which one, counted from 0.
        index: usize,
        /// Why.
        error: ValueError,
    },
}

impl CompleteError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPending => "H0004",
            Self::ResultCount { .. } => "H0005",
            Self::Result { .. } => "H0006",
        }
    }
}

impl fmt::Display for CompleteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code())?;
        match self {
            Self::NotPending => f.write_str("no host call is pending"),
            Self::ResultCount { expected, actual } => {
                write!(f, "the pending host call gives {expected} results, {actual} were given")
            }
            Self::Result { index, error } => {
                write!(f, "result {} of the pending host call: {error}", index + 1)
            }
        }
    }
}

impl core::error::Error for CompleteError {}
