//! Typestate rules: whether a row is what the rule of its linear registers says, and whether what session instructions
//! alone may have stands in their rows alone.

use crate::diag::Diags;
use crate::model::{Effect, Op, Spec};
use opforge_schema::{Family, Lower, SessionOperand, Typestate};

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    for op in spec.ops.iter().filter(|op| !op.damaged) {
        let rule = op.typestate.v;
        if let Some(lower) = rule.lowering().filter(|lower| *lower != op.lower.v) {
            let message = format!("typestate {} goes with lowering {}", rule.name(), lower.name());
            d.error("E043", op.typestate.at, message);
        }
        if op.lower.v == Lower::Session {
            session(d, op);
        } else {
            other(d, op);
        }
    }
}

fn session(d: &mut Diags, op: &Op) {
    let (rule, name) = (op.typestate.v, &op.name.v);
    if !rule.is_session() {
        d.error(
            "E043",
            op.typestate.at,
            format!("\"{name}\" is lowered as session and needs a typestate rule"),
        );
        return;
    }
    if op.family != Family::Session {
        d.error("E043", op.lower.at, format!("\"{name}\" is lowered as session, and of another family"));
    }
    if !op.has(Effect::Call) {
        let message = "a session instruction ends its fuel segment: it has effect call";
        d.error("E033", op.lower.at, message);
    }
    if let Some(other) = op.effects.iter().find(|e| !matches!(e.v, Effect::Call | Effect::Suspends)) {
        d.error("E033", other.at, "a session instruction calls and may suspend; it has no other effect");
    }
    let found: Vec<SessionOperand> =
        op.operands.iter().map(|o| (o.kind, o.access, o.ty, o.arg.unwrap_or(0))).collect();
    if found != rule.session_operands() {
        let message = format!("the operands of \"{name}\" are not those of typestate {}", rule.name());
        d.error_note("E043", op.typestate.at, message, None, shape(rule));
    }
}

/// The operands of a rule, in words.
fn shape(rule: Typestate) -> String {
    let part = |(kind, access, ty, _): &SessionOperand| match kind.is_register() {
        true => format!("{} {} {}", kind.name(), access.name(), ty.name()),
        false => kind.name().to_owned(),
    };
    let parts: Vec<String> = rule.session_operands().iter().map(part).collect();
    if parts.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", parts.join(", ")) }
}

fn other(d: &mut Diags, op: &Op) {
    if op.family == Family::Session {
        d.error(
            "E043",
            op.lower.at,
            format!("\"{}\" is of family session, and lowered otherwise", op.name.v),
        );
    }
    if let Some(suspends) = op.effects.iter().find(|e| e.v == Effect::Suspends) {
        d.error("E033", suspends.at, "effect suspends is for session instructions");
    }
    if let Some(trap) = op.traps.iter().find(|t| t.v.is_session()) {
        d.error("E032", trap.at, format!("trap {} is for session instructions", trap.v.name()));
    }
}
