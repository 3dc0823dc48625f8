//! What verification may spend, and the account it is charged to.

use super::session::CoherenceLimits;
use crate::ids::FuncId;
use crate::types::TypeTableFull;
use core::fmt;

/// Limits of verification. The defaults suit untrusted programs of some megabytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyConfig {
    pub(super) max_registers: u32,
    pub(super) max_work: u64,
    pub(super) max_memory: u64,
    pub(super) max_errors: usize,
    pub(super) max_speculation: u32,
    pub(super) coherence: Option<CoherenceLimits>,
    pub(super) unchecked_sessions: bool,
}

impl Default for VerifyConfig {
    fn default() -> Self {
        Self {
            max_registers: 65_536,
            max_work: 1 << 32,
            max_memory: 256 << 20,
            max_errors: 50,
            max_speculation: 16,
            coherence: None,
            unchecked_sessions: false,
        }
    }
}

impl VerifyConfig {
    /// The default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Most registers a function may have, the effect token included. Default: 65,536.
    #[must_use]
    pub fn max_registers(mut self, registers: u32) -> Self {
        self.max_registers = registers;
        self
    }

    /// Most work for the whole program, in steps of about a nanosecond. Default: 2^32.
    #[must_use]
    pub fn max_work(mut self, steps: u64) -> Self {
        self.max_work = steps;
        self
    }

    /// Most memory for the whole program, in bytes, including what the result keeps. Default: 256 MiB.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = bytes;
        self
    }

    /// Most errors reported; at least one is. Default: 50.
    #[must_use]
    pub fn max_errors(mut self, errors: usize) -> Self {
        self.max_errors = errors.max(1);
        self
    }

    /// Most speculations that a function may have open within each other. Default: 16.
    #[must_use]
    pub fn max_speculation(mut self, depth: u32) -> Self {
        self.max_speculation = depth;
        self
    }

    /// Checks that the roles of every shape fit together, within these limits. By default they are not compared; the
    /// machine then finds out, message by message.
    #[must_use]
    pub fn coherence(mut self, limits: CoherenceLimits) -> Self {
        self.coherence = Some(limits);
        self
    }

    /// Whether code may do with endpoints, evidence and speculations what their types do not allow, so that the machine
    /// finds out and traps. For tests of the machine: what is checked for memory to be safe, and what a program
    /// declares, is checked all the same.
    #[doc(hidden)]
    #[must_use]
    pub fn unchecked_sessions(mut self, unchecked: bool) -> Self {
        self.unchecked_sessions = unchecked;
        self
    }
}

/// Something verification may run out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// [`VerifyConfig::max_work`].
    Work,
    /// [`VerifyConfig::max_memory`].
    Memory,
    /// The type table holds at most 2^31 entries.
    Types,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work => "the work budget",
            Self::Memory => "the memory budget",
            Self::Types => "the room in the type table",
        })
    }
}

/// Verification ended early because something ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted {
    pub(super) resource: Resource,
    pub(super) func: Option<FuncId>,
}

impl Exhausted {
    /// The same, known to have happened in a function.
    pub(super) fn in_func(self, func: FuncId) -> Self {
        Self { func: Some(func), ..self }
    }
}

impl From<TypeTableFull> for Exhausted {
    fn from(_: TypeTableFull) -> Self {
        Self { resource: Resource::Types, func: None }
    }
}

/// What is left of the limits.
#[derive(Debug)]
pub(super) struct Budget {
    work: u64,
    memory: u64,
}

impl Budget {
    pub(super) fn new(config: &VerifyConfig) -> Self {
        Self { work: config.max_work, memory: config.max_memory }
    }

    /// Takes `steps` of work, before it is done.
    pub(super) fn work(&mut self, steps: usize) -> Result<(), Exhausted> {
        let left = self.work.checked_sub(steps as u64);
        self.work = left.ok_or(Exhausted { resource: Resource::Work, func: None })?;
        Ok(())
    }

    /// Takes memory, before it is allocated.
    pub(super) fn memory(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let left = self.memory.checked_sub(bytes as u64);
        self.memory = left.ok_or(Exhausted { resource: Resource::Memory, func: None })?;
        Ok(())
    }

    /// Takes memory for `len` values of type `T`.
    pub(super) fn memory_for<T>(&mut self, len: usize) -> Result<(), Exhausted> {
        self.memory(len.saturating_mul(size_of::<T>()))
    }

    /// The memory left, to go back to with [`Budget::release_to`].
    pub(super) fn mark(&self) -> u64 {
        self.memory
    }

    /// Gives back what was taken since the mark, because it has been freed.
    pub(super) fn release_to(&mut self, mark: u64) {
        self.memory = mark;
    }
}
