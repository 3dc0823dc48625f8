//! Shares a linear memory with a program: the host writes text into it, the program changes the text in place, and the
//! host reads it there.
//!
//! ```text
//! first run: 12 letters changed, "LINEAR MEMORY"
//! second run: 0 letters changed, "LINEAR MEMORY"
//! trap[T023 MemOutOfBounds]: the bytes are not in the memory: 1 byte from 65536 of memory 0, which has 65536
//! after the trap: "LINEAR MEMORY"
//! cleared: 0 bytes are not zero
//! ```

use opforge::ids::MemId;
use opforge::verify::{VerifyConfig, verify};
use opforge::{Capabilities, Engine, FuncId, Instance, Limits, Linker, Module, asm::assemble};
use std::error::Error;
use std::io::{self, Write};

const PROGRAM: &str = include_str!("upper.ofa");
const AT: usize = 100;
const INPUT: &[u8] = b"linear memory";

fn main() -> Result<(), Box<dyn Error>> {
    demo(&mut io::stdout())
}

pub(crate) fn demo(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let verified = verify(assemble(PROGRAM)?, &VerifyConfig::new())?;
    let module = Module::new(&Engine::default(), &verified)?;
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none())?;
    let upper = module.typed_func::<(u64, u64), u64>(FuncId(0))?;
    // Linear memories count against the memory limit as everything does that the program takes.
    let limits = Limits::new().memory(1 << 20);

    // The host reaches the memories that the program exports, by name. They get their pages with the first run, or here.
    let text = instance.exported_memory("text").ok_or("the program exports no memory `text`")?;
    instance.make_memories(&limits)?;
    let bytes = instance.memory_mut(text).and_then(|bytes| bytes.get_mut(AT..AT + INPUT.len()));
    bytes.ok_or("the memory is too small")?.copy_from_slice(INPUT);

    // Bytes keep from run to run: the second one finds nothing left to change.
    for run in ["first", "second"] {
        let changed = upper.call(&mut instance, (AT as u64, INPUT.len() as u64), &limits)?;
        writeln!(out, "{run} run: {changed} letters changed, {:?}", read(&instance, text)?)?;
    }

    // An address past the end is a trap. What the run has done before stays, and the instance is usable.
    if let Err(error) = upper.call(&mut instance, (65_530, 100), &limits) {
        let report = error.to_string();
        writeln!(out, "{}", report.lines().next().unwrap_or(""))?;
    }
    writeln!(out, "after the trap: {:?}", read(&instance, text)?)?;

    // The next run finds zeros, as in a new instance.
    instance.clear_memories();
    upper.call(&mut instance, (0, 0), &limits)?;
    let left = instance.memory(text).unwrap_or(&[]).iter().filter(|&&byte| byte != 0).count();
    writeln!(out, "cleared: {left} bytes are not zero")?;
    Ok(())
}

fn read(instance: &Instance<()>, text: MemId) -> Result<String, Box<dyn Error>> {
    let bytes = instance.memory(text).and_then(|bytes| bytes.get(AT..AT + INPUT.len()));
    Ok(String::from_utf8_lossy(bytes.ok_or("the memory is too small")?).into_owned())
}
