//! Generated programs on the interpreter: they verify, run alike however they are driven, keep their bytes through
//! container and text, and end as in execution_tape 0.0.1.
//!
//! `OPFORGE_PROGRAMS` sets the number of programs, `OPFORGE_SEED` the first seed, `OPFORGE_THREADS` the threads.

mod support;

use opforge_testgen::{Dialect, GenConfig, GeneratedProgram, from_bytes, from_seed, seed_bytes, shrink};
use opforge_vm::disasm::{DisasmOptions, disassemble};
use std::panic::{AssertUnwindSafe, catch_unwind};
use support::check::{Task, check};
use support::health::Health;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn config(seed: u64) -> (GenConfig, Task) {
    let dialect = if seed.is_multiple_of(2) { Dialect::Peer } else { Dialect::Full };
    (GenConfig::default().dialect(dialect), Task { seed, dialect: (seed % 2) as usize })
}

/// As [`check`], with panics as failures.
fn try_check(of: &GeneratedProgram, task: Task, health: &mut Health) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| check(of, task, health))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// The report of a failure: seed, reason, and the smallest program that fails so.
fn report(seed: u64, why: &str) -> String {
    let (config, task) = config(seed);
    // What kind of failure it is stands before the first figure.
    let kind = |why: &str| why.chars().filter(|c| !c.is_ascii_digit()).take(40).collect::<String>();
    let fails = |of: &GeneratedProgram| {
        try_check(of, task, &mut Health::default()).is_err_and(|other| kind(&other) == kind(why))
    };
    let (bytes, config) = shrink(&seed_bytes(seed), &config, 3000, fails);
    let small = from_bytes(&bytes, &config);
    let why_small = try_check(&small, task, &mut Health::default()).err().unwrap_or_default();
    let text = disassemble(&small.program, &DisasmOptions::pretty());
    format!("seed {seed}: {why}\n\nsmallest: {why_small}\ninputs: {:#?}\n{text}", small.inputs)
}

fn run(seeds: impl Iterator<Item = u64>) -> (Health, Vec<(u64, String)>) {
    let mut health = Health::default();
    let mut failures = Vec::new();
    for seed in seeds {
        let (config, task) = config(seed);
        let generated = catch_unwind(|| from_seed(seed, &config));
        let result = match generated {
            Ok(generated) => try_check(&generated, task, &mut health),
            Err(_) => Err("the generator panicked".to_owned()),
        };
        if let Err(why) = result {
            failures.push((seed, why));
        }
    }
    (health, failures)
}

#[test]
fn generated_programs_agree() {
    let programs = number("OPFORGE_PROGRAMS", 1500);
    let first = number("OPFORGE_SEED", 0);
    let threads = number("OPFORGE_THREADS", 1).max(1);
    let (mut health, mut failures) = (Health::default(), Vec::new());
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| scope.spawn(move || run((first..first + programs).filter(|s| s % threads == part))))
            .collect();
        for part in parts {
            let (part, failed) = part.join().expect("a thread that catches panics");
            health.merge(&part);
            failures.extend(failed);
        }
    });
    println!("{health}");
    let refused = failures.iter().filter(|failure| failure.1.starts_with("refused")).count();
    println!("{refused} of {programs} programs refused, {} failures in all", failures.len());
    failures.sort_unstable();
    for (seed, why) in failures.iter().take(40) {
        println!("seed {seed}: {}", why.lines().next().unwrap_or_default());
    }
    let reports: Vec<String> = failures.iter().take(3).map(|(seed, why)| report(*seed, why)).collect();
    assert!(failures.is_empty(), "{}", reports.join("\n\n"));
    let impossible = health.exercised.impossible();
    assert!(impossible.is_empty(), "not unreachable at all: {impossible:?}");
    let rare = health.exercised.too_rare(health.programs);
    assert!(rare.is_empty(), "exercised too rarely:\n{}", rare.join("\n"));
}
