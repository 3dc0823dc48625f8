//! Host calls on both engines: panics, borrowed arguments, calls that are completed later, runs inside of runs. The rows
//! H01 to H11 of the reliability list have tests of their names here; what must not compile is in `vm/tests/ui`.

mod host_support;

use host_support::{Both, End, STEP, host_calls};
use opforge_vm::ids::FuncId;
use opforge_vm::{
    CallError, Caller, Capabilities, Capability, CompleteError, Execution, HostError, Limits, Linker,
    Outcome, TrapCode, TrapDetail, Value, ValueType,
};
use std::task::Poll;

/// A host function is called from a nested function whose caller has values that are needed later.
const NESTED: &str = "
.host step = \"env.step\" (i64) -> (i64)
.func inner(n: i64) -> (i64) {
    .reg r, two
    const.i64 two, 2
    i64.mul r, n, two
    host_call step (n) -> n
    i64.add r, r, n
    ret r
}
.func outer(n: i64) -> (i64) {
    .reg r, keep
    i64.add keep, n, n
    call &inner n -> r
    i64.add r, r, keep
    ret r
}
";

/// The same for no host call: what `outer` gives if the host gives `n + 1`.
fn expected(n: i64) -> i64 {
    2 * n + n + 1 + 2 * n
}

fn nested(linker: &Linker<u32>) -> Both<u32> {
    Both::new(NESTED, linker, &Capabilities::none(), || 0)
}

const OUTER: FuncId = FuncId(1);

fn panicking() -> Linker<u32> {
    host_calls(|caller: &mut Caller<'_, u32>, n: i64| {
        *caller.data_mut() += 1;
        match n {
            0 => panic!("boom"),
            -1 => panic!("number {n}\x1b"),
            -2 => std::panic::panic_any(7_u8),
            -3 => panic!("{}", "\u{e4}".repeat(1 << 20)),
            n => n + 1,
        }
    })
}

/// H01: a panic of a host function, called from native code or from the interpreter, ends the run with a trap at the call,
/// and the instance stays usable. The payload is there for an embedder that wants the panic to go on.
#[test]
fn h01_a_panic_of_the_host_is_a_trap() {
    let mut both = nested(&panicking());
    for n in [0, -1, -2, -3] {
        let (End::Trapped(trap), fuel) = both.call(OUTER, &[Value::I64(n)], Limits::new()) else {
            panic!("no trap");
        };
        assert_eq!(trap.code, TrapCode::HostPanicked);
        assert_eq!(trap.frames.len(), 2);
        // An addition and a call; a constant, a multiplication and the host call.
        assert_eq!((trap.fuel, fuel), (Limits::new().fuel - 5, Limits::new().fuel - 5));
        let TrapDetail::HostPanic { symbol, message, .. } = &trap.detail else { panic!("{trap:?}") };
        assert_eq!(&**symbol, STEP);
        let long = "\u{e4}".repeat(2048);
        let text = [Some("boom"), Some("number -1\x1b"), None, Some(&*long)][-n as usize];
        assert_eq!(message.as_deref(), text);
        assert!(!trap.to_string().contains('\x1b'), "{trap}");
        for instance in both.instances() {
            let payload = instance.take_panic().expect("the payload is kept");
            assert_eq!(payload.downcast_ref::<u8>().copied(), (n == -2).then_some(7));
            assert!(instance.take_panic().is_none());
        }
        let (end, _) = both.call(OUTER, &[Value::I64(41)], Limits::new());
        assert_eq!(end, End::Values(vec![Value::I64(expected(41))]));
    }
    assert_eq!(both.data(), &8, "data that the function changed before is kept");
}

/// A payload that panics when it is dropped stays where it cannot harm.
#[test]
fn h01_a_payload_that_panics_when_dropped_is_replaced() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let linker = host_calls(|_: &mut Caller<'_, u32>, n: i64| -> i64 {
        if n == 0 { std::panic::panic_any(Bomb) } else { panic!("second") }
    });
    let mut both = nested(&linker);
    for n in [0, 1] {
        let (End::Trapped(trap), _) = both.call(OUTER, &[Value::I64(n)], Limits::new()) else { panic!() };
        assert_eq!(trap.code, TrapCode::HostPanicked);
    }
    for instance in both.instances() {
        assert_eq!(instance.take_panic().unwrap().downcast_ref::<&str>(), Some(&"second"));
    }
}

