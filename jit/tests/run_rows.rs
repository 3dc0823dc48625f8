//! The rows I06 to I11 of the reliability list, which are about what bounds a run, each by its name, on both engines.
//! That memory of the process stays within the limit too is in `memory_bombs.rs`.

#[allow(dead_code, reason = "each test binary uses its part")]
mod host_support;
#[allow(dead_code, reason = "each test binary uses its part")]
mod rows_support;

use host_support::{Both, End, host_calls, observe};
use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    Caller, Capabilities, Engine, Instance, Limits, Linker, Module, Outcome, TrapCode, Value, asm,
};
use rows_support::instances;
use std::thread;

const MAIN: FuncId = FuncId(0);

/// A loop with calls, then a division, a host call and some more in one block.
const WORK: &str = "
.host step = \"env.step\" (i64) -> (i64)
.func main(n: i64, divisor: i64) -> (i64) {
    .reg one, sum, more, q
    const.i64 one, 1
    const.i64 sum, 0
    jmp @loop
@loop:
    i64.add sum, sum, n
    call &twice sum -> sum
    i64.sub n, n, one
    i64.gt more, n, one
    br more, @loop, @end
@end:
    i64.add sum, sum, one
    i64.div q, sum, divisor
    i64.add q, q, one
    host_call step (q) -> q
    i64.add q, q, one
    ret q
}
.func twice(n: i64) -> (i64) {
    i64.add n, n, n
    ret n
}
";

fn trap(end: End) -> TrapCode {
    match end {
        End::Trapped(trap) => trap.code,
        End::OutOfFuel(trap) => {
            assert_eq!(trap.code, TrapCode::FuelExceeded);
            trap.code
        }
        other => panic!("{other:?}"),
    }
}

/// I06: with every amount of fuel up to one more than the run needs, and with all there is: what is left is exact, also
/// after a trap in the middle of a block, of which nothing behind the trap is charged.
#[test]
fn i06_fuel_is_exact_at_every_amount() {
    let linker = host_calls(|_: &mut Caller<'_, ()>, n: i64| n);
    let mut both = Both::new(WORK, &linker, &Capabilities::none(), || ());
    // Three constants and a jump; a turn is 5 and 2 of the callee. Then 6 instructions to the end, 2 to the trap.
    let turns = 4;
    for (divisor, used, traps) in
        [(1, 3 + 7 * turns + 6, None), (0, 3 + 7 * turns + 2, Some(TrapCode::DivByZero))]
    {
        let args = [Value::I64(turns as i64 + 1), Value::I64(divisor)];
        for fuel in (0..=used + 1).chain([u64::MAX - 1, u64::MAX]) {
            let (end, left) = both.call(MAIN, &args, Limits::new().fuel(fuel));
            match (fuel >= used, traps) {
                (true, None) => assert!(matches!(end, End::Values(_)), "{fuel}: {end:?}"),
                (true, Some(code)) => assert_eq!(trap(end), code, "{fuel}"),
                (false, _) => assert_eq!(trap(end), TrapCode::FuelExceeded, "{fuel}"),
            }
            assert_eq!(left, fuel.saturating_sub(used), "{fuel} of {used}");
        }
    }
}

/// I06: a host that charges more than there is takes all there is, and the rest is owed.
#[test]
fn i06_a_charge_of_everything_stops_at_zero() {
    let source = "
.host step = \"env.step\" (i64) -> (i64)
.func main(n: i64) -> (i64) {
    host_call step (n) -> n
    ret n
}
";
    let linker = host_calls(|caller: &mut Caller<'_, ()>, n: i64| {
        caller.charge(u64::MAX);
        caller.charge(1);
        n
    });
    let mut both = Both::new(source, &linker, &Capabilities::none(), || ());
    for fuel in [1, 2, 1000, u64::MAX] {
        for instance in both.instances() {
            let mut execution = instance.execution(Limits::new().fuel(fuel));
            execution.start(MAIN, &[Value::I64(7)]).unwrap();
            assert!(matches!(execution.resume(), Outcome::OutOfFuel(_)));
            // Sums of charges stop at the largest number.
            assert_eq!((execution.fuel(), execution.fuel_owed()), (0, u64::MAX - (fuel - 1)), "{fuel}");
            // Fuel that comes pays what is owed first.
            execution.add_fuel(u64::MAX - (fuel - 1));
            assert_eq!((execution.fuel(), execution.fuel_owed()), (0, 0));
            assert!(matches!(execution.resume(), Outcome::OutOfFuel(_)));
            execution.add_fuel(1);
            assert_eq!(execution.resume(), Outcome::Finished(vec![Value::I64(7)]));
        }
    }
}

/// The stacks that runs must make do with: the interpreter's loop alone takes 70 KB where it is not optimised.
const STACKS: [usize; 2] = if cfg!(debug_assertions) { [192 << 10, 1 << 20] } else { [64 << 10, 256 << 10] };

