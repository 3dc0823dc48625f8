//! Names of register classes and logical types, and the size of all tables together.

use crate::diag::Diags;
use crate::emit;
use crate::model::Spec;
use crate::source::{At, Span};
use std::collections::BTreeMap;

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for class in &spec.classes {
        name(d, "E050", &class.name, 12, &mut seen);
    }
    for ty in &spec.types {
        name(d, "E051", &ty.name, 11, &mut seen);
    }
}

fn name<'s>(
    d: &mut Diags,
    code: &'static str,
    name: &'s At<String>,
    max: usize,
    seen: &mut BTreeMap<&'s str, Span>,
) {
    let good = name.v.starts_with(|c: char| c.is_ascii_lowercase())
        && name.v.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.v.len() <= max;
    if !good {
        d.error(
            code,
            name.at,
            format!("\"{}\" is not a name: a-z, 0-9 and underscore, at most {max}", name.v),
        );
    }
    if let Some(first) = seen.insert(&name.v, name.at) {
        d.error_note(code, name.at, format!("duplicate type name \"{}\"", name.v), Some(first), "first here");
    }
}

/// Compares the size of the tables with the budget; only for a spec without findings.
pub(super) fn budget(d: &mut Diags, spec: &Spec) {
    let blobs = emit::bytes::blobs(spec);
    let total: usize = blobs.iter().map(|(_, bytes)| bytes.len()).sum();
    if total > spec.tables_max_bytes.v as usize {
        let parts: Vec<String> =
            blobs.iter().map(|(name, bytes)| format!("{name} {}", bytes.len())).collect();
        let message = format!("the tables take {total} bytes, over the {} allowed", spec.tables_max_bytes.v);
        d.error_note("E060", spec.tables_max_bytes.at, message, None, parts.join(", "));
    }
}
