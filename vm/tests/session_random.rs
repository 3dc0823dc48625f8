//! Random machines of a fixed seed. `OPFORGE_SESSION_RUNS` sets how many are run, the default is 1500, `OPFORGE_SESSION_SEED`
//! another seed. Inputs that have failed are in `fuzz/regressions/sessions`.

mod random_support;
mod session_random_support;

use session_random_support::{check_many, interpreter};

#[test]
fn random_machines_neither_panic_nor_leak_nor_differ() {
    let seed: u64 = std::env::var("OPFORGE_SESSION_SEED").map_or(0, |text| text.parse().unwrap());
    let seed = 0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0x0100_0000_01b3);
    let (count, health) = check_many("session_random", seed, 1500, &interpreter, cfg!(feature = "std"));
    println!("{health:#?}");
    // They get where they are meant to get.
    assert!(health.ran > count / 3, "{} of {count} ran", health.ran);
    assert!(health.verified > count / 8, "{} of {count} verified", health.verified);
    assert!(health.settled > health.ran / 3, "{} of {} settled", health.settled, health.ran);
    assert!(health.events.len() >= 19, "{:?}", health.events);
    assert!(health.traps.len() >= 10, "{:?}", health.traps);
}
