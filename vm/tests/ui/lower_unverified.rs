use opforge_vm::{Engine, Module, Program};

fn load(program: &Program) -> Module {
    Module::new(&Engine::default(), program).unwrap()
}

fn main() {}
