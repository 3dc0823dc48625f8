//! Messages that carry endpoints, in speculations and in what is called there.

use crate::asm::assemble;
use crate::verify::{NotUndone, VerifyConfig, VerifyErrorKind, VerifyReport, verify};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// `Hand` hands an endpoint over, `Pick` does or does not, `Talk` never does. Of the endpoint nothing is left to be done,
/// so that whoever receives it may forget it.
const DECLARATIONS: &str = "
.local Give = mu x. !W{job. x}
.local Take = ?B{job. end}
.local Gone = end
.shape Job { B: Give, W: Take }
.shape Work = X -> Y{work(chan(Job, W)). end}
.shape Hand = mu x. X -> Y{hand(chan(Job, Gone)). x}
.shape Pick = mu x. X -> Y{hand(chan(Job, Gone)). x, skip. x, stop. end}
.shape Talk = mu x. X -> Y{say(u64). x}
";

fn report(functions: &str, config: &VerifyConfig) -> Option<VerifyReport> {
    let source = format!("{DECLARATIONS}{functions}");
    let program = assemble(&source).unwrap_or_else(|errors| panic!("{}", errors.render(&source, "test")));
    verify(program, config).err()
}

/// Each error as `function mnemonic reason`.
fn told(report: &VerifyReport) -> Vec<String> {
    let tell = |error: &crate::verify::VerifyError| {
        let name = error.func_name().unwrap_or("");
        let op = error.instr().and_then(|text| text.split(' ').next()).unwrap_or("");
        match error.kind() {
            VerifyErrorKind::RefusedInSpeculation { why } => format!("{name} {op} {why:?}"),
            other => format!("{name} {op} {}", other.code()),
        }
    };
    report.errors().iter().map(tell).collect()
}

#[track_caller]
fn refused(functions: &str, expected: &[&str]) -> VerifyReport {
    let Some(report) = report(functions, &VerifyConfig::new()) else { panic!("accepted:\n{functions}") };
    assert_eq!(told(&report), expected, "{functions}\n{report}");
    report
}

#[track_caller]
fn accepted(functions: &str) {
    if let Some(report) = report(functions, &VerifyConfig::new()) {
        panic!("{functions}\n{report}");
    }
}

/// A function that gives its endpoints back as it was given them: `y` is handed endpoints, `t` hears of numbers.
fn loops(name: &str, lines: &str) -> String {
    format!(
        ".func {name}(y: chan(Hand, Y), t: chan(Talk, Y), n: u64, b: bool) -> (y: chan(Hand, Y), t: chan(Talk, Y)) {{
{lines}\n}}\n"
    )
}

/// A call of such a function.
fn call(name: &str) -> String {
    format!("call &{name} (y, t, n, b) -> (y, t)")
}

const BACK: &str = "ret (y, t)";

#[test]
fn an_endpoint_is_neither_sent_nor_received_in_a_speculation() {
    let report = refused(
        ".func x(c: chan(Work, X)) {
open Job -> (r2, r3)\nconst.u64 r4, 1\nfork r4\nsend c, r3\njoin\nclose r2\nhalt\n}
.func y(c: chan(Work, Y)) {
const.u64 r2, 1\nfork r2\nreceive c -> r3\njoin\nreceive r3 -> r0\nhalt\n}",
        &["x send Delegation", "y receive Delegation"],
    );
    let text = report.to_string();
    assert!(text.contains("it sends or receives an endpoint in a message"), "{text}");
    assert!(text.contains("note: the speculation begins at pc"), "{text}");
    // It makes no difference how the speculation ends, or how many there are.
    for (before, after) in
        [("fork n", "abort"), ("fork n\nfork n", "join\nabort"), ("fork n\nfork n\njoin", "join")]
    {
        let lines = format!("{before}\nreceive y -> r5\n{after}\n{BACK}");
        refused(&loops("f", &lines), &["f receive Delegation"]);
    }
}

#[test]
fn offers_and_choices_count_label_by_label() {
    let giver = |line: &str| {
        format!(
            ".func f(c: chan(Pick, X), e: chan(Job, W, end), n: u64) {{
fork n\n{line}\njoin\noffer c, stop, -\nhalt\n}}"
        )
    };
    refused(&giver("offer c, hand, e"), &["f offer Delegation"]);
    accepted(&giver("offer c, skip, -"));
    // Which label comes is not known, so one that carries an endpoint is enough.
    let taker = |order: &str, dsts: &str, targets: &str, fork: &str, join: &str| {
        format!(
            ".func f(c: chan(Pick, Y), n: u64) {{\njmp @go\n@go:\n{fork}
choose c, [{order}], ({dsts}), ({targets})\n@hand:\n{join}\njmp @go\n@skip:\n{join}\njmp @go\n@stop:\n{join}\nhalt\n}}"
        )
    };
    for (order, dsts, targets) in [
        ("hand, skip, stop", "r5, r0, r0", "@hand, @skip, @stop"),
        ("skip, stop, hand", "r0, r0, r5", "@skip, @stop, @hand"),
    ] {
        refused(&taker(order, dsts, targets, "fork n", "join"), &["f choose Delegation"]);
        accepted(&taker(order, dsts, targets, "fork n\njoin", "nop"));
    }
    accepted(
        ".local A = ?B{x(u64). end, y. end}\n.local B = !A{x(u64). end, y. end}\n.shape AB { A: A, B: B }
.func f(c: chan(AB, A), n: u64) {\nfork n\nchoose c, [x, y], (r4, r0), (@a, @a)\n@a:\njoin\nhalt\n}",
    );
}

