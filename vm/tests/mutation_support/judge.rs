//! Verifies and runs whatever it gets, and compares ways of running that must agree.

use super::Random;
use opforge_vm::heap::Heap;
use opforge_vm::host::Unknown;
use opforge_vm::ids::{ElemId, FuncId};
use opforge_vm::interp::{InstrEvent, TraceSink};
use opforge_vm::sem::Decimal;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    AggRef, Capabilities, Capability, CoroId, EndpointId, Engine, EngineConfig, EvidenceId, FuelSchedule,
    Instance, Limits, Linker, Module, Outcome, Program, TrapCode, Value, ValueType,
};
use std::collections::BTreeMap;

/// How far cases came.
#[derive(Debug, Default)]
pub(crate) struct Health {
    pub(crate) cases: usize,
    /// Bytes that decoded, or texts that assembled.
    pub(crate) read: usize,
    pub(crate) verified: usize,
    /// Programs that were refused with a report.
    refusals: usize,
    pub(crate) runs: usize,
    pub(crate) finished: usize,
    pub(crate) out_of_fuel: usize,
    pub(crate) traps: BTreeMap<&'static str, usize>,
    /// Runs refused before they began, for arguments that find no room.
    pub(crate) refused: usize,
    /// Opcodes that ran, in the runs that were traced.
    pub(crate) opcodes: BTreeMap<u16, usize>,
    /// The most bytes that one case took.
    pub(crate) largest: u64,
}

impl Health {
    fn trapped(&self) -> usize {
        self.traps.values().sum()
    }

    /// Prints the shares and fails where one is under its floor, in parts of a hundred.
    pub(crate) fn check(&self, what: &str, [read, verified, finished, trapped]: [usize; 4]) {
        let share = |part: usize, of: usize| part as f64 * 100.0 / of.max(1) as f64;
        println!(
            "{what}: {} cases, {:.1} % read, {:.1} % verified; {} runs: {:.1} % finished, {:.1} % trapped, \
             {:.1} % out of fuel, {} refused; {} opcodes; at most {} KiB\n  {:?}",
            self.cases,
            share(self.read, self.cases),
            share(self.verified, self.cases),
            self.runs,
            share(self.finished, self.runs),
            share(self.trapped(), self.runs),
            share(self.out_of_fuel, self.runs),
            self.refused,
            self.opcodes.len(),
            self.largest >> 10,
            self.traps,
        );
        for (name, floor, part, of) in [
            ("read", read, self.read, self.cases),
            ("verified", verified, self.verified, self.cases),
            ("finished", finished, self.finished, self.runs),
            ("trapped", trapped, self.trapped(), self.runs),
        ] {
            assert!(
                part * 100 >= floor * of,
                "{what}: only {:.2} % {name}, the test misses its purpose",
                share(part, of)
            );
        }
    }
}

const FUEL: u64 = 2000;

fn limits() -> Limits {
    Limits::new().fuel(FUEL).memory(1 << 20).stack_slots(1 << 14).call_depth(64).host_calls(100)
}

/// A value of a type: at the edges more often than not.
fn value(random: &mut Random, ty: ValueType, heap: &mut Heap, funcs: usize) -> Value {
    const EDGES: [u64; 10] =
        [0, 1, 2, 7, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 31, 0x7ff8_0000_0000_0000, 0x3ff8_0000_0000_0000];
    let bits = if random.once_in(3) { random.next() } else { *random.pick(&EDGES) };
    let text = *random.pick(&["", "a", "é", "0123456789"]);
    let func = FuncId(random.below(funcs + 1) as u32);
    match ty {
        ValueType::Unit => Value::Unit,
        ValueType::Bool => Value::Bool(bits & 1 == 1),
        ValueType::I64 => Value::I64(bits as i64),
        ValueType::U64 => Value::U64(bits),
        ValueType::F64 => Value::F64(f64::from_bits(bits)),
        ValueType::Decimal => Value::Decimal(Decimal { mantissa: bits as i64, scale: random.below(4) as u8 }),
        ValueType::Bytes => Value::Bytes(text.into()),
        ValueType::Str => Value::Str(text.into()),
        ValueType::Obj(host_type) => Value::Obj { host_type, handle: bits },
        ValueType::Agg => Value::Agg(aggregate(random, heap)),
        ValueType::Func => Value::Func(func),
        ValueType::Closure => Value::Closure { func, env: aggregate(random, heap) },
        ValueType::Chan => Value::Endpoint(endpoint(bits)),
        ValueType::Epid => Value::Epid(endpoint(bits)),
        ValueType::Evidence => Value::Evidence(EvidenceId { layer: bits as u16, serial: bits >> 16 }),
        ValueType::Coro => Value::Coro(CoroId { index: bits as u32, generation: (bits >> 32) as u32 }),
    }
}

