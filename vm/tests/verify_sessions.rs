//! Static verification of sessions: right programs pass, and each way of being wrong is told where it is.

use opforge_vm::asm::assemble;
use opforge_vm::ids::{FuncId, InstrIx};
use opforge_vm::program::PayloadDef;
use opforge_vm::verify::{
    CoherenceLimits, VerifiedFunc, VerifiedProgram, VerifyConfig, VerifyReport, verify, verify_deep,
};
use opforge_vm::{Program, ValueType};

/// A shop: a client asks for values until it quits; a helper is handed endpoints over.
const DECLARATIONS: &str = "
.local Client = mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}
.local Server = mu x. ?Client{get(u64). !Client{val(str). x}, quit. end}
.local Once = !Pong{ping(i64). ?Pong{pong. end}}
.local Reply = ?Ping{ping(i64). !Ping{pong. end}}
.local Pair = !To{both(tuple(i64, str)). end}
.local Take = ?From{both(tuple(i64, str)). end}
.local Give = !Taker{hand(chan(Pings, Ping)). end}
.local Taker = ?Giver{hand(chan(Pings, Ping)). end}
.shape Shop { Client: Client, Server: Server }
.shape Pings { Ping: Once, Pong: Reply }
.shape Pairs { From: Pair, To: Take }
.shape Hands { Giver: Give, Taker: Taker }
.effect log(str) -> (u64)
.effect look(u64) -> (u64) speculative
.layer auth 1
.layer disk 2
";

fn program(functions: &str) -> Program {
    assemble(&format!("{DECLARATIONS}\n{functions}")).unwrap_or_else(|errors| panic!("{errors}"))
}

fn check(functions: &str) -> Result<VerifiedProgram, VerifyReport> {
    verify(program(functions), &VerifyConfig::new())
}

#[track_caller]
fn accepted(functions: &str) -> VerifiedProgram {
    check(functions).unwrap_or_else(|report| panic!("{report}"))
}

/// The errors, each as code and mnemonic.
#[track_caller]
fn refused(functions: &str, expected: &[(&str, &str)]) -> VerifyReport {
    let report = check(functions).expect_err("a program that is refused");
    let found: Vec<_> = report
        .errors()
        .iter()
        .map(|error| {
            (error.kind().code(), error.instr().and_then(|text| text.split(' ').next()).unwrap_or(""))
        })
        .collect();
    assert_eq!(found, expected, "{report}");
    report
}

#[track_caller]
fn noted(report: &VerifyReport, text: &str) {
    let notes: Vec<_> = report.errors().iter().filter_map(|error| error.note()).collect();
    assert!(notes.iter().any(|note| note.contains(text)), "{notes:#?}");
}

fn payloads(program: &VerifiedProgram, func: u32, ix: u32) -> Vec<Option<PayloadDef>> {
    let tables = program.program().sessions();
    let at = program.function(FuncId(func)).unwrap().messages_at(InstrIx(ix));
    at.iter()
        .map(|&payload| {
            (payload != VerifiedFunc::NO_PAYLOAD).then(|| tables.payload(payload).unwrap().clone())
        })
        .collect()
}

#[test]
fn a_conversation_that_follows_its_types_passes() {
    let program = accepted(
        ".func client(c: chan(Shop, Client), n: u64) {
    .reg one, zero, more, v
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    u64.gt more, n, zero
    br more, @ask, @stop
@ask:
    offer c, get, n
    receive c -> v
    u64.sub n, n, one
    jmp @loop
@stop:
    offer c, quit, -
    halt
}
.func server(c: chan(Shop, Server)) {
    .reg q, s
    const.pool s, \"value\"
    jmp @loop
@loop:
    choose c, [get, quit], (q, r0), (@get, @quit)
@get:
    send c, s
    jmp @loop
@quit:
    ret ()
}",
    );
    let value = |ty| Some(PayloadDef::Value(ty));
    assert_eq!(payloads(&program, 0, 5), [value(ValueType::U64)]);
    assert_eq!(payloads(&program, 0, 6), [value(ValueType::Str)]);
    assert_eq!(payloads(&program, 0, 9), [value(ValueType::Unit)]);
    assert_eq!(payloads(&program, 0, 10), []);
    assert_eq!(payloads(&program, 1, 2), [value(ValueType::U64), value(ValueType::Unit)]);
    assert!(program.function(FuncId(0)).unwrap().may_suspend());
}

