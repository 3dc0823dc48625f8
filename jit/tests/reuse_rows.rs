//! The rows I15 to I18 of the reliability list, each by its name, on both engines: whatever stops a run, the instance runs
//! the next one as a fresh instance does; what does not fit is refused before anything runs; tracing changes nothing.

#[allow(dead_code, reason = "each test binary uses its part")]
mod host_support;

use host_support::{End, modules, observe};
use opforge_vm::heap::ValueError;
use opforge_vm::ids::{ElemId, FuncId, StructId};
use opforge_vm::interp::{InstrEvent, TraceSink};
use opforge_vm::{
    CallError, Capabilities, Capability, EntryError, HeapCaller, HostError, Instance, InterruptHandle,
    Limits, Linker, Module, Outcome, TrapCode, Value, ValueType,
};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

const MAIN: FuncId = FuncId(0);

/// Makes text, bytes and aggregates, calls itself and the host, which makes an aggregate too. Its result tells of all.
const WORK: &str = "
.host pack = \"env.pack\" (str, i64) -> (agg)
.struct Item { name: str, count: i64 }
.elem counts = i64
.func main(n: i64, name: str) -> (str, i64, u64) {
    .reg zero, one, done, s, b, t, item, arr, r, len, c
    const.i64 zero, 0
    const.i64 one, 1
    const.pool s, \"-\"
    str.concat s, name, s
    str.concat s, s, name
    str.to_bytes b, s
    bytes.concat b, b, b
    bytes.to_str s, b
    i64.le done, n, zero
    br done, @end, @more
@more:
    i64.sub c, n, one
    call &main (c, name) -> (s, r, len)
    jmp @join
@end:
    const.i64 r, 0
    jmp @join
@join:
    struct.new item, Item, (s, n)
    array.new arr, counts, (n, r, n)
    tuple.new t, (item, arr)
    host_call pack (s, n) -> t
    tuple.len len, t
    array.get_imm c, arr, 0
    i64.add r, r, c
    struct.get s, item, Item.name
    ret (s, r, len)
}
";

/// What the host is told to do, and what it has done.
#[derive(Debug, Default)]
struct Host {
    calls: u64,
    /// The call that fails.
    fails_at: Option<u64>,
    /// The call that interrupts the run.
    interrupts_at: Option<(u64, InterruptHandle)>,
}

fn linker() -> Linker<Host> {
    let mut linker = Linker::new();
    let pack = |caller: &mut HeapCaller<'_, Host>, args: &[Value], out: &mut [Value]| {
        let host = caller.data_mut();
        host.calls += 1;
        if host.fails_at == Some(host.calls) {
            return Err(HostError::failed("told to"));
        }
        if let Some((call, handle)) = &host.interrupts_at
            && *call == host.calls
        {
            handle.interrupt();
        }
        let heap = caller.heap_mut();
        // As a host that passes a failure on: the run's trap is the memory limit's whatever the message says.
        let failed = |error: ValueError| HostError::failed(error.to_string());
        let item = heap.new_struct(StructId(0), args).map_err(failed)?;
        let counts = heap.new_array(ElemId(0), &[Value::I64(1), Value::I64(2)]).map_err(failed)?;
        out[0] = Value::Agg(heap.new_tuple(&[Value::Agg(item), Value::Agg(counts)]).map_err(failed)?);
        Ok(())
    };
    linker
        .func_heap("env.pack", Capability::none(), &[ValueType::Str, ValueType::I64], &[ValueType::Agg], pack)
        .unwrap();
    linker
}

fn fresh(module: &Module) -> Instance<Host> {
    linker().instantiate(module, Host::default(), &Capabilities::none()).unwrap()
}

fn args() -> [Value; 2] {
    [Value::I64(3), Value::Str("n\u{e4}me".into())]
}

/// What can be seen of a run: its end, fuel, host calls and memory; and what the host saw.
type Seen = ((End, u64, u64, u64), u64);

