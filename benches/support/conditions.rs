//! Under what conditions figures came to be: machine, versions, load.

use std::process::Command;

/// The processor's name and how many of them there are.
pub(crate) fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let name = name.map_or("unknown processor", |rest| rest.trim_matches(['\t', ' ', ':']));
    format!("{name}, {} CPUs", std::thread::available_parallelism().map_or(0, usize::from))
}

/// How many processes were busy in the last minute, five minutes and fifteen.
pub(crate) fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The version of a package in the text of a `Cargo.lock`.
pub(crate) fn locked_version<'a>(lock: &'a str, package: &str) -> &'a str {
    let of = lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{package}\"\n")));
    of.and_then(|entry| entry.split("version = \"").nth(1))
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("unknown")
}

/// The compiler that is called now, which is the one that built if nobody has changed it.
pub(crate) fn rustc() -> String {
    said("rustc", &["--version"])
}

/// The commit of the work tree that a folder is in.
pub(crate) fn commit(folder: &str) -> String {
    said("git", &["-C", folder, "describe", "--always", "--dirty"])
}

/// What a command prints, where there is such a command.
fn said(command: &str, args: &[&str]) -> String {
    let output = Command::new(command).args(args).output();
    let text =
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).unwrap_or_default();
    if text.is_empty() { format!("unknown {command}") } else { text }
}