/// The body of a function with an endpoint in `c`, of this type.
fn body(ty: &str, lines: &str) -> String {
    format!(".func f(c: {ty}, n: u64, i: i64) {{\n{lines}\n}}")
}

#[test]
fn messages_go_the_way_and_have_the_label_that_the_state_says() {
    let shop = |lines: &str| body("chan(Shop, Client)", lines);
    let report = refused(&shop("receive c -> r5\nhalt"), &[("V1204", "receive")]);
    noted(
        &report,
        "r1 is Client of Shop, of which is left: !Server{get(u64). ?Server{val(str). ...}, quit. end}",
    );
    refused(&shop("send c, n\nhalt"), &[("V1205", "send")]);
    refused(&shop("offer c, val, n\nhalt"), &[("V1206", "offer")]);
    refused(&shop("offer c, get, n\noffer c, get, n\nhalt"), &[("V1203", "offer")]);
    refused(&shop("offer c, quit, n\nhalt"), &[("V1209", "offer")]);
    let report = refused(&shop("offer c, get, -\nhalt"), &[("V1209", "offer"), ("V1213", "halt")]);
    noted(&report, "get carries u64");
    let report =
        refused(&shop("offer c, get, i\nreceive c -> r5\noffer c, quit, -\nhalt"), &[("V0812", "offer")]);
    noted(&report, "the message carries u64");
    refused(&shop("offer i, get, n\nhalt"), &[("V1201", "offer"), ("V1213", "halt")]);
    let server = |lines: &str| body("chan(Shop, Server)", lines);
    let report =
        refused(&server("choose c, [get], (r5), (@a)\n@a:\nhalt"), &[("V1207", "choose"), ("V1213", "halt")]);
    noted(&report, "the label is quit");
    refused(
        &server("choose c, [quit, get, quit], (r0, r5, r0), (@b, @a, @b)\n@a:\nclose c\nhalt\n@b:\nhalt"),
        &[("V1208", "choose")],
    );
    refused(
        &server("choose c, [get, val, quit], (r5, r5, r0), (@a, @a, @b)\n@a:\nclose c\nhalt\n@b:\nhalt"),
        &[("V1206", "choose")],
    );
    refused(
        &server("choose c, [get, quit], (r5), (@a, @b)\n@a:\nclose c\nhalt\n@b:\nhalt"),
        &[("V0714", "choose")],
    );
}

#[test]
fn payloads_are_of_the_type_that_the_label_carries() {
    let pair = |lines: &str| body("chan(Pairs, From)", lines);
    accepted(&pair("const.pool r5, \"x\"\ntuple.new r6, (i, r5)\nsend c, r6\nhalt"));
    let report = refused(&pair("tuple.new r6, (i, i)\nsend c, r6\nhalt"), &[("V0813", "send")]);
    noted(&report, "the message carries tuple(i64, str)");
    refused(&pair("send c, i\nhalt"), &[("V0812", "send")]);
    // What is received has its shape.
    let program = accepted(&body(
        "chan(Pairs, To)",
        "receive c -> r5\ntuple.get r6, r5, 0\ntuple.get r7, r5, 1\nstr.len r8, r7\nhalt",
    ));
    assert_eq!(payloads(&program, 0, 0).len(), 1);
    refused(
        &body("chan(Pairs, To)", "receive c -> r5\ntuple.get r6, r5, 2\nhalt"),
        &[("V0806", "tuple.get")],
    );
    // Two labels may write one register, which then has one type.
    accepted(
        ".local A = ?B{x(u64). end, y(u64). end}\n.local B = !A{x(u64). end, y(u64). end}\n.shape AB { A: A, B: B }
.func f(c: chan(AB, A)) -> (u64) {\nchoose c, [x, y], (r2, r2), (@a, @a)\n@a:\nret r2\n}",
    );
    refused(
        ".local A = ?B{x(u64). end, y(i64). end}\n.local B = !A{x(u64). end, y(i64). end}\n.shape AB { A: A, B: B }
.func f(c: chan(AB, A)) -> (u64) {\nchoose c, [x, y], (r2, r2), (@a, @a)\n@a:\nret r2\n}",
        &[("V0804", "choose")],
    );
}