/// The whole run, in an instance that may have been through something.
fn whole(instance: &mut Instance<Host>) -> Seen {
    *instance.data_mut() = Host::default();
    let seen = observe(instance, MAIN, &args(), Limits::new());
    (seen, instance.data().calls)
}

/// The whole run in a fresh instance; both engines agree on it.
fn expected(modules: &[Module; 2]) -> Seen {
    let [interp, jit] = modules.each_ref().map(|module| whole(&mut fresh(module)));
    assert_eq!(interp, jit);
    assert!(matches!(interp.0.0, End::Values(_)), "{interp:?}");
    interp
}

/// I15: the memory limit is what an allocation fails by: at every limit up to what the run needs it ends with
/// MemoryLimitExceeded, or with the failure that the host makes of it, nothing is charged past the limit, and the instance
/// runs on. (That the allocator itself fails is reported the same way where a run's heap or stack grows, and ends the
/// process elsewhere, as in any Rust program; no test can bring it about for one allocation.)
#[test]
fn i15_a_run_without_enough_memory_leaves_the_instance_whole() {
    let modules = modules(WORK);
    let expected = expected(&modules);
    let need = expected.0.3;
    assert!(need > 500, "{need}");
    let mut ends = Vec::new();
    for module in &modules {
        let mut instance = fresh(module);
        let mut seen = Vec::new();
        for memory in 0..=need {
            *instance.data_mut() = Host::default();
            let mut execution = instance.execution(Limits::new().memory(memory));
            let started = execution.start(MAIN, &args());
            let outcome = match started {
                Ok(()) => execution.resume(),
                Err(error) => {
                    let refused = EntryError::Argument { index: 1, error: ValueError::MemoryLimitExceeded };
                    assert_eq!(error, refused, "{memory}");
                    assert_eq!(execution.resume(), Outcome::NotRunning);
                    continue;
                }
            };
            let charged = execution.heap().charged();
            assert!(charged <= memory, "{charged} of {memory}");
            match &outcome {
                Outcome::Trapped(trap) => {
                    assert!(memory < need, "{memory}: {trap}");
                    let by_host = trap.code == TrapCode::HostCallFailed;
                    assert!(by_host || trap.code == TrapCode::MemoryLimitExceeded, "{memory}: {trap}");
                }
                Outcome::Finished(_) => assert_eq!(memory, need),
                other => panic!("{memory}: {other:?}"),
            }
            seen.push((End::of(outcome), execution.fuel(), charged));
            if memory % 8 == 0 || memory == need {
                assert_eq!(whole(&mut instance), expected, "after {memory}");
            }
        }
        ends.push(seen);
    }
    assert_eq!(ends[0], ends[1]);
}

/// I16: a run that is given up at any step, interrupted, failed by the host, out of depth or of host calls leaves nothing:
/// the next one in the same instance is that of a fresh instance.
#[test]
fn i16_a_run_that_stopped_anywhere_leaves_nothing() {
    let modules = modules(WORK);
    let expected = expected(&modules);
    let (fuel, calls) = (Limits::new().fuel - expected.0.1, expected.1);
    for module in &modules {
        let mut instance = fresh(module);
        // Given up where fuel ends, at every step.
        for fuel in 0..fuel {
            let (end, left, ..) = observe(&mut instance, MAIN, &args(), Limits::new().fuel(fuel));
            assert!(matches!(end, End::OutOfFuel(_)) && left <= fuel, "{fuel}: {end:?}");
            assert_eq!(whole(&mut instance), expected, "given up at {fuel}");
        }
        for call in 1..=calls {
            *instance.data_mut() = Host { fails_at: Some(call), ..Host::default() };
            let (end, ..) = observe(&mut instance, MAIN, &args(), Limits::new());
            assert!(matches!(end, End::Trapped(trap) if trap.code == TrapCode::HostCallFailed));
            assert_eq!(whole(&mut instance), expected, "the host failed in call {call}");

            let handle = InterruptHandle::new();
            *instance.data_mut() = Host { interrupts_at: Some((call, handle.clone())), ..Host::default() };
            let mut execution = instance.execution(Limits::new());
            execution.set_interrupt(handle);
            execution.start(MAIN, &args()).unwrap();
            // A flag is looked at where control goes back or into a call: the last calls may see none any more.
            let outcome = execution.resume();
            assert!(matches!(outcome, Outcome::Interrupted | Outcome::Finished(_)), "{outcome:?}");
            drop(execution);
            assert_eq!(whole(&mut instance), expected, "interrupted in call {call}");

            let (end, ..) = observe(&mut instance, MAIN, &args(), Limits::new().host_calls(call - 1));
            assert!(matches!(end, End::Trapped(trap) if trap.code == TrapCode::HostCallLimitExceeded));
            assert_eq!(whole(&mut instance), expected, "{} host calls", call - 1);
        }
        for depth in 0..4 {
            let (end, ..) = observe(&mut instance, MAIN, &args(), Limits::new().call_depth(depth));
            assert!(matches!(end, End::Trapped(trap) if trap.code == TrapCode::CallDepthExceeded));
            assert_eq!(whole(&mut instance), expected, "depth {depth}");
        }
    }
}

