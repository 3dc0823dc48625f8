//! Runs of generated programs, with results that can be compared between runs and machines.

use opforge_testgen::{GeneratedProgram, linker};
use opforge_vm::heap::{AggregateKind, Heap};
use opforge_vm::ids::{FuncId, SpanId};
use opforge_vm::interp::{InstrEvent, TraceSink};
use opforge_vm::verify::VerifiedProgram;
use opforge_vm::{
    AggRef, CANONICAL_NAN_BITS, Capabilities, Engine, EngineConfig, FuelSchedule, Instance, InterruptHandle,
    Limits, Module, Outcome, Trap, Value,
};

/// A value without handles: aggregates are spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Unit,
    Bool(bool),
    I64(i64),
    U64(u64),
    /// Its bits; a NaN has the canonical ones.
    F64(u64),
    Decimal(i64, u8),
    Bytes(Vec<u8>),
    Str(String),
    Obj(u64, u64),
    Func(u32),
    Closure(u32, Box<Plain>),
    Tuple(Vec<Plain>),
    Struct(u32, Vec<Plain>),
    Array(u32, Vec<Plain>),
    BadHandle,
    /// There was more than can be compared.
    More,
}

/// The most nodes of results that are spelled out.
pub(crate) const MOST_NODES: usize = 4000;

pub(crate) fn float(value: f64) -> Plain {
    Plain::F64(if value.is_nan() { CANONICAL_NAN_BITS } else { value.to_bits() })
}

/// Spells a value out, as far as there is room.
pub(crate) fn plain(value: &Value, heap: &Heap, room: &mut usize) -> Plain {
    if *room == 0 {
        return Plain::More;
    }
    *room -= 1;
    match value {
        Value::Unit => Plain::Unit,
        Value::Bool(v) => Plain::Bool(*v),
        Value::I64(v) => Plain::I64(*v),
        Value::U64(v) => Plain::U64(*v),
        Value::F64(v) => {
            assert!(
                !v.is_nan() || v.to_bits() == CANONICAL_NAN_BITS,
                "a NaN left with bits {:#x}",
                v.to_bits()
            );
            float(*v)
        }
        Value::Decimal(v) => Plain::Decimal(v.mantissa, v.scale),
        Value::Bytes(v) => Plain::Bytes(v.clone()),
        Value::Str(v) => Plain::Str(v.clone()),
        Value::Obj { host_type, handle } => Plain::Obj(*host_type, *handle),
        Value::Func(func) => Plain::Func(func.0),
        Value::Closure { func, env } => Plain::Closure(func.0, Box::new(aggregate(*env, heap, room))),
        Value::Agg(agg) => aggregate(*agg, heap, room),
        other => panic!("a value of an unknown kind: {other:?}"),
    }
}

fn aggregate(agg: AggRef, heap: &Heap, room: &mut usize) -> Plain {
    let Some(aggregate) = heap.aggregate(agg) else { return Plain::BadHandle };
    let mut elems = Vec::new();
    for index in 0..aggregate.len() {
        let elem = aggregate.get(index).expect("an element below the length");
        elems.push(plain(&elem, heap, room));
        if *room == 0 {
            break;
        }
    }
    match aggregate.kind() {
        AggregateKind::Tuple => Plain::Tuple(elems),
        AggregateKind::Struct(id) => Plain::Struct(id.0, elems),
        AggregateKind::Array(id) => Plain::Array(id.0, elems),
    }
}

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
}

/// Counts what is executed, and checks that scopes are balanced.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Instructions by opcode.
    pub(crate) ops: Vec<u64>,
    /// Instructions since this was last taken.
    pub(crate) instrs: u64,
    /// Scopes entered and not left.
    pub(crate) depth: u32,
}

impl TraceSink for Counts {
    fn instr(&mut self, event: InstrEvent) {
        let at = usize::from(event.didx);
        if self.ops.len() <= at {
            self.ops.resize(at + 1, 0);
        }
        self.ops[at] += 1;
        self.instrs += 1;
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

/// How a run is driven.
pub(crate) enum Drive<'c> {
    Whole,
    /// With so little fuel at first, and as much again each time, up to the limit; and interrupted where each slice
    /// begins.
    Sliced(u64),
    Traced(&'c mut Counts),
}

/// A linked program.
pub(crate) struct Machine {
    instance: Instance<u64>,
}

impl Machine {
    pub(crate) fn new(verified: &VerifiedProgram, schedule: FuelSchedule) -> Self {
        let engine = Engine::new(EngineConfig::new().schedule(schedule));
        Self::of(&Module::new(&engine, verified).expect("lowering of a small program"))
    }

    /// Links a module, which may have native code.
    pub(crate) fn of(module: &Module) -> Self {
        let instance = linker().instantiate(module, 0, &Capabilities::none()).expect("all imports are there");
        Self { instance }
    }

    /// Runs one of the inputs; `None` if the memory limit has no room for it.
    pub(crate) fn run(
        &mut self,
        of: &GeneratedProgram,
        input: usize,
        limits: Limits,
        drive: Drive<'_>,
    ) -> Option<Ran> {
        *self.instance.data_mut() = 0;
        let (slice, first) = match drive {
            Drive::Sliced(slice) => (slice, slice.min(limits.fuel)),
            _ => (0, limits.fuel),
        };
        let mut execution = self.instance.execution(limits.fuel(first));
        let inputs = &of.inputs[input];
        let args: Result<Vec<Value>, _> = inputs.iter().map(|i| i.value(execution.heap_mut())).collect();
        if execution.start(of.entry, &args.ok()?).is_err() {
            return None;
        }
        let interrupt = InterruptHandle::new();
        execution.set_interrupt(interrupt.clone());
        let mut given = first;
        let outcome = match drive {
            Drive::Traced(counts) => execution.resume_traced(counts),
            _ => loop {
                if slice > 0 {
                    interrupt.interrupt();
                }
                let mut outcome = execution.resume();
                interrupt.clear();
                if outcome == Outcome::Interrupted {
                    outcome = execution.resume();
                }
                if !matches!(outcome, Outcome::OutOfFuel(_)) || given >= limits.fuel || slice == 0 {
                    break outcome;
                }
                let more = slice.min(limits.fuel - given);
                execution.add_fuel(more);
                given += more;
            },
        };
        let mut room = MOST_NODES;
        let end = match outcome {
            Outcome::Finished(values) => {
                End::Finished(values.iter().map(|value| plain(value, execution.heap(), &mut room)).collect())
            }
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
        let (host_calls, charged) = (execution.host_calls(), *execution.data());
        let memory = execution.heap().charged();
        Some(Ran { end, fuel: execution.fuel() + rest, charged, host_calls, memory })
    }
}
