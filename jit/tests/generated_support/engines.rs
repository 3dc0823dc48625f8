//! The engines that are compared: the interpreter, native code, and one that is wrong on purpose.

use crate::run::{Drive, Machine, Ran};
use opforge_jit::{JitConfig, JitEngine};
use opforge_testgen::GeneratedProgram;
use opforge_vm::disasm::{DisasmOptions, disassemble};
use opforge_vm::verify::VerifiedProgram;
use opforge_vm::{Engine, EngineConfig, FuelSchedule, Limits};

/// A program on an engine.
pub(crate) trait Runs {
    /// Runs one of the inputs; `None` if the limits have no room for it.
    fn run(&mut self, of: &GeneratedProgram, input: usize, limits: Limits, drive: Drive<'_>) -> Option<Ran>;
}

impl Runs for Machine {
    fn run(&mut self, of: &GeneratedProgram, input: usize, limits: Limits, drive: Drive<'_>) -> Option<Ran> {
        Self::run(self, of, input, limits, drive)
    }
}

/// How native code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// Fuel by size, stack for all calls.
    BySize,
    /// Fuel by count, stack for all calls.
    V1,
    /// Fuel by size, stack for a few frames.
    SmallStack,
}

impl Setup {
    const ALL: [Self; 3] = [Self::BySize, Self::V1, Self::SmallStack];

    pub(crate) fn schedule(self) -> FuelSchedule {
        if self == Self::V1 { FuelSchedule::V1 } else { FuelSchedule::BySize }
    }

    fn config(self) -> JitConfig {
        let engine = Engine::new(EngineConfig::new().schedule(self.schedule()));
        let config = JitConfig::new().engine(engine);
        if self == Self::SmallStack { config.native_stack(2048) } else { config }
    }
}

/// An engine that is to do as the interpreter does.
pub(crate) trait Subject: Sync {
    /// Prepares a program.
    fn load(&self, verified: &VerifiedProgram, setup: Setup) -> Result<Box<dyn Runs>, String>;
}

/// Native code.
pub(crate) struct Native([JitEngine; 3]);

impl Native {
    pub(crate) fn new() -> Self {
        Self(Setup::ALL.map(|setup| JitEngine::new(setup.config()).expect("an engine for this machine")))
    }
}

impl Subject for Native {
    fn load(&self, verified: &VerifiedProgram, setup: Setup) -> Result<Box<dyn Runs>, String> {
        let at = Setup::ALL.iter().position(|&other| other == setup).unwrap_or(0);
        let compiled = self.0[at].compile(verified).map_err(|error| error.to_string())?;
        Ok(Box::new(Machine::of(compiled.module())))
    }
}

/// The interpreter again, but for programs with an instruction: their runs have one unit of fuel less than is left.
pub(crate) struct Wrong {
    /// The instruction, as text begins with it.
    pub(crate) instr: &'static str,
}

struct WrongRuns(Machine);

impl Subject for Wrong {
    fn load(&self, verified: &VerifiedProgram, setup: Setup) -> Result<Box<dyn Runs>, String> {
        let machine = Machine::new(verified, setup.schedule());
        let text = disassemble(verified.program(), &DisasmOptions::exact());
        let wrong = text.lines().any(|line| line.trim_start().starts_with(self.instr));
        Ok(if wrong { Box::new(WrongRuns(machine)) } else { Box::new(machine) })
    }
}

impl Runs for WrongRuns {
    fn run(&mut self, of: &GeneratedProgram, input: usize, limits: Limits, drive: Drive<'_>) -> Option<Ran> {
        let ran = self.0.run(of, input, limits, drive)?;
        Some(Ran { fuel: ran.fuel.saturating_sub(1), ..ran })
    }
}
