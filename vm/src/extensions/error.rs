//! Why functions cannot be registered.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use opforge_schema::IsaError;

/// Why functions behind an embedder's rows cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionError {
    /// The tables are not well formed.
    Tables(IsaError),
    /// The rows of the VM in the tables are not those of this VM: the tables were made by another version of tablegen.
    OtherVm {
        /// The table that differs.
        table: &'static str,
    },
    /// The tables have no opcode or intrinsic of this name.
    Unknown {
        /// The name.
        name: Box<str>,
        /// Which of the two was asked for.
        what: &'static str,
    },
    /// The opcode or intrinsic is the VM's, which has a function for it and takes no other.
    VmOwned {
        /// The name.
        name: Box<str>,
    },
    /// The function has other types than the row's layouts.
    Types {
        /// The name.
        name: Arc<str>,
        /// The row's types.
        expected: String,
        /// The function's types.
        actual: String,
    },
    /// There is a function for it already.
    Twice {
        /// The name.
        name: Arc<str>,
    },
    /// Rows have no function.
    Missing {
        /// Their names, in the order of the tables.
        names: Box<[Arc<str>]>,
    },
}

impl ExtensionError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Tables(_) => "X0001",
            Self::OtherVm { .. } => "X0002",
            Self::Unknown { .. } => "X0003",
            Self::VmOwned { .. } => "X0004",
            Self::Types { .. } => "X0005",
            Self::Twice { .. } => "X0006",
            Self::Missing { .. } => "X0007",
        }
    }
}

impl fmt::Display for ExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code())?;
        match self {
            Self::Tables(error) => write!(f, "the tables are wrong: {error}; make them with tablegen"),
            Self::OtherVm { table } => write!(
                f,
                "{table} holds other rows of the VM than this version has; make the tables with the tablegen of the \
                 same version"
            ),
            Self::Unknown { name, what } => {
                write!(
                    f,
                    "the tables have no {what} `{}`; add a row to the overlay spec",
                    name.escape_debug()
                )
            }
            Self::VmOwned { name } => write!(
                f,
                "`{}` is the VM's own, and has its function; give yours a row of its own",
                name.escape_debug()
            ),
            Self::Types { name, expected, actual } => {
                write!(f, "`{name}` is {expected} by its row, the function is {actual}")
            }
            Self::Twice { name } => write!(f, "`{name}` has a function already"),
            Self::Missing { names } => {
                for (i, name) in names.iter().enumerate() {
                    write!(f, "{}`{name}`", if i == 0 { "" } else { ", " })?;
                }
                let what = if names.len() == 1 { "has" } else { "have" };
                write!(f, " {what} a row but no function; register one, or set Missing::TrapWhenExecuted")
            }
        }
    }
}

impl core::error::Error for ExtensionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Tables(error) => Some(error),
            _ => None,
        }
    }
}

impl From<IsaError> for ExtensionError {
    fn from(error: IsaError) -> Self {
        Self::Tables(error)
    }
}
