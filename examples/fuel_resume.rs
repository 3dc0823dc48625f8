//! Runs a program in slices: out of fuel is a pause, not the end. A scheduler gives many programs their turns so.
//!
//! ```text
//! slice 1: paused in escape
//! slice 2: paused in escape
//! slice 3: paused in escape
//! slice 4: finished with 26047
//! fuel used: 390553
//! ```

use opforge::verify::{VerifyConfig, verify};
use opforge::{Capabilities, Engine, FuncId, Limits, Linker, Module, Outcome, Value, asm::assemble};
use std::error::Error;
use std::io::{self, Write};

const PROGRAM: &str = include_str!("mandelbrot.ofa");
const SLICE: u64 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    demo(&mut io::stdout())
}

pub(crate) fn demo(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let verified = verify(assemble(PROGRAM)?, &VerifyConfig::new())?;
    let module = Module::new(&Engine::default(), &verified)?;
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none())?;

    let mut run = instance.execution(Limits::new().fuel(SLICE));
    run.start(FuncId(0), &[Value::U64(1)])?;
    for slice in 1.. {
        match run.resume() {
            Outcome::OutOfFuel(at) => {
                // The report says where the run stands. It goes on there as if nothing had happened.
                let name = at.names.first().and_then(|name| name.as_deref()).unwrap_or("?");
                writeln!(out, "slice {slice}: paused in {name}")?;
                run.add_fuel(SLICE);
            }
            Outcome::Finished(results) => {
                if let [Value::U64(value)] = *results {
                    writeln!(out, "slice {slice}: finished with {value}")?;
                }
                // Slices cost nothing: this is the number that one long run uses.
                writeln!(out, "fuel used: {}", slice * SLICE - run.fuel())?;
                break;
            }
            other => return Err(format!("unexpected: {other:?}").into()),
        }
    }
    Ok(())
}
