//! The core crates need no standard library: a program without one links them.
//!
//! A build for a target without `std`, such as x86_64-unknown-none, would show the same, where that target is
//! installed (`just no-std`); this needs only the host's toolchain, and the packages that the workspace has anyway.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FILES: [&str; 4] = ["Cargo.toml", "build.rs", "src/main.rs", "src/core_needs.rs"];

/// Copies the probe into the build's own folder, with the workspace's lock file, so that nothing is resolved anew
/// and the source tree is left alone.
fn copy_probe(root: &Path) -> PathBuf {
    let from = root.join("conformance/no_std_probe");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std_probe");
    fs::create_dir_all(to.join("src")).expect("folder of the copy");
    for file in FILES {
        let text = fs::read_to_string(from.join(file)).expect(file);
        let text = text.replace("\"../../", &format!("\"{}/", root.display()));
        fs::write(to.join(file), text).expect(file);
    }
    fs::copy(root.join("Cargo.lock"), to.join("Cargo.lock")).expect("lock file");
    to
}

fn build(probe: &Path, features: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--offline"])
        .args(features)
        .current_dir(probe)
        .env("CARGO_TARGET_DIR", probe.join("target"))
        // Flags meant for this test's own build, such as those of a coverage run, need `std`.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    if cfg!(target_arch = "aarch64") {
        // Otherwise the compiler's own library asks the C library whether the processor has atomic instructions.
        // Build scripts run on this processor, which may have none: where a target is named, flags are not theirs.
        let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
        command
            .env("RUSTFLAGS", "-Ctarget-feature=+lse")
            .env("CARGO_BUILD_TARGET", format!("aarch64-unknown-linux-{libc}"));
    }
    command.output().expect("cargo runs")
}

#[test]
fn core_crates_link_without_std() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace root");
    let probe = copy_probe(root);

    let without = build(&probe, &[]);
    let errors = String::from_utf8_lossy(&without.stderr);
    assert!(without.status.success(), "a core crate needs std or the C library:\n{errors}");

    // The same program notices the standard library when there is one.
    let with = build(&probe, &["--features", "with-std"]);
    let errors = String::from_utf8_lossy(&with.stderr);
    assert!(!with.status.success() && errors.contains("panic_impl"), "the probe lets std through:\n{errors}");
}
