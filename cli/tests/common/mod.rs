//! Running the binary, for all tests.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of this")]

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run of the binary gave.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub bytes: Vec<u8>,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout,
        }
    }
}

impl Ran {
    /// Checks the exit code; prints everything if it is another one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Checks that standard error has a text.
    #[track_caller]
    pub fn complains(&self, text: &str) {
        assert!(self.stderr.contains(text), "{text:?} is not in:\n{}", self.stderr);
    }
}

/// The binary, started in the workspace.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opforge"));
    command.current_dir(root());
    command
}

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs the binary with these arguments and nothing on standard input.
pub fn opforge<S: AsRef<OsStr>>(args: &[S]) -> Ran {
    command().args(args).stdin(Stdio::null()).output().expect("the binary runs").into()
}

/// Runs the binary with these arguments and bytes on standard input.
pub fn opforge_with<S: AsRef<OsStr>>(args: &[S], input: &[u8]) -> Ran {
    let mut command = command();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // The binary may end before it has read everything.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("the binary ends").into()
    })
}

/// Runs a text program.
pub fn run_text(program: &str, args: &[&str]) -> Ran {
    let mut all = vec!["run", "-"];
    all.extend_from_slice(args);
    opforge_with(&all, program.as_bytes())
}

/// A folder that goes away with the test.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
