//! What runs of native code must hold beside giving the interpreter's results: stack use, interrupts, memory,
//! threads.

use opforge_jit::{JitConfig, JitEngine, JittedProgram};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{
    CallError, Capabilities, Engine, Instance, InterruptHandle, Limits, Linker, Module, Outcome, TrapCode,
    Value, asm,
};
use std::thread;
use std::time::Duration;

fn verified(source: &str) -> VerifiedProgram {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{}", e.render(source, "test")));
    verify(program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn compile(source: &str) -> JittedProgram {
    JitEngine::new(JitConfig::new()).unwrap().compile(&verified(source)).unwrap()
}

fn link(module: &Module) -> Instance<()> {
    Linker::new().instantiate(module, (), &Capabilities::none()).unwrap()
}

const DEEP: &str = "
.func down(n: i64) -> (n: i64) {
    .reg zero, one, done, a, b, c
    const.i64 zero, 0
    const.i64 one, 1
    i64.eq done, n, zero
    br done, @end, @more
@more:
    i64.sub a, n, one
    i64.mul b, n, n
    i64.xor c, b, a
    call &down a -> a
    i64.add a, a, b
    i64.xor a, a, c
    ret a
@end:
    ret n
}
";

const LOOP: &str = include_str!("data/spin.ofa");

/// Recursion far beyond the native stack goes on in the interpreter, and ends as it does there, on a small stack.
#[test]
fn deep_recursion_on_a_small_stack() {
    let program = verified(DEEP);
    let work = move || {
        let jit = JitEngine::new(JitConfig::new()).unwrap().compile(&program).unwrap();
        assert!(jit.max_native_frames() > 100, "{}", jit.max_native_frames());
        let interp = Module::new(&Engine::default(), &program).unwrap();
        for (n, depth) in
            [(50, 1000), (3000, 100_000), (100_000, 100_001), (100_000, 100_000), (1 << 40, 70_000)]
        {
            let limits = Limits::new().fuel(u64::MAX).call_depth(depth).stack_slots(u32::MAX);
            let expected = link(&interp).call(FuncId(0), &[Value::I64(n)], limits);
            let actual = link(jit.module()).call(FuncId(0), &[Value::I64(n)], limits);
            assert_eq!(actual, expected, "{n} {depth}");
            if let Err(CallError::Trap(trap)) = actual {
                assert_eq!(trap.code, TrapCode::CallDepthExceeded);
            }
        }
    };
    // Unoptimised, the interpreter's own loop takes 70 KB of it.
    let stack = if cfg!(debug_assertions) { 1 << 20 } else { 256 << 10 };
    thread::Builder::new().stack_size(stack).spawn(work).unwrap().join().unwrap();
}

const TAIL: &str = "
.version 0.128
.func even(n: i64) -> (bool) {
    .reg one, r
    const.i64 one, 1
    i64.lt r, n, one
    br r, @end, @more
@more:
    i64.sub n, n, one
    ret_call &odd n
@end:
    ret r
}
.func odd(n: i64) -> (bool) {
    .reg one, r
    const.i64 one, 1
    i64.lt r, n, one
    br r, @end, @more
@more:
    i64.sub n, n, one
    ret_call &even n
@end:
    const.bool r, false
    ret r
}
.func narrow(n: i64, sum: i64) -> (i64) {
    .reg one, done
    const.i64 one, 1
    i64.lt done, n, one
    br done, @end, @more
@more:
    i64.sub n, n, one
    ret_call &wide (n, sum, n, one, n, one, n, one, n, one, n, one, n, one, n, one, n, one, n, one)
@end:
    ret sum
}
.func wide(n: i64, sum: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64, i: i64, j: i64, k: i64, l: i64, m: i64, o: i64, p: i64, q: i64, r: i64, s: i64) -> (i64) {
    i64.add sum, sum, s
    ret_call &narrow (n, sum)
}
";

/// Tail calls take no stack, whether the callee's arguments take as much of it as the caller's or not.
#[test]
fn tail_calls_run_in_constant_stack() {
    let work = || {
        let jit = compile(TAIL);
        let limits = Limits::new().fuel(u64::MAX).call_depth(1).stack_slots(64);
        let call = |func, args: &[Value]| {
            let mut instance = link(jit.module());
            let mut execution = instance.execution(limits);
            execution.start(FuncId(func), args).unwrap();
            let outcome = execution.resume();
            (outcome, u64::MAX - execution.fuel())
        };
        // Five instructions a call; four in the last one, which ends in `even`.
        let (outcome, fuel) = call(0, &[Value::I64(100_000_000)]);
        assert_eq!((outcome, fuel), (Outcome::Finished(vec![Value::Bool(true)]), 500_000_004));
        let (outcome, fuel) = call(2, &[Value::I64(1_000_000), Value::I64(0)]);
        assert_eq!((outcome, fuel), (Outcome::Finished(vec![Value::I64(1_000_000)]), 7_000_004));
    };
    let stack = if cfg!(debug_assertions) { 1 << 20 } else { 256 << 10 };
    thread::Builder::new().stack_size(stack).spawn(work).unwrap().join().unwrap();
}

#[test]
fn an_interrupt_stops_a_loop_without_calls_and_the_run_goes_on() {
    let program = compile(LOOP);
    let mut instance = link(program.module());
    let handle = InterruptHandle::new();
    let limits = Limits::new().fuel(u64::MAX);
    let mut execution = instance.execution(limits);
    execution.set_interrupt(handle.clone());
    execution.start(FuncId(0), &[Value::U64(100_000_000)]).unwrap();
    let stopper = thread::spawn({
        let handle = handle.clone();
        move || {
            thread::sleep(Duration::from_millis(5));
            handle.interrupt();
        }
    });
    let first = execution.resume();
    stopper.join().unwrap();
    let used = u64::MAX - execution.fuel();
    assert_eq!(first, Outcome::Interrupted);
    handle.clear();
    assert_eq!(execution.resume(), Outcome::Finished(vec![Value::U64(100_000_000)]));
    // Three constants and a jump, three instructions a turn, a return.
    assert_eq!(u64::MAX - execution.fuel(), 3 + 3 * 100_000_000 + 1);
    assert!(used < u64::MAX - execution.fuel());
}

#[test]
fn an_interrupt_that_is_set_already_stops_before_anything_runs() {
    let program = compile(LOOP);
    let mut instance = link(program.module());
    let handle = InterruptHandle::new();
    handle.interrupt();
    let mut execution = instance.execution(Limits::new());
    execution.set_interrupt(handle);
    execution.start(FuncId(0), &[Value::U64(3)]).unwrap();
    assert_eq!(execution.resume(), Outcome::Interrupted);
    assert_eq!(execution.fuel(), Limits::new().fuel);
}

#[test]
fn one_program_on_many_threads_outlives_its_engine() {
    fn shared<T: Send + Sync>(_: &T) {}
    let program = compile(LOOP);
    shared(&program);
    let threads: Vec<_> = (0..8)
        .map(|i| {
            let module = program.module().clone();
            thread::spawn(move || {
                for n in 1..200 {
                    let limits = Limits::new().fuel(1000 + i);
                    let result = link(&module).call(FuncId(0), &[Value::U64(n)], limits);
                    assert_eq!(result, Ok(vec![Value::U64(n)]));
                }
            })
        })
        .collect();
    drop(program);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Signal handlers are the embedder's own, whatever runs.
#[test]
#[cfg(unix)]
fn signal_handlers_are_left_alone() {
    let handlers = || {
        [libc::SIGSEGV, libc::SIGILL, libc::SIGFPE, libc::SIGBUS].map(|signal| {
            let mut action: libc::sigaction = unsafe_zeroed();
            query(signal, &mut action);
            (action.sa_sigaction, action.sa_flags)
        })
    };
    let before = handlers();
    let program = compile(".func div(a: i64, b: i64) -> (i64) {\n i64.div a, a, b\n ret a\n}");
    let mut instance = link(program.module());
    for (a, b) in [(1, 0), (i64::MIN, -1), (7, 2)] {
        let _ = instance.call(FuncId(0), &[Value::I64(a), Value::I64(b)], Limits::new());
    }
    assert_eq!(handlers(), before);
}

#[cfg(unix)]
fn unsafe_zeroed() -> libc::sigaction {
    // SAFETY: all bits zero is a valid `sigaction`.
    unsafe { std::mem::zeroed() }
}

#[cfg(unix)]
fn query(signal: i32, action: &mut libc::sigaction) {
    // SAFETY: asks for the current action and changes nothing.
    assert_eq!(unsafe { libc::sigaction(signal, std::ptr::null(), action) }, 0);
}

#[test]
fn what_is_too_large_is_refused_and_still_runs_in_the_interpreter() {
    let body = "    i64.add n, n, n\n".repeat(70_000);
    let program = verified(&format!(".func big(n: i64) -> (i64) {{\n{body}    ret n\n}}"));
    let error = JitEngine::new(JitConfig::new()).unwrap().compile(&program).unwrap_err();
    assert_eq!(error.code(), "J0002", "{error}");
    let interp = Module::new(&Engine::default(), &program).unwrap();
    assert_eq!(link(&interp).call(FuncId(0), &[Value::I64(0)], Limits::new()), Ok(vec![Value::I64(0)]));
}

/// Code stands where other code has stood and run before, and what runs is the new code, on other threads too.
#[test]
fn code_replaces_code_at_the_same_address() {
    for i in 0..200 {
        let program =
            compile(&format!(".func f() -> (i64) {{\n    .reg n\n    const.i64 n, {i}\n    ret n\n}}"));
        let run = || link(program.module()).call(FuncId(0), &[], Limits::new());
        let other = thread::scope(|scope| scope.spawn(run).join().unwrap());
        assert_eq!(other, Ok(vec![Value::I64(i)]));
        assert_eq!(run(), other);
    }
}

/// Branches over more than a megabyte, which is as far as a conditional one reaches by itself on aarch64.
#[test]
#[cfg_attr(debug_assertions, ignore = "Cranelift takes 10 s for it, unoptimised")]
fn branches_reach_over_large_functions() {
    let body = "    f64.rem x, x, y\n".repeat(50_000);
    let program = verified(&format!(
        ".func large(n: u64, x: f64) -> (f64) {{
    .reg y, zero, one, done
    const.f64 y, 1e300
    const.u64 zero, 0
    const.u64 one, 1
    u64.eq done, n, zero
    br done, @end, @more
@more:
{body}    u64.sub n, n, one
    u64.eq done, n, zero
    br done, @end, @more
@end:
    ret x
}}"
    ));
    let jit = JitEngine::new(JitConfig::new()).unwrap().compile(&program).unwrap();
    assert!(jit.machine_code(FuncId(0)).len() > 1 << 20, "{}", jit.machine_code(FuncId(0)).len());
    for n in [0, 1, 3] {
        let result = link(jit.module()).call(FuncId(0), &[Value::U64(n), Value::F64(0.5)], Limits::new());
        assert_eq!(result, Ok(vec![Value::F64(0.5)]));
    }
}

/// Many values that are live where much may leave: either compiled in reasonable time, or refused.
#[test]
fn wide_functions_are_compiled_or_refused() {
    for (live, sites, fits) in [(250, 400, true), (1000, 100, true), (2000, 500, false)] {
        let registers: Vec<String> = (0..live).map(|i| format!("v{i}")).collect();
        let mut source = format!(".func wide(n: i64) -> (i64) {{\n    .reg {}\n", registers.join(", "));
        registers.iter().for_each(|v| source += &format!("    i64.add {v}, n, n\n"));
        (0..sites).for_each(|_| source += "    i64.div n, n, n\n");
        registers.iter().for_each(|v| source += &format!("    i64.add n, n, {v}\n"));
        let program = verified(&(source + "    ret n\n}"));
        match JitEngine::new(JitConfig::new()).unwrap().compile(&program) {
            Ok(compiled) => {
                assert!(fits);
                let expected = link(&Module::new(&Engine::default(), &program).unwrap()).call(
                    FuncId(0),
                    &[Value::I64(3)],
                    Limits::new(),
                );
                let actual = link(compiled.module()).call(FuncId(0), &[Value::I64(3)], Limits::new());
                assert_eq!(actual, expected);
            }
            Err(error) => assert!(!fits && error.code() == "J0002", "{error}"),
        }
    }
}

/// A run under a low stack limit ends the same whatever ran in the instance before, on both engines.
#[test]
fn stack_limits_hold_after_a_run_that_had_more() {
    let program = verified(DEEP);
    let jit = JitEngine::new(JitConfig::new()).unwrap().compile(&program).unwrap();
    let interp = Module::new(&Engine::default(), &program).unwrap();
    let low = Limits::new().stack_slots(100);
    let expected = link(&interp).call(FuncId(0), &[Value::I64(20)], low);
    assert!(matches!(&expected, Err(CallError::Trap(trap)) if trap.code == TrapCode::CallDepthExceeded));
    for module in [&interp, jit.module()] {
        let mut instance = link(module);
        instance.call(FuncId(0), &[Value::I64(200)], Limits::new()).unwrap();
        assert_eq!(instance.call(FuncId(0), &[Value::I64(20)], low), expected);
    }
}

/// Typed calls end alike on both engines, again and again: with results, traps, too little fuel, too deep calls.
#[test]
fn typed_calls_end_as_in_the_interpreter() {
    let source = "
.func run(n: i64, d: i64) -> (i64) {
    .reg one, zero, done
    const.i64 one, 1
    const.i64 zero, 0
    i64.le done, n, zero
    br done, @end, @more
@more:
    i64.sub n, n, one
    call &run (n, d) -> n
    i64.add n, n, one
    ret n
@end:
    i64.div n, one, d
    ret n
}
";
    let program = compile(source);
    let interpreted = Module::new(&Engine::default(), &verified(source)).unwrap();
    let (mut native, mut interp) = (link(program.module()), link(&interpreted));
    let on_native = program.module().typed_func::<(i64, i64), i64>(FuncId(0)).unwrap();
    let on_interp = interpreted.typed_func::<(i64, i64), i64>(FuncId(0)).unwrap();
    for fuel in [0, 1, 3, 4, 50, 51, 1000, 1_000_000] {
        let limits = Limits::new().fuel(fuel).call_depth(5000);
        let mut on_native = on_native.bind(&mut native, &limits).unwrap();
        let mut on_interp = on_interp.bind(&mut interp, &limits).unwrap();
        for (n, d) in [(0, 1), (0, 0), (1, 1), (9, 1), (9, 0), (4998, 1), (4999, 1), (6000, 1), (100, -1)] {
            assert_eq!(on_native.call((n, d)), on_interp.call((n, d)), "{n} {d} with {fuel}");
        }
    }
}
