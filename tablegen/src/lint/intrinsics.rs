//! Intrinsics: ids and names of their own, layouts that are those of `types.json`, costs and effects that fit.
//! Flattens layouts into slots for the emitters.

use super::is_keyword;
use crate::diag::{Diags, nearest, plural};
use crate::model::{Effect, Entry, Intrinsic, Owner, Spec};
use crate::source::At;
use opforge_schema::{
    IntrinsicRow, MAX_ARG_SLOTS, MAX_INTRINSIC_ARGS, MAX_INTRINSIC_RETS, MAX_NAME, MAX_RET_SLOTS, TrapCode,
    TypeRule,
};
use std::collections::BTreeMap;

/// Argument slots whose bytes engines count: the bits that a word of the interpreter has for them.
const COUNTED_SLOTS: usize = 8;

pub(super) fn lint(d: &mut Diags, spec: &mut Spec) {
    identity(d, spec);
    let mut list = std::mem::take(&mut spec.intrinsics);
    for intrinsic in list.iter_mut().filter(|i| !i.damaged) {
        super::identity::doc(d, &intrinsic.doc, "an intrinsic");
        layouts(d, spec, intrinsic);
        behaviour(d, intrinsic);
        examples(d, spec, intrinsic);
    }
    spec.intrinsics = list;
}

fn identity(d: &mut Diags, spec: &Spec) {
    let mut ids: BTreeMap<u16, &Intrinsic> = BTreeMap::new();
    let mut names: BTreeMap<String, &At<String>> = BTreeMap::new();
    for i in &spec.intrinsics {
        if i.owner == Owner::Vm && (i.id.v == 0 || i.id.v >= IntrinsicRow::FIRST_FOREIGN) {
            let first = IntrinsicRow::FIRST_FOREIGN;
            let message = format!("id {} is not from 1 to {}: ids of the VM", i.id.v, first - 1);
            d.error_note("E070", i.id.at, message, None, format!("ids from {first} on belong to embedders"));
        }
        if let Some(first) = ids.insert(i.id.v, i) {
            let message = format!("id {} of \"{}\" is already used", i.id.v, i.name.v);
            let note = format!("first used here by \"{}\"", first.name.v);
            d.error_note("E070", i.id.at, message, Some(first.id.at), note);
        }
        let own = spec.overlay.iter().flat_map(|o| &o.retired_intrinsics);
        if let Some(old) = spec.retired_intrinsics.iter().chain(own).find(|old| old.id.v == i.id.v) {
            let message = format!("id {} of \"{}\" was retired and is never used again", i.id.v, i.name.v);
            d.error_note("E070", i.id.at, message, Some(old.id.at), format!("it was \"{}\"", old.name.v));
        }
        name(d, &i.name);
        if let Some(first) = names.insert(super::identity::fold(&i.name.v), &i.name) {
            let same = if first.v == i.name.v { "" } else { " but for case, dots and underscores" };
            let message = format!("duplicate intrinsic name \"{}\"", i.name.v);
            d.error_note("E071", i.name.at, message, Some(first.at), format!("the same as this{same}"));
        }
    }
}

fn word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn name(d: &mut Diags, name: &At<String>) {
    let parts = name.v.split_once('.').filter(|(group, function)| word(group) && word(function));
    if parts.is_none() || name.v.len() > MAX_NAME {
        let message = format!(
            "\"{}\" is not an intrinsic name: write group.function of a-z, 0-9 and underscore, at most {MAX_NAME}",
            name.v
        );
        d.error("E071", name.at, message);
    }
}

/// Flattens both layouts, and compares them with the slots that the row states.
fn layouts(d: &mut Diags, spec: &Spec, i: &mut Intrinsic) {
    for (at, param) in i.args.iter().enumerate() {
        if !word(&param.name.v) || is_keyword(&param.name.v) {
            let message = format!("\"{}\" does not name an argument", param.name.v);
            d.error("E071", param.name.at, message);
        }
        if let Some(first) = i.args.iter().take(at).find(|p| p.name.v == param.name.v) {
            let message = format!("duplicate argument name \"{}\"", param.name.v);
            d.error_note("E071", param.name.at, message, Some(first.name.at), "first here");
        }
    }
    let args: Vec<&At<String>> = i.args.iter().map(|p| &p.ty).collect();
    let rets: Vec<&At<String>> = i.rets.iter().collect();
    let args = side(d, spec, &i.name.v, "argument", &args, (MAX_INTRINSIC_ARGS, MAX_ARG_SLOTS), &i.arg_slots);
    let rets = side(d, spec, &i.name.v, "result", &rets, (MAX_INTRINSIC_RETS, MAX_RET_SLOTS), &i.ret_slots);
    if i.rets.is_empty() {
        d.error("E074", i.at, format!("\"{}\" gives nothing, and can do nothing else", i.name.v));
    }
    // Without both, nothing more can be said about the row.
    if let (Some(args), Some(rets)) = (args, rets) {
        i.layout = vec![args, rets];
    }
}

