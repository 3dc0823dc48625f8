//! Many programs on several threads.

use super::check::{Failure, Health};
use super::engines::Subject;
use super::report::{report, try_check};
use opforge_testgen::{GenConfig, from_seed};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// Failures that are reported in full.
const REPORTED: usize = 3;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) programs: u64,
    pub(crate) first_seed: u64,
    pub(crate) threads: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) health: Health,
    /// By seed.
    pub(crate) failures: Vec<(u64, Failure)>,
    pub(crate) seconds: f64,
}

/// Runs the programs of the plan.
pub(crate) fn run(plan: Plan, subject: &dyn Subject) -> Outcome {
    let start = Instant::now();
    let (done, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let part = |thread: u64| {
        let (mut health, mut failures) = (Health::default(), Vec::new());
        for seed in (plan.first_seed + thread..plan.first_seed + plan.programs).step_by(plan.threads as usize)
        {
            let of = from_seed(seed, &GenConfig::default());
            if let Err(failure) = try_check(&of, seed, subject, &mut health) {
                failures.push((seed, failure));
                failed.fetch_add(1, Ordering::Relaxed);
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(5000) {
                let failed = failed.load(Ordering::Relaxed);
                let seconds = start.elapsed().as_secs();
                println!("{done} of {} programs, {failed} divergences, {seconds} s", plan.programs);
            }
        }
        (health, failures)
    };
    let mut outcome = Outcome::default();
    thread::scope(|scope| {
        let part = &part;
        let parts: Vec<_> = (0..plan.threads).map(|n| scope.spawn(move || part(n))).collect();
        for part in parts {
            let (health, failures) = part.join().expect("panics of programs are caught");
            outcome.health.merge(&health);
            outcome.failures.extend(failures);
        }
    });
    outcome.failures.sort_by_key(|failure| failure.0);
    outcome.seconds = start.elapsed().as_secs_f64();
    outcome
}

impl Outcome {
    /// The figures.
    pub(crate) fn figures(&self) -> String {
        let Health { programs, compiled, runs, stops, host_calls, refused, exercised } = &self.health;
        format!(
            "{exercised}{programs} programs, compiled {compiled} times; {runs} runs on each engine, stopped for fuel \
             and resumed {stops} times; {host_calls} calls of the host; {refused} inputs without room\n\
             {} divergences, {:.0} s",
            self.failures.len(),
            self.seconds
        )
    }

    /// The first failures in full; empty if there are none.
    pub(crate) fn reports(&self, subject: &dyn Subject) -> String {
        let mut text = String::new();
        for (seed, failure) in self.failures.iter().take(REPORTED) {
            let _ = writeln!(text, "\n== {}", report(*seed, failure, subject));
        }
        let more: Vec<u64> = self.failures.iter().skip(REPORTED).map(|failure| failure.0).collect();
        if !more.is_empty() {
            let _ = writeln!(text, "{} more, by seed: {:?}", more.len(), &more[..more.len().min(100)]);
        }
        text
    }
}