#[test]
fn a_choice_writes_the_register_of_the_label_that_came() {
    refused(
        ".local A = ?B{x(u64). end, y(u64). end}\n.local B = !A{x(u64). end, y(u64). end}\n.shape AB { A: A, B: B }
.func f(c: chan(AB, A)) -> (u64) {\nchoose c, [x, y], (r2, r3), (@a, @b)\n@a:\nret r2\n@b:\nret r2\n}",
        &[("V0708", "ret")],
    );
    // Both ways lead to one block: neither register is written for sure there.
    refused(
        ".local A = ?B{x(u64). end, y(u64). end}\n.local B = !A{x(u64). end, y(u64). end}\n.shape AB { A: A, B: B }
.func f(c: chan(AB, A)) -> (u64) {\nchoose c, [x, y], (r2, r3), (@a, @a)\n@a:\nret r3\n}",
        &[("V0708", "ret")],
    );
}

#[test]
fn endpoints_are_moved_and_never_copied_or_lost() {
    let ping = |lines: &str| body("chan(Pings, Ping)", lines);
    accepted(&ping("mov r5, c\nsend r5, i\nreceive r5 -> r0\nhalt"));
    let report = refused(&ping("mov r5, c\nsend c, i\nclose r5\nhalt"), &[("V1202", "send")]);
    noted(&report, "r1 is moved or used up");
    refused(&ping("tuple.new r5, (c, i)\nclose c\nhalt"), &[("V1211", "tuple.new")]);
    refused(&ping("mov r5, c\ntuple.new r6, (c, i)\nclose r5\nhalt"), &[("V1202", "tuple.new")]);
    refused(
        &ping("select r5, r6, c, c\nclose c\nhalt").replace("r6", "r7"),
        &[("V0708", "select"), ("V1211", "select")],
    );
    let report = refused(&ping("send c, i\nhalt"), &[("V1213", "halt")]);
    noted(&report, "r1 is Ping of Pings, of which is left: ?Pong{pong. end}");
    refused(&ping("ret ()"), &[("V1213", "ret")]);
    refused(&ping("acquire auth -> r5\nclose c\nret ()"), &[("V1213", "ret")]);
    // One that has nothing left to do may be dropped, moved or overwritten.
    accepted(&ping("send c, i\nreceive c -> r0\nmov r5, c\nopen Pings -> (r5, c)\nclose c\nhalt"));
    let report = refused(&ping("open Pings -> (c, r5)\nclose c\nhalt"), &[("V1212", "open")]);
    noted(&report, "r1 is Ping of Pings, of which is left: !Pong{ping(i64). ?Pong{pong. end}}");
    refused(&ping("open Pings -> (r5, r5)\nclose c\nclose r5\nhalt"), &[("V1212", "open")]);
    refused(&ping("open Pings -> (r5)\nclose c\nclose r5\nhalt"), &[("V0715", "open")]);
}

#[test]
fn close_takes_all_endpoints_of_the_session_that_the_function_has() {
    accepted(".func f() {\nopen Pings -> (r1, r2)\nmov r3, r2\nclose r1\nhalt\n}");
    refused(".func f() {\nopen Pings -> (r1, r2)\nclose r1\nclose r2\nhalt\n}", &[("V1202", "close")]);
    // Another session stays.
    refused(
        ".func f() {\nopen Pings -> (r1, r2)\nopen Pings -> (r3, r4)\nclose r1\nhalt\n}",
        &[("V1213", "halt"), ("V1213", "halt")],
    );
    // Each round opens a session of its own.
    accepted(
        ".func f(n: u64) {\nconst.u64 r2, 0\njmp @loop\n@loop:\nopen Pings -> (r3, r4)\nclose r4
u64.gt r5, n, r2\nbr r5, @loop, @end\n@end:\nret ()\n}",
    );
    let parts = "(a: chan(Pings, Ping), b: chan(Pings, Pong))";
    refused(&format!(".func f{parts} {{\nclose a\nhalt\n}}"), &[("V1213", "halt")]);
}

