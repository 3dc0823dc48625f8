//! What changed between two sets of tables, in words, and whether bytecode or text that worked before may
//! mean something else now.

use crate::diag::plural;
use crate::dump;
use crate::manifest::Manifest;
use crate::upgrade;
use opforge_schema::docs::{Docs, OpDoc};
use opforge_schema::{
    Access, Blobs, IntrinsicRow, Isa, LookupRow, OpRow, OperandRow, TrapCode, TypeRule, Typestate,
};
use std::collections::BTreeSet;
use std::path::Path;

/// One set of tables, read and checked.
#[derive(Clone, Debug)]
pub struct Tables {
    isa_version: u32,
    blobs: Vec<Vec<u8>>,
    docs: Option<Docs>,
}

impl Tables {
    /// Reads a folder of blobs with its MANIFEST.
    ///
    /// # Errors
    /// If a file is missing or is no table.
    pub fn read_dir(dir: &Path) -> Result<Self, String> {
        let at = |name: &str| dir.join(name).display().to_string();
        Self::from_files(|name| std::fs::read(dir.join(name)).map_err(|e| format!("{}: {e}", at(name))))
    }

    /// Reads files by name.
    ///
    /// # Errors
    /// If a file is missing or is no table.
    pub fn from_files(file: impl Fn(&str) -> Result<Vec<u8>, String>) -> Result<Self, String> {
        let text = String::from_utf8_lossy(&file("MANIFEST")?).replace("\r\n", "\n");
        let isa_version = Manifest::parse(&text)?.isa_version;
        let blob = |name| {
            let bytes = Blobs::absent(name, &text).map_or_else(|| file(name), Ok)?;
            Ok::<_, String>(upgrade::blob(&bytes).unwrap_or(bytes))
        };
        let blobs = Blobs::FILES.into_iter().map(blob).collect::<Result<Vec<_>, _>>()?;
        let docs = file("vm.docs.bincode").ok().and_then(|bytes| Docs::read(&bytes).ok());
        let tables = Self { isa_version, blobs, docs };
        tables.isa().map_err(|e| e.to_string())?;
        Ok(tables)
    }

    fn isa(&self) -> Result<Isa<'_>, opforge_schema::IsaError> {
        let blob = |i: usize| self.blobs.get(i).map_or(&[][..], Vec::as_slice);
        Isa::from_blobs(&Blobs::from_files(std::array::from_fn(blob)))
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What changed, in one line.
    pub line: String,
    /// Whom it breaks, if anybody.
    pub breaks: Option<&'static str>,
}

/// All changes between two sets of tables.
#[derive(Clone, Debug)]
pub struct Report {
    /// The changes, by table and position.
    pub changes: Vec<Change>,
    /// Opcodes of which only docs or examples changed.
    pub doc_only: usize,
    /// Intrinsics of which docs or examples changed.
    pub intrinsic_docs: usize,
    /// Opcodes and intrinsics that were added.
    pub added: (usize, usize),
    /// Versions of the instruction set, old and new.
    pub versions: (u32, u32),
}

impl Report {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.doc_only + self.intrinsic_docs == 0
            && self.versions.0 == self.versions.1
    }

    /// Number of breaking changes.
    #[must_use]
    pub fn breaking(&self) -> usize {
        self.changes.iter().filter(|c| c.breaks.is_some()).count()
    }

    /// Whether there are breaking changes without a higher version.
    #[must_use]
    pub fn unacknowledged(&self) -> bool {
        self.breaking() > 0 && self.versions.1 <= self.versions.0
    }

    /// The changes as text, one a line.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        for change in &self.changes {
            out += &match change.breaks {
                Some(whom) => format!("{:<72} BREAKING ({whom})\n", change.line),
                None => format!("{}\n", change.line),
            };
        }
        if self.added != (0, 0) {
            let (ops, intrinsics) = self.added;
            out += &format!("  added: {}, {}\n", plural(ops, "opcode"), plural(intrinsics, "intrinsic"));
        }
        if self.doc_only > 0 {
            out += &format!("  doc only: {}\n", plural(self.doc_only, "opcode"));
        }
        if self.intrinsic_docs > 0 {
            out += &format!("  docs of {}\n", plural(self.intrinsic_docs, "intrinsic"));
        }
        let (old, new) = self.versions;
        out += &match (self.unacknowledged(), self.is_empty()) {
            (true, _) => {
                let n = plural(self.breaking(), "breaking change");
                let need = if self.breaking() == 1 { "needs" } else { "need" };
                format!("isa_version {old} -> {new}: {n} {need} a higher isa_version in the spec\n")
            }
            (false, true) => "no changes\n".to_owned(),
            (false, false) => format!("isa_version {old} -> {new}\n"),
        };
        out
    }
}

