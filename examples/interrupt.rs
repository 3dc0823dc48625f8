//! Stops a program that would run for a very long time from another thread, and goes on with it later.
//!
//! ```text
//! interrupted
//! interrupted again, further on
//! ```

use opforge::verify::{VerifyConfig, verify};
use opforge::{
    Capabilities, Engine, FuncId, InterruptHandle, Limits, Linker, Module, Outcome, asm::assemble,
};
use std::error::Error;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

const PROGRAM: &str = "
    .func forever() -> () {
        jmp @loop
    @loop:
        jmp @loop
    }";

fn main() -> Result<(), Box<dyn Error>> {
    demo(&mut io::stdout())
}

pub(crate) fn demo(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let verified = verify(assemble(PROGRAM)?, &VerifyConfig::new())?;
    let module = Module::new(&Engine::default(), &verified)?;
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none())?;

    let mut run = instance.execution(Limits::new().fuel(u64::MAX));
    let interrupt = InterruptHandle::new();
    run.set_interrupt(interrupt.clone());
    run.start(FuncId(0), &[])?;

    let mut fuel = run.fuel();
    for message in ["interrupted", "interrupted again, further on"] {
        let timer = interrupt.clone();
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(5));
            timer.interrupt();
        });
        // The flag is looked at where fuel is charged, so this returns soon after it is set.
        match run.resume() {
            Outcome::Interrupted if run.fuel() < fuel => writeln!(out, "{message}")?,
            other => return Err(format!("unexpected: {other:?}").into()),
        }
        if thread.join().is_err() {
            return Err("the timer thread panicked".into());
        }
        fuel = run.fuel();
        interrupt.clear();
    }
    Ok(())
}