#[test]
fn endpoints_travel_in_messages() {
    let give = |lines: &str| body("chan(Hands, Giver)", lines);
    accepted(
        &give("open Pings -> (r5, r6)\nspawn &g (r6) -> -\nsend c, r5\nhalt")
            .replace(".func f", ".func g(c: chan(Pings, Pong)) {\nclose c\nhalt\n}\n.func f"),
    );
    let report = refused(&give("open Pings -> (r5, r6)\nsend c, r6\nclose r5\nhalt"), &[("V1210", "send")]);
    noted(&report, "needed is Ping of Pings, of which is left: !Pong{ping(i64). ?Pong{pong. end}}");
    refused(&give("send c, i\nhalt"), &[("V1201", "send")]);
    refused(&give("open Pings -> (r5, r6)\nsend r5, r6\nclose c\nclose r5\nhalt"), &[("V1211", "send")]);
    refused(&give("send c, c\nhalt"), &[("V1210", "send")]);
    // What arrives has to be used.
    accepted(&body("chan(Hands, Taker)", "receive c -> r5\nsend r5, i\nreceive r5 -> r0\nhalt"));
    refused(&body("chan(Hands, Taker)", "receive c -> r5\nhalt"), &[("V1213", "halt")]);
    accepted(&body("chan(Hands, Taker)", "receive c -> c\nclose c\nhalt"));
}

#[test]
fn paths_that_meet_agree() {
    let fork = |a: &str, b: &str, then: &str| {
        body(
            "chan(Pings, Ping)",
            &format!("u64.gt r6, n, n\nbr r6, @a, @b\n@a:\n{a}\njmp @c\n@b:\n{b}\njmp @c\n@c:\n{then}"),
        )
    };
    accepted(&fork("send c, i", "send c, i", "receive c -> r0\nhalt"));
    let report = refused(&fork("send c, i", "nop", "close c\nhalt"), &[("V1218", "close")]);
    noted(
        &report,
        "from pc 26: Ping of Pings, of which is left: !Pong{ping(i64). ?Pong{pong. end}}; from pc 19",
    );
    // Where nothing is left to do on either path, nothing is lost; but there is no endpoint to use either.
    accepted(&fork("send c, i\nreceive c -> r0", "close c", "halt"));
    refused(&fork("send c, i\nreceive c -> r0", "close c", "close c\nhalt"), &[("V1202", "close")]);
    refused(
        &fork("acquire auth -> r7", "acquire disk -> r7", "close c\nrelease auth, r7\nhalt"),
        &[("V1218", "close")],
    );
    refused(&fork("fork n", "nop", "close c\nhalt"), &[("V1219", "close")]);
    refused(&fork("fork n\nsend c, i", "fork n", "abort\nclose c\nhalt"), &[("V1218", "abort")]);
    accepted(&fork("fork n", "fork n", "abort\nclose c\nhalt"));
}

#[test]
fn guards_are_released_with_the_evidence_of_their_layer() {
    accepted(
        ".func f() {\nacquire auth -> r1\nacquire disk -> r2\nrelease disk, r2\nrelease auth, r1\nhalt\n}",
    );
    let report =
        refused(".func f() {\nacquire auth -> r1\nrelease disk, r1\nhalt\n}", &[("V1214", "release")]);
    noted(&report, "r1 is evidence of auth");
    refused(
        ".func f() {\nacquire auth -> r1\nrelease auth, r1\nrelease auth, r1\nhalt\n}",
        &[("V1202", "release")],
    );
    refused(
        ".func f() {\nacquire auth -> r1\nacquire disk -> r1\nrelease disk, r1\nhalt\n}",
        &[("V1212", "acquire")],
    );
}

