//! The interpreter as an engine for case files, and the same with native code.

use crate::convert::{list_from_vm, list_to_vm, type_to_json};
use crate::engine::{End, Loaded, Pace, Refusal, RunRequest, RunResult, Trace, Tracing, TrapAt};
use crate::host::{self, HostCall, HostData};
use opforge::heap::ValueError;
use opforge::ids::FuncId;
use opforge::interp::{InstrEvent, TraceSink};
use opforge::trap::FrameInfo;
use opforge::verify::VerifiedProgram;
use opforge::{
    Capabilities, Engine, EngineConfig, EntryError, Execution, FuelSchedule, Instance, Limits, Module,
    Outcome, Trap, TrapDetail,
};
use opforge_jit::{JitConfig, JitEngine};
use serde_json::{Value as Json, json};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A program in the interpreter. One instance serves all runs: what a run leaves behind must not show in the next.
#[derive(Debug)]
pub(crate) struct Interp {
    instance: Instance<HostData>,
}

impl Interp {
    /// Lowers and links a program.
    pub(crate) fn load(program: &VerifiedProgram, schedule: FuelSchedule) -> Result<Self, String> {
        let engine = Engine::new(EngineConfig::new().schedule(schedule));
        let module = Module::new(&engine, program).map_err(|error| error.to_string())?;
        Self::link(program, &module)
    }

    /// Compiles and links a program: its runs enter native code.
    pub(crate) fn load_native(program: &VerifiedProgram, schedule: FuelSchedule) -> Result<Self, String> {
        let engine = Engine::new(EngineConfig::new().schedule(schedule));
        let jit = JitEngine::new(JitConfig::new().engine(engine)).map_err(|error| error.to_string())?;
        let compiled = jit.compile(program).map_err(|error| error.to_string())?;
        Self::link(program, compiled.module())
    }

    fn link(program: &VerifiedProgram, module: &Module) -> Result<Self, String> {
        let linker = host::linker(program.program());
        let instance = linker.instantiate(module, HostData::default(), &Capabilities::none());
        Ok(Self { instance: instance.map_err(|error| error.to_string())? })
    }
}

/// Where a run stopped: its active calls, innermost first, how many are left out, and what was left and owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) frames: Vec<FrameInfo>,
    pub(crate) frames_omitted: u32,
    pub(crate) fuel: u64,
    pub(crate) owed: u64,
    pub(crate) memory: u64,
}

/// What can be seen of a run beyond its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) result: RunResult,
    /// Every time that fuel ran out, and where a trap ended the run.
    pub(crate) stops: Vec<Stop>,
    /// Bytes of the heap that were charged.
    pub(crate) memory: u64,
    /// A hash of the bytes of linear memories at the end.
    pub(crate) linear: u64,
    pub(crate) log: Vec<HostCall>,
}

impl Loaded for Interp {
    fn run(&mut self, request: &RunRequest<'_>) -> RunResult {
        self.observe(request, HostData::default(), |_, _| {}).0
    }
}

impl Interp {
    /// Runs once and keeps all that can be seen.
    pub(crate) fn see(&mut self, request: &RunRequest<'_>) -> Seen {
        let mut stops = Vec::new();
        let data = HostData { log: Some(Vec::new()), ..HostData::default() };
        let (result, memory) = self.observe(request, data, |outcome, execution| {
            if let Outcome::Trapped(trap) | Outcome::OutOfFuel(trap) = outcome {
                stops.push(Stop {
                    frames: trap.frames.clone(),
                    frames_omitted: trap.frames_omitted,
                    fuel: trap.fuel,
                    owed: execution.fuel_owed(),
                    memory: execution.heap().charged(),
                });
            }
        });
        let log = self.instance.data_mut().log.take().unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        self.instance.heap().all_memories().for_each(|bytes| bytes.hash(&mut hasher));
        let linear = hasher.finish();
        Seen { result, stops, memory, linear, log }
    }

