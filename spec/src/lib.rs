//! The opcode spec of opforge as text: the single source of truth from which `tablegen` makes the tables.
//!
//! Nothing here is parsed. `opforge-tablegen` reads the same files from the folder; this crate is for tools
//! that want the built-in spec without a checkout.
#![no_std]
#![forbid(unsafe_code)]

/// `opcodes.json`: every opcode.
pub const OPCODES: &str = include_str!("../opcodes.json");
/// `types.json`: register classes and logical types.
pub const TYPES: &str = include_str!("../types.json");
/// `intrinsics.json`: the functions that the VM owns.
pub const INTRINSICS: &str = include_str!("../intrinsics.json");
/// `session.json`: the session family by the names of its instructions, and its events.
pub const SESSION: &str = include_str!("../session.json");
/// JSON Schema of `intrinsics.json`, for editors.
pub const INTRINSICS_SCHEMA: &str = include_str!("../schema/intrinsics.schema.json");
/// JSON Schema of `opcodes.json`, for editors.
pub const OPCODES_SCHEMA: &str = include_str!("../schema/opcodes.schema.json");
/// JSON Schema of `session.json`, for editors.
pub const SESSION_SCHEMA: &str = include_str!("../schema/session.schema.json");
/// JSON Schema of `types.json`, for editors.
pub const TYPES_SCHEMA: &str = include_str!("../schema/types.schema.json");
