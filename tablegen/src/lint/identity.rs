//! Bytes, ids and names: each opcode has its own, and nothing that was given up comes back.

use super::is_keyword;
use crate::diag::Diags;
use crate::model::{Op, Owner, Spec};
use crate::source::{At, Span};
use opforge_schema::{MAX_NAME, fuse_flags};
use std::collections::BTreeMap;

/// Longest variant name.
const MAX_IDENT: usize = 40;

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    bytes(d, spec);
    ids(d, spec);
    names(d, spec);
    mnemonics(d, spec);
    for op in spec.ops.iter().filter(|op| !op.damaged) {
        doc(d, &op.doc, "an opcode");
    }
}

/// Text that goes into generated Rust as a comment: printable ASCII on one line.
pub(super) fn doc(d: &mut Diags, doc: &At<String>, what: &str) {
    if doc.v.trim().is_empty() {
        d.error("E015", doc.at, format!("{what} needs a doc"));
    } else if let Some(c) = doc.v.chars().find(|c| !(' '..='~').contains(c)) {
        let message = format!("a doc is one line of printable ASCII, without U+{:04X}", c as u32);
        d.error("E015", doc.at, message);
    }
}

fn bytes(d: &mut Diags, spec: &Spec) {
    own_bytes(d, spec);
    let own = |op: &&Op| op.owner == Owner::Vm;
    let used: BTreeMap<u8, &Op> = spec.ops.iter().rev().filter(own).map(|op| (op.byte.v, op)).collect();
    let mut owner: BTreeMap<u8, Span> = BTreeMap::new();
    for range in &spec.reserved {
        let mut clash = false;
        for byte in range.from.v..=range.to.v {
            if let Some(first) = owner.insert(byte, range.from.at).filter(|_| !clash) {
                clash = true;
                d.error_note(
                    "E017",
                    range.from.at,
                    format!("byte 0x{byte:02X} is reserved twice"),
                    Some(first),
                    "first here",
                );
            }
            if let Some(op) = used.get(&byte) {
                let message = format!("byte 0x{byte:02X} is reserved and used by \"{}\"", op.name.v);
                d.error_note("E017", op.byte.at, message, Some(range.from.at), "reserved here");
            }
        }
    }
    // A damaged opcode may be the one that fills a gap.
    if d.is_empty() {
        gaps(d, spec.reserved_at, |byte| used.contains_key(&byte) || owner.contains_key(&byte));
    }
}

/// Each position is one opcode's, and none that is kept free.
fn own_bytes(d: &mut Diags, spec: &Spec) {
    let mut used: BTreeMap<u16, &Op> = BTreeMap::new();
    for op in &spec.ops {
        let byte = op.byte.v;
        if let Some(first) = used.get(&op.didx()) {
            let message = format!("duplicate opcode byte 0x{byte:02X} (\"{}\")", op.name.v);
            let note = format!("first used here by \"{}\"", first.name.v);
            d.error_note("E011", op.byte.at, message, Some(first.byte.at), note);
            continue;
        }
        used.insert(op.didx(), op);
        if byte == 0xFF {
            d.error("E018", op.byte.at, "byte 0xFF is never assigned: erased memory stays invalid");
        } else if op.page == 0 && byte >= 0xFC {
            d.error("E018", op.byte.at, format!("byte 0x{byte:02X} of page 0 is kept for prefixes"));
        }
    }
}

fn gaps(d: &mut Diags, at: Span, covered: impl Fn(u8) -> bool) {
    let mut start = None;
    for byte in 0..=256u16 {
        let gap = u8::try_from(byte).is_ok_and(|b| !covered(b));
        match (gap, start) {
            (true, None) => start = Some(byte),
            (false, Some(from)) => {
                let to = byte - 1;
                let range = if from == to {
                    format!("byte 0x{from:02X} is")
                } else {
                    format!("bytes 0x{from:02X} to 0x{to:02X} are")
                };
                let note = "add a reserved range with a reason";
                d.error_note("E016", at, format!("{range} neither used nor reserved"), None, note);
                start = None;
            }
            _ => {}
        }
    }
}

