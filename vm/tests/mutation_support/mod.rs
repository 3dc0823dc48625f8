//! What the mutation tests share: random numbers, seeds, damage, and the judge.

pub(crate) mod bodies;
pub(crate) mod judge;
pub(crate) mod mutate;

pub(crate) use crate::random_support::Random;

use std::path::{Path, PathBuf};

impl Random {
    pub(crate) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// How many cases a test tries: its share of `OPFORGE_MUTATIONS`, or of the default.
pub(crate) fn rounds(part: usize, of: usize) -> usize {
    let all = std::env::var("OPFORGE_MUTATIONS").map_or(30_000, |text| text.parse().unwrap());
    all * part / of
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "ofa") {
            paths.push(path);
        }
    }
}

/// The texts of the examples and of the test programs that are not long, in a fixed order.
pub(crate) fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = Vec::new();
    collect(&root.join("examples"), &mut paths);
    collect(&root.join("tests/programs"), &mut paths);
    paths.sort();
    let texts = paths.iter().map(|path| std::fs::read_to_string(path).unwrap());
    // What they say about themselves is no part of the program.
    let code = texts.map(|text| {
        let lines = text.lines().filter(|line| !line.starts_with("; "));
        lines.flat_map(|line| [line, "\n"]).collect::<String>()
    });
    code.filter(|text| text.len() < 4000).collect()
}
