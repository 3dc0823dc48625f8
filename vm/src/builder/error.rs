//! What can go wrong while building.

use crate::ids::FuncId;
use crate::protocol::ProtocolErrors;
use crate::text::NameText;
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
    /// A second local type, shape, effect or guard layer of one name.
    NameTaken {
        /// What it is.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A name that means nothing.
    UnknownName {
        /// What it should be.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A name that means more than one thing.
    AmbiguousName {
        /// What they are.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A shape has no such role.
    NoRole {
        /// The shape.
        shape: String,
        /// The name that should be that of a role.
        role: String,
    },
    /// A local type stands for an endpoint, but not exactly one role comes to it.
    RoleOfState {
        /// The shape.
        shape: String,
        /// The local type.
        local: String,
        /// How many roles come to it.
        roles: usize,
    },
    /// An edge is declared on which nothing is sent.
    NoEdge {
        /// The shape.
        shape: String,
        /// The sender.
        from: String,
        /// The receiver.
        to: String,
    },
    /// A local type is not well-formed, or a global type cannot be projected.
    Protocol {
        /// Its name; empty for one without.
        name: String,
        /// What is wrong with it.
        errors: ProtocolErrors,
    },
    /// States are given by index, and others are to be made of local types.
    MixedStates,
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
            Self::NameTaken { .. } => "B0014",
            Self::UnknownName { .. } => "B0015",
            Self::AmbiguousName { .. } => "B0016",
            Self::NoRole { .. } => "B0017",
            Self::RoleOfState { .. } => "B0018",
            Self::NoEdge { .. } => "B0019",
            Self::Protocol { .. } => "B0020",
            Self::MixedStates => "B0021",
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
            Self::NameTaken { what, name } => {
                write!(f, "the {what} {} is declared twice", NameText(name))
            }
            Self::UnknownName { what, name } => write!(f, "there is no {what} {}", NameText(name)),
            Self::AmbiguousName { what, name } => {
                write!(f, "more than one {what} has the name {}", NameText(name))
            }
            Self::NoRole { shape, role } => {
                write!(f, "the shape {} has no role {}", NameText(shape), NameText(role))
            }
            Self::RoleOfState { shape, local, roles: 0 } => {
                write!(f, "no role of {} comes to the local type {}", NameText(shape), NameText(local))
            }
            Self::RoleOfState { shape, local, roles } => {
                let (shape, local) = (NameText(shape), NameText(local));
                write!(
                    f,
                    "{roles} roles of {shape} come to the local type {local}, so say which one is meant"
                )
            }
            Self::NoEdge { shape, from, to } => {
                let (shape, from, to) = (NameText(shape), NameText(from), NameText(to));
                write!(f, "in {shape}, {from} sends {to} nothing, so there is no such edge")
            }
            Self::Protocol { name, errors } if name.is_empty() => write!(f, "in a local type: {errors}"),
            Self::Protocol { name, errors } => write!(f, "in {}: {errors}", NameText(name)),
            Self::MixedStates => {
                f.write_str("states are given by index here, so local types cannot be given by text or name")
            }
        }
    }
}

impl core::error::Error for BuildError {}
