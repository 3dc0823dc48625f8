//! Row types, codes and the [`Isa`] view of the opforge opcode tables.
//!
//! This crate says what a table row looks like and holds no tables itself, so the generator that writes the
//! tables and the crate that embeds them can both depend on it without a cycle.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod blobs;
pub mod check;
mod codes;
#[cfg(feature = "docs")]
pub mod docs;
mod embed;
mod isa;
pub mod literal;
mod rows;
#[cfg(feature = "docs")]
pub mod words;

#[doc(hidden)]
pub use zerocopy;

pub use blobs::{Blobs, IsaError};
pub use codes::{
    Access, Clif, Encoding, Family, Form, Hook, JitClass, Lower, OperandKind, Rounding, Rule, SessionOperand,
    Term, TrapCode, TypeRule, Typestate,
};
pub use isa::{FINGERPRINT_SEED, Isa, fingerprint};
pub use rows::{
    ClassRow, FIRST_FOREIGN_ID, FIRST_FOREIGN_PAGE, Header, IntrinsicRow, LAST_PAGE, LookupRow,
    MAX_ARG_SLOTS, MAX_INTRINSIC_ARGS, MAX_INTRINSIC_RETS, MAX_NAME, MAX_OPERANDS, MAX_RET_SLOTS, MAX_RULES,
    NameRow, OWN_PAGES, OpRow, OperandRow, RuleRow, TableRow, TextRow, TypeRow, class_flags, didx_of,
    fuse_flags, is_foreign, layout, op_flags, row_of,
};
