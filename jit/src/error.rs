//! Why a program could not be compiled.

use core::fmt;
use opforge_vm::ids::FuncId;
use opforge_vm::lower::LowerError;

/// Why a program could not be compiled. The interpreter still runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JitError {
    /// There is no code generator for this machine.
    UnsupportedHost {
        /// What the code generator says.
        reason: String,
    },
    /// A function is larger than what is compiled.
    TooLarge {
        /// The function.
        func: FuncId,
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        actual: u64,
        /// How much is compiled at most.
        limit: u64,
    },
    /// The program as a whole has more code than is kept at once.
    TooMuchCode {
        /// Bytes of machine code.
        actual: u64,
        /// Bytes at most.
        limit: u64,
    },
    /// The system gives no memory for code, or does not let it be executed.
    CodeMemory {
        /// What the system says.
        reason: String,
    },
    /// The code generator refuses a function, or panics over it: a defect of this crate or of the code generator.
    Codegen {
        /// The function.
        func: FuncId,
        /// What the code generator says.
        reason: String,
    },
    /// The program could not be lowered.
    Lower(LowerError),
    /// Lowered code breaks a guarantee: a defect of this crate or of lowering, not of the program.
    Internal {
        /// The function.
        func: FuncId,
    },
    /// The map for Linux `perf` cannot be written ([`JitConfig::perf_map`](crate::JitConfig::perf_map)).
    PerfMap {
        /// The file, and what is wrong with it.
        reason: String,
    },
}

impl JitError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedHost { .. } => "J0001",
            Self::TooLarge { .. } => "J0002",
            Self::TooMuchCode { .. } => "J0003",
            Self::CodeMemory { .. } => "J0004",
            Self::Codegen { .. } => "J0005",
            Self::Lower(_) => "J0006",
            Self::Internal { .. } => "J0007",
            Self::PerfMap { .. } => "J0008",
        }
    }
}

impl fmt::Display for JitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code())?;
        match self {
            Self::UnsupportedHost { reason } => write!(f, "no native code for this machine: {reason}"),
            Self::TooLarge { func, what, actual, limit } => {
                write!(
                    f,
                    "{func} has {actual} {what}, at most {limit} are compiled; run it in the interpreter"
                )
            }
            Self::TooMuchCode { actual, limit } => {
                write!(f, "the program has {actual} bytes of machine code, at most {limit} are kept")
            }
            Self::CodeMemory { reason } => write!(f, "no memory for code: {reason}"),
            Self::Codegen { func, reason } => write!(f, "{func} could not be compiled: {reason}"),
            Self::Lower(error) => write!(f, "{error}"),
            Self::Internal { func } => write!(f, "{func} breaks a guarantee of lowering"),
            Self::PerfMap { reason } => write!(f, "the map for perf cannot be written: {reason}"),
        }
    }
}

impl core::error::Error for JitError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Lower(error) => Some(error),
            _ => None,
        }
    }
}

impl From<LowerError> for JitError {
    fn from(error: LowerError) -> Self {
        Self::Lower(error)
    }
}
