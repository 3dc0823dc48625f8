//! Runs every example and compares what it prints with the output in its head comment.

use std::error::Error;
use std::io::Write;

// `main` is for `cargo run --example`; the tests call what it calls.
#[allow(dead_code)]
#[path = "../examples/async_host.rs"]
mod async_host;
#[allow(dead_code)]
#[path = "../examples/fuel_resume.rs"]
mod fuel_resume;
#[allow(dead_code)]
#[path = "../examples/hello.rs"]
mod hello;
#[allow(dead_code)]
#[path = "../examples/host_capability.rs"]
mod host_capability;
#[allow(dead_code)]
#[path = "../examples/interrupt.rs"]
mod interrupt;
#[cfg(feature = "jit")]
#[allow(dead_code)]
#[path = "../examples/jit.rs"]
mod jit;

#[allow(dead_code)]
#[path = "../examples/memory.rs"]
mod memory;
#[allow(dead_code)]
#[path = "../examples/sessions.rs"]
mod sessions;

type Demo = fn(&mut dyn Write) -> Result<(), Box<dyn Error>>;

fn check(demo: Demo, source: &str) {
    let head = source.lines().map_while(|line| line.strip_prefix("//!")).map(|line| line.trim_start());
    let expected: Vec<&str> =
        head.skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```").collect();
    assert!(!expected.is_empty(), "the head comment shows no output");
    let mut output = Vec::new();
    demo(&mut output).expect("the example runs");
    let output = String::from_utf8(output).expect("UTF-8");
    assert_eq!(output.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn async_host_prints_what_it_says() {
    check(async_host::demo, include_str!("../examples/async_host.rs"));
}

#[test]
fn fuel_resume_prints_what_it_says() {
    check(fuel_resume::demo, include_str!("../examples/fuel_resume.rs"));
}

#[test]
fn hello_prints_what_it_says() {
    check(hello::demo, include_str!("../examples/hello.rs"));
}

#[test]
fn host_capability_prints_what_it_says() {
    check(host_capability::demo, include_str!("../examples/host_capability.rs"));
}

#[test]
fn interrupt_prints_what_it_says() {
    check(interrupt::demo, include_str!("../examples/interrupt.rs"));
}

#[cfg(feature = "jit")]
#[test]
fn jit_prints_what_it_says() {
    check(jit::demo, include_str!("../examples/jit.rs"));
}

#[test]
fn memory_prints_what_it_says() {
    check(memory::demo, include_str!("../examples/memory.rs"));
}

#[test]
fn sessions_prints_what_it_says() {
    check(sessions::demo, include_str!("../examples/sessions.rs"));
}

#[test]
fn every_example_is_tested() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let test = include_str!("examples.rs");
    for entry in std::fs::read_dir(folder).expect("examples") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.ends_with(".rs") {
            assert!(test.contains(&format!("\"../examples/{name}\"")), "{name} is not run");
        }
    }
}
