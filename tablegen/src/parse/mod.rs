//! JSON to model. Reads every value with its place and turns names into codes and positions; rules across
//! opcodes are the business of [`lint`](crate::lint).

mod examples;
mod intrinsics;
pub mod json;
pub mod object;
mod ops;
mod overlay;
mod session;
mod types;

use crate::diag::Diags;
use crate::model::{Owner, Reserved, Retired, Session, Spec};
use crate::source::{At, Source, Sources, Span};
use json::Node;
use object::Obj;

/// Position of `opcodes.json` in the sources.
pub const OPCODES: u16 = 0;
/// Position of `types.json` in the sources.
pub const TYPES: u16 = 1;
/// Position of `intrinsics.json` in the sources.
pub const INTRINSICS: u16 = 2;
/// Position of `session.json` in the sources.
pub const SESSION: u16 = 3;
/// Position of an overlay spec in the sources.
pub const OVERLAY: u16 = 4;

/// Reads a spec from the texts of its files. The spec is there unless a file is not JSON or a root is not an
/// object; it is of no use while `d` holds findings.
pub fn parse(sources: Sources, digest: impl Fn(&str) -> String) -> (Option<Spec>, Diags) {
    let Sources { opcodes, types, intrinsics, session, overlay } = sources;
    let sources: Vec<Source> = [opcodes, types, intrinsics, session].into_iter().chain(overlay).collect();
    let files = sources.iter().map(|s| (s.name.clone(), digest(&s.text))).collect();
    let overlaid = sources.len() > usize::from(OVERLAY);
    let mut d = Diags::new(sources);
    let [opcodes, types, intrinsics, session] =
        [OPCODES, TYPES, INTRINSICS, SESSION].map(|file| json::parse(&mut d, file));
    let (Some(opcodes), Some(types), Some(intrinsics), Some(session)) = (opcodes, types, intrinsics, session)
    else {
        return (None, d);
    };
    let classes = types::read(&mut d, &types);
    let mut spec = root(&mut d, &opcodes);
    if let (Some(spec), Some((classes, types))) = (&mut spec, classes) {
        (spec.classes, spec.types, spec.files) = (classes, types, files);
    }
    let intrinsics = intrinsics::read(&mut d, &intrinsics);
    if let (Some(spec), Some((list, retired))) = (&mut spec, intrinsics) {
        (spec.intrinsics, spec.retired_intrinsics) = (list, retired);
    }
    let session = session::read(&mut d, &session);
    if let (Some(spec), Some(session)) = (&mut spec, session) {
        spec.session = session;
    }
    if overlaid && let Some(base) = spec {
        spec = overlay::read(&mut d, base);
    }
    (spec, d)
}

fn root(d: &mut Diags, node: &Node) -> Option<Spec> {
    let known =
        ["$schema", "isa", "isa_version", "page", "tables_max_bytes", "reserved", "retired", "opcodes"];
    let obj = Obj::open(d, node, "the spec", &known)?;
    let isa = obj.string(d, "isa");
    let version = obj.uint(d, "isa_version", 1, u64::from(u32::MAX));
    let page = obj.uint(d, "page", 0, 31);
    let page = page.map_or(At::new(0, obj.at()), |p| At::new(p.v as u8, p.at));
    let budget = obj.uint(d, "tables_max_bytes", 1, 1 << 20);
    let reserved_at = obj.get("reserved").map_or(obj.at(), |n| Span { end: n.at.start + 1, ..n.at });
    let reserved = obj.list(d, "reserved").iter().filter_map(|n| reserved(d, n)).collect();
    let retired = obj.list(d, "retired").iter().filter_map(|n| retired(d, n)).collect();
    let mut list: Vec<_> =
        obj.list(d, "opcodes").iter().filter_map(|n| ops::read(d, n, Owner::Vm, page.v)).collect();
    list.sort_by_key(|op| (op.byte.v, op.at));
    let budget = budget.unwrap_or(At::new(0, obj.at()));
    Some(Spec {
        isa: isa.map(|s| s.v).unwrap_or_default(),
        isa_version: version.map_or(0, |v| v.v as u32),
        page,
        overlay: None,
        tables_max_bytes: At::new(budget.v as u32, budget.at),
        reserved_at,
        reserved,
        retired,
        ops: list,
        classes: Vec::new(),
        types: Vec::new(),
        intrinsics: Vec::new(),
        retired_intrinsics: Vec::new(),
        session: Session::default(),
        files: Vec::new(),
    })
}

fn reserved(d: &mut Diags, node: &Node) -> Option<Reserved> {
    let obj = Obj::open(d, node, "a reserved range", &["from", "to", "reason"])?;
    let (from, to) = (byte(d, &obj, "from"), byte(d, &obj, "to"));
    let reason = obj.string(d, "reason");
    if reason.as_ref().is_some_and(|r| r.v.trim().is_empty()) {
        d.error("E015", obj.at(), "a reserved range needs a reason");
    }
    let (from, to) = (from?, to?);
    if from.v > to.v {
        d.error("E010", to.at, format!("the range ends at 0x{:02X}, before it begins", to.v));
        return None;
    }
    Some(Reserved { from, to, reason: reason.map_or(String::new(), |r| r.v) })
}

fn retired(d: &mut Diags, node: &Node) -> Option<Retired> {
    let obj = Obj::open(d, node, "a retired opcode", &["id", "name", "reason"])?;
    let (id, name) = (obj.uint(d, "id", 1, 65535), obj.string(d, "name"));
    obj.string(d, "reason");
    let id = id?;
    Some(Retired { id: At::new(id.v as u16, id.at), name: name? })
}

/// A byte, written as a string such as `"0x2F"` so that it can be searched for.
fn byte(d: &mut Diags, obj: &Obj<'_>, key: &str) -> Option<At<u8>> {
    let text = obj.string(d, key)?;
    let digits = text.v.strip_prefix("0x").unwrap_or("");
    let upper = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
    if digits.len() == 2 && digits.bytes().all(upper) {
        return u8::from_str_radix(digits, 16).ok().map(|b| At::new(b, text.at));
    }
    let message = format!("\"{}\" is not a byte: write 0x and two upper-case hex digits", text.v);
    d.error("E010", text.at, message);
    None
}
