//! The engines behind one interface.

#[cfg(feature = "all-engines")]
mod execution_tape;
#[cfg(feature = "all-engines")]
mod lua;
#[cfg(feature = "all-engines")]
mod native;
mod opforge;
mod wasmi;

use crate::conditions::locked_version;
use crate::sampling::timed;
use crate::workloads::Workload;
use serde::{Deserialize, Serialize};
use std::hint::black_box;

/// One run of a workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    /// The result's bits.
    pub(crate) sum: u64,
    /// CPU time of the thread that did the work, in nanoseconds.
    pub(crate) ns: f64,
}

/// A workload, ready to run: does the work of `n`.
pub(crate) type Run = Box<dyn FnMut(u64) -> Ran>;

/// An engine that cannot express a workload, and why.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Inexpressible(pub(crate) String);

/// Makes a workload ready to run.
pub(crate) type Prepare = Box<dyn FnMut(&Workload) -> Result<Run, Inexpressible>>;

/// A way from bytes towards something that can run.
pub(crate) struct LoadJob {
    pub(crate) stage: String,
    /// How many bytes it reads.
    pub(crate) bytes: usize,
    /// How many operations these bytes hold.
    pub(crate) instrs: usize,
    /// Does it once. Gives the nanoseconds of CPU time that it took.
    pub(crate) time: Box<dyn FnMut() -> f64>,
}

/// One engine.
pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) prepare: Prepare,
    pub(crate) load: Vec<LoadJob>,
    /// Makes so many instances. Gives the nanoseconds of CPU time that they took together.
    pub(crate) instantiate: Option<Box<dyn FnMut(u64) -> f64>>,
}

/// The engines of this build, in the order of the tables.
pub(crate) fn all() -> Vec<Engine> {
    #[cfg(feature = "all-engines")]
    let engines = {
        let mut engines = vec![native::engine(), opforge::interpreter(), opforge::jit()];
        engines.extend(wasmi::engines());
        engines.extend([lua::engine(), execution_tape::engine()]);
        engines
    };
    #[cfg(not(feature = "all-engines"))]
    let engines = std::iter::once(opforge::interpreter()).chain(wasmi::engines()).collect();
    engines
}

/// The version of a package of this build.
fn version(package: &str) -> String {
    locked_version(include_str!("../../Cargo.lock"), package).into()
}

/// Work that takes `n` and gives 64 bits, timed.
fn timed_run(mut work: impl FnMut(u64) -> u64 + 'static) -> Run {
    Box::new(move |n| {
        let mut sum = 0;
        let ns = timed(|| sum = black_box(work(black_box(n))));
        Ran { sum, ns }
    })
}

/// A job that makes something, which is dropped after the time is taken.
fn load_job<O>(
    stage: &str,
    (bytes, instrs): (usize, usize),
    mut work: impl FnMut() -> O + 'static,
) -> LoadJob {
    let time = move || {
        let mut output = None;
        let ns = timed(|| output = Some(black_box(work())));
        drop(output);
        ns
    };
    LoadJob { stage: stage.into(), bytes, instrs, time: Box::new(time) }
}
