//! `fork`, `join`, `abort`.

use super::session_support::{Drive, assert_trap, chan, refused, setup};
use opforge_vm::ids::Reg;
use opforge_vm::program::EdgePolicy;
use opforge_vm::session::{BlockReason, EdgeOverride, OnTrap, RunStatus, SessionStatus};
use opforge_vm::{SessionFault, TrapCode, Value};

/// Two messages there and one back, inside of speculations that come true or not.
const TALK: &str = "
.local Asker = !Teller{ask(u64). !Teller{more(u64). ?Teller{told(u64). end}}}
.local Teller = ?Asker{ask(u64). ?Asker{more(u64). !Asker{told(u64). end}}}
.shape Talk { Asker: Asker, Teller: Teller }
.effect peek() -> (u64) speculative
.effect poke()
.func teller(c: chan(Talk, Teller)) {
    .reg a, b
    receive c -> a
    receive c -> b
    u64.add a, a, b
    send c, a
    halt
}
";

fn talk(asker: &str) -> String {
    format!("{TALK}\n.func asker(c: chan(Talk, Asker), n: u64) {{\n.reg m, r\nconst.u64 m, 10\n{asker}\n}}")
}

/// Inside of it nobody sees anything; joined, all of it happened at once.
#[test]
pub(crate) fn join_lets_it_all_happen_at_one_tick() {
    let source = talk("fork n\nsend c, n\nsend c, m\nyield\njoin\nreceive c -> r\nhalt");
    let mut machine = setup(&source).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("Talk");
    let asker = machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
    machine.start("teller", &[chan(ends[1])]);
    while machine.at(asker) != ("asker".into(), 5) {
        assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    }
    assert_eq!(machine.told()[1..], ["coroutine 0 (asker) forked, ghost 5"]);
    assert_eq!((machine.queue(ends[0], 0, 1), machine.fuel()), (0, (1 << 40) - 5));
    assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    assert_eq!(
        machine.lines()[2..],
        ["7: #0 Asker -> Teller ask", "7: #0 Asker -> Teller more", "7: coroutine 0 (asker) joined",]
    );
    assert_eq!(machine.queue(ends[0], 0, 1), 2);
    machine.finish();
    assert_eq!(machine.register(asker, Reg(4)), Some(Value::U64(15)));
}

/// Nothing of it happened: registers, states and messages are as they were, and the others never know.
#[test]
pub(crate) fn abort_puts_everything_back() {
    let source = talk(
        "fork n\nsend c, n\nsend c, m\nconst.u64 m, 77\nconst.u64 n, 78\nconst.u64 r, 79\nabort
send c, n\nsend c, m\nreceive c -> r\nhalt",
    );
    let mut machine = setup(&source).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("Talk");
    let asker = machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
    let entry = machine.left(ends[0]);
    let charged = machine.charged();
    for _ in 0..4 {
        assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    }
    assert_ne!(machine.left(ends[0]), entry);
    assert!(machine.charged() > charged);
    for _ in 0..4 {
        assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    }
    assert_eq!((machine.left(ends[0]), machine.charged()), (entry, charged));
    assert_eq!(machine.register(asker, Reg(2)), Some(Value::U64(5)));
    assert_eq!(machine.register(asker, Reg(3)), Some(Value::U64(10)));
    assert_eq!(
        machine.register(asker, Reg(4)),
        Some(Value::U64(0)),
        "it was written in the speculation only"
    );
    assert_eq!(machine.told()[1..], ["coroutine 0 (asker) forked, ghost 5", "coroutine 0 (asker) aborted"]);
    assert_eq!(machine.fuel(), (1 << 40) - 8, "fuel is not given back");
    machine.start("teller", &[chan(ends[1])]);
    machine.finish();
    assert_eq!(machine.register(asker, Reg(4)), Some(Value::U64(15)));
}

