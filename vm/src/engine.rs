//! What is built into lowered code: configuration, and an embedder's own opcodes and intrinsics.

use crate::extensions::{ExtensionError, Extensions, Registered};
use alloc::sync::Arc;
use opforge_schema::Isa;

/// How much fuel instructions cost.
///
/// Part of the lowered program: both engines charge by the same numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FuelSchedule {
    /// The fuel column of the tables, with one more unit for every 64 bytes that an instruction moves or
    /// compares; an intrinsic costs what its own row says. Work is bounded by fuel.
    #[default]
    BySize,
    /// One unit for every instruction, whatever it moves: what execution_tape 0.0.1 charges.
    V1,
}

/// Configuration of an [`Engine`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EngineConfig {
    /// The fuel schedule.
    pub schedule: FuelSchedule,
}

impl EngineConfig {
    /// The default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the fuel schedule.
    #[must_use]
    pub fn schedule(mut self, schedule: FuelSchedule) -> Self {
        self.schedule = schedule;
        self
    }
}

/// What modules are made with. Cheap to create and to clone.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    config: EngineConfig,
    extensions: Option<Arc<Registered>>,
}

impl Engine {
    /// An engine with this configuration.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        Self { config, extensions: None }
    }

    /// An engine with this configuration, for programs that were verified with the tables of these extensions.
    ///
    /// # Errors
    /// [`ExtensionError::Missing`] if a row has no function and must have one.
    pub fn with_extensions(config: EngineConfig, extensions: Extensions) -> Result<Self, ExtensionError> {
        Ok(Self { config, extensions: Some(Arc::new(extensions.finish()?)) })
    }

    /// The tables that its programs are verified with: those of its extensions, or the VM's own.
    #[must_use]
    pub fn isa(&self) -> &Isa<'static> {
        self.extensions.as_ref().map_or(&opforge_tables::ISA, |extensions| extensions.isa())
    }

    /// The fingerprint of the tables.
    pub(crate) fn tables(&self) -> u64 {
        self.extensions.as_ref().map_or(opforge_tables::FINGERPRINT, |extensions| extensions.tables())
    }

    pub(crate) fn extensions(&self) -> Option<&Arc<Registered>> {
        self.extensions.as_ref()
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }
}
