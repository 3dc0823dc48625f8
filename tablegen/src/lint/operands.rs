//! Operands, their types, and the rules across them.

use super::is_keyword;
use crate::diag::Diags;
use crate::model::{Op, Operand, RuleUse, Spec};
use opforge_schema::{Access, MAX_OPERANDS, MAX_RULES, OperandKind, Rule, TypeRule};

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    for op in spec.ops.iter().filter(|op| !op.damaged) {
        counts(d, op);
        for (i, operand) in op.operands.iter().enumerate() {
            name(d, op, i, operand);
            type_fits(d, op, operand);
            required_rules(d, op, i, operand);
        }
        cycles(d, op);
        for rule in &op.rules {
            rule_fits(d, op, rule);
        }
    }
}

fn counts(d: &mut Diags, op: &Op) {
    if let Some(extra) = op.operands.get(MAX_OPERANDS) {
        let n = op.operands.len();
        d.error("E026", extra.name.at, format!("{n} operands; an instruction has at most {MAX_OPERANDS}"));
    }
    if let Some(extra) = op.rules.get(MAX_RULES) {
        let n = op.rules.len();
        d.error("E031", extra.rule.at, format!("{n} rules; an instruction has at most {MAX_RULES}"));
    }
    for (access, word) in [(Access::Read, "read"), (Access::Write, "written")] {
        let mut lists = op.operands.iter().filter(|o| o.kind == OperandKind::RegList && o.access == access);
        if let (Some(first), Some(second)) = (lists.next(), lists.next()) {
            let message = format!("two lists are {word}; an instruction has at most one");
            d.error_note("E025", second.name.at, message, Some(first.name.at), "the other one");
        }
    }
}

fn name(d: &mut Diags, op: &Op, at: usize, operand: &Operand) {
    let name = &operand.name;
    let good = name.v.starts_with(|c: char| c.is_ascii_lowercase())
        && name.v.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.v.len() <= 23
        && !is_keyword(&name.v);
    if !good {
        let message =
            format!("\"{}\" is not an operand name: snake_case, at most 23 bytes, no keyword", name.v);
        d.error("E027", name.at, message);
    }
    if let Some(first) = op.operands.iter().take(at).find(|o| o.name.v == name.v) {
        let message = format!("two operands are called \"{}\"", name.v);
        d.error_note("E027", name.at, message, Some(first.name.at), "first here");
    }
}

/// Whether the type rule can say something about this operand.
fn type_fits(d: &mut Diags, op: &Op, o: &Operand) {
    use TypeRule as T;
    if !o.kind.is_register() {
        return;
    }
    let (one, list) = (o.kind == OperandKind::Reg, o.kind == OperandKind::RegList);
    let written = o.access == Access::Write;
    let target = o.arg.and_then(|at| op.operands.get(usize::from(at)));
    // An effect has at most one result.
    let at_most_one = o.ty == T::ResultsOf && target.is_some_and(|t| t.kind == OperandKind::EffectId);
    let wrong = match o.ty {
        T::ResultsOf if at_most_one && o.kind == OperandKind::RegOpt => "",
        T::ResultsOf if at_most_one => "of an effect is for an optional register",
        T::ParamsOf | T::ResultsOf | T::OwnResults | T::FieldsOf | T::ElemsOf if !list => "is for lists",
        T::Effect if !one => "is for one register",
        T::TupleOf | T::StructOf | T::ArrayOf | T::ConstOf | T::ElementOf if !one || !written => {
            "is for one written register"
        }
        T::Any | T::Callee | T::Agg | T::Tuple | T::Struct | T::Array | T::Fact if written => {
            "does not say which type is written"
        }
        T::ChansOf if !list || !written => "is for a written list",
        T::Message if list && !written => "of what is sent is for one register",
        T::Message if target.is_some_and(|t| t.ty != T::Chan) => "refers to an endpoint",
        _ => "",
    };
    if !wrong.is_empty() {
        d.error("E023", o.ty_at, format!("type {} {wrong}", o.ty.name()));
    }
    let Some(target) = target else { return };
    if !o.ty.may_refer_to(target.kind) {
        let message =
            format!("type {} cannot refer to \"{}\", a {}", o.ty.name(), target.name.v, target.kind.name());
        d.error("E023", o.ty_at, message);
    } else if target.kind.is_register() && target.access == Access::Write && !written {
        let message =
            format!("what is read cannot take its type from \"{}\", which is written", target.name.v);
        d.error("E023", o.ty_at, message);
    }
}

/// `same:` must end at a type, not run in a circle.
fn cycles(d: &mut Diags, op: &Op) {
    for start in op.operands.iter().filter(|o| o.ty == TypeRule::Same) {
        let mut at = start;
        for _ in 0..=op.operands.len() {
            match at.arg.and_then(|n| op.operands.get(usize::from(n))).filter(|_| at.ty == TypeRule::Same) {
                Some(next) => at = next,
                None => break,
            }
        }
        if at.ty == TypeRule::Same {
            d.error("E024", start.ty_at, format!("the type of \"{}\" goes round in a circle", start.name.v));
        }
    }
}

/// Operands that mean nothing without a rule.
fn required_rules(d: &mut Diags, op: &Op, at: usize, o: &Operand) {
    use TypeRule as T;
    let rule = match o.ty {
        T::Effect => Rule::RegIsR0,
        T::ParamsOf | T::ResultsOf | T::OwnResults | T::FieldsOf | T::ChansOf => Rule::ListLenEq,
        _ => return,
    };
    if !op.rules.iter().any(|r| r.rule.v == rule && usize::from(r.a) == at) {
        let message = format!("\"{}\" of type {} needs rule {}", o.name.v, o.ty.name(), rule.name());
        d.error("E030", o.name.at, message);
    }
}

fn rule_fits(d: &mut Diags, op: &Op, rule: &RuleUse) {
    let Some(a) = op.operands.get(usize::from(rule.a)) else { return };
    let b = op.operands.get(usize::from(rule.b));
    let aggregate =
        |o: &Operand| matches!(o.ty, TypeRule::Tuple | TypeRule::Struct | TypeRule::Array | TypeRule::Agg);
    let wrong = match rule.rule.v {
        Rule::None => "does nothing",
        Rule::RegIsR0 if a.ty != TypeRule::Effect => "is about operands of type effect",
        Rule::ListLenEq if !matches!(a.kind, OperandKind::RegList | OperandKind::RegOpt) => "is about a list",
        Rule::ImmLt if !a.kind.is_immediate() => "is about an immediate",
        Rule::ResultsAreOwn if !matches!(a.kind, OperandKind::FuncId | OperandKind::CallSigId) => {
            "is about a function or a call signature"
        }
        Rule::ConstIsData if a.kind != OperandKind::ConstId => "is about a constant",
        Rule::SameType if a.kind != OperandKind::Reg || b.is_none_or(|b| b.kind != OperandKind::Reg) => {
            "is about two registers"
        }
        Rule::IndexInShape if !a.kind.is_immediate() || b.is_none_or(|b| !aggregate(b)) => {
            "is about an immediate and an aggregate"
        }
        _ => return,
    };
    d.error("E030", rule.rule.at, format!("rule {} {wrong}", rule.rule.v.name()));
}
