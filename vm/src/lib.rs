//! The opforge virtual machine.
//!
//! The data's way: container bytes become a [`Program`], which the verifier turns into a
//! `VerifiedProgram`; only that can be lowered and run. Modules point one way: values
//! and types, codec, container, verify, lower, interp.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod asm;
pub mod builder;
pub mod codec;
pub mod container;
pub mod disasm;
pub mod ids;
pub mod program;
mod text;
pub mod types;
mod value_type;
pub mod verify;

pub use opforge_schema::{Isa, TrapCode};
pub use opforge_tables::{ISA, Opcode};
pub use program::Program;
pub use value_type::ValueType;
