//! Runs of generated programs, with results that can be compared between runs, engines and machines.

use opforge_schema::{FINGERPRINT_SEED, fingerprint};
use opforge_testgen::{GeneratedProgram, HostLog, HostRecord, Plain, linker};
use opforge_vm::ids::{FuncId, InstrIx, SpanId};
use opforge_vm::interp::{InstrEvent, TraceSink};
use opforge_vm::lower::ExecInstr;
use opforge_vm::trap::FrameInfo;
use opforge_vm::verify::VerifiedProgram;
use opforge_vm::{
    Capabilities, Engine, EngineConfig, Execution, FuelSchedule, Instance, InterruptHandle, Limits, Module,
    Opcode, Outcome, Trap, Value,
};
use std::collections::BTreeMap;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Finished(Vec<Plain>),
    Trapped(Trap),
    OutOfFuel(Trap),
}

impl End {
    pub(crate) fn trap(&self) -> Option<&Trap> {
        match self {
            Self::Finished(_) => None,
            Self::Trapped(trap) | Self::OutOfFuel(trap) => Some(trap),
        }
    }

    /// The same, with no word of fuel.
    pub(crate) fn without_fuel(&self) -> Self {
        let without = |trap: &Trap| {
            let mut trap = trap.clone();
            trap.fuel = 0;
            trap
        };
        match self {
            Self::Finished(values) => Self::Finished(values.clone()),
            Self::Trapped(trap) => Self::Trapped(without(trap)),
            Self::OutOfFuel(trap) => Self::OutOfFuel(without(trap)),
        }
    }
}

/// Where a run stood when it had no fuel and then got some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// All active calls, as the report of running out names them.
    pub(crate) frames: Vec<FrameInfo>,
    pub(crate) fuel: u64,
    pub(crate) owed: u64,
    pub(crate) memory: u64,
    pub(crate) host_calls: u64,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) end: End,
    /// Fuel left.
    pub(crate) fuel: u64,
    /// Fuel that the host charged.
    pub(crate) charged: u64,
    pub(crate) host_calls: u64,
    /// Bytes of the heap that were charged.
    pub(crate) memory: u64,
    /// A fingerprint of linear memories.
    pub(crate) linear: u64,
    /// What the host saw and did.
    pub(crate) log: Vec<HostRecord>,
    /// By call: the fuel that the host saw.
    pub(crate) host_fuel: Vec<u64>,
    /// Where fuel was added.
    pub(crate) stops: Vec<Stop>,
}

impl Ran {
    /// The same without what depends on how the fuel was given.
    pub(crate) fn without_pace(&self) -> Self {
        Self { host_fuel: Vec::new(), stops: Vec::new(), ..self.clone() }
    }
}

/// Counts what is executed, and checks that scopes are balanced.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Instructions by opcode.
    pub(crate) ops: Vec<u64>,
    /// Where intrinsics were executed since this was last taken, and how often.
    pub(crate) places: BTreeMap<(FuncId, u32), u64>,
    /// Intrinsics by id.
    pub(crate) intrinsics: BTreeMap<u32, u64>,
    /// Instructions since this was last taken.
    pub(crate) instrs: u64,
    /// Scopes entered and not left.
    pub(crate) depth: u32,
}

impl Counts {
    /// Counts the intrinsics that a module's run has executed.
    pub(crate) fn take_intrinsics(&mut self, module: &Module) {
        for ((func, pc), count) in std::mem::take(&mut self.places) {
            let instr = || {
                let function = module.program().function(func)?;
                function.instrs.get(function.pcs.binary_search(&pc).ok()?)
            };
            if let Some(ExecInstr::Intrinsic { id, .. }) = instr() {
                *self.intrinsics.entry(id.0).or_default() += count;
            }
        }
    }
}

impl TraceSink for Counts {
    fn instr(&mut self, event: InstrEvent) {
        let at = usize::from(event.didx);
        if self.ops.len() <= at {
            self.ops.resize(at + 1, 0);
        }
        self.ops[at] += 1;
        self.instrs += 1;
        if event.didx == Opcode::Intrinsic.didx() {
            *self.places.entry((event.func, event.pc)).or_default() += 1;
        }
        let _: Option<SpanId> = event.span;
    }

    fn enter(&mut self, _: FuncId, depth: u32) {
        self.depth += 1;
        assert_eq!(self.depth, depth, "scopes are balanced");
    }

    fn leave(&mut self, depth: u32) {
        assert_eq!(self.depth, depth, "scopes are balanced");
        self.depth -= 1;
    }
}

/// When a run is interrupted, and then resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupts {
    Never,
    /// Before it is resumed, each time.
    AtResume,
    /// By every call that reaches the host.
    AtHostCalls,
}

/// How much fuel a run gets next, by where it ran out of it; before it runs, by nothing.
pub(crate) type Pace<'d> = &'d mut dyn FnMut(Option<FrameInfo>) -> u64;

