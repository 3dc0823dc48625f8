//! Values as hosts see them.

use crate::endpoint::{CoroId, EndpointId, EvidenceId};
use crate::ids::FuncId;
use crate::sem::Decimal;
use crate::value_type::ValueType;
use alloc::string::String;
use alloc::vec::Vec;

pub use crate::sem::float::CANONICAL_NAN_BITS;

/// The bits of a float as they leave the f64 domain: every NaN has the same ones, so results do not depend on
/// the CPU or the engine.
#[must_use]
pub(crate) const fn canonical_f64_bits(bits: u64) -> u64 {
    if f64::from_bits(bits).is_nan() { CANONICAL_NAN_BITS } else { bits }
}

/// An aggregate in the heap of one run. Read it with [`Heap::aggregate`](crate::heap::Heap::aggregate).
///
/// It resolves until the run's instance starts another run; from then on it is a foreign handle, which is
/// refused wherever it is handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AggRef {
    pub(crate) heap: u64,
    pub(crate) handle: u64,
}

impl AggRef {
    /// A handle that resolves to nothing. A program that reads through it traps with `AggError`.
    pub const INVALID: Self = Self { heap: 0, handle: crate::heap::BAD_HANDLE };
}

/// A value that a host hands in or gets back. Bytes and text are copies; aggregates are handles.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// The unit value.
    Unit,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A float. A NaN that comes out of the VM has the bits [`CANONICAL_NAN_BITS`].
    F64(f64),
    /// A decimal.
    Decimal(Decimal),
    /// A byte string.
    Bytes(Vec<u8>),
    /// Text.
    Str(String),
    /// A host object.
    Obj {
        /// Its host type.
        host_type: u64,
        /// The host's own handle.
        handle: u64,
    },
    /// A tuple, struct or array.
    Agg(AggRef),
    /// A function reference. It may name any function; calling one that does not exist traps.
    Func(FuncId),
    /// A function reference with its environment.
    Closure {
        /// The function.
        func: FuncId,
        /// The environment.
        env: AggRef,
    },
    /// An endpoint of a session. Only the machine that opened the session knows what it names.
    Endpoint(EndpointId),
    /// Proof of holding a guard layer.
    Evidence(EvidenceId),
    /// A coroutine of a session machine.
    Coro(CoroId),
    /// The name of an endpoint, which gives no right to use it.
    Epid(EndpointId),
}

impl Value {
    /// The type of the value.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Unit => ValueType::Unit,
            Self::Bool(_) => ValueType::Bool,
            Self::I64(_) => ValueType::I64,
            Self::U64(_) => ValueType::U64,
            Self::F64(_) => ValueType::F64,
            Self::Decimal(_) => ValueType::Decimal,
            Self::Bytes(_) => ValueType::Bytes,
            Self::Str(_) => ValueType::Str,
            Self::Obj { host_type, .. } => ValueType::Obj(*host_type),
            Self::Agg(_) => ValueType::Agg,
            Self::Func(_) => ValueType::Func,
            Self::Closure { .. } => ValueType::Closure,
            Self::Endpoint(_) => ValueType::Chan,
            Self::Evidence(_) => ValueType::Evidence,
            Self::Coro(_) => ValueType::Coro,
            Self::Epid(_) => ValueType::Epid,
        }
    }
}

macro_rules! from {
    ($($ty:ty => $variant:ident,)*) => {$(
        impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool,
    i64 => I64,
    u64 => U64,
    f64 => F64,
    &str => Str,
    String => Str,
    &[u8] => Bytes,
    Vec<u8> => Bytes,
    Decimal => Decimal,
    AggRef => Agg,
    FuncId => Func,
    CoroId => Coro,
}
