//! Why and where a run trapped.

use crate::ids::{FuncId, IntrinsicId, MemId, SpanId};
use crate::session_fault::SessionFault;
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use opforge_schema::TrapCode;

/// Why an aggregate could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AggErrorKind {
    /// The handle resolves to nothing.
    BadHandle,
    /// The node is of another kind than the instruction reads.
    WrongKind,
    /// The index is at or past the number of elements.
    OutOfBounds,
}

/// Why a host call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// The host has no such function.
    UnknownSymbol,
    /// The host's function has another signature.
    SignatureMismatch,
    /// The host function failed, with a message for people.
    Failed(String),
}

impl HostError {
    /// A failure with a message.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// The stable name of the kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnknownSymbol => "UnknownSymbol",
            Self::SignatureMismatch => "SignatureMismatch",
            Self::Failed(_) => "Failed",
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSymbol => f.write_str("the host has no such function"),
            Self::SignatureMismatch => f.write_str("the host's function has another signature"),
            Self::Failed(message) => write!(f, "the host function failed: {}", message.escape_debug()),
        }
    }
}

impl core::error::Error for HostError {}

/// The start of a host's message that a report keeps.
pub(crate) fn bounded(message: &str) -> &str {
    let mut end = message.len().min(Trap::MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.get(..end).unwrap_or("")
}

/// What a trap code leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrapDetail {
    /// Nothing.
    None,
    /// The program's own code of a `trap` instruction.
    Code(u32),
    /// What is wrong with the aggregate.
    Agg(AggErrorKind),
    /// The type wanted and the type found.
    Types {
        /// The type wanted.
        expected: ValueType,
        /// The type found.
        actual: ValueType,
    },
    /// The intrinsic that is not there.
    Intrinsic(IntrinsicId),
    /// How many bytes are text before the first that is not.
    Utf8 {
        /// The number of bytes.
        valid: u64,
    },
    /// The bytes that are not all in a linear memory.
    Memory {
        /// The memory.
        memory: MemId,
        /// The address.
        address: u64,
        /// Added to it, without wrapping: where the bytes begin.
        offset: u32,
        /// How many bytes.
        len: u64,
        /// How many the memory has.
        size: u64,
    },
    /// The host call that failed.
    Host {
        /// Name of the import.
        symbol: Arc<str>,
        /// Its signature hash.
        hash: u64,
        /// Why.
        error: HostError,
    },
    /// The host function whose result has another type than the import says.
    HostResult {
        /// Name of the import.
        symbol: Arc<str>,
        /// Which result, counted from 0.
        index: u32,
        /// The type that the import says.
        expected: ValueType,
        /// The type of what the function gave.
        actual: ValueType,
    },
    /// The host function that panicked. The payload is kept: see
    #[cfg_attr(feature = "std", doc = "[`Instance::take_panic`](crate::Instance::take_panic).")]
    #[cfg_attr(not(feature = "std"), doc = "`Instance::take_panic`.")]
    HostPanic {
        /// Name of the import.
        symbol: Arc<str>,
        /// Its signature hash.
        hash: u64,
        /// What it said, where the payload is text: at most [`Trap::MAX_MESSAGE`] bytes.
        message: Option<Box<str>>,
    },
    /// What a session instruction met.
    Session(SessionFault),
    /// The function behind an embedder's opcode or intrinsic did not do what its row says.
    Extension {
        /// Name of the opcode or intrinsic.
        name: Arc<str>,
        /// What it did instead.
        fault: ExtensionFault,
    },
}

/// What is wrong with the function behind an embedder's opcode or intrinsic. The run has ended with
/// [`TrapCode::InvalidIntrinsic`], or [`TrapCode::HostPanicked`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionFault {
    /// None is registered.
    NotRegistered,
    /// It ended in a trap that its row does not list.
    UnlistedTrap(TrapCode),
    /// It panicked. What it said, where the payload is text: at most [`Trap::MAX_MESSAGE`] bytes. The payload is kept as
    /// that of a host function is.
    Panicked(Option<Box<str>>),
}

impl fmt::Display for ExtensionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegistered => f.write_str("no function is registered"),
            Self::UnlistedTrap(trap) => {
                write!(f, "it trapped with {}, which its row does not list", trap.name())
            }
            Self::Panicked(None) => f.write_str("it panicked"),
            Self::Panicked(Some(message)) => write!(f, "it panicked: {}", message.escape_debug()),
        }
    }
}

/// One active call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// The function.
    pub func: FuncId,
    /// Byte offset of the instruction it is at.
    pub pc: u32,
    /// The span of that instruction.
    pub span: Option<SpanId>,
}

/// A trap: why a run ended, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Why. The number and the name of the code are stable.
    pub code: TrapCode,
    /// What the code leaves out.
    pub detail: TrapDetail,
    /// Where: the innermost frame first. At most [`Trap::MAX_FRAMES`] innermost and outermost frames are kept.
    pub frames: Vec<FrameInfo>,
    /// Names of the functions in `frames`, where they have one.
    pub names: Vec<Option<Box<str>>>,
    /// Frames left out of the middle of `frames`.
    pub frames_omitted: u32,
    /// Fuel left.
    pub fuel: u64,
}

impl Trap {
    /// Frames that a trap report keeps.
    pub const MAX_FRAMES: usize = 64;

    /// Bytes that a trap report keeps of a host's message, which may be as long as a program makes it.
    pub const MAX_MESSAGE: usize = 4096;

