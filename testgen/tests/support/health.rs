//! What a whole run has exercised.

use super::run::{Counts, End};
use opforge_tables::ISA;
use opforge_vm::TrapCode;
use std::collections::BTreeMap;
use std::fmt;

/// Figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Health {
    pub(crate) programs: u64,
    pub(crate) runs: u64,
    pub(crate) finished: u64,
    pub(crate) counts: Counts,
    pub(crate) traps: BTreeMap<TrapCode, u64>,
    /// Programs that the peer accepted, by dialect: those of its own, then the others.
    pub(crate) peer_accepted: [u64; 2],
    pub(crate) peer_programs: [u64; 2],
    pub(crate) peer_compared: u64,
    pub(crate) peer_skipped: BTreeMap<&'static str, u64>,
    pub(crate) peer_refusals: BTreeMap<String, u64>,
}

impl Health {
    pub(crate) fn add(&mut self, end: &End) {
        self.runs += 1;
        match end.trap() {
            None => self.finished += 1,
            Some(trap) => *self.traps.entry(trap.code).or_default() += 1,
        }
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
        let ops = self.counts.ops.len().max(other.counts.ops.len());
        self.counts.ops.resize(ops, 0);
        self.counts.ops.iter_mut().zip(&other.counts.ops).for_each(|(sum, n)| *sum += n);
        other.traps.iter().for_each(|(&code, n)| *self.traps.entry(code).or_default() += n);
        other.peer_skipped.iter().for_each(|(&why, n)| *self.peer_skipped.entry(why).or_default() += n);
        other
            .peer_refusals
            .iter()
            .for_each(|(why, n)| *self.peer_refusals.entry(why.clone()).or_default() += n);
    }

    /// How often each opcode of the tables was executed.
    pub(crate) fn ops(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let present = (0u16..).zip(ISA.ops).filter(|(_, row)| row.present());
        present
            .map(|(didx, _)| (ISA.name(didx), self.counts.ops.get(usize::from(didx)).copied().unwrap_or(0)))
    }

    /// How often each trap happened that some row, or fuel, can lead to.
    pub(crate) fn reachable_traps(&self) -> impl Iterator<Item = (TrapCode, u64)> + '_ {
        let reachable = |code: &TrapCode| {
            *code == TrapCode::FuelExceeded
                || ISA.ops.iter().any(|row| row.present() && row.traps_with(*code))
        };
        let codes =
            TrapCode::ALL.iter().copied().filter(move |code| *code != TrapCode::None && reachable(code));
        codes.map(|code| (code, self.traps.get(&code).copied().unwrap_or(0)))
    }

    /// What was exercised too rarely: every opcode is to be executed 1000 times, every trap to happen 100 times,
    /// in 100000 programs; in fewer, by their share, with room for chance.
    pub(crate) fn too_rare(&self) -> Vec<String> {
        let least = |wanted: u64| match wanted * self.programs / 100_000 {
            n if self.programs >= 100_000 => n,
            n => n / 2,
        };
        let ops = self
            .ops()
            .filter(|op| op.1 < least(1000))
            .map(|op| format!("{} was executed {} times", op.0, op.1));
        let traps = self.reachable_traps().filter(|trap| trap.1 < least(100));
        ops.chain(traps.map(|trap| format!("{} happened {} times", trap.0.name(), trap.1))).collect()
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
        let mut ops: Vec<_> = self.ops().collect();
        ops.sort_by_key(|op| op.1);
        writeln!(f, "executed, rarest first: {ops:?}")?;
        let mut traps: Vec<_> = self.reachable_traps().map(|(code, n)| (code.name(), n)).collect();
        traps.sort_by_key(|trap| trap.1);
        writeln!(f, "traps, rarest first: {traps:?}")
    }
}
