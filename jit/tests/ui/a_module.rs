use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::Module;

fn compile(module: &Module) {
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    engine.compile(module).unwrap();
}

fn main() {}