    /// The frame that trapped.
    #[must_use]
    pub fn at(&self) -> FrameInfo {
        self.frames.first().copied().unwrap_or(FrameInfo { func: FuncId(0), pc: 0, span: None })
    }
}

/// The reason a trap code stands for, as a phrase.
#[must_use]
pub const fn reason(code: TrapCode) -> &'static str {
    match code {
        TrapCode::None => "no trap",
        TrapCode::FuelExceeded => "out of fuel",
        TrapCode::CallDepthExceeded => "calls are nested too deeply",
        TrapCode::HostCallLimitExceeded => "too many host calls",
        TrapCode::MemoryLimitExceeded => "the memory limit would be exceeded",
        TrapCode::TrapCode => "the program trapped",
        TrapCode::DivByZero => "division by zero",
        TrapCode::IntDivOverflow => "the quotient does not fit",
        TrapCode::IntCastOverflow => "the number does not fit the integer type",
        TrapCode::FloatToIntInvalid => "the float is no integer of the type",
        TrapCode::DecimalScaleMismatch => "the decimals' scales do not fit",
        TrapCode::DecimalOverflow => "the decimal does not fit",
        TrapCode::IndexOutOfBounds => "the index or range is out of bounds",
        TrapCode::StrNotCharBoundary => "the slice cuts a character",
        TrapCode::InvalidUtf8 => "the bytes are not UTF-8",
        TrapCode::AggError => "the aggregate cannot be read so",
        TrapCode::ArityMismatch => "the callee takes or gives another number of values",
        TrapCode::TypeMismatch => "a value is of another type",
        TrapCode::HostCallFailed => "the host call failed",
        TrapCode::InvalidFunction => "the function value names no function",
        TrapCode::IntOverflow => "the exact integer result does not fit",
        TrapCode::InvalidIntrinsic => "the intrinsic or opcode cannot be executed",
        TrapCode::HostPanicked => "a function of the embedder panicked",
        TrapCode::MemOutOfBounds => "the bytes are not in the memory",
        TrapCode::ChannelClosed => "the endpoint is not the coroutine's, or its session has ended",
        TrapCode::TypeViolation => "the state of the endpoint has no such message",
        TrapCode::UnknownLabel => "the state of the endpoint has no such label",
        TrapCode::BufferFull => "the buffer has no room for the message",
        TrapCode::EffectFailed => "the handler failed",
        TrapCode::GuardFault => "the guard cannot be acquired or released so",
        TrapCode::TransferFault => "the endpoint cannot be handed over, or the fact is about none",
        TrapCode::SpeculationFault => "the speculation cannot begin or end so",
        TrapCode::CloseFault => "the session is not the coroutine's to close",
        TrapCode::SessionLimitExceeded => "too many sessions",
        TrapCode::CoroutineLimitExceeded => "too many coroutines",
        TrapCode::NoSession => "session instructions need a session machine",
        TrapCode::ReplayDivergence => "the run is not the one that was recorded",
    }
}

/// A number of bytes.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} byte{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trap[T{:03} {}]: {}", self.code.code(), self.code.name(), reason(self.code))?;
        match &self.detail {
            TrapDetail::None => {}
            TrapDetail::Code(code) => write!(f, " with code {code}")?,
            TrapDetail::Agg(kind) => write!(f, " ({kind:?})")?,
            TrapDetail::Types { expected, actual } => write!(f, ": expected {expected}, found {actual}")?,
            TrapDetail::Intrinsic(id) => write!(f, ": {id} is not registered")?,
            TrapDetail::Utf8 { valid } => write!(f, ": after {}", Bytes(*valid))?,
            TrapDetail::Memory { memory, address, offset, len, size } => {
                let start = u128::from(*address) + u128::from(*offset);
                write!(f, ": {} from {start} of {memory}, which has {size}", Bytes(*len))?;
            }
            TrapDetail::Host { symbol, error, .. } => write!(f, ": {}: {error}", symbol.escape_debug())?,
            TrapDetail::HostResult { symbol, index, expected, actual } => {
                write!(f, ": result {} of ", u64::from(*index) + 1)?;
                write!(f, "{}: expected {expected}, found {actual}", symbol.escape_debug())?;
            }
            TrapDetail::HostPanic { symbol, message, .. } => {
                write!(f, ": {}", symbol.escape_debug())?;
                if let Some(message) = message {
                    write!(f, ": {}", message.escape_debug())?;
                }
            }
            TrapDetail::Session(fault) => write!(f, ": {fault}")?,
            TrapDetail::Extension { name, fault } => write!(f, ": {}: {fault}", name.escape_debug())?,
        }
        let mut at = 0;
        while let Some(&frame) = self.frames.get(at) {
            // Plain recursion repeats a frame; one line says it.
            let same = self.frames.iter().skip(at).take_while(|&&other| other == frame).count();
            write!(f, "\n  {} ", if at == 0 { "at" } else { "called from" })?;
            match self.names.get(at) {
                Some(Some(name)) => write!(f, "{}", name.escape_debug())?,
                _ => write!(f, "{}", frame.func)?,
            }
            write!(f, ", pc {}", frame.pc)?;
            if let Some(span) = frame.span {
                write!(f, ", span {span}")?;
            }
            if same > 1 {
                write!(f, " ({same} times)")?;
            }
            at += same;
        }
        if self.frames_omitted > 0 {
            write!(f, "\n  ({} more frames in between)", self.frames_omitted)?;
        }
        Ok(())
    }
}

impl core::error::Error for Trap {}
