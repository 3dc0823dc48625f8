//! What programs are compiled with.

use crate::compile::compile;
use crate::error::JitError;
use crate::program::JittedProgram;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use opforge_vm::verify::VerifiedProgram;
use opforge_vm::{Engine, Module};
use std::fmt;

/// Configuration of a [`JitEngine`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JitConfig {
    /// The engine that lowers programs: its fuel schedule holds.
    pub engine: Engine,
    /// Bytes of the thread's stack that frames of native code may take together. Calls that would need more go on
    /// in the interpreter, whose frames are on the heap. Host functions need room of their own on top.
    pub native_stack: u32,
    /// Most bytes of machine code of one program.
    pub max_code: u32,
}

impl Default for JitConfig {
    fn default() -> Self {
        Self { engine: Engine::default(), native_stack: 96 << 10, max_code: 64 << 20 }
    }
}

impl JitConfig {
    /// The default: the default engine, 96 KiB of stack, 64 MiB of code.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the engine that lowers programs.
    #[must_use]
    pub fn engine(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// Sets the bytes of stack for native frames.
    #[must_use]
    pub fn native_stack(mut self, bytes: u32) -> Self {
        self.native_stack = bytes;
        self
    }

    /// Sets the most bytes of machine code of one program. More than 64 MiB is taken as 64 MiB.
    #[must_use]
    pub fn max_code(mut self, bytes: u32) -> Self {
        self.max_code = bytes;
        self
    }
}

/// Compiles verified programs for the machine it runs on.
pub struct JitEngine {
    config: JitConfig,
    isa: OwnedTargetIsa,
}

impl fmt::Debug for JitEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JitEngine").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Code generator settings. Traps are never used, so nothing needs unwinding; stack use is bounded by the room for
/// frames, so frames need no probes.
const SETTINGS: &[(&str, &str)] = &[
    ("opt_level", "speed"),
    ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
    ("is_pic", "false"),
    ("unwind_info", "false"),
    ("enable_probestack", "false"),
    ("enable_pinned_reg", "true"),
    ("enable_multi_ret_implicit_sret", "true"),
];

impl JitEngine {
    /// An engine for this machine.
    ///
    /// # Errors
    /// [`JitError::UnsupportedHost`] if there is no code generator for it.
    pub fn new(config: JitConfig) -> Result<Self, JitError> {
        let unsupported = |reason: String| JitError::UnsupportedHost { reason };
        let mut flags = settings::builder();
        for (name, value) in SETTINGS {
            flags.set(name, value).map_err(|error| unsupported(error.to_string()))?;
        }
        let builder = cranelift_native::builder().map_err(|reason| unsupported(reason.into()))?;
        let isa =
            builder.finish(settings::Flags::new(flags)).map_err(|error| unsupported(error.to_string()))?;
        Ok(Self { config, isa })
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &JitConfig {
        &self.config
    }

    /// Compiles a program. Only verified programs can be compiled.
    ///
    /// # Errors
    /// [`JitError`]; nothing is left behind.
    pub fn compile(&self, verified: &VerifiedProgram) -> Result<JittedProgram, JitError> {
        let module = Module::new(&self.config.engine, verified)?;
        let code = compile(&self.config, &*self.isa, module.program())?;
        Ok(JittedProgram::new(module, code))
    }
}
