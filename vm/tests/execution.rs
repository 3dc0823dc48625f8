//! Runs: fuel to the instruction, resuming, interrupts, limits, traces, linking.

use opforge_vm::host::LinkProblem;
use opforge_vm::ids::FuncId;
use opforge_vm::interp::{InstrEvent, TraceSink};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    CallError, Caller, Capabilities, Capability, Engine, EngineConfig, EntryError, FuelSchedule, HostError,
    Instance, InterruptHandle, Limits, Linker, Module, Outcome, Trap, TrapCode, TrapDetail, Value, asm,
};

fn module_with(source: &str, schedule: FuelSchedule) -> Module {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{e}"));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"));
    Module::new(&Engine::new(EngineConfig::new().schedule(schedule)), &verified).unwrap()
}

fn module(source: &str) -> Module {
    module_with(source, FuelSchedule::V1)
}

fn instance(module: &Module) -> Instance<Vec<String>> {
    linker().instantiate(module, Vec::new(), &Capabilities::none().grant("log")).unwrap()
}

fn linker() -> Linker<Vec<String>> {
    let mut linker = Linker::new();
    linker
        .func("env.log", Capability::named("log"), |caller: &mut Caller<'_, Vec<String>>, text: String| {
            caller.data_mut().push(text);
        })
        .unwrap()
        .func("env.pay", Capability::none(), |caller: &mut Caller<'_, Vec<String>>, fuel: u64| {
            caller.charge(fuel);
        })
        .unwrap()
        .func("env.fail", Capability::none(), |_: &mut Caller<'_, Vec<String>>| -> Result<(), HostError> {
            Err(HostError::failed("no\x1b such luck"))
        })
        .unwrap();
    linker
}

const FIB: &str = include_str!("runs/fib.ofa");
const MIXED: &str = include_str!("runs/mixed.ofa");
const ENDLESS: &str = ".func main() -> () {\n@top:\n  jmp @top\n}";

fn call(module: &Module, args: &[Value], limits: Limits) -> Result<Vec<Value>, Box<Trap>> {
    instance(module).call(FuncId(0), args, limits).map_err(|error| match error {
        CallError::Trap(trap) => trap,
        other => panic!("{other}"),
    })
}

#[derive(Default)]
struct Record {
    instrs: Vec<(FuncId, u32)>,
    entered: usize,
    left: usize,
    depth: i64,
    hosts: i64,
}

impl TraceSink for Record {
    fn instr(&mut self, event: InstrEvent) {
        self.instrs.push((event.func, event.pc));
    }

    fn enter(&mut self, _: FuncId, depth: u32) {
        self.entered += 1;
        self.depth += 1;
        assert_eq!(self.depth, i64::from(depth));
    }

    fn leave(&mut self, depth: u32) {
        assert_eq!(self.depth, i64::from(depth));
        self.left += 1;
        self.depth -= 1;
    }

    fn host_enter(&mut self, _: &str) {
        self.hosts += 1;
    }

    fn host_leave(&mut self) {
        self.hosts -= 1;
    }
}

fn traced(module: &Module, args: &[Value]) -> (Record, Outcome, u64) {
    let mut instance = instance(module);
    let mut run = instance.execution(Limits::new());
    run.start(FuncId(0), args).unwrap();
    let mut record = Record::default();
    let outcome = run.resume_traced(&mut record);
    (record, outcome, run.fuel())
}

/// Stops at every single instruction of a run and goes on from there.
#[test]
fn fuel_ends_at_the_very_instruction_and_a_resumed_run_ends_alike() {
    for (source, arg, schedule) in [
        (FIB, 7, FuelSchedule::V1),
        (MIXED, 3, FuelSchedule::V1),
        (MIXED, 0, FuelSchedule::V1),
        (FIB, 5, FuelSchedule::BySize),
    ] {
        let module = module_with(source, schedule);
        let args = [Value::I64(arg)];
        let (record, whole, left) = traced(&module, &args);
        let used = 1_000_000 - left;
        assert_eq!(record.instrs.len() as u64, used);
        for fuel in 0..=used {
            let mut instance = instance(&module);
            let mut run = instance.execution(Limits::new().fuel(fuel));
            run.start(FuncId(0), &args).unwrap();
            let mut outcome = run.resume();
            if fuel < used {
                let Outcome::OutOfFuel(report) = &outcome else { panic!("fuel {fuel}: {outcome:?}") };
                let at = report.at();
                assert_eq!((at.func, at.pc), record.instrs[fuel as usize], "fuel {fuel}");
                assert_eq!((report.code, report.fuel), (TrapCode::FuelExceeded, 0));
                run.add_fuel(used - fuel);
                outcome = run.resume();
            }
            assert_eq!(strip_fuel(outcome), strip_fuel(whole.clone()), "fuel {fuel}");
            assert_eq!(run.fuel(), 0);
            assert_eq!(run.resume(), Outcome::NotRunning);
        }
    }
}

