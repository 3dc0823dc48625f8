use super::*;
use crate::args::{Cli, Command, RunArgs};
use crate::output::Out;
use crate::run::entry;
use crate::run::hosts::{Console, Target};
use clap::Parser;
use opforge::Instance;

fn job_args(options: &[&str]) -> RunArgs {
    let line = ["opforge", "run", "-"].iter().chain(options);
    match Cli::try_parse_from(line).expect("a command line").command {
        Command::Run(args) => args,
        other => panic!("{other:?}"),
    }
}

fn verified(source: &str) -> VerifiedProgram {
    let program = opforge::asm::assemble(source).expect("a program");
    crate::input::verify(program, "test").expect("a program that verifies")
}

/// A run in the interpreter with these options, noted but without effect.
fn run(verified: &VerifiedProgram, options: &[&str]) -> (Instance<Console>, Seen) {
    let args = job_args(options);
    let func = entry::choose(verified.program(), args.entry.as_deref()).expect("a function");
    let values = entry::arguments(verified.program(), func, &args.args).expect("arguments");
    let job = Job { args: &args, verified, func, values };
    let module = job.interp().expect("a module");
    let console = Console::replay(&Log::default(), Target::Stdout);
    let mut instance = job.link(&module, console).expect("an instance");
    let seen = job.drive(&mut instance).expect("a run");
    (instance, seen)
}

/// What differs between runs with these options, by name.
fn differences(source: &str, interp: &[&str], jit: &[&str]) -> Vec<String> {
    let verified = verified(source);
    let ((a, a_seen), (b, b_seen)) = (run(&verified, interp), run(&verified, jit));
    let a = Side { seen: &a_seen, heap: a.heap(), log: a.data().log() };
    let b = Side { seen: &b_seen, heap: b.heap(), log: b.data().log() };
    compare(&verified, &a, &b).into_iter().map(|difference| difference.what).collect()
}

const MAIN: &str = r#"
.host print = "env.print" (str) -> ()
.host print_f = "env.print" (f64) -> ()
.func main(n: i64, s: str, f: f64) -> (agg, f64) {
    .reg pair, nested
    host_call print (s) -> ()
    host_call print_f (f) -> ()
    tuple.new pair, (n, s)
    tuple.new nested, (pair, f, pair)
    i64.div n, n, n
    ret (nested, f)
}
"#;

#[test]
fn equal_runs_agree() {
    for args in [["--", "1", "x", "nan"], ["--", "0", "x", "-0.0"]] {
        assert_eq!(differences(MAIN, &args, &args), [""; 0]);
    }
    let short = ["--fuel", "3", "--", "1", "x", "2"];
    assert_eq!(differences(MAIN, &short, &short), [""; 0]);
}

#[test]
fn every_kind_of_difference_is_found() {
    let base = ["--", "1", "x", "0.0"];
    let check = |other: &[&str], expected: &[&str]| {
        assert_eq!(differences(MAIN, &base, other), expected, "{other:?}");
        assert_eq!(differences(MAIN, other, &base), expected, "{other:?}");
    };
    check(&["--", "2", "x", "0.0"], &["result 1"]);
    check(&["--", "1", "y", "0.0"], &["result 1", "host call 1", "output of host functions"]);
    check(&["--", "1", "x", "-0.0"], &["result 1", "result 2", "host call 2", "output of host functions"]);
    check(&["--fuel", "900", "--", "1", "x", "0.0"], &["fuel left", "host call 1"]);
    check(&["--", "0", "x", "0.0"], &["end of the run", "fuel left"]);
    let few = ["--max-host-calls", "1", "--", "1", "x", "0.0"];
    let found = differences(MAIN, &base, &few);
    for what in [
        "end of the run",
        "number of host calls",
        "memory charged",
        "host call 2",
        "output of host functions",
    ] {
        assert!(found.iter().any(|f| f == what), "{what}: {found:?}");
    }
}

