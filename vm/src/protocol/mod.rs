//! Session types: what the parties of a conversation send each other, in which order.
//!
//! This module owns local types ([`LocalType`], one party's view), global types ([`GlobalType`], all parties'), their
//! text, well-formedness, projection of one to the other, the minimal tables that local types become ([`Automaton`]),
//! and the abstract code of a party that does nothing but talk ([`compile`]). It relies on value types and on nothing
//! else of the VM: it knows no opcode, no container and no run. It never recurses over a type: types come from text
//! that nobody trusts, so every walk, dropping included, keeps its own stack, and a type of 10^5 levels is an
//! ordinary one.
//!
//! # Text
//!
//! ```text
//! local   = "end" | var | "mu" var "." local | ("!" | "?") role branches of local
//! global  = "end" | var | "mu" var "." global | role "->" role branches of global
//! branches of T = "{" [ branch { "," branch } [","] ] "}"
//! branch  = label [ "(" [payload] ")" ] "." T
//! payload = "unit" | "bool" | "i64" | "u64" | "f64" | "decimal" | "bytes" | "str" | "agg" | "func" | "closure"
//!         | "coro" | "epid" | "obj" "(" digits ")" | "tuple" "(" [ payload { "," payload } ] ")" | "chan" "(" name "," name ")"
//! var, role, label, name = word | quoted
//! word    = a letter or "_", then letters, digits and "_" (ASCII)
//! quoted  = a text in quotes on one line, with the assembler's escapes
//! ```
//!
//! `!B{..}` sends one of the labels to `B`, `?A{..}` receives one from `A`. A label without payload carries `unit`.
//! Blanks and line breaks separate, `;` and `//` begin a comment. The words `mu` and `end` are no variables unless
//! they are quoted. Printing gives one line that parses back to an equal type, and printing that gives the same line.
//!
//! ```
//! use opforge_vm::protocol::{GlobalType, LocalType, MergeMode};
//!
//! let global: GlobalType =
//!     "mu x. Client -> Server{get(u64). Server -> Client{val(str). x}, quit. end}".parse()?;
//! let client = global.project("Client", MergeMode::Full)?;
//! assert_eq!(client, "mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}".parse::<LocalType>()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod automaton;
mod check;
mod compile;
mod error;
mod global;
mod graph;
mod lexer;
mod local;
mod merge;
mod name;
mod parse;
mod partition;
mod payload;
mod print;
mod project;
mod readback;
mod subst;
#[cfg(test)]
mod tests;
mod tree;

pub use automaton::{Automaton, LabelId, PayloadId, RoleId, State, StateBranch, StateId, StateKind};
pub use compile::{AbstractOp, Arm, Code, compile, compile_all};
pub use error::{Place, ProtocolError, ProtocolErrorKind, ProtocolErrors};
pub use global::{GlobalAction, GlobalType};
pub use local::{Direction, LocalAction, LocalType};
pub use merge::MergeMode;
pub use name::Name;
pub use payload::{Payload, TuplePayload};
pub(crate) use readback::{States, local_type};
pub use tree::{Branch, Branches, Node, TypeRef};

/// The most nodes (actions, binders, variables and ends) of a type that is parsed, unfolded or read back from tables.
/// Types built in Rust may have more, as many as there is memory for.
pub const MAX_NODES: usize = 1 << 20;

/// The longest name in text, in bytes.
pub const MAX_NAME: usize = 255;

/// The most parts of a payload, counting each tuple and each of its elements, on all levels.
pub const MAX_PAYLOAD_PARTS: usize = 64;

/// The most roles of a global type that is projected to all of them at once: a session numbers its roles with a byte.
pub const MAX_ROLES: usize = 256;
