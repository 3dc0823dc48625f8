//! The operand codec: turns bytecode into flat arrays and back, driven by the tables alone.
//!
//! There is one decoder and one encoder for all opcodes. Neither knows any opcode by name: which operands
//! follow an opcode byte, and how each is written, comes from the rows of the [`Isa`](crate::Isa) it is given.
//! What all passes over code ask about opcodes stands in digests of the rows, which decoding makes use of, too.
//! Decoding says nothing about what operands mean; ids, registers and targets are checked by the verifier.
//!
//! A program byte is at most one instruction, one operand word or one list entry, so what decoding allocates
//! is linear in the bytes it is given. Counts are checked against the bytes that remain before they are used.

mod code;
mod digest;
mod encode;
mod error;
mod leb;
#[cfg(test)]
mod tests;

pub use code::{Code, Instr, OperandValue};
pub(crate) use digest::{Digests, Marks, Registers, class_of, reads_of};
pub use encode::encode;
pub use error::{CodeError, CodeErrorKind, EncodeError, EncodeErrorKind};

/// The byte that stands in front of the page number of every opcode outside page 0.
pub const PAGE_PREFIX: u8 = 0xFC;
