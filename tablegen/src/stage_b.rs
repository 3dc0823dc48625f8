//! Runs stage B: compiles the literals and collects the bytes they make.

use std::path::Path;
use std::process::Command;

/// Blobs by file name.
pub type Blobs = Vec<(String, Vec<u8>)>;

/// Builds and runs `opforge-tables-gen` of the workspace at `root`, with `cwd` as working directory, into a
/// temporary folder, and returns the files it wrote, by name. Needs no network.
///
/// # Errors
/// If cargo, the compiler or the program fails; what they say is part of the text.
pub fn run(root: &Path, cwd: &Path) -> Result<Blobs, String> {
    let dir = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(cwd)
        .args([
            "run",
            "--quiet",
            "--locked",
            "--offline",
            "--package",
            "opforge-tables-gen",
            "--manifest-path",
        ])
        .arg(root.join("Cargo.toml"))
        .arg("--")
        .arg(dir.path())
        .output()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "stage B, the compiled literals, failed ({}):\n{}",
            output.status,
            said.trim_end()
        ));
    }
    collect(dir.path()).map_err(|e| format!("stage B wrote nothing that can be read: {e}"))
}

fn collect(dir: &Path) -> std::io::Result<Blobs> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        out.push((entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?));
    }
    out.sort();
    Ok(out)
}

/// The names of the files on which the spec and the compiled literals do not agree.
#[must_use]
pub fn differing(from_spec: &[(&'static str, Vec<u8>)], from_literals: &Blobs) -> Vec<String> {
    let find = |name: &str| from_literals.iter().find(|(n, _)| n == name).map(|(_, b)| b);
    let wrong = from_spec.iter().filter(|(name, bytes)| find(name) != Some(bytes));
    let mut out: Vec<String> = wrong.map(|(name, _)| (*name).to_owned()).collect();
    let known = |name: &str| from_spec.iter().any(|(n, _)| *n == name);
    out.extend(from_literals.iter().filter(|(name, _)| !known(name)).map(|(name, _)| name.clone()));
    out
}
