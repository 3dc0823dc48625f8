//! Processes of their own for pieces of work whose memory is measured: one that has done others keeps what they gave back,
//! and would not grow.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

/// A line of the process's state, in bytes.
fn status(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_else(|| panic!("no {field}"));
    let number = line.trim_start_matches(':').trim().trim_end_matches(" kB");
    number.parse::<u64>().unwrap_or_else(|e| panic!("{field}: {line}: {e}")) << 10
}

/// Does a piece of work and says by how much the process was larger meanwhile, at most, than before.
pub(crate) fn growth<T>(work: impl FnOnce() -> T) -> (T, u64) {
    // Sets the peak to what is there now.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS");
    let result = work();
    (result, status("VmHWM").saturating_sub(before))
}

/// Where `scripts/aarch64.sh` says which emulator runs these tests. An emulated program cannot start another directly.
pub(crate) fn emulator() -> Option<String> {
    let runner = std::env::var("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER").ok()?;
    cfg!(target_arch = "aarch64").then_some(runner)
}

/// Starts this binary's test of that name for each case, told which by a variable of the environment, and shows the lines of
/// theirs that say what is charged. Each has to have so many of them.
pub(crate) fn each_alone(
    test: &str,
    variable: &str,
    cases: impl Iterator<Item = (String, String)>,
    lines: usize,
) {
    let this = std::env::current_exe().unwrap();
    let runner = emulator().unwrap_or_default();
    let mut failed = Vec::new();
    for (which, name) in cases {
        let words: Vec<&OsStr> =
            runner.split_whitespace().map(OsStr::new).chain([this.as_os_str()]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["--exact", test, "--nocapture", "--test-threads=1"]);
        let output = command.env(variable, which).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, errors) = (text(&output.stdout), text(&output.stderr));
        for line in out.lines().filter(|line| line.contains(" charged, ")) {
            println!("{line}");
        }
        if !output.status.success() || out.matches(" charged, ").count() != lines {
            failed.push(format!("{name}:\n{out}{errors}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
