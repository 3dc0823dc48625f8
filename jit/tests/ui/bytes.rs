use opforge_jit::{JitConfig, JitEngine};

fn compile(container: &[u8]) {
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    engine.compile(container).unwrap();
}

fn main() {}
