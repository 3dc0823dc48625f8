//! Ids in operands: that what they name exists, in dead code too.

use super::cx::{FuncCx, Op};
use super::error::VerifyErrorKind;
use super::report::FuncErrors;
use crate::ids::{
    CallSigId, ConstId, EffectId, ElemId, FuncId, HostSigId, IntrinsicId, LayerId, MemId, ShapeId, StructId,
};
use opforge_schema::OperandKind;

/// Every id operand of the instruction names an entry of its table.
pub(super) fn check_ids(cx: &FuncCx<'_>, op: &Op<'_>, errors: &mut FuncErrors) {
    for (row, value) in op.operands() {
        if row.kind() == OperandKind::IntrinsicId {
            let unknown = value.entries().find(|&id| cx.isa.intrinsic(id).is_none());
            if let Some(id) = unknown {
                errors.add_at(op.pc(), VerifyErrorKind::UnknownIntrinsic { intrinsic: IntrinsicId(id) });
            }
            continue;
        }
        let Some((len, error)) = table(cx, row.kind()) else { continue };
        for id in value.entries().filter(|&id| id as usize >= len) {
            errors.add_at(op.pc(), error(id));
        }
    }
}

/// Makes the error for an id that does not exist.
type Error = fn(u32) -> VerifyErrorKind;

/// The length of the table that an operand kind is an index of, and the error for an index past it.
fn table(cx: &FuncCx<'_>, kind: OperandKind) -> Option<(usize, Error)> {
    let program = cx.program;
    let sessions = program.sessions();
    Some(match kind {
        OperandKind::ConstId => {
            (program.constants().len(), |id| VerifyErrorKind::ConstOutOfBounds { const_id: ConstId(id) })
        }
        OperandKind::FuncId => {
            (program.functions().len(), |id| VerifyErrorKind::FuncIdOutOfBounds { callee: FuncId(id) })
        }
        OperandKind::HostSigId => {
            (program.host_sig_count(), |id| VerifyErrorKind::HostSigOutOfBounds { host_sig: HostSigId(id) })
        }
        OperandKind::CallSigId => {
            (program.call_sig_count(), |id| VerifyErrorKind::CallSigOutOfBounds { call_sig: CallSigId(id) })
        }
        OperandKind::TypeId => {
            (program.structs().len(), |id| VerifyErrorKind::StructTypeOutOfBounds { type_id: StructId(id) })
        }
        OperandKind::MemId => {
            (program.memories().len(), |id| VerifyErrorKind::MemoryOutOfBounds { memory: MemId(id) })
        }
        OperandKind::ElemTypeId => {
            (program.elem_types().len(), |id| VerifyErrorKind::ArrayElemTypeOutOfBounds { elem: ElemId(id) })
        }
        OperandKind::LabelId | OperandKind::LabelList => {
            (sessions.labels.len(), |label| VerifyErrorKind::LabelOutOfBounds { label })
        }
        OperandKind::ShapeId => {
            (sessions.shapes.len(), |id| VerifyErrorKind::ShapeOutOfBounds { shape: ShapeId(id) })
        }
        OperandKind::EffectId => {
            (sessions.effects.len(), |id| VerifyErrorKind::EffectOutOfBounds { effect: EffectId(id) })
        }
        OperandKind::LayerId => {
            (sessions.layers.len(), |id| VerifyErrorKind::LayerOutOfBounds { layer: LayerId(id) })
        }
        _ => return None,
    })
}
