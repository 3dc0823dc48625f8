//! Tests of protocol types.

mod automaton;
mod cases;
mod check;
mod compile;
mod compose;
mod deep;
mod literature;
mod project;
mod random;
mod reference;
mod text;

use super::*;
use std::string::{String, ToString};

/// A local type from text that must be good.
fn local(text: &str) -> LocalType {
    text.parse().unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// A global type from text that must be good.
fn global(text: &str) -> GlobalType {
    text.parse().unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// The projection to a role, as text.
fn projected(ty: &GlobalType, role: &str, mode: MergeMode) -> String {
    ty.project(role, mode).map_or_else(|errors| errors.to_string(), |ty| ty.to_string())
}
