//! Native code for opforge programs, which agrees with the interpreter in every observable.
//!
//! ```
//! use opforge_jit::{JitConfig, JitEngine};
//! use opforge_vm::{Capabilities, Limits, Linker, Value, asm, ids::FuncId};
//! use opforge_vm::verify::{VerifyConfig, verify};
//!
//! let program = asm::assemble(".func add(a: i64, b: i64) -> (sum: i64) {\n i64.add a, a, b\n ret a\n}")?;
//! let verified = verify(program, &VerifyConfig::new())?;
//! let program = JitEngine::new(JitConfig::new())?.compile(&verified)?;
//!
//! // From here on nothing differs from the interpreter.
//! let mut instance = Linker::new().instantiate(program.module(), (), &Capabilities::none())?;
//! let sum = instance.call(FuncId(0), &[Value::I64(2), Value::I64(40)], Limits::new())?;
//! assert_eq!(sum, [Value::I64(42)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`JittedProgram`] gives a [`Module`](opforge_vm::Module) with native code. Executions of its instances enter
//! that code; where anything unusual happens (fuel does not cover a segment, an interrupt, an instruction that traps,
//! calls too deep for the native stack) the values of all active native frames go back to the interpreter's
//! frames, and the interpreter goes on or reports. So results, traps, call stacks, fuel, host calls and charged
//! memory are the same by construction, and a stopped run is the same plain data. From there the run is back in native
//! code at the next head of a loop or start of a function.
//!
//! No signal handlers, no process-wide state, no symbols looked up, no environment variable; no file, unless
//! [`JitConfig::perf_map`] asks for one. A panic of the code generator is an error ([`JitError::Codegen`]) wherever panics
//! unwind; the process's panic hook hears of it first.
//!
//! With the feature `disasm`, `JitEngine::disassemble` shows the machine code.

mod analysis;
mod compile;
mod context;
mod engine;
mod error;
mod fuel;
mod guard;
#[cfg(feature = "disasm")]
mod listing;
mod memory;
mod meter;
mod notes;
mod perf_map;
mod program;
mod shims;
mod signatures;
mod slots;
mod translate;

pub use engine::{JitConfig, JitEngine};
pub use error::JitError;
#[cfg(feature = "disasm")]
pub use listing::{Listing, ListingPart, NativeInstr, Source};
pub use notes::NativePart;
pub use program::JittedProgram;
