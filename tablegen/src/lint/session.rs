//! The session family as a table: its names, the opcodes that they are, and the events of a run.

use super::identity::doc;
use crate::diag::{Diags, nearest, plural};
use crate::model::{FamilyName, Spec};
use crate::source::{At, Span};
use opforge_schema::Lower;
use std::collections::BTreeMap;

/// Instructions of the family. Their number is fixed: what they do is that of the machine they were first described for.
const INSTRUCTIONS: usize = 21;

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    let family = &spec.session.family;
    if let Some(at) = spec.session.family_at.filter(|_| family.len() != INSTRUCTIONS) {
        let found = plural(family.len(), "instruction");
        d.error("E090", at, format!("{found} in the family; it has {INSTRUCTIONS}"));
    }
    let mut seen = BTreeMap::new();
    for entry in family {
        name(d, "E090", &entry.name, &mut seen);
        name(d, "E090", &entry.group, &mut BTreeMap::new());
    }
    // A damaged opcode may be the one that is named.
    if d.is_empty() {
        family.iter().for_each(|entry| opcodes(d, spec, entry));
        missing(d, spec);
    }
    let mut seen = BTreeMap::new();
    for event in &spec.session.events {
        name(d, "E091", &event.name, &mut seen);
        doc(d, &event.doc, "an event");
        let mut fields = BTreeMap::new();
        for field in &event.fields {
            name(d, "E091", field, &mut fields);
        }
    }
}

fn name<'s>(d: &mut Diags, code: &'static str, name: &'s At<String>, seen: &mut BTreeMap<&'s str, Span>) {
    let good = name.v.starts_with(|c: char| c.is_ascii_lowercase())
        && name.v.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if !good {
        d.error(code, name.at, format!("\"{}\" is not a name: a-z and underscore", name.v));
    }
    if let Some(first) = seen.insert(&name.v, name.at) {
        d.error_note(code, name.at, format!("duplicate name \"{}\"", name.v), Some(first), "first here");
    }
}

fn opcodes(d: &mut Diags, spec: &Spec, entry: &FamilyName) {
    if entry.opcodes.is_empty() {
        d.error("E090", entry.name.at, format!("\"{}\" is no opcode at all", entry.name.v));
    }
    for (at, opcode) in entry.opcodes.iter().enumerate() {
        let mut before = entry.opcodes.iter().take(at);
        if let Some(first) = before.find(|o| o.v == opcode.v) {
            let message = format!("\"{}\" stands twice", opcode.v);
            d.error_note("E090", opcode.at, message, Some(first.at), "first here");
        }
        if !spec.ops.iter().any(|op| op.mnemonic.v == opcode.v) {
            let known = spec.ops.iter().map(|op| op.mnemonic.v.as_str());
            let note = match nearest(&opcode.v, known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "opcodes.json has the mnemonics".to_owned(),
            };
            d.error_note("E090", opcode.at, format!("there is no opcode \"{}\"", opcode.v), None, note);
        }
    }
}

/// What is lowered as a session instruction is one of the family, under its own name.
fn missing(d: &mut Diags, spec: &Spec) {
    for op in spec.ops.iter().filter(|op| op.lower.v == Lower::Session && !op.damaged) {
        let own = |entry: &&FamilyName| entry.opcodes.iter().any(|o| o.v == op.mnemonic.v);
        match spec.session.family.iter().find(own) {
            None => {
                d.error("E090", op.mnemonic.at, format!("\"{}\" is not in the session family", op.mnemonic.v))
            }
            Some(entry) if entry.name.v != op.mnemonic.v => {
                let message = format!("the family calls \"{}\" by another name", op.mnemonic.v);
                d.error_note("E090", op.mnemonic.at, message, Some(entry.name.at), "here");
            }
            Some(_) => {}
        }
    }
}
