//! The opforge virtual machine.
//!
//! The data's way: container bytes become a [`Program`], which the verifier turns into a
//! `VerifiedProgram`; only that can be lowered and run. Modules point one way: values
//! and types, codec, container, verify, lower, interp.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod asm;
mod binding;
pub mod builder;
pub mod codec;
pub mod container;
pub mod disasm;
mod endpoint;
pub mod engine;
pub mod extensions;
mod guard;
pub mod heap;
pub mod host;
pub mod ids;
pub mod interp;
pub mod intrinsics;
mod limits;
pub mod lower;
pub mod program;
pub mod protocol;
pub mod sem;
pub mod session;
mod session_fault;
mod text;
pub mod trap;
pub mod types;
mod value;
mod value_type;
pub mod verify;

pub use endpoint::{CoroId, EndpointId, EvidenceId, SessionId};
pub use engine::{Engine, EngineConfig, FuelSchedule};
pub use extensions::{ExtensionError, Extensions};
pub use host::{Caller, Capabilities, Capability, CompleteError, HeapCaller, Linker, PendingCall};
pub use interp::{
    BoundFunc, CallError, CallParams, CallResults, EntryError, Execution, Instance, InterruptHandle, Module,
    Outcome, TypedFunc,
};
pub use limits::Limits;
/// Rows and codes of the tables, and how to embed tables of one's own: [`schema::embed_isa!`].
pub use opforge_schema as schema;
pub use opforge_schema::{Isa, Rounding, TrapCode};
pub use opforge_tables::{ISA, Intrinsic, Opcode};
pub use program::Program;
pub use session_fault::SessionFault;
pub use trap::{HostError, Trap, TrapDetail};
pub use value::{AggRef, CANONICAL_NAN_BITS, Value};
pub use value_type::ValueType;
