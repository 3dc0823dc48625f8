//! What programs are compiled with.

use crate::compile::compile;
use crate::error::JitError;
#[cfg(feature = "disasm")]
use crate::listing::Listing;
use crate::notes::Notes;
use crate::perf_map::PerfMap;
use crate::program::JittedProgram;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use opforge_vm::verify::VerifiedProgram;
use opforge_vm::{Engine, Module};
use std::fmt;

#[cfg(test)]
mod tests;

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
    /// Whether code is named for Linux `perf`; see [`JitConfig::perf_map`].
    pub perf_map: bool,
}

impl Default for JitConfig {
    fn default() -> Self {
        Self { engine: Engine::default(), native_stack: 96 << 10, max_code: 64 << 20, perf_map: false }
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

    /// Sets whether the names and addresses of compiled functions are added to `/tmp/perf-<pid>.map`, where `perf report`
    /// finds them. Off by default: it is a file, and it tells addresses. Linux only.
    ///
    /// The file is made new, readable and writable by its owner alone, and never through a link. One that is there is
    /// added to if it is a plain file of the same user with no other name that nobody else may write, and is an error
    /// otherwise. Lines stay when programs are dropped, and the file stays when the process ends, as other programs
    /// leave theirs.
    #[must_use]
    pub fn perf_map(mut self, on: bool) -> Self {
        self.perf_map = on;
        self
    }
}

/// Compiles verified programs for the machine it runs on.
pub struct JitEngine {
    config: JitConfig,
    isa: OwnedTargetIsa,
    perf_map: Option<PerfMap>,
}

impl fmt::Debug for JitEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JitEngine").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Code generator settings. Traps are never used, so nothing needs unwinding; stack use is bounded by the room for
/// frames, so frames need no probes. On x86-64 all code keeps frame pointers anyway; the setting only lets the code
/// generator make tail calls.
const SETTINGS: &[(&str, &str)] = &[
    ("opt_level", "speed"),
    ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
    ("is_pic", "false"),
    ("unwind_info", "false"),
    ("enable_probestack", "false"),
    ("enable_pinned_reg", "true"),
    ("preserve_frame_pointers", if cfg!(target_arch = "x86_64") { "true" } else { "false" }),
    ("enable_multi_ret_implicit_sret", "true"),
];

impl JitEngine {
    /// An engine for this machine.
    ///
    /// # Errors
    /// [`JitError::UnsupportedHost`] if there is no code generator for it, [`JitError::PerfMap`] if a map for `perf`
    /// is asked for and cannot be opened.
    pub fn new(config: JitConfig) -> Result<Self, JitError> {
        let perf_map = if config.perf_map { Some(PerfMap::open()?) } else { None };
        Self::with_perf_map(config, perf_map)
    }

    pub(crate) fn with_perf_map(config: JitConfig, perf_map: Option<PerfMap>) -> Result<Self, JitError> {
        let builder = cranelift_native::builder();
        Self::with_builder(
            config,
            perf_map,
            builder.map_err(|reason| JitError::UnsupportedHost { reason: reason.into() })?,
        )
    }

    fn with_builder(
        config: JitConfig,
        perf_map: Option<PerfMap>,
        builder: isa::Builder,
    ) -> Result<Self, JitError> {
        let unsupported = |reason: String| JitError::UnsupportedHost { reason };
        let mut flags = settings::builder();
        for (name, value) in SETTINGS {
            flags.set(name, value).map_err(|error| unsupported(error.to_string()))?;
        }
        let isa =
            builder.finish(settings::Flags::new(flags)).map_err(|error| unsupported(error.to_string()))?;
        Ok(Self { config, isa, perf_map })
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &JitConfig {
        &self.config
    }

    /// Compiles a program. Only verified programs can be compiled: a program that the verifier has not seen, its
    /// bytes, and what verified programs become later are other types.
    ///
    /// ```
    /// # use opforge_jit::{JitEngine, JitError, JittedProgram};
    /// # use opforge_vm::verify::VerifiedProgram;
    /// fn compile(jit: &JitEngine, program: &VerifiedProgram) -> Result<JittedProgram, JitError> {
    ///     jit.compile(program)
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use opforge_jit::{JitEngine, JitError, JittedProgram};
    /// # use opforge_vm::Program;
    /// fn compile(jit: &JitEngine, program: &Program) -> Result<JittedProgram, JitError> {
    ///     jit.compile(program)
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use opforge_jit::{JitEngine, JitError, JittedProgram};
    /// fn compile(jit: &JitEngine, container: &[u8]) -> Result<JittedProgram, JitError> {
    ///     jit.compile(container)
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use opforge_jit::{JitEngine, JitError, JittedProgram};
    /// # use opforge_vm::Module;
    /// fn compile(jit: &JitEngine, module: &Module) -> Result<JittedProgram, JitError> {
    ///     jit.compile(module)
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use opforge_jit::{JitEngine, JitError, JittedProgram};
    /// # use opforge_vm::lower::ExecProgram;
    /// fn compile(jit: &JitEngine, lowered: &ExecProgram) -> Result<JittedProgram, JitError> {
    ///     jit.compile(lowered)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`JitError`]; nothing is left behind.
    pub fn compile(&self, verified: &VerifiedProgram) -> Result<JittedProgram, JitError> {
        let mut notes = self.perf_map.as_ref().map(|_| Notes::default());
        let program = self.compile_noting(verified, notes.as_mut())?;
        if let (Some(map), Some(notes)) = (&self.perf_map, &notes) {
            map.add(program.base(), notes, program.module().program())?;
        }
        Ok(program)
    }

    /// Compiles a program, and keeps what is needed to show its machine code. Nothing is added to a map for `perf`.
    ///
    /// # Errors
    /// As for [`JitEngine::compile`].
    #[cfg(feature = "disasm")]
    pub fn disassemble(&self, verified: &VerifiedProgram) -> Result<Listing, JitError> {
        let mut notes = Notes::default();
        let program = self.compile_noting(verified, Some(&mut notes))?;
        Ok(Listing::new(program, notes))
    }

    fn compile_noting(
        &self,
        verified: &VerifiedProgram,
        notes: Option<&mut Notes>,
    ) -> Result<JittedProgram, JitError> {
        let module = Module::new(&self.config.engine, verified)?;
        let code = compile(&self.config, &*self.isa, module.program(), notes)?;
        Ok(JittedProgram::new(module, code))
    }
}

/// Checked by the compiler: these go between threads.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    const fn owned<T: Clone + Send + Sync + 'static>() {}
    shared::<JitEngine>();
    owned::<JittedProgram>();
    owned::<JitConfig>();
    owned::<JitError>();
};
