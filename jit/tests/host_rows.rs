//! The rows H02 to H10 of the reliability list, each by its name, on both engines. H01 is in `host.rs`; H04 and H11 are also
//! programs that must not compile, in `vm/tests/ui`.

mod host_support;

use host_support::{Both, End, STEP, host_calls, modules, observe};
use opforge_vm::host::LinkProblem;
use opforge_vm::ids::FuncId;
use opforge_vm::{
    AggRef, CallError, Caller, Capabilities, Capability, EntryError, HostError, Instance, Limits, Linker,
    Module, Outcome, TrapCode, TrapDetail, Value, ValueType,
};
use std::sync::{Arc, Mutex};

const MAIN: FuncId = FuncId(0);

/// Calls the host with its argument, below as many frames as its other argument says.
const STEPS: &str = "
.host step = \"env.step\" (i64) -> (i64)
.func main(n: i64, deep: i64) -> (i64) {
    .reg zero, one, done, r
    const.i64 zero, 0
    const.i64 one, 1
    i64.le done, deep, zero
    br done, @call, @more
@more:
    i64.sub deep, deep, one
    call &main (n, deep) -> r
    i64.add r, r, zero
    ret r
@call:
    host_call step (n) -> r
    i64.add r, r, zero
    ret r
}
";

/// What a host function needs to run the program that called it again.
#[derive(Clone)]
struct Again {
    modules: Arc<[Module]>,
    limits: Limits,
    /// How many runs were begun.
    runs: u64,
}

impl Again {
    /// Runs the program anew, on the engines in turn.
    fn run(self, n: i64) -> Result<i64, CallError> {
        let (limits, module) = (self.limits, self.modules[n as usize % self.modules.len()].clone());
        let linker = host_calls(|caller: &mut Caller<'_, Again>, n: i64| {
            if n == 0 {
                return Ok(0);
            }
            caller.data_mut().runs += 1;
            let inner = caller.data().clone().run(n - 1);
            inner.map(|n| n + 1).map_err(|error| HostError::failed(error.to_string()))
        });
        let mut instance = linker.instantiate(&module, self, &Capabilities::none()).unwrap();
        // The other way to run on every other level.
        if n % 2 == 0 {
            let func = instance.typed_func::<(i64, i64), i64>(MAIN).unwrap();
            func.call(&mut instance, (n, 300), &limits)
        } else {
            match instance.call(MAIN, &[Value::I64(n), Value::I64(300)], limits)?[..] {
                [Value::I64(n)] => Ok(n),
                _ => panic!("another result"),
            }
        }
    }
}

/// H02: a host function runs the program again in another instance, as deep as the limit says and no deeper, on a thread of
/// the usual size; the depth of all instances counts together. (That it runs the same instance again does not compile:
/// the instance is borrowed while it runs, and host functions borrow nothing.)
#[test]
fn h02_runs_inside_of_runs_are_bounded() {
    let [interp, jit] = modules(STEPS);
    let engines: [Arc<[Module]>; 3] =
        [[interp.clone()].into(), [jit.clone()].into(), [interp.clone(), jit.clone()].into()];
    for modules in engines {
        let limits = Limits::new().call_depth(1000);
        let most = i64::from(limits.max_nested_runs);
        for (limits, most) in [(limits, most), (limits.nested_runs(3), 3), (limits.nested_runs(0), 0)] {
            let again = || Again { modules: modules.clone(), limits, runs: 0 };
            assert_eq!(again().run(most), Ok(most));
            for n in [most + 1, 10_000] {
                let error = again().run(n).unwrap_err();
                let CallError::Trap(trap) = &error else { panic!("{error}") };
                assert_eq!(trap.code, TrapCode::HostCallFailed);
                assert!(error.to_string().contains("error[E0009]"), "{error}");
            }
            // What was refused has left nothing behind.
            assert_eq!(again().run(most), Ok(most));
        }
    }
}

