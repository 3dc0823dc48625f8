//! What belongs to whom: pages and ids of the VM and of embedders, and what an embedder's row may be.

use super::is_keyword;
use crate::diag::Diags;
use crate::model::{Effect, Op, Overlay, Owner, Spec};
use crate::source::{At, Span};
use opforge_schema::{
    FIRST_FOREIGN_ID, FIRST_FOREIGN_PAGE, Family, Form, Hook, JitClass, LAST_PAGE, Lower, OWN_PAGES, Term,
    TrapCode, TypeRule, Typestate,
};

/// The most that a name may have: generated items are called after it.
const MAX_NAME: usize = 23;

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    if usize::from(spec.page.v) >= OWN_PAGES {
        let message = format!("page {} is not one of the VM's: 0 to {}", spec.page.v, OWN_PAGES - 1);
        let note = format!("pages {FIRST_FOREIGN_PAGE} to {LAST_PAGE} belong to embedders");
        d.error_note("E081", spec.page.at, message, None, note);
    }
    for op in spec.ops.iter().filter(|op| op.owner == Owner::Vm && op.id.v >= FIRST_FOREIGN_ID) {
        let message = format!("id {} is not from 1 to {}: ids of the VM", op.id.v, FIRST_FOREIGN_ID - 1);
        let note = format!("ids from {FIRST_FOREIGN_ID} on belong to embedders");
        d.error_note("E081", op.id.at, message, None, note);
    }
    let Some(overlay) = &spec.overlay else { return };
    root(d, overlay);
    for op in spec.ops.iter().filter(|op| op.owner == Owner::Embedder) {
        id(d, op.id.v, op.id.at, &op.name.v);
        traps(d, &op.name.v, &op.traps);
        if !op.damaged {
            plain(d, op);
        }
    }
    for i in spec.intrinsics.iter().filter(|i| i.owner == Owner::Embedder) {
        id(d, i.id.v, i.id.at, &i.name.v);
        traps(d, &i.name.v, &i.traps);
    }
}

fn root(d: &mut Diags, overlay: &Overlay) {
    if !(FIRST_FOREIGN_PAGE..=LAST_PAGE).contains(&overlay.page.v) {
        let message = format!(
            "page {} is not from {FIRST_FOREIGN_PAGE} to {LAST_PAGE}: pages of embedders",
            overlay.page.v
        );
        d.error_note("E081", overlay.page.at, message, None, "the pages below belong to the VM");
    }
    let name = &overlay.name;
    let good = name.v.starts_with(|c: char| c.is_ascii_lowercase())
        && name.v.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.v.len() <= MAX_NAME
        && !is_keyword(&name.v);
    if !good {
        let message = format!(
            "\"{}\" is not the name of an overlay: a lower-case letter, then a-z, 0-9 and underscore, at most \
             {MAX_NAME}, and no keyword",
            name.v
        );
        d.error("E012", name.at, message);
    }
}

fn id(d: &mut Diags, id: u16, at: Span, name: &str) {
    if id < FIRST_FOREIGN_ID {
        let message = format!("id {id} of \"{name}\" belongs to the VM");
        d.error_note("E081", at, message, None, format!("ids of embedders begin with {FIRST_FOREIGN_ID}"));
    }
}

/// Traps that only the machine ends a run with.
fn traps(d: &mut Diags, name: &str, traps: &[At<TrapCode>]) {
    use TrapCode as T;
    for trap in traps {
        let of_the_machine = matches!(
            trap.v,
            T::FuelExceeded
                | T::CallDepthExceeded
                | T::HostCallLimitExceeded
                | T::HostCallFailed
                | T::HostPanicked
                | T::InvalidIntrinsic
                | T::TrapCode
        );
        if of_the_machine || trap.v.is_session() {
            let message = format!("\"{name}\" lists trap {}, which is the machine's", trap.v.name());
            d.error("E082", trap.at, message);
        }
    }
}

fn refuse(d: &mut Diags, at: Span, name: &str, what: &str) {
    let note = "an embedder's opcode is a pure function of 1 to 3 registers, or of one and an immediate, that are \
                bool, i64, u64 or f64";
    d.error_note("E082", at, format!("\"{name}\" {what}"), None, note);
}

/// Engines run an embedder's opcode as a call of its function with values of registers, and nothing else.
fn plain(d: &mut Diags, op: &Op) {
    let name = &op.name.v;
    if op.term.v != Term::None {
        refuse(
            d,
            op.term.at,
            name,
            &format!("ends a block by {}: control flow is the VM's", op.term.v.name()),
        );
    }
    if op.lower.v != Lower::Direct {
        refuse(d, op.lower.at, name, &format!("is lowered as {}, not direct", op.lower.v.name()));
    }
    if op.fuse != 0 {
        refuse(d, op.lower.at, name, "has fused forms");
    }
    if op.jit.v != JitClass::Call {
        refuse(d, op.jit.at, name, &format!("has JIT class {}, not call", op.jit.v.name()));
    }
    if let Some(effect) = op.effects.iter().find(|e| e.v != Effect::Pure) {
        let word = Effect::ALL.iter().find(|(e, _)| *e == effect.v).map_or("", |(_, name)| *name);
        refuse(d, effect.at, name, &format!("has effect {word}, and is not pure"));
    }
    if op.effects.is_empty() {
        refuse(d, op.at, name, "is not pure");
    }
    if let Some(rule) = op.rules.first() {
        refuse(d, rule.rule.at, name, "has rules across operands");
    }
    let typestate = op.typestate.v != Typestate::None;
    if op.hook != Hook::None || op.family != Family::None || op.wasm.is_some() || typestate {
        refuse(d, op.at, name, "has a hook, a family, a typestate rule or a twin, which only the VM's have");
    }
    if op.fuel.shift != 0 {
        refuse(d, op.at, name, "has fuel by size, and its operands have no size");
    }
    // Lowering has said so of operands that have no form.
    if !matches!(op.form, Form::None | Form::Unary | Form::Binary | Form::Ternary | Form::UnaryImm) {
        refuse(d, op.at, name, &format!("has form {}", op.form.name()));
    }
    for o in op.operands.iter().filter(|o| o.kind.is_register()) {
        if !matches!(o.ty, TypeRule::Bool | TypeRule::I64 | TypeRule::U64 | TypeRule::F64) {
            refuse(d, o.ty_at, name, &format!("has \"{}\" of type {}", o.name.v, o.ty.name()));
        }
    }
}
