//! Why a verified program could not be lowered.

use crate::ids::{FuncId, InstrIx};
use core::fmt;

/// Why a verified program could not be lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LowerError {
    /// The program breaks a rule that the verifier enforces: a defect of the verifier, not of the program.
    Internal {
        /// The function.
        func: FuncId,
        /// The instruction.
        at: InstrIx,
    },
    /// A table grew past 2^32 entries.
    TooLarge,
    /// The program was verified with other tables than this engine has.
    OtherTables {
        /// The fingerprint of the tables it was verified with.
        verified: u64,
        /// The fingerprint of the engine's.
        engine: u64,
    },
}

impl LowerError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Internal { .. } => "L0001",
            Self::TooLarge => "L0002",
            Self::OtherTables { .. } => "L0003",
        }
    }
}

impl fmt::Display for LowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code())?;
        match self {
            Self::Internal { func, at } => {
                write!(f, "{func}, instruction {}: verified code does not lower; please report", at.0)
            }
            Self::TooLarge => f.write_str("the lowered program is too large"),
            Self::OtherTables { verified, engine } => write!(
                f,
                "the program was verified with tables {verified:016x}, this engine has tables {engine:016x}; \
                 verify it with the tables of the engine"
            ),
        }
    }
}

impl core::error::Error for LowerError {}
