//! A verified, exactly bounded register bytecode VM to embed in Rust programs.
//!
//! This crate is the face of opforge: everything in it is re-exported from [`opforge_vm`], which holds the machine.
//!
//! ```
//! use opforge::{Capabilities, Engine, FuncId, Limits, Linker, Module, Value};
//! use opforge::{asm::assemble, verify::{VerifyConfig, verify}};
//!
//! let program = assemble(
//!     ".func add(a: i64, b: i64) -> (sum: i64) {
//!         i64.add a, a, b
//!         ret a
//!     }",
//! )?;
//! let verified = verify(program, &VerifyConfig::new())?; // the only way to code that runs
//! let module = Module::new(&Engine::default(), &verified)?;
//! let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none())?;
//!
//! let add = module.program().func_by_name("add").unwrap_or(FuncId(0));
//! let limits = Limits::new().fuel(1_000).memory(1 << 20);
//! assert_eq!(instance.call(add, &[Value::I64(2), Value::I64(40)], limits)?, [Value::I64(42)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The steps, and what each of them promises:
//!
//! | step | from, to | promise |
//! |---|---|---|
//! | [`asm::assemble`], [`container::decode`] | text or bytes to [`Program`] | bounded work; nothing is trusted yet |
//! | [`verify::verify`] | to [`VerifiedProgram`](verify::VerifiedProgram) | every error with its place; only this makes one |
//! | [`Module::new`] | to lowered code | fuel schedule of the [`Engine`] built in |
//! | [`Linker::instantiate`] | to [`Instance`] | every import resolved, every capability granted |
//! | [`Instance::call`], [`Instance::execution`] | to values or a [`Trap`] | within the [`Limits`], whatever the program does |
#![no_std]
#![forbid(unsafe_code)]

#[doc(inline)]
pub use opforge_vm::*;

#[doc(inline)]
pub use opforge_vm::ids::FuncId;

#[cfg(feature = "jit")]
#[doc(inline)]
pub use opforge_jit as jit;

/// The README's embeddings are compiled and run with the tests of the workspace, so that they cannot go stale.
#[cfg(all(doctest, feature = "jit"))]
#[doc = include_str!("../README.md")]
struct Readme;
