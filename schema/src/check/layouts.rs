//! Rows of intrinsics: whether layouts, flattened with the logical types, are the slots beside them.

use super::{known_traps, text_bytes};
use crate::rows::{ClassRow, IntrinsicRow, TypeRow, layout, op_flags};

/// Effects that an intrinsic may have; what else it does shows in nothing but its results.
const INTRINSIC_EFFECTS: u16 = op_flags::PURE | op_flags::ALLOC | op_flags::MEM_READ;

/// Checks an intrinsic against the logical types and classes that its layouts are made of; `before` is the row in
/// front of it.
#[must_use]
pub const fn intrinsic(
    row: &IntrinsicRow,
    before: Option<&IntrinsicRow>,
    types: &[TypeRow],
    classes: &[ClassRow],
) -> Option<&'static str> {
    if row.id.get() == 0 {
        return Some("the id is 0");
    }
    if row.flags.get() & !INTRINSIC_EFFECTS != 0 || !known_traps(row.traps.get()) {
        return Some("an effect or trap that an intrinsic cannot have");
    }
    if row.fuel.get() == 0 || row.fuel_shift > 16 {
        return Some("fuel must not be 0, nor its shift over 16");
    }
    if let Some(before) = before
        && before.id.get() >= row.id.get()
    {
        return Some("ids are not sorted, or one is there twice");
    }
    if row.name.len == 0 {
        return Some("a name is empty");
    }
    if let Some(problem) = text_bytes(&row.name) {
        return Some(problem);
    }
    if let Some(problem) = flattened(&row.args, row.n_args, &row.arg_classes, row.arg_slots, types, classes) {
        return Some(problem);
    }
    flattened(&row.rets, row.n_rets, &row.ret_classes, row.ret_slots, types, classes)
}

/// Checks that a layout, flattened with the logical types, is the list of slot classes beside it.
const fn flattened(
    parts: &[u8],
    n_parts: u8,
    slots: &[u8],
    n_slots: u8,
    types: &[TypeRow],
    classes: &[ClassRow],
) -> Option<&'static str> {
    if n_parts as usize > parts.len() || n_slots as usize > slots.len() {
        return Some("a layout is longer than its row");
    }
    let (mut part, mut slot) = (0, 0);
    while part < parts.len() {
        let code = parts[part];
        part += 1;
        if part > n_parts as usize {
            if code != 0 {
                return Some("an entry behind a layout is not zero");
            }
            continue;
        }
        let of_class = [code];
        let wanted: &[u8] = match layout::type_index(code) {
            None => &of_class,
            Some(index) if index < types.len() && types[index].slots <= 4 => {
                types[index].classes.split_at(types[index].slots as usize).0
            }
            Some(_) => return Some("a layout names a logical type that does not exist"),
        };
        let mut i = 0;
        while i < wanted.len() {
            if slot >= n_slots as usize || slots[slot] != wanted[i] {
                return Some("the slots disagree with the layout's types");
            }
            let tag = wanted[i] as usize;
            if tag >= classes.len() || classes[tag].slots != 1 || classes[tag].linear() {
                return Some(
                    "a slot has a class that does not exist, takes another number of slots or is linear",
                );
            }
            (i, slot) = (i + 1, slot + 1);
        }
    }
    if slot != n_slots as usize {
        return Some("the slots disagree with the layout's types");
    }
    while slot < slots.len() {
        if slots[slot] != 0 {
            return Some("a slot behind a layout is not zero");
        }
        slot += 1;
    }
    None
}