#[test]
fn calls_take_endpoints_and_give_them_back() {
    let callee = ".func ask(c: chan(Pings, Ping), i: i64) -> (d: chan(Pings, Ping, ?Pong{pong. end})) {
send c, i\nret c\n}\n";
    accepted(&format!(
        "{callee}.func f(c: chan(Pings, Ping), i: i64) {{
call &ask (c, i) -> r5\nreceive r5 -> r0\nhalt\n}}"
    ));
    let report = refused(
        &format!(
            "{callee}.func f(c: chan(Pings, Ping), i: i64) {{
send c, i\ncall &ask (c, i) -> r5\nreceive r5 -> r0\nhalt\n}}"
        ),
        &[("V1221", "call")],
    );
    noted(&report, "needed is Ping of Pings, of which is left: !Pong{ping(i64). ?Pong{pong. end}}");
    let caller = |lines: &str| format!("{callee}.func f(c: chan(Pings, Ping), i: i64) {{\n{lines}\n}}");
    // Passed twice, used after it was passed, lost when it comes back.
    refused(&caller("call &ask (c, i) -> r5\nsend c, i\nclose r5\nhalt"), &[("V1202", "send")]);
    refused(&caller("call &ask (c, i) -> r5\nhalt"), &[("V1213", "halt")]);
    refused(&caller("call &ask (i, i) -> r5\nclose c\nclose r5\nhalt"), &[("V1201", "call")]);
    // Results are in the state that is declared.
    refused(
        ".func f(c: chan(Pings, Ping), i: i64) -> (d: chan(Pings, Ping, ?Pong{pong. end})) {\nret c\n}",
        &[("V1222", "ret")],
    );
    refused(".func f() -> (e: evidence(auth)) {\nacquire disk -> r1\nret r1\n}", &[("V1222", "ret")]);
    accepted(
        ".func f() -> (e: evidence(auth)) {\nacquire auth -> r1\nret r1\n}
.func g(e: evidence(auth)) {\nrelease auth, e\nret ()\n}
.func h() {\ncall &f () -> r1\ncall &g r1 -> ()\nret ()\n}",
    );
}

#[test]
fn tail_calls_hand_everything_on() {
    let g = ".func g(c: chan(Pings, Ping)) {\nclose c\nret ()\n}\n";
    accepted(&format!("{g}.func f(c: chan(Pings, Ping)) {{\nret_call &g c\n}}"));
    refused(
        &format!("{g}.func f(c: chan(Pings, Ping), d: chan(Pings, Ping)) {{\nret_call &g c\n}}"),
        &[("V1213", "ret_call")],
    );
    refused(
        ".func g() -> (e: evidence(disk)) {\nacquire disk -> r1\nret r1\n}
.func f() -> (e: evidence(auth)) {\nret_call &g ()\n}",
        &[("V1223", "ret_call")],
    );
    // One through a signature ends the function as well.
    refused(
        ".sig s () -> ()\n.func f(c: chan(Pings, Ping), g: func) {\nret_call.indirect s g ()\n}",
        &[("V1213", "ret_call.indirect")],
    );
}

#[test]
fn whoever_calls_what_may_halt_holds_nothing() {
    let g = ".func g() {\nhalt\n}\n.func h() {\ncall &g () -> ()\nret ()\n}\n";
    accepted(&format!("{g}.func f(c: chan(Pings, Ping)) {{\nclose c\ncall &h () -> ()\nret ()\n}}"));
    refused(
        &format!("{g}.func f(c: chan(Pings, Ping)) {{\ncall &h () -> ()\nclose c\nret ()\n}}"),
        &[("V1213", "call")],
    );
}