/// Bound functions report panics alike and can be called again.
#[test]
fn h01_typed_calls_end_alike() {
    let mut both = nested(&panicking());
    let mut ends = Vec::new();
    for instance in both.instances() {
        let func = instance.typed_func::<(i64,), i64>(OUTER).unwrap();
        let mut bound = func.bind(instance, &Limits::new()).unwrap();
        let first = bound.call((0,));
        assert!(matches!(&first, Err(CallError::Trap(trap)) if trap.code == TrapCode::HostPanicked));
        assert_eq!(bound.call((1,)), Ok(expected(1)));
        ends.push((first, bound.call((-1,))));
    }
    assert_eq!(ends[0], ends[1]);
}

const TEXTS: &str = "
.host join = \"env.join\" (str, i64, bytes, str) -> (i64)
.func main(text: str, data: bytes) -> (i64) {
    .reg n, both
    const.i64 n, 3
    str.concat both, text, text
    host_call join (both, n, data, text) -> n
    ret n
}
";

/// Text and bytes are borrowed from the heap while the host's data is changed; nothing is copied.
#[test]
fn borrowed_arguments_are_those_of_the_program() {
    type Seen = Vec<(String, Vec<u8>, usize)>;
    let mut linker: Linker<Seen> = Linker::new();
    linker
        .func(
            "env.join",
            Capability::none(),
            |caller: &mut Caller<'_, Seen>, both: &str, n: i64, data: &[u8], text: &str| {
                let held = caller.heap();
                caller.data_mut().push((both.to_owned() + text, data.to_vec(), held.charged() as usize));
                caller.charge(1);
                n + both.len() as i64 + data.len() as i64
            },
        )
        .unwrap();
    let mut both = Both::new(TEXTS, &linker, &Capabilities::none(), Vec::new);
    let args = [Value::Str("\u{e4}b".into()), Value::Bytes(vec![0, 255])];
    let (end, fuel) = both.call(FuncId(0), &args, Limits::new());
    assert_eq!(end, End::Values(vec![Value::I64(3 + 6 + 2)]));
    assert_eq!(fuel, Limits::new().fuel - 5);
    assert_eq!(both.data(), &[("\u{e4}b\u{e4}b\u{e4}b".to_owned(), vec![0, 255], 3 + 2 + 6)]);
}

