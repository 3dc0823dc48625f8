//! The command line of tablegen.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    match generate(&root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprint!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn generate(root: &Path) -> Result<(), String> {
    use opforge_tablegen::{artefacts, load, stage_b, write};
    let spec = load(root)?;
    let all = artefacts::make(root, &spec)?;
    for (path, bytes) in &all.literals {
        write::file(&root.join(path), bytes).map_err(|e| format!("{path}: {e}\n"))?;
    }
    let differing = stage_b::differing(&all.blobs, &stage_b::run(root)?);
    if !differing.is_empty() {
        return Err(format!("spec and compiled literals disagree: {}\n", differing.join(", ")));
    }
    for (path, bytes) in &all.rest {
        write::file(&root.join(path), bytes).map_err(|e| format!("{path}: {e}\n"))?;
    }
    Ok(())
}