/// Compares two sets of tables.
#[must_use]
pub fn compare(old: &Tables, new: &Tables) -> Report {
    let (mut changes, mut added) = (Vec::new(), (0, 0));
    if let (Ok(a), Ok(b)) = (old.isa(), new.isa()) {
        let slots: BTreeSet<u16> = a.iter().chain(b.iter()).map(|(didx, _)| didx).collect();
        let doc = |didx| new.docs.as_ref().and_then(|docs| docs.op(didx));
        for didx in slots {
            op(&mut changes, (&a, &b), doc(didx), didx);
        }
        names(&mut changes, &a, &b);
        types(&mut changes, &a, &b);
        intrinsics(&mut changes, &a, &b);
        added.0 = b.iter().filter(|&(didx, _)| a.op(didx).is_none()).count();
        added.1 = b.intrinsics.iter().filter(|row| a.intrinsic(row.id.get().into()).is_none()).count();
    }
    let changed: BTreeSet<&str> = changes.iter().filter_map(|c| c.line.split(' ').nth(1)).collect();
    let doc_only = match (&old.docs, &new.docs) {
        (Some(a), Some(b)) => {
            let differs = |d: &&opforge_schema::docs::OpDoc| a.op(d.didx).is_some_and(|o| o != *d);
            b.ops.iter().filter(differs).filter(|d| !changed.contains(dump::didx(d.didx).as_str())).count()
        }
        _ => 0,
    };
    let intrinsic_docs = match (&old.docs, &new.docs) {
        (Some(a), Some(b)) => {
            b.intrinsics.iter().filter(|d| a.intrinsic(&d.name).is_some_and(|o| o != *d)).count()
        }
        _ => 0,
    };
    Report { changes, doc_only, intrinsic_docs, added, versions: (old.isa_version, new.isa_version) }
}

fn op(out: &mut Vec<Change>, (old, new): (&Isa<'_>, &Isa<'_>), doc: Option<&OpDoc>, didx: u16) {
    let at = dump::didx(didx);
    match (old.op(didx), new.op(didx)) {
        (None, Some(b)) => {
            let line = format!("+ {at} {:<16} {}", new.name(didx), shape(b, doc));
            out.push(Change { line, breaks: None });
        }
        (Some(a), None) => {
            let moved = new.iter().find(|(_, row)| row.id == a.id);
            let where_to =
                moved.map_or("removed".to_owned(), |(to, _)| format!("moved to {}", dump::didx(to)));
            let line = format!("- {at} {:<16} {where_to}", old.name(didx));
            out.push(Change { line, breaks: Some("bytecode") });
        }
        (Some(a), Some(b)) => {
            let mut say = |what: String, breaks| {
                let line = format!("~ {at} {:<16} {what}", new.name(didx));
                out.push(Change { line, breaks });
            };
            if a.id != b.id {
                say(
                    format!("another opcode, it was {} (id {} -> {})", old.name(didx), a.id, b.id),
                    Some("bytecode"),
                );
                return;
            }
            fields(&mut say, a, b);
            operand_changes(&mut say, a, b);
            let (x, y) = (dump::template(old.template(didx)), dump::template(new.template(didx)));
            if x != y {
                say(format!("text: {x} -> {y}"), Some("text"));
            }
        }
        (None, None) => {}
    }
}

