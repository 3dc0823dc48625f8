//! How figures are taken on a machine with neighbours.
//!
//! Time is CPU time of the calling thread, so that waiting for a processor does not count. The neighbours also slow a
//! thread that runs: by half where the work keeps all units busy, not at all where it waits for its own results. So
//! engines take turns within a round, ratios are medians of the rounds' ratios, and a probe around every sample says
//! whether the machine was quiet; rounds in which it was not are repeated, within bounds.

use super::clock::thread_cpu_time;
use std::hint::black_box;

/// Nanoseconds of CPU time that one sample aims at.
const SAMPLE_NS: f64 = 20e6;
/// How much slower than its best the probe may be.
const TOLERANCE: f64 = 1.12;
/// Rounds at most, for each that is wanted.
const PATIENCE: usize = 3;

/// Nanoseconds of CPU time that the work takes.
pub(crate) fn timed(work: impl FnOnce()) -> f64 {
    let begin = thread_cpu_time();
    work();
    (thread_cpu_time() - begin).as_nanos() as f64
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// Tells whether neighbours slow this thread down.
#[derive(Debug)]
pub(crate) struct Guard {
    best: f64,
}

impl Guard {
    pub(crate) fn new() -> Self {
        let mut guard = Self { best: f64::INFINITY };
        (0..50).for_each(|_| guard.best = guard.best.min(probe()));
        guard
    }

    /// Whether the machine is quiet now.
    fn quiet(&mut self) -> bool {
        let now = probe();
        self.best = self.best.min(now);
        now <= self.best * TOLERANCE
    }
}

/// Time of work that keeps all integer units busy: eight chains at once.
fn probe() -> f64 {
    timed(|| {
        let mut chains = black_box([1u64, 2, 3, 4, 5, 6, 7, 8]);
        for i in 0..20_000u64 {
            for chain in &mut chains {
                *chain = (*chain ^ i).wrapping_add(*chain << 1);
            }
            chains = black_box(chains);
        }
    })
}

/// Samples of several works that took turns: nanoseconds of one repeat, by round and work.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) rounds: Vec<Vec<f64>>,
    /// How many of the rounds are from a quiet machine.
    pub(crate) quiet: usize,
}

impl Samples {
    /// The median of one work.
    pub(crate) fn ns(&self, work: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[work]).collect())
    }

    /// The median ratio of two works' times in the same round.
    pub(crate) fn ratio(&self, work: usize, to: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[work] / round[to]).collect())
    }
}

/// Times works in turns, `rounds` times.
#[allow(dead_code, reason = "a bench whose works time themselves has no use for it")]
pub(crate) fn interleaved(guard: &mut Guard, rounds: usize, works: &mut [Box<dyn FnMut() + '_>]) -> Samples {
    let time = |work| -> Box<dyn FnMut(u32) -> f64 + '_> {
        let work: &mut Box<dyn FnMut() + '_> = work;
        Box::new(move |count| timed(|| (0..count).for_each(|_| work())))
    };
    in_turns(guard, rounds, &mut works.iter_mut().map(time).collect::<Vec<_>>())
}

/// The same for works that time themselves: each does so many runs and gives the nanoseconds of CPU time that they took.
pub(crate) fn in_turns(
    guard: &mut Guard,
    rounds: usize,
    works: &mut [Box<dyn FnMut(u32) -> f64 + '_>],
) -> Samples {
    let repeats: Vec<u32> = works
        .iter_mut()
        .map(|work| {
            work(1);
            (SAMPLE_NS / work(1).max(1.0)).round().clamp(1.0, 1e7) as u32
        })
        .collect();
    let (mut quiet, mut noisy) = (Vec::new(), Vec::new());
    for round in 0..rounds * PATIENCE {
        let mut taken = vec![0.0; works.len()];
        let mut calm = guard.quiet();
        for turn in 0..works.len() {
            // Every work gets every place in a round in turn.
            let at = (turn + round) % works.len();
            taken[at] = works[at](repeats[at]) / f64::from(repeats[at]);
            calm &= guard.quiet();
        }
        if calm {
            quiet.push(taken)
        } else {
            noisy.push(taken)
        }
        if quiet.len() == rounds {
            break;
        }
    }
    let count = quiet.len();
    quiet.extend(noisy.into_iter().take(rounds - count));
    Samples { rounds: quiet, quiet: count }
}
