//! The protocol of speed workers: a question as one JSON object a line, answered by one JSON value a line.
//! `../shared/workloads/README.md` defines it.

use serde::{Deserialize, Serialize};

/// A question. Engines and jobs are named by their places in the answer to `list`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "cmd", rename_all = "lowercase")]
pub(crate) enum Question {
    /// Answered by an array of [`About`].
    List {},
    /// Answered by an id for `run`, or by `null` if the engine cannot express the workload.
    Prepare { engine: usize, workload: String },
    /// Answered by [`RunAnswer`].
    Run { id: usize, n: u64 },
    /// Answered by nanoseconds.
    Load { engine: usize, job: usize },
    /// Answered by nanoseconds for so many instances.
    Instantiate { engine: usize, count: u64 },
}

/// An engine of the worker.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Whether it answers `instantiate`.
    pub(crate) instantiate: bool,
    pub(crate) load: Vec<AboutLoad>,
}

/// A job of `load`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AboutLoad {
    pub(crate) stage: String,
    pub(crate) bytes: usize,
    pub(crate) instrs: usize,
}

/// What a run gave.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RunAnswer {
    /// The result's bits: 16 hexadecimal digits.
    pub(crate) sum: String,
    /// CPU nanoseconds of the thread.
    pub(crate) ns: u64,
}

/// The answer to a question that makes no sense.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Refusal {
    pub(crate) error: String,
}
