//! Reads an overlay spec: the rows that an embedder adds to the instruction set whose spec was read before.

use super::json;
use super::object::Obj;
use super::{OVERLAY, intrinsics, ops, types};
use crate::diag::{Diags, nearest};
use crate::model::{Overlay, Owner, Spec};
use crate::source::At;
use opforge_schema::FIRST_FOREIGN_PAGE;

const FIELDS: &[&str] = &[
    "$schema",
    "extends",
    "name",
    "isa_version",
    "page",
    "types",
    "opcodes",
    "intrinsics",
    "retired",
    "retired_intrinsics",
];

/// Adds an overlay to the spec that it extends. `None` if it is not JSON or its root is no object.
pub(super) fn read(d: &mut Diags, mut spec: Spec) -> Option<Spec> {
    let node = json::parse(d, OVERLAY)?;
    let obj = Obj::open(d, &node, "the overlay", FIELDS)?;
    extends(d, &obj, &spec);
    let name = obj.string(d, "name");
    let version = obj.uint(d, "isa_version", 1, u64::from(u32::MAX));
    let has_opcodes = obj.get("opcodes").is_some();
    let page = if has_opcodes || obj.get("page").is_some() { obj.uint(d, "page", 0, 255) } else { None };
    let page = page.map_or(At::new(FIRST_FOREIGN_PAGE, obj.at()), |p| At::new(p.v as u8, p.at));

    let added = obj.opt_list(d, "types");
    types::logical_types(d, added, &spec.classes, &mut spec.types);
    let added = obj.opt_list(d, "opcodes").iter();
    spec.ops.extend(added.filter_map(|n| ops::read(d, n, Owner::Embedder, page.v)));
    spec.ops.sort_by_key(|op| (op.page, op.byte.v, op.at));
    let added = obj.opt_list(d, "intrinsics").iter();
    spec.intrinsics.extend(added.filter_map(|n| intrinsics::intrinsic(d, n, Owner::Embedder)));
    spec.intrinsics.sort_by_key(|i| (i.id.v, i.at));
    let retired = obj.opt_list(d, "retired").iter().filter_map(|n| super::retired(d, n)).collect();
    let gone = obj.opt_list(d, "retired_intrinsics").iter();
    let retired_intrinsics = gone.filter_map(|n| super::retired(d, n)).collect();
    spec.overlay = Some(Overlay {
        name: name.unwrap_or(At::new(String::new(), obj.at())),
        version: version.map_or(0, |v| v.v as u32),
        page,
        retired,
        retired_intrinsics,
    });
    Some(spec)
}

/// What an overlay extends must be there.
fn extends(d: &mut Diags, obj: &Obj<'_>, base: &Spec) {
    let Some(wanted) = obj.string(d, "extends").filter(|wanted| wanted.v != base.isa) else { return };
    let note = match nearest(&wanted.v, [base.isa.as_str()]) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("known: {}", base.isa),
    };
    d.error_note("E080", wanted.at, format!("there is no instruction set \"{}\"", wanted.v), None, note);
}