/// Messages that were received are where they were, in their order, and the sender's room is gone again.
#[test]
pub(crate) fn abort_gives_messages_back() {
    let source = format!(
        "{TALK}
.func asker(c: chan(Talk, Asker), n: u64) {{\n.reg m, r\nconst.u64 m, 10\nsend c, n\nsend c, m\nreceive c -> r\nhalt\n}}
.func doubter(c: chan(Talk, Teller), ghost: u64) {{
    .reg a, b
    fork ghost
    receive c -> a
    yield
    yield
    receive c -> b
    abort
    receive c -> a
    receive c -> b
    send c, b
    halt
}}"
    );
    for capacity in [1, 2, 64] {
        let over = EdgeOverride { policy: EdgePolicy::Block, capacity, max: capacity };
        let mut machine =
            setup(&source).config(|config| config.keep_registers(true).edges(Some(over))).machine();
        let ends = machine.begin("Talk");
        let asker = machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
        let doubter = machine.start("doubter", &[chan(ends[1]), Value::U64(1)]);
        while !machine.told().iter().any(|line| line.ends_with("aborted")) {
            assert!(matches!(machine.run(1), RunStatus::MaxTicks));
        }
        assert_eq!(machine.queue(ends[0], 0, 1), 2, "capacity {capacity}");
        assert!(!machine.told().iter().any(|line| line.contains("<-")));
        machine.finish();
        assert_eq!(machine.register(doubter, Reg(3)), Some(Value::U64(5)), "capacity {capacity}");
        assert_eq!(machine.register(doubter, Reg(4)), Some(Value::U64(10)));
        assert_eq!(machine.register(asker, Reg(4)), Some(Value::U64(10)));
    }
}

/// A speculation in a speculation is the outer one's, when it is joined.
#[test]
pub(crate) fn fork_goes_into_itself() {
    // Joined inside, aborted outside: nothing. Aborted inside, joined outside: the outer part.
    let nothing = talk("fork n\nsend c, n\nfork m\nsend c, m\njoin\nabort\nclose c\nhalt");
    let part = talk("fork n\nsend c, n\nfork m\nsend c, m\nabort\njoin\nsend c, n\nreceive c -> r\nhalt");
    let all = talk("fork n\nsend c, n\nfork m\nsend c, m\njoin\njoin\nreceive c -> r\nhalt");
    let run = |source: &str| {
        let mut machine = setup(source).config(|config| config.keep_registers(true)).machine();
        let ends = machine.begin("Talk");
        let asker = machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
        machine.start("teller", &[chan(ends[1])]);
        let status = machine.run(1000);
        (machine.told(), machine.register(asker, Reg(4)), status)
    };
    let (told, _, status) = run(&nothing);
    assert!(matches!(status, RunStatus::Trapped(_)), "the teller waits on a closed session");
    assert!(!told.iter().any(|line| line.contains("->")), "{told:#?}");
    assert_eq!(told[1..3], ["coroutine 0 (asker) forked, ghost 5", "coroutine 0 (asker) aborted"]);
    let (told, sum, _) = run(&part);
    assert_eq!(sum, Some(Value::U64(10)));
    assert_eq!(
        told[1..5],
        [
            "coroutine 0 (asker) forked, ghost 5",
            "#0 Asker -> Teller ask",
            "coroutine 0 (asker) forked, ghost 10",
            "coroutine 0 (asker) aborted",
        ]
    );
    let (told, sum, _) = run(&all);
    assert_eq!(sum, Some(Value::U64(15)));
    assert_eq!(
        told[1..7],
        [
            "coroutine 0 (asker) forked, ghost 5",
            "#0 Asker -> Teller ask",
            "coroutine 0 (asker) forked, ghost 10",
            "#0 Asker -> Teller more",
            "coroutine 0 (asker) joined",
            "coroutine 0 (asker) joined",
        ]
    );
}

/// Speculation can be off, and it cannot go deeper than the limit.
#[test]
pub(crate) fn fork_stops_at_the_limit() {
    let source = talk("fork n\nfork n\nfork n\nabort\nabort\nabort\nclose c\nhalt");
    for (limit, fault) in [(0, SessionFault::SpeculationOff), (2, SessionFault::SpeculationDepth)] {
        let mut machine =
            setup(&source).config(|config| config.speculation(limit).on_trap(OnTrap::Isolate)).machine();
        let ends = machine.begin("Talk");
        machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
        let found = machine.trap();
        assert_trap(&machine, &found, (TrapCode::SpeculationFault, Some(fault)), ("asker", 1 + limit));
        // Only the first is told: the others were inside of it, and it never came true.
        let told = machine.told();
        assert_eq!(told.len() as u32, 2 + limit.min(1), "{told:#?}");
    }
    let mut machine = setup(&source).config(|config| config.speculation(3)).machine();
    let ends = machine.begin("Talk");
    machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
    machine.finish();
}

