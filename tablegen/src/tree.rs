//! Generated files against the tree: what is missing, stale, damaged or left over; and putting them there.

use crate::artefacts::{Artefacts, BLOBS, File, LITERALS, is_blob};
use crate::manifest::Manifest;
use crate::write::{self, Outcome};
use crate::{diff, sha256, stage_b};
use std::collections::BTreeSet;
use std::path::Path;

/// What to do about any problem that [`compare`] finds.
pub const FIX: &str = "run `just tablegen` and commit the result";

/// Each file that is not what the spec makes it, as one line.
#[must_use]
pub fn compare(root: &Path, all: &Artefacts) -> Vec<String> {
    let manifest = committed_manifest(root);
    let files = all.literals.iter().chain(&all.rest);
    let mut out: Vec<String> = files.filter_map(|file| problem(root, file, manifest.as_ref())).collect();
    out.extend(left_over(root, all).into_iter().map(|path| format!("{path}: not made by tablegen any more")));
    out
}

fn committed_manifest(root: &Path) -> Option<Manifest> {
    let text = std::fs::read_to_string(root.join(BLOBS).join("MANIFEST")).ok()?;
    Manifest::parse(&text.replace("\r\n", "\n")).ok()
}

pub(crate) fn problem(root: &Path, (path, wanted): &File, manifest: Option<&Manifest>) -> Option<String> {
    let found = match std::fs::read(root.join(path)) {
        Ok(found) => found,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Some(format!("{path}: missing")),
        Err(e) => return Some(format!("{path}: cannot be read: {e}")),
    };
    if found == *wanted {
        return None;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let recorded = manifest.and_then(|m| m.blobs.iter().find(|(n, _, _)| n == name));
    if is_blob(path) && recorded.is_some_and(|(_, _, digest)| *digest != sha256::hex(&found)) {
        return Some(format!("{path}: damaged: not the bytes that MANIFEST records"));
    }
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let at = (!is_blob(path)).then(|| first_difference(&text(&found), &text(wanted))).flatten();
    let at = at.map_or(String::new(), |line| format!(", first in line {line}"));
    Some(format!("{path}: stale: not what the spec makes it{at}"))
}

fn first_difference(a: &str, b: &str) -> Option<usize> {
    let (mut a, mut b) = (a.lines(), b.lines());
    (1..)
        .map_while(|n| match (a.next(), b.next()) {
            (None, None) => None,
            (x, y) => Some((n, x == y)),
        })
        .find(|(_, same)| !same)
        .map(|(n, _)| n)
}

/// Files in generated folders that the spec does not make.
fn left_over(root: &Path, all: &Artefacts) -> Vec<String> {
    let made: BTreeSet<&str> = all.literals.iter().chain(&all.rest).map(|(path, _)| path.as_str()).collect();
    let mut out = Vec::new();
    for folder in [LITERALS, BLOBS] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        let names = entries.flatten().map(|e| format!("{folder}/{}", e.file_name().to_string_lossy()));
        out.extend(names.filter(|path| !made.contains(path.as_str())));
    }
    out.sort();
    out
}

/// Writes the literals, compiles them, compares their bytes with those of the spec, and only then writes
/// everything else. Returns the paths that changed.
///
/// # Errors
/// If a file cannot be written, stage B fails, or the two ways disagree; blobs are then untouched.
pub fn put(root: &Path, all: &Artefacts) -> Result<Vec<String>, String> {
    let mut changed = Vec::new();
    put_files(root, &all.literals, &mut changed)?;
    let old = left_over(root, all);
    for path in old.iter().filter(|path| path.starts_with(LITERALS)) {
        remove(root, path, &mut changed)?;
    }
    let differing = stage_b::differing(&all.blobs, &stage_b::run(root, root)?);
    if !differing.is_empty() {
        let list = differing.join(", ");
        return Err(format!("the spec and the compiled literals disagree on {list}: a bug in tablegen"));
    }
    put_files(root, &all.rest, &mut changed)?;
    for path in old.iter().filter(|path| path.starts_with(BLOBS)) {
        remove(root, path, &mut changed)?;
    }
    Ok(changed)
}

fn put_files(root: &Path, files: &[File], changed: &mut Vec<String>) -> Result<(), String> {
    for (path, bytes) in files {
        if write::file(&root.join(path), bytes).map_err(|e| format!("{path}: {e}"))? == Outcome::Written {
            changed.push(path.clone());
        }
    }
    Ok(())
}

fn remove(root: &Path, path: &str, changed: &mut Vec<String>) -> Result<(), String> {
    std::fs::remove_file(root.join(path)).map_err(|e| format!("{path}: {e}"))?;
    changed.push(format!("{path} (removed)"));
    Ok(())
}

/// What the spec would change in the committed tables, if those can be read.
#[must_use]
pub fn meaning(root: &Path, all: &Artefacts) -> Option<String> {
    let old = diff::Tables::read_dir(&root.join(BLOBS)).ok()?;
    let new = diff::Tables::from_files(|name| {
        let path = format!("{BLOBS}/{name}");
        all.rest.iter().find(|(p, _)| *p == path).map(|(_, b)| b.clone()).ok_or_else(|| "missing".to_owned())
    })
    .ok()?;
    let report = diff::compare(&old, &new);
    (!report.is_empty()).then(|| report.render())
}
