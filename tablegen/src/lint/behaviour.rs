//! Terminators, effects and fuel: whether what a row says about running it fits together.

use crate::diag::Diags;
use crate::model::{Effect, Op, Spec};
use opforge_schema::{Lower, Rule, Term, TrapCode};

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    for op in spec.ops.iter().filter(|op| !op.damaged) {
        terminator(d, op);
        effects(d, op);
        fuel(d, op);
    }
}

fn terminator(d: &mut Diags, op: &Op) {
    let term = op.term.v;
    let targets = op.operands.iter().any(|o| o.kind.is_target());
    if targets != (term == Term::Branch) {
        let message = match targets {
            true => format!("\"{}\" has branch targets, so its terminator is branch", op.name.v),
            false => format!("\"{}\" branches but has no branch target", op.name.v),
        };
        d.error("E034", op.term.at, message);
    }
    let wanted = match op.lower.v {
        Lower::Jump | Lower::Branch | Lower::BranchTable => Term::Branch,
        Lower::TailCall | Lower::TailCallIndirect => Term::TailCall,
        Lower::Return => Term::Return,
        Lower::Trap => Term::Trap,
        Lower::Session => op.typestate.v.session_term(),
        _ => Term::None,
    };
    if wanted != term {
        let message =
            format!("lowering {} needs terminator {}, not {}", op.lower.v.name(), wanted.name(), term.name());
        d.error("E036", op.lower.at, message);
    }
    let own_results = op.rules.iter().any(|r| r.rule.v == Rule::ResultsAreOwn);
    if own_results != (term == Term::TailCall) {
        let message = format!("terminator tailcall and rule {} go together", Rule::ResultsAreOwn.name());
        d.error("E034", op.term.at, message);
    }
}

fn effects(d: &mut Diags, op: &Op) {
    if let Some(pure) = op.effects.iter().find(|e| e.v == Effect::Pure)
        && op.effects.len() > 1
    {
        d.error("E033", pure.at, "a pure instruction has no other effect");
    }
    if let Some(host) = op.effects.iter().find(|e| e.v == Effect::Host)
        && !op.has(Effect::Call)
    {
        d.error("E033", host.at, "effect host comes with effect call");
    }
    if let Some(alloc) = op.effects.iter().find(|e| e.v == Effect::Alloc)
        && !op.traps.iter().any(|t| t.v == TrapCode::MemoryLimitExceeded)
    {
        d.error("E033", alloc.at, "effect alloc comes with trap MemoryLimitExceeded");
    }
}

fn fuel(d: &mut Diags, op: &Op) {
    for &at in &op.fuel.of {
        if let Some(o) = op.operands.get(usize::from(at)).filter(|o| !o.kind.is_register()) {
            let message = format!("fuel cannot count \"{}\": a {} has no size", o.name.v, o.kind.name());
            d.error("E035", o.name.at, message);
        }
    }
    let mut seen = op.fuel.of.clone();
    seen.sort_unstable();
    seen.dedup();
    if seen.len() != op.fuel.of.len() {
        d.error("E035", op.at, format!("fuel of \"{}\" counts an operand twice", op.name.v));
    }
}