/// Owned and borrowed parameters have the same types in a program.
#[test]
fn a_borrowed_parameter_has_the_signature_of_the_owned_one() {
    let mut linker: Linker<()> = Linker::new();
    linker.func("f", Capability::none(), |_: &mut Caller<'_, ()>, _: &str| ()).unwrap();
    assert!(linker.func("f", Capability::none(), |_: &mut Caller<'_, ()>, _: String| ()).is_err());
    assert!(linker.func("f", Capability::none(), |_: &mut Caller<'_, ()>, _: &[u8]| ()).is_ok());
    assert!(linker.func("f", Capability::none(), |_: &mut Caller<'_, ()>, _: Vec<u8>| ()).is_err());
}

/// Waits for each call whose argument is even.
fn waiting() -> Linker<u32> {
    host_calls(|caller: &mut Caller<'_, u32>, n: i64| {
        *caller.data_mut() += 1;
        caller.charge(3);
        if n % 2 == 0 { Poll::Pending } else { Poll::Ready(Ok::<_, HostError>(n + 1)) }
    })
}

const COUNT: &str = "
.host step = \"env.step\" (i64) -> (i64)
.func inner(n: i64, deep: i64) -> (i64) {
    .reg zero, one, done, r
    const.i64 zero, 0
    const.i64 one, 1
    i64.eq done, deep, zero
    br done, @call, @more
@more:
    i64.sub deep, deep, one
    call &inner (n, deep) -> r
    ret r
@call:
    host_call step (n) -> n
    ret n
}
.func outer(n: i64, deep: i64) -> (i64, i64) {
    .reg sum, zero, more
    const.i64 zero, 0
    const.i64 sum, 0
    jmp @loop
@loop:
    call &inner (n, deep) -> n
    i64.add sum, sum, n
    i64.lt more, n, deep
    br more, @loop, @end
@end:
    ret (sum, n)
}
";

fn complete_all(execution: &mut Execution<'_, u32>, mut outcome: Outcome, slice: u64) -> (End, u32) {
    let mut waited = 0;
    loop {
        match outcome {
            Outcome::Pending(call) => {
                waited += 1;
                assert_eq!((&*call.symbol, &*call.results), (STEP, &[ValueType::I64][..]));
                assert_eq!(execution.pending(), Some(&*call));
                assert_eq!(execution.resume(), Outcome::Pending(call.clone()), "nothing runs meanwhile");
                let &[Value::I64(n)] = &*call.args else { panic!("{call:?}") };
                execution.complete(&[Value::I64(n + 1)]).unwrap();
                assert_eq!(execution.complete(&[Value::I64(n)]), Err(CompleteError::NotPending));
            }
            Outcome::OutOfFuel(_) if slice > 0 => execution.add_fuel(slice),
            other => return (End::of(other), waited),
        }
        outcome = execution.resume();
    }
}

/// A run whose host calls are completed later ends as one whose are not, however deep they are and however it is cut.
#[test]
fn a_call_that_is_completed_later_gives_the_same_run() {
    let at_once = host_calls(|caller: &mut Caller<'_, u32>, n: i64| {
        *caller.data_mut() += 1;
        caller.charge(3);
        n + 1
    });
    let fuel = 100_000;
    for deep in [0, 1, 2, 9, 40] {
        let args = [Value::I64(0), Value::I64(deep)];
        let mut plain = Both::new(COUNT, &at_once, &Capabilities::none(), || 0);
        let mut later = Both::new(COUNT, &waiting(), &Capabilities::none(), || 0);
        let (end, left) = plain.call(FuncId(1), &args, Limits::new().fuel(fuel));
        assert!(matches!(end, End::Values(_)), "{end:?}");
        for slice in [0, 1, 2, 3, 7, 100] {
            for instance in later.instances() {
                let start = if slice == 0 { fuel } else { slice };
                let mut execution = instance.execution(Limits::new().fuel(start));
                execution.start(FuncId(1), &args).unwrap();
                let first = execution.resume();
                let (again, waited) = complete_all(&mut execution, first, slice);
                assert_eq!(again, end, "{deep} {slice}");
                assert_eq!(execution.host_calls(), deep.max(1) as u64);
                assert_eq!(u64::from(waited), (deep.max(1) as u64).div_ceil(2));
                if slice == 0 {
                    assert_eq!(execution.fuel(), left);
                }
            }
        }
        // Cut by a limit that ends the run: at the same instruction with the same report.
        for less in 0..200.min(fuel - left) {
            let limits = Limits::new().fuel(less);
            let (end, _) = plain.call(FuncId(1), &args, limits);
            for instance in later.instances() {
                let mut execution = instance.execution(limits);
                execution.start(FuncId(1), &args).unwrap();
                let first = execution.resume();
                assert_eq!(complete_all(&mut execution, first, 0).0, end, "{deep} with {less}");
            }
        }
    }
}

/// A pending call that fails is reported as one that failed at once; one that is given up leaves the instance usable.
#[test]
fn a_pending_call_can_fail() {
    let failing = host_calls(|_: &mut Caller<'_, u32>, n: i64| match n {
        7 => Ok(0_i64),
        _ => Err(HostError::failed("no answer")),
    });
    let (expected, left) = nested(&failing).call(OUTER, &[Value::I64(2)], Limits::new());
    for instance in nested(&waiting()).instances() {
        let mut execution = instance.execution(Limits::new());
        assert_eq!(execution.fail(HostError::UnknownSymbol), Err(CompleteError::NotPending));
        execution.start(OUTER, &[Value::I64(2)]).unwrap();
        assert!(matches!(execution.resume(), Outcome::Pending(_)));
        execution.fail(HostError::failed("no answer")).unwrap();
        assert_eq!(execution.pending(), None);
        assert_eq!(execution.complete(&[Value::I64(1)]), Err(CompleteError::NotPending));
        let end = End::of(execution.resume());
        assert_eq!((&end, execution.fuel()), (&expected, left), "what it charged is not taken");
        assert_eq!(execution.resume(), Outcome::NotRunning);
        // Another run in the same execution.
        execution.start(OUTER, &[Value::I64(3)]).unwrap();
        assert!(matches!(execution.resume(), Outcome::Finished(_)));
        // A run that is never completed.
        execution.start(OUTER, &[Value::I64(2)]).unwrap();
        assert!(matches!(execution.resume(), Outcome::Pending(_)));
        let called = instance.call(OUTER, &[Value::I64(5)], Limits::new());
        assert_eq!(called, Ok(vec![Value::I64(self::expected(5))]));
    }
}

/// Results that do not fit are refused, and the call waits on.
#[test]
fn results_of_pending_calls_are_checked() {
    let source = "
.host read = \"env.read\" () -> (str, f64, decimal)
.func main() -> (str, f64, decimal) {
    .reg text, number, sum
    host_call read () -> (text, number, sum)
    ret (text, number, sum)
}
";
    let mut linker: Linker<()> = Linker::new();
    let results = [ValueType::Str, ValueType::F64, ValueType::Decimal];
    linker.func_poll("env.read", Capability::none(), &[], &results, |_, _, _| Poll::Pending).unwrap();
    let mut ends = Vec::new();
    for instance in Both::new(source, &linker, &Capabilities::none(), || ()).instances() {
        let mut execution = instance.execution(Limits::new().memory(100));
        execution.start(FuncId(0), &[]).unwrap();
        assert!(matches!(execution.resume(), Outcome::Pending(_)));
        let decimal = Value::Decimal(opforge_vm::sem::Decimal { mantissa: -5, scale: 2 });
        let long = Value::Str("x".repeat(101));
        let wrong = [
            execution.complete(&[]),
            execution.complete(&[Value::Str("a".into()), Value::I64(1), decimal.clone()]),
            execution.complete(&[long, Value::F64(1.0), decimal.clone()]),
        ];
        let shown: Vec<String> =
            wrong.iter().map(|result| result.as_ref().unwrap_err().to_string()).collect();
        assert!(shown[0].starts_with("error[H0005]") && shown[1].starts_with("error[H0006]"), "{shown:?}");
        assert!(shown[2].contains("result 1"), "{shown:?}");
        assert!(execution.pending().is_some());
        let values = vec![Value::Str("\u{e4}".into()), Value::F64(0.5), decimal];
        execution.complete(&values).unwrap();
        assert_eq!(execution.resume(), Outcome::Finished(values));
        ends.push((shown, execution.fuel(), execution.heap().charged()));
    }
    assert_eq!(ends[0], ends[1]);
}

/// What cannot wait says so.
#[test]
fn calls_that_cannot_wait_refuse_a_pending_call() {
    for instance in nested(&waiting()).instances() {
        let error = instance.call(OUTER, &[Value::I64(2)], Limits::new()).unwrap_err();
        let CallError::Pending(call) = &error else { panic!("{error}") };
        assert_eq!((&*call.symbol, &call.args[..]), (STEP, &[Value::I64(2)][..]));
        assert!(error.to_string().starts_with("error[H0007]"), "{error}");
        let func = instance.typed_func::<(i64,), i64>(OUTER).unwrap();
        assert_eq!(func.call(instance, (2,), &Limits::new()), Err(error.clone()));
        let mut bound = func.bind(instance, &Limits::new()).unwrap();
        assert_eq!(bound.call((2,)), Err(error));
        assert_eq!(bound.call((3,)), Ok(expected(3)));
    }
}
