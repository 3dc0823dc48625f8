//! Runs a function of a text program on both engines and shows the time of each.
//!
//! `cargo run --release -p opforge-jit --example speed -- FILE FUNC [INTEGER...]`

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Limits, Linker, Module, Value, ValueType, asm};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (file, name) = (args.next().ok_or("FILE")?, args.next().ok_or("FUNC")?);
    let verified = verify(asm::assemble(&std::fs::read_to_string(file)?)?, &VerifyConfig::new())?;
    let interp = Module::new(&Engine::default(), &verified)?;
    let engine = JitEngine::new(JitConfig::new())?;
    let begin = Instant::now();
    let compiled = engine.compile(&verified)?;
    let compile = begin.elapsed();
    let instrs: usize = interp.program().functions.iter().map(|f| f.instrs.len()).sum();
    println!(
        "compiled {instrs} instructions in {compile:?} ({:.0} ns each), {} bytes of code, {} native frames",
        compile.as_nanos() as f64 / instrs as f64,
        compiled.code_size(),
        compiled.max_native_frames()
    );
    let func = interp.program().func_by_name(&name).ok_or("no such function")?;
    let params = interp.program().function(func).map(|f| f.params.clone()).unwrap_or_default();
    let values: Vec<Value> = args
        .zip(&params)
        .map(|(text, ty)| {
            Ok(match ty {
                ValueType::U64 => Value::U64(text.parse()?),
                ValueType::F64 => Value::F64(text.parse()?),
                _ => Value::I64(text.parse()?),
            })
        })
        .collect::<Result<_, Box<dyn Error>>>()?;
    let limits = Limits::new().fuel(u64::MAX / 2);
    for (what, module) in [("interpreter", &interp), ("native", compiled.module())] {
        let mut instance = Linker::new().instantiate(module, (), &Capabilities::none())?;
        let mut best = u128::MAX;
        let mut result = Vec::new();
        for _ in 0..5 {
            let begin = Instant::now();
            result = instance.call(func, &values, limits)?;
            best = best.min(begin.elapsed().as_nanos());
        }
        println!("{what:12} {:>12.3} us  {result:?}", best as f64 / 1000.0);
    }
    Ok(())
}
