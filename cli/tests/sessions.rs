//! `opforge session run`, and the examples in `examples/sessions/`.

mod common;

use common::{Ran, command, folder, opforge, opforge_with, root};
use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

const PING_PONG: &str = "examples/sessions/ping_pong.ofa";
const GUARDED: &str = "examples/sessions/guarded.ofa";

/// The examples, by name.
fn examples() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("examples/sessions")).expect("examples");
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "ofa"));
    paths.sort();
    paths
}

fn session_run(program: &str, args: &[&str]) -> Ran {
    let mut all = vec!["session", "run", "-"];
    all.extend_from_slice(args);
    opforge_with(&all, program.as_bytes())
}

/// Lines of standard output as JSON.
fn json_lines(ran: &Ran) -> Vec<Json> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ran.stdout.lines().map(parse).collect()
}

/// What the commands in a program's head print.
fn outputs(source: &str) -> String {
    let mut shown = String::new();
    for command in source.lines().filter_map(|line| line.strip_prefix(";   opforge ")) {
        let ran = opforge(&command.split_whitespace().collect::<Vec<_>>()).exits(0);
        assert_eq!(ran.stderr, "", "{command}");
        shown += &format!("$ opforge {command}\n{}", ran.stdout);
    }
    shown
}

#[test]
fn examples_print_what_they_say() {
    for path in examples() {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        let source = fs::read_to_string(&path).expect("an example");
        assert!(source.starts_with("; "), "{name} begins with what it is");
        let shown = outputs(&source);
        assert!(shown.contains("all done: "), "{name} is run");
        // What the head says stands there, in this order.
        let mut rest = shown.as_str();
        for line in source.lines().filter_map(|line| line.strip_prefix(";   > ")) {
            let wanted = format!("\n{line}\n");
            let at = rest.find(&wanted).unwrap_or_else(|| panic!("{name} does not print: {line}\n{shown}"));
            rest = &rest[at + wanted.len() - 1..];
        }
        assert!(rest.len() < shown.len(), "{name} says what it prints");

        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/sessions/{name}.txt"));
        if std::env::var_os("OPFORGE_BLESS").is_some() {
            fs::write(&golden, &shown).expect("a file");
        }
        let expected = fs::read_to_string(&golden).expect("a golden file");
        assert_eq!(shown, expected, "{name}: OPFORGE_BLESS=1 writes {}", golden.display());
    }
}

#[test]
fn the_examples_are_there_and_coherent() {
    let names: Vec<String> = examples()
        .iter()
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let expected =
        ["calculator", "delegation", "guarded", "ping_pong", "ring", "speculation", "stream", "two_buyer"];
    assert_eq!(names, expected);
    for path in examples() {
        let path = path.to_str().expect("UTF-8");
        opforge(&["verify", "--deep", path]).exits(0);
        let ran = opforge(&["session", "check", path]).exits(0);
        assert!(ran.stdout.lines().all(|line| line.contains(": coherent, ")), "{}", ran.stdout);
        // Their text is the disassembler's, too.
        let tape = opforge(&["asm", path, "-o", "-"]).exits(0).bytes;
        let text = opforge_with(&["disasm", "--exact", "-"], &tape).exits(0).bytes;
        assert_eq!(opforge_with(&["asm", "-", "-o", "-"], &text).exits(0).bytes, tape, "{path}");
    }
}

/// The same events for each party under every policy: what stands in a line behind its tick, by who acted.
#[test]
fn every_policy_comes_to_the_same() {
    let by_party = |policy: &[&str]| {
        let mut args = vec!["session", "run", "examples/sessions/two_buyer.ofa"];
        args.extend_from_slice(policy);
        args.extend(["--", "Buyer1.title=Emma", "Seller.price=24", "Buyer2.budget=15"]);
        let ran = opforge(&args).exits(0);
        let mut lines: Vec<(String, String)> = ran
            .stdout
            .lines()
            .filter_map(|line| line.split_once(": #0 "))
            .map(|(_, event)| (event.split(' ').next().unwrap_or("").to_owned(), event.to_owned()))
            .collect();
        lines.sort_by(|a, b| a.0.cmp(&b.0));
        assert!(lines.len() > 10, "{}", ran.stdout);
        lines
    };
    let expected = by_party(&[]);
    for policy in [
        &["--policy", "cooperative"][..],
        &["--policy", "reference"],
        &["--policy", "progress", "--quantum", "3"],
        &["--policy", "priority", "--priority", "Seller=5", "--priority", "Buyer1=-1"],
        &["--policy", "random", "--seed", "7", "--quantum", "2"],
        &["--policy", "round-robin", "--quantum", "1"],
    ] {
        assert_eq!(by_party(policy), expected, "{policy:?}");
    }
}