/// H02: a run that is refused can be resumed further out, and one that panicked is not counted any more.
#[test]
fn h02_a_refused_run_goes_on_further_out() {
    for module in modules(STEPS) {
        let inner = host_calls(|_: &mut Caller<'_, ()>, n: i64| n + 1);
        let inner = inner.instantiate(&module, (), &Capabilities::none()).unwrap();
        let linker = host_calls(|caller: &mut Caller<'_, Instance<()>>, n: i64| -> i64 {
            let mut execution = caller.data_mut().execution(Limits::new().nested_runs(0));
            execution.start(MAIN, &[Value::I64(n), Value::I64(2)]).unwrap();
            assert_eq!(execution.resume(), Outcome::NestedTooDeep);
            assert_eq!(execution.fuel(), Limits::new().fuel);
            drop(execution);
            let func = caller.data().typed_func::<(i64, i64), i64>(MAIN).unwrap();
            let typed = func.call(caller.data_mut(), (n, 2), &Limits::new().nested_runs(0));
            assert_eq!(typed, Err(CallError::Entry(EntryError::NestedTooDeep)));
            if n == 0 {
                panic!("with a run active");
            }
            let limits = Limits::new().nested_runs(1);
            let fuel = limits.fuel;
            let (end, left, ..) = observe(caller.data_mut(), MAIN, &[Value::I64(n), Value::I64(2)], limits);
            assert_eq!(end, End::Values(vec![Value::I64(n + 1)]));
            caller.charge(fuel - left);
            n
        });
        let mut outer = linker.instantiate(&module, inner, &Capabilities::none()).unwrap();
        let mut run =
            |n| observe(&mut outer, MAIN, &[Value::I64(n), Value::I64(0)], Limits::new().nested_runs(0));
        for _ in 0..3 {
            assert!(matches!(run(0).0, End::Trapped(trap) if trap.code == TrapCode::HostPanicked));
            let (end, fuel, ..) = run(5);
            assert_eq!(end, End::Values(vec![Value::I64(5)]));
            // Seven instructions each; the inner one makes two calls more, of eight.
            assert_eq!(Limits::new().fuel - fuel, 7 + 7 + 2 * 8);
        }
    }
}

const PAIR: &str = "
.host pair = \"env.pair\" () -> (i64, str)
.func main() -> (i64, str) {
    .reg n, text
    host_call pair () -> (n, text)
    ret (n, text)
}
";

/// H03: a result of another type than the import says, or none at all, ends the run with its place. There is no way to
/// give more or fewer.
#[test]
fn h03_results_that_break_the_contract_are_traps() {
    type Results = fn(&mut [Value]);
    let wrong: [(Results, u32, ValueType); 3] = [
        (|out| out.clone_from_slice(&[Value::U64(1), Value::Str("a".into())]), 0, ValueType::U64),
        (|out| out[0] = Value::I64(1), 1, ValueType::Unit),
        (|out| out[1] = Value::Str("a".into()), 0, ValueType::Unit),
    ];
    for (give, at, found) in wrong {
        let mut linker: Linker<()> = Linker::new();
        let types = [ValueType::I64, ValueType::Str];
        let func = move |_: &mut Caller<'_, ()>, args: &[Value], out: &mut [Value]| {
            assert_eq!((args.len(), out.len()), (0, 2));
            give(out);
            Ok(())
        };
        linker.func_dyn("env.pair", Capability::none(), &[], &types, func).unwrap();
        let mut both = Both::new(PAIR, &linker, &Capabilities::none(), || ());
        let (End::Trapped(trap), fuel) = both.call(MAIN, &[], Limits::new()) else { panic!("no trap") };
        assert_eq!((trap.code, fuel), (TrapCode::TypeMismatch, Limits::new().fuel - 1));
        let expected = types[at as usize];
        let detail = TrapDetail::HostResult { symbol: "env.pair".into(), index: at, expected, actual: found };
        assert_eq!(trap.detail, detail, "{trap}");
    }
}

const TUPLE: &str = "
.host get = \"env.get\" () -> (agg)
.func main() -> (u64) {
    .reg pair, n
    host_call get () -> pair
    tuple.len n, pair
    ret n
}
";

/// H04: an aggregate of another run, or of another heap, is refused as a host's result.
#[test]
fn h04_foreign_handles_are_refused() {
    type Kept = Arc<Mutex<Option<AggRef>>>;
    let kept: Kept = Kept::default();
    let mut linker: Linker<()> = Linker::new();
    let keep = kept.clone();
    let get = move |caller: &mut opforge_vm::HeapCaller<'_, ()>, _: &[Value], out: &mut [Value]| {
        let mut kept = keep.lock().unwrap();
        let agg = match *kept {
            Some(agg) => agg,
            None => caller.heap_mut().new_tuple(&[Value::I64(1), Value::Unit]).unwrap(),
        };
        *kept = Some(agg);
        out[0] = Value::Agg(agg);
        Ok(())
    };
    linker.func_heap("env.get", Capability::none(), &[], &[ValueType::Agg], get).unwrap();
    let mut both = Both::new(TUPLE, &linker, &Capabilities::none(), || ());
    for instance in both.instances() {
        *kept.lock().unwrap() = None;
        assert_eq!(instance.call(MAIN, &[], Limits::new()), Ok(vec![Value::U64(2)]));
        let Err(CallError::Trap(trap)) = instance.call(MAIN, &[], Limits::new()) else { panic!("taken") };
        assert_eq!(trap.code, TrapCode::HostCallFailed, "{trap}");
        assert!(matches!(&trap.detail, TrapDetail::Host { error: HostError::Failed(_), .. }), "{trap}");
    }
}

