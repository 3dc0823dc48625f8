//! The interpreter: words, the dispatch loop, and runs.

mod aggregate;
mod call_import;
mod code;
pub(crate) mod coroutine;
mod dispatch;
mod drive;
mod execution;
mod forms;
mod host_calls;
mod instance;
mod intrinsic;
mod machine;
mod memory;
mod module;
mod native;
mod nesting;
mod operand;
mod regs;
mod report;
pub(crate) mod session;
mod tail_call;
#[cfg(opforge_threaded)]
mod threaded;
mod trace;
mod translate;
pub(crate) mod turns;
mod typed;
mod waiting;
mod word;

#[doc(hidden)]
pub use call_import::CallImport;
pub use execution::{EntryError, Execution, InterruptHandle, Outcome};
pub use instance::{CallError, Instance};
pub use module::Module;
#[doc(hidden)]
pub use native::{NativeCode, NativeEnd, NativeRun};
pub use trace::{InstrEvent, TraceSink};
pub use typed::{BoundFunc, CallParams, CallResults, TypedFunc};