#[test]
fn endpoints_travel_before_and_after_and_plain_messages_in_between() {
    accepted(&loops(
        "f",
        &format!("receive y -> r5\nfork n\nreceive t -> r6\njoin\nreceive y -> r5\n{BACK}"),
    ));
    accepted(&loops("f", &format!("fork n\nreceive t -> r6\nabort\nreceive y -> r5\n{BACK}")));
    let plain = loops("g", &format!("receive t -> r6\n{BACK}"));
    let f = |lines: &str| format!("{plain}{}", loops("f", &format!("{lines}\n{BACK}")));
    accepted(&f(&format!("fork n\n{}\njoin\nreceive y -> r5", call("g"))));
    accepted(&f(&format!("receive y -> r5\nfork n\n{}\nabort\nreceive y -> r5", call("g"))));
    // What cannot be reached is not there.
    accepted(&loops("f", &format!("fork n\njoin\n{BACK}\n@dead:\nfork n\nreceive y -> r5\njoin\n{BACK}")));
    let dead = loops("g", &format!("{BACK}\n@dead:\nreceive y -> r5\n{BACK}"));
    accepted(&format!("{dead}{}", loops("f", &format!("fork n\n{}\njoin\n{BACK}", call("g")))));
}

#[test]
fn callees_count_and_theirs() {
    let hand = loops("hand", &format!("receive t -> r6\nreceive y -> r5\n{BACK}"));
    let via = loops("via", &format!("receive t -> r6\n{}\n{BACK}", call("hand")));
    let tail = loops("tail", "ret_call &via (y, t, n, b)");
    let f = |callee: &str| loops("f", &format!("fork n\n{}\njoin\n{BACK}", call(callee)));
    for callee in ["hand", "via", "tail"] {
        // Whether the callee stands before or behind its caller makes no difference.
        for source in [format!("{hand}{via}{tail}{}", f(callee)), format!("{}{tail}{via}{hand}", f(callee))] {
            let report = refused(&source, &["f call Delegation"]);
            let text = report.to_string();
            assert!(text.contains("the speculation begins at pc 0; the message is that of func"), "{text}");
            assert!(text.contains("`hand` at pc 3"), "{text}");
        }
    }
    // Outside of the speculation each of them may be called.
    let around = format!("{}\nfork n\nreceive t -> r6\njoin\n{}\n{BACK}", call("tail"), call("hand"));
    accepted(&format!("{hand}{via}{tail}{}", loops("f", &around)));
    // Errors come in the order of functions and of the code, one for each call.
    let twice = format!(
        "fork n\nbr b, @two, @one\n@two:\n{}\njmp @end\n@one:\n{}\n{}\njmp @end\n@end:\njoin\n{BACK}",
        call("hand"),
        call("via"),
        call("tail")
    );
    let source = format!("{}{hand}{via}{tail}{}", loops("f", &twice), loops("g", &twice));
    let report = refused(
        &source,
        &["f call Delegation"; 3].iter().chain(&["g call Delegation"; 3]).copied().collect::<Vec<_>>(),
    );
    let places: Vec<_> = report.errors().iter().map(|error| (error.func(), error.pc())).collect();
    assert!(places.is_sorted(), "{places:?}");
    let first = self::report(&source, &VerifyConfig::new().max_errors(1)).unwrap();
    assert_eq!((first.errors()[0].func(), first.errors()[0].pc()), places[0]);
}

#[test]
fn recursion_comes_back_to_its_own_speculation() {
    // Its own message stands behind the speculation, and in that of whoever called it from there.
    let own = |message: &str| format!("fork n\n{}\njoin\n{message}\n{BACK}", call("f"));
    refused(&loops("f", &own("receive y -> r5")), &["f call Delegation"]);
    accepted(&loops("f", &own("receive t -> r5")));
    // Two that call each other, of which the other one speculates.
    let one = loops("f", &format!("receive y -> r5\n{}\n{BACK}", call("g")));
    let two = |lines: &str| loops("g", &format!("{lines}\n{BACK}"));
    refused(&format!("{one}{}", two(&format!("fork n\n{}\njoin", call("f")))), &["g call Delegation"]);
    accepted(&format!("{one}{}", two(&format!("fork n\njoin\n{}", call("f")))));
}