/// H05: an instance without the capability is not made, so nothing runs; granting is by value, so nothing is taken
/// back while a program runs.
#[test]
fn h05_without_the_capability_nothing_runs() {
    let mut linker: Linker<u32> = Linker::new();
    let step = |caller: &mut Caller<'_, u32>, n: i64| {
        *caller.data_mut() += 1;
        n
    };
    linker.func(STEP, Capability::named("net"), step).unwrap();
    for module in modules(STEPS) {
        let error = linker.instantiate(&module, 0, &Capabilities::none().grant("log")).unwrap_err();
        assert_eq!(error.problems, [LinkProblem::Denied { symbol: STEP.into(), capability: "net".into() }]);
        let granted = Capabilities::none().grant("net");
        let mut instance = linker.instantiate(&module, 0, &granted).unwrap();
        drop(granted);
        instance.call(MAIN, &[Value::I64(1), Value::I64(3)], Limits::new()).unwrap();
        assert_eq!(*instance.data(), 1);
    }
}

/// H06: another signature is an error of linking; an instance keeps the functions that it was linked with.
#[test]
fn h06_an_instance_keeps_what_it_was_linked_with() {
    for module in modules(STEPS) {
        let mut linker: Linker<()> = Linker::new();
        linker.func(STEP, Capability::none(), |_: &mut Caller<'_, ()>, n: u64| n).unwrap();
        let error = linker.instantiate(&module, (), &Capabilities::none()).unwrap_err();
        assert!(matches!(&error.problems[..], [LinkProblem::Signature { .. }]), "{error}");

        linker.func(STEP, Capability::none(), |_: &mut Caller<'_, ()>, n: i64| n + 1).unwrap();
        let mut instance = linker.instantiate(&module, (), &Capabilities::none()).unwrap();
        assert!(linker.func(STEP, Capability::none(), |_: &mut Caller<'_, ()>, n: i64| n - 1).is_err());
        linker = host_calls(|_: &mut Caller<'_, ()>, n: i64| n - 1);
        let args = [Value::I64(1), Value::I64(0)];
        assert_eq!(instance.call(MAIN, &args, Limits::new()), Ok(vec![Value::I64(2)]));
        drop(linker);
        assert_eq!(instance.call(MAIN, &args, Limits::new()), Ok(vec![Value::I64(2)]));
    }
}

/// H07: a result that is larger than the memory limit is a trap, and is not copied.
#[test]
fn h07_results_are_bounded_by_the_memory_limit() {
    let source = "
.host read = \"env.read\" (u64) -> (str)
.func main(n: u64) -> (u64) {
    .reg text
    host_call read (n) -> text
    str.len n, text
    ret n
}
";
    let mut linker: Linker<()> = Linker::new();
    let read = |_: &mut Caller<'_, ()>, n: u64| "x".repeat(n as usize);
    linker.func("env.read", Capability::none(), read).unwrap();
    let mut both = Both::new(source, &linker, &Capabilities::none(), || ());
    let limits = Limits::new().memory(1000);
    assert_eq!(both.call(MAIN, &[Value::U64(1000)], limits).0, End::Values(vec![Value::U64(1000)]));
    for n in [1001, 64 << 20] {
        let (End::Trapped(trap), _) = both.call(MAIN, &[Value::U64(n)], limits) else { panic!("taken") };
        assert_eq!(trap.code, TrapCode::MemoryLimitExceeded);
    }
    for instance in both.instances() {
        assert_eq!(instance.heap().charged(), 0);
    }
}

const TWICE: &str = "
.host step = \"env.step\" (i64) -> (i64)
.func main(n: i64) -> (i64) {
    host_call step (n) -> n
    host_call step (n) -> n
    ret n
}
";

/// H08: as many host calls as the limit says and no more; a charge of all the fuel that is left, and of one more.
#[test]
fn h08_host_calls_and_charges_are_exact() {
    let linker = host_calls(|caller: &mut Caller<'_, u32>, n: i64| {
        *caller.data_mut() += 1;
        caller.charge(n as u64);
        n
    });
    let mut both = Both::new(TWICE, &linker, &Capabilities::none(), || 0);
    assert_eq!(
        both.call(MAIN, &[Value::I64(0)], Limits::new().host_calls(2)).0,
        End::Values(vec![Value::I64(0)])
    );
    assert_eq!(both.data(), &2);
    let (End::Trapped(trap), _) = both.call(MAIN, &[Value::I64(0)], Limits::new().host_calls(1)) else {
        panic!("one call too many");
    };
    assert_eq!((trap.code, both.data()), (TrapCode::HostCallLimitExceeded, &3));
    // A call leaves 9 of 10; charging 9 leaves nothing, charging 10 owes one.
    for (charge, owed) in [(9, 0), (10, 1)] {
        for instance in both.instances() {
            let mut execution = instance.execution(Limits::new().fuel(10));
            execution.start(MAIN, &[Value::I64(charge)]).unwrap();
            assert!(matches!(execution.resume(), Outcome::OutOfFuel(_)));
            assert_eq!((execution.fuel(), execution.fuel_owed(), execution.host_calls()), (0, owed, 1));
        }
    }
}

/// H09: a host function that drops everything it can reach of the program does not harm the run. (One that never returns
/// blocks its thread; an interrupt is seen once it returns.)
#[test]
fn h09_the_program_may_be_dropped_inside_of_a_call() {
    type Held = Arc<Mutex<Vec<Module>>>;
    for at in 0..2 {
        let held: Held = Arc::new(Mutex::new(modules(STEPS).into()));
        let linker = host_calls(|caller: &mut Caller<'_, Held>, n: i64| {
            caller.data().lock().unwrap().clear();
            n + 1
        });
        let module = held.lock().unwrap().swap_remove(at);
        let mut instance = linker.instantiate(&module, held.clone(), &Capabilities::none()).unwrap();
        held.lock().unwrap().push(module);
        drop(linker);
        let args = [Value::I64(1), Value::I64(20)];
        assert_eq!(instance.call(MAIN, &args, Limits::new()), Ok(vec![Value::I64(2)]));
        assert!(held.lock().unwrap().is_empty());
        assert_eq!(instance.call(MAIN, &args, Limits::new()), Ok(vec![Value::I64(2)]));
    }
}

/// H09: an interrupt that comes while a host function works stops the run behind the call.
#[test]
fn h09_an_interrupt_inside_of_a_call_is_seen_behind_it() {
    let source = "
.host step = \"env.step\" (i64) -> (i64)
.func main(n: i64) -> (i64) {
    host_call step (n) -> n
    jmp @top
@top:
    jmp @top
}
";
    let linker = host_calls(|caller: &mut Caller<'_, opforge_vm::InterruptHandle>, n: i64| {
        caller.data().interrupt();
        n
    });
    for module in modules(source) {
        let handle = opforge_vm::InterruptHandle::new();
        let mut instance = linker.instantiate(&module, handle.clone(), &Capabilities::none()).unwrap();
        let mut execution = instance.execution(Limits::new().fuel(u64::MAX));
        execution.set_interrupt(handle);
        execution.start(MAIN, &[Value::I64(1)]).unwrap();
        assert_eq!(execution.resume(), Outcome::Interrupted);
        assert!(u64::MAX - execution.fuel() < 10_000);
    }
}

/// H10: a message of a host function is cut to what a report keeps and shown without control characters.
#[test]
fn h10_messages_of_the_host_are_bounded_and_escaped() {
    let linker = host_calls(|_: &mut Caller<'_, ()>, n: i64| -> Result<i64, HostError> {
        Err(HostError::failed(format!("\x1b[31m{}", "\u{e4}".repeat(n as usize))))
    });
    let mut both = Both::new(TWICE, &linker, &Capabilities::none(), || ());
    for n in [1, 1 << 20] {
        let (End::Trapped(trap), _) = both.call(MAIN, &[Value::I64(n)], Limits::new()) else {
            panic!("no trap")
        };
        let TrapDetail::Host { error: HostError::Failed(message), .. } = &trap.detail else {
            panic!("{trap}")
        };
        assert!(message.len() <= opforge_vm::Trap::MAX_MESSAGE && message.capacity() <= message.len() + 8);
        let shown = trap.to_string();
        assert!(!shown.contains('\x1b') && shown.contains("\\u{1b}[31m\u{e4}"), "{shown}");
        assert!(shown.len() < 3 * opforge_vm::Trap::MAX_MESSAGE);
    }
}
