//! Runs case files on the engines of opforge and reports every difference by name.
//!
//! Four kinds of cases: the EXTAPE corpus ([`extape`]), the numeric rows of the WebAssembly core test suite
//! ([`numeric`]), the examples in the opcode spec ([`examples`]) and coroutines that talk over sessions ([`sessions`]). All of them run through the public API of the
//! VM, as an embedder would: decode, verify, link, execute.
//!
//! Expectations come from the case files only. A point on which this VM differs on purpose is a [`Class`] with an
//! exact check of what the VM does instead; nothing is skipped, and a deviation that is not there any more is a
//! failure too.
//!
//! [`Class`]: extape::Class

#![deny(unsafe_code)]

pub mod base64;
pub mod cli;
pub mod convert;
pub mod engine;
pub mod examples;
pub mod extape;
mod fields;
pub mod host;
mod interp;
pub mod numeric;
mod parity;
pub mod peak;
pub mod report;
pub mod sessions;
pub mod value;
