//! Interpreter against native code on the programs that the interpreter is measured with, the cost of a call from
//! Rust, and what compiling costs.
//!
//! `cargo bench -p opforge-jit --bench engines`

#[path = "../../benches/support/clock.rs"]
mod clock;
#[path = "../../benches/support/programs.rs"]
#[allow(dead_code, reason = "other benches read the rest")]
mod programs;

use clock::thread_cpu_time;
use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::container::{DecodeConfig, decode};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{
    Caller, Capabilities, Capability, Engine, Instance, Limits, Linker, Module, Outcome, Value, asm,
};
use programs::{Arg, HOST_SYMBOL};

const PLENTY: u64 = 1 << 60;

fn link(module: &Module) -> Instance<()> {
    let mut linker = Linker::new();
    let increment = |_: &mut Caller<'_, ()>, x: i64| x.wrapping_add(1);
    linker.func(HOST_SYMBOL, Capability::none(), increment).unwrap();
    linker.instantiate(module, (), &Capabilities::none()).unwrap()
}

/// Runs once; the result's bits and the fuel used.
fn run(instance: &mut Instance<()>, args: &[Value]) -> (u64, u64) {
    let mut execution = instance.execution(Limits::new().fuel(PLENTY).host_calls(u64::MAX));
    execution.start(FuncId(0), args).unwrap();
    let outcome = execution.resume();
    let used = PLENTY - execution.fuel();
    match outcome {
        Outcome::Finished(values) => match values[..] {
            [Value::I64(v)] => (v as u64, used),
            [Value::U64(v)] => (v, used),
            ref other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// Best nanoseconds of one call of `f`, of nine samples of about 20 ms.
fn time(mut f: impl FnMut()) -> f64 {
    let once = {
        let begin = thread_cpu_time();
        f();
        thread_cpu_time() - begin
    };
    let count = (20_000_000 / once.as_nanos().max(1)).clamp(1, 1_000_000) as u32;
    let sample = |_| {
        let begin = thread_cpu_time();
        (0..count).for_each(|_| f());
        (thread_cpu_time() - begin).as_nanos() as f64 / f64::from(count)
    };
    (0..9).map(sample).fold(f64::INFINITY, f64::min)
}

fn run_programs(jit: &JitEngine) {
    println!("| program | interpreter us | native us | ratio | native ns per unit of fuel |");
    println!("|---|---:|---:|---:|---:|");
    for workload in programs::all() {
        let program = decode(&workload.bytes, &DecodeConfig::new()).unwrap();
        let verified = verify(program, &VerifyConfig::new()).unwrap();
        let args: Vec<Value> = workload
            .args
            .iter()
            .map(|arg| match *arg {
                Arg::I64(v) => Value::I64(v),
                Arg::U64(v) => Value::U64(v),
            })
            .collect();
        let mut interp = link(&Module::new(&Engine::default(), &verified).unwrap());
        let mut native = link(jit.compile(&verified).unwrap().module());
        let (result, fuel) = run(&mut interp, &args);
        assert_eq!(
            (result, run(&mut native, &args)),
            (workload.expected, (result, fuel)),
            "{}",
            workload.name
        );
        let slow = time(|| assert_eq!(run(&mut interp, &args).0, result));
        let fast = time(|| assert_eq!(run(&mut native, &args).0, result));
        let (name, ratio, unit) = (workload.name, slow / fast, fast / fuel as f64);
        println!("| {name} | {:.1} | {:.1} | {ratio:.2} | {unit:.2} |", slow / 1000.0, fast / 1000.0);
    }
}

fn call_in(jit: &JitEngine) {
    let source = ".func add(a: i64, b: i64) -> (c: i64) {\n i64.add a, a, b\n ret a\n}";
    let verified = verify(asm::assemble(source).unwrap(), &VerifyConfig::new()).unwrap();
    let args = [Value::I64(1), Value::I64(2)];
    for (name, module) in [
        ("interpreter", Module::new(&Engine::default(), &verified).unwrap()),
        ("native", jit.compile(&verified).unwrap().module().clone()),
    ] {
        let mut instance = link(&module);
        println!("call from Rust, {name}: {:.1} ns", time(|| assert_eq!(run(&mut instance, &args).0, 3)));
    }
}

/// Functions of 50 instructions in some blocks, as generated code has them.
fn many(functions: usize) -> VerifiedProgram {
    let mut source = String::new();
    for i in 0..functions {
        source +=
            &format!(".func f{i}(a: i64, b: i64) -> (a: i64) {{\n    .reg c, t\n    mov c, a\n    jmp @b0\n");
        for block in 0..4 {
            source += &format!("@b{block}:\n");
            for k in 0..5 {
                source += &format!("    i64.add c, c, b\n    i64.xor a, c, {}\n", ["a", "b"][k % 2]);
            }
            source += &format!("    i64.lt t, a, c\n    br t, @b{}, @end\n", (block + 1) % 4);
        }
        source += "@end:\n    ret a\n}\n";
    }
    verify(asm::assemble(&source).unwrap(), &VerifyConfig::new()).unwrap()
}

fn compile_time(jit: &JitEngine) {
    let verified = many(200);
    let instrs: usize = verified.functions().iter().map(|f| f.code().instrs().len()).sum();
    let compiled = jit.compile(&verified).unwrap();
    let ns = time(|| drop(jit.compile(&verified).unwrap()));
    println!(
        "compiling {instrs} instructions: {:.0} ns and {:.1} bytes of code each",
        ns / instrs as f64,
        compiled.code_size() as f64 / instrs as f64
    );
}

fn main() {
    let jit = JitEngine::new(JitConfig::new()).unwrap();
    run_programs(&jit);
    call_in(&jit);
    compile_time(&jit);
}