fn ids(d: &mut Diags, spec: &Spec) {
    let mut seen: BTreeMap<u16, &Op> = BTreeMap::new();
    for op in spec.ops.iter().filter(|op| op.id.v != 0) {
        if let Some(first) = seen.insert(op.id.v, op) {
            let message = format!("id {} of \"{}\" is already used", op.id.v, op.name.v);
            let note = format!("first used here by \"{}\"", first.name.v);
            d.error_note("E019", op.id.at, message, Some(first.id.at), note);
        }
    }
    for old in spec.retired.iter().chain(spec.overlay.iter().flat_map(|o| &o.retired)) {
        if let Some(op) = seen.get(&old.id.v) {
            let message = format!("id {} of \"{}\" was retired and is never used again", old.id.v, op.name.v);
            let note = format!("it was \"{}\"", old.name.v);
            d.error_note("E019", op.id.at, message, Some(old.id.at), note);
        }
    }
}

fn names(d: &mut Diags, spec: &Spec) {
    let mut seen: BTreeMap<String, (String, Span)> = BTreeMap::new();
    let mut take = |d: &mut Diags, name: String, at: Span| {
        let folded = fold(&name);
        if let Some((first, first_at)) = seen.get(&folded) {
            let same = if *first == name { "" } else { ", the same but for case" };
            let message = format!("duplicate name \"{name}\"{same}");
            d.error_note("E012", at, message, Some(*first_at), format!("first used here for \"{first}\""));
        } else {
            seen.insert(folded, (name, at));
        }
    };
    for op in &spec.ops {
        let name = &op.name.v;
        let good = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphanumeric())
            && name.len() <= MAX_IDENT
            && !is_keyword(name);
        if !good {
            let message = format!(
                "\"{name}\" is not a name: an upper-case letter, then letters and digits, at most {MAX_IDENT}, and no keyword"
            );
            d.error("E012", op.name.at, message);
        }
        take(d, name.clone(), op.name.at);
    }
    // The engines name fused forms after the opcode.
    for op in &spec.ops {
        let fused = [
            (op.fuses(fuse_flags::IMM), format!("{}Imm", op.name.v)),
            (op.fuses(fuse_flags::BRANCH), format!("Br{}", op.name.v)),
        ];
        for (_, name) in fused.into_iter().filter(|(on, _)| *on) {
            take(d, name, op.name.at);
        }
    }
}

fn mnemonics(d: &mut Diags, spec: &Spec) {
    let mut seen: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    for op in &spec.ops {
        for (what, name) in
            [("mnemonic", &op.mnemonic)].into_iter().chain(op.aliases.iter().map(|a| ("alias", a)))
        {
            let good = name.v.starts_with(|c: char| c.is_ascii_lowercase())
                && name.v.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b));
            if !good {
                let message = format!(
                    "\"{}\" is not a {what}: a lower-case letter, then a-z, 0-9, dot and underscore",
                    name.v
                );
                d.error("E013", name.at, message);
            } else if name.v.len() > MAX_NAME {
                let message =
                    format!("{what} \"{}\" has {} bytes; a row holds {MAX_NAME}", name.v, name.v.len());
                d.error("E013", name.at, message);
            }
            if let Some((first, at)) = seen.get(&fold(&name.v)) {
                let same = if *first == name.v { "" } else { " but for case, dots and underscores" };
                let message = format!("duplicate {what} \"{}\"", name.v);
                d.error_note("E014", name.at, message, Some(*at), format!("the same as this{same}"));
            } else {
                seen.insert(fold(&name.v), (&name.v, name.at));
            }
        }
    }
}

/// A name without what people mix up.
pub(super) fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '.' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}
