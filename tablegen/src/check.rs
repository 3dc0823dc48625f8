//! `tablegen check`: three ways to the same bytes. The spec straight to bytes, the compiled literals to
//! bytes, and the committed files must agree; each way is taken twice, the second time from another working
//! directory. Reads the tree, never writes to it.

use crate::artefacts::{self, Artefacts};
use crate::diag::plural;
use crate::{load, stage_b, tree};
use std::path::Path;

/// Checks the workspace at `root`, an absolute path. The problems, one a line, ending with what to do.
///
/// # Errors
/// If anything is missing, stale, damaged or left over, or if generating is not repeatable.
pub fn check(root: &Path) -> Result<(), String> {
    let all = make(root)?;
    let elsewhere = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}\n"))?;
    let again = from(elsewhere.path(), || make(root))??;
    let mut problems = Vec::new();
    if all.literals != again.literals || all.rest != again.rest {
        problems.push("two runs of stage A differ: a bug in tablegen".to_owned());
    }
    problems.extend(tree::compare(root, &all));
    let literals_are_current = !problems.iter().any(|p| p.starts_with(artefacts::LITERALS));
    for cwd in [root, elsewhere.path()] {
        match stage_b::run(root, cwd) {
            Ok(blobs) => {
                let why = if literals_are_current { "a bug in tablegen" } else { "the literals are stale" };
                let names = stage_b::differing(&all.blobs, &blobs);
                problems
                    .extend(names.iter().map(|n| format!("{n}: spec and compiled literals differ: {why}")));
            }
            Err(e) => problems.push(e),
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort();
    problems.dedup();
    let mut out: String = problems.iter().map(|p| format!("tablegen check: {p}\n")).collect();
    if let Some(meaning) = tree::meaning(root, &all) {
        out += &meaning;
    }
    Err(format!("{out}tablegen check: {}; {}\n", plural(problems.len(), "problem"), tree::FIX))
}

fn make(root: &Path) -> Result<Artefacts, String> {
    let spec = load(root)?;
    artefacts::make(root, &spec).map_err(|e| format!("{e}\n"))
}

/// Runs `f` with another working directory and goes back.
fn from<T>(cwd: &Path, f: impl FnOnce() -> T) -> Result<T, String> {
    let fail = |e: std::io::Error| format!("working directory: {e}\n");
    let before = std::env::current_dir().map_err(fail)?;
    std::env::set_current_dir(cwd).map_err(fail)?;
    let out = f();
    std::env::set_current_dir(before).map_err(fail)?;
    Ok(out)
}
