//! One run, observed: in one go, in slices of fuel, or traced.

use super::directive::{End, Run, TrapEnd};
use super::host::{Host, granted, linker};
use super::literal::Literal;
use opforge_vm::ids::FuncId;
use opforge_vm::interp::{InstrEvent, TraceSink};
use opforge_vm::{Execution, Instance, Limits, Module, Outcome, Trap, TrapDetail, Value};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What can be seen of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observed {
    pub(crate) end: End,
    pub(crate) fuel: u64,
    pub(crate) memory: u64,
    /// A hash of the bytes of linear memories.
    pub(crate) linear: u64,
    pub(crate) host_calls: u64,
    pub(crate) host: Host,
    /// The trap as shown, its call stack included.
    pub(crate) shown: String,
}

/// How the fuel is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fuel {
    AtOnce,
    /// So many units at a time, all together as many as the limit.
    Slices(u64),
}

/// What a trace saw.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Function, byte offset and opcode of every instruction.
    pub(crate) instrs: Vec<(FuncId, u32, u16)>,
    depth: i64,
    hosts: i64,
    pub(crate) unbalanced: bool,
}

impl TraceSink for Trace {
    fn instr(&mut self, event: InstrEvent) {
        self.instrs.push((event.func, event.pc, event.didx));
    }

    fn enter(&mut self, _: FuncId, depth: u32) {
        self.depth += 1;
        self.unbalanced |= self.depth != i64::from(depth);
    }

    fn leave(&mut self, depth: u32) {
        self.unbalanced |= self.depth != i64::from(depth);
        self.depth -= 1;
    }

    fn host_enter(&mut self, _: &str) {
        self.hosts += 1;
    }

    fn host_leave(&mut self) {
        self.hosts -= 1;
    }
}

impl Trace {
    /// Whether every scope was left; calls stay open where the run can go on.
    fn is_balanced(&self, out_of_fuel: bool) -> bool {
        !self.unbalanced && self.hosts == 0 && (out_of_fuel || self.depth == 0)
    }
}

/// An instance that may run the module, or the codes of what is wrong with its imports.
pub(crate) fn instance(module: &Module) -> Result<Instance<Host>, Vec<&'static str>> {
    let linked = linker().instantiate(module, Host::default(), &granted());
    linked.map_err(|error| error.problems.iter().map(|problem| problem.code()).collect())
}

/// Runs in an instance, which stays usable.
pub(crate) fn observe(
    instance: &mut Instance<Host>,
    run: &Run,
    limits: Limits,
    fuel: Fuel,
    trace: Option<&mut Trace>,
) -> Result<Observed, String> {
    *instance.data_mut() = Host::default();
    instance.clear_memories();
    let first = match fuel {
        Fuel::AtOnce => limits.fuel,
        Fuel::Slices(_) => 0,
    };
    let mut execution = instance.execution(limits.fuel(first));
    let args: Result<Vec<Value>, _> = run.args.iter().map(|arg| arg.store(execution.heap_mut())).collect();
    let args = args.map_err(|e| format!("an argument: {e}"))?;
    execution.start(run.func, &args).map_err(|e| e.to_string())?;
    let mut given = first;
    let outcome = drive(&mut execution, (fuel, limits.fuel), &mut given, trace)?;
    if execution.resume() != Outcome::NotRunning && !matches!(outcome, Outcome::OutOfFuel(_)) {
        return Err("an ended run can be resumed".into());
    }
    let (left, host_calls) = (execution.fuel(), execution.host_calls());
    let (heap, host) = (execution.heap(), execution.data().clone());
    let memory = heap.charged();
    let linear = hash_of_memories(heap.all_memories());
    let (end, shown) = match &outcome {
        Outcome::Finished(values) => {
            (End::Values(values.iter().map(|value| Literal::load(value, heap)).collect()), String::new())
        }
        Outcome::Trapped(trap) | Outcome::OutOfFuel(trap) => {
            if trap.fuel != left {
                return Err(format!("the trap says {} fuel is left, it is {left}", trap.fuel));
            }
            (End::Trap(trap_end(trap)), trap.to_string())
        }
        other => return Err(format!("the run ended in {other:?}")),
    };
    let fuel = given.checked_sub(left).ok_or("more fuel left than given")?;
    Ok(Observed { end, fuel, memory, linear, host_calls, host, shown })
}

/// A hash of sizes, and of what is not zero: most of a memory is, and to find that out is much faster than to hash it.
fn hash_of_memories<'h>(memories: impl Iterator<Item = &'h [u8]>) -> u64 {
    const ZEROS: [u8; 1024] = [0; 1024];
    let mut hasher = DefaultHasher::new();
    for bytes in memories {
        bytes.len().hash(&mut hasher);
        for (index, chunk) in bytes.chunks(ZEROS.len()).enumerate() {
            if chunk != &ZEROS[..chunk.len()] {
                (index, chunk).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

/// Resumes until the run ends or all fuel is used.
fn drive(
    execution: &mut Execution<'_, Host>,
    (fuel, limit): (Fuel, u64),
    given: &mut u64,
    mut trace: Option<&mut Trace>,
) -> Result<Outcome, String> {
    loop {
        let outcome = match trace.as_deref_mut() {
            Some(trace) => execution.resume_traced(trace),
            None => execution.resume(),
        };
        let stopped = matches!(outcome, Outcome::OutOfFuel(_));
        if let (true, Fuel::Slices(slice)) = (stopped, fuel) {
            let more = slice.min(limit - *given);
            if more > 0 {
                *given += more;
                execution.add_fuel(more);
                continue;
            }
        }
        return match trace {
            Some(trace) if !trace.is_balanced(stopped) => {
                Err(format!("the trace is not balanced: {trace:?}"))
            }
            _ => Ok(outcome),
        };
    }
}

fn trap_end(trap: &Trap) -> TrapEnd {
    let at = trap.at();
    let detail = match &trap.detail {
        TrapDetail::Code(code) => Some(code.to_string()),
        TrapDetail::Agg(kind) => Some(format!("{kind:?}")),
        TrapDetail::Types { expected, actual } | TrapDetail::HostResult { expected, actual, .. } => {
            Some(format!("{expected} {actual}"))
        }
        TrapDetail::Utf8 { valid } => Some(format!("after {valid}")),
        TrapDetail::Memory { memory, address, offset, len, size } => {
            let start = u128::from(*address) + u128::from(*offset);
            let s = if *len == 1 { "" } else { "s" };
            Some(format!("{len} byte{s} from {start} of {memory}, which has {size}"))
        }
        TrapDetail::Host { error, .. } => Some(error.name().into()),
        TrapDetail::HostPanic { message, .. } => message.as_deref().map(str::to_owned),
        _ => None,
    };
    let name = trap.names.first().and_then(|name| name.as_deref());
    let func = Some(name.map_or_else(|| format!("#{}", at.func.0), str::to_owned));
    TrapEnd { code: trap.code.name().into(), detail, func, pc: Some(at.pc), span: at.span }
}
