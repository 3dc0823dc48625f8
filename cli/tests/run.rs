//! `opforge run`: results, entries, arguments, limits, traps, traces.

mod common;

use common::{opforge, opforge_with, run_text};
use serde_json::json;

const ALL_TYPES: &str = "
    .func all(a: i64, b: u64, c: f64, d: bool, e: decimal, f: str, g: bytes, h: unit) -> (i64, u64, f64, bool, decimal, str,
        bytes, unit) {
        ret (a, b, c, d, e, f, g, h)
    }";

#[test]
fn arguments_of_every_type_come_back() {
    let ran = run_text(
        ALL_TYPES,
        &["--", "-5", "0xff", "1e3", "true", "-12.30", "a \"b\"\n\u{1b}[31m", "0x00fF", "unit"],
    );
    assert_eq!(
        ran.exits(0).stdout,
        "i64 -5\nu64 255\nf64 1000.0\nbool true\ndecimal -12.30\nstr \"a \\\"b\\\"\\n\\u{1b}[31m\"\nbytes 0x00ff\nunit\n"
    );
}

#[test]
fn results_for_machines() {
    let args = ["--json", "--", "-5", "1", "nan", "false", "7", "é\n", "0x", "()"];
    let ran = run_text(ALL_TYPES, &args).exits(0);
    assert_eq!(
        ran.json(),
        json!({
            "status": "finished", "engine": "interp", "fuel_used": 1, "fuel_left": 999_999_999, "host_calls": 0,
            "results": [
                {"type": "i64", "value": "-5"}, {"type": "u64", "value": "1"},
                {"type": "f64", "value": "nan"}, {"type": "bool", "value": false},
                {"type": "decimal", "value": "7"}, {"type": "str", "value": "é\n"},
                {"type": "bytes", "value": "0x"}, {"type": "unit", "value": null},
            ],
        })
    );
}

#[test]
fn arguments_that_do_not_fit_are_bad_input() {
    let good = ["-5", "1", "1.0", "true", "1", "x", "0x", "unit"];
    for (at, bad) in [
        (0, "9223372036854775808"),
        (0, "1.5"),
        (1, "-1"),
        (2, "1e400"),
        (3, "yes"),
        (4, "1e3"),
        (6, "00"),
        (7, "0"),
    ] {
        let mut args = vec!["--"];
        args.extend(good);
        args[at + 1] = bad;
        let ran = run_text(ALL_TYPES, &args).exits(2);
        ran.complains("error[I0009]: argument ");
        ran.complains(&format!("argument {} of all(a: i64, ", at + 1));
    }
    run_text(ALL_TYPES, &["--", "1"]).exits(2).complains("error[I0008]: all(a: i64, ");
}

const AGGREGATES: &str = r#"
    .struct Point { x: f64, y: f64 }
    .sig none () -> ()
    .func main() -> (agg, agg, agg, closure, func) {
        .reg a, b, c, d, e, f, g
        const.f64 a, 1.5
        struct.new b, Point, (a, a)
        const.i64 c, 7
        tuple.new d, (c, b)
        array.new e, f64, (a, a)
        const.func f, &main
        closure.new g, f, d
        ret (b, d, e, g, f)
    }"#;

#[test]
fn aggregates_show_their_parts() {
    let ran = run_text(AGGREGATES, &[]).exits(0);
    assert_eq!(
        ran.stdout,
        "struct #0 {x: f64 1.5, y: f64 1.5}\n\
         tuple (i64 7, struct #0 {x: f64 1.5, y: f64 1.5})\n\
         array [f64 1.5, f64 1.5]\n\
         closure &main (tuple (i64 7, struct #0 {x: f64 1.5, y: f64 1.5}))\n\
         func &main\n"
    );
    let results = run_text(AGGREGATES, &["--json"]).exits(0).json()["results"].clone();
    let f64 = json!({"type": "f64", "value": "1.5"});
    let point = json!({"type": "struct", "id": 0, "fields": [
        {"name": "x", "value": f64}, {"name": "y", "value": f64},
    ]});
    let tuple = json!({"type": "tuple", "elements": [{"type": "i64", "value": "7"}, point]});
    assert_eq!(results[0], point);
    assert_eq!(results[1], tuple);
    assert_eq!(results[2], json!({"type": "array", "elements": [f64, f64]}));
    assert_eq!(results[3], json!({"type": "closure", "function": 0, "name": "main", "env": tuple}));
}