#[test]
fn traps_are_compared_in_every_part() {
    let source = "
.func main(n: i64, d: i64) -> (i64) {
    .reg one, zero, more
    const.i64 one, 1
    const.i64 zero, 0
    i64.eq more, n, zero
    br more, @end, @call
@call:
    i64.sub n, n, one
    call &main (n, d) -> n
    ret n
@end:
    i64.div n, n, d
    trap 7
}
";
    let base = ["--", "1", "0"];
    let of = |other: &[&str]| differences(source, &base, other);
    assert_eq!(of(&base), [""; 0]);
    let deeper = of(&["--", "2", "0"]);
    assert_eq!(deeper, ["call stack", "fuel in the trap", "report of the trap", "fuel left"]);
    let other = of(&["--", "1", "1"]);
    assert_eq!(
        other,
        [
            "trap",
            "detail of the trap",
            "place of the trap",
            "call stack",
            "fuel in the trap",
            "report of the trap",
            "fuel left"
        ]
    );
}

#[test]
fn a_difference_is_told_as_a_defect() {
    let verified = verified(MAIN);
    let differences = [Difference { what: "fuel left".into(), interp: "1\u{1b}".into(), jit: "2".into() }];
    for (json, text) in
        [(false, "fuel left differs\n  interp: 1\\u{1b}\n  jit:    2\n"), (true, "\"engines_differ\"")]
    {
        let args = job_args(if json { &["--engine", "both", "--json"] } else { &["--engine", "both"] });
        let job = Job { args: &args, verified: &verified, func: opforge::FuncId(0), values: Vec::new() };
        let ended = defect(&job, &differences);
        assert_eq!(ended.exit.code(), 4);
        let told = if json { &ended.stdout } else { &ended.stderr };
        assert!(told.contains(text) && told.contains("I0013"), "{told}");
        if json {
            let object: Json = serde_json::from_str(told).expect("JSON");
            assert_eq!(
                object["differences"][0],
                json!({"what": "fuel left", "interp": "1\u{1b}", "jit": "2"})
            );
            assert_eq!(object["exit_code"], 4);
        }
    }
}

#[test]
fn calls_beyond_those_that_are_kept_are_compared_too() {
    let source = "
.host print = \"env.print\" (u64) -> ()
.func main(n: u64, last: u64) -> () {
    .reg i, one, more
    const.u64 i, 0
    const.u64 one, 1
    jmp @loop
@loop:
    host_call print (i) -> ()
    u64.add i, i, one
    u64.lt more, i, n
    br more, @loop, @end
@end:
    host_call print (last) -> ()
    ret ()
}
";
    let found = differences(source, &["--", "100001", "1"], &["--", "100001", "2"]);
    assert_eq!(found, ["host calls after the first 100000", "output of host functions"]);
}

/// A replayed console writes nothing and finds standard output closed where the recorded one did.
#[test]
fn answers_are_those_of_the_first_run() {
    let source = "
.host print = \"env.print\" (str) -> ()
.func main(s: str) -> () {
    host_call print (s) -> ()
    host_call print (s) -> ()
    ret ()
}
";
    let verified = verified(source);
    let mut recorded = Log::default();
    let args = job_args(&["--", "x"]);
    let values = vec![Value::Str("x".to_owned())];
    let job = Job { args: &args, verified: &verified, func: opforge::FuncId(0), values };
    for (closed_at, host_calls) in [(Some(1), 1), (Some(2), 2), (Some(3), 2), (None, 2)] {
        recorded.closed_at = closed_at;
        let console = Console::replay(&recorded, Target::Stdout);
        let mut instance = job.link(&job.interp().expect("a module"), console).expect("an instance");
        let seen = job.drive(&mut instance).expect("a run");
        assert_eq!(seen.host_calls, host_calls);
        assert_eq!(matches!(seen.outcome, Outcome::Trapped(_)), closed_at.is_some_and(|at| at < 3));
        let mut out = Out::stdout();
        instance.into_data().give_back(&mut out);
        out.finish().expect("nothing was written");
    }
}