/// What a new opcode takes, gives, traps with and costs: `(a: i64, b: i64) -> (dst: i64) traps DivByZero fuel 1`.
fn shape(row: &OpRow, doc: Option<&OpDoc>) -> String {
    let name = |at: usize| doc.and_then(|doc| doc.operands.get(at)).map_or(at.to_string(), String::clone);
    let part = |(at, operand): (usize, &OperandRow)| {
        let rule = operand.ty();
        let ty = match (operand.kind().is_register(), rule.takes_operand()) {
            (false, _) => operand.kind().name().to_owned(),
            (true, true) => format!("{}:{}", rule.name(), name(operand.arg.into())),
            (true, false) => rule.name().to_owned(),
        };
        format!("{}: {ty}", name(at))
    };
    let side = |writes: bool| {
        let operands = row.operands().iter().enumerate();
        let these = operands.filter(|(_, operand)| {
            (operand.access() == Access::Write) == writes && operand.ty() != TypeRule::Effect
        });
        these.map(part).collect::<Vec<_>>().join(", ")
    };
    let gives = side(true);
    let gives = if gives.is_empty() { gives } else { format!(" -> ({gives})") };
    let traps = if row.traps.get() == 0 { String::new() } else { format!(" traps {}", dump::traps(row)) };
    let sized: Vec<String> = (0..8).filter(|at| row.fuel_operands >> at & 1 == 1).map(name).collect();
    let by_size = if sized.is_empty() {
        String::new()
    } else {
        format!(" + ({})>>{}", sized.join(" + "), row.fuel_shift)
    };
    format!("({}){gives}{traps} fuel {}{by_size}", side(false), row.fuel)
}

