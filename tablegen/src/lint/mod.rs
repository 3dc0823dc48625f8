//! Rules across values: what one row must be in itself, and what all rows must be together. Each file holds
//! one subject and reports through [`Diags`]; nothing here writes, and only `form` is derived.

mod behaviour;
mod examples;
mod identity;
mod intrinsics;
mod lowering;
mod operands;
mod overlay;
mod session;
mod text;
mod types;
mod typestate;

use crate::diag::Diags;
use crate::model::Spec;

/// Checks a spec, and derives what the emitters need.
pub fn lint(d: &mut Diags, spec: &mut Spec) {
    types::lint(d, spec);
    // With wrong types every layout would be a finding of its own.
    if !d.findings().iter().any(|f| f.at.is_some_and(|at| at.file == crate::parse::TYPES) || f.code == "E051")
    {
        intrinsics::lint(d, spec);
    }
    identity::lint(d, spec);
    operands::lint(d, spec);
    behaviour::lint(d, spec);
    lowering::lint(d, spec);
    typestate::lint(d, spec);
    overlay::lint(d, spec);
    text::lint(d, spec);
    examples::lint(d, spec);
    session::lint(d, spec);
    if d.is_empty() && spec.overlay.is_none() {
        types::budget(d, spec);
    }
}

/// Whether a word cannot name something in generated Rust.
#[must_use]
pub fn is_keyword(word: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
        "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self",
        "Self", "static", "struct", "super", "trait", "true", "try", "type", "typeof", "union", "unsafe",
        "unsized", "use", "virtual", "where", "while", "yield",
    ];
    KEYWORDS.contains(&word)
}