fn endpoint(bits: u64) -> EndpointId {
    EndpointId { session: (bits >> 32) as u32, generation: (bits >> 16) as u16, role: bits as u16 }
}

fn aggregate(random: &mut Random, heap: &mut Heap) -> AggRef {
    let values = [Value::I64(5), Value::Str("x".into()), Value::U64(1)];
    let made = match random.below(4) {
        0 => heap.new_array(ElemId(0), &[]),
        1 => heap.new_tuple(&values[..random.below(4)]),
        2 => heap.new_tuple(&values),
        _ => Ok(AggRef::INVALID),
    };
    made.unwrap_or(AggRef::INVALID)
}

/// Links a module to a host that gives values of the right types; now and then it fails or is not there.
fn instance(module: &Module, seed: u64) -> Instance<Random> {
    let mut linker = Linker::<Random>::new();
    linker.unknown_imports(Unknown::TrapWhenCalled);
    let funcs = module.program().functions.len();
    for (i, import) in module.program().imports.iter().enumerate() {
        if seed.wrapping_add(i as u64).is_multiple_of(16) {
            continue;
        }
        let results = import.results.clone();
        // An import that is there twice keeps its first function.
        let _ = linker.func_heap(&import.symbol, Capability::none(), &import.params, &import.results, {
            move |caller, _, out| {
                for (slot, &ty) in out.iter_mut().zip(&results) {
                    let mut random = caller.data().clone();
                    *slot = value(&mut random, ty, caller.heap_mut(), funcs);
                    *caller.data_mut() = random;
                }
                Ok(())
            }
        });
    }
    linker.instantiate(module, Random(seed), &Capabilities::none()).expect("unknown imports are taken")
}

#[derive(Debug, Default)]
struct Trace {
    opcodes: Vec<u16>,
    depth: i64,
}

impl TraceSink for Trace {
    fn instr(&mut self, event: InstrEvent) {
        self.opcodes.push(event.didx);
    }

    fn enter(&mut self, _: FuncId, depth: u32) {
        self.depth += 1;
        assert_eq!(self.depth, i64::from(depth));
    }

    fn leave(&mut self, depth: u32) {
        assert_eq!(self.depth, i64::from(depth));
        self.depth -= 1;
    }
}

/// How a run ended, as far as it can be compared with another.
#[derive(Debug, PartialEq)]
struct End {
    outcome: String,
    code: Option<TrapCode>,
    memory: u64,
    host_calls: u64,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Whole,
    Traced,
    Slices(u64),
}

/// One run; `None` if it was refused. Gives the end, the fuel used, and the trace.
fn run(instance: &mut Instance<Random>, func: FuncId, seed: u64, how: How) -> Option<(End, u64, Trace)> {
    *instance.data_mut() = Random(seed);
    instance.clear_memories();
    let program = instance.module().clone();
    let (params, funcs) = (&program.program().function(func)?.params, program.program().functions.len());
    let limits = limits();
    let first = if let How::Slices(_) = how { 0 } else { FUEL };
    let mut execution = instance.execution(limits.fuel(first));
    let mut random = Random(seed | 1);
    let args: Vec<_> = params.iter().map(|&ty| value(&mut random, ty, execution.heap_mut(), funcs)).collect();
    execution.start(func, &args).ok()?;
    let (mut given, mut trace) = (first, Trace::default());
    let outcome = loop {
        let outcome = match how {
            How::Traced => execution.resume_traced(&mut trace),
            _ => execution.resume(),
        };
        match (how, &outcome) {
            (How::Slices(slice), Outcome::OutOfFuel(_)) if given < FUEL => {
                let more = slice.min(FUEL - given);
                given += more;
                execution.add_fuel(more);
            }
            _ => break outcome,
        }
    };
    let (memory, host_calls) = (execution.heap().charged(), execution.host_calls());
    assert!(memory <= limits.max_memory, "{memory} bytes charged");
    let used = given - execution.fuel();
    let code = match &outcome {
        Outcome::Trapped(trap) | Outcome::OutOfFuel(trap) => Some(trap.code),
        _ => None,
    };
    Some((End { outcome: shown(&outcome), code, memory, host_calls }, used, trace))
}

