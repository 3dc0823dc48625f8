//! What can be wrong with a program: one table of codes, names, messages and hints.

use super::budget::Resource;
use crate::codec::CodeErrorKind;
use crate::ids::{
    CallSigId, ConstId, EffectId, ElemId, FuncId, HostSigId, IntrinsicId, LayerId, MemId, Reg, ShapeId,
    StructId, SymbolId,
};
use crate::program::Place;
use crate::value_type::ValueType;
use core::fmt;
use opforge_schema::TypeRule;

#[macro_use]
mod program;
#[macro_use]
mod session;

pub use session::{
    EdgeFault, EffectFault, FrameEnd, LinearFault, NotUndone, PayloadFault, SessionTable, ShapeFault,
    StateFault, TypePlace,
};

/// The kinds of aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggKind {
    /// A tuple.
    Tuple,
    /// A struct.
    Struct,
    /// An array.
    Array,
}

impl fmt::Display for AggKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tuple => "tuple",
            Self::Struct => "struct",
            Self::Array => "array",
        })
    }
}

/// Which slots of an intrinsic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotSide {
    /// Those of its arguments.
    Argument,
    /// Those of its results.
    Result,
}

impl SlotSide {
    /// The side whose types a rule takes.
    pub(super) fn of(rule: TypeRule) -> Self {
        if rule == TypeRule::ResultsOf { Self::Result } else { Self::Argument }
    }
}

impl fmt::Display for SlotSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argument => "argument",
            Self::Result => "result",
        })
    }
}

/// Why a branch target is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidJumpTargetReason {
    /// At or behind the end of the code.
    OutOfRange,
    /// Inside an instruction.
    NotInstructionBoundary,
}

impl fmt::Display for InvalidJumpTargetReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "behind the end of the code",
            Self::NotInstructionBoundary => "inside an instruction",
        })
    }
}

/// Declares the error kinds: code, name, fields, message (of the fields), hint.
macro_rules! error_kinds {
    ($($(#[$meta:meta])* $code:literal $name:ident {
        $($(#[$fmeta:meta])* $field:ident: $ty:ty,)*
    } $message:literal, $hint:literal;)*) => {
        /// What is wrong with a program. Names follow execution_tape where it has the same error.
        ///
        /// The first two digits of a code say which check found it. Checks run in that order, but for those of
        /// sessions: 11 (what is declared) comes first, 12 (what code does with endpoints) before types.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum VerifyErrorKind {
            $($(#[$meta])* $name { $($(#[$fmeta])* $field: $ty,)* },)*
        }

        impl VerifyErrorKind {
            /// Code, name and hint of every kind, in code order.
            pub const ALL: &'static [(&'static str, &'static str, &'static str)] =
                &[$(($code, stringify!($name), $hint),)*];

            /// The stable code, such as `V0601`.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)* }
            }

            /// The name of the kind.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name),)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn hint(&self) -> &'static str {
                match self { $(Self::$name { .. } => $hint,)* }
            }
        }

        impl fmt::Display for VerifyErrorKind {
            #[allow(unused_variables, reason = "a message need not name every field")]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$name { $($field),* } => write!(f, $message),)* }
            }
        }
    };
}

program_kinds! {}
