//! Random machines on both engines: what one does the other does.

#[path = "../../vm/tests/random_support/mod.rs"]
mod random_support;
#[path = "../../vm/tests/session_random_support/mod.rs"]
mod session_random_support;

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::Module;
use opforge_vm::verify::VerifiedProgram;
use session_random_support::{check_many, interpreter};

fn both(verified: &VerifiedProgram) -> Vec<Module> {
    let compiled = JitEngine::new(JitConfig::new()).unwrap().compile(verified).unwrap();
    let mut modules = interpreter(verified);
    modules.push(compiled.module().clone());
    modules
}

#[test]
fn random_machines_are_the_same_on_both_engines() {
    let (count, health) = check_many("session_random_jit", 0x0123_4567_89ab_cdef, 300, &both, true);
    assert!(health.ran > count / 3, "{} of {count} ran", health.ran);
}
