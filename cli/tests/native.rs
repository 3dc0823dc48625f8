//! Native code from the command line: engines of `opforge run`, and `opforge disasm --native`.

mod common;

use common::{Ran, folder, opforge, opforge_with, run_text};
use serde_json::json;

/// Prints, logs, and traps where asked to.
const NOISY: &str = r#"
.host print = "env.print" (str) -> ()
.host log = "env.log" (str) -> ()
.func main(n: i64, s: str) -> (i64, agg) {
    .reg pair
    host_call print (s) -> ()
    host_call log (s) -> ()
    tuple.new pair, (n, s)
    i64.div n, n, n
    ret (n, pair)
}
"#;

fn on(engine: &str, rest: &[&str]) -> Ran {
    let mut args = vec!["--grant", "log", "--engine", engine];
    args.extend(rest);
    run_text(NOISY, &args)
}

/// People see the same of every engine, and host functions take effect once.
#[test]
fn engines_show_the_same() {
    for (args, code) in [
        (&["--", "3", "hello\n"][..], 0),
        (&["--", "0", "x"], 1),
        (&["--fuel", "3", "--", "3", "x"], 1),
        (&["--max-host-calls", "1", "--", "3", "x"], 1),
        (&["--max-memory", "10", "--", "3", "x"], 1),
        (&["--fuel-schedule", "v1", "--", "3", "x"], 0),
    ] {
        let expected = on("interp", args).exits(code);
        for engine in ["jit", "both"] {
            let ran = on(engine, args).exits(code);
            assert_eq!((&ran.stdout, &ran.stderr), (&expected.stdout, &expected.stderr), "{engine} {args:?}");
        }
    }
    let ran = on("both", &["--", "3", "x"]).exits(0);
    assert_eq!(ran.stdout, "x\ni64 1\ntuple (i64 3, str \"x\")\n");
    assert_eq!(ran.stderr, "log: x\n");
}

#[test]
fn json_names_the_engine() {
    for (args, code) in [(["--json", "--", "3", "x"], 0), (["--json", "--", "0", "x"], 1)] {
        let mut expected = on("interp", &args).exits(code).json();
        assert_eq!(expected["engine"], "interp");
        for engine in ["jit", "both"] {
            expected["engine"] = json!(engine);
            assert_eq!(on(engine, &args).exits(code).json(), expected);
        }
    }
}

#[test]
fn examples_agree_on_both_engines() {
    for args in [
        &["examples/fib.ofa", "--", "20"][..],
        &["examples/collatz.ofa", "--", "27"],
        &["examples/gcd.ofa", "--", "1071", "462"],
        &["examples/text.ofa", "--entry", "greet", "--", "Ada"],
        &["examples/host.ofa", "--grant", "log", "--", "3"],
    ] {
        let mut line = vec!["run", "--engine", "both"];
        line.extend(args);
        opforge(&line).exits(0);
    }
}

/// A reader that goes away ends both runs at the same call, and is no difference.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_difference() {
    use std::io::Read;
    use std::process::Stdio;
    let source = ".host print = \"env.print\" (u64) -> ()\n.func main() -> () {\n .reg i\n const.u64 i, 7\n jmp @loop\n\
        @loop:\n host_call print (i) -> ()\n jmp @loop\n}";
    let dir = folder();
    let file = dir.path().join("endless.ofa");
    std::fs::write(&file, source).expect("a program");
    let mut command = common::command();
    let args = ["run", "--engine", "both", file.to_str().expect("UTF-8")];
    let mut child =
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
    let mut some = [0; 100];
    child.stdout.take().expect("a pipe").read_exact(&mut some).expect("output");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.exits(0).stderr, "");
}

#[test]
fn options_that_do_not_fit_the_engine_are_usage_errors() {
    for engine in ["jit", "both"] {
        let ran = opforge(&["run", "examples/fib.ofa", "--engine", engine, "--trace", "--", "3"]).exits(3);
        ran.complains("--trace shows the interpreter's steps");
    }
    opforge(&["run", "examples/fib.ofa", "--perf-map", "--", "3"]).exits(3).complains("--engine jit");
    opforge(&["run", "examples/fib.ofa", "--engine", "other"])
        .exits(3)
        .complains("[possible values: interp, jit, both]");
    opforge(&["disasm", "examples/fib.ofa", "--native", "--bytes"]).exits(3);
    opforge(&["disasm", "examples/fib.ofa", "--fuel-schedule", "v1"]).exits(3).complains("--native");
}

