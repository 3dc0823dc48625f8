//! Threaded code on a small native stack. Its handlers end in calls that the compiler must turn into jumps; where one
//! is a call all the same, for example because the address of a local variable escapes, each execution of it takes
//! stack. Programs here visit every opcode, with its operands from wherever threaded code may take them, in loops of
//! 10^8 instructions on threads of 64 KiB; a host function also looks at the native stack in every turn of every loop:
//! it must stand where it stood, as an overflow alone would not show a handler that takes little.
//!
//! Only optimised builds have threaded code: `just test-release` runs this.
#![cfg(not(debug_assertions))]

mod body;
mod jobs;
mod sessions;

use body::{Body, GIVEN, World};
use jobs::Job;
use opforge_vm::builder::{ConstValue, Operand, ProgramBuilder};
use opforge_vm::ids::{FuncId, Reg};
use opforge_vm::interp::{InstrEvent, TraceSink};
use opforge_vm::sem::Decimal;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    Capabilities, Capability, Engine, EngineConfig, Execution, FuelSchedule, Instance, Limits, Linker,
    Module, Opcode, Outcome, Program, Value, ValueType, emit,
};
use std::collections::BTreeSet;
use std::hint::black_box;

/// Instructions that each of the programs without allocations, and those with them, execute together.
const INSTRUCTIONS: u64 = 100_000_000;
/// Instructions of one run of a program that allocates: a heap is emptied between runs, not before.
const RUN_OF_ALLOCATIONS: u64 = 1_000_000;
/// Turns of an inner loop, by the step of two that it has.
const INNER: i64 = 2 * 150;
/// Loops of one function.
const LOOPS: usize = 8;
/// Places of the native stack at which host functions may be entered: from the loop, and from threaded code that was
/// entered from the loop or from the start of a run.
const PLACES: usize = 4;

/// A program whose function `run` does all jobs as often as its last parameter says, and the opcodes in it.
fn program(jobs: &[Job]) -> (Program, BTreeSet<u16>) {
    let mut builder = ProgramBuilder::new();
    let (world, mut visited) = world(&mut builder);
    let mut params = vec![ValueType::I64];
    params.extend(GIVEN.iter().flat_map(|&class| [class; 2]));
    let mut parts = Vec::new();
    for jobs in jobs.chunks(LOOPS) {
        let id = builder.declare("", &params, &[]).unwrap();
        let mut body = Body::new(builder.begin(id).unwrap(), &world);
        body.begin();
        for job in jobs {
            body.repeat(|body| job(body));
        }
        body.emit(Opcode::Ret, &[Operand::Regs(&[])]);
        visited.append(&mut body.visited);
        builder.define(body.func).unwrap();
        parts.push(id);
    }
    let args = params.len() as u32;
    params.push(ValueType::I64);
    let id = builder.declare("run", &params, &[]).unwrap();
    let mut run = builder.begin(id).unwrap();
    let (count, step, truth) = (run.reg(), run.reg(), run.reg());
    let [head, end] = [(); 2].map(|()| run.label());
    emit!(run, ConstI64, count, 0_i64).unwrap();
    emit!(run, ConstI64, step, 1_i64).unwrap();
    emit!(run, Jmp, head).unwrap();
    run.place(head).unwrap();
    let handed: Vec<Reg> = (0..args).map(|at| run.param(at)).collect();
    for &part in &parts {
        emit!(run, Call, part, &*handed, &[]).unwrap();
    }
    emit!(run, I64Add, count, count, step).unwrap();
    let bound = run.param(args);
    emit!(run, I64Lt, truth, count, bound).unwrap();
    emit!(run, Br, truth, head, end).unwrap();
    run.place(end).unwrap();
    emit!(run, Ret, &[]).unwrap();
    builder.define(run).unwrap();
    (builder.finish().unwrap(), visited)
}

/// What functions of a program may name, with the functions that are only called.
fn world(builder: &mut ProgramBuilder<'static>) -> (World, BTreeSet<u16>) {
    use ValueType::{Agg, F64, I64, U64};
    let probe = builder.host("stack.probe", &[], &[]).unwrap();
    let hosts = [
        builder.host("stack.one", &[I64], &[I64]).unwrap(),
        builder.host("stack.two", &[I64, U64], &[U64, I64]).unwrap(),
    ];
    let helpers = [
        builder.declare("", &[], &[]).unwrap(),
        builder.declare("", &[I64], &[I64]).unwrap(),
        builder.declare("", &[I64, F64], &[F64, I64]).unwrap(),
    ];
    let sigs = [
        builder.call_sig(&[], &[]).unwrap(),
        builder.call_sig(&[I64], &[I64]).unwrap(),
        builder.call_sig(&[I64, F64], &[F64, I64]).unwrap(),
    ];
    let closed = builder.declare("", &[Agg, I64], &[I64]).unwrap();
    let callers: Vec<FuncId> = (0..5).map(|_| builder.declare("", &[I64], &[I64]).unwrap()).collect();
    let world = World {
        probe,
        hosts,
        helpers,
        callers,
        closed,
        sigs,
        data: builder.constant(ConstValue::Bytes(b"0123456789abcdef")).unwrap(),
        fields: builder.struct_type(&[("x", I64), ("y", F64)]).unwrap(),
        elem: builder.elem_type(I64).unwrap(),
        memories: [builder.memory((1, 2)).unwrap(), builder.memory((1, 2)).unwrap()],
    };
    let mut visited = BTreeSet::new();
    let mut define = |id: FuncId, code: &dyn Fn(&mut Body<'_>)| {
        let mut body = Body::new(builder.begin(id).unwrap(), &world);
        code(&mut body);
        visited.append(&mut body.visited);
        builder.define(body.func).unwrap();
    };
    jobs::callees(&world, &mut define);
    (world, visited)
}

