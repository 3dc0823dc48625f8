//! Runs stage B: compiles the literals and collects the bytes they make.

use std::path::Path;
use std::process::Command;

/// Blobs by file name.
pub type Blobs = Vec<(String, Vec<u8>)>;

/// Builds and runs `opforge-tables-gen` of the workspace at `root` into a temporary folder and returns the
/// files it wrote, by name.
///
/// # Errors
/// If cargo, the compiler or the program fails; what they say is part of the text.
pub fn run(root: &Path) -> Result<Blobs, String> {
    let dir = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["run", "--quiet", "--locked", "--package", "opforge-tables-gen", "--"])
        .arg(dir.path())
        .output()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("stage B failed ({}):\n{said}", output.status));
    }
    let mut out = Vec::new();
    let entries = std::fs::read_dir(dir.path()).map_err(|e| e.to_string())?;
    for entry in entries {
        let entry = entry.map_err(|e| e.to_string())?;
        let bytes = std::fs::read(entry.path()).map_err(|e| e.to_string())?;
        out.push((entry.file_name().to_string_lossy().into_owned(), bytes));
    }
    out.sort();
    Ok(out)
}

/// Whether the bytes from the spec and from the compiled literals agree: the names of those that do not.
#[must_use]
pub fn differing(from_spec: &[(&'static str, Vec<u8>)], from_literals: &Blobs) -> Vec<String> {
    let find = |name: &str| from_literals.iter().find(|(n, _)| n == name).map(|(_, b)| b);
    let mut out: Vec<String> = from_spec
        .iter()
        .filter(|(name, bytes)| find(name) != Some(bytes))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let known = |name: &str| from_spec.iter().any(|(n, _)| *n == name);
    out.extend(from_literals.iter().filter(|(name, _)| !known(name)).map(|(name, _)| name.clone()));
    out
}