#[test]
fn coroutines_take_what_they_are_given() {
    let g = ".func g(c: chan(Pings, Pong), n: u64) {\nclose c\nhalt\n}
.func h(c: handle(Pings, Pong)) {\nreceive c -> r2\nsend c, r0\nhalt\n}
.func r() -> (e: evidence(auth)) {\nacquire auth -> r1\nret r1\n}\n";
    let f = |lines: &str| format!("{g}.func f(n: u64) {{\nopen Pings -> (r5, r6)\n{lines}\n}}");
    accepted(&f("spawn &g (r6, n) -> -\nclose r5\nhalt"));
    refused(&f("spawn &g (r5, n) -> -\nclose r6\nhalt"), &[("V1221", "spawn")]);
    refused(&f("spawn &g (r6, n) -> -\nclose r5\nclose r6\nhalt"), &[("V1202", "close")]);
    refused(&f("spawn &g (r6, r5) -> -\nclose r5\nhalt"), &[("V1211", "spawn")]);
    refused(&f("spawn &r () -> -\nclose r5\nhalt"), &[("V1224", "spawn")]);
    // A handle gets the name; the endpoint comes by transfer, in whatever state it is then.
    accepted(&f("spawn &h r6 -> r7\ntransfer r6, r7, -\nclose r5\nhalt"));
    refused(&f("spawn &h r5 -> r7\nclose r6\nhalt"), &[("V1221", "spawn")]);
    refused(&f("spawn &h r6 -> r7\ntransfer r6, r7, -\nclose r5\nclose r6\nhalt"), &[("V1202", "close")]);
    refused(&f("spawn &h r6 -> r7\ntransfer r6, n, -\nclose r5\nhalt"), &[("V0802", "transfer")]);
    refused(&f("transfer n, n, -\nclose r5\nhalt"), &[("V1201", "transfer")]);
    // A function with a handle uses it like its own.
    refused(".func h(c: handle(Pings, Pong)) {\nhalt\n}", &[("V1213", "halt")]);
}

#[test]
fn speculations_nest_and_hold_nothing_that_stays() {
    let ping = |lines: &str| body("chan(Pings, Ping)", lines);
    accepted(&ping("fork n\nsend c, i\nreceive c -> r0\njoin\nhalt"));
    // After an abort endpoints are where they were.
    accepted(&ping("fork n\nsend c, i\nabort\nsend c, i\nreceive c -> r0\nhalt"));
    refused(&ping("fork n\nsend c, i\nabort\nreceive c -> r0\nhalt"), &[("V1204", "receive")]);
    accepted(&ping("fork n\nfork n\nsend c, i\nabort\nsend c, i\njoin\nreceive c -> r0\nhalt"));
    accepted(&ping("fork n\nmov r5, c\nabort\nsend c, i\nclose c\nhalt"));
    accepted(&ping("fork n\ninvoke look n -> r5\njoin\nclose c\nhalt"));
    refused(&ping("join\nclose c\nhalt"), &[("V1215", "join")]);
    refused(&ping("abort\nclose c\nhalt"), &[("V1215", "abort")]);
    let inside = |line: &str| {
        ping(&format!(
            "const.pool r5, \"x\"\nacquire auth -> r6\nfork n\n{line}\nabort\nrelease auth, r6\nclose c\nhalt"
        ))
    };
    for (line, op) in [
        ("open Pings -> (r7, r8)", "open"),
        ("close c", "close"),
        ("spawn &f (c, n, i) -> -", "spawn"),
        ("acquire disk -> r7", "acquire"),
        ("release auth, r6", "release"),
        ("invoke log r5 -> r7", "invoke"),
    ] {
        let report = refused(&inside(line), &[("V1216", op)]);
        noted(&report, "the speculation begins at pc");
    }
    refused(&ping("close c\nfork n\nhalt"), &[("V1216", "halt")]);
    refused(&ping("close c\nfork n\nret ()"), &[("V1216", "ret")]);
    let host = ".host log = \"env.log\" (u64) -> ()\n.memory heap 1 1\n.sig s () -> ()\n";
    refused(&format!("{host}{}", inside("host_call log n -> ()")), &[("V1216", "host_call")]);
    refused(
        &format!(
            "{host}{}",
            inside("mem.store64 heap, n, n, 0").replace("mem.store64 heap, n, n, 0", "mem.grow r9, heap, n")
        ),
        &[("V1216", "mem.grow")],
    );
    // Callees count, and theirs.
    let callees =
        ".func g() {\nyield\nret ()\n}\n.func h() {\nacquire auth -> r1\nrelease auth, r1\nret ()\n}
.func k() {\ncall &h () -> ()\nret ()\n}\n";
    accepted(&format!("{callees}{}", ping("fork n\ncall &g () -> ()\nabort\nclose c\nhalt")));
    refused(
        &format!("{callees}{}", ping("fork n\ncall &k () -> ()\nabort\nclose c\nhalt")),
        &[("V1216", "call")],
    );
    let deep = |depth: usize| {
        format!(".func f(n: u64) {{\n{}{}halt\n}}", "fork n\n".repeat(depth), "join\n".repeat(depth))
    };
    accepted(&deep(16));
    refused(&deep(17), &[("V1217", "fork")]);
    assert!(verify(program(&deep(17)), &VerifyConfig::new().max_speculation(17)).is_ok());
}

