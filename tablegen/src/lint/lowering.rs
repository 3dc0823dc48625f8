//! Lowering: the operand form of direct instructions, fusing, and the semantic function.

use crate::diag::Diags;
use crate::model::{Effect, Op, Owner, Spec};
use opforge_schema::{Access, Form, JitClass, Lower, OperandKind, TypeRule, fuse_flags};

pub(super) fn lint(d: &mut Diags, spec: &mut Spec) {
    for op in spec.ops.iter_mut().filter(|op| !op.damaged) {
        if op.lower.v == Lower::Direct {
            match form(op) {
                Some(form) => op.form = form,
                None => shape_error(
                    d,
                    op,
                    "direct takes one written register first, then 1 to 3 read registers, or 1 and an \
                     immediate imm_u8 or imm_u32, or two immediates of a byte each",
                ),
            }
        }
        memory(d, op);
        let has_sem = matches!(op.lower.v, Lower::Direct | Lower::Load | Lower::Store | Lower::Memory);
        // An embedder's function is registered, and named in the spec only for readers.
        if has_sem != op.sem.is_some() && !(has_sem && op.owner != Owner::Vm) {
            let at = op.sem.as_ref().map_or(op.lower.at, |s| s.at);
            let what = if has_sem { "needs" } else { "has no use for" };
            let message = format!("lowering {} {what} \"sem\"", op.lower.v.name());
            d.error("E038", at, message);
        }
        fusing(d, op);
    }
}

fn shape_error(d: &mut Diags, op: &Op, takes: &str) {
    let message = format!("\"{}\" has operands that {} lowering cannot take", op.name.v, op.lower.v.name());
    d.error_note("E036", op.lower.at, message, None, takes);
}

/// The operands of instructions on linear memories.
fn memory(d: &mut Diags, op: &Op) {
    let kinds: Vec<(OperandKind, Access)> = op.operands.iter().map(|o| (o.kind, o.access)).collect();
    let (write, read) = ((OperandKind::Reg, Access::Write), (OperandKind::Reg, Access::Read));
    let (mem, offset) = ((OperandKind::MemId, Access::None), (OperandKind::ImmU32, Access::None));
    match op.lower.v {
        Lower::Load if kinds[..] != [write, mem, read, offset] => {
            shape_error(
                d,
                op,
                "load takes a written register, a memory, an address register, an imm_u32 offset",
            );
        }
        Lower::Store if kinds[..] != [mem, read, offset, read] => {
            shape_error(
                d,
                op,
                "store takes a memory, an address register, an imm_u32 offset, a value register",
            );
        }
        Lower::Memory => {
            let rest = kinds.strip_prefix(&[write]).unwrap_or(&kinds);
            let ids = rest.iter().take_while(|(_, access)| *access == Access::None).count();
            let reads = rest.iter().skip(ids).take_while(|&&operand| operand == read).count();
            if ids == 0 || ids > 2 || reads > 3 || ids + reads != rest.len() {
                shape_error(
                    d,
                    op,
                    "memory takes at most one written register, then 1 or 2 ids or immediates, then up to 3 read \
                     registers",
                );
            }
        }
        _ => {}
    }
    let jit = matches!(op.jit.v, JitClass::Load) == (op.lower.v == Lower::Load)
        && matches!(op.jit.v, JitClass::Store) == (op.lower.v == Lower::Store);
    if !jit {
        d.error(
            "E037",
            op.jit.at,
            format!("JIT class {} does not go with lowering {}", op.jit.v.name(), op.lower.v.name()),
        );
    }
}

fn form(op: &Op) -> Option<Form> {
    let (dst, rest) = op.operands.split_first()?;
    if dst.kind != OperandKind::Reg || dst.access != Access::Write {
        return None;
    }
    let read = |kind, access| kind == OperandKind::Reg && access == Access::Read;
    let registers = rest.iter().take_while(|o| read(o.kind, o.access)).count();
    let byte = |kind| matches!(kind, OperandKind::ImmU8 | OperandKind::Rounding);
    let immediate = match rest.get(registers..) {
        Some([]) => false,
        Some([imm]) if byte(imm.kind) || imm.kind == OperandKind::ImmU32 => true,
        // Handed over as one number, the first in its low byte.
        Some([low, high]) if byte(low.kind) && byte(high.kind) => true,
        _ => return None,
    };
    let heap = op.has(Effect::Alloc) || op.has(Effect::MemRead);
    Some(match (registers, immediate, heap) {
        (1, false, false) => Form::Unary,
        (2, false, false) => Form::Binary,
        (3, false, false) => Form::Ternary,
        (1, true, false) => Form::UnaryImm,
        (1, false, true) => Form::HeapUnary,
        (2, false, true) => Form::HeapBinary,
        (3, false, true) => Form::HeapTernary,
        (1, true, true) => Form::HeapUnaryImm,
        _ => return None,
    })
}

fn fusing(d: &mut Diags, op: &Op) {
    let result = op.operands.first().map(|o| o.ty);
    let (imm, branch) = (op.fuses(fuse_flags::IMM), op.fuses(fuse_flags::BRANCH));
    if imm && op.form != Form::Binary {
        d.error("E036", op.lower.at, "\"imm\" is for direct instructions with two read registers");
    }
    if branch && (op.form != Form::Binary || result != Some(TypeRule::Bool) || !op.traps.is_empty()) {
        let message =
            "\"branch\" is for direct comparisons of two registers that give a bool and cannot trap";
        d.error("E036", op.lower.at, message);
    }
    let (shift, mask) = (op.fuses(fuse_flags::POW2_SHIFT), op.fuses(fuse_flags::POW2_MASK));
    let unsigned = op.operands.iter().all(|o| o.ty == TypeRule::U64);
    if (shift || mask) && (!imm || !unsigned || shift == mask) {
        let message = "one of \"pow2_shift\" and \"pow2_mask\" is for u64 instructions that have \"imm\"";
        d.error("E036", op.lower.at, message);
    }
    pairing(d, op);
}

/// What may be part of a pair, and in which order operands come.
fn pairing(d: &mut Diags, op: &Op) {
    let one_slot =
        |ty: TypeRule| matches!(ty, TypeRule::I64 | TypeRule::U64 | TypeRule::F64 | TypeRule::Bool);
    let types: Vec<TypeRule> = op.operands.iter().map(|o| o.ty).collect();
    let plain = op.form == Form::Binary && op.traps.is_empty();
    let load = op.lower.v == Lower::Load;
    if op.fuses(fuse_flags::LEAD) && (!(plain || load) || !types.first().is_some_and(|&ty| one_slot(ty))) {
        let message = "\"lead\" is for loads, and for direct instructions with two read registers that cannot trap, \
                       with a result of one slot";
        d.error("E036", op.lower.at, message);
    }
    if op.fuses(fuse_flags::FOLLOW) && (!plain || !types.iter().all(|&ty| one_slot(ty))) {
        let message =
            "\"follow\" is for direct instructions with two read registers that cannot trap, all of one slot";
        d.error("E036", op.lower.at, message);
    }
    if op.fuses(fuse_flags::COMMUTES) && (op.form != Form::Binary || types.get(1) != types.get(2)) {
        let message = "\"commutes\" is for direct instructions with two read registers of one type";
        d.error("E036", op.lower.at, message);
    }
}
