//! The second build: opforge's interpreter and wasmi with their portable dispatchers, which are chosen when they are built.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds it beside this build, unless it is up to date. Gives the program.
pub(crate) fn build() -> PathBuf {
    let this = std::env::current_exe().expect("a program knows its own path");
    let target = this.ancestors().nth(2).expect("it is in a profile's folder of the target folder");
    let target = target.join("portable");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--no-default-features",
            "--features",
            "portable",
        ])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("OPFORGE_DISPATCH", "loop")
        // A worker's stdout is for answers.
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => {}
        problem => {
            eprintln!(
                "the build with the portable dispatchers failed ({problem:?}); --no-portable does without them"
            );
            std::process::exit(1);
        }
    }
    let name = this.file_name().expect("a program's path has a name");
    target.join("release").join(name)
}