#[test]
pub(crate) fn fork_stays_within_the_memory_limit() {
    let source = talk("fork n\nabort\nclose c\nhalt");
    let mut traps = 0;
    for extra in 0..100 {
        let mut base = 0;
        for memory in [1 << 20, 0] {
            let memory = if memory == 0 { base + extra * 4 } else { memory };
            let mut machine = setup(&source)
                .limits(|limits| limits.memory(memory))
                .config(|config| config.on_trap(OnTrap::Isolate))
                .machine();
            let ends = machine.begin("Talk");
            machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
            if base == 0 {
                base = machine.charged();
                continue;
            }
            match machine.run(100) {
                RunStatus::Trapped(found) => {
                    assert_trap(&machine, &found, (TrapCode::MemoryLimitExceeded, None), ("asker", 1));
                    assert_eq!(machine.told().len(), 2);
                    traps += 1;
                }
                RunStatus::AllDone => {}
                status => panic!("{status:?}"),
            }
        }
    }
    assert!(traps > 5 && traps < 100, "{traps}");
}

#[test]
pub(crate) fn join_and_abort_need_a_speculation() {
    for (lines, instr) in [
        ("join\nclose c\nhalt", 1),
        ("abort\nclose c\nhalt", 1),
        ("fork n\njoin\njoin\nclose c\nhalt", 3),
        ("fork n\nabort\nabort\nclose c\nhalt", 3),
        // In another frame than that which began it.
        ("fork n\ncall &end () -> ()\nclose c\nhalt", 0),
    ] {
        let source = format!("{}\n.func end() {{\njoin\nret ()\n}}", talk(lines));
        assert!(!refused(&source).is_empty());
        let mut machine = setup(&source).unchecked().machine();
        let ends = machine.begin("Talk");
        machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
        let found = machine.trap();
        let at = if lines.contains("call") { "end" } else { "asker" };
        let fault = (TrapCode::SpeculationFault, Some(SessionFault::NoSpeculation));
        assert_trap(&machine, &found, fault, (at, instr));
        assert_eq!(machine.session(ends[0].session_id()), Some((SessionStatus::Faulted, 1)));
        machine.drop_endpoint(ends[1]).unwrap();
        assert_eq!(machine.charged(), 0);
    }
}

/// Joining waits until all of it has room. What never has room traps.
#[test]
pub(crate) fn join_waits_for_room() {
    let source = "
.local A = mu x. !B{item(u64). x, stop. end}
.local B = mu x. ?A{item(u64). x, stop. end}
.shape AB { A: A, B: B }
.func a(c: chan(AB, A), n: u64) {
    offer c, item, n
    fork n
    offer c, item, n
    offer c, item, n
    join
    offer c, stop, -
    halt
}
.func b(c: chan(AB, B)) {
    .reg v
    jmp @loop
@loop:
    choose c, [item, stop], (v, r0), (@loop, @stop)
@stop:
    halt
}";
    let with = |policy, capacity, max| {
        let over = EdgeOverride { policy, capacity, max };
        let mut machine =
            setup(source).config(|config| config.edges(Some(over)).on_trap(OnTrap::Isolate)).machine();
        let ends = machine.begin("AB");
        machine.start("a", &[chan(ends[0]), Value::U64(5)]);
        (machine, ends)
    };
    let (mut machine, ends) = with(EdgePolicy::Block, 2, 2);
    let fuel = machine.fuel();
    let report = machine.stuck();
    assert_eq!(report.blocked[0].why, BlockReason::Join { session: ends[0].session_id() });
    assert_eq!((fuel - machine.fuel(), machine.queue(ends[0], 0, 1)), (4, 1));
    machine.start("b", &[chan(ends[1])]);
    machine.finish();
    let told = machine.told();
    assert_eq!(told.iter().filter(|line| line.ends_with("<- A item")).count(), 3);

    // Two at once never fit; nor do they with the other policies that keep messages.
    let cases = [
        (EdgePolicy::Block, 1, 1, 1),
        (EdgePolicy::Error, 2, 2, 2),
        (EdgePolicy::Error, 1, 1, 1),
        (EdgePolicy::Resize, 1, 2, 2),
    ];
    for (policy, capacity, max, full) in cases {
        let (mut machine, ends) = with(policy, capacity, max);
        let found = machine.trap();
        let fault = (TrapCode::BufferFull, Some(SessionFault::Full { capacity: full }));
        assert_trap(&machine, &found, fault, ("a", 4));
        assert_eq!(machine.queue(ends[0], 0, 1), 1, "{policy:?}: nothing of it was sent");
        assert!(!machine.told().iter().any(|line| line.ends_with("joined")));
    }
    // Lossy edges and those with enough room take it all.
    for (policy, capacity, max, queued) in [
        (EdgePolicy::Resize, 1, 3, 3),
        (EdgePolicy::Error, 3, 3, 3),
        (EdgePolicy::Drop, 2, 2, 2),
        (EdgePolicy::Latest, 1, 1, 1),
    ] {
        let (mut machine, ends) = with(policy, capacity, max);
        while !machine.told().iter().any(|line| line.ends_with("joined")) {
            assert!(matches!(machine.run(1), RunStatus::MaxTicks), "{policy:?}");
        }
        assert_eq!(machine.queue(ends[0], 0, 1), queued, "{policy:?}");
    }
}

