//! The docs blob.

use crate::codec::{self, Operand};
use crate::emit::bytes::op_row;
use crate::model::{Intrinsic, Op, Spec};
use opforge_schema::Lower;
use opforge_schema::docs::{Docs, ExampleDoc, IntrinsicDoc, OpDoc};

/// The bytes of `vm.docs.bincode`.
///
/// # Errors
/// If the docs are over the limit of their reader.
pub fn blob(spec: &Spec) -> Result<Vec<u8>, String> {
    let ops = spec.ops.iter().map(|op| op_doc(spec, op)).collect();
    let intrinsics = spec.intrinsics.iter().map(|i| intrinsic_doc(spec, i)).collect();
    Docs { isa_version: spec.isa_version, ops, intrinsics }.write().map_err(|e| e.to_string())
}

fn op_doc(spec: &Spec, op: &Op) -> OpDoc {
    let (wasm, deviates) = op.wasm.clone().unwrap_or_default();
    OpDoc {
        didx: op.didx(),
        name: op.name.v.clone(),
        doc: op.doc.v.clone(),
        operands: op.operands.iter().map(|o| o.name.v.clone()).collect(),
        traps: op.traps.iter().map(|t| t.v.code()).collect(),
        sem: op.sem.as_ref().map(|s| format!("{}::{}", s.v.0, s.v.1)).unwrap_or_default(),
        wasm,
        deviates: deviates.unwrap_or_default(),
        examples: super::example::all(spec, op),
    }
}

fn intrinsic_doc(spec: &Spec, i: &Intrinsic) -> IntrinsicDoc {
    let (text, bytes) = instruction(spec, i);
    let example = |e: &crate::model::IntrinsicExample| ExampleDoc {
        text: text.clone(),
        bytes: bytes.clone(),
        json: e.json.clone(),
    };
    IntrinsicDoc {
        id: i.id.v,
        name: i.name.v.clone(),
        doc: i.doc.v.clone(),
        args: i.args.iter().map(|p| p.name.v.clone()).collect(),
        traps: i.traps.iter().map(|t| t.v.code()).collect(),
        sem: i.sem.as_ref().map(|s| format!("{}::{}", s.v.0, s.v.1)).unwrap_or_default(),
        examples: i.examples.iter().map(example).collect(),
    }
}

/// The instruction that executes an intrinsic with registers from 1 on, as text and bytes. Both are empty if the
/// spec has no such instruction.
#[must_use]
pub fn instruction(spec: &Spec, i: &Intrinsic) -> (String, Vec<u8>) {
    let Some(op) = spec.ops.iter().find(|op| op.lower.v == Lower::Intrinsic) else {
        return Default::default();
    };
    let (args, rets) = (u32::from(i.arg_slots.v), u32::from(i.ret_slots.v));
    let (args, rets): (Vec<u32>, Vec<u32>) = ((1..=args).collect(), (args + 1..=args + rets).collect());
    let list = |regs: &[u32]| regs.iter().map(|r| format!("r{r}")).collect::<Vec<_>>().join(", ");
    let text = format!("{} {} ({}) -> ({})", op.mnemonic.v, i.name.v, list(&args), list(&rets));
    let operands = [Operand::Bits(i.id.v.into()), Operand::List(args), Operand::List(rets)];
    (text, codec::encode(op.didx(), &op_row(op), &operands))
}
