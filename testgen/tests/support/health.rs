//! What a whole run has exercised.

use super::exercised::Exercised;
use super::run::End;
use opforge_vm::Module;
use std::collections::BTreeMap;
use std::fmt;

/// Figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Health {
    pub(crate) programs: u64,
    pub(crate) runs: u64,
    pub(crate) finished: u64,
    pub(crate) exercised: Exercised,
    /// Programs that the peer accepted, by dialect: those of its own, then the others.
    pub(crate) peer_accepted: [u64; 2],
    pub(crate) peer_programs: [u64; 2],
    pub(crate) peer_compared: u64,
    pub(crate) peer_skipped: BTreeMap<&'static str, u64>,
    pub(crate) peer_refusals: BTreeMap<String, u64>,
}

impl Health {
    pub(crate) fn add(&mut self, end: &End, module: &Module) {
        self.runs += 1;
        self.finished += u64::from(end.trap().is_none());
        self.exercised.add(end, module);
    }

    pub(crate) fn skip(&mut self, why: &'static str) {
        *self.peer_skipped.entry(why).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.programs += other.programs;
        self.runs += other.runs;
        self.finished += other.finished;
        self.peer_compared += other.peer_compared;
        for at in 0..2 {
            self.peer_accepted[at] += other.peer_accepted[at];
            self.peer_programs[at] += other.peer_programs[at];
        }
        self.exercised.merge(&other.exercised);
        other.peer_skipped.iter().for_each(|(&why, n)| *self.peer_skipped.entry(why).or_default() += n);
        other
            .peer_refusals
            .iter()
            .for_each(|(why, n)| *self.peer_refusals.entry(why.clone()).or_default() += n);
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} programs, {} runs to the end, {} of them finished",
            self.programs, self.runs, self.finished
        )?;
        for (at, of) in ["peer dialect", "full dialect"].iter().enumerate() {
            writeln!(
                f,
                "peer accepts {} of {} programs ({of})",
                self.peer_accepted[at], self.peer_programs[at]
            )?;
        }
        writeln!(f, "{} runs compared with the peer; skipped: {:?}", self.peer_compared, self.peer_skipped)?;
        let mut refusals: Vec<_> = self.peer_refusals.iter().collect();
        refusals.sort_by_key(|refusal| std::cmp::Reverse(refusal.1));
        writeln!(f, "peer refuses for: {:?}", &refusals[..refusals.len().min(12)])?;
        write!(f, "{}", self.exercised)
    }
}