/// What the host functions have seen: where their frames stood.
#[derive(Debug, Default)]
struct Places(BTreeSet<usize>);

impl Places {
    #[inline(never)]
    fn look(&mut self) {
        let local = 0_u8;
        self.0.insert(std::ptr::from_ref(black_box(&local)).addr());
    }
}

fn linker() -> Linker<Places> {
    let mut linker = Linker::new();
    let none = Capability::none;
    linker
        .func("stack.probe", none(), |caller: &mut opforge_vm::Caller<'_, Places>| caller.data_mut().look())
        .unwrap()
        .func("stack.one", none(), |_: &mut opforge_vm::Caller<'_, Places>, x: i64| x)
        .unwrap()
        .func("stack.two", none(), |_: &mut opforge_vm::Caller<'_, Places>, x: i64, y: u64| (y, x))
        .unwrap();
    linker
}

fn instance(program: Program) -> Instance<Places> {
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|report| panic!("{report}"));
    let engine = Engine::new(EngineConfig::new().schedule(FuelSchedule::V1));
    let module = Module::new(&engine, &verified).unwrap();
    linker().instantiate(&module, Places::default(), &Capabilities::none()).unwrap()
}

/// The arguments of `run`.
fn args(outer: i64) -> Vec<Value> {
    let decimal = |mantissa| Value::Decimal(Decimal { mantissa, scale: 0 });
    vec![
        Value::I64(INNER),
        Value::Bool(true),
        Value::Bool(false),
        Value::I64(5),
        Value::I64(3),
        Value::U64(5),
        Value::U64(3),
        Value::F64(5.5),
        Value::F64(3.25),
        decimal(5),
        decimal(3),
        Value::Bytes(b"0123456789".into()),
        Value::Bytes(b"abcdefghij".into()),
        Value::Str("0123456789".into()),
        Value::Str("abcdefghij".into()),
        Value::I64(outer),
    ]
}

/// Counts instructions.
#[derive(Default)]
struct Count(u64);

impl TraceSink for Count {
    fn instr(&mut self, _: InstrEvent) {
        self.0 += 1;
    }
}

/// Does with a run of `run` what its caller wants.
fn run(instance: &mut Instance<Places>, outer: i64, go: impl FnOnce(&mut Execution<'_, Places>) -> Outcome) {
    let func = instance.program().func_by_name("run").expect("the function");
    let limits = Limits::new().fuel(1 << 40).host_calls(1 << 40).memory(1 << 30);
    let mut run = instance.execution(limits);
    run.start(func, &args(outer)).unwrap();
    let outcome = go(&mut run);
    assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
}

/// Instructions that `run` executes for each turn of its loop, or a few more.
fn instructions(instance: &mut Instance<Places>) -> u64 {
    let mut count = Count::default();
    run(instance, 1, |run| run.resume_traced(&mut count));
    // Tracing is done by another path.
    instance.data_mut().0.clear();
    // Those outside of the loop.
    count.0 - 5
}

/// Does this on a thread with little stack.
fn on_small_stack<R: Send + 'static>(bytes: usize, work: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::Builder::new().stack_size(bytes).spawn(work).unwrap().join().unwrap()
}

#[track_caller]
fn assert_places(places: &BTreeSet<usize>) {
    let (first, last) = (places.first().expect("a host call"), places.last().expect("a host call"));
    assert!(
        places.len() <= PLACES,
        "host functions were entered at {} places, {} bytes",
        places.len(),
        last - first
    );
}

#[test]
fn every_opcode_is_visited() {
    let (_, mut visited) = program(&jobs::plain());
    visited.append(&mut program(&jobs::allocating()).1);
    let left_out: Vec<Opcode> =
        Opcode::ALL.iter().copied().filter(|op| !visited.contains(&op.didx())).collect();
    let sessions = |op: &&Opcode| op.row().family().name() == "session";
    let others: Vec<&Opcode> = left_out.iter().filter(|op| !sessions(op)).collect();
    // It ends a run.
    assert!(others.iter().all(|op| op.row().term().name() == "trap"), "not visited: {others:?}");
    assert!(visited.len() >= 180, "{}", visited.len());
}

#[test]
fn a_run_of_plain_instructions_takes_no_stack() {
    let mut instance = instance(program(&jobs::plain()).0);
    let turns = INSTRUCTIONS.div_ceil(instructions(&mut instance));
    let places = on_small_stack(64 * 1024, move || {
        run(&mut instance, turns.try_into().unwrap(), |run| run.resume());
        instance.into_data()
    });
    println!("{turns} turns, {:?}", places.0);
    assert_places(&places.0);
}

#[test]
fn runs_that_allocate_take_no_stack() {
    let mut instance = instance(program(&jobs::allocating()).0);
    let each = instructions(&mut instance);
    let turns = (RUN_OF_ALLOCATIONS / each).max(1);
    let runs = INSTRUCTIONS.div_ceil(each * turns);
    let places = on_small_stack(64 * 1024, move || {
        for _ in 0..runs {
            run(&mut instance, turns.try_into().unwrap(), |run| run.resume());
        }
        instance.into_data()
    });
    println!("{runs} runs of {turns} turns, {:?}", places.0);
    assert_places(&places.0);
}