/// A session that ends meanwhile makes the speculation impossible; one that had ended before does not.
#[test]
pub(crate) fn join_needs_the_sessions_to_go_on() {
    let source = talk("fork n\nsend c, n\nyield\nyield\njoin\nclose c\nhalt");
    let mut machine = setup(&source).machine();
    let ends = machine.begin("Talk");
    machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
    let _ = machine.run(4);
    machine.cancel(ends[0].session_id()).unwrap();
    let found = machine.trap();
    let fault = (TrapCode::SpeculationFault, Some(SessionFault::SessionEnded));
    assert_trap(&machine, &found, fault, ("asker", 5));
    assert!(!machine.told().iter().any(|line| line.contains("->")));
    machine.drop_endpoint(ends[1]).unwrap();
    assert_eq!(machine.charged(), 0);

    let source = format!(
        "{TALK}
.func both(c: chan(Talk, Asker), d: chan(Talk, Asker), n: u64) {{
    yield
    fork n
    send d, n
    join
    close d
    close c
    halt
}}"
    );
    let mut machine = setup(&source).machine();
    let (ended, goes_on) = (machine.begin("Talk"), machine.begin("Talk"));
    machine.start("both", &[chan(ended[0]), chan(goes_on[0]), Value::U64(1)]);
    let _ = machine.run(1);
    machine.cancel(ended[0].session_id()).unwrap();
    let found = machine.trap();
    let closed = (TrapCode::ChannelClosed, Some(SessionFault::Closed(ended[0])));
    assert_trap(&machine, &found, closed, ("both", 5));
    assert!(machine.told().iter().any(|line| line.ends_with("joined")));
}

/// What cannot be undone is refused by the verifier, and by the machine.
#[test]
pub(crate) fn fork_keeps_out_what_cannot_be_undone() {
    let extra = "
.layer auth 1
.local Give = !Take{hand(chan(Talk, Teller)). end}
.local Take = ?Give{hand(chan(Talk, Teller)). end}
.shape Hands { Give: Give, Take: Take }
.func child(c: chan(Talk, Asker)) {\nclose c\nhalt\n}
.func idle() {\nhalt\n}";
    let cases = [
        "open Talk -> (r8, r9)",
        "close c",
        "invoke poke () -> -",
        "acquire auth -> r7",
        "release auth, e",
        "transfer c, k, -",
        "spawn &idle () -> -",
        "halt",
        "send g, t",
    ];
    for line in cases {
        let source = format!(
            "{TALK}{extra}
.func wrong(c: chan(Talk, Asker), k: coro, g: chan(Hands, Give), t: chan(Talk, Teller)) {{
    .reg n, e
    const.u64 n, 1
    acquire auth -> e
    fork n
    {line}
    abort
    halt
}}"
        );
        assert!(refused(&source).contains(&"V1216"), "{line}");
        let mut machine =
            setup(&source).unchecked().config(|config| config.on_trap(OnTrap::Isolate)).machine();
        let (talk, hands) = (machine.begin("Talk"), machine.begin("Hands"));
        let k = machine.start("idle", &[]);
        let args = [chan(talk[0]), Value::Coro(k), chan(hands[0]), chan(talk[1])];
        machine.start("wrong", &args);
        let before = machine.told().len();
        let found = machine.trap();
        let fault = (TrapCode::SpeculationFault, Some(SessionFault::InSpeculation));
        assert_trap(&machine, &found, fault, ("wrong", 3));
        assert_eq!(machine.session(talk[0].session_id()), Some((SessionStatus::Active, 0)), "{line}");
        let told = machine.told();
        let last: Vec<_> = told[before..].iter().map(|line| line.split(' ').nth(3).unwrap_or("")).collect();
        assert!(last.ends_with(&["forked,", "failed:"]), "{line}: {told:#?}");
    }
}

