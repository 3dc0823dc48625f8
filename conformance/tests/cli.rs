//! The command line: exit codes and the last line.

use std::fs;
use std::path::Path;
use std::process::Command;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/extape_sample.jsonl");
const SESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sessions_sample.json");
const ROWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vm/tests/data/wasm_numeric_sample.csv");

/// Where `scripts/aarch64.sh` says which emulator runs these tests. An emulated program cannot start another directly.
const EMULATOR: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER";

/// The command line, in the emulator that runs the test itself.
fn program() -> Command {
    let program = env!("CARGO_BIN_EXE_opforge-conformance");
    let emulator = std::env::var(EMULATOR).ok().filter(|_| cfg!(target_arch = "aarch64")).unwrap_or_default();
    let mut words = emulator.split_whitespace().chain([program]);
    let mut command = Command::new(words.next().unwrap_or(program));
    command.args(words);
    command
}

/// Exit code, standard output and standard error.
fn run(args: &[&str]) -> (i32, String, String) {
    let output = program().args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A file for one test.
fn file(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn first_line() -> String {
    fs::read_to_string(SAMPLE).unwrap().lines().next().unwrap().to_owned()
}

#[test]
fn passing_files_close_with_the_count() {
    let (code, output, _) = run(&["extape", SAMPLE, "--engine", "interp"]);
    assert_eq!((code, output.lines().last()), (0, Some("163 passed, 0 failed")));
    let (code, output, _) = run(&["wasm-numeric", ROWS]);
    assert!(code == 0 && output.ends_with(" passed, 0 failed\n"), "{output}");
    let (code, output, _) = run(&["spec-examples", "--engine", "all"]);
    assert!(code == 0 && output.ends_with(" passed, 0 failed\n"), "{output}");
}

#[test]
fn session_cases_run_one_by_one_and_show_their_events() {
    let (code, output, _) = run(&["sessions", SESSIONS, "--engine", "interp"]);
    assert_eq!((code, output.lines().last()), (0, Some("29 passed, 0 failed")));
    let (code, output, _) = run(&["sessions", SESSIONS, "--case", "close_then_use", "--trace"]);
    assert_eq!((code, output.lines().last()), (0, Some("1 passed, 0 failed")), "{output}");
    for line in
        ["close_then_use (interp)", "        3 [\"closed\",0]", "    fault channel_closed of coroutine 1"]
    {
        assert!(output.lines().any(|found| found == line), "{line}: {output}");
    }
    assert_eq!(run(&["sessions", SESSIONS, "--case", "close_then"]).0, 2, "the name is the whole name");
}

#[test]
fn a_failing_session_case_says_what_differs() {
    let text = fs::read_to_string(SESSIONS).unwrap();
    let wrong = text.replacen(
        "[\"closed\", 0], [\"terminal\", 0, \"closed\"]",
        "[\"terminal\", 0, \"closed\"], [\"closed\", 0]",
        1,
    );
    assert_ne!(text, wrong);
    let (code, output, _) = run(&["sessions", &file("sessions.json", &wrong), "--engine", "interp"]);
    assert_eq!((code, output.lines().last()), (1, Some("28 passed, 1 failed")), "{output}");
    assert!(output.starts_with("FAIL close_then_use\n"), "{output}");
    let line =
        "    interp: event 2: expected tick 3 [\"terminal\",0,\"closed\"], found tick 3 [\"closed\",0]";
    assert!(output.lines().any(|found| found == line), "{output}");
}

#[test]
fn a_session_case_that_cannot_be_run_fails() {
    let text = fs::read_to_string(SESSIONS).unwrap();
    for (from, to, why) in [
        ("\"speculation\": true", "\"lanes\": 2", "config: field \"lanes\" is not known"),
        ("\"op\": \"fork\"", "\"op\": \"spoon\"", "there is no instruction \"spoon\""),
        (
            "\"name\": \"spec_abort_registers\", \"kind\": \"run\"",
            "\"name\": \"spec_abort_registers\", \"kind\": \"walk\"",
            "kind \"walk\"",
        ),
        (
            "\"op\": \"fork\", \"ghost\": 1",
            "\"op\": \"fork\", \"ghost\": 0",
            "is no program of the VM: A: pc 2, fork: register 0 holds endpoint",
        ),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(text, wrong, "{from}");
        let (code, output, _) = run(&["sessions", &file("unknown.json", &wrong), "--engine", "interp"]);
        assert_eq!((code, output.lines().last()), (1, Some("28 passed, 1 failed")), "{output}");
        assert!(output.starts_with("FAIL spec_abort_registers\n") && output.contains(why), "{output}");
    }
}

#[test]
fn a_failing_case_is_named() {
    let line = first_line();
    let wrong = line.replacen("\"fuel_used\":", "\"fuel_used\":1", 1);
    assert_ne!(line, wrong);
    let path = file("failing.jsonl", &format!("{wrong}\n{}\n", line.replace("/args", "/again")));
    let (code, output, _) = run(&["extape", &path]);
    assert_eq!((code, output.lines().last()), (1, Some("1 passed, 1 failed")));
    assert!(output.starts_with("FAIL hand/"), "{output}");
}

#[test]
fn listed_deviations_are_shown_with_reasons() {
    let (code, output, _) = run(&["extape", SAMPLE, "--list", "--only", "rejected/"]);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("DIFFERS rejected/flow/empty_body: empty_body"), "{output}");
    assert!(output.contains("shape is part of the type here"), "{output}");
}

#[test]
fn bad_files_are_exit_2() {
    let cut = &first_line()[..40];
    for (path, error) in [
        ("no/such/file".to_owned(), "no/such/file: "),
        (file("cut.jsonl", cut), "line 1: "),
        (file("empty.jsonl", ""), "no cases"),
        (file("base64.jsonl", &first_line().replacen("\"RVh", "\"?Vh", 1)), "base64 digit"),
        (file("tag.jsonl", &first_line().replacen('{', "{\"tags\":[\"x\"],", 1)), "unknown tag"),
    ] {
        let (code, output, errors) = run(&["extape", &path]);
        assert_eq!((code, output.as_str()), (2, ""), "{errors}");
        assert!(errors.contains(error), "{errors}");
    }
    for (name, text, error) in [
        ("schema.json", "{\"schema\":\"other\",\"cases\":[]}", "schema \"other\" is not known"),
        ("none.json", "{\"schema\":\"opforge.session-cases/1\",\"cases\":[]}", "no cases"),
        ("name.json", "{\"schema\":\"opforge.session-cases/1\",\"cases\":[{}]}", "\"name\" is missing"),
    ] {
        let (code, output, errors) = run(&["sessions", &file(name, text)]);
        assert_eq!((code, output.as_str()), (2, ""), "{errors}");
        assert!(errors.contains(error), "{errors}");
    }
    assert_eq!(run(&["wasm-numeric", SAMPLE]).0, 2);
    assert_eq!(run(&["extape", SAMPLE, "--only", "no such case"]).0, 2);
}

#[test]
fn wrong_usage_is_exit_3() {
    for args in [
        &[][..],
        &["other"],
        &["extape"],
        &["wasm-numeric"],
        &["sessions"],
        &["sessions", SESSIONS, "--case"],
        &["spec-examples", SAMPLE],
        &["extape", SAMPLE, "--engine"],
        &["extape", SAMPLE, "--engine", "fast"],
        &["extape", SAMPLE, "--fast"],
    ] {
        let (code, output, errors) = run(args);
        assert_eq!((code, output.as_str()), (3, ""), "{args:?}");
        assert!(errors.starts_with("error: ") && errors.contains("--help"), "{errors}");
    }
    let (code, output, _) = run(&["--help"]);
    assert!(code == 0 && output.contains("Exit codes"), "{output}");
}
