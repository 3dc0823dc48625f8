//! Finds the programs, checks each, and sums up what they covered.

mod check;
mod coverage;
mod directive;
mod host;
mod literal;
mod run;
mod scan;

pub(crate) use coverage::Summary;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

/// The `.ofa` files in a folder, sorted.
fn programs_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ofa"));
    paths.sort();
    paths
}

/// The folders of families with the number of programs in each.
pub(crate) fn families() -> BTreeMap<String, usize> {
    let entries = std::fs::read_dir(PROGRAMS).unwrap_or_else(|e| panic!("{PROGRAMS}: {e}"));
    let folders = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    folders
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), programs_in(&path).len()))
        .collect()
}

/// Checks every program and every example.
pub(crate) fn check_all() -> Summary {
    let mut summary = Summary::default();
    for family in families().into_keys() {
        for path in programs_in(&Path::new(PROGRAMS).join(family)) {
            check::check_file(&path, &mut summary);
        }
    }
    // Examples must hold too, but what they happen to cover does not count.
    let mut examples = Summary::default();
    for path in programs_in(Path::new(EXAMPLES)) {
        check::check_file(&path, &mut examples);
    }
    summary.examples = examples.files;
    summary.files += examples.files;
    summary.failures.append(&mut examples.failures);
    summary
}

/// What is wrong with a program that is given as text.
pub(crate) fn problems(source: &str) -> Vec<String> {
    check::problems(Path::new("text"), source, &mut Summary::default())
}
