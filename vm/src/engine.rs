//! Configuration that is built into lowered code.

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
}

impl Engine {
    /// An engine with this configuration.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        Self { config }
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }
}
