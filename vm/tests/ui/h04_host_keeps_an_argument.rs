//! A host function cannot keep text that it was lent for a call.

use opforge_vm::{Caller, Capability, Linker};

fn main() {
    let mut linker: Linker<Vec<&'static str>> = Linker::new();
    let keep = |caller: &mut Caller<'_, Vec<&'static str>>, text: &str| caller.data_mut().push(text);
    let _ = linker.func("env.keep", Capability::none(), keep);
}
