//! Index newtypes, one for each table, so that an index of one cannot be used in another.
//!
//! An id is a plain number until the verifier has seen it: holding one proves nothing about its range.

use core::fmt;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident $prefix:literal,)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as `usize`.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    )*};
}

ids! {
    /// A function of the program.
    FuncId "func ",
    /// A constant of the pool.
    ConstId "const ",
    /// An interned text; 0 is the empty text and means "none".
    SymbolId "symbol ",
    /// A host signature: one import.
    HostSigId "host sig ",
    /// A signature for indirect calls.
    CallSigId "call sig ",
    /// A struct type.
    StructId "struct ",
    /// An array element type.
    ElemId "elem ",
    /// An intrinsic: the id of a row of the intrinsic table, not a position.
    IntrinsicId "intrinsic ",
    /// A linear memory.
    MemId "memory ",
    /// A kind of session.
    ShapeId "shape ",
    /// An effect of the embedder.
    EffectId "effect ",
    /// A guard layer.
    LayerId "layer ",
    /// A virtual register of a function.
    Reg "r",
    /// An instruction of a function, counted from 0.
    InstrIx "#",
}

/// A span id: what a compiler put into the span table to point at its source. Never 0.
pub type SpanId = core::num::NonZeroU64;
