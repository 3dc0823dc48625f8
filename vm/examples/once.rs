//! Runs `run` of one program file once, with one argument, and prints what it gives: something small to run in a
//! profiler, or to count the instructions of and to look over the memory of. With a number of times it runs again and
//! again, each time with the first argument. Programs may import `bench.ping`, which adds one.
//!
//! `cargo run --release --package opforge-vm --example once -- bench/workloads/fib.ofa 20`

use opforge_vm::asm::assemble;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Caller, Capabilities, Capability, Engine, Limits, Linker, Module, Value, ValueType};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(file), Some(number)) = (args.next(), args.next()) else {
        return Err("give a file and a number, and perhaps how many times".into());
    };
    let times: u64 = args.next().map_or(Ok(1), |times| times.parse())?;
    let source = std::fs::read_to_string(&file)?;
    let program = assemble(&source).map_err(|errors| errors.render(&source, &file).to_string())?;
    let verified = verify(program, &VerifyConfig::new()).map_err(|report| report.to_string())?;
    let module = Module::new(&Engine::default(), &verified)?;
    let mut linker = Linker::new();
    linker.func("bench.ping", Capability::none(), |_: &mut Caller<'_, ()>, x: i64| x.wrapping_add(1))?;
    let mut instance = linker.instantiate(&module, (), &Capabilities::none())?;
    let func = module.program().func_by_name("run").ok_or("the program has no function `run`")?;
    let class = module.program().function(func).and_then(|function| function.params.first().copied());
    let argument = match class {
        Some(ValueType::I64) => Value::I64(number.parse()?),
        _ => Value::U64(number.parse()?),
    };
    let limits = Limits::new().fuel(1 << 60).host_calls(1 << 60);
    for _ in 1..times {
        instance.call(func, std::slice::from_ref(&argument), limits)?;
    }
    let results = instance.call(func, &[argument], limits)?;
    println!("{results:?}");
    Ok(())
}