/// An outcome without what differs from run to run: handles and fuel left.
fn shown(outcome: &Outcome) -> String {
    let value = |value: &Value| match value {
        Value::F64(v) => format!("{:x}", v.to_bits()),
        Value::Agg(agg) => format!("agg {}", *agg == AggRef::INVALID),
        Value::Closure { func, .. } => format!("closure {}", func.0),
        other => format!("{other:?}"),
    };
    match outcome {
        Outcome::Finished(values) => values.iter().map(value).collect::<Vec<_>>().join(", "),
        Outcome::Trapped(trap) | Outcome::OutOfFuel(trap) => format!("{trap} {:?}", trap.frames),
        other => format!("{other:?}"),
    }
}

/// Whether a program verifies: only such are worth damaging.
pub(crate) fn verifies(program: Program) -> bool {
    verify(program, &VerifyConfig::new()).is_ok()
}

/// Verifies a program and runs its first functions; `compare` also runs them in other ways.
pub(crate) fn judge(program: Program, seed: u64, compare: bool, health: &mut Health) {
    let config = VerifyConfig::new().max_memory(8 << 20).max_work(1 << 26);
    let verified = match verify(program, &config) {
        Ok(verified) => verified,
        Err(report) => {
            // Also what is refused must be shown without harm.
            health.refusals += usize::from(!report.to_string().is_empty());
            return;
        }
    };
    health.verified += 1;
    let module = |schedule| {
        let engine = Engine::new(EngineConfig::new().schedule(schedule));
        Module::new(&engine, &verified).expect("what verifies lowers")
    };
    let v1 = module(FuelSchedule::V1);
    let mut whole = instance(&v1, seed);
    for index in 0..v1.program().functions.len().min(3) {
        let func = FuncId(index as u32);
        let Some((end, used, _)) = run(&mut whole, func, seed, How::Whole) else {
            health.refused += 1;
            continue;
        };
        health.runs += 1;
        match end.code {
            None => health.finished += 1,
            Some(TrapCode::FuelExceeded) => health.out_of_fuel += 1,
            Some(code) => *health.traps.entry(code.name()).or_default() += 1,
        }
        if !compare {
            continue;
        }
        let again =
            |instance: &mut Instance<Random>, how| run(instance, func, seed, how).expect("it ran before");
        let (traced, _, trace) = again(&mut whole, How::Traced);
        assert_eq!(end, traced, "traced");
        assert_eq!(trace.opcodes.len() as u64, used, "instructions traced, fuel used");
        trace.opcodes.iter().for_each(|&didx| *health.opcodes.entry(didx).or_default() += 1);
        for slice in [1, 7, 97] {
            let (cut, cut_used, _) = again(&mut whole, How::Slices(slice));
            assert_eq!((&end, used), (&cut, cut_used), "in slices of {slice}");
        }
        let mut by_size = instance(&module(FuelSchedule::BySize), seed);
        let (end_by_size, used_by_size, _) = again(&mut by_size, How::Whole);
        // By size the fuel may end sooner; where it does not, nothing else changes.
        if end_by_size.code != Some(TrapCode::FuelExceeded) {
            assert_eq!(end, end_by_size, "by size");
            assert!(used_by_size >= used);
        }
        let cut = again(&mut by_size, How::Slices(5));
        assert_eq!(end_by_size.outcome, cut.0.outcome, "by size, in slices");
    }
}