fn operands(row: &OpRow) -> String {
    let list: Vec<String> = row.operands().iter().map(dump::operand).collect();
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

fn operand_changes(say: &mut impl FnMut(String, Option<&'static str>), a: &OpRow, b: &OpRow) {
    if a.n_operands != b.n_operands {
        say(format!("operands: {} -> {}", operands(a), operands(b)), Some("encoding"));
        return;
    }
    for (i, (x, y)) in a.operands().iter().zip(b.operands()).enumerate().filter(|(_, (x, y))| x != y) {
        let whom = if x.enc != y.enc { "encoding" } else { "verifier" };
        say(format!("operand {i}: {} -> {}", dump::operand(x), dump::operand(y)), Some(whom));
    }
    if a.rules != b.rules {
        let list = |r: &OpRow| {
            let rules: Vec<String> =
                r.rules().map(|r| format!("{}({}, {})", r.rule().name(), r.a, r.b)).collect();
            rules.join(" ")
        };
        say(format!("rules: {} -> {}", list(a), list(b)), Some("verifier"));
    }
}

fn fields(say: &mut impl FnMut(String, Option<&'static str>), a: &OpRow, b: &OpRow) {
    let effects = |r: &OpRow| {
        use opforge_schema::op_flags::{MAY_TRAP, PRESENT, TERMINATOR};
        dump::flags(r.flags.get() & !(PRESENT | TERMINATOR | MAY_TRAP))
    };
    let lowering = |r: &OpRow| format!("{} {} fuse {}", r.lower().name(), r.form().name(), r.fuse);
    let jit = |r: &OpRow| format!("{} {}", r.jit().name(), r.clif().name());
    // What takes no linear register may begin to: that was an error before.
    let typestate = if a.typestate() == Typestate::None { None } else { Some("verifier") };
    let since = if b.since > a.since { Some("old containers") } else { None };
    for (what, x, y, breaks) in [
        ("terminator", a.term().name().to_owned(), b.term().name().to_owned(), Some("verifier, lowering")),
        ("traps", dump::traps(a), dump::traps(b), Some("semantics")),
        ("fuel", dump::fuel(a), dump::fuel(b), Some("fuel")),
        ("hook", a.hook().name().to_owned(), b.hook().name().to_owned(), Some("verifier")),
        ("typestate", a.typestate().name().to_owned(), b.typestate().name().to_owned(), typestate),
        ("since", a.since.to_string(), b.since.to_string(), since),
        ("effects", effects(a), effects(b), None),
        ("family", a.family().name().to_owned(), b.family().name().to_owned(), None),
        ("lower", lowering(a), lowering(b), None),
        ("jit", jit(a), jit(b), None),
    ] {
        if x != y {
            say(format!("{what}: {x} -> {y}"), breaks);
        }
    }
}

/// Mnemonics and aliases: a name may be added, but not taken away or given to another opcode.
fn names(out: &mut Vec<Change>, old: &Isa<'_>, new: &Isa<'_>) {
    for row in old.lookup {
        let (name, id) = (row.name.as_str(), |isa: &Isa<'_>, didx| isa.op(didx).map(|r| r.id));
        let at = dump::didx(row.didx.get());
        match new.find(name) {
            Some(didx) if id(new, didx) == id(old, row.didx.get()) => {}
            Some(didx) => out.push(Change {
                line: format!("~ {at} {name:<16} the name now stands for {}", dump::didx(didx)),
                breaks: Some("text"),
            }),
            None => {
                let line = format!("- {at} {name:<16} the name is gone");
                out.push(Change { line, breaks: Some("text") });
            }
        }
    }
    // The name of a new opcode stands at its own line.
    let is_new = |row: &&LookupRow| {
        let of_old = row.alias == 1 || old.op(row.didx.get()).is_some();
        of_old && old.find(row.name.as_str()).is_none()
    };
    for row in new.lookup.iter().filter(is_new) {
        let alias = if row.alias == 1 { "alias" } else { "name" };
        let line = format!("+ {} {:<16} new {alias}", dump::didx(row.didx.get()), row.name.as_str());
        out.push(Change { line, breaks: None });
    }
}

fn types(out: &mut Vec<Change>, old: &Isa<'_>, new: &Isa<'_>) {
    for a in old.classes {
        if new.classes.get(usize::from(a.tag)) != Some(a) {
            let line = format!("~ class {} ({}) changed or is gone", a.tag, a.as_str());
            out.push(Change { line, breaks: Some("values") });
        }
    }
    for b in new.classes.iter().skip(old.classes.len()) {
        out.push(Change { line: format!("+ class {} {}", b.tag, b.as_str()), breaks: None });
    }
    for a in old.types {
        let b = new.types.iter().find(|b| b.name == a.name);
        if b != Some(a) {
            let now = b.map_or("gone".to_owned(), |b| format!("{:?}", b.slots()));
            let line = format!("~ type {}: {:?} -> {now}", a.as_str(), a.slots());
            out.push(Change { line, breaks: Some("intrinsics") });
        }
    }
    for b in new.types.iter().filter(|b| !old.types.iter().any(|a| a.name == b.name)) {
        let line = format!("+ type {} {:?}", b.as_str(), b.slots());
        out.push(Change { line, breaks: None });
    }
}

fn intrinsics(out: &mut Vec<Change>, old: &Isa<'_>, new: &Isa<'_>) {
    let ids: BTreeSet<u16> = old.intrinsics.iter().chain(new.intrinsics).map(|row| row.id.get()).collect();
    for id in ids {
        match (old.intrinsic(id.into()), new.intrinsic(id.into())) {
            (None, Some(b)) => {
                let (name, fuel) = (b.name.as_str(), dump::intrinsic_fuel(b));
                let line = format!("+ intrinsic {id} {name}{} fuel {fuel}", signature(new, b));
                out.push(Change { line, breaks: None });
            }
            (Some(a), None) => {
                let line = format!("- intrinsic {id} {} removed", a.name.as_str());
                out.push(Change { line, breaks: Some("bytecode") });
            }
            (Some(a), Some(b)) => intrinsic(out, (old, a), (new, b)),
            (None, None) => {}
        }
    }
}

fn intrinsic(
    out: &mut Vec<Change>,
    (old, a): (&Isa<'_>, &IntrinsicRow),
    (new, b): (&Isa<'_>, &IntrinsicRow),
) {
    let traps = |row: &IntrinsicRow| {
        let names = TrapCode::ALL.iter().filter(|t| row.traps_with(**t)).map(|t| t.name());
        names.collect::<Vec<_>>().join(" ")
    };
    for (what, x, y, breaks) in [
        ("name", a.name.as_str().to_owned(), b.name.as_str().to_owned(), Some("text")),
        ("arg slots", format!("{:?}", a.arg_slots()), format!("{:?}", b.arg_slots()), Some("verifier")),
        ("ret slots", format!("{:?}", a.ret_slots()), format!("{:?}", b.ret_slots()), Some("verifier")),
        ("layout", signature(old, a), signature(new, b), None),
        ("traps", traps(a), traps(b), Some("semantics")),
        ("fuel", dump::intrinsic_fuel(a), dump::intrinsic_fuel(b), Some("fuel")),
        ("effects", dump::flags(a.flags.get()), dump::flags(b.flags.get()), None),
        ("since", a.since.to_string(), b.since.to_string(), None),
    ] {
        if x != y {
            let line = format!("~ intrinsic {} {}: {what}: {x} -> {y}", b.id.get(), b.name.as_str());
            out.push(Change { line, breaks });
        }
    }
}

/// The logical types of an intrinsic: `(vec2, vec2) -> (float)`.
fn signature(isa: &Isa<'_>, row: &IntrinsicRow) -> String {
    let names = |entries: &[u8]| entries.iter().map(|&e| isa.layout_name(e)).collect::<Vec<_>>().join(", ");
    format!("({}) -> ({})", names(row.args()), names(row.rets()))
}
