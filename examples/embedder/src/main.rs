//! A program with an opcode and an intrinsic of its own, on both engines.

#![forbid(unsafe_code)]

mod functions;

use opforge::jit::{JitConfig, JitEngine};
use opforge::verify::{VerifyConfig, verify_with};
use opforge::{Capabilities, Engine, EngineConfig, FuncId, Limits, Linker, Module, Value, asm};

// `GAME`, the tables, and the enums `GameOpcode` and `GameIntrinsic`.
include!(concat!(env!("OUT_DIR"), "/game.rs"));

/// Height of a place on the map of a seed: the opcode `game.mix` in a loop, the intrinsic `game.noise` behind it.
const SOURCE: &str = "
.func height(seed: i64, x: f64, y: f64) -> (height: f64, mixed: i64) {
    .reg i, rounds, one, more, height, mixed
    const.i64 i, 0
    const.i64 one, 1
    const.i64 rounds, 10
    mov mixed, seed
    jmp @head
@head:
    game.mix mixed, mixed, i
    i64.add i, i, one
    i64.lt more, i, rounds
    br more, @head, @done
@done:
    intrinsic game.noise (x, y) -> height
    game.snap height, height, 64
    ret (height, mixed)
}
";

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let engine = Engine::with_extensions(EngineConfig::new(), functions::all(&GAME)?)?;
    println!("{} opcodes and {} intrinsics of our own", GameOpcode::ALL.len(), GameIntrinsic::ALL.len());

    let program = asm::assemble_with(engine.isa(), SOURCE)?;
    let verified = verify_with(engine.isa(), program, &VerifyConfig::new())?;
    let interpreted = Module::new(&engine, &verified)?;
    let jit = JitEngine::new(JitConfig::new().engine(engine))?;
    let native = jit.compile(&verified)?;

    let results = [run(&interpreted)?, run(native.module())?];
    assert_eq!(results[0], results[1], "the engines agree on values and fuel");
    let mixed = (0..10).fold(42, functions::mix);
    let height = functions::snap(functions::noise(0.25, -3.5), 64);
    assert_eq!(results[0].0, [Value::F64(height), Value::I64(mixed)]);
    println!("height {height}, mixed {mixed}, {} units of fuel, on both engines", results[0].1);
    Ok(())
}

/// The results of the program, and the fuel it took.
fn run(module: &Module) -> Result<(Vec<Value>, u64), Failure> {
    let mut instance = Linker::new().instantiate(module, (), &Capabilities::none())?;
    let mut execution = instance.execution(Limits::new().fuel(1_000));
    execution.start(FuncId(0), &[Value::I64(42), Value::F64(0.25), Value::F64(-3.5)])?;
    match execution.resume() {
        opforge::Outcome::Finished(values) => Ok((values, 1_000 - execution.fuel())),
        other => Err(format!("{other:?}").into()),
    }
}