/// Runs on a thread of each of the small stacks, with native frames in a quarter of it. The instances are made outside.
fn on_small_stacks(source: &str, work: fn(&mut Instance<()>)) {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{}", e.render(source, "test")));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"));
    for size in STACKS {
        let config = JitConfig::new().native_stack(size as u32 / 4);
        let compiled = JitEngine::new(config).unwrap().compile(&verified).unwrap();
        let interp = Module::new(&Engine::default(), &verified).unwrap();
        for module in [&interp, compiled.module()] {
            let mut instance = Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
            let run = move || work(&mut instance);
            thread::Builder::new().stack_size(size).spawn(run).unwrap().join().unwrap();
        }
    }
}

/// I07: programs that never end run out of fuel, one frame deep, without native stack.
#[test]
fn i07_endless_programs_run_out_of_fuel() {
    let source = "
.version 0.128
.func self() -> () {
@top:
    jmp @top
}
.func empty() -> () {
    .reg c
    const.bool c, true
    jmp @top
@top:
    br c, @top, @end
@end:
    ret ()
}
.func ping(n: i64) -> (i64) {
    ret_call &pong n
}
.func pong(n: i64) -> (i64) {
    ret_call &ping n
}
.func alone() -> () {
    ret_call &alone ()
}
.func value(f: func) -> () {
    ret_call.indirect (func) -> () f f
}
";
    on_small_stacks(source, |instance| {
        let limits = Limits::new().call_depth(1).fuel(1_000_000);
        let calls: [(u32, Vec<Value>); 5] = [
            (0, vec![]),
            (1, vec![]),
            (2, vec![Value::I64(1)]),
            (4, vec![]),
            (5, vec![Value::Func(FuncId(5))]),
        ];
        for (func, args) in calls {
            let (end, fuel, ..) = observe(instance, FuncId(func), &args, limits);
            assert_eq!((trap(end), fuel), (TrapCode::FuelExceeded, 0), "function {func}");
        }
    });
}

/// I08: calls to just the depth that the limit says, and one more, of one function and of two that call each other.
#[test]
fn i08_calls_as_deep_as_the_limit_and_no_deeper() {
    let source = "
.func down(n: u64) -> (u64) {
    .reg zero, one, done
    const.u64 zero, 0
    const.u64 one, 1
    u64.eq done, n, zero
    br done, @end, @more
@more:
    u64.sub n, n, one
    call &down n -> n
    u64.add n, n, one
    ret n
@end:
    ret n
}
.func even(n: u64) -> (u64) {
    .reg zero, one, done
    const.u64 zero, 0
    const.u64 one, 1
    u64.eq done, n, zero
    br done, @end, @more
@more:
    u64.sub n, n, one
    call &odd n -> n
    u64.add n, n, one
    ret n
@end:
    ret n
}
.func odd(n: u64) -> (u64) {
    .reg one
    const.u64 one, 1
    call &even n -> n
    u64.sub n, n, one
    u64.add n, n, one
    ret n
}
";
    on_small_stacks(source, |instance| {
        for depth in [1u32, 2, 3, 100, 10_001, 100_001] {
            let limits = Limits::new().call_depth(depth).fuel(u64::MAX).stack_slots(u32::MAX);
            let deep = u64::from(depth) - 1;
            let mut call = |func, n| observe(instance, FuncId(func), &[Value::U64(n)], limits).0;
            assert_eq!(call(0, deep), End::Values(vec![Value::U64(deep)]));
            assert_eq!(trap(call(0, deep + 1)), TrapCode::CallDepthExceeded, "{depth}");
            // Two frames a turn.
            let turns = deep / 2;
            assert_eq!(call(1, turns), End::Values(vec![Value::U64(turns)]));
            assert_eq!(trap(call(1, turns + 1)), TrapCode::CallDepthExceeded, "{depth}");
            assert_eq!(trap(call(0, u64::MAX)), TrapCode::CallDepthExceeded, "{depth}");
        }
    });
}

/// Functions that double or pile up values for ever; each makes another kind.
const GROW: &str = "
.struct Pair { a: agg, b: agg }
.elem aggs = agg
.func text() -> () {
    .reg s
    const.pool s, \"0123456789abcdef\"
    jmp @again
@again:
    str.concat s, s, s
    jmp @again
}
.func bytes() -> () {
    .reg b
    const.pool b, hex\"00010203\"
    jmp @again
@again:
    bytes.concat b, b, b
    jmp @again
}
.func appended() -> () {
    .reg s, t
    const.pool s, \"0123456789abcdef\"
    const.pool t, \"!\"
    jmp @again
@again:
    str.concat t, t, s
    jmp @again
}
.func upper() -> () {
    .reg s, t
    const.pool s, \"0123456789abcdef\"
    jmp @again
@again:
    intrinsic text.to_upper_ascii s -> t
    str.concat s, s, t
    jmp @again
}
.func tuples() -> () {
    .reg t
    tuple.new t, ()
    jmp @again
@again:
    tuple.new t, (t, t)
    jmp @again
}
.func structs(t: agg) -> () {
    .reg u
    jmp @again
@again:
    struct.new u, Pair, (t, t)
    jmp @again
}
.func arrays(t: agg) -> () {
    .reg u
    jmp @again
@again:
    array.new u, aggs, (t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t)
    jmp @again
}
";
const GROWING: u32 = 7;

