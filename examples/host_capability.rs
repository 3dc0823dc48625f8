//! Gives a program a host function, behind a capability that must be granted before anything runs.
//!
//! ```text
//! not granted: error[H0003]: import `env.log` needs capability `log`, which was not granted
//! granted: [I64(3)], logged ["tick", "tick", "tick"]
//! ```

use opforge::verify::{VerifyConfig, verify};
use opforge::{
    Caller, Capabilities, Capability, Engine, FuncId, Limits, Linker, Module, Value, asm::assemble,
};
use std::error::Error;
use std::io::{self, Write};

const PROGRAM: &str = include_str!("host.ofa");

/// What the host keeps for a program; its functions reach it through [`Caller`].
#[derive(Debug, Default)]
struct Log {
    lines: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    demo(&mut io::stdout())
}

pub(crate) fn demo(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let verified = verify(assemble(PROGRAM)?, &VerifyConfig::new())?;
    let module = Module::new(&Engine::default(), &verified)?;

    // The signature (str) -> () is that of the closure.
    let mut linker = Linker::new();
    linker.func("env.log", Capability::named("log"), |caller: &mut Caller<'_, Log>, line: String| {
        caller.data_mut().lines.push(line);
    })?;

    // Imports are resolved and capabilities checked here, once; no program finds out while it runs.
    if let Err(error) = linker.instantiate(&module, Log::default(), &Capabilities::none()) {
        writeln!(out, "not granted: {error}")?;
    }
    let granted = Capabilities::none().grant("log");
    let mut instance = linker.instantiate(&module, Log::default(), &granted)?;
    let results = instance.call(FuncId(0), &[Value::I64(3)], Limits::new().host_calls(10))?;
    writeln!(out, "granted: {results:?}, logged {:?}", instance.data().lines)?;
    Ok(())
}
