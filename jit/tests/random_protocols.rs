//! Random conversations, end to end: a global type is projected, the code of each role is made of its local type,
//! verified, and run under every policy.
//!
//! No run traps or is stuck. Under all policies each party does the same in the same order, with the same values, and
//! so do all edges; a run that is stopped for fuel has done the beginning of that. Runs of one policy are the same tick by tick: a
//! hundred times over, in slices of ticks and of fuel, behind a snapshot, replayed from a tape, as native code, and
//! of the program's container and text.
//!
//! `just random-protocols` runs 1000 protocols. `OPFORGE_PROTOCOLS` sets their number, `OPFORGE_SEED` the first seed,
//! `OPFORGE_THREADS` the threads.

mod protocols_support;

use protocols_support::check::{Effort, check};
use protocols_support::figures::Figures;
use std::thread;
use std::time::Instant;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Failures that are reported in full.
const REPORTED: usize = 3;

#[test]
fn verified_parties_always_agree() {
    let count = number("OPFORGE_PROTOCOLS", if cfg!(debug_assertions) { 60 } else { 200 });
    let (first, threads) = (number("OPFORGE_SEED", 0), number("OPFORGE_THREADS", 2).max(1));
    // Repeats and native code of a few are enough where both are slow.
    let effort = |seed: u64| {
        if cfg!(debug_assertions) && !seed.is_multiple_of(10) { Effort::Quick } else { Effort::Full }
    };
    let start = Instant::now();
    let part = |thread: u64| {
        let (mut figures, mut failures) = (Figures::default(), Vec::new());
        for seed in (first + thread..first + count).step_by(threads as usize) {
            if let Err(failure) = check(seed, effort(seed), &mut figures) {
                failures.push(format!("seed {seed} (just random-protocols 1 {seed}): {failure}"));
            }
        }
        (figures, failures)
    };
    let (mut figures, mut failures) = (Figures::default(), Vec::new());
    thread::scope(|scope| {
        let part = &part;
        let parts: Vec<_> = (0..threads).map(|n| scope.spawn(move || part(n))).collect();
        for part in parts {
            let (more, failed) = part.join().expect("panics are defects");
            figures.merge(&more);
            failures.extend(failed);
        }
    });
    println!("{figures}{} failures, {:.0} s", failures.len(), start.elapsed().as_secs_f64());
    let reports = failures.iter().take(REPORTED).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(failures.is_empty(), "{} of {count} protocols fail:\n{reports}", failures.len());
    let rare = figures.too_rare();
    assert!(count < 50 || rare.is_empty(), "too rare: {}", rare.join(", "));
}