/// An endpoint in a message is not received, and the message stays where it is.
#[test]
pub(crate) fn fork_keeps_out_endpoints_in_messages() {
    let hands = "
.local Give = !Take{hand(chan(Talk, Teller)). end}
.local Take = ?Give{hand(chan(Talk, Teller)). end}
.shape Hands { Give: Give, Take: Take }
.func giver(g: chan(Hands, Give), t: chan(Talk, Teller)) {\nsend g, t\nhalt\n}";
    let taker = |receive: &str| {
        format!(
            "{TALK}{hands}
.func taker(c: chan(Hands, Take), n: u64) {{\nyield\nfork n\n{receive}\njoin\nclose r3\nhalt\n}}"
        )
    };
    for receive in ["receive c -> r3", "choose c, [hand], (r3), (@hand)\n@hand:"] {
        let source = taker(receive);
        assert_eq!(refused(&source), ["V1216"]);
        let mut machine =
            setup(&source).unchecked().config(|config| config.on_trap(OnTrap::Isolate)).machine();
        let (talk, hands) = (machine.begin("Talk"), machine.begin("Hands"));
        machine.start("giver", &[chan(hands[0]), chan(talk[1])]);
        machine.start("taker", &[chan(hands[1]), Value::U64(1)]);
        let found = machine.trap();
        let fault = (TrapCode::SpeculationFault, Some(SessionFault::InSpeculation));
        assert_trap(&machine, &found, fault, ("taker", 2));
        assert_eq!(machine.queue(hands[0], 0, 1), 1);
    }
}

/// What comes in while a coroutine speculates, and has ended before, does not keep it from joining.
#[test]
pub(crate) fn join_does_without_what_was_over_when_it_came_in() {
    let source = format!(
        "{TALK}
.func taker(h: handle(Talk, Asker), n: u64) {{
    fork n\nyield\nyield\nyield\njoin\nclose h\nhalt\n}}
.func giver(c: chan(Talk, Asker), n: u64) {{
    .reg k\nspawn &taker (c, n) -> k\nyield\nyield\ntransfer c, k, -\nhalt\n}}"
    );
    let mut machine = setup(&source).machine();
    let ends = machine.begin("Talk");
    machine.start("giver", &[chan(ends[0]), Value::U64(1)]);
    let _ = machine.run(3);
    machine.cancel(ends[0].session_id()).unwrap();
    let found = machine.trap();
    let closed = (TrapCode::ChannelClosed, Some(SessionFault::Closed(ends[0])));
    assert_trap(&machine, &found, closed, ("taker", 5));
    assert!(machine.told().iter().any(|line| line.ends_with("joined")));
    // One that ends while it has it does.
    let mut machine = setup(&source).machine();
    let ends = machine.begin("Talk");
    machine.start("giver", &[chan(ends[0]), Value::U64(1)]);
    while !machine.told().iter().any(|line| line.contains(" gave ")) {
        assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    }
    machine.cancel(ends[0].session_id()).unwrap();
    let found = machine.trap();
    let fault = (TrapCode::SpeculationFault, Some(SessionFault::SessionEnded));
    assert_trap(&machine, &found, fault, ("taker", 4));
}