/// Nothing takes effect when there is no native code to compare with.
#[test]
fn programs_without_native_code_are_refused() {
    let body = "    i64.add n, n, n\n".repeat(66_000);
    let source = format!(
        ".host print = \"env.print\" (str) -> ()\n.func main(n: i64, s: str) -> (i64) {{\n \
         host_call print (s) -> ()\n{body}    ret n\n}}"
    );
    let ran = run_text(&source, &["--engine", "both", "--", "1", "hello"]).exits(2);
    ran.complains("error[J0002]: ");
    ran.complains("run it in the interpreter");
    assert_eq!(ran.stdout, "");
    let object = run_text(&source, &["--engine", "jit", "--json", "--", "1", "hello"]).exits(2).json();
    assert_eq!(object["errors"][0]["code"], "J0002");
    assert_eq!(run_text(&source, &["--", "0", "hello"]).exits(0).stdout, "hello\ni64 0\n");
    opforge_with(&["disasm", "--native", "-"], source.as_bytes()).exits(2).complains("error[J0002]: ");
    let bad = b".func f() -> (i64) {\n ret r9\n}";
    opforge_with(&["disasm", "--native", "-"], bad).exits(2).complains("error[V");
}

#[test]
fn listings_have_every_function_and_the_sizes() {
    let source =
        b".func \"a\\u{1b}b\" (n: i64) -> (i64) {\n i64.div n, n, n\n call &twice n -> n\n ret n\n}\n\
        .func twice(n: i64) -> (i64) {\n i64.add n, n, n\n ret n\n}";
    let text = opforge_with(&["disasm", "--native", "-"], source).exits(0).stdout;
    assert!(
        text.starts_with(&format!("; native code for {}, fuel schedule by-size\n", std::env::consts::ARCH))
    );
    for expected in
        ["\na\\u{1b}b (func", "\ntwice (func", "\nrefill: 0x", "\nentry of a\\u{1b}b", "; total  ", "ret\n"]
    {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    assert!(text.lines().any(|line| line.contains("    ; twice (func")), "no call of twice:\n{text}");
    // All bytes of functions, entries and alignment add up.
    let bytes = |what: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(what)).expect(what);
        line.split_whitespace().nth(2).and_then(|n| n.parse().ok()).expect("a number")
    };
    let parts: u64 = ["; functions", "; entry", "; refill", "; alignment"].map(bytes).iter().sum();
    assert_eq!(parts, bytes("; total"));
    let hex: usize = text
        .lines()
        .filter(|line| line.starts_with("  0"))
        .map(|line| line.split_whitespace().nth(1).expect("bytes").len() / 2)
        .sum();
    assert_eq!(hex as u64, bytes("; total") - bytes("; alignment"));

    let dir = folder();
    let out = dir.path().join("listing");
    opforge_with(&["disasm", "--native", "-", "-o", out.to_str().expect("UTF-8")], source).exits(0);
    assert_eq!(std::fs::read_to_string(out).expect("a listing"), text);
    let other = opforge_with(&["disasm", "--native", "--fuel-schedule", "v1", "-"], source).exits(0).stdout;
    assert!(other.contains("fuel schedule v1"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_map_for_perf_is_written_when_asked_for() {
    use std::process::{Command, Stdio};
    let run = |args: &[&str]| {
        let mut command: Command = common::command();
        let child =
            command.args(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a process");
        let path = format!("/tmp/perf-{}.map", child.id());
        let output = child.wait_with_output().expect("it ends");
        (path, output)
    };
    let (path, output) = run(&["run", "examples/fib.ofa", "--engine", "jit", "--perf-map", "--", "10"]);
    let text = std::fs::read_to_string(&path);
    let _ = std::fs::remove_file(&path);
    assert!(output.status.success());
    assert!(text.expect("a map").contains(" opforge::fib["));
    let (path, output) = run(&["run", "examples/fib.ofa", "--engine", "jit", "--", "10"]);
    assert!(output.status.success());
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn codes_of_native_code_are_explained() {
    for code in 1..=8 {
        let text = opforge(&["explain", &format!("J{code:04}")]).exits(0).stdout;
        assert!(text.contains("from: native code") && text.contains("help: "), "{text}");
    }
    assert!(opforge(&["explain", "I0013"]).exits(0).stdout.contains("the engines disagree"));
    assert!(opforge(&["--help"]).exits(0).stdout.contains("  4  a defect of opforge"));
    assert!(opforge(&["explain"]).exits(0).stdout.contains("From native code:"));
}
