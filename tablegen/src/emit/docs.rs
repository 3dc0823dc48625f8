//! The docs blob.

use crate::model::{Op, Spec};
use opforge_schema::docs::{Docs, ExampleDoc, OpDoc};

/// The bytes of `vm.docs.bincode`.
///
/// # Errors
/// If the docs are over the limit of their reader.
pub fn blob(spec: &Spec) -> Result<Vec<u8>, String> {
    let ops = spec.ops.iter().map(|op| op_doc(op, spec.page)).collect();
    Docs { isa_version: spec.isa_version, ops }.write().map_err(|e| e.to_string())
}

fn op_doc(op: &Op, page: u8) -> OpDoc {
    let (wasm, deviates) = op.wasm.clone().unwrap_or_default();
    let example = |e: &crate::model::Example| ExampleDoc {
        text: e.text.v.clone(),
        bytes: e.bytes.v.clone(),
        json: e.json.clone(),
    };
    OpDoc {
        didx: op.didx(page),
        name: op.name.v.clone(),
        doc: op.doc.v.clone(),
        operands: op.operands.iter().map(|o| o.name.v.clone()).collect(),
        traps: op.traps.iter().map(|t| t.v.code()).collect(),
        sem: op.sem.as_ref().map(|s| format!("{}::{}", s.v.0, s.v.1)).unwrap_or_default(),
        wasm,
        deviates: deviates.unwrap_or_default(),
        examples: op.examples.iter().map(example).collect(),
    }
}