fn strip_fuel(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Trapped(trap) => Outcome::Trapped(Box::new(Trap { fuel: 0, ..*trap })),
        other => other,
    }
}

/// With fuel by size the run takes more fuel, stops anywhere, and ends alike however it is cut up.
#[test]
fn fuel_by_size_is_the_same_however_the_run_is_cut() {
    let module = module_with(MIXED, FuelSchedule::BySize);
    let args = [Value::I64(3)];
    let (record, whole, left) = traced(&module, &args);
    let used = 1_000_000 - left;
    assert!(used > record.instrs.len() as u64, "{used} fuel for {} instructions", record.instrs.len());
    for slice in [1, 2, 3, 7, 50] {
        let mut instance = instance(&module);
        let mut run = instance.execution(Limits::new().fuel(0));
        run.start(FuncId(0), &args).unwrap();
        let mut given = 0;
        let outcome = loop {
            match run.resume() {
                Outcome::OutOfFuel(_) => {
                    run.add_fuel(slice);
                    given += slice;
                }
                other => break other,
            }
        };
        assert_eq!(outcome, whole);
        assert_eq!(given - run.fuel(), used, "slice {slice}");
    }
}

#[test]
fn tracing_changes_nothing_and_its_scopes_are_balanced() {
    for (source, arg) in [(FIB, 7), (MIXED, 3), (MIXED, 0)] {
        let module = module(source);
        let (record, outcome, fuel) = traced(&module, &[Value::I64(arg)]);
        let mut instance = instance(&module);
        let mut run = instance.execution(Limits::new());
        run.start(FuncId(0), &[Value::I64(arg)]).unwrap();
        assert_eq!(run.resume(), outcome);
        assert_eq!(run.fuel(), fuel);
        assert_eq!((record.depth, record.hosts, record.entered), (0, 0, record.left));
    }
}

/// A run that stopped at its first instruction, or came back to it, is not entered a second time.
#[test]
fn a_traced_run_is_entered_once_however_often_it_is_resumed() {
    for source in [FIB, ENDLESS] {
        let module = module(source);
        let args: &[Value] = if source == FIB { &[Value::I64(0)] } else { &[] };
        let mut instance = instance(&module);
        let mut run = instance.execution(Limits::new().fuel(0));
        run.start(FuncId(0), args).unwrap();
        let mut record = Record::default();
        for _ in 0..3 {
            assert!(matches!(run.resume_traced(&mut record), Outcome::OutOfFuel(_)));
            run.add_fuel(1);
        }
        assert_eq!((record.entered, record.depth), (1, 1));
    }
}

#[test]
fn another_thread_interrupts_a_loop_that_calls_nothing() {
    let module = module(ENDLESS);
    let mut instance = instance(&module);
    let mut run = instance.execution(Limits::new().fuel(u64::MAX));
    run.start(FuncId(0), &[]).unwrap();
    let handle = InterruptHandle::new();
    run.set_interrupt(handle.clone());
    for _ in 0..3 {
        handle.clear();
        let before = run.fuel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(std::time::Duration::from_millis(5));
                handle.interrupt();
            });
            assert_eq!(run.resume(), Outcome::Interrupted);
        });
        assert!(run.fuel() < before);
    }
}

#[test]
fn limits_hold_exactly_and_the_instance_stays_usable() {
    let module = module(
        ".func main(n: i64) -> (i64) {\n .reg one, stop\n const.i64 one, 1\n i64.lt stop, n, one\n \
        br stop, @end, @deeper\n@deeper:\n i64.sub n, n, one\n call &main (n) -> n\n jmp @end\n@end:\n ret n\n}",
    );
    let mut instance = instance(&module);
    for depth in 1..5 {
        let limits = Limits::new().call_depth(depth);
        let fits = i64::from(depth) - 1;
        assert_eq!(instance.call(FuncId(0), &[fits.into()], limits), Ok(vec![Value::I64(0)]));
        let Err(CallError::Trap(trap)) = instance.call(FuncId(0), &[(fits + 1).into()], limits) else {
            panic!("depth {depth}")
        };
        assert_eq!(trap.code, TrapCode::CallDepthExceeded);
        assert_eq!(trap.frames.len(), depth as usize);
    }
    let slots = Limits::new().call_depth(u32::MAX).stack_slots(100);
    let Err(CallError::Trap(trap)) = instance.call(FuncId(0), &[Value::I64(1_000_000)], slots) else {
        panic!()
    };
    assert_eq!(trap.code, TrapCode::CallDepthExceeded);
    let deep = Limits::new().call_depth(u32::MAX).stack_slots(1 << 24).fuel(u64::MAX);
    assert_eq!(instance.call(FuncId(0), &[Value::I64(100_000)], deep), Ok(vec![Value::I64(0)]));
    let Err(CallError::Trap(trap)) = instance.call(FuncId(0), &[Value::I64(1000)], Limits::new()) else {
        panic!()
    };
    assert_eq!((trap.frames.len(), trap.frames_omitted), (Trap::MAX_FRAMES, 256 - Trap::MAX_FRAMES as u32));
}

