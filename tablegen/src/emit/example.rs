//! An example for an opcode whose row has none: text by the template, and bytes by the operands' encodings.
//!
//! Such an example says nothing about values. It stands in [`EXAMPLE_PROGRAM`], which declares what operands of each
//! kind may name, each as the first of its table. Never knows one opcode from another.

use crate::codec::{self, Operand};
use crate::emit::bytes::op_row;
use crate::model::{Op, Spec};
use opforge_schema::docs::ExampleDoc;
use opforge_schema::{Access, OperandKind, Rounding, TypeRule};

#[cfg(doc)]
use opforge_schema::docs::EXAMPLE_PROGRAM;

/// The examples of an opcode: those of its row, else one that is made up.
#[must_use]
pub fn all(spec: &Spec, op: &Op) -> Vec<ExampleDoc> {
    if op.examples.is_empty() {
        let (text, bytes) = made_up(spec, op);
        return vec![ExampleDoc { text, bytes, json: String::new() }];
    }
    let doc = |e: &crate::model::Example| ExampleDoc {
        text: e.text.v.clone(),
        bytes: e.bytes.v.clone(),
        json: e.json.clone(),
    };
    op.examples.iter().map(doc).collect()
}

/// One operand: how it is written and what it is in bytes.
type Written = (String, Operand);

/// Text and bytes with registers from 1 on: first those that are read, then those that are written.
fn made_up(spec: &Spec, op: &Op) -> (String, Vec<u8>) {
    let row = op_row(op);
    let operands = |end: u32| -> Vec<Written> {
        let mut read = 1;
        let registers = |access| {
            op.operands.iter().filter(move |o| o.access == access).map(|o| count(o.kind, o.ty)).sum::<u32>()
        };
        let mut written = 1 + registers(Access::Read);
        let mut targets = [("@next", end), ("@back", 0)].into_iter().cycle();
        let each = op.operands.iter().map(|o| {
            let next = if o.access == Access::Write { &mut written } else { &mut read };
            let first = *next;
            *next += count(o.kind, o.ty);
            let mut target = || targets.next().unwrap_or_default();
            operand(spec, o.kind, if o.ty == TypeRule::Effect { 0 } else { first }, &mut target)
        });
        each.collect()
    };
    let encode = |operands: &[Written]| {
        let values: Vec<Operand> = operands.iter().map(|(_, value)| value.clone()).collect();
        codec::encode(op.didx(), &row, &values)
    };
    // Targets have one length whatever they are, so that of the instruction is known before they are.
    let operands = operands(encode(&operands(0)).len() as u32);
    let mut text = op.mnemonic.v.clone();
    // The lints have seen that there is a template.
    let template = op.template().unwrap_or_default();
    if !template.is_empty() {
        text.push(' ');
    }
    for byte in template {
        match operands.get(usize::from(byte & 0x7f)) {
            Some((written, _)) if byte >= 0x80 => text.push_str(written),
            _ => text.push(char::from(byte)),
        }
    }
    (text, encode(&operands))
}

/// How many registers an operand takes in an example.
fn count(kind: OperandKind, ty: TypeRule) -> u32 {
    match kind {
        OperandKind::Reg | OperandKind::RegOpt if ty != TypeRule::Effect => 1,
        OperandKind::RegList => 2,
        _ => 0,
    }
}

/// An operand of a kind, as [`EXAMPLE_PROGRAM`] has it.
fn operand(
    spec: &Spec,
    kind: OperandKind,
    reg: u32,
    target: &mut dyn FnMut() -> (&'static str, u32),
) -> Written {
    use OperandKind as K;
    let first = |name: &str| (name.to_owned(), Operand::Bits(0));
    let number = |n: u64| (n.to_string(), Operand::Bits(n));
    match kind {
        K::None => first(""),
        K::Reg => (format!("r{reg}"), Operand::Bits(reg.into())),
        K::RegOpt => (format!("r{reg}"), Operand::Bits(u64::from(reg) + 1)),
        K::LabelId | K::ShapeId | K::EffectId | K::LayerId => first("#0"),
        K::LabelList => ("[#0, #1]".to_owned(), Operand::List(vec![0, 1])),
        K::RegList => (format!("(r{reg}, r{})", reg + 1), Operand::List(vec![reg, reg + 1])),
        K::Pc => {
            let (name, at) = target();
            (name.to_owned(), Operand::Bits(at.into()))
        }
        K::PcList => {
            let ((a, a_at), (b, b_at)) = (target(), target());
            (format!("({a}, {b})"), Operand::List(vec![a_at, b_at]))
        }
        K::ImmBool => ("true".to_owned(), Operand::Bits(1)),
        K::ImmU8 | K::ImmU32 | K::ImmU64 => number(1),
        K::ImmI64 => ("-1".to_owned(), Operand::Signed(-1)),
        K::ImmF64 => ("1.5".to_owned(), Operand::Bits(1.5f64.to_bits())),
        K::Rounding => {
            (Rounding::HalfEven.name().to_owned(), Operand::Bits(Rounding::HalfEven.code().into()))
        }
        K::ConstId => first("greeting"),
        K::FuncId => first("&callee"),
        K::HostSigId => first("ask"),
        K::CallSigId => first("pair"),
        K::TypeId => first("Point"),
        K::ElemTypeId => first("ints"),
        K::MemId => first("heap"),
        K::IntrinsicId => match spec.intrinsics.first() {
            Some(i) => (i.name.v.clone(), Operand::Bits(i.id.v.into())),
            None => ("#1".to_owned(), Operand::Bits(1)),
        },
    }
}
