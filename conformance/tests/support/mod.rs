//! Where the case files are: beside the workspace, or the committed samples.
#![allow(dead_code, reason = "each test binary uses its part")]

use opforge_conformance::extape::Case;
use opforge_conformance::report::Report;
use opforge_conformance::sessions;
use std::fs;
use std::path::{Path, PathBuf};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The folder `shared` beside the workspace; worktrees stand one folder deeper.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    let places = ["../../shared", "../../../shared"];
    places.iter().map(|place| Path::new(HERE).join(place).join(file)).find(|path| path.exists())
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The committed sample of the corpus.
pub(crate) fn sample() -> Vec<Case> {
    Case::from_lines(&read(&Path::new(HERE).join("data/extape_sample.jsonl")))
        .expect("the sample is well-formed")
}

/// The committed session cases: the sample of those beside the workspace, and those of our own.
pub(crate) fn session_cases() -> Vec<sessions::Case> {
    let files = ["data/sessions_sample.json", "data/sessions_more.json"];
    let cases = files.iter().map(|file| sessions::Case::from_file(&read(&Path::new(HERE).join(file))));
    cases.flat_map(|cases| cases.expect("the committed cases are well-formed")).collect()
}

/// Fails with everything that differs, and shows the counts.
pub(crate) fn assert_passed(report: &Report) {
    println!("{report}");
    assert_eq!(report.failed(), 0, "{report}");
}