const TAKES: &str = "
.func main(n: i64, s: str, a: agg) -> (u64) {
    .reg len
    tuple.len len, a
    ret len
}
.func make() -> (agg) {
    .reg t
    tuple.new t, ()
    ret t
}
.func call(f: func) -> (agg) {
    .reg t
    call.indirect () -> (agg) f () -> t
    ret t
}
.func four() -> (u64) {
    .reg n
    const.u64 n, 4
    ret n
}
.func call_closure(f: closure) -> (agg) {
    .reg t
    call.indirect () -> (agg) f () -> t
    ret t
}
";

/// I17: entries that do not fit are refused, with what does not, before anything runs or is charged.
#[test]
fn i17_entries_that_do_not_fit_are_refused() {
    let [interp, jit] = modules(TAKES);
    for (module, other) in [(&interp, &jit), (&jit, &interp)] {
        let link = |module| Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
        let (mut instance, mut stranger): (Instance<()>, Instance<()>) = (link(module), link(other));
        let foreign = stranger.call(FuncId(1), &[], Limits::new()).unwrap().remove(0);
        let good = [Value::I64(1), Value::Str("s".into())];
        let with = |last: Value| [&good[..], &[last]].concat();
        let argument = |index, error| EntryError::Argument { index, error };
        let ty = |expected, actual| ValueError::Type { expected, actual };
        let cases: Vec<(u32, Vec<Value>, EntryError)> = vec![
            (5, vec![], EntryError::UnknownFunction(FuncId(5))),
            (u32::MAX, vec![], EntryError::UnknownFunction(FuncId(u32::MAX))),
            (0, vec![], EntryError::ArgumentCount { expected: 3, actual: 0 }),
            (0, good.to_vec(), EntryError::ArgumentCount { expected: 3, actual: 2 }),
            (0, vec![Value::Unit; 1000], EntryError::ArgumentCount { expected: 3, actual: 1000 }),
            (1, vec![Value::Unit], EntryError::ArgumentCount { expected: 0, actual: 1 }),
            (
                0,
                vec![Value::U64(1), good[1].clone(), foreign.clone()],
                argument(0, ty(ValueType::I64, ValueType::U64)),
            ),
            (0, with(Value::I64(0)), argument(2, ty(ValueType::Agg, ValueType::I64))),
            (0, with(foreign.clone()), argument(2, ValueError::ForeignHandle)),
        ];
        for (func, args, error) in cases {
            let mut execution = instance.execution(Limits::new());
            assert_eq!(execution.start(FuncId(func), &args), Err(error.clone()), "{func} {args:?}");
            assert_eq!((execution.resume(), execution.fuel()), (Outcome::NotRunning, Limits::new().fuel));
            drop(execution);
            assert_eq!(instance.call(FuncId(func), &args, Limits::new()), Err(CallError::Entry(error)));
        }
        // A handle of an earlier run of the same instance is as foreign, and so is one inside of a closure.
        let stale = instance.call(FuncId(1), &[], Limits::new()).unwrap().remove(0);
        let refused = Err(CallError::Entry(argument(2, ValueError::ForeignHandle)));
        assert_eq!(instance.call(MAIN, &with(stale), Limits::new()), refused);
        let Value::Agg(env) = foreign else { panic!("{foreign:?}") };
        let closure = Value::Closure { func: FuncId(1), env };
        let refused = Err(CallError::Entry(argument(0, ValueError::ForeignHandle)));
        assert_eq!(instance.call(FuncId(4), &[closure], Limits::new()), refused);
        // A function value names a function of the program that runs, or none.
        let Err(CallError::Trap(trap)) = instance.call(FuncId(2), &[Value::Func(FuncId(9))], Limits::new())
        else {
            panic!("no trap")
        };
        assert_eq!(trap.code, TrapCode::InvalidFunction);
        let func = module.typed_func::<(), u64>(FuncId(3)).unwrap();
        assert_eq!(
            func.call(&mut stranger, (), &Limits::new()),
            Err(CallError::Entry(EntryError::OtherModule))
        );
        assert_eq!(stranger.typed_func::<(i64,), ()>(MAIN).unwrap_err().code(), "E0008");
        // And it still runs.
        assert!(instance.call(FuncId(1), &[], Limits::new()).is_ok());
    }
}