    /// Runs once, and shows every outcome on the way. The result, and the memory that was charged.
    fn observe(
        &mut self,
        request: &RunRequest<'_>,
        data: HostData,
        mut show: impl FnMut(&Outcome, &Execution<'_, HostData>),
    ) -> (RunResult, u64) {
        *self.instance.data_mut() = data;
        // Else the next run would see what this one leaves.
        self.instance.clear_memories();
        let all = request.limits.fuel;
        let slice = match request.pace {
            Pace::Whole => all,
            Pace::Slices(slice) => slice.clamp(1, all.max(1)),
        };
        let mut given = slice.min(all);
        let limits = Limits::new()
            .fuel(given)
            .call_depth(request.limits.max_call_depth)
            .host_calls(request.limits.max_host_calls);
        let mut execution = self.instance.execution(limits);
        let mut sink = (request.tracing == Tracing::On).then(TraceSinkCounts::default);
        let end = start(&mut execution, request).unwrap_or_else(|| {
            loop {
                let outcome = match &mut sink {
                    None => execution.resume(),
                    Some(sink) => execution.resume_traced(sink),
                };
                show(&outcome, &execution);
                if matches!(outcome, Outcome::OutOfFuel(_)) && given < all {
                    let more = slice.min(all - given);
                    execution.add_fuel(more);
                    given += more;
                } else {
                    break end(outcome, &execution);
                }
            }
        });
        let result = RunResult {
            end,
            fuel_used: given.saturating_sub(execution.fuel()),
            charged: execution.data().charged,
            host_calls: execution.host_calls(),
            trace: sink.map(|sink| sink.0),
        };
        (result, execution.heap().charged())
    }
}

/// Starts the run; the end of one that is refused.
fn start(execution: &mut Execution<'_, HostData>, request: &RunRequest<'_>) -> Option<End> {
    let args = match list_to_vm(request.args, execution.heap_mut()) {
        Ok(args) => args,
        Err(error) => return Some(End::Refused(Refusal::Other(error))),
    };
    let refusal = match execution.start(FuncId(request.entry), &args).err()? {
        EntryError::UnknownFunction(_) => Refusal::UnknownFunction,
        EntryError::ArgumentCount { .. } => Refusal::ArgumentCount,
        EntryError::Argument { error: ValueError::Type { expected, actual }, .. } => {
            Refusal::ArgumentType { expected: type_to_json(expected), actual: type_to_json(actual) }
        }
        other => Refusal::Other(other.to_string()),
    };
    Some(End::Refused(refusal))
}

fn end(outcome: Outcome, execution: &Execution<'_, HostData>) -> End {
    match outcome {
        Outcome::Finished(values) => match list_from_vm(&values, execution.heap()) {
            Ok(values) => End::Finished(values),
            Err(error) => End::Broken(error),
        },
        Outcome::Trapped(trap) | Outcome::OutOfFuel(trap) => End::Trap(trap_at(&trap)),
        other => End::Broken(format!("unexpected outcome {other:?}")),
    }
}

fn trap_at(trap: &Trap) -> TrapAt {
    let at = trap.at();
    let detail = match &trap.detail {
        // The peer does not say more.
        TrapDetail::None | TrapDetail::Utf8 { .. } => Json::Null,
        TrapDetail::Code(code) => json!(code),
        TrapDetail::Agg(kind) => json!(format!("{kind:?}")),
        TrapDetail::Types { expected, actual } | TrapDetail::HostResult { expected, actual, .. } => {
            json!({ "expected": type_to_json(*expected), "actual": type_to_json(*actual) })
        }
        TrapDetail::Host { symbol, hash, error } => {
            json!({ "symbol": &**symbol, "sig_hash": hash, "error": error.name() })
        }
        other => json!(format!("{other:?}")),
    };
    TrapAt {
        kind: trap.code.name().to_owned(),
        func: at.func.0,
        pc: at.pc,
        span: at.span.map(|span| span.get()),
        detail,
    }
}

/// Counts what a trace says.
#[derive(Debug, Default)]
struct TraceSinkCounts(Trace);

impl TraceSink for TraceSinkCounts {
    fn instr(&mut self, event: InstrEvent) {
        self.0.instrs += 1;
        self.0.last = Some((event.func.0, event.pc, event.span.map(|span| span.get())));
    }

    fn enter(&mut self, _: FuncId, _: u32) {
        self.0.open_calls += 1;
    }

    fn leave(&mut self, _: u32) {
        self.0.open_calls -= 1;
    }

    fn host_enter(&mut self, _: &str) {
        self.0.host_calls += 1;
        self.0.open_host_calls += 1;
    }

    fn host_leave(&mut self) {
        self.0.open_host_calls -= 1;
    }
}
