//! Replays the committed seeds and regressions of the fuzz targets, without libFuzzer.
#![allow(dead_code, reason = "the support is shared with other tests")]

mod mutation_support;
#[path = "../../fuzz/oracle.rs"]
mod oracle;
mod random_support;
mod session_random_support;

use std::path::Path;

/// Feeds every file of a target's folders to its oracle; gives their number.
fn replay(target: &str, oracle: fn(&[u8])) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut count = 0;
    for folder in ["seeds", "regressions"] {
        let Ok(files) = std::fs::read_dir(root.join(folder).join(target)) else { continue };
        for file in files {
            let path = file.unwrap().path();
            // Shown only where the oracle fails.
            println!("{}", path.display());
            oracle(&std::fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}

#[test]
fn containers() {
    assert!(replay("container", oracle::container) >= 6);
}

#[test]
fn code() {
    assert!(replay("verify_run", oracle::verify_run) >= 6);
}

#[test]
fn sessions() {
    assert!(replay("sessions", oracle::sessions) >= 6);
}

#[test]
fn texts() {
    assert!(replay("text", oracle::text) >= 6);
}

#[test]
fn tables() {
    assert!(replay("tables", oracle::tables) >= 6);
}
