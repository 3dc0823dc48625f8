//! Parity of engines on generated programs: what is run, what is compared, and how a difference is shown.

pub(crate) mod check;
pub(crate) mod engines;
pub(crate) mod harness;
pub(crate) mod report;
pub(crate) mod way;