/// Each of `n` steps makes a pair of the pair before it: 2^n leaves on paper, n nodes in memory.
fn doubling(steps: usize) -> String {
    let mut text = ".func main() -> (agg) {\n const.i64 r1, 1\n tuple.new r2, (r1, r1)\n".to_owned();
    for i in 0..steps {
        text += &format!(" tuple.new r{}, (r{}, r{})\n", i + 3, i + 2, i + 2);
    }
    text + &format!(" ret r{}\n}}\n", steps + 2)
}

#[test]
fn i10_shared_and_deep_aggregates_are_cut() {
    let ran = run_text(&doubling(30), &[]).exits(0);
    assert!(ran.stdout.len() < 4 << 20, "{} bytes", ran.stdout.len());
    assert!(ran.stdout.contains(" more"));
    let ran = run_text(&doubling(200), &["--json"]).exits(0);
    assert!(ran.stdout.len() < 16 << 20, "{} bytes", ran.stdout.len());
    assert_eq!(ran.json()["status"], "finished");
}

const THREE: &str = "
    .func first() -> (i64) {\n const.i64 r1, 1\n ret r1\n }
    .func second() -> (i64) {\n const.i64 r1, 2\n ret r1\n }
    .func main() -> (i64) {\n const.i64 r1, 3\n ret r1\n }";

#[test]
fn entries_by_name_and_index() {
    let result = |entry: &[&str]| run_text(THREE, entry).exits(0).stdout;
    assert_eq!(result(&[]), "i64 3\n");
    assert_eq!(result(&["--entry", "first"]), "i64 1\n");
    assert_eq!(result(&["--entry", "1"]), "i64 2\n");
    assert_eq!(result(&["--entry", "&0"]), "i64 1\n");
    assert_eq!(run_text(&THREE.replace("main", "third"), &[]).exits(0).stdout, "i64 1\n");
    for missing in ["third", "3", "&99999999999", ""] {
        let ran = run_text(THREE, &["--entry", missing]).exits(2);
        ran.complains("error[I0007]: ");
        ran.complains("first, second, main");
    }
    run_text("", &[]).exits(2).complains("error[I0007]: the program has no function");
}

#[test]
fn a_trap_report_names_everything() {
    let ran = opforge(&["run", "examples/trap.ofa", "--", "0"]).exits(1);
    assert_eq!(ran.stdout, "");
    assert_eq!(
        ran.stderr.lines().take(4).collect::<Vec<_>>(),
        [
            "trap[T006 DivByZero]: division by zero",
            "  at share, pc 0, span 31",
            "  called from serve, pc 0, span 20",
            "  called from main, pc 4, span 11",
        ]
    );
    ran.complains("     0 | i64.div r3, r1, r2\n       | ^^^^^^^^^^^^^^^^^^\n");
    ran.complains("  = fuel left: 999999996\n  = help: opforge explain T006\n");
}

#[test]
fn a_trap_for_machines() {
    let ran = opforge(&["run", "examples/trap.ofa", "--json", "--", "0"]).exits(1);
    assert_eq!(ran.stderr, "");
    assert_eq!(
        ran.json(),
        json!({
            "status": "trapped", "engine": "interp", "fuel_used": 4, "fuel_left": 999_999_996, "host_calls": 0,
            "trap": {
                "code": "T006", "name": "DivByZero", "message": "division by zero", "frames_omitted": 0,
                "frames": [
                    {"function": 2, "name": "share", "pc": 0, "span": 31},
                    {"function": 1, "name": "serve", "pc": 0, "span": 20},
                    {"function": 0, "name": "main", "pc": 4, "span": 11},
                ],
            },
        })
    );
}

#[test]
fn limits_hold() {
    let fib = |args: &[&str]| {
        let mut all = vec!["run", "examples/fib.ofa"];
        all.extend_from_slice(args);
        all.extend_from_slice(&["--", "20"]);
        opforge(&all)
    };
    fib(&["--fuel", "1000"]).exits(1).complains("trap[T001 FuelExceeded]");
    assert_eq!(fib(&["--fuel", "0", "--json"]).exits(1).json()["status"], "out_of_fuel");
    fib(&["--max-depth", "5"]).exits(1).complains("trap[T002 CallDepthExceeded]");
    opforge(&["run", "examples/host.ofa", "--grant", "log", "--max-host-calls", "2", "--", "3"])
        .exits(1)
        .complains("trap[T003 HostCallLimitExceeded]");
    opforge(&["run", "examples/text.ofa", "--max-memory", "8", "--", "Ada"])
        .exits(1)
        .complains("trap[T004 MemoryLimitExceeded]");
    let name = "x".repeat(1000);
    let fuel = |schedule: &str| {
        let ran = opforge(&["run", "examples/text.ofa", "--json", "--fuel-schedule", schedule, "--", &name]);
        ran.exits(0).json()["fuel_used"].as_u64().expect("a number")
    };
    assert_eq!(fuel("v1"), 6);
    assert!(fuel("by-size") > 30);
}

