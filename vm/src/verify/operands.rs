//! Operands against the rules of their row that need no types: registers in range, the effect token in r0,
//! list lengths, immediates.

use super::cx::{FuncCx, ListTypes, Op};
use super::error::{SlotSide, VerifyErrorKind};
use super::report::FuncErrors;
use crate::ids::{ConstId, IntrinsicId, Reg};
use crate::value_type::ValueType;
use opforge_schema::{Access, OperandKind, OperandRow, Rule, RuleRow, TypeRule, Typestate};

/// Every register the instruction mentions is one the function has. Gives the highest that is.
pub(super) fn check_regs(cx: &FuncCx<'_>, op: &Op<'_>, errors: &mut FuncErrors) -> u32 {
    let reg_count = cx.reg_count;
    let mut highest = 0;
    for (_, value) in op.operands().filter(|(row, _)| row.access != Access::None.code()) {
        for reg in value.entries() {
            if reg < reg_count {
                highest = highest.max(reg);
            } else {
                errors.add_at(op.pc(), VerifyErrorKind::RegOutOfBounds { reg: Reg(reg), reg_count });
            }
        }
    }
    highest
}

/// The cross-operand rules that need no types.
pub(super) fn check_rules(cx: &FuncCx<'_>, op: &Op<'_>, errors: &mut FuncErrors) {
    for rule in op.row.rules() {
        match rule.rule() {
            Rule::RegIsR0 => check_reg_is_r0(op, rule, errors),
            Rule::ListLenEq => check_list_len(cx, op, rule, errors),
            Rule::ImmLt => check_imm_lt(op, rule, errors),
            Rule::ResultsAreOwn => check_tail_results(cx, op, rule, errors),
            Rule::ConstIsData => check_const_is_data(cx, op, rule, errors),
            // These need types.
            Rule::None | Rule::SameType | Rule::IndexInShape => {}
        }
    }
}

/// A choice has a register and a target for each label.
pub(super) fn check_choice(op: &Op<'_>, errors: &mut FuncErrors) {
    if op.row.typestate() != Typestate::Choose {
        return;
    }
    let len = |n: u8| op.operand(n).map_or(0, |(_, value)| value.list().len() as u32);
    let (labels, dsts, targets) = (len(1), len(2), len(3));
    if labels != dsts || labels != targets {
        errors.add_at(op.pc(), VerifyErrorKind::ChoiceLengths { labels, dsts, targets });
    }
}

/// Checks written by hand are numbered in the rows; the tables of this version ask for none.
pub(super) fn check_hook(op: &Op<'_>, errors: &mut FuncErrors) {
    if op.row.hook != 0 {
        let kind = VerifyErrorKind::UnsupportedCheck { didx: op.instr.didx, hook: op.row.hook };
        errors.add_at(op.pc(), kind);
    }
}

fn check_reg_is_r0(op: &Op<'_>, rule: &RuleRow, errors: &mut FuncErrors) {
    let Some((row, value)) = op.operand(rule.a) else { return };
    for reg in value.entries().filter(|&reg| reg != 0).map(Reg) {
        let kind = match row.access() {
            Access::Write => VerifyErrorKind::EffectOutNotR0 { reg },
            Access::Read | Access::None => VerifyErrorKind::EffectInNotR0 { reg },
        };
        errors.add_at(op.pc(), kind);
    }
}

fn check_list_len(cx: &FuncCx<'_>, op: &Op<'_>, rule: &RuleRow, errors: &mut FuncErrors) {
    let Some((row, value)) = op.operand(rule.a) else { return };
    let types: ListTypes<'_> = cx.list_types(op, row);
    let Some(expected) = types.len() else { return };
    // What lists go with an intrinsic that does not exist, nobody knows.
    let source = op.kind(row.arg);
    if source == OperandKind::IntrinsicId && op.id(row.arg).and_then(|id| cx.isa.intrinsic(id)).is_none() {
        return;
    }
    let (expected, actual) = (expected as u32, value.entries().count() as u32);
    if expected != actual {
        errors.add_at(op.pc(), arity_error(op, row, expected, actual));
    }
}

/// The error for a list of the wrong length: it depends on where the right length comes from.
fn arity_error(op: &Op<'_>, row: &OperandRow, expected: u32, actual: u32) -> VerifyErrorKind {
    let source = op.kind(row.arg);
    match (row.ty(), source) {
        (ty, OperandKind::IntrinsicId) => {
            let intrinsic = IntrinsicId(op.id(row.arg).unwrap_or(0));
            let side = SlotSide::of(ty);
            if actual < expected {
                VerifyErrorKind::IntrinsicTooFewSlots { intrinsic, side, expected, actual }
            } else {
                VerifyErrorKind::IntrinsicTooManySlots { intrinsic, side, expected, actual }
            }
        }
        (TypeRule::OwnResults, _) => VerifyErrorKind::ReturnArityMismatch { expected, actual },
        (TypeRule::FieldsOf, _) => VerifyErrorKind::StructArityMismatch { expected, actual },
        (_, OperandKind::ShapeId) => VerifyErrorKind::OpenArityMismatch { expected, actual },
        (_, OperandKind::EffectId) => VerifyErrorKind::EffectArityMismatch { expected, actual },
        (_, OperandKind::HostSigId) => VerifyErrorKind::HostCallArityMismatch { expected, actual },
        _ => VerifyErrorKind::CallArityMismatch { expected, actual },
    }
}

/// A callee that returns in place of the function has the function's results.
fn check_tail_results(cx: &FuncCx<'_>, op: &Op<'_>, rule: &RuleRow, errors: &mut FuncErrors) {
    // An id that names nothing is an error of its own.
    let Some(callee) = cx.signature(op, rule.a) else { return };
    let (expected, actual) = (cx.sig.results, callee.results);
    if expected.len() != actual.len() {
        let (expected, actual) = (expected.len() as u32, actual.len() as u32);
        errors.add_at(op.pc(), VerifyErrorKind::TailCallArityMismatch { expected, actual });
        return;
    }
    let mut results = (0u32..).zip(expected.iter().zip(actual));
    if let Some((result, (&expected, &actual))) = results.find(|(_, (own, callee))| own != callee) {
        errors.add_at(op.pc(), VerifyErrorKind::TailCallTypeMismatch { result, expected, actual });
    }
}

fn check_const_is_data(cx: &FuncCx<'_>, op: &Op<'_>, rule: &RuleRow, errors: &mut FuncErrors) {
    let Some(const_id) = op.id(rule.a).map(ConstId) else { return };
    // An id that names nothing is an error of its own.
    let Some(actual) = cx.program.constant(const_id).map(|constant| constant.value_type()) else { return };
    if !matches!(actual, ValueType::Bytes | ValueType::Str) {
        errors.add_at(op.pc(), VerifyErrorKind::ConstantNotData { const_id, actual });
    }
}

fn check_imm_lt(op: &Op<'_>, rule: &RuleRow, errors: &mut FuncErrors) {
    let Some(value) = op.operand(rule.a).and_then(|(_, value)| value.scalar()) else { return };
    let bound = u64::from(rule.b);
    if value >= bound {
        errors.add_at(op.pc(), VerifyErrorKind::ImmOutOfRange { operand: rule.a, value, bound });
    }
}