#[test]
fn json_lines_tell_all_events_and_the_end() {
    let ran = opforge(&["session", "run", PING_PONG, "--json", "--", "Pinger.rounds=1"]).exits(0);
    let lines = json_lines(&ran);
    assert_eq!(lines[0]["event"], "opened");
    assert_eq!(lines[0]["roles"], serde_json::json!(["Pinger", "Ponger"]));
    let (end, events) = lines.split_last().expect("lines");
    assert!(events.iter().all(|line| line["tick"].is_u64() && line["event"].is_string()));
    assert!(events.iter().all(|line| line["event"] != "spawned" && line["event"] != "woken"));
    assert_eq!(end["status"], "all_done");
    assert_eq!(end["events"], events.len());
    assert_eq!(end["stuck"], Json::Null);
    let used = end["fuel_used"].as_u64().expect("a number");
    assert_eq!(used + end["fuel_left"].as_u64().expect("a number"), 1_000_000_000);

    let traced =
        opforge(&["session", "run", PING_PONG, "--json", "--trace", "--", "Pinger.rounds=1"]).exits(0);
    let spawned = json_lines(&traced).into_iter().filter(|line| line["event"] == "spawned").count();
    assert_eq!(spawned, 2);
}

/// Both wait for the other; a third function could play a role, too.
const DEADLOCK: &str = r#"
.shape Deadlock { A: ?B{x. !B{y. end}}, B: ?A{y. !A{x. end}} }
.func a(c: chan(Deadlock, A)) -> () {
    receive c -> r2
    send c, r2
    halt
}
.func b(c: chan(Deadlock, B)) -> () {
    receive c -> r2
    send c, r2
    halt
}
"#;

#[test]
fn a_stuck_run_says_who_waits_for_whom() {
    let ran = session_run(DEADLOCK, &[]).exits(1);
    assert!(ran.stdout.contains("\nstuck: ticks "), "{}", ran.stdout);
    ran.complains("stuck: 2 coroutines wait");
    ran.complains(
        "coroutine 0 (a, pc 0) waits as A for a message of B in session 0; B is coroutine 1 (b), which waits",
    );
    ran.complains("deadlock: coroutine 0 (a) waits for coroutine 1 (b) waits for coroutine 0 (a)");

    let ran = session_run(DEADLOCK, &["--json"]).exits(1);
    let end = json_lines(&ran).pop().expect("a line");
    assert_eq!(end["status"], "stuck");
    assert_eq!(end["stuck"]["cycles"], serde_json::json!([[0, 1]]));
    assert_eq!(end["stuck"]["blocked"][0]["waits"], "receive");
    assert_eq!(end["stuck"]["blocked"][1]["func"], "b");
    assert_eq!(ran.stderr, "");
}

/// One divides by zero; the other waits for what it never says.
const TRAP: &str = r#"
.shape Pair { A: !B{x(u64). end}, B: ?A{x(u64). end} }
.func a(c: chan(Pair, A), n: u64) -> () {
    .reg zero
    const.u64 zero, 0
    u64.div n, n, zero
    send c, n
    halt
}
.func b(c: chan(Pair, B)) -> () {
    receive c -> r2
    halt
}
"#;