#[test]
fn host_functions_need_their_capability() {
    let ran = opforge(&["run", "examples/host.ofa", "--", "3"]).exits(2);
    ran.complains("error[H0003]: import `env.log` needs capability `log`");
    let ran = opforge(&["run", "examples/host.ofa", "--json", "--", "3"]).exits(2);
    assert_eq!(ran.json()["errors"][0]["code"], "H0003");
    let other =
        ".host f = \"env.log\" (i64) -> ()\n.host g = \"no.such\" () -> ()\n.func f() -> () {\n ret ()\n}";
    let ran = run_text(other, &["--grant", "log"]).exits(2);
    ran.complains("error[H0002]");
    ran.complains("error[H0001]");
}

const PRINT: &str = r#"
    .host ps = "env.print" (str) -> ()
    .host pi = "env.print" (i64) -> ()
    .host pu = "env.print" (u64) -> ()
    .host pf = "env.print" (f64) -> ()
    .host pb = "env.print" (bool) -> ()
    .func main() -> (i64) {
        const.pool r1, "a\n\u{1b}[2Jb"
        host_call ps r1 -> ()
        const.i64 r2, -1
        host_call pi r2 -> ()
        const.u64 r3, 1
        host_call pu r3 -> ()
        const.f64 r4, 0.5
        host_call pf r4 -> ()
        const.bool r5, true
        host_call pb r5 -> ()
        ret r2
    }"#;

#[test]
fn programs_print() {
    let ran = run_text(PRINT, &[]).exits(0);
    assert_eq!(ran.stdout, "a\n\\u{1b}[2Jb\n-1\n1\n0.5\ntrue\ni64 -1\n");
    let ran = run_text(PRINT, &["--json"]).exits(0);
    assert_eq!(ran.json()["host_calls"], 5);
    assert_eq!(ran.stderr, "a\n\\u{1b}[2Jb\n-1\n1\n0.5\ntrue\n");
}

#[test]
fn traces_are_escaped_and_cut() {
    let ran = opforge(&["run", "examples/fib.ofa", "--trace", "--", "1"]).exits(0);
    assert_eq!(
        ran.stderr,
        "trace: enter fib (func 0)\n\
         trace:      0  const.i64 r3, 2\n\
         trace:      3  i64.lt r4, r1, r3\n\
         trace:      7  br r4, @19, @23\n\
         trace:     19  ret (r1)\n\
         trace: leave\n"
    );
    assert_eq!(ran.stdout, "i64 1\n");
    let ran = opforge(&["run", "examples/fib.ofa", "--trace", "--trace-limit", "7", "--", "20"]).exits(0);
    assert_eq!(ran.stderr.lines().count(), 8);
    assert!(ran.stderr.ends_with("\ntrace: cut here, see --trace-limit\n"));
    assert_eq!(ran.stdout, "i64 6765\n");
    let ran = opforge(&["run", "examples/host.ofa", "--trace", "--grant", "log", "--", "1"]).exits(0);
    let call = ran.stderr.find("host call env.log").expect("the call");
    assert!(call < ran.stderr.find("log: tick").expect("the log"));
}

#[test]
fn a_trace_has_a_line_for_every_unit_of_fuel() {
    for (file, args) in
        [("gcd", &["1071", "462"][..]), ("collatz", &["10"]), ("points", &[]), ("fib", &["8"])]
    {
        let file = format!("examples/{file}.ofa");
        let mut line = vec!["run", &file, "--fuel-schedule", "v1", "--json", "--trace", "--"];
        line.extend_from_slice(args);
        let ran = opforge(&line).exits(0);
        let is_instruction = |line: &&str| {
            line.trim_start_matches("trace:").trim_start().starts_with(|c: char| c.is_ascii_digit())
        };
        let traced = ran.stderr.lines().filter(is_instruction).count();
        assert_eq!(ran.json()["fuel_used"], traced, "{file}");
    }
}

#[test]
fn containers_run_as_text_does() {
    let tape = opforge(&["asm", "examples/gcd.ofa", "-o", "-"]).exits(0).bytes;
    assert!(tape.starts_with(b"EXTAPE\0\0"));
    let ran = opforge_with(&["run", "-", "--", "1071", "462"], &tape).exits(0);
    assert_eq!(ran.stdout, "u64 21\n");
}