/// The arguments of a function of [`GROW`], made in the run's heap.
fn grow(instance: &mut Instance<()>, func: u32, limits: Limits) -> (End, u64, u64) {
    let mut execution = instance.execution(limits);
    let args = if func < 5 {
        vec![]
    } else {
        match execution.heap_mut().new_tuple(&[]) {
            Ok(agg) => vec![Value::Agg(agg)],
            Err(_) => return (End::Other("no room for the argument".into()), limits.fuel, 0),
        }
    };
    execution.start(FuncId(func), &args).unwrap();
    let end = End::of(execution.resume());
    (end, execution.fuel(), execution.heap().charged())
}

/// I09: values that double or pile up end at the memory limit, which is never passed, and the instance can be used again;
/// with fuel as the only bound, what was made is at most 64 bytes for a unit.
#[test]
fn i09_growth_ends_at_the_memory_limit_and_costs_fuel_before() {
    for mut instance in instances(GROW) {
        for func in 0..GROWING {
            for memory in [8, 16, 100, 4096, 1_000_000, 16 << 20] {
                let (end, _, charged) =
                    grow(&mut instance, func, Limits::new().fuel(u64::MAX).memory(memory));
                assert_eq!(trap(end), TrapCode::MemoryLimitExceeded, "function {func}, {memory}");
                assert!(charged <= memory, "function {func}: {charged} of {memory}");
            }
            for fuel in [10, 90, 1000, 100_000] {
                let (end, left, charged) =
                    grow(&mut instance, func, Limits::new().fuel(fuel).memory(u64::MAX));
                assert_eq!(trap(end), TrapCode::FuelExceeded, "function {func}");
                assert!(
                    left < fuel && charged <= 64 * fuel,
                    "function {func}: {charged} bytes for {fuel} units"
                );
            }
        }
    }
}

/// I10: a value that holds itself twice, 200 times over, is as large as it is long. The machine has no instruction that walks
/// a value: it is compared, cloned and shown as a handle, by the host too. `opforge run` prints a part; the row has a test in
/// `cli/tests/run.rs` for that.
#[test]
fn i10_a_value_that_holds_itself_twice_is_not_walked() {
    let source = "
.func main(n: u64) -> (agg, u64) {
    .reg t, one, more, zero, len
    const.u64 zero, 0
    const.u64 one, 1
    tuple.new t, (zero, zero)
    jmp @again
@again:
    tuple.new t, (t, t)
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @again, @end
@end:
    tuple.len len, t
    ret (t, len)
}
";
    for mut instance in instances(source) {
        let mut execution = instance.execution(Limits::new().memory(201 * 24));
        execution.start(MAIN, &[Value::U64(200)]).unwrap();
        let Outcome::Finished(values) = execution.resume() else { panic!("no result") };
        let spent = Limits::new().fuel - execution.fuel();
        assert_eq!((spent, execution.heap().charged()), (4 + 200 * 4 + 2, 201 * 24));
        assert_eq!(values, values.clone());
        assert_eq!(values[1], Value::U64(2));
        assert!(format!("{values:?}").len() < 200);
        let Value::Agg(agg) = &values[0] else { panic!("{values:?}") };
        let view = execution.heap().aggregate(*agg).unwrap();
        assert_eq!(view.get(0), view.get(1));
        assert!(format!("{view:?}").len() < 100_000);
    }
}

/// I11: a value a million levels deep is dropped, compared, cloned, shown and walked on a small stack.
#[test]
fn i11_a_million_levels_take_no_native_stack() {
    let source = "
.func main(n: u64) -> (agg) {
    .reg t, one, more, zero
    const.u64 zero, 0
    const.u64 one, 1
    tuple.new t, (zero)
    jmp @again
@again:
    tuple.new t, (t)
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @again, @end
@end:
    ret t
}
";
    on_small_stacks(source, |instance| {
        let limits = Limits::new().fuel(u64::MAX).memory(64 << 20);
        let values = instance.call(MAIN, &[Value::U64(1_000_000)], limits).unwrap();
        assert_eq!(values, values.clone());
        assert!(format!("{values:?}").len() < 200);
        let (mut at, mut levels) = (values[0].clone(), 0);
        while let Value::Agg(agg) = at {
            at = instance.heap().aggregate(agg).unwrap().get(0).unwrap();
            levels += 1;
        }
        assert_eq!((at, levels), (Value::U64(0), 1_000_001));
        drop(values);
        // The heap is emptied for the next run.
        assert!(instance.call(MAIN, &[Value::U64(1)], limits.memory(32)).is_ok());
    });
}