#[test]
fn memory_is_bounded_before_it_is_allocated() {
    let bomb = ".func main() -> () {\n .reg s\n const.pool s, \"0123456789abcdef\"\n jmp @again\n@again:\n str.concat s, s, s\n \
        jmp @again\n}";
    for schedule in [FuelSchedule::V1, FuelSchedule::BySize] {
        let trap = call(&module_with(bomb, schedule), &[], Limits::new().memory(1 << 20)).unwrap_err();
        assert_eq!(trap.code, TrapCode::MemoryLimitExceeded);
    }
    let tuples = ".func main() -> () {\n .reg t\n const.unit t\n jmp @again\n@again:\n tuple.new r2, (t)\n \
        jmp @again\n}";
    let trap = call(&module(tuples), &[], Limits::new().memory(4096)).unwrap_err();
    assert_eq!(trap.code, TrapCode::MemoryLimitExceeded);
}

#[test]
fn a_host_may_charge_fuel_and_its_failures_are_reported_escaped() {
    let pays = ".host pay = \"env.pay\" (u64) -> ()\n.func main(n: u64) -> () {\n host_call pay (n) -> ()\n ret ()\n}";
    let module_pays = module(pays);
    let mut instance = instance(&module_pays);
    let mut run = instance.execution(Limits::new().fuel(100));
    run.start(FuncId(0), &[Value::U64(60)]).unwrap();
    assert_eq!(run.resume(), Outcome::Finished(vec![]));
    assert_eq!((run.fuel(), run.host_calls()), (38, 1));
    let trap = call(&module_pays, &[Value::U64(u64::MAX)], Limits::new()).unwrap_err();
    assert_eq!((trap.code, trap.fuel), (TrapCode::FuelExceeded, 0));
    let calls = call(&module_pays, &[Value::U64(0)], Limits::new().host_calls(0)).unwrap_err();
    assert_eq!(calls.code, TrapCode::HostCallLimitExceeded);
    let fails =
        module(".host f = \"env.fail\" () -> ()\n.func main() -> () {\n host_call f () -> ()\n ret ()\n}");
    let trap = call(&fails, &[], Limits::new()).unwrap_err();
    assert_eq!(trap.code, TrapCode::HostCallFailed);
    assert!(matches!(trap.detail, TrapDetail::Host { .. }));
    let text = trap.to_string();
    assert!(text.contains("env.fail") && text.contains("\\u{1b}") && !text.contains('\x1b'), "{text}");
}

/// What a host charges past the fuel that is left is owed: a run in slices pays what a run at once pays.
#[test]
fn a_hosts_charge_is_paid_in_full_however_the_run_is_cut() {
    let pays = module(
        ".host pay = \"env.pay\" (u64) -> ()\n.func main(n: u64) -> () {\n host_call pay (n) -> ()\n nop\n ret ()\n}",
    );
    for slice in [1, 7, 50, 1000] {
        let mut instance = instance(&pays);
        let mut run = instance.execution(Limits::new().fuel(0));
        run.start(FuncId(0), &[Value::U64(60)]).unwrap();
        let mut given = 0;
        while let Outcome::OutOfFuel(report) = run.resume() {
            assert_eq!((report.fuel, run.fuel()), (0, 0));
            run.add_fuel(slice);
            given += slice;
        }
        assert_eq!(given - run.fuel(), 63, "slice {slice}");
        assert_eq!(run.fuel_owed(), 0);
    }
    let mut instance = instance(&pays);
    let mut run = instance.execution(Limits::new().fuel(10));
    run.start(FuncId(0), &[Value::U64(u64::MAX)]).unwrap();
    assert!(matches!(run.resume(), Outcome::OutOfFuel(_)));
    assert_eq!((run.fuel(), run.fuel_owed()), (0, u64::MAX - 9));
    run.add_fuel(u64::MAX - 10);
    assert_eq!((run.fuel(), run.fuel_owed()), (0, 1));
}

