//! Writes the machine code of a function of a text program to standard output, for a disassembler:
//!
//! `cargo run -p opforge-jit --example machine_code -- FILE FUNC > code && objdump -D -b binary -m i386:x86-64 code`

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::asm;
use opforge_vm::verify::{VerifyConfig, verify};
use std::error::Error;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (file, name) = (args.next().ok_or("FILE")?, args.next().ok_or("FUNC")?);
    let verified = verify(asm::assemble(&std::fs::read_to_string(file)?)?, &VerifyConfig::new())?;
    let compiled = JitEngine::new(JitConfig::new())?.compile(&verified)?;
    let func = compiled.module().program().func_by_name(&name).ok_or("no such function")?;
    std::io::stdout().write_all(compiled.machine_code(func))?;
    Ok(())
}
