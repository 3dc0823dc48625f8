//! What all programs together did.

use std::collections::BTreeSet;

/// What was checked, what failed, and what was covered.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) files: usize,
    pub(crate) examples: usize,
    /// One entry for each program that fails: its name, then each difference.
    pub(crate) failures: Vec<String>,
    /// Opcodes that ran, by didx.
    pub(crate) opcodes: BTreeSet<u16>,
    /// Names of the traps that ended runs.
    pub(crate) traps: BTreeSet<&'static str>,
    /// Codes of the errors of programs that were refused.
    pub(crate) verify_errors: BTreeSet<&'static str>,
}