#[test]
fn linking_reports_every_import_that_does_not_fit() {
    let module = module(
        ".host a = \"env.log\" (str) -> ()\n.host b = \"env.log\" (i64) -> ()\n.host c = \"env.none\" () -> ()\n\
         .func main() -> () {\n ret ()\n}",
    );
    let error = linker().instantiate(&module, Vec::new(), &Capabilities::none()).unwrap_err();
    let codes: Vec<_> = error.problems.iter().map(LinkProblem::code).collect();
    assert_eq!(codes, ["H0003", "H0002", "H0001"]);
    assert_eq!(error.to_string().lines().count(), 3);
}

#[test]
fn linking_reports_every_effect_that_is_not_allowed() {
    let module = module(
        ".host a = \"env.log\" (str) -> ()\n.effect free() -> ()\n.effect read(str) -> (bytes) capability \"fs\"\n\
         .effect write(bytes) -> () capability \"fs\" speculative\n.func main() -> () {\n ret ()\n}",
    );
    let error = linker().instantiate(&module, Vec::new(), &Capabilities::none()).unwrap_err();
    let codes: Vec<_> = error.problems.iter().map(LinkProblem::code).collect();
    assert_eq!(codes, ["H0003", "H0008", "H0008"]);
    let denied = LinkProblem::EffectDenied { effect: "write".into(), capability: "fs".into() };
    assert_eq!(error.problems[2], denied);
    assert_eq!(
        denied.to_string(),
        "error[H0008]: effect `write` needs capability `fs`, which was not granted"
    );
    let granted = Capabilities::none().grant("fs").grant("log");
    assert!(linker().instantiate(&module, Vec::new(), &granted).is_ok());
}

#[test]
fn entries_that_do_not_fit_are_refused_before_anything_runs() {
    let module = module(FIB);
    let mut instance = instance(&module);
    let mut refused = |func, args: &[Value]| match instance.call(FuncId(func), args, Limits::new()) {
        Err(CallError::Entry(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(9, &[]), EntryError::UnknownFunction(FuncId(9)));
    assert_eq!(refused(0, &[]), EntryError::ArgumentCount { expected: 1, actual: 0 });
    assert!(matches!(refused(0, &[Value::U64(1)]), EntryError::Argument { index: 0, .. }));
    let mut run = instance.execution(Limits::new());
    assert_eq!(run.resume(), Outcome::NotRunning);
    run.start(FuncId(0), &[Value::I64(1)]).unwrap();
    assert_eq!(run.start(FuncId(0), &[Value::I64(1)]), Err(EntryError::AlreadyStarted));
}

#[test]
fn a_trap_report_names_the_calls_down_to_the_instruction() {
    let trap = call(&module(MIXED), &[Value::I64(0)], Limits::new()).unwrap_err();
    assert_eq!(trap.code, TrapCode::DivByZero);
    assert_eq!(
        trap.to_string(),
        "trap[T006 DivByZero]: division by zero\n  at divide, pc 3, span 7\n  called from main, pc 0, span 5"
    );
}

#[test]
fn runs_are_alike_on_many_threads() {
    fn assert_send<T: Send>() {}
    fn assert_sync<T: Sync>() {}
    assert_send::<Module>();
    assert_sync::<Module>();
    assert_send::<Instance<Vec<String>>>();
    assert_sync::<Linker<Vec<String>>>();
    let module = module(MIXED);
    let (_, whole, _) = traced(&module, &[Value::I64(3)]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(traced(&module, &[Value::I64(3)]).1, whole));
        }
    });
}

#[test]
fn a_result_register_named_twice_takes_the_last_result_whatever_the_first_one_was() {
    let module = module(include_str!("runs/twice.ofa"));
    let decimal = opforge_vm::sem::Decimal { mantissa: 75, scale: 1 };
    assert_eq!(call(&module, &[Value::I64(5)], Limits::new()), Ok(vec![decimal.into(), Value::I64(5)]));
}

/// A tail call replaces the frame: as many as there is fuel for, with one frame and its slots.
#[test]
fn tail_calls_run_in_one_frame() {
    let module = module(include_str!("runs/tail.ofa"));
    let calls: u64 = if cfg!(debug_assertions) { 1_000_000 } else { 100_000_000 };
    let mut instance = instance(&module);
    let limits = Limits::new().fuel(u64::MAX).call_depth(1).stack_slots(16);
    let mut execution = instance.execution(limits);
    execution.start(FuncId(0), &[Value::I64(calls as i64)]).unwrap();
    assert_eq!(execution.resume(), Outcome::Finished(vec![Value::Bool(true)]));
    // Five instructions a call; four behind the last one, which ends in `even`.
    assert_eq!(u64::MAX - execution.fuel(), 5 * calls + 4);
}
