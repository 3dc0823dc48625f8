//! What can go wrong while building.

use crate::ids::FuncId;
use alloc::string::String;
use core::fmt;
use opforge_schema::OperandKind;

/// Why a builder call was refused. The builder is unchanged by a refused call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The instruction set has no such opcode.
    UnknownOpcode {
        /// Page and byte of the opcode.
        didx: u16,
    },
    /// An instruction was given too few or too many operands. Effect tokens are implied and do not count.
    OperandCount {
        /// The mnemonic.
        mnemonic: String,
        /// Operands it takes.
        expected: usize,
        /// Operands given.
        got: usize,
    },
    /// An operand is of the wrong kind.
    OperandKind {
        /// The mnemonic.
        mnemonic: String,
        /// Position among the operands given, from 0.
        index: usize,
        /// The kind it must be.
        expected: OperandKind,
        /// What was given.
        got: &'static str,
    },
    /// An immediate does not fit.
    OperandRange {
        /// The mnemonic.
        mnemonic: String,
        /// Position among the operands given, from 0.
        index: usize,
        /// The kind it does not fit.
        kind: OperandKind,
    },
    /// The codec refused the operands.
    Encode {
        /// The mnemonic.
        mnemonic: String,
    },
    /// A label of another function, or none at all.
    UnknownLabel,
    /// A label was placed twice.
    LabelPlacedTwice {
        /// Byte offset of the first place.
        pc: u32,
    },
    /// A label is a branch target but was never placed.
    UnplacedLabel {
        /// Byte offset of an instruction that branches to it.
        pc: u32,
    },
    /// There is no declared function with this id.
    UnknownFunction {
        /// The id.
        func: FuncId,
    },
    /// A function got two bodies.
    DefinedTwice {
        /// The function.
        func: FuncId,
    },
    /// A declared function has no body.
    Undefined {
        /// The function.
        func: FuncId,
        /// Its name, empty if it has none.
        name: String,
    },
    /// Parameter or result names do not match the signature in number.
    NameCount {
        /// The function.
        func: FuncId,
        /// Names needed.
        expected: usize,
        /// Names given.
        got: usize,
    },
    /// A table, a function's code or its registers have outgrown 32 bits.
    TooLarge {
        /// What is too large.
        what: &'static str,
    },
}

impl BuildError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownOpcode { .. } => "B0001",
            Self::OperandCount { .. } => "B0002",
            Self::OperandKind { .. } => "B0003",
            Self::OperandRange { .. } => "B0004",
            Self::Encode { .. } => "B0005",
            Self::UnknownLabel => "B0006",
            Self::LabelPlacedTwice { .. } => "B0007",
            Self::UnplacedLabel { .. } => "B0008",
            Self::UnknownFunction { .. } => "B0009",
            Self::DefinedTwice { .. } => "B0010",
            Self::Undefined { .. } => "B0011",
            Self::NameCount { .. } => "B0012",
            Self::TooLarge { .. } => "B0013",
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOpcode { didx } => write!(f, "the instruction set has no opcode {didx:#06x}"),
            Self::OperandCount { mnemonic, expected, got } => {
                write!(f, "`{mnemonic}` takes {expected} operands, but {got} were given")
            }
            Self::OperandKind { mnemonic, index, expected, got } => {
                write!(f, "operand {index} of `{mnemonic}` must be {}, not {got}", expected.name())
            }
            Self::OperandRange { mnemonic, index, kind } => {
                write!(f, "operand {index} of `{mnemonic}` is out of range for {}", kind.name())
            }
            Self::Encode { mnemonic } => write!(f, "the operands of `{mnemonic}` cannot be encoded"),
            Self::UnknownLabel => f.write_str("the label does not belong to this function"),
            Self::LabelPlacedTwice { pc } => write!(f, "the label was already placed at pc {pc}"),
            Self::UnplacedLabel { pc } => {
                write!(f, "the instruction at pc {pc} branches to a label that was never placed")
            }
            Self::UnknownFunction { func } => write!(f, "{func} was never declared"),
            Self::DefinedTwice { func } => write!(f, "{func} was already defined"),
            Self::Undefined { func, name } if name.is_empty() => {
                write!(f, "{func} was declared but never defined")
            }
            Self::Undefined { func, name } => {
                write!(f, "{func} `{name}` was declared but never defined")
            }
            Self::NameCount { func, expected, got } => {
                write!(f, "{func} needs {expected} names, but {got} were given")
            }
            Self::TooLarge { what } => write!(f, "too large: {what}"),
        }
    }
}

impl core::error::Error for BuildError {}
