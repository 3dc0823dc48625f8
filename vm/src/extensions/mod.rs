//! Embedders' own opcodes and intrinsics: the functions behind rows that an overlay spec adds to the VM's.
//!
//! Owns which function belongs to which row, and that its types are those of the row. Relies on the rows, which
//! `tablegen` has linted and which are checked again here, and on the verifier for the classes of slots. A function sees
//! its arguments and, for text and bytes, the run's heap, and nothing else of the embedder.

mod error;
mod register;

pub use crate::intrinsics::{Function, IntrinsicCtx, Layout, Outcome};
pub use crate::sem::text::{Bytes, Str};
pub use error::ExtensionError;
pub use register::{Extensions, Missing};
pub(crate) use register::{Fault, Registered};
