use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::Program;

fn compile(program: &Program) {
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    engine.compile(program).unwrap();
}

fn main() {}