/// How a run is driven.
pub(crate) enum Drive<'d> {
    /// With all its fuel at the start.
    Whole,
    /// The same, with interrupts.
    Interrupted(Interrupts),
    /// With so little fuel at first, and as much again each time, up to the limit; and interrupted where each slice
    /// begins.
    Sliced(u64),
    /// With fuel as it is wanted, up to the limit. Nothing counts as 1 where the run has begun.
    Paced(Pace<'d>, Interrupts),
    /// As [`Drive::Whole`], reported to a sink.
    Traced(&'d mut dyn TraceSink),
}

/// A linked program.
pub(crate) struct Machine {
    instance: Instance<HostLog>,
    module: Module,
}

impl Machine {
    pub(crate) fn new(verified: &VerifiedProgram, schedule: FuelSchedule) -> Self {
        let engine = Engine::new(EngineConfig::new().schedule(schedule));
        Self::of(&Module::new(&engine, verified).expect("lowering of a small program"))
    }

    /// Links a module, which may have native code.
    pub(crate) fn of(module: &Module) -> Self {
        let instance = linker().instantiate(module, HostLog::default(), &Capabilities::none());
        Self { instance: instance.expect("all imports are there"), module: module.clone() }
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// Runs one of the inputs; `None` if the limits have no room for it.
    pub(crate) fn run(
        &mut self,
        of: &GeneratedProgram,
        input: usize,
        limits: Limits,
        drive: Drive<'_>,
    ) -> Option<Ran> {
        let interrupt = InterruptHandle::new();
        let mut slices;
        let (mut pace, interrupts, mut sink): (Option<Pace<'_>>, _, _) = match drive {
            Drive::Whole => (None, Interrupts::Never, None),
            Drive::Interrupted(interrupts) => (None, interrupts, None),
            Drive::Sliced(slice) => {
                slices = move |_: Option<FrameInfo>| slice;
                (Some(&mut slices), Interrupts::AtResume, None)
            }
            Drive::Paced(pace, interrupts) => (Some(pace), interrupts, None),
            Drive::Traced(sink) => (None, Interrupts::Never, Some(sink)),
        };
        let at_calls = (interrupts == Interrupts::AtHostCalls).then(|| interrupt.clone());
        *self.instance.data_mut() = HostLog { interrupt: at_calls, ..HostLog::default() };
        self.instance.clear_memories();
        let mut given = pace.as_mut().map_or(limits.fuel, |pace| pace(None).min(limits.fuel));
        let mut execution = self.instance.execution(limits.fuel(given));
        let inputs = &of.inputs[input];
        let args: Result<Vec<Value>, _> = inputs.iter().map(|i| i.value(execution.heap_mut())).collect();
        if execution.start(of.entry, &args.ok()?).is_err() {
            return None;
        }
        execution.set_interrupt(interrupt.clone());
        let mut stops = Vec::new();
        let outcome = loop {
            if interrupts == Interrupts::AtResume {
                interrupt.interrupt();
            }
            let outcome = match &mut sink {
                Some(sink) => execution.resume_traced(*sink),
                None => resume(&mut execution, &interrupt),
            };
            let (Outcome::OutOfFuel(trap), Some(pace)) = (&outcome, &mut pace) else { break outcome };
            if given >= limits.fuel {
                break outcome;
            }
            let more = pace(Some(trap.at())).clamp(1, limits.fuel - given);
            stops.push(Stop {
                frames: trap.frames.clone(),
                fuel: execution.fuel(),
                owed: execution.fuel_owed(),
                memory: execution.heap().charged(),
                host_calls: execution.host_calls(),
            });
            execution.add_fuel(more);
            given += more;
        };
        let end = match outcome {
            Outcome::Finished(values) => End::Finished(Plain::list(&values, execution.heap())),
            Outcome::Trapped(trap) => End::Trapped(*trap),
            Outcome::OutOfFuel(trap) => End::OutOfFuel(*trap),
            other => panic!("a run ended with {other:?}"),
        };
        // What was not given yet is left too.
        let rest = limits.fuel - given;
        let end = match end {
            End::Trapped(trap) => End::Trapped(Trap { fuel: trap.fuel + rest, ..trap }),
            end => end,
        };
        let (fuel, memory) = (execution.fuel() + rest, execution.heap().charged());
        let linear = execution.heap().all_memories().fold(FINGERPRINT_SEED, fingerprint);
        let host_calls = execution.host_calls();
        let HostLog { charged, calls: log, fuel: host_fuel, .. } = execution.data().clone();
        Some(Ran { end, fuel, charged, host_calls, memory, linear, log, host_fuel, stops })
    }
}

/// Fuel from an instruction to the end of its segment, of what is charged where a segment is entered; 0 if there is
/// no such instruction.
pub(crate) fn fuel_of_segment(module: &Module, func: FuncId, pc: u32) -> u64 {
    let fuel = || {
        let function = module.program().function(func)?;
        let at = InstrIx(function.pcs.binary_search(&pc).ok()? as u32);
        Some(function.fuel(at, function.segment_of(at)?.end))
    };
    fuel().unwrap_or(0)
}

/// Resumes until something but an interrupt ends or stops the run.
fn resume(execution: &mut Execution<'_, HostLog>, interrupt: &InterruptHandle) -> Outcome {
    loop {
        let outcome = execution.resume();
        interrupt.clear();
        if outcome != Outcome::Interrupted {
            return outcome;
        }
    }
}
