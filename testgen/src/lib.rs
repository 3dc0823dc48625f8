//! Random programs that verify, with arguments to run them on, and random conversations for session types.
//!
//! Owns the way from bytes to a typed program. Which opcodes there are, and what their operands must be, comes
//! from the rows of [`opforge_tables::ISA`], so a new plain opcode is generated without a change here; only what
//! rows cannot say has code of its own: control flow, recursion that ends, callees and closures that fit, shapes
//! of aggregates. Relies on the builder of `opforge-vm`. Never runs anything.
//!
//! The same bytes give the same program, a shorter or zeroed input a simpler one, which is what [`shrink`] and
//! fuzzers use.
//!
//! ```
//! use opforge_testgen::{GenConfig, from_seed};
//! use opforge_vm::verify::{VerifyConfig, verify};
//!
//! let generated = from_seed(7, &GenConfig::default());
//! assert_eq!(generated.inputs.len(), 4);
//! assert!(verify(generated.program, &VerifyConfig::new()).is_ok());
//! ```
#![forbid(unsafe_code)]

mod body;
mod choices;
mod control;
mod data;
mod hosts;
mod input;
mod limits;
mod operands;
mod plain;
mod plan;
mod protocol;
mod shrink;
mod state;
mod ty;

pub use hosts::{HOST_FUNCS, HOST_OBJECT, HostFn, HostFunc, HostLog, HostRecord, linker};
pub use input::Input;
pub use plain::Plain;
pub use protocol::{Protocol, protocol};
pub use shrink::shrink;

use arbitrary::Unstructured;
use choices::Choices;
use opforge_vm::builder::ProgramBuilder;
use opforge_vm::ids::FuncId;
use opforge_vm::program::PAGE_BYTES;
use opforge_vm::{Limits, Program};
use plan::World;

/// How large programs get, and which liberties they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GenConfig {
    /// Most functions, at least 1.
    pub max_functions: usize,
    /// Most statements of one block, at least 1. A statement is an instruction with what it needs, or a
    /// construct of control flow.
    pub max_statements: usize,
    /// Statements of one function, nested ones included, after which no more are begun.
    pub max_body: usize,
    /// How deep constructs of control flow nest.
    pub max_depth: usize,
    /// What the programs may rely on.
    pub dialect: Dialect,
}

/// What programs may rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// All that opforge accepts.
    #[default]
    Full,
    /// Only what execution_tape 0.0.1 gives the same result for: opcodes are its own, elements are read of aggregates whose shape is
    /// known inside the block, and the bits of a NaN are never looked at.
    Peer,
}

impl Default for GenConfig {
    fn default() -> Self {
        Self { max_functions: 5, max_statements: 7, max_body: 40, max_depth: 3, dialect: Dialect::Full }
    }
}

impl GenConfig {
    /// Sets what programs may rely on.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }
}

/// A generated program with what it is run on.
#[derive(Clone, Debug)]
pub struct GeneratedProgram {
    /// The program. It has not been verified, but is meant to be accepted always.
    pub program: Program,
    /// The function to run.
    pub entry: FuncId,
    /// [`INPUTS`] argument lists for it, from tame to odd.
    pub inputs: Vec<Vec<Input>>,
    /// Limits to run each of the inputs with. Most are ample; some leave little memory, few host calls, frames or
    /// stack slots, so that running out of these is met too.
    pub limits: Vec<Limits>,
}

impl GeneratedProgram {
    /// What the program's linear memories take at first.
    #[must_use]
    pub fn linear_bytes(&self) -> u64 {
        self.program.memories().iter().map(|memory| u64::from(memory.min) * PAGE_BYTES).sum()
    }
}

/// The number of argument lists of a program.
pub const INPUTS: usize = 4;

/// Makes a program from bytes. Takes what it needs; where the bytes end, the simplest choice is made.
///
/// # Errors
/// Whatever the source of bytes reports; none at present.
///
/// # Panics
/// If the builder refuses what the rows allow, which is a defect of this crate or of the builder.
pub fn generate(u: &mut Unstructured<'_>, config: &GenConfig) -> Result<GeneratedProgram, arbitrary::Error> {
    let mut choices = Choices::new(u);
    // First, because large programs use up all bytes.
    let limits: Vec<Limits> = (0..INPUTS).map(|_| limits::limits(&mut choices)).collect();
    let mut builder = ProgramBuilder::new();
    let world = World::plan(&mut choices, &mut builder, config);
    for own in 0..world.funcs.len() {
        body::define(&mut choices, &mut builder, &world, config, own);
    }
    let entry = world.funcs[0].id;
    let inputs = input::inputs(&mut choices, &world);
    let program = builder.finish().expect("every declared function was defined");
    let mut generated = GeneratedProgram { program, entry, inputs, limits };
    let linear = generated.linear_bytes();
    for limits in &mut generated.limits {
        limits.max_memory += linear;
    }
    Ok(generated)
}

/// The bytes that [`from_seed`] makes a program from.
#[must_use]
pub fn seed_bytes(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(4096);
    while bytes.len() < 4096 {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ word >> 31).to_le_bytes());
    }
    bytes
}

/// The program of a seed.
#[must_use]
pub fn from_seed(seed: u64, config: &GenConfig) -> GeneratedProgram {
    from_bytes(&seed_bytes(seed), config)
}

/// The program of these bytes, as [`generate`] makes it.
#[must_use]
pub fn from_bytes(bytes: &[u8], config: &GenConfig) -> GeneratedProgram {
    generate(&mut Unstructured::new(bytes), config).expect("running out of bytes is no error")
}
