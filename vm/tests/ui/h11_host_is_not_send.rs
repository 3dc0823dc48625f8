//! Host functions go where their instances go, so they must be `Send` and `Sync`.

use opforge_vm::{Caller, Capability, Linker};
use std::rc::Rc;

fn main() {
    let shared = Rc::new(1_i64);
    let mut linker: Linker<()> = Linker::new();
    let add = move |_: &mut Caller<'_, ()>, n: i64| n + *shared;
    let _ = linker.func("env.add", Capability::none(), add);
}