fn side(
    d: &mut Diags,
    spec: &Spec,
    name: &str,
    what: &str,
    types: &[&At<String>],
    (most, most_slots): (usize, usize),
    stated: &At<u8>,
) -> Option<Vec<Entry>> {
    if let Some(extra) = types.get(most) {
        d.error("E074", extra.at, format!("{}; a row holds {most}", plural(types.len(), what)));
        return None;
    }
    let entries: Option<Vec<Entry>> = types.iter().map(|ty| entry(d, spec, ty)).collect();
    let entries = entries?;
    let slots: usize = entries.iter().map(|e| e.slots.len()).sum();
    if slots > most_slots {
        d.error("E074", stated.at, format!("{}; a row holds {most_slots}", plural(slots, "slot")));
        return None;
    }
    if slots != usize::from(stated.v) {
        let parts: Vec<String> =
            types.iter().zip(&entries).map(|(ty, e)| format!("{} {}", ty.v, e.slots.len())).collect();
        let message = format!("\"{name}\" states {} {what} slots, its types take {slots}", stated.v);
        let note = if parts.is_empty() { "it has none".to_owned() } else { parts.join(", ") };
        d.error_note("E073", stated.at, message, None, format!("by types.json: {note}"));
        return None;
    }
    Some(entries)
}

/// One entry of a layout: a logical type, or a class of plain values that takes one slot.
fn entry(d: &mut Diags, spec: &Spec, ty: &At<String>) -> Option<Entry> {
    if let Some(index) = spec.types.iter().position(|t| t.name.v == ty.v) {
        let slots = spec.types.get(index).map(|t| t.slots.clone())?;
        let sized = slots.iter().any(|tag| spec.classes.get(usize::from(*tag)).is_some_and(|c| c.heap));
        return Some(Entry { code: opforge_schema::layout::TYPE | index as u8, slots, sized });
    }
    let plain = |rule| {
        use TypeRule as T;
        matches!(rule, T::Bool | T::I64 | T::U64 | T::F64 | T::Bytes | T::Str)
    };
    match spec.classes.iter().find(|c| c.name.v == ty.v) {
        Some(class) if class.slots == 1 && plain(class.rule) => {
            Some(Entry { code: class.tag, slots: vec![class.tag], sized: class.heap })
        }
        Some(_) => {
            let note = "a layout takes logical types of types.json, and bool, i64, u64, f64, bytes and str";
            d.error_note("E072", ty.at, format!("class \"{}\" cannot be in a layout", ty.v), None, note);
            None
        }
        None => {
            let known = spec.types.iter().map(|t| &t.name).chain(spec.classes.iter().map(|c| &c.name));
            let note = match nearest(&ty.v, known.map(|n| n.v.as_str())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "types.json has the logical types and classes".to_owned(),
            };
            d.error_note("E072", ty.at, format!("unknown type \"{}\"", ty.v), None, note);
            None
        }
    }
}

fn behaviour(d: &mut Diags, i: &Intrinsic) {
    let has = |effect: Effect| i.effects.iter().any(|e| e.v == effect);
    for effect in &i.effects {
        if !matches!(effect.v, Effect::Pure | Effect::Alloc | Effect::MemRead) {
            d.error("E075", effect.at, "an intrinsic is pure, or reads and allocates in the run's heap");
        }
    }
    if i.effects.is_empty() || (has(Effect::Pure) && i.effects.len() > 1) {
        d.error("E075", i.at, format!("\"{}\" is either \"pure\" or has effects", i.name.v));
    }
    let memory = i.traps.iter().any(|t| t.v == TrapCode::MemoryLimitExceeded);
    if memory != has(Effect::Alloc) {
        d.error("E075", i.at, format!("\"{}\" allocates, or does not: effect and trap differ", i.name.v));
    }
    if let Some(trap) = i.traps.iter().find(|t| t.v.is_session()) {
        d.error("E075", trap.at, format!("trap {} is for session instructions", trap.v.name()));
    }
    if let Some(own) = i.traps.iter().find(|t| t.v == TrapCode::InvalidIntrinsic) {
        d.error("E075", own.at, "InvalidIntrinsic is the trap of what is not there");
    }
    let sized = i.layout.first().is_some_and(|args| args.iter().any(|e| e.sized));
    let slots = i.layout.first().into_iter().flatten().flat_map(|e| e.slots.iter().map(|_| e.sized));
    if slots.skip(COUNTED_SLOTS).any(|sized| sized) {
        let message = format!(
            "fuel by size counts the first {COUNTED_SLOTS} argument slots; move text and bytes there"
        );
        d.error("E075", i.arg_slots.at, message);
    }
    if i.fuel_shift != 0 && !sized {
        d.error("E075", i.at, format!("\"{}\" has fuel by size but no argument with a size", i.name.v));
    }
    if sized && i.fuel_shift == 0 {
        d.error("E075", i.at, format!("\"{}\" reads text or bytes: its fuel must go by size", i.name.v));
    }
}

fn examples(d: &mut Diags, spec: &Spec, i: &Intrinsic) {
    let [args, rets] = i.layout.as_slice() else { return };
    if i.examples.is_empty() && i.owner == Owner::Vm {
        d.error("E041", i.at, format!("\"{}\" has no example", i.name.v));
    }
    let class = |tag: &u8| spec.classes.get(usize::from(*tag)).map_or("", |c| c.name.v.as_str());
    for example in &i.examples {
        if let Some(trap) = example.trap.as_ref().filter(|t| !i.traps.iter().any(|o| o.v == t.v)) {
            d.error("E032", trap.at, format!("\"{}\" does not list trap {}", i.name.v, trap.v.name()));
        }
        for (given, wanted) in [(Some(&example.inputs), args), (example.outputs.as_ref(), rets)] {
            let Some(given) = given else { continue };
            let wanted: Vec<&str> = wanted.iter().flat_map(|e| &e.slots).map(class).collect();
            let given: Vec<&str> = given.iter().map(|v| v.v.as_str()).collect();
            if wanted != given {
                let message = format!("example of \"{}\" has ({})", i.name.v, given.join(", "));
                let note = format!("its layout has ({})", wanted.join(", "));
                d.error_note("E041", example.at, message, None, note);
            }
        }
    }
}
