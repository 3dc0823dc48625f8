//! Random machines of a fixed seed. `OPFORGE_SESSION_RUNS` sets how many are run, the default is 1500, `OPFORGE_SESSION_SEED`
//! another seed. Inputs that have failed are in `fuzz/regressions/sessions`.

mod session_random_support;

use session_random_support::{Health, check, interpreter};

/// Inputs of which one in a few is long.
fn inputs(count: usize, seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0x0100_0000_01b3);
    let mut next = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    (0..count).map(move |_| {
        let len = 50 + (next() >> 33) as usize % 700;
        (0..len).map(|_| (next() >> 40) as u8).collect()
    })
}

#[test]
fn random_machines_neither_panic_nor_leak_nor_differ() {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse().ok());
    let count = number("OPFORGE_SESSION_RUNS").unwrap_or(1500) as usize;
    let seed = number("OPFORGE_SESSION_SEED").unwrap_or(0u64);
    let mut health = Health::default();
    for (n, input) in inputs(count, seed).enumerate() {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            check(&input, &interpreter, cfg!(feature = "std"), &mut health);
        }));
        if outcome.is_err() {
            let path = std::env::temp_dir().join(format!("session_random_{n}"));
            std::fs::write(&path, &input).unwrap();
            panic!("input {n} failed; it is in {}", path.display());
        }
    }
    println!("{health:#?}");
    // They get where they are meant to get.
    assert!(health.ran > count / 3, "{} of {count} ran", health.ran);
    assert!(health.verified > count / 8, "{} of {count} verified", health.verified);
    assert!(health.settled > health.ran / 3, "{} of {} settled", health.settled, health.ran);
    assert!(health.events.len() >= 19, "{:?}", health.events);
    assert!(health.traps.len() >= 10, "{:?}", health.traps);
}
