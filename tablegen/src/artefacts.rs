//! Which file holds what. All files of a generation are made here, in memory, before one is written.

use crate::model::Spec;
use crate::{dump, emit, manifest, sha256, source};
use std::fmt::Write as _;
use std::path::Path;

/// Folder of the literals.
pub const LITERALS: &str = "tablegen/generated/src/literals";
/// Folder of the blobs.
pub const BLOBS: &str = "tables/blobs";
/// The opcode enum.
pub const OPCODES: &str = "tables/src/generated/opcodes.rs";
/// The intrinsic enum.
pub const INTRINSICS: &str = "tables/src/generated/intrinsics.rs";
/// The session family by names.
pub const SESSION: &str = "tables/src/generated/session.rs";
/// The intrinsics for people.
pub const INTRINSICS_PAGE: &str = "docs/INTRINSICS.md";
/// The opcodes for people.
pub const OPCODES_PAGE: &str = "docs/OPCODES.md";
/// The session family for people.
pub const SESSION_PAGE: &str = "docs/SESSION_OPS.md";
/// Sources that decide what a row looks like.
pub const ROW_SOURCES: [&str; 5] = [
    "schema/src/codes.rs",
    "schema/src/codes/exec.rs",
    "schema/src/codes/typestate.rs",
    "schema/src/rows.rs",
    "schema/src/rows/intrinsic.rs",
];

/// A file of the tree: path from the workspace root, and its bytes.
pub type File = (String, Vec<u8>);

/// Everything that is generated from one spec.
#[derive(Clone, Debug)]
pub struct Artefacts {
    /// Literals: what stage B is compiled from.
    pub literals: Vec<File>,
    /// All other files.
    pub rest: Vec<File>,
    /// The zerocopy blobs among them, by name.
    pub blobs: Vec<(&'static str, Vec<u8>)>,
}

/// Makes all files in memory.
///
/// # Errors
/// If the row sources below `root` cannot be read.
pub fn make(root: &Path, spec: &Spec) -> Result<Artefacts, String> {
    let literals = emit::literals::files(spec);
    let literals = literals.into_iter().map(|(n, t)| (format!("{LITERALS}/{n}"), t.into_bytes())).collect();
    let blobs = emit::bytes::blobs(spec);
    let mut rest: Vec<File> = vec![(OPCODES.to_owned(), emit::rust::opcodes(spec).into_bytes())];
    rest.push((INTRINSICS.to_owned(), emit::intrinsics::file(spec).into_bytes()));
    rest.push((SESSION.to_owned(), emit::session::file(spec).into_bytes()));
    rest.push((SESSION_PAGE.to_owned(), emit::session::page(spec).into_bytes()));
    rest.push((INTRINSICS_PAGE.to_owned(), emit::pages::intrinsics(spec).into_bytes()));
    rest.push((OPCODES_PAGE.to_owned(), emit::op_page::opcodes(spec).into_bytes()));
    rest.extend(blobs.iter().map(|(n, b)| (format!("{BLOBS}/{n}"), b.clone())));
    rest.push((format!("{BLOBS}/vm.docs.bincode"), emit::docs::blob(spec)?));
    let mut texts = Vec::new();
    for (path, bytes) in rest.iter().filter(|(path, _)| is_blob(path)) {
        let stem = path.rsplit_once('.').map_or(path.as_str(), |(stem, _)| stem);
        let text = dump::blob(bytes).map_err(|e| format!("{path}: {e}"))?;
        texts.push((format!("{stem}.txt"), text.into_bytes()));
    }
    rest.extend(texts);
    rest.push((format!("{BLOBS}/MANIFEST"), manifest_text(root, spec, &rest)?.into_bytes()));
    Ok(Artefacts { literals, rest, blobs })
}

fn manifest_text(root: &Path, spec: &Spec, files: &[File]) -> Result<String, String> {
    let mut out = format!("{}\nisa {} {}\n", manifest::HEAD, spec.isa, spec.isa_version);
    for (path, digest) in &spec.files {
        let _ = writeln!(out, "source {path} {digest}");
    }
    for path in ROW_SOURCES {
        let text = std::fs::read_to_string(root.join(path)).map_err(|e| format!("{path}: {e}"))?;
        let _ = writeln!(out, "source {path} {}", sha256::hex(source::normalise(&text).as_bytes()));
    }
    let mut blobs: Vec<&File> = files.iter().filter(|(path, _)| is_blob(path)).collect();
    blobs.sort();
    for (path, bytes) in blobs {
        let name = path.rsplit('/').next().unwrap_or(path);
        let _ = writeln!(out, "blob {name} {} {}", bytes.len(), sha256::hex(bytes));
    }
    Ok(out)
}

/// Whether a path is a table, not text beside one.
#[must_use]
pub fn is_blob(path: &str) -> bool {
    path.ends_with(".bin") || path.ends_with(".bincode")
}
