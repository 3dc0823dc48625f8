//! Assembles a program from text, verifies it, and calls a function.
//!
//! ```text
//! fib(20) = 6765
//! with 10 units of fuel: trap[T001 FuelExceeded]: out of fuel
//! ```

use opforge::verify::{VerifyConfig, verify};
use opforge::{CallError, Capabilities, Engine, FuncId, Limits, Linker, Module, Value, asm::assemble};
use std::error::Error;
use std::io::{self, Write};

const PROGRAM: &str = include_str!("fib.ofa");

fn main() -> Result<(), Box<dyn Error>> {
    demo(&mut io::stdout())
}

pub(crate) fn demo(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // Text is untrusted until it is verified; only a verified program can become a module.
    let verified = verify(assemble(PROGRAM)?, &VerifyConfig::new())?;
    let module = Module::new(&Engine::default(), &verified)?;
    // The program imports nothing, so the linker has no functions and the host no data.
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none())?;

    let fib = module.program().func_by_name("fib").unwrap_or(FuncId(0));
    if let [Value::I64(value)] = *instance.call(fib, &[Value::I64(20)], Limits::new())? {
        writeln!(out, "fib(20) = {value}")?;
    }

    // A run ends within its limits, whatever the program does; the instance stays usable.
    match instance.call(fib, &[Value::I64(20)], Limits::new().fuel(10)) {
        Err(CallError::Trap(trap)) => {
            let report = trap.to_string();
            writeln!(out, "with 10 units of fuel: {}", report.lines().next().unwrap_or(""))?;
        }
        other => writeln!(out, "unexpected: {other:?}")?,
    }
    Ok(())
}
