//! Blobs straight from the spec. Stage B makes the same bytes from the compiled literals by other code;
//! `gen` and `check` compare the two.

use crate::model::{Op, Spec};
use opforge_schema::literal::blob;
use opforge_schema::zerocopy::FromZeros;
use opforge_schema::zerocopy::little_endian::{U16, U64};
use opforge_schema::{
    Access, Blobs, ClassRow, IntrinsicRow, LookupRow, NameRow, OWN_PAGES, OpRow, OperandRow, RuleRow,
    TextRow, TypeRow, class_flags, op_flags, row_of,
};

/// File name and bytes of every zerocopy blob, in table order.
#[must_use]
pub fn blobs(spec: &Spec) -> Vec<(&'static str, Vec<u8>)> {
    let last = spec.ops.iter().map(|op| row_of(op.didx()) + 1).max().unwrap_or(0);
    let slots = (OWN_PAGES << 8).max(last);
    let mut ops = vec![OpRow::new_zeroed(); slots];
    let mut names = vec![NameRow::new_zeroed(); slots];
    let mut text = vec![TextRow::new_zeroed(); slots];
    let mut lookup = Vec::new();
    for op in &spec.ops {
        let didx = op.didx();
        let at = row_of(didx);
        ops[at] = op_row(op);
        names[at] = name_row(&op.mnemonic.v);
        text[at] = text_row(op);
        let all = [(0, &op.mnemonic)].into_iter().chain(op.aliases.iter().map(|a| (1, a)));
        lookup.extend(all.map(|(alias, name)| LookupRow {
            name: name_row(&name.v),
            didx: U16::new(didx),
            alias,
            reserved: 0,
        }));
    }
    lookup.sort_by_key(|row| row.name.text);
    let classes: Vec<ClassRow> = spec.classes.iter().map(class_row).collect();
    let types: Vec<TypeRow> = spec.types.iter().map(type_row).collect();
    let intrinsics: Vec<IntrinsicRow> = spec.intrinsics.iter().map(intrinsic_row).collect();
    let blobs = [
        blob(&ops),
        blob(&names),
        blob(&text),
        blob(&lookup),
        blob(&classes),
        blob(&types),
        blob(&intrinsics),
    ];
    Blobs::FILES.into_iter().zip(blobs).collect()
}

/// The row of an opcode.
#[must_use]
pub fn op_row(op: &Op) -> OpRow {
    let mut flags = op_flags::PRESENT;
    for effect in &op.effects {
        flags |= effect.v.flag().0;
    }
    if op.term.v.code() != 0 {
        flags |= op_flags::TERMINATOR;
    }
    if !op.traps.is_empty() {
        flags |= op_flags::MAY_TRAP;
    }
    let mut operands = [OperandRow::default(); 8];
    for (row, o) in operands.iter_mut().zip(&op.operands) {
        *row = OperandRow {
            kind: o.kind.code(),
            enc: o.enc.code(),
            access: o.access.code(),
            ty: o.ty.code(),
            arg: o.arg.unwrap_or(0),
        };
    }
    let mut rules = [RuleRow::default(); 4];
    for (row, r) in rules.iter_mut().zip(&op.rules) {
        *row = RuleRow { rule: r.rule.v.code(), a: r.a, b: r.b };
    }
    let prefix = if op.page == 0 { 1 } else { 3 };
    OpRow {
        flags: U16::new(flags),
        id: U16::new(op.id.v),
        traps: U64::new(op.traps.iter().map(|t| 1 << t.v.code()).sum()),
        fuel: U16::new(op.fuel.base),
        fuel_shift: op.fuel.shift,
        fuel_operands: op.fuel.of.iter().map(|at| 1 << at).sum(),
        term: op.term.v.code(),
        family: op.family.code(),
        lower: op.lower.v.code(),
        form: op.form.code(),
        fuse: op.fuse,
        hook: op.hook.code(),
        jit: op.jit.v.code(),
        clif: op.clif.code(),
        n_operands: op.operands.len() as u8,
        reads: mask(op, Access::Read),
        writes: mask(op, Access::Write),
        since: op.since,
        operands,
        rules,
        min_len: prefix + op.operands.iter().map(|o| o.enc.min_len()).sum::<u8>(),
        typestate: op.typestate.v.code(),
        reserved: [0; 2],
    }
}

fn mask(op: &Op, access: Access) -> u8 {
    op.operands.iter().enumerate().filter(|(_, o)| o.access == access).map(|(i, _)| 1 << i).sum()
}

fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(text) {
        *to = *from;
    }
    out
}

fn name_row(name: &str) -> NameRow {
    NameRow { len: name.len() as u8, text: padded(name.as_bytes()) }
}

fn text_row(op: &Op) -> TextRow {
    let code = op.template().unwrap_or_default();
    TextRow { len: code.len() as u8, code: padded(&code) }
}

fn class_row(class: &crate::model::Class) -> ClassRow {
    let (heap, linear) = (u8::from(class.heap), u8::from(class.linear));
    ClassRow {
        tag: class.tag,
        slots: class.slots,
        flags: (heap * class_flags::HEAP) | (linear * class_flags::LINEAR),
        rule: class.rule.code(),
        name: padded(class.name.v.as_bytes()),
    }
}

fn type_row(ty: &crate::model::LogicalType) -> TypeRow {
    TypeRow { slots: ty.slots.len() as u8, classes: padded(&ty.slots), name: padded(ty.name.v.as_bytes()) }
}

fn intrinsic_row(i: &crate::model::Intrinsic) -> IntrinsicRow {
    let side = |n: usize| i.layout.get(n).map_or(&[][..], Vec::as_slice);
    let entries = |n: usize| side(n).iter().map(|e| e.code).collect::<Vec<u8>>();
    let slots = |n: usize| side(n).iter().flat_map(|e| e.slots.iter().copied()).collect::<Vec<u8>>();
    IntrinsicRow {
        id: U16::new(i.id.v),
        flags: U16::new(i.flags()),
        traps: U64::new(i.traps.iter().map(|t| 1 << t.v.code()).sum()),
        fuel: U16::new(i.fuel),
        fuel_shift: i.fuel_shift,
        since: i.since,
        n_args: side(0).len() as u8,
        n_rets: side(1).len() as u8,
        arg_slots: slots(0).len() as u8,
        ret_slots: slots(1).len() as u8,
        args: padded(&entries(0)),
        rets: padded(&entries(1)),
        arg_classes: padded(&slots(0)),
        ret_classes: padded(&slots(1)),
        name: name_row(&i.name.v),
    }
}