/// Does something at every instruction.
struct Does<F>(F, u64);

impl<F: FnMut(u64)> TraceSink for Does<F> {
    fn instr(&mut self, _: InstrEvent) {
        self.1 += 1;
        (self.0)(self.1);
    }
}

fn traced(instance: &mut Instance<Host>, sink: &mut dyn TraceSink) -> Seen {
    *instance.data_mut() = Host::default();
    let mut execution = instance.execution(Limits::new());
    execution.start(MAIN, &args()).unwrap();
    let end = End::of(execution.resume_traced(sink));
    let seen = (end, execution.fuel(), execution.host_calls(), execution.heap().charged());
    (seen, instance.data().calls)
}

/// I18: a run that is traced is the run that is not, whatever the sink does: nothing, much, or run programs itself. A sink
/// that panics ends the run with its panic, at whichever instruction, and the instance stays as good as new.
#[test]
fn i18_whatever_a_trace_sink_does_the_run_is_the_same() {
    let modules = modules(WORK);
    let expected = expected(&modules);
    let steps = Limits::new().fuel - expected.0.1;
    for (module, other) in [(&modules[0], &modules[1]), (&modules[1], &modules[0])] {
        let mut instance = fresh(module);
        let mut count = Does(|_| (), 0);
        assert_eq!(traced(&mut instance, &mut count), expected);
        // Under this schedule instructions on small values cost one unit each.
        assert_eq!(count.1, steps);
        let mut slow = Does(
            |at| {
                if at % 50 == 0 {
                    std::thread::sleep(Duration::from_millis(1))
                }
            },
            0,
        );
        assert_eq!(traced(&mut instance, &mut slow), expected);
        // Another instance of the same program, traced or not, on the other engine.
        let mut inner = fresh(other);
        let mut runs = Does(
            |at| {
                let seen =
                    if at % 2 == 0 { whole(&mut inner) } else { traced(&mut inner, &mut Does(|_| (), 0)) };
                assert_eq!(seen, expected);
            },
            0,
        );
        assert_eq!(traced(&mut instance, &mut runs), expected);
        for at in 1..=steps {
            // Without the message that a panic prints.
            let mut bad = Does(
                |now| {
                    if now == at {
                        resume_unwind(Box::new("told to"))
                    }
                },
                0,
            );
            let caught = catch_unwind(AssertUnwindSafe(|| traced(&mut instance, &mut bad)));
            assert!(caught.is_err(), "{at}");
            assert_eq!(whole(&mut instance), expected, "the sink panicked at {at}");
        }
        // The runs that panics have left are not counted as active any more.
        let (end, ..) = observe(&mut instance, MAIN, &args(), Limits::new().nested_runs(0));
        assert!(matches!(end, End::Values(_)), "{end:?}");
    }
}
