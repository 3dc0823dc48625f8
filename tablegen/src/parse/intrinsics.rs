//! Reads `intrinsics.json`: the functions that the VM owns.

use super::json::Node;
use super::object::{Obj, code, string, uint};
use super::{examples, ops};
use crate::diag::Diags;
use crate::model::{Effect, Intrinsic, Owner, Param, Retired};
use crate::source::{At, Span};
use opforge_schema::TrapCode;

const FIELDS: &[&str] = &[
    "id",
    "name",
    "since",
    "doc",
    "args",
    "rets",
    "arg_slots",
    "ret_slots",
    "effects",
    "traps",
    "fuel",
    "sem",
    "examples",
];

pub(super) fn read(d: &mut Diags, node: &Node) -> Option<(Vec<Intrinsic>, Vec<Retired>)> {
    let obj = Obj::open(d, node, "the intrinsic spec", &["$schema", "retired", "intrinsics"])?;
    let retired = obj.list(d, "retired").iter().filter_map(|n| super::retired(d, n)).collect();
    let mut list: Vec<_> =
        obj.list(d, "intrinsics").iter().filter_map(|n| intrinsic(d, n, Owner::Vm)).collect();
    list.sort_by_key(|i| (i.id.v, i.at));
    Some((list, retired))
}

pub(super) fn intrinsic(d: &mut Diags, node: &Node, owner: Owner) -> Option<Intrinsic> {
    let before = d.count();
    let obj = Obj::open(d, node, "an intrinsic", FIELDS)?;
    let (id, name, doc) = (obj.uint(d, "id", 0, 65535), obj.string(d, "name"), obj.string(d, "doc"));
    let vm = owner == Owner::Vm;
    let since = if vm || obj.get("since").is_some() { obj.uint(d, "since", 1, 255) } else { None };
    let args = obj.list(d, "args").iter().filter_map(|n| param(d, n)).collect();
    let rets = obj.list(d, "rets").iter().filter_map(|n| string(d, n, "a result type")).collect();
    let (arg_slots, ret_slots) = (obj.uint(d, "arg_slots", 0, 255), obj.uint(d, "ret_slots", 0, 255));
    let traps = obj.list(d, "traps");
    let effects = if vm || obj.get("effects").is_some() {
        let effects = obj.list(d, "effects");
        ops::codes(d, effects, "E033", "effect", Effect::ALL)
    } else {
        vec![At::new(Effect::Pure, obj.at())]
    };
    let known: Vec<_> = TrapCode::ALL.iter().skip(1).map(|&t| (t, t.name())).collect();
    let traps = ops::codes(d, traps, "E032", "trap", &known);
    let fuel = obj.need(d, "fuel").and_then(|n| fuel(d, n));
    let sem = if vm { obj.need(d, "sem") } else { obj.get("sem") };
    let sem = sem.and_then(|n| ops::sem(d, n));
    let examples = if vm { obj.list(d, "examples") } else { obj.opt_list(d, "examples") };
    let examples = examples.iter().filter_map(|n| example(d, n)).collect();

    let (id, name, at) = (id?, name?, obj.at());
    let slots = |n: Option<At<u64>>| n.map_or(At::new(0, at), |n| At::new(n.v as u8, n.at));
    let (fuel, fuel_shift) = fuel.unwrap_or((1, 0));
    Some(Intrinsic {
        at,
        owner,
        id: At::new(id.v as u16, id.at),
        doc: doc.unwrap_or(At::new(String::new(), at)),
        since: since.map_or(if vm { 0 } else { ops::FIRST_SINCE }, |s| s.v as u8),
        arg_slots: slots(arg_slots),
        ret_slots: slots(ret_slots),
        damaged: d.count() > before,
        layout: Vec::new(),
        sem,
        name,
        args,
        rets,
        effects,
        traps,
        fuel,
        fuel_shift,
        examples,
    })
}

fn param(d: &mut Diags, node: &Node) -> Option<Param> {
    let obj = Obj::open(d, node, "an argument", &["name", "type"])?;
    let (name, ty) = (obj.string(d, "name"), obj.string(d, "type"));
    Some(Param { name: name?, ty: ty? })
}

/// A number, or a base and a shift for the bytes of all arguments.
fn fuel(d: &mut Diags, node: &Node) -> Option<(u16, u8)> {
    if !matches!(node.value, super::json::Value::Object(_)) {
        let base = uint(d, node, "fuel", 0, 65535)?;
        ops::zero_fuel(d, &base);
        return Some((base.v as u16, 0));
    }
    let obj = Obj::open(d, node, "fuel", &["base", "shift"])?;
    let (base, shift) = (obj.uint(d, "base", 0, 65535)?, obj.uint(d, "shift", 1, 16)?);
    ops::zero_fuel(d, &base);
    Some((base.v as u16, shift.v as u8))
}

/// Values in, values or a trap out; text and bytes follow from the layout.
fn example(d: &mut Diags, node: &Node) -> Option<crate::model::IntrinsicExample> {
    let obj = Obj::open(d, node, "an example", &["in", "out", "trap"])?;
    let at: Span = obj.at();
    let inputs = obj.need(d, "in").map(|n| (examples::values(d, n, "in"), n.compact()));
    let outputs = obj.get("out").map(|n| (examples::values(d, n, "out"), n.compact()));
    let trap = obj.get("trap").and_then(|n| string(d, n, "trap"));
    if outputs.is_some() == trap.is_some() {
        d.error("E041", at, "an example has either \"out\" or \"trap\"");
        return None;
    }
    let known: Vec<_> = TrapCode::ALL.iter().skip(1).map(|&t| (t, t.name())).collect();
    let trap_code = trap.as_ref().and_then(|t| Some(At::new(code(d, "E032", t, "trap", &known)?, t.at)));
    let (inputs, given) = inputs?;
    let (outputs, after) = match (outputs, &trap) {
        (Some((values, json)), _) => (Some(values), format!("\"out\":{json}")),
        (None, Some(t)) => (None, format!("\"trap\":\"{}\"", t.v)),
        (None, None) => return None,
    };
    let json = format!("{{\"in\":{given},{after}}}");
    Some(crate::model::IntrinsicExample { at, json, inputs, outputs, trap: trap_code })
}
