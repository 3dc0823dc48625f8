//! Runs a program as native code where there is some, and in the interpreter otherwise. Everything behind the choice is
//! the same, and so are results and fuel. Needs the feature `jit`:
//!
//! `cargo run --release --features jit --example jit`
//!
//! ```text
//! interpreter: 26047, 390553 units of fuel
//! native code: 26047, 390553 units of fuel
//! native code in a small room: error[J0003]
//! ```

use opforge::jit::{JitConfig, JitEngine, JitError};
use opforge::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge::{Capabilities, Engine, FuncId, Limits, Linker, Module, Outcome, Value, asm::assemble};
use std::error::Error;
use std::io::{self, Write};

const PROGRAM: &str = include_str!("mandelbrot.ofa");
const FUEL: u64 = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    demo(&mut io::stdout())
}

pub(crate) fn demo(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let verified = verify(assemble(PROGRAM)?, &VerifyConfig::new())?;
    let interp = Module::new(&Engine::default(), &verified)?;
    writeln!(out, "interpreter: {}", run(&interp)?)?;

    // Compile once; the program is cheap to clone, and shared between threads.
    let compiled = JitEngine::new(JitConfig::new())?.compile(&verified)?;
    writeln!(out, "native code: {}", run(compiled.module())?)?;

    // What cannot be compiled still runs.
    let (module, error) = native_or_not(JitConfig::new().max_code(100), &verified)?;
    let code = error.map_or("none", |error| error.code());
    writeln!(out, "native code in a small room: error[{code}]")?;
    assert_eq!(run(&module)?, run(&interp)?);
    Ok(())
}

/// A module with native code, or one without and the reason.
fn native_or_not(
    config: JitConfig,
    verified: &VerifiedProgram,
) -> Result<(Module, Option<JitError>), Box<dyn Error>> {
    let engine = config.engine.clone();
    match JitEngine::new(config).and_then(|jit| jit.compile(verified)) {
        Ok(program) => Ok((program.module().clone(), None)),
        Err(error) => Ok((Module::new(&engine, verified)?, Some(error))),
    }
}

fn run(module: &Module) -> Result<String, Box<dyn Error>> {
    let mut instance = Linker::new().instantiate(module, (), &Capabilities::none())?;
    let mut run = instance.execution(Limits::new().fuel(FUEL));
    run.start(FuncId(0), &[Value::U64(1)])?;
    match run.resume() {
        Outcome::Finished(results) => match *results {
            [Value::U64(value)] => Ok(format!("{value}, {} units of fuel", FUEL - run.fuel())),
            _ => Err("the program gives one number".into()),
        },
        other => Err(format!("unexpected: {other:?}").into()),
    }
}