/// Effects that are harmless may be done; they are told when the speculation comes true.
#[test]
pub(crate) fn fork_lets_harmless_effects_in() {
    use super::session_support::script::Script;
    use opforge_vm::session::Outcome;
    let source = talk("fork n\ninvoke peek () -> m\njoin\nclose c\nhalt");
    let script = Script { invoke: [Outcome::Done(Value::U64(3))].into(), ..Script::default() };
    let mut machine = setup(&source).handler(script).machine();
    let ends = machine.begin("Talk");
    machine.start("asker", &[chan(ends[0]), Value::U64(5)]);
    for _ in 0..3 {
        assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    }
    assert_eq!((machine.handler().asked.len(), machine.told().len()), (1, 2));
    assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    assert_eq!(machine.told()[2..], ["coroutine 0 (asker) invoked peek", "coroutine 0 (asker) joined"]);
}

/// A coroutine that traps inside of a speculation has done nothing of it: its partners hear that it is gone, although it
/// had nothing left to do.
#[test]
pub(crate) fn a_trap_in_a_speculation_undoes_it() {
    let source = "
.local A = !B{x(i64). end}
.local B = ?A{x(i64). end}
.shape AB { A: A, B: B }
.func a(c: chan(AB, A), zero: i64) {
    .reg g, q
    const.u64 g, 1
    fork g
    send c, zero
    i64.div q, zero, zero
    join
    halt
}
.func b(c: chan(AB, B)) {\n.reg v\nreceive c -> v\nhalt\n}";
    let mut machine = setup(source).machine();
    let ends = machine.begin("AB");
    machine.start("a", &[chan(ends[0]), Value::I64(0)]);
    machine.start("b", &[chan(ends[1])]);
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::DivByZero, None), ("a", 3));
    let found = machine.trap();
    let failed = (TrapCode::ChannelClosed, Some(SessionFault::PeerFailed(ends[1])));
    assert_trap(&machine, &found, failed, ("b", 0));
    assert_eq!(machine.charged(), 0);
}

/// An endpoint that comes in while its new owner speculates goes back to the state in which it came.
#[test]
pub(crate) fn abort_undoes_what_was_done_with_an_endpoint_that_came_in() {
    let source = format!(
        "{TALK}
.func taker(h: handle(Talk, Asker), g: u64, fact: agg) {{
    .reg r
    fork g
    send h, g
    abort
    send h, g
    send h, g
    receive h -> r
    halt
}}
.func giver(c: chan(Talk, Asker), g: u64, fact: agg) {{
    .reg k
    spawn &taker (c, g, fact) -> k
    yield
    yield
    yield
    transfer c, k, -
    halt
}}"
    );
    let mut machine = setup(&source).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("Talk");
    let fact = Value::Agg(opforge_vm::AggRef::INVALID);
    machine.start("giver", &[chan(ends[0]), Value::U64(4), fact]);
    machine.start("teller", &[chan(ends[1])]);
    machine.finish();
    let told = machine.told();
    assert_eq!(told.iter().filter(|line| line.ends_with("-> Teller ask")).count(), 1, "{told:#?}");
    assert_eq!(told.iter().filter(|line| line.ends_with("-> Teller more")).count(), 1, "{told:#?}");
    assert!(told.iter().any(|line| line.ends_with("(taker) aborted")));
}

/// Events of a speculation that goes on for ever are bounded as all others are.
#[test]
pub(crate) fn fork_keeps_no_more_events_than_memory_allows() {
    let source = format!(
        "{TALK}
.func watcher(fact: epid, s: str, g: u64) {{
    .reg t, b
    tuple.new t, (fact, s)
    fork g
    jmp @loop
@loop:
    check t, s -> b
    jmp @loop
}}"
    );
    let mut machine = setup(&source).limits(|limits| limits.memory(1 << 20).fuel(4_000_000)).machine();
    let ends = machine.begin("Talk");
    let args = [Value::Epid(ends[0]), Value::Str("text".repeat(64)), Value::U64(1)];
    machine.start("watcher", &args);
    let status = machine.run(u64::MAX);
    let RunStatus::Trapped(found) = status else { panic!("{status:?}") };
    assert_eq!(found.trap.code, TrapCode::MemoryLimitExceeded);
}
