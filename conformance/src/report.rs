//! What came of a run over many cases.

use std::collections::BTreeMap;
use std::fmt;

/// Results of cases: how many passed, and every difference by name.
#[derive(Clone, Debug, Default)]
pub struct Report {
    passed: usize,
    failures: Vec<(String, Vec<String>)>,
    counts: BTreeMap<String, u64>,
    notes: Vec<String>,
    deviating: Vec<(String, String)>,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a case: it passed if there is no difference.
    pub fn case(&mut self, name: &str, differences: Vec<String>) {
        if differences.is_empty() {
            self.passed += 1;
        } else {
            self.failures.push((name.to_owned(), differences));
        }
    }

    /// Counts something worth knowing that is neither passed nor failed.
    pub fn count(&mut self, what: &str, number: u64) {
        *self.counts.entry(what.to_owned()).or_default() += number;
    }

    /// Keeps the largest of some numbers.
    pub fn largest(&mut self, what: &str, number: u64) {
        let kept = self.counts.entry(what.to_owned()).or_default();
        *kept = number.max(*kept);
    }

    /// Adds a line worth reading.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Records that a case differs on purpose, and how.
    pub fn deviates(&mut self, name: &str, how: &str) {
        self.deviating.push((name.to_owned(), how.to_owned()));
    }

    /// Cases without a difference.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// Cases with a difference.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    /// The cases with a difference.
    #[must_use]
    pub fn failures(&self) -> &[(String, Vec<String>)] {
        &self.failures
    }

    /// What was counted, or the largest number that was kept.
    #[must_use]
    pub fn counted(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// The cases that differ on purpose, with how.
    #[must_use]
    pub fn deviating(&self) -> &[(String, String)] {
        &self.deviating
    }
}

impl fmt::Display for Report {
    /// Failures, notes, counts, and `N passed, M failed` alone on the last line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, differences) in &self.failures {
            writeln!(f, "FAIL {name}")?;
            for difference in differences {
                for line in difference.lines() {
                    writeln!(f, "    {line}")?;
                }
            }
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        for (what, number) in &self.counts {
            writeln!(f, "{what}: {number}")?;
        }
        write!(f, "{} passed, {} failed", self.passed, self.failed())
    }
}