/// What is refused for another reason is told for that one, once.
#[test]
fn other_reasons_come_first() {
    let hand = loops("hand", &format!("receive y -> r5\n{BACK}"));
    refused(&format!("{hand}{}", loops("f", "fork n\nret_call &hand (y, t, n, b)")), &["f ret_call End"]);
    let opens = loops("opens", &format!("open Job -> (r5, r6)\nclose r5\nreceive y -> r5\n{BACK}"));
    let f = |callee| loops("f", &format!("fork n\n{}\njoin\n{BACK}", call(callee)));
    refused(&format!("{opens}{}", f("opens")), &["f call Callee"]);
    // A call through a function that does both.
    let via = loops("via", &format!("{}\n{BACK}", call("opens")));
    refused(&format!("{opens}{via}{}", f("via")), &["f call Callee"]);
    // Errors of the callee hide nothing of what was seen of it.
    let wrong = loops("wrong", &format!("receive y -> r5\nsend t, n\n{BACK}"));
    let report = report(&format!("{wrong}{}", f("wrong")), &VerifyConfig::new()).unwrap();
    assert_eq!(told(&report).last().map(String::as_str), Some("f call Delegation"), "{report}");
}

/// A function that has no endpoint to begin with comes by one only by opening a session.
#[test]
fn an_endpoint_comes_from_somewhere() {
    let f = ".func f(n: u64) {\nfork n\ncall &g n -> ()\njoin\nhalt\n}";
    let makes = ".func makes(n: u64) -> (x: chan(Hand, X), y: chan(Hand, Y)) {\nopen Hand -> (r2, r3)\nret (r2, r3)\n}
.func g(n: u64) {\ncall &makes n -> (r2, r3)\nreceive r3 -> r4\nclose r2\nclose r3\nret ()\n}\n";
    refused(&format!("{makes}{f}"), &["f call Callee"]);
    // This one never comes back with it.
    let never = ".func never(n: u64) -> (y: chan(Work, Y)) {\nret_call &never n\n}
.func g(n: u64) {\ncall &never n -> r2\nreceive r2 -> r3\nreceive r3 -> r0\nret ()\n}\n";
    accepted(&format!("{never}{f}"));
}

#[test]
fn the_limit_of_errors_holds() {
    let hand = loops("hand", &format!("receive y -> r5\n{BACK}"));
    let calls = format!("{}\n", call("hand")).repeat(5);
    let f = |name| loops(name, &format!("fork n\n{calls}join\n{BACK}"));
    let source = format!("{}{hand}{}", f("f"), f("g"));
    for (max, found) in [(1, 1), (5, 5), (7, 7), (10, 10), (11, 10)] {
        let report = report(&source, &VerifyConfig::new().max_errors(max)).unwrap();
        assert_eq!((report.errors().len(), report.is_truncated()), (found, max <= 10), "{report}");
    }
    // Errors of functions come first.
    let source = format!("{source}{}", loops("h", "ret (t, y)"));
    let first = report(&source, &VerifyConfig::new().max_errors(2)).unwrap();
    assert_eq!(told(&first), ["h ret V1222", "h ret V1222"]);
}

#[test]
fn without_checks_of_sessions_the_machine_decides() {
    let hand = loops("hand", &format!("fork n\nreceive y -> r5\njoin\n{BACK}"));
    let f = loops("f", &format!("fork n\n{}\njoin\n{BACK}", call("hand")));
    let unchecked = VerifyConfig::new().unchecked_sessions(true);
    assert!(report(&format!("{hand}{f}"), &unchecked).is_none());
}

/// Long chains of calls are followed to their end, in work and memory by their length; what runs out says so.
#[test]
fn long_chains_are_followed_and_charged() {
    let count = 400;
    let mut source = loops("f", &format!("fork n\n{}\njoin\n{BACK}", call("g0")));
    for i in 0..count {
        let calls = format!("{}\n{}\n{BACK}", call(&format!("g{}", i + 1)), call("f"));
        source += &loops(&format!("g{i}"), &calls);
    }
    source += &loops(&format!("g{count}"), &format!("receive y -> r5\n{BACK}"));
    let is_told = |config: &VerifyConfig| match &*told(&report(&source, config).unwrap()) {
        [one] if one == "f call Delegation" => true,
        all => {
            assert!(all.last().is_some_and(|last| last.contains("V0901")), "{all:?}");
            false
        }
    };
    // The least that is enough, found by halving.
    let least = |limited: &dyn Fn(u64) -> VerifyConfig| {
        let (mut low, mut high) = (0, 1 << 24);
        while low + 1 < high {
            let middle = (low + high) / 2;
            *if is_told(&limited(middle)) { &mut high } else { &mut low } = middle;
        }
        high
    };
    let work = least(&|work| VerifyConfig::new().max_work(work));
    let memory = least(&|memory| VerifyConfig::new().max_memory(memory));
    assert!(work < 4000 * count && memory < 4000 * count, "{work} {memory}");
}

#[test]
fn the_sentence_says_what_it_is() {
    assert_eq!(NotUndone::Delegation.to_string(), "it sends or receives an endpoint in a message");
}
