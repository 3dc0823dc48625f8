//! What can be wrong with bytes that should be code, and with operands that should become bytes.

use core::fmt;

/// Why bytes are not code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeErrorKind {
    /// No opcode has this byte (page in the upper, byte in the lower half).
    UnknownOpcode {
        /// `page << 8 | byte`.
        didx: u16,
    },
    /// The code ends inside the instruction.
    UnexpectedEnd,
    /// A variable-length integer does not fit its 32 or 64 bits, or takes more than ten bytes.
    IntegerTooLarge,
    /// A boolean byte is neither 0 nor 1.
    BadBool {
        /// The byte.
        byte: u8,
    },
    /// A rounding mode byte is the code of none.
    BadRounding {
        /// The byte.
        byte: u8,
    },
    /// A list claims more entries than bytes remain.
    ListTooLong {
        /// The claimed count.
        count: u32,
    },
    /// The code is longer than 2^32 - 1 bytes.
    CodeTooLarge,
}

/// Why bytes are not code, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeError {
    /// Byte offset of the instruction in the function's code.
    pub pc: u32,
    /// The operand, counted from 0 in encoding order; `None` for the opcode itself.
    pub operand: Option<u8>,
    /// What is wrong.
    pub kind: CodeErrorKind,
}

impl fmt::Display for CodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownOpcode { didx } if didx < 0x100 => write!(f, "unknown opcode 0x{didx:02x}"),
            Self::UnknownOpcode { didx } => {
                write!(f, "unknown opcode 0x{:02x} of page {}", didx & 0xff, didx >> 8)
            }
            Self::UnexpectedEnd => f.write_str("the code ends inside the instruction"),
            Self::IntegerTooLarge => f.write_str("a variable-length integer is too large"),
            Self::BadBool { byte } => write!(f, "boolean byte 0x{byte:02x} is neither 0 nor 1"),
            Self::BadRounding { byte } => write!(f, "byte 0x{byte:02x} is no rounding mode; they are 0 to 4"),
            Self::ListTooLong { count } => write!(f, "a list of {count} entries is longer than the code"),
            Self::CodeTooLarge => f.write_str("the code is longer than 4294967295 bytes"),
        }
    }
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at pc {}", self.pc)?;
        if let Some(operand) = self.operand {
            write!(f, ", operand {operand}")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl core::error::Error for CodeError {}

/// Why an instruction cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The tables have no such opcode, or it cannot be written because its page byte is not free.
    UnknownOpcode {
        /// `page << 8 | byte`.
        didx: u16,
    },
    /// The opcode takes another number of operands.
    OperandCount {
        /// The number it takes.
        expected: u8,
        /// The number given.
        given: usize,
    },
    /// A list, a number or an optional register was given where another of them is written.
    WrongForm,
    /// The number does not fit the operand.
    ValueTooLarge {
        /// The number.
        value: u64,
    },
    /// The list has more than 2^32 - 1 entries.
    ListTooLong,
}

/// Why an instruction cannot be written, and which operand is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The operand, counted from 0 in encoding order; `None` for the opcode itself.
    pub operand: Option<u8>,
    /// What is wrong.
    pub kind: EncodeErrorKind,
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownOpcode { didx } => write!(f, "no opcode 0x{didx:04x}"),
            Self::OperandCount { expected, given } => write!(f, "{given} operands given, {expected} needed"),
            Self::WrongForm => {
                f.write_str("a number, a list or an optional register where another of them is needed")
            }
            Self::ValueTooLarge { value } => write!(f, "{value} does not fit the operand"),
            Self::ListTooLong => f.write_str("the list has more than 4294967295 entries"),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operand) = self.operand {
            write!(f, "operand {operand}: ")?;
        }
        write!(f, "{}", self.kind)
    }
}

impl core::error::Error for EncodeError {}
