//! A host function cannot reach the instance that calls it.

use opforge_vm::ids::FuncId;
use opforge_vm::{Caller, Capabilities, Capability, Instance, Limits, Linker, Module};

fn run(module: &Module) {
    let mut inner: Instance<()> = Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
    let mut linker: Linker<()> = Linker::new();
    let again = |_: &mut Caller<'_, ()>| {
        let _ = inner.call(FuncId(0), &[], Limits::new());
    };
    let _ = linker.func("env.again", Capability::none(), again);
    let _ = inner.call(FuncId(0), &[], Limits::new());
}

fn main() {}
