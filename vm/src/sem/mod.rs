//! What instructions compute: small pure functions of plain values.
//!
//! Owns the meaning of every instruction whose spec row names a function of `int`, `float`, `boolean`, `decimal` or
//! `cast` in its `sem` field. The interpreter, the constant folder and the JIT's fallback all call these, so that
//! there is one answer per operation. A function that can trap returns `Result<_, TrapCode>` and checks in the order
//! in which the row lists the traps.
//!
//! Relies on `core` and [`TrapCode`](opforge_schema::TrapCode) only. Never allocates, never reads or writes VM
//! state, never knows about slots or opcodes: what needs the run's heap lives elsewhere.
//!
//! "Twin" in the documentation of a function names the `WebAssembly` instruction whose conformance rows it passes.

pub mod boolean;
pub mod cast;
pub mod decimal;
pub mod float;
pub mod int;
pub mod text;

#[cfg(test)]
mod tests;

pub use decimal::Decimal;
