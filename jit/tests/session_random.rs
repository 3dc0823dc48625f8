//! Random machines on both engines: what one does the other does.

#[path = "../../vm/tests/session_random_support/mod.rs"]
mod session_random_support;

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::Module;
use opforge_vm::verify::VerifiedProgram;
use session_random_support::{Health, check, interpreter};

fn both(verified: &VerifiedProgram) -> Vec<Module> {
    let compiled = JitEngine::new(JitConfig::new()).unwrap().compile(verified).unwrap();
    let mut modules = interpreter(verified);
    modules.push(compiled.module().clone());
    modules
}

#[test]
fn random_machines_are_the_same_on_both_engines() {
    let mut state = 0x0123_4567_89ab_cdefu64;
    let mut next = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let count: usize =
        std::env::var("OPFORGE_SESSION_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let mut health = Health::default();
    for n in 0..count {
        let len = 50 + (next() >> 33) as usize % 700;
        let input: Vec<u8> = (0..len).map(|_| (next() >> 40) as u8).collect();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            check(&input, &both, true, &mut health)
        }));
        if outcome.is_err() {
            let path = std::env::temp_dir().join(format!("session_random_jit_{n}"));
            std::fs::write(&path, &input).unwrap();
            panic!("input {n} failed; it is in {}", path.display());
        }
    }
    assert!(health.ran > count / 3, "{} of {count} ran", health.ran);
}