#[test]
fn traps_are_reported_and_take_partners_along() {
    let ran = session_run(TRAP, &["--", "A.n=1"]).exits(1);
    ran.complains("coroutine 0 (a) trapped:\ntrap[T006 DivByZero]: ");
    ran.complains("u64.div");
    ran.complains("coroutine 1 (b) trapped:\ntrap[T024 ChannelClosed]: ");
    assert!(ran.stdout.contains(": coroutine 0 (a) failed: T006 DivByZero\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("trapped: ticks "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with(", coroutines trapped 2\n"), "{}", ran.stdout);

    let ran = session_run(TRAP, &["--json", "--", "A.n=1"]).exits(1);
    let end = json_lines(&ran).pop().expect("a line");
    assert_eq!((&end["status"], &end["trapped"]), (&"trapped".into(), &2.into()));
    assert_eq!((&end["traps"][0]["code"], &end["traps"][0]["coro"]), (&"T006".into(), &0.into()));
    assert_eq!((&end["traps"][1]["name"], &end["traps"][1]["func"]), (&"ChannelClosed".into(), &"b".into()));
}

#[test]
fn runs_end_with_fuel_ticks_and_memory() {
    let ran = opforge(&["session", "run", PING_PONG, "--fuel", "20", "--", "Pinger.rounds=10"]).exits(1);
    ran.complains("out of fuel: --fuel 20 is used up");
    assert!(ran.stdout.ends_with("out of fuel: ticks 4, events 12, fuel 20\n"), "{}", ran.stdout);
    let args = ["--ticks", "3", "--policy", "reference", "--", "Pinger.rounds=10"];
    let ran = opforge(&[&["session", "run", PING_PONG][..], &args].concat()).exits(1);
    ran.complains("out of ticks: --ticks 3 are over");
    let ran = opforge(&["session", "run", PING_PONG, "--memory", "64", "--", "Pinger.rounds=1"]).exits(2);
    ran.complains("error[N0006]: ");
    // A loop that never waits ends with the fuel, under a policy that does not interrupt it, too.
    let endless = ".shape S { A: !B{x. end}, B: ?A{x. end} }\n\
        .func a(c: chan(S, A)) -> () {\n@l:\n jmp @l\n}\n.func b(c: chan(S, B)) -> () {\n receive c -> r2\n halt\n}\n";
    session_run(endless, &["--policy", "cooperative", "--fuel", "100000"]).exits(1).complains("out of fuel");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let args = ["session", "run", PING_PONG, "--", "Pinger.rounds=100000000"];
    let mut child =
        command().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "0: #0 opened Game (Pinger, Ponger)\n");
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!(stderr, "");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

const EFFECTS: &str = r#"
.shape Pair { A: !B{x. end}, B: ?A{x. end} }
.effect ask(str, i64, bytes) -> (u64)
.effect log(str) -> () capability "io"
.effect print(str, f64, bool) -> ()
.func a(c: chan(Pair, A)) -> () {
    .reg s, i, b, n, f, t, u
    const.pool s, "a\u{1b}b"
    const.i64 i, -5
    const.pool b, hex"00ff"
    invoke ask (s, i, b) -> n
    invoke log s -> -
    const.f64 f, 1.5
    const.bool t, true
    invoke print (s, f, t) -> -
    const.unit u
    send c, u
    halt
}
.func b(c: chan(Pair, B)) -> () {
    receive c -> r2
    halt
}
"#;

#[test]
fn effects_are_printed_and_need_what_they_say() {
    let ran = session_run(EFFECTS, &[]).exits(2);
    ran.complains("error[H0008]: effect `log` needs capability `io`, which was not granted");
    let ran = session_run(EFFECTS, &["--grant", "io"]).exits(0);
    assert!(ran.stdout.contains("\neffect ask(\"a\\u{1b}b\", -5, 0x00ff) = 0\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\na\\u{1b}b 1.5 true\n"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "log: a\\u{1b}b\n");
    // Standard output is JSON then.
    let ran = session_run(EFFECTS, &["--grant", "io", "--json"]).exits(0);
    assert_eq!(json_lines(&ran).last().expect("a line")["status"], "all_done");
    ran.complains("effect ask(");

    let ran = session_run(EFFECTS, &["--grant", "io", "--effects", "deny"]).exits(1);
    ran.complains("trap[T028 EffectFailed]: ");
    ran.complains("--effects deny");
    let aggregate = EFFECTS.replace("(str, i64, bytes) -> (u64)", "(str, i64, bytes) -> (agg)");
    session_run(&aggregate, &["--grant", "io"]).exits(1).complains("no value of type agg to give");
}

#[test]
fn a_recorded_run_is_done_again() {
    let dir = folder();
    let tape = dir.path().join("run.tape");
    let tape = tape.to_str().expect("UTF-8");
    let policy = ["--policy", "random", "--seed", "3", "--quantum", "2"];
    let first =
        opforge(&[&["session", "run", GUARDED, "--json", "--record", tape][..], &policy].concat()).exits(0);
    assert!(first.stderr.contains("left, first line"), "{}", first.stderr);
    let second =
        opforge(&[&["session", "run", GUARDED, "--json", "--replay", tape][..], &policy].concat()).exits(0);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(second.stderr, "", "effects are not done again");

    // Arguments come from the record.
    let args = ["session", "run", PING_PONG, "--record", tape, "--", "Pinger.rounds=2"];
    let first = opforge(&args).exits(0);
    let second = opforge(&["session", "run", PING_PONG, "--replay", tape]).exits(0);
    assert_eq!(first.stdout, second.stdout);

    // Another program, other options.
    for other in [&[GUARDED][..], &[PING_PONG, "--policy", "reference"], &[PING_PONG, "--fuel", "1000"]] {
        let ran = opforge(&[&["session", "run"][..], other, &["--replay", tape]].concat()).exits(2);
        ran.complains("error[N0015]: ");
    }
    let bytes = fs::read(tape).expect("a tape");
    fs::write(tape, &bytes[..bytes.len() - 1]).expect("a file");
    opforge(&["session", "run", PING_PONG, "--replay", tape]).exits(2).complains("error[R0");
    fs::write(tape, b"x").expect("a file");
    let ran = opforge(&["session", "run", PING_PONG, "--replay", tape]).exits(2);
    ran.complains("error[R0001]: this is no tape");
    opforge(&["session", "run", PING_PONG, "--replay", "/nowhere"]).exits(2).complains("error[I0001]");
    opforge(&["session", "run", PING_PONG, "--record", "/nowhere/t", "--", "Pinger.rounds=1"])
        .exits(2)
        .complains("error[I0005]");
}

#[test]
fn committed_diagrams_are_those_of_the_example() {
    let dir = folder();
    for name in ["two_buyer.svg", "two_buyer.mmd"] {
        let drawn = dir.path().join(name);
        let args = ["session", "run", "examples/sessions/two_buyer.ofa", "--diagram"];
        let rest = ["--", "Buyer1.title=Emma", "Seller.price=24", "Buyer2.budget=15"];
        opforge(&[&args[..], &[drawn.to_str().expect("UTF-8")], &rest].concat()).exits(0);
        let drawn = fs::read_to_string(drawn).expect("a diagram");
        let committed = root().join("docs").join(name);
        if std::env::var_os("OPFORGE_BLESS").is_some() {
            fs::write(&committed, &drawn).expect("a file");
        }
        assert_eq!(drawn, fs::read_to_string(committed).expect("a committed diagram"), "{name}");
    }
    // A diagram never replaces its program.
    let copy = dir.path().join("p.svg");
    fs::copy(root().join(PING_PONG), &copy).expect("a copy");
    let copy = copy.to_str().expect("UTF-8");
    opforge(&["session", "run", copy, "--diagram", copy, "--", "Pinger.rounds=1"])
        .exits(2)
        .complains("I0006");
}

#[test]
fn wrong_options_are_usage_errors() {
    for args in [
        &["session"][..],
        &["session", "run"],
        &["session", "run", PING_PONG, "--quantum", "5", "--policy", "reference"],
        &["session", "run", PING_PONG, "--quantum", "5", "--policy", "cooperative"],
        &["session", "run", PING_PONG, "--seed", "5"],
        &["session", "run", PING_PONG, "--priority", "Pinger=1"],
        &["session", "run", PING_PONG, "--policy", "best"],
        &["session", "run", PING_PONG, "--diagram", "x.png"],
        &["session", "run", PING_PONG, "--record", "a", "--replay", "b"],
        &["session", "run", PING_PONG, "--replay", "b", "--", "Pinger.rounds=1"],
        &["session", "graph", PING_PONG, "--dot", "--mermaid"],
        &["session", "check", PING_PONG, "--queue", "0"],
        &["session", "project"],
        &["session", "compile"],
    ] {
        let ran = opforge(args).exits(3);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
    // Usage is that of the command.
    let ran = opforge(&["session", "run", PING_PONG, "--seed", "5"]).exits(3);
    ran.complains("--seed is for --policy random");
}

#[test]
fn wrong_roles_and_arguments_say_what_there_is() {
    let run = |args: &[&str]| opforge(&[&["session", "run", PING_PONG][..], args].concat()).exits(2);
    for (args, code, text) in [
        (&[][..], "I0008", "needs arguments behind `--`: Pinger.rounds=u64"),
        (&["--", "Pinger.rounds=x"], "I0009", "\"x\" is no u64"),
        (&["--", "Pinger.x=1"], "I0009", "pinger(c: chan, rounds: u64) has no parameter x"),
        (&["--", "Pinger.3=1"], "I0009", "has no parameter 3"),
        (&["--", "Pinger.c=1"], "I0009", "the first parameter is the endpoint"),
        (&["--", "Pinger.rounds"], "I0009", "write ROLE.PARAM=VALUE"),
        (&["--", "Pinger.rounds=1", "Pinger.2=1"], "I0009", "has a value already"),
        (&["--", "Other.rounds=1"], "I0015", "there are: Pinger, Ponger"),
        (&["--entry", "Other=pinger"], "I0015", "there are: Pinger, Ponger"),
        (&["--entry", "Pinger=nobody"], "I0007", "there is no function nobody"),
        (&["--entry", "Pinger=ponger"], "I0007", "does not take chan(Game, Pinger) as its first parameter"),
        (&["--entry", "Pinger=pinger", "--entry", "Pinger=pinger"], "I0007", "has two functions"),
        (&["--shape", "Other"], "I0014", "there is no shape Other; there are: Game"),
        (&["--shape", "#1"], "I0014", "there is no shape #1"),
        (&["--policy", "priority", "--priority", "Pinger=x"], "I0009", "\"x\" is no i32"),
    ] {
        let ran = run(args);
        ran.complains(&format!("error[{code}]: "));
        ran.complains(text);
    }
    run(&["--shape", "#0", "--json"]).json();
    let by_place = opforge(&["session", "run", PING_PONG, "--shape", "#0", "--", "Pinger.2=1"]);
    by_place.exits(0);

    let several = format!("{TRAP}.func other(c: chan(Pair, B)) -> () {{\n receive c -> r2\n halt\n}}\n");
    let ran = session_run(&several, &["--", "A.n=1"]).exits(2);
    ran.complains(
        "error[I0007]: several functions could play B: b(c: chan), other(c: chan); name one with --entry B=",
    );
    session_run(&several, &["--entry", "B=other", "--", "A.n=1"]).exits(1).complains("(other) trapped");
    let none = TRAP
        .replace(".func b(c: chan(Pair, B))", ".func b(c: chan(Pair, B, end))")
        .replace("receive c -> r2", "");
    session_run(&none, &["--", "A.n=1"]).exits(2).complains("no function plays B: none takes chan(Pair, B)");
    let two = format!("{TRAP}.shape Other {{ A: !B{{x. end}}, B: ?A{{x. end}} }}\n");
    session_run(&two, &[]).exits(2).complains("error[I0014]: there are several shapes: Pair, Other");
    session_run(".func f() -> () {\n ret ()\n}\n", &[]).exits(2).complains("the program declares no shape");
    let proof = TRAP
        .replace("n: u64", "n: evidence(l)")
        .replace("u64.div n, n, zero\n", "")
        .replace("send c, n", "close c");
    let proof = format!(".layer l 1\n{proof}").replace("close c", "release l, n\n close c");
    session_run(&proof, &["--", "A.n=1"]).exits(2).complains("\"1\" cannot be given");
}

#[test]
fn names_that_people_do_not_use_are_escaped() {
    let program = ".shape \"S\\u{1b}\" { \"a.b\": !\"a\"{\"\\u{202e}\". end}, \"a\": ?\"a.b\"{\"\\u{202e}\". end} }\n\
        .func f(c: chan(\"S\\u{1b}\", \"a.b\"), \"n\": u64) -> () {\n const.unit r3\n send c, r3\n halt\n}\n\
        .func g(c: chan(\"S\\u{1b}\", \"a\")) -> () {\n receive c -> r2\n halt\n}\n";
    // The longest role that fits is meant.
    let ran = session_run(program, &["--", "a.b.n=1"]).exits(0);
    assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.stdout);
    for args in
        [&["session", "graph", "-"][..], &["session", "graph", "-", "--mermaid"], &["session", "check", "-"]]
    {
        let ran = opforge_with(args, program.as_bytes()).exits(0);
        assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.stdout);
    }
}
