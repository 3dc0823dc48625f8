//! Reads `session.json`: which opcodes the instructions of the session family are, and what a run of sessions reports.

use super::json::Node;
use super::object::{Obj, string};
use crate::diag::Diags;
use crate::model::{Event, FamilyName, Session};
use crate::source::{At, Span};

pub(super) fn read(d: &mut Diags, node: &Node) -> Option<Session> {
    let obj = Obj::open(d, node, "the session spec", &["$schema", "family", "events"])?;
    let family_at = obj.get("family").map(|n| Span { end: n.at.start + 1, ..n.at });
    let family = obj.list(d, "family").iter().filter_map(|n| family(d, n)).collect();
    let events = obj.list(d, "events").iter().filter_map(|n| event(d, n)).collect();
    Some(Session { family_at, family, events })
}

fn family(d: &mut Diags, node: &Node) -> Option<FamilyName> {
    let obj = Obj::open(d, node, "an instruction of the family", &["name", "group", "opcodes"])?;
    let (name, group) = (obj.string(d, "name"), obj.string(d, "group"));
    let opcodes = obj.list(d, "opcodes");
    let opcodes = strings(d, opcodes, "a mnemonic");
    Some(FamilyName { name: name?, group: group?, opcodes })
}

fn event(d: &mut Diags, node: &Node) -> Option<Event> {
    let obj = Obj::open(d, node, "an event", &["name", "fields", "doc"])?;
    let (name, doc) = (obj.string(d, "name"), obj.string(d, "doc"));
    let fields = obj.list(d, "fields");
    let fields = strings(d, fields, "a field");
    Some(Event { name: name?, fields, doc: doc? })
}

fn strings(d: &mut Diags, nodes: &[Node], what: &str) -> Vec<At<String>> {
    nodes.iter().filter_map(|n| string(d, n, what)).collect()
}
