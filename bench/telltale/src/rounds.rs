//! Works that take turns, so that what the machine's other tenants do falls on all of them alike.

use crate::clock::thread_cpu_time;
use std::time::Duration;

/// One run of a work.
#[derive(Debug)]
pub(crate) struct Sample {
    /// CPU time of the thread.
    time: Duration,
    /// How many of what is measured were done.
    pub(crate) count: u64,
}

impl Sample {
    /// Times `work`, and asks afterwards how much it did.
    pub(crate) fn of(work: impl FnOnce(), count: impl FnOnce() -> u64) -> Self {
        let start = thread_cpu_time();
        work();
        Self { time: thread_cpu_time() - start, count: count() }
    }

    /// Several runs as one: short ones find quiet moments that long ones do not.
    pub(crate) fn sum(runs: impl Iterator<Item = Self>) -> Self {
        let nothing = Self { time: Duration::ZERO, count: 0 };
        runs.fold(nothing, |sum, run| Self { time: sum.time + run.time, count: sum.count + run.count })
    }
}

/// Something to measure. What it sets up is not in the samples.
pub(crate) type Work<'w> = Box<dyn FnMut() -> Sample + 'w>;

/// What the samples of one work say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Nanoseconds for each of what is measured, in the fastest run.
    pub(crate) best: f64,
    /// The median of the runs.
    pub(crate) median: f64,
}

/// Runs all works `samples` times, in turns. Every run of a work must do the same.
pub(crate) fn rounds(samples: usize, works: &mut [Work<'_>]) -> Vec<Figures> {
    let mut taken: Vec<(u64, Vec<f64>)> = vec![(0, Vec::new()); works.len()];
    for round in 0..samples {
        for turn in 0..works.len() {
            // Every work gets every place in a round in turn.
            let at = (turn + round) % works.len();
            let sample = works[at]();
            let (count, times) = &mut taken[at];
            assert!(times.is_empty() || *count == sample.count, "all runs do the same");
            *count = sample.count;
            times.push(sample.time.as_nanos() as f64 / sample.count as f64);
        }
        eprintln!("round {} of {samples}", round + 1);
    }
    taken.into_iter().map(|(_, times)| figures(times)).collect()
}

fn figures(mut times: Vec<f64>) -> Figures {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    let median = if times.len() % 2 == 1 { times[middle] } else { (times[middle - 1] + times[middle]) / 2.0 };
    Figures { best: times[0], median }
}
