//! What differs between two sets of tables, in meaning, and whether something that worked may break.

use super::facts;
use super::set::Tables;
use crate::failure::Failure;
use crate::output::Out;
use opforge_schema::{IntrinsicRow, Isa, OpRow};
use std::collections::BTreeSet;

/// One difference.
struct Change {
    line: String,
    /// What may stop working; empty if nothing does.
    breaks: &'static str,
}

/// All differences.
pub(super) struct Diff {
    changes: Vec<Change>,
    versions: (u32, u32),
}

impl Diff {
    pub(super) fn new(old: &Tables, new: &Tables) -> Result<Self, Failure> {
        let (a, b) = (old.isa()?, new.isa()?);
        let mut diff = Self { changes: Vec::new(), versions: (old.version(), new.version()) };
        let places: BTreeSet<u16> = a.iter().chain(b.iter()).map(|(didx, _)| didx).collect();
        for didx in places {
            diff.op(&a, &b, didx);
        }
        diff.names(&a, &b);
        diff.classes(&a, &b);
        diff.types(&a, &b);
        diff.intrinsics(&a, &b);
        Ok(diff)
    }

    /// Whether something may break.
    pub(super) fn breaks(&self) -> bool {
        self.changes.iter().any(|change| !change.breaks.is_empty())
    }

    pub(super) fn print(&self, out: &mut Out) {
        for Change { line, breaks } in &self.changes {
            match *breaks {
                "" => out.line(line),
                breaks => out.line(&format!("{line:<72} BREAKING ({breaks})")),
            }
        }
        let (old, new) = self.versions;
        let breaking = self.changes.iter().filter(|change| !change.breaks.is_empty()).count();
        out.line(&match self.changes.len() {
            0 => format!("no differences; isa_version {old} -> {new}"),
            count => format!("differences: {count}, breaking: {breaking}; isa_version {old} -> {new}"),
        });
    }

    fn add(&mut self, line: String, breaks: &'static str) {
        self.changes.push(Change { line, breaks });
    }

    fn op(&mut self, old: &Isa<'_>, new: &Isa<'_>, didx: u16) {
        let at = facts::place(didx);
        match (old.op(didx), new.op(didx)) {
            (None, Some(_)) => self.add(format!("+ {at} {}", new.name(didx)), ""),
            (Some(row), None) => {
                let moved = new.iter().find(|(_, other)| other.id == row.id);
                let to =
                    moved.map_or("is gone".to_owned(), |(to, _)| format!("moved to {}", facts::place(to)));
                self.add(format!("- {at} {:<20} {to}", old.name(didx)), "bytecode");
            }
            (Some(a), Some(b)) => self.rows((old, a), (new, b), didx),
            (None, None) => {}
        }
    }

    fn rows(&mut self, (old, a): (&Isa<'_>, &OpRow), (new, b): (&Isa<'_>, &OpRow), didx: u16) {
        let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
        for (was, is) in facts::of(old, didx, a).iter().zip(&facts::of(new, didx, b)) {
            if was.text != is.text {
                let (from, to) = (shown(&was.text), shown(&is.text));
                let line =
                    format!("~ {} {:<20} {}: {from} -> {to}", facts::place(didx), new.name(didx), was.name);
                // A container of an older version stays readable when the minimum falls.
                let harmless = was.name == "since" && b.since < a.since;
                self.add(line, if harmless { "" } else { was.breaks });
            }
        }
    }

    /// Mnemonics and aliases: a name may be added, but not taken away or given to another opcode.
    fn names(&mut self, old: &Isa<'_>, new: &Isa<'_>) {
        for row in old.lookup {
            let name = row.name.as_str();
            let id = |isa: &Isa<'_>, didx| isa.op(didx).map(|row| row.id.get());
            match new.find(name) {
                Some(didx) if id(new, didx) == id(old, row.didx.get()) => {}
                Some(didx) => {
                    let line = format!("~ name {name}: now stands for {}", facts::place(didx));
                    self.add(line, "text programs");
                }
                None => self.add(format!("- name {name}"), "text programs"),
            }
        }
        for row in new.lookup.iter().filter(|row| old.find(row.name.as_str()).is_none()) {
            self.add(format!("+ name {} for {}", row.name.as_str(), facts::place(row.didx.get())), "");
        }
    }

    fn classes(&mut self, old: &Isa<'_>, new: &Isa<'_>) {
        for a in old.classes {
            if new.classes.get(usize::from(a.tag)) != Some(a) {
                self.add(format!("~ class {} {}: changed or gone", a.tag, a.as_str()), "values");
            }
        }
        for b in new.classes.iter().skip(old.classes.len()) {
            self.add(format!("+ class {} {}", b.tag, b.as_str()), "");
        }
    }

    fn types(&mut self, old: &Isa<'_>, new: &Isa<'_>) {
        for a in old.types {
            let b = new.types.iter().find(|b| b.name == a.name);
            if b != Some(a) {
                let now = b.map_or("gone".to_owned(), |b| format!("{:?}", b.slots()));
                self.add(format!("~ type {}: {:?} -> {now}", a.as_str(), a.slots()), "intrinsics");
            }
        }
        for b in new.types.iter().filter(|b| !old.types.iter().any(|a| a.name == b.name)) {
            self.add(format!("+ type {} {:?}", b.as_str(), b.slots()), "");
        }
    }

    fn intrinsics(&mut self, old: &Isa<'_>, new: &Isa<'_>) {
        let ids: BTreeSet<u16> =
            old.intrinsics.iter().chain(new.intrinsics).map(|row| row.id.get()).collect();
        for id in ids {
            match (old.intrinsic(id.into()), new.intrinsic(id.into())) {
                (None, Some(b)) => {
                    self.add(format!("+ intrinsic {id} {}{}", b.name.as_str(), facts::signature(new, b)), "");
                }
                (Some(a), None) => {
                    self.add(format!("- intrinsic {id} {} is gone", a.name.as_str()), "bytecode");
                }
                (Some(a), Some(b)) => self.intrinsic((old, a), (new, b)),
                (None, None) => {}
            }
        }
    }

    fn intrinsic(&mut self, (old, a): (&Isa<'_>, &IntrinsicRow), (new, b): (&Isa<'_>, &IntrinsicRow)) {
        let (id, name) = (b.id.get(), b.name.as_str());
        if a.name != b.name {
            self.add(format!("~ intrinsic {id} {name}: it was {}", a.name.as_str()), "text programs");
        }
        for (was, is) in facts::intrinsic(old, a).iter().zip(&facts::intrinsic(new, b)) {
            if was.text != is.text {
                let line = format!("~ intrinsic {id} {name} {}: {} -> {}", was.name, was.text, is.text);
                self.add(line, was.breaks);
            }
        }
    }
}
