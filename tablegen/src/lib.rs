//! Compiles the opcode spec of opforge into committed tables.
//!
//! `spec/*.json` is parsed and linted into a [`model::Spec`]; one emitter per artefact turns it into text or
//! bytes; [`artefacts`] says which file each goes to; [`mod@write`] puts them there. `gen` and `check` differ
//! only in the last step. Nothing here depends on the tables, so it works when they are missing or stale.

#![forbid(unsafe_code)]

pub mod artefacts;
pub mod check;
pub mod codec;
pub mod codes;
pub mod diag;
pub mod diff;
pub mod dump;
pub mod emit;
pub mod lint;
pub mod model;
pub mod overlay;
pub mod parse;
pub mod source;
pub mod stage_b;
pub mod tree;
pub mod upgrade;
pub mod write;

// Copies of two files of the build script of `tables/`, because a package holds only files of its own folder; a test
// compares them.
pub mod manifest;
pub mod sha256;

use diag::Diags;
use model::Spec;
use source::{MAX_SPEC_BYTES, Source, Sources};
use std::path::Path;

/// Reads, parses and lints the spec below a workspace root.
///
/// # Errors
/// The findings, printed, if there is one.
pub fn load(root: &Path) -> Result<Spec, String> {
    let opcodes = read(root, "spec/opcodes.json")?;
    let types = read(root, "spec/types.json")?;
    let intrinsics = read(root, "spec/intrinsics.json")?;
    let session = read(root, "spec/session.json")?;
    compile(Sources { opcodes, types, intrinsics, session, overlay: None }).map_err(|d| d.render())
}

/// Parses and lints a spec.
///
/// # Errors
/// The findings, if there is one.
pub fn compile(sources: Sources) -> Result<Spec, Box<Diags>> {
    let (spec, mut d) = parse::parse(sources, |text| sha256::hex(text.as_bytes()));
    match spec {
        Some(mut spec) => {
            lint::lint(&mut d, &mut spec);
            if d.is_empty() { Ok(spec) } else { Err(Box::new(d)) }
        }
        None => Err(Box::new(d)),
    }
}

/// Reads one spec file, if it is not too large and UTF-8.
///
/// # Errors
/// A finding, printed.
pub fn read(root: &Path, name: &str) -> Result<Source, String> {
    let fail = |what: String| format!("{name}: error[E000]: {what}\ntablegen: 1 error, nothing written\n");
    let path = root.join(name);
    let size = std::fs::metadata(&path).map_err(|e| fail(format!("cannot be read: {e}")))?.len();
    if size > MAX_SPEC_BYTES {
        return Err(fail(format!("{size} bytes; a spec file may have {MAX_SPEC_BYTES}")));
    }
    let bytes = std::fs::read(&path).map_err(|e| fail(format!("cannot be read: {e}")))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, &text)),
        Err(e) => Err(fail(format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to()))),
    }
}
