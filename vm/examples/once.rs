//! Runs the function `run` of a program in text once, on the interpreter, and prints its result: what
//! `scripts/icount.sh` counts the instructions of.
//!
//! `cargo run --release --package opforge-vm --example once -- bench/workloads/fib.ofa 20`

use opforge_vm::asm::assemble;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Limits, Linker, Module, Value, ValueType};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let (Some(file), Some(number)) = (std::env::args().nth(1), std::env::args().nth(2)) else {
        return Err("give a file and a number".into());
    };
    let source = std::fs::read_to_string(&file)?;
    let program = assemble(&source).map_err(|errors| errors.render(&source, &file).to_string())?;
    let verified = verify(program, &VerifyConfig::new()).map_err(|report| report.to_string())?;
    let module = Module::new(&Engine::default(), &verified)?;
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none())?;
    let func = module.program().func_by_name("run").ok_or("the program has no function `run`")?;
    let class = module.program().function(func).and_then(|function| function.params.first().copied());
    let argument = match class {
        Some(ValueType::I64) => Value::I64(number.parse()?),
        _ => Value::U64(number.parse()?),
    };
    let results = instance.call(func, &[argument], Limits::new().fuel(1 << 60))?;
    println!("{results:?}");
    Ok(())
}
