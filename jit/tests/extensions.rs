//! Embedders' own opcodes and intrinsics in native code: value, trap, place, fuel and memory are those of the
//! interpreter, wherever fuel runs out, and each function is called once for an instruction that is executed.

#[path = "../../vm/tests/extensions_support/mod.rs"]
#[allow(dead_code)]
mod extensions_support;

use extensions_support::{SOURCE, extensions, isa};
use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::extensions::Missing;
use opforge_vm::ids::FuncId;
use opforge_vm::trap::ExtensionFault;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify_with};
use opforge_vm::{
    Capabilities, Engine, EngineConfig, Extensions, FuelSchedule, Instance, Limits, Linker, Module, Outcome,
    TrapCode, TrapDetail, Value, asm,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn verified(source: &str) -> VerifiedProgram {
    let program = asm::assemble_with(isa(), source).unwrap_or_else(|e| panic!("{e}"));
    verify_with(isa(), program, &VerifyConfig::new()).unwrap_or_else(|e| panic!("{e}"))
}

fn linked(module: &Module) -> Instance<()> {
    Linker::new().instantiate(module, (), &Capabilities::none()).expect("nothing to link")
}

/// The program in the interpreter and in native code.
fn both(engine: &Engine, source: &str) -> [Instance<()>; 2] {
    let verified = verified(source);
    let module = Module::new(engine, &verified).unwrap_or_else(|e| panic!("{e}"));
    let jit = JitEngine::new(JitConfig::new().engine(engine.clone())).expect("native code");
    let native = jit.compile(&verified).unwrap_or_else(|e| panic!("{e}"));
    [linked(&module), linked(native.module())]
}

/// Everything that can be seen of a run with this fuel, which gets `more` where it runs out.
fn run(instance: &mut Instance<()>, func: FuncId, args: &[Value], limits: Limits, more: u64) -> String {
    let mut execution = instance.execution(limits);
    if let Err(error) = execution.start(func, args) {
        return format!("{error}");
    }
    let mut seen = String::new();
    for _ in 0..100_000 {
        let outcome = execution.resume();
        seen += &format!("{outcome:?} fuel {} memory {}\n", execution.fuel(), execution.heap().charged());
        match outcome {
            Outcome::OutOfFuel(_) if more > 0 => execution.add_fuel(more),
            _ => return seen,
        }
    }
    panic!("it does not end");
}

fn cases() -> Vec<(&'static str, Vec<Value>)> {
    let play = |n, x, shield| ("play", vec![Value::I64(n), Value::F64(x), Value::U64(shield)]);
    let walk = |column, row, way| ("walk", vec![Value::I64(column), Value::I64(row), Value::U64(way)]);
    let say = |text: &str| ("say", vec![Value::Str(text.into())]);
    vec![
        play(0, 0.5, 0),
        play(7, 0.3, 40),
        play(4, -1.0, 100),
        play(3, f64::NAN, 101),
        play(50, 1e300, 3),
        walk(3, 4, 0),
        walk(-1, 0, 3),
        walk(0, 0, 4),
        say(""),
        say("gr\u{fc}n"),
        say(&"long ".repeat(60)),
        ("bits", vec![Value::F64(f64::from_bits(0xfff8_0000_0000_1234))]),
        ("bits", vec![Value::F64(-0.0)]),
    ]
}

#[test]
fn engines_agree_with_any_amount_of_fuel() {
    for schedule in [FuelSchedule::BySize, FuelSchedule::V1] {
        let config = EngineConfig::new().schedule(schedule);
        let engine = Engine::with_extensions(config, extensions()).expect("an engine");
        let [mut interp, mut native] = both(&engine, SOURCE);
        for (name, args) in cases() {
            let func = interp.module().program().func_by_name(name).expect("a function");
            let mut at = |fuel, memory, more| {
                let limits = Limits::new().fuel(fuel).memory(memory);
                let wanted = run(&mut interp, func, &args, limits, more);
                let found = run(&mut native, func, &args, limits, more);
                assert_eq!(found, wanted, "{name} {args:?}, fuel {fuel}, {schedule:?}");
                wanted
            };
            let whole = at(100_000, 1 << 20, 0);
            assert!(whole.starts_with("Finished") || whole.starts_with("Trapped"), "{whole}");
            for fuel in 0..80 {
                at(fuel, 1 << 20, 0);
                at(fuel, 1 << 20, 1 + fuel % 5);
            }
            // No room for what a function makes.
            for memory in [0, 1, 5, 60, 300, 310, 600] {
                at(100_000, memory, 0);
            }
        }
    }
}

/// What functions do besides their results is their embedder's fault, but no engine may call one twice.
#[test]
fn a_function_is_called_once_even_if_it_traps() {
    for (ending, code) in
        [(0, TrapCode::IntOverflow), (1, TrapCode::InvalidIntrinsic), (2, TrapCode::HostPanicked)]
    {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = calls.clone();
        let mut all = Extensions::new(isa()).expect("good tables");
        all.missing(Missing::TrapWhenExecuted);
        let hit = move |life: i64, _: i64, _: u64| {
            counted.fetch_add(1, Ordering::Relaxed);
            match (life, ending) {
                (3.., _) => Ok(life - 1),
                (_, 0) => Err(TrapCode::IntOverflow),
                (_, 1) => Err(TrapCode::InvalidUtf8),
                _ => panic!("no life left"),
            }
        };
        all.opcode("game.hit", hit).expect("it fits");
        let engine = Engine::with_extensions(EngineConfig::new(), all).expect("an engine");
        let source = ".func main(life: i64, s: u64) -> (i64) {\n jmp @head\n@head:\n i64.add life, life, life\n \
            i64.sub life, life, life\n game.hit life, life, life, s\n game.hit life, life, life, s\n jmp @head\n}\n\
            .func down(life: i64, s: u64) -> (i64) {\n jmp @head\n@head:\n game.hit life, life, life, s\n \
            i64.neg life, life\n i64.neg life, life\n jmp @head\n}\n";
        for (func, expected) in [(FuncId(0), 1), (FuncId(1), 19)] {
            let [mut interp, mut native] = both(&engine, source);
            let args = [Value::I64(20), Value::U64(1)];
            let mut seen = Vec::new();
            for instance in [&mut interp, &mut native] {
                calls.store(0, Ordering::Relaxed);
                seen.push(run(instance, func, &args, Limits::new().fuel(1_000), 0));
                assert_eq!(calls.load(Ordering::Relaxed), expected, "{ending}");
            }
            assert_eq!(seen[0], seen[1]);
            assert!(seen[0].contains(&format!("code: {code:?}")), "{}", seen[0]);
        }
    }
}

#[test]
fn panics_become_traps_and_the_payload_is_kept() {
    let mut all = Extensions::new(isa()).expect("good tables");
    all.missing(Missing::TrapWhenExecuted);
    all.intrinsic("game.noise", |_: f64, _: f64| -> f64 {
        std::panic::panic_any(String::from("no noise today"))
    })
    .expect("it fits");
    let engine = Engine::with_extensions(EngineConfig::new(), all).expect("an engine");
    let source = ".func main(x: f64) -> (f64) {\n intrinsic game.noise (x, x) -> (x)\n ret x\n}\n";
    for mut instance in both(&engine, source) {
        for _ in 0..2 {
            let mut execution = instance.execution(Limits::new());
            execution.start(FuncId(0), &[Value::F64(1.0)]).expect("it starts");
            let Outcome::Trapped(trap) = execution.resume() else { panic!("no trap") };
            assert_eq!(trap.code, TrapCode::HostPanicked);
            let fault = ExtensionFault::Panicked(Some("no noise today".into()));
            assert_eq!(trap.detail, TrapDetail::Extension { name: "game.noise".into(), fault });
            let payload = instance.take_panic().expect("a payload");
            assert_eq!(payload.downcast_ref::<String>().map(String::as_str), Some("no noise today"));
        }
    }
}

#[test]
fn a_row_without_a_function_traps_in_native_code_too() {
    let mut none = Extensions::new(isa()).expect("good tables");
    none.missing(Missing::TrapWhenExecuted);
    let engine = Engine::with_extensions(EngineConfig::new(), none).expect("an engine");
    let [mut interp, mut native] = both(&engine, SOURCE);
    for (name, args) in cases() {
        let func = interp.module().program().func_by_name(name).expect("a function");
        let limits = Limits::new().fuel(1_000);
        let [wanted, found] = [&mut interp, &mut native].map(|i| run(i, func, &args, limits, 0));
        assert_eq!(found, wanted, "{name}");
        assert!(wanted.contains("InvalidIntrinsic") && wanted.contains("NotRegistered"), "{wanted}");
    }
}

#[test]
fn native_code_is_refused_for_other_tables() {
    let jit = JitEngine::new(JitConfig::new()).expect("native code");
    let refused = jit.compile(&verified(SOURCE)).expect_err("other tables");
    assert!(refused.to_string().contains("L0003"), "{refused}");
}