#[test]
fn abort_takes_back_first_writes() {
    let f = |lines: &str| format!(".func f(n: u64) -> (u64) {{\n{lines}\n}}");
    refused(&f("fork n\nconst.u64 r2, 1\nabort\nret r2"), &[("V1220", "ret")]);
    accepted(&f("const.u64 r2, 0\nfork n\nconst.u64 r2, 1\nabort\nret r2"));
    accepted(&f("fork n\nconst.u64 r2, 1\njoin\nret r2"));
    accepted(&f("fork n\nconst.u64 r2, 1\nabort\nconst.u64 r2, 2\nret r2"));
    // Each abort goes back to its own fork.
    accepted(&f("fork n\nconst.u64 r2, 1\nfork n\nconst.u64 r3, 1\nabort\nmov r4, r2\njoin\nret r4"));
    refused(
        &f("fork n\nconst.u64 r2, 1\nfork n\nconst.u64 r3, 1\nabort\nmov r4, r3\njoin\nret r4"),
        &[("V1220", "mov")],
    );
    accepted(&f("fork n\nconst.u64 r2, 1\njoin\nfork n\nconst.u64 r3, 1\nabort\nret r2"));
    // A loop comes back to the fork with what it wrote, but not at first.
    refused(
        &f("const.u64 r3, 0\njmp @loop\n@loop:\nfork n\nconst.u64 r2, 1\nabort\nu64.gt r4, n, r3\nbr r4, @loop, @end
@end:\nret r2"),
        &[("V1220", "ret")],
    );
    // Without checks of sessions this is checked all the same.
    let unchecked = VerifyConfig::new().unchecked_sessions(true);
    let found = verify(program(&f("fork n\nconst.u64 r2, 1\nabort\nret r2")), &unchecked).unwrap_err();
    assert_eq!(found.errors()[0].kind().code(), "V1220");
    let two = f("const.u64 r4, 0\nu64.gt r3, n, r4\nbr r3, @a, @b\n@a:\nfork n\njmp @c\n@b:\nconst.u64 r2, 5
fork n\nfork n\njmp @c\n@c:\nconst.u64 r2, 1\nabort\nret r2");
    let found = verify(program(&two), &unchecked).unwrap_err();
    assert_eq!(found.errors()[0].kind().code(), "V1220");
}

/// An abort brings back the shape that an aggregate had at the fork, whatever stands right before it.
#[test]
fn abort_brings_back_shapes() {
    let f = |lines: &str| format!(".func f(n: u64, s: str) {{\n{lines}\n}}");
    let report = refused(
        &f("tuple.new r3, (n, n)\nfork n\ntuple.new r3, (s)\nabort\ntuple.get r4, r3, 0\nhalt"),
        &[("V0803", "tuple.get")],
    );
    assert!(report.to_string().contains("shape"));
    accepted(&f("tuple.new r3, (n, n)\nfork n\ntuple.new r4, (s)\nabort\ntuple.get r5, r3, 0\nhalt"));
}

#[test]
fn facts_are_names_of_endpoints_with_texts() {
    accepted(".func f(e: epid, s: str) {\ntuple.new r3, (e, s)\ntag r3 -> r4\ncheck r3, s -> r5\nhalt\n}");
    refused(".func f(e: epid, s: str) {\ntuple.new r3, (s, e)\ntag r3 -> r4\nhalt\n}", &[("V0814", "tag")]);
    refused(".func f(e: agg, s: str) {\ntag e -> r4\nhalt\n}", &[("V0814", "tag")]);
    refused(".func f(e: agg, s: str) {\ntag s -> r4\nhalt\n}", &[("V0802", "tag")]);
}

#[test]
fn effects_have_their_types() {
    accepted(".func f(s: str) -> (u64) {\ninvoke log s -> r2\nret r2\n}");
    refused(".func f(s: str) -> (u64) {\ninvoke log (s, s) -> r2\nret r2\n}", &[("V0716", "invoke")]);
    refused(".func f(s: str) {\ninvoke log s -> -\nret ()\n}", &[("V0716", "invoke")]);
    refused(".func f(s: u64) {\ninvoke log s -> r2\nret ()\n}", &[("V0802", "invoke")]);
}

/// What cannot be reached is not followed: messages there carry nothing and write nothing.
#[test]
fn unreachable_code_passes() {
    let program = accepted(
        ".func f(c: chan(Pings, Ping), n: u64) -> (u64) {\nclose c\nret n\n@dead:\nreceive c -> n\nsend c, n
choose c, [ping], n, (@dead)\n}",
    );
    assert_eq!(payloads(&program, 0, 2), []);
    assert_eq!(payloads(&program, 0, 4), []);
}

#[test]
fn without_checks_of_sessions_the_machine_decides() {
    let unchecked = VerifyConfig::new().unchecked_sessions(true);
    let verified =
        |functions: &str| verify(program(functions), &unchecked).unwrap_or_else(|report| panic!("{report}"));
    let ping = |lines: &str| body("chan(Pings, Ping)", lines);
    // In the wrong direction, of the wrong type, of no state at all.
    let program = verified(&ping("receive c -> r5\nsend c, n\nhalt"));
    assert_eq!(payloads(&program, 0, 0), [None]);
    let program = verified(&ping("send c, n\nhalt"));
    assert_eq!(payloads(&program, 0, 0), [None]);
    let program = verified(&ping("send c, i\nsend c, i\nhalt"));
    assert_eq!(payloads(&program, 0, 0), [Some(PayloadDef::Value(ValueType::I64))]);
    assert_eq!(payloads(&program, 0, 1), [None]);
    verified(&ping("mov r5, c\nmov r6, c\njoin\nhalt"));
    // Other checks stay.
    assert!(verify(super_typed(), &unchecked).is_err());
}

fn super_typed() -> Program {
    program(&body("chan(Pings, Ping)", "i64.add r5, c, i\nclose c\nhalt"))
}

/// Shapes are compared only when that is asked for.
#[test]
fn deep_verification_compares_the_roles_of_shapes() {
    let source = ".local A = !B{x. end}\n.local B = ?A{y. end}\n.shape S { A: A, B: B }\n";
    let bad = assemble(source).unwrap();
    assert!(verify(bad.clone(), &VerifyConfig::new()).is_ok());
    let report = verify_deep(bad.clone(), &VerifyConfig::new()).unwrap_err();
    assert_eq!(report.errors()[0].kind().code(), "V1301");
    noted(&report, "S: B cannot take x from A: of it is left ?A{y. end}; after: A sends x to B");
    let few = VerifyConfig::new().coherence(CoherenceLimits::new().work(1));
    assert_eq!(verify(bad, &few).unwrap_err().errors()[0].kind().code(), "V1302");
    assert!(verify_deep(program(""), &VerifyConfig::new()).is_ok());
}

#[test]
fn who_may_suspend_is_known() {
    let program = accepted(
        ".sig s () -> ()
.func a() {\nyield\nret ()\n}
.func b() {\ncall &a () -> ()\nret ()\n}
.func c() {\nspawn &a () -> -\nret ()\n}
.func d(f: func) {\ncall.indirect s f () -> ()\nret ()\n}
.func e() {\nret_call &b ()\n}",
    );
    let may: Vec<bool> = program.functions().iter().map(VerifiedFunc::may_suspend).collect();
    assert_eq!(may, [true, true, false, true, true]);
    let program = accepted(".sig s () -> ()\n.func d(f: func) {\ncall.indirect s f () -> ()\nret ()\n}");
    assert!(!program.functions()[0].may_suspend());
}
