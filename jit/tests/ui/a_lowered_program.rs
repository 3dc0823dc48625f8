use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::lower::ExecProgram;

fn compile(program: &ExecProgram) {
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    engine.compile(program).unwrap();
}

fn main() {}
