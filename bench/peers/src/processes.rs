//! Several processes, one behind the other, that measure the same.
//!
//! Where code and data come to lie in memory differs from process to process and moves interpreters' times by a tenth and
//! more, so no single process tells the truth.

use crate::Options;
use crate::figures::Taken;
use std::path::Path;
use std::process::{Command, Stdio, exit};

/// Lets each process measure as the options say.
pub(crate) fn measure(options: &Options, portable: Option<&Path>) -> Vec<Vec<Taken>> {
    (1..=options.processes)
        .map(|number| {
            eprintln!("process {number} of {}", options.processes);
            one(options, portable)
        })
        .collect()
}

fn one(options: &Options, portable: Option<&Path>) -> Vec<Taken> {
    let this = std::env::current_exe().expect("a program knows its own path");
    let mut command = Command::new(this);
    command.args(["--samples", &options.samples.to_string(), "--only", &options.only]);
    if !options.engines.is_empty() {
        command.args(["--engines", &options.engines.join(",")]);
    }
    match portable {
        Some(program) => command.arg("--portable").arg(program),
        None => command.arg("--no-portable"),
    };
    let output = command.arg("measure").stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("a further process: {error}"));
    if !output.status.success() {
        eprintln!("a process that measures failed: {}", output.status);
        exit(1);
    }
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("figures of a process: {error}"))
}
