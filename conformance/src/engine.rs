//! What a conformance run needs of an engine, and which engines there are.
//!
//! A run is described and reported in plain data, so that runs of different engines can be compared with the
//! expectation and with each other. How an engine does it stays in its own module.

use crate::interp::Interp;
use crate::parity::Parity;
use crate::value::CaseValue;
use opforge::FuelSchedule;
use opforge::verify::VerifiedProgram;
use serde_json::Value as Json;
use std::fmt;
use std::str::FromStr;

/// The engines that cases can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineKind {
    /// The interpreter.
    Interp,
    /// Native code, which leaves to the interpreter where anything is unusual.
    Jit,
    /// Both side by side: everything that can be seen of a run must be the same. Runs end as the interpreter's.
    Parity,
}

impl EngineKind {
    /// What covers every engine. Native code runs beside the interpreter, which it must agree with in more than
    /// cases expect.
    pub const ALL: &'static [Self] = &[Self::Interp, Self::Parity];

    const NAMED: [Self; 3] = [Self::Interp, Self::Jit, Self::Parity];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interp => "interp",
            Self::Jit => "jit",
            Self::Parity => "parity",
        }
    }

    /// Prepares a program, linked with the host of the case files, for runs that are charged by a schedule.
    ///
    /// # Errors
    /// If the engine refuses a verified program, which no case expects.
    pub fn load(self, program: &VerifiedProgram, schedule: FuelSchedule) -> Result<Box<dyn Loaded>, String> {
        match self {
            Self::Interp => Ok(Box::new(Interp::load(program, schedule)?)),
            Self::Jit => Ok(Box::new(Interp::load_native(program, schedule)?)),
            Self::Parity => Ok(Box::new(Parity::load(program, schedule)?)),
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EngineKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::NAMED.into_iter().find(|engine| engine.name() == name);
        found.ok_or_else(|| format!("there is no engine {name:?}"))
    }
}

/// A program on an engine. Every run has a fresh heap and a fresh host.
pub trait Loaded: fmt::Debug {
    /// Runs it once.
    fn run(&mut self, request: &RunRequest<'_>) -> RunResult;
}

/// Limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// Fuel.
    pub fuel: u64,
    /// Frames.
    pub max_call_depth: u32,
    /// Calls that may reach the host.
    pub max_host_calls: u64,
}

impl Default for RunLimits {
    /// What cases without limits mean.
    fn default() -> Self {
        Self { fuel: 1_000_000, max_call_depth: 256, max_host_calls: 1_000_000 }
    }
}

/// How a run gets its fuel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// All of it at the start.
    Whole,
    /// This much at a time: whenever it runs out the run is resumed, until the limit was given.
    Slices(u64),
}

/// Whether a run is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// It is not.
    Off,
    /// It is; the result has a [`Trace`].
    On,
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct RunRequest<'r> {
    /// The function.
    pub entry: u32,
    /// Its arguments.
    pub args: &'r [CaseValue],
    /// Limits.
    pub limits: RunLimits,
    /// How the fuel is given.
    pub pace: Pace,
    /// Whether the run is traced.
    pub tracing: Tracing,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunResult {
    /// The end.
    pub end: End,
    /// Fuel given and not left.
    pub fuel_used: u64,
    /// Fuel that host functions charged and got.
    pub charged: u64,
    /// Calls that reached the host.
    pub host_calls: u64,
    /// What the trace said, where the run was traced.
    pub trace: Option<Trace>,
}

/// A trace in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Instructions.
    pub instrs: u64,
    /// Function, pc and span of the last one.
    pub last: Option<(u32, u32, Option<u64>)>,
    /// Functions entered and not left.
    pub open_calls: i64,
    /// Host functions called.
    pub host_calls: u64,
    /// Host functions called and not left.
    pub open_host_calls: i64,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Results.
    Finished(Vec<CaseValue>),
    /// A trap; running out of fuel counts as one.
    Trap(TrapAt),
    /// The run was refused before anything ran.
    Refused(Refusal),
    /// Something that no run should end in, such as results that do not resolve.
    Broken(String),
}

/// Why a run was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such function.
    UnknownFunction,
    /// It takes another number of arguments.
    ArgumentCount,
    /// An argument is of another type; types as the case files spell them.
    ArgumentType {
        /// The type of the parameter.
        expected: Json,
        /// The type of the argument.
        actual: Json,
    },
    /// Another reason, in words.
    Other(String),
}

/// A trap and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrapAt {
    /// The name of the kind.
    pub kind: String,
    /// The function.
    pub func: u32,
    /// Byte offset of the instruction.
    pub pc: u32,
    /// The span of the instruction.
    pub span: Option<u64>,
    /// More about it, by kind; `null` for nothing.
    pub detail: Json,
}

impl TrapAt {
    /// The kind of trap that running out of fuel is.
    pub const OUT_OF_FUEL: &'static str = "FuelExceeded";

    /// Whether another trap is at the same place.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        (self.func, self.pc, self.span) == (other.func, other.pc, other.span)
    }
}

impl End {
    /// Whether fuel ran out.
    #[must_use]
    pub fn is_out_of_fuel(&self) -> bool {
        matches!(self, Self::Trap(trap) if trap.kind == TrapAt::OUT_OF_FUEL)
    }
}

impl fmt::Display for TrapAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at func {} pc {}", self.kind, self.func, self.pc)?;
        if let Some(span) = self.span {
            write!(f, " span {span}")?;
        }
        if self.detail.is_null() { Ok(()) } else { write!(f, " {}", self.detail) }
    }
}

/// Values in a row, for messages.
pub(crate) fn list(values: &[CaseValue]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("({})", texts.join(", "))
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished(values) => write!(f, "results {}", list(values)),
            Self::Trap(trap) => write!(f, "trap {trap}"),
            Self::Refused(refusal) => write!(f, "refused: {refusal:?}"),
            Self::Broken(what) => write!(f, "broken: {what}"),
        }
    }
}
