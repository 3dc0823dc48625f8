//! Measures: all engines in turns, with what they give compared before and while they are timed.

use crate::engines::{Engine, Inexpressible, Run};
use crate::sampling::{Guard, Samples, in_turns, median};
use crate::workloads::{ALSO_CHECKED, Workload};
use serde::{Deserialize, Serialize};

/// What times itself: so many runs, in nanoseconds.
type Work<'a> = Box<dyn FnMut(u32) -> f64 + 'a>;

/// One workload on all engines, as one process took it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Taken {
    workload: String,
    /// By engine, its place in the rounds.
    places: Vec<Result<usize, Inexpressible>>,
    /// Nanoseconds of one run.
    rounds: Vec<Vec<f64>>,
    /// How many rounds are from a quiet machine.
    quiet: usize,
}

impl Taken {
    /// Measures a workload.
    pub(crate) fn new(guard: &mut Guard, engines: &mut [Engine], workload: &Workload, rounds: usize) -> Self {
        let (mut works, mut places) = (Vec::<Work<'_>>::new(), Vec::new());
        let expected = (workload.native)(workload.n);
        for engine in engines {
            let run = (engine.prepare)(workload);
            places.push(run.map(|mut run| {
                let what = format!("{} on {}", workload.name, engine.name);
                for n in ALSO_CHECKED {
                    check(&what, &mut run, n, (workload.native)(n));
                }
                let n = workload.n;
                works.push(Box::new(move |count| {
                    (0..count).map(|_| check(&what, &mut run, n, expected)).sum()
                }));
                works.len() - 1
            }));
        }
        // The first two runs of each in there are not timed, so a wrong result never reaches a table.
        let Samples { rounds, quiet } = in_turns(guard, rounds, &mut works);
        Self { workload: workload.name.into(), places, rounds, quiet }
    }
}

/// One workload on all engines.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) workload: Workload,
    /// By engine, its place in what was taken.
    pub(crate) places: Vec<Result<usize, Inexpressible>>,
    taken: Samples,
}

/// How the times of two engines compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    /// The median of the rounds' ratios.
    pub(crate) paired: f64,
    /// The ratio of the medians.
    pub(crate) medians: f64,
}

impl Row {
    /// What all processes took of a workload.
    pub(crate) fn new(workload: Workload, processes: &[Vec<Taken>]) -> Self {
        let mut row = Self { workload, places: Vec::new(), taken: Samples { rounds: Vec::new(), quiet: 0 } };
        for taken in processes.iter().flatten() {
            if taken.workload == row.workload.name {
                row.places.clone_from(&taken.places);
                row.taken.rounds.extend_from_slice(&taken.rounds);
                row.taken.quiet += taken.quiet;
            }
        }
        row
    }

    /// Median nanoseconds a unit of work.
    pub(crate) fn ns(&self, engine: usize) -> Option<f64> {
        let place = *self.places[engine].as_ref().ok()?;
        Some(self.taken.ns(place) / (self.workload.units)(self.workload.n) as f64)
    }

    /// An engine's time as a part of another's.
    pub(crate) fn ratio(&self, engine: usize, to: usize) -> Option<Ratio> {
        let (a, b) = (*self.places[engine].as_ref().ok()?, *self.places[to].as_ref().ok()?);
        Some(Ratio { paired: self.taken.ratio(a, b), medians: self.taken.ns(a) / self.taken.ns(b) })
    }

    /// How many rounds are from a quiet machine.
    pub(crate) fn quiet(&self) -> usize {
        self.taken.quiet
    }

    /// How many rounds there are.
    pub(crate) fn rounds(&self) -> usize {
        self.taken.rounds.len()
    }
}

/// Runs once and compares the result with Rust's. Gives the nanoseconds.
fn check(what: &str, run: &mut Run, n: u64, expected: u64) -> f64 {
    let ran = run(n);
    assert_eq!(format!("{:016x}", ran.sum), format!("{expected:016x}"), "{what}: result for {n}");
    ran.ns
}

/// One way from bytes towards something that can run.
#[derive(Debug)]
pub(crate) struct LoadRow {
    pub(crate) engine: String,
    pub(crate) stage: String,
    pub(crate) bytes: usize,
    pub(crate) instrs: usize,
    /// Median nanoseconds.
    pub(crate) ns: f64,
}

/// Loads on all engines, and how many rounds are from a quiet machine.
#[derive(Debug)]
pub(crate) struct Loads {
    pub(crate) rows: Vec<LoadRow>,
    pub(crate) quiet: usize,
    /// Engines and median nanoseconds of one instance.
    pub(crate) instances: Vec<(String, f64)>,
}

impl Loads {
    /// Measures the load jobs of all engines, then what instances cost.
    pub(crate) fn new(guard: &mut Guard, engines: &mut [Engine], rounds: usize) -> Self {
        let (mut works, mut rows) = (Vec::<Work<'_>>::new(), Vec::new());
        for engine in &mut *engines {
            for job in &mut engine.load {
                let (stage, engine) = (job.stage.clone(), engine.name.clone());
                rows.push(LoadRow { engine, stage, bytes: job.bytes, instrs: job.instrs, ns: 0.0 });
                works.push(Box::new(|count| (0..count).map(|_| (job.time)()).sum()));
            }
        }
        let taken = in_turns(guard, rounds, &mut works);
        drop(works);
        rows.iter_mut().enumerate().for_each(|(at, row)| row.ns = taken.ns(at));
        let mut instances = Vec::new();
        for engine in engines {
            if let Some(instantiate) = &mut engine.instantiate {
                const COUNT: u64 = 10_000;
                let ns = median((0..rounds).map(|_| instantiate(COUNT)).collect()) / COUNT as f64;
                instances.push((engine.name.clone(), ns));
            }
        }
        Self { rows, quiet: taken.quiet, instances }
    }
}
