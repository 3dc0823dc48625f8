//! What instructions compute: small functions of plain values.
//!
//! Owns the meaning of every instruction whose spec row has a `sem` field: `int::i64_add` there is `i64_add` in the
//! module `int` here. The interpreter, the constant folder and the JIT's fallback all call these, so that there is
//! one answer per operation. A function that can trap returns `Result<_, TrapCode>` and checks in the order in which
//! the row lists the traps.
//!
//! Relies on `core`, [`TrapCode`](opforge_schema::TrapCode) and, where values live in the run's heap, on the heap.
//! Never sees frames, slots or fuel.
//!
//! "Twin" in the documentation of a function names the `WebAssembly` instruction whose conformance rows it passes.

pub mod bits;
pub mod boolean;
pub mod cast;
pub mod checked;
pub mod decimal;
pub mod float;
pub mod int;
pub mod int32;
pub mod mem;
pub mod rounding;
pub mod text;

#[cfg(test)]
mod tests;

pub use decimal::Decimal;

macro_rules! define_memory_functions {
    (
        {}
        direct { $($direct:tt)* } imm { $($imm:tt)* } branch { $($branch:tt)* } branch_f { $($branch_f:tt)* }
        load { $($load:tt)* } store { $($store:tt)* }
        memory { $(($op:ident $family:ident $sem:ident))* }
    ) => {
        /// The semantic function of an instruction over ranges of linear memories; `None` for all other opcodes.
        #[must_use]
        pub fn memory_function(op: opforge_tables::Opcode) -> Option<mem::MemoryFn> {
            match op {
                $(opforge_tables::Opcode::$op => Some($family::$sem),)*
                _ => None,
            }
        }
    };
}

opforge_tables::with_direct_ops!(define_memory_functions {});
