//! What runs of generated programs have exercised: opcodes, kinds of traps, and where these come from.

use super::run::{Counts, End};
use opforge_schema::{Lower, OpRow};
use opforge_tables::ISA;
use opforge_vm::trap::AggErrorKind;
use opforge_vm::{Module, Trap, TrapCode, TrapDetail};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A kind of trap: its code, and for some codes what the detail says.
pub(crate) type Kind = (TrapCode, &'static str);

/// Kinds that no generated program can meet, and why.
pub(crate) const UNREACHABLE: &[(Kind, &str)] = &[
    (
        (TrapCode::HostCallFailed, "UnknownSymbol"),
        "the linker has every function that is imported, and else refuses to link",
    ),
    (
        (TrapCode::HostCallFailed, "SignatureMismatch"),
        "every import has the signature of the function, and else the linker refuses to link",
    ),
    (
        (TrapCode::InvalidIntrinsic, ""),
        "every row of the tables has a function, and the verifier refuses ids without a row",
    ),
    ((TrapCode::HostPanicked, ""), "the hosts of generated programs do not panic"),
];

/// The opcodes that generated programs are to execute: all but those of sessions, which need a session machine.
pub(crate) fn rows() -> impl Iterator<Item = (u16, &'static OpRow)> {
    ISA.iter().filter(|(_, row)| row.lower() != Lower::Session)
}

/// Every kind there is, by code; traps of session instructions left out, as these are.
pub(crate) fn kinds() -> impl Iterator<Item = Kind> {
    let codes = TrapCode::ALL.iter().copied().filter(|&code| code != TrapCode::None && !code.is_session());
    codes.flat_map(|code| {
        let details: &[&str] = match code {
            TrapCode::AggError => &["BadHandle", "WrongKind", "OutOfBounds"],
            TrapCode::HostCallFailed => &["Failed", "UnknownSymbol", "SignatureMismatch"],
            _ => &[""],
        };
        details.iter().map(move |&detail| (code, detail))
    })
}

/// The kinds that generated programs are to meet.
pub(crate) fn reachable() -> impl Iterator<Item = Kind> {
    kinds().filter(|kind| !UNREACHABLE.iter().any(|(other, _)| other == kind))
}

/// The kind of a trap.
pub(crate) fn kind(trap: &Trap) -> Kind {
    let detail = match &trap.detail {
        TrapDetail::Agg(AggErrorKind::BadHandle) => "BadHandle",
        TrapDetail::Agg(AggErrorKind::WrongKind) => "WrongKind",
        TrapDetail::Agg(AggErrorKind::OutOfBounds) => "OutOfBounds",
        TrapDetail::Host { error, .. } => error.name(),
        _ => "",
    };
    (trap.code, detail)
}

/// The name of a kind.
pub(crate) fn name((code, detail): Kind) -> String {
    [code.name(), detail].join(" ").trim_end().to_owned()
}

/// What was exercised.
#[derive(Debug, Default)]
pub(crate) struct Exercised {
    /// What was executed; a sink for traces.
    pub(crate) counts: Counts,
    /// How often runs ended in a trap.
    traps: BTreeMap<Kind, u64>,
    /// Opcodes that trapped, with the codes.
    sources: BTreeSet<(u16, TrapCode)>,
    /// The most calls that were active at a trap.
    deepest: usize,
}

impl Exercised {
    /// Takes note of the end of a run.
    pub(crate) fn add(&mut self, end: &End, module: &Module) {
        let Some(trap) = end.trap() else { return };
        *self.traps.entry(kind(trap)).or_default() += 1;
        self.deepest = self.deepest.max(trap.frames.len() + trap.frames_omitted as usize);
        let source = || {
            let function = module.program().function(trap.at().func)?;
            function.ops.get(function.pcs.binary_search(&trap.at().pc).ok()?).copied()
        };
        self.sources.extend(source().map(|didx| (didx, trap.code)));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let (own, others) = (&mut self.counts.ops, &other.counts.ops);
        own.resize(own.len().max(others.len()), 0);
        own.iter_mut().zip(others).for_each(|(sum, n)| *sum += n);
        let intrinsics = other.counts.intrinsics.iter();
        intrinsics.for_each(|(&id, n)| *self.counts.intrinsics.entry(id).or_default() += n);
        other.traps.iter().for_each(|(&kind, n)| *self.traps.entry(kind).or_default() += n);
        self.sources.extend(&other.sources);
        self.deepest = self.deepest.max(other.deepest);
    }

    /// How often each opcode of [`rows`] was executed, rarest first.
    pub(crate) fn ops(&self) -> Vec<(&'static str, u64)> {
        let count = |didx: u16| self.counts.ops.get(usize::from(didx)).copied().unwrap_or(0);
        let mut ops: Vec<_> = rows().map(|(didx, _)| (ISA.name(didx), count(didx))).collect();
        ops.sort_by_key(|op| op.1);
        ops
    }

    /// How often each intrinsic of the tables was executed, rarest first.
    pub(crate) fn intrinsics(&self) -> Vec<(&'static str, u64)> {
        let count = |id: u16| self.counts.intrinsics.get(&id.into()).copied().unwrap_or(0);
        let rows = ISA.intrinsics.iter();
        let mut intrinsics: Vec<_> = rows.map(|row| (row.name.as_str(), count(row.id.get()))).collect();
        intrinsics.sort_by_key(|intrinsic| intrinsic.1);
        intrinsics
    }

    /// How often each kind of trap was met that can be met, rarest first.
    pub(crate) fn traps(&self) -> Vec<(String, u64)> {
        let count = |kind: Kind| self.traps.get(&kind).copied().unwrap_or(0);
        let mut traps: Vec<_> = reachable().map(|kind| (name(kind), count(kind))).collect();
        traps.sort_by_key(|trap| trap.1);
        traps
    }

    /// Kinds that were met although the list says that they cannot be.
    pub(crate) fn impossible(&self) -> Vec<String> {
        let kinds = self.traps.keys().copied();
        kinds.filter(|&kind| !reachable().any(|other| other == kind)).map(name).collect()
    }

    /// What was exercised too rarely: every opcode is to be executed 1000 times, every intrinsic and every trap
    /// 100 times, in 100000 programs; in fewer, by their share, with room for chance.
    pub(crate) fn too_rare(&self, programs: u64) -> Vec<String> {
        let least = |wanted: u64| match wanted * programs / 100_000 {
            n if programs >= 100_000 => n,
            n => n / 2,
        };
        let ops = self.ops().into_iter().filter(|op| op.1 < least(1000));
        let ops = ops.map(|(name, n)| format!("{name} was executed {n} times"));
        let intrinsics = self.intrinsics().into_iter().filter(|intrinsic| intrinsic.1 < least(100));
        let ops = ops.chain(intrinsics.map(|(name, n)| format!("{name} was executed {n} times")));
        let traps = self.traps().into_iter().filter(|trap| trap.1 < least(100));
        ops.chain(traps.map(|(name, n)| format!("{name} happened {n} times"))).collect()
    }

    /// The pairs of an opcode and a trap that its row names: how many were met, and the others.
    fn pairs(&self) -> (usize, Vec<String>) {
        let pairs = rows().flat_map(|(didx, row)| {
            let codes = TrapCode::ALL.iter().copied().filter(|&code| row.traps_with(code));
            codes.map(move |code| (didx, code))
        });
        let (met, not_met): (Vec<_>, Vec<_>) = pairs.partition(|pair| self.sources.contains(pair));
        let names = not_met.iter().map(|(didx, code)| format!("{} {}", ISA.name(*didx), code.name()));
        (met.len(), names.collect())
    }
}

/// Names and numbers in columns.
fn table<N: AsRef<str>>(
    f: &mut fmt::Formatter<'_>,
    columns: usize,
    width: usize,
    rows: &[(N, u64)],
) -> fmt::Result {
    for line in rows.chunks(columns) {
        let cells = line.iter().map(|(name, n)| format!("{:<width$}{n:>9}", name.as_ref()));
        writeln!(f, "  {}", cells.collect::<Vec<_>>().join("   "))?;
    }
    Ok(())
}

impl fmt::Display for Exercised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ops = self.ops();
        writeln!(f, "{} opcodes, by how often they were executed:", ops.len())?;
        table(f, 4, 16, &ops)?;
        let intrinsics = self.intrinsics();
        writeln!(f, "{} intrinsics, by how often they were executed:", intrinsics.len())?;
        table(f, 3, 24, &intrinsics)?;
        let traps = self.traps();
        writeln!(f, "{} kinds of traps, by how often runs ended so:", traps.len())?;
        table(f, 3, 24, &traps)?;
        for &(kind, why) in UNREACHABLE {
            writeln!(f, "  not reachable: {}: {why}", name(kind))?;
        }
        writeln!(f, "at most {} calls were active at a trap", self.deepest)?;
        let (met, not_met) = self.pairs();
        write!(f, "{met} of {} pairs of an opcode and a trap of its row were met", met + not_met.len())?;
        if not_met.is_empty() { writeln!(f) } else { writeln!(f, "; not: {}", not_met.join(", ")) }
    }
}
