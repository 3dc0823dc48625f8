//! The rows R01 to R15 of the reliability list, which are about the session runtime, each by its name, on both engines. That
//! memory of the process stays within the limit (R02, R08, R09) is in `session_bombs.rs`.

#[path = "../../vm/tests/session_support/mod.rs"]
mod session_support;

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::asm::assemble;
use opforge_vm::ids::Reg;
use opforge_vm::program::EdgePolicy;
use opforge_vm::session::{
    BlockReason, EdgeOverride, EffectHandler, NoEffects, OnTrap, Outcome, Policy, RunStatus, SessionConfig,
    SessionError, SessionMachine, trace_hash,
};
use opforge_vm::verify::{CoherenceLimits, VerifyConfig, verify};
use opforge_vm::{CoroId, EndpointId, Engine, Limits, Module, SessionFault, TrapCode, TrapDetail, Value};
use session_support::rich::{Decides, RICH, begin, run_out};
use session_support::script::{PANIC, Script};
use session_support::{Drive, chan, machine_of, program, refused, verified};
use std::sync::Barrier;
use std::thread;

/// The module of a program, interpreted and compiled.
#[track_caller]
fn modules(source: &str, unchecked: bool) -> [Module; 2] {
    let verified = verified(source, unchecked);
    let compiled = JitEngine::new(JitConfig::new()).unwrap().compile(&verified).unwrap();
    [Module::new(&Engine::default(), &verified).unwrap(), compiled.module().clone()]
}

fn reference() -> SessionConfig {
    SessionConfig::new().policy(Policy::REFERENCE)
}

fn limits() -> Limits {
    Limits::new().fuel(1 << 40)
}

/// Does the same on both engines and compares: what comes of it, the events, ticks, fuel and charge.
#[track_caller]
fn both_with<H: EffectHandler, R: PartialEq + std::fmt::Debug>(
    modules: &[Module; 2],
    config: &SessionConfig,
    handler: impl Fn() -> H,
    work: impl Fn(&mut SessionMachine<(), H>) -> R,
) -> (R, Vec<String>) {
    let [interp, jit] = modules.each_ref().map(|module| {
        let mut machine = machine_of(module, handler(), config.clone(), limits());
        let result = work(&mut machine);
        (result, machine.lines(), machine.ticks(), machine.fuel(), machine.charged())
    });
    assert_eq!(interp, jit, "the engines differ");
    (interp.0, interp.1)
}

#[track_caller]
fn both<R: PartialEq + std::fmt::Debug>(
    modules: &[Module; 2],
    work: impl Fn(&mut SessionMachine<(), NoEffects>) -> R,
) -> (R, Vec<String>) {
    both_with(modules, &reference(), || NoEffects, work)
}

/// Runs until a coroutine traps: why, what about, in which coroutine and function, at which instruction.
#[track_caller]
fn trap<H: EffectHandler>(machine: &mut SessionMachine<(), H>) -> (TrapCode, TrapDetail, u32, (String, u32)) {
    let found = machine.trap();
    let at = machine.at(found.coro);
    assert_eq!(found.trap.at().pc, machine.pc(&at.0, at.1));
    (found.trap.code, found.trap.detail, found.coro.index, at)
}

fn session(fault: SessionFault) -> TrapDetail {
    TrapDetail::Session(fault)
}

const PINGS: &str = "
.local Ping = !Pong{ping(i64). ?Pong{pong(i64). end}}
.local Pong = ?Ping{ping(i64). !Ping{pong(i64). end}}
.shape Pings { Ping: Ping, Pong: Pong }
.func ping(c: chan(Pings, Ping), n: i64) {\n.reg m\nsend c, n\nreceive c -> m\nhalt\n}
.func pong(c: chan(Pings, Pong)) {\n.reg m\nreceive c -> m\nsend c, m\nhalt\n}
";

/// R01: all roles wait for each other. That is found out at once and costs nothing, and the report says who waits for
/// what.
#[test]
fn r01_a_deadlock_is_reported() {
    let source = "
.local A = ?C{x. !B{x. end}}
.local B = ?A{x. !C{x. end}}
.local C = ?B{x. !A{x. end}}
.shape Ring { A: A, B: B, C: C }
.func a(c: chan(Ring, A)) {\nreceive c -> r0\nsend c, r0\nhalt\n}
.func b(c: chan(Ring, B)) {\nreceive c -> r0\nsend c, r0\nhalt\n}
.func c(c: chan(Ring, C)) {\nreceive c -> r0\nsend c, r0\nhalt\n}";
    // Whoever asks is told before it runs.
    let config = VerifyConfig::new().coherence(CoherenceLimits::default());
    assert!(verify(program(source), &config).is_err());
    let modules = modules(source, false);
    for policy in [Policy::REFERENCE, Policy::Cooperative, Policy::Random { seed: 1, quantum: 3 }] {
        let config = SessionConfig::new().policy(policy);
        let ((report, cycles), _) = both_with(
            &modules,
            &config,
            || NoEffects,
            |machine| {
                let ends = machine.begin("Ring");
                for (name, &end) in ["a", "b", "c"].iter().zip(&ends) {
                    machine.start(name, &[chan(end)]);
                }
                let fuel = machine.fuel();
                let report = machine.stuck();
                assert_eq!(machine.fuel(), fuel);
                assert_eq!(machine.ticks(), 4, "each once, then it is known");
                let reasons: Vec<_> = report.blocked.iter().map(|blocked| &blocked.why).collect();
                assert!(reasons.iter().all(|why| matches!(why, BlockReason::Recv { .. })));
                (report.to_string(), report.cycles)
            },
        );
        assert_eq!(cycles.iter().map(Vec::len).collect::<Vec<_>>(), [3], "{report}");
        for line in [
            "coroutine 0 (a, pc 0) waits as A for a message of C in session 0",
            "coroutine 1 (b, pc 0) waits as B for a message of A in session 0",
            "coroutine 2 (c, pc 0) waits as C for a message of B in session 0",
            "deadlock",
        ] {
            assert!(report.contains(line), "{report}");
        }
    }
}

/// R02: a sender that nobody receives from waits, traps or loses messages, as the edge says; sessions and coroutines have
/// limits. What the limits of memory are good for is measured in `session_bombs.rs`.
#[test]
fn r02_nothing_grows_without_bound() {
    let source = "
.local A = mu x. !B{item(u64). x, stop. end}
.local B = mu x. ?A{item(u64). x, stop. end}
.shape AB { A: A, B: B }
.func a(c: chan(AB, A), n: u64) {\njmp @loop\n@loop:\noffer c, item, n\njmp @loop\n}
.func opener() {\n.reg a, b\njmp @loop\n@loop:\nopen AB -> (a, b)\nspawn &a2 (a) -> -\nspawn &b2 (b) -> -\njmp @loop\n}
.func a2(c: chan(AB, A)) {\nacquire never -> r2\nrelease never, r2\noffer c, stop, -\nhalt\n}
.func b2(c: chan(AB, B)) {\nacquire never -> r2\nrelease never, r2\nclose c\nhalt\n}
.func spawner() {\njmp @loop\n@loop:\nspawn &spawner () -> -\njmp @loop\n}
.layer never 1";
    let modules = modules(source, false);
    for (policy, capacity, max, queued, ends) in [
        (EdgePolicy::Block, 64, 64, 64, None),
        (EdgePolicy::Error, 64, 64, 64, Some(TrapCode::BufferFull)),
        (EdgePolicy::Resize, 64, 1000, 1000, Some(TrapCode::BufferFull)),
        (EdgePolicy::Resize, 64, u32::MAX, 0, Some(TrapCode::MemoryLimitExceeded)),
        (EdgePolicy::Block, u32::MAX, u32::MAX, 0, Some(TrapCode::MemoryLimitExceeded)),
        (EdgePolicy::Drop, 64, 64, 64, Some(TrapCode::FuelExceeded)),
        (EdgePolicy::Latest, 1, 1, 1, Some(TrapCode::FuelExceeded)),
    ] {
        let edges = EdgeOverride { policy, capacity, max };
        let config = SessionConfig::new().edges(Some(edges)).on_trap(OnTrap::Isolate).events(100);
        for module in &modules {
            let limits = Limits::new().fuel(3_000_000).memory(1 << 20);
            let mut machine = machine_of(module, NoEffects, config.clone(), limits);
            let channel = machine.begin("AB");
            machine.start("a", &[chan(channel[0]), Value::U64(5)]);
            match (ends, machine.run(u64::MAX)) {
                (None, RunStatus::Stuck(_)) => {}
                (Some(TrapCode::FuelExceeded), RunStatus::OutOfFuel) => {}
                (Some(code), RunStatus::Trapped(trap)) => assert_eq!(trap.trap.code, code, "{policy:?}"),
                (_, status) => panic!("{policy:?}: {status:?}"),
            }
            let found = machine.queue(channel[0], 0, 1);
            assert!(queued == 0 || found == queued, "{policy:?}: {found}");
            assert!(machine.charged() <= 1 << 20 && machine.events().len() <= 100);
        }
    }
    let config = SessionConfig::new().sessions(1000).coroutines(500).events(10);
    for (name, code) in
        [("opener", TrapCode::CoroutineLimitExceeded), ("spawner", TrapCode::CoroutineLimitExceeded)]
    {
        let ((), _) = both_with(
            &modules,
            &config,
            || NoEffects,
            |machine| {
                machine.start(name, &[]);
                assert_eq!(machine.trap().trap.code, code);
                assert!(machine.coroutines() <= 500);
            },
        );
    }
    let config = SessionConfig::new().sessions(100).events(10);
    both_with(
        &modules,
        &config,
        || NoEffects,
        |machine| {
            machine.start("opener", &[]);
            assert_eq!(machine.trap().trap.code, TrapCode::SessionLimitExceeded);
        },
    );
}

/// R03: messages of another type or label are refused by the verifier, and by the machine where it could not know; tables of
/// `choose` are complete, without doubles, and lead to instructions.
#[test]
fn r03_messages_are_what_the_types_say() {
    let choice = |table: &str| {
        format!(
            "
.local A = !B{{x(i64). end, y. end}}
.local B = ?A{{x(i64). end, y. end}}
.shape AB {{ A: A, B: B }}
.func b(c: chan(AB, B)) {{\n.reg v\nchoose c, {table}\n@x:\nconst.i64 v, 5\nhalt\n@y:\nhalt\n}}"
        )
    };
    verified(&choice("[x, y], (v, r0), (@x, @y)"), false);
    for (table, code) in [
        ("[], (), ()", "V1207"),
        ("[x], (v), (@x)", "V1207"),
        ("[x, x, y], (v, v, r0), (@x, @x, @y)", "V1208"),
        ("[x, y, y], (v, r0, r0), (@x, @y, @y)", "V1208"),
    ] {
        let codes = refused(&choice(table));
        assert!(codes.contains(&code), "{table}: {codes:?}");
    }
    // Into the middle of an instruction: each changed byte of the table's places.
    let bytes = opforge_vm::container::encode(&program(&choice("[x, y], (v, r0), (@x, @y)"))).unwrap();
    let mut targets = 0;
    for at in 0..bytes.len() {
        for value in 0..=255u8 {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            let decoded = opforge_vm::container::decode(&bytes, &Default::default());
            let Ok(Err(report)) = decoded.map(|program| verify(program, &VerifyConfig::new())) else {
                continue;
            };
            targets += usize::from(report.errors().iter().any(|error| {
                let text = error.to_string();
                text.contains("choose") && (text.contains("no instruction") || text.contains("branch"))
            }));
        }
    }
    assert!(targets > 100, "{targets} tables lead into the middle");
    // Types that do not fit together: whoever receives finds out, and the message stays.
    let misfit = |sends: &str, receives: &str| {
        format!(
            "
.local A = !B{{{sends}. end}}
.local B = ?A{{{receives}. end}}
.shape AB {{ A: A, B: B }}
.func a(c: chan(AB, A), i: i64) {{\nsend c, i\nhalt\n}}
.func b(c: chan(AB, B)) {{\n.reg v\nreceive c -> v\nhalt\n}}"
        )
    };
    let payload = |label: &str| session(SessionFault::Payload { label: label.into() });
    let label = |label: &str| session(SessionFault::Label { label: label.into() });
    for (receives, code, detail) in [
        ("x(u64)", TrapCode::TypeViolation, payload("x")),
        ("x(str)", TrapCode::TypeViolation, payload("x")),
        ("x(tuple(i64))", TrapCode::TypeViolation, payload("x")),
        ("x", TrapCode::TypeViolation, payload("x")),
        ("y(i64)", TrapCode::UnknownLabel, label("x")),
    ] {
        let source = misfit("x(i64)", receives);
        let config = VerifyConfig::new().coherence(CoherenceLimits::default());
        assert!(verify(program(&source), &config).is_err(), "{receives}");
        let config = reference().on_trap(OnTrap::Isolate);
        let (found, _) = both_with(
            &modules(&source, false),
            &config,
            || NoEffects,
            |machine| {
                let ends = machine.begin("AB");
                machine.start("a", &[chan(ends[0]), Value::I64(1)]);
                machine.start("b", &[chan(ends[1])]);
                let found = trap(machine);
                assert_eq!(machine.queue(ends[0], 0, 1), 1, "the message stays");
                found
            },
        );
        assert_eq!(found, (code, detail, 1, ("b".into(), 0)), "{receives}");
    }
}

/// R04: after the end of a session nothing more is said in it, and nobody leaves one silently.
#[test]
fn r04_a_closed_session_stays_closed() {
    let source = |lines: &str| {
        format!("{PINGS}\n.func f(c: chan(Pings, Ping), n: i64) {{\n.reg d, m\n{lines}\nhalt\n}}")
    };
    // Statically: what is closed is gone; what is not may not be left.
    for (lines, code) in [
        ("close c\nsend c, n", "V1202"),
        ("close c\nclose c", "V1202"),
        ("send c, n", "V1213"),
        ("", "V1213"),
    ] {
        assert_eq!(refused(&source(lines)), [code], "{lines}");
    }
    let closed_by = |lines: &'static str| {
        let modules = modules(&source(lines), true);
        both(&modules, move |machine| {
            let ends = machine.begin("Pings");
            machine.start("f", &[chan(ends[0]), Value::I64(1)]);
            let found = trap(machine);
            machine.drop_endpoint(ends[1]).unwrap();
            assert_eq!(machine.charged(), 0);
            found
        })
    };
    let mine = EndpointId { session: 0, generation: 0, role: 0 };
    let (found, _) = closed_by("mov d, c\nclose d\nsend c, n");
    assert_eq!((found.0, found.1), (TrapCode::ChannelClosed, session(SessionFault::NotOwned(mine))));
    let (found, lines) = closed_by("mov d, c\nclose d\nclose c");
    assert_eq!((found.0, found.1), (TrapCode::CloseFault, session(SessionFault::NotOwned(mine))));
    assert_eq!(
        lines.iter().filter(|line| line.ends_with("closed")).count(),
        2,
        "closed, and ended as such: {lines:?}"
    );
    // Closed by the other party, with messages on their way: they are gone, and both know.
    let closer = format!("{PINGS}\n.func closer(c: chan(Pings, Pong)) {{\nyield\nyield\nclose c\nhalt\n}}");
    let theirs = |machine: &mut SessionMachine<(), NoEffects>| {
        let ends = machine.begin("Pings");
        machine.start("ping", &[chan(ends[0]), Value::I64(1)]);
        machine.start("closer", &[chan(ends[1])]);
        let found = trap(machine);
        assert_eq!(found.1, session(SessionFault::Closed(ends[0])));
        machine.finish();
        assert_eq!(machine.charged(), 0);
        (found.0, found.3)
    };
    let (found, lines) = both(&modules(&closer, false), theirs);
    assert_eq!(found, (TrapCode::ChannelClosed, ("ping".into(), 1)));
    assert!(
        lines.iter().any(|line| line.ends_with("-> Pong ping"))
            && !lines.iter().any(|line| line.contains("<-"))
    );
    // Left in the middle, by code that nobody has verified: the session has failed, and the other knows.
    let leaver = format!("{PINGS}\n.func leaver(c: chan(Pings, Ping)) {{\nhalt\n}}");
    let (found, lines) = both(&modules(&leaver, true), |machine| {
        let ends = machine.begin("Pings");
        machine.start("pong", &[chan(ends[1])]);
        machine.start("leaver", &[chan(ends[0])]);
        trap(machine)
    });
    let other = EndpointId { role: 1, ..mine };
    assert_eq!((found.0, found.1), (TrapCode::ChannelClosed, session(SessionFault::PeerFailed(other))));
    assert!(lines.iter().any(|line| line.ends_with("ended: faulted")));
}

/// R05: an endpoint has one owner. Giving away what is not one's own, to oneself, to nobody, twice, or using it afterwards
/// says why it cannot be.
#[test]
fn r05_transfers_say_why_not() {
    let source = |lines: &str| {
        format!(
            "{PINGS}
.func worker(h: handle(Pings, Ping), n: i64) {{\n.reg m\nsend h, n\nreceive h -> m\nhalt\n}}
.func idle() {{\nhalt\n}}
.func f(c: chan(Pings, Ping), k: coro, n: i64) {{\n.reg w, d\n{lines}\nhalt\n}}"
        )
    };
    assert_eq!(refused(&source("transfer c, k, -\ntransfer c, k, -")), ["V1202"]);
    assert_eq!(refused(&source("transfer c, k, -\nsend c, n")), ["V1202"]);
    let c = EndpointId { session: 0, generation: 0, role: 0 };
    let cases = [
        ("yield\ntransfer c, k, -", false, SessionFault::NoTarget, 1),
        ("transfer c, k, -", false, SessionFault::NotAwaited, 0),
        (
            "mov d, c\nspawn &worker (c, n) -> w\ntransfer d, w, -\ntransfer c, w, -",
            true,
            SessionFault::NotOwned(c),
            3,
        ),
        ("mov d, c\nspawn &ping (c, n) -> w\ntransfer d, w, -", true, SessionFault::NotOwned(c), 2),
        ("close c\ntransfer c, k, -", true, SessionFault::NotOwned(c), 1),
    ];
    for (lines, unchecked, fault, instr) in cases {
        let modules = modules(&source(lines), unchecked);
        let (found, told) = both(&modules, |machine| {
            let ends = machine.begin("Pings");
            let k = machine.start("idle", &[]);
            if fault == SessionFault::NotAwaited {
                machine.pause(k).unwrap();
            }
            machine.start("f", &[chan(ends[0]), Value::Coro(k), Value::I64(1)]);
            trap(machine)
        });
        assert_eq!((found.0, found.1), (TrapCode::TransferFault, session(fault)), "{lines}");
        assert_eq!(found.3, ("f".into(), instr), "{lines}");
        let gave = told.iter().filter(|line| line.contains(" gave ")).count();
        assert_eq!(gave, usize::from(lines.contains("w, -\ntransfer")), "{lines}: {told:#?}");
    }
    // Coroutines that never were.
    let modules = modules(&source("transfer c, k, -"), false);
    for k in [CoroId { index: 1000, generation: 0 }, CoroId { index: u32::MAX, generation: u32::MAX }] {
        let (found, _) = both(&modules, |machine| {
            let ends = machine.begin("Pings");
            machine.start("f", &[chan(ends[0]), Value::Coro(k), Value::I64(1)]);
            trap(machine)
        });
        assert_eq!((found.0, found.1), (TrapCode::TransferFault, session(SessionFault::NoTarget)));
    }
}

/// R06: nothing copies an endpoint.
#[test]
fn r06_endpoints_are_not_copied() {
    let source = |lines: &str| {
        format!(
            "{PINGS}
.elem chans = agg
.struct Box {{ a: agg }}
.local Give = !Take{{one(chan(Pings, Ping)). !Take{{two(chan(Pings, Ping)). end}}}}
.local Take = ?Give{{one(chan(Pings, Ping)). ?Give{{two(chan(Pings, Ping)). end}}}}
.shape Hands {{ Give: Give, Take: Take }}
.func two(a: chan(Pings, Ping), b: chan(Pings, Ping)) {{\nclose a\nclose b\nhalt\n}}
.func f(c: chan(Pings, Ping), g: chan(Hands, Give), n: i64, b: bool) {{\n.reg d, e, t\n{lines}\nhalt\n}}"
        )
    };
    for lines in [
        "mov d, c\nclose c\nclose d\nclose g",
        "mov d, c\nmov e, c\nclose d\nclose e\nclose g",
        "tuple.new t, (c)\nclose c\nclose g",
        "tuple.new t, (c, c)\nclose g",
        "array.new t, chans, (c)\nclose c\nclose g",
        "struct.new t, Box, (c)\nclose c\nclose g",
        "select d, b, c, c\nclose d\nclose g",
        "spawn &two (c, c) -> -\nclose g",
        "call &two (c, c) -> ()\nclose g",
        "send g, c\nsend g, c",
        "send g, c\nclose c\nclose g",
        "spawn &ping (c, n) -> -\nsend c, n\nclose g",
        "send g, g",
    ] {
        let codes = refused(&source(lines));
        assert!(
            codes.iter().any(|code| code.starts_with("V12") || code.starts_with("V08")),
            "{lines}: {codes:?}"
        );
    }
    // Nor does the host.
    let hosts = format!(
        "{PINGS}\n.func two(a: chan(Pings, Ping), b: chan(Pings, Ping)) {{\nclose a\nclose b\nhalt\n}}"
    );
    both(&modules(&hosts, false), |machine| {
        let ends = machine.begin("Pings");
        let two = machine.func("two");
        let refused = machine.spawn(two, &[chan(ends[0]), chan(ends[0])]);
        assert!(matches!(refused, Err(SessionError::NotTheHosts(_))));
        machine.start("ping", &[chan(ends[0]), Value::I64(1)]);
        let ping = machine.func("ping");
        let refused = machine.spawn(ping, &[chan(ends[0]), Value::I64(1)]);
        assert!(matches!(refused, Err(SessionError::NotTheHosts(_))));
    });
}

/// R07: a layer is given back once, by who holds it, with the evidence that it got; who leaves gives all back.
#[test]
fn r07_evidence_is_made_by_the_machine() {
    let source = |lines: &str| {
        format!(
            "
.layer auth 1
.layer disk 1
.func f(zero: i64) {{\n.reg e, d, q, n\nconst.u64 n, 1\n{lines}\nhalt\n}}
.func next() {{\n.reg e\nacquire auth -> e\nrelease auth, e\nhalt\n}}"
        )
    };
    for (lines, code) in [
        ("release auth, n", "V1214"),
        ("acquire auth -> e\nrelease disk, e", "V1214"),
        ("acquire auth -> e\nrelease auth, e\nrelease auth, e", "V1202"),
        ("acquire auth -> e", "V1213"),
        ("mov e, n\nrelease auth, e", "V1214"),
    ] {
        let codes = refused(&source(lines));
        assert!(codes.contains(&code), "{lines}: {codes:?}");
    }
    // A host cannot make any.
    let taker = ".layer auth 1\n.func f(e: evidence(auth)) {\nrelease auth, e\nhalt\n}";
    both(&modules(taker, false), |machine| {
        let f = machine.func("f");
        let forged = Value::Evidence(opforge_vm::EvidenceId { layer: 0, serial: 1 });
        assert!(matches!(machine.spawn(f, &[forged]), Err(SessionError::HostEvidence)));
        assert_eq!(machine.coroutines(), 0);
    });
    let fault = session(SessionFault::Evidence);
    for (lines, unchecked, code) in [
        ("acquire auth -> e\nmov d, e\nrelease auth, d\nrelease auth, e", true, Some(TrapCode::GuardFault)),
        ("acquire auth -> e\nacquire disk -> d\nrelease auth, d", true, Some(TrapCode::GuardFault)),
        ("acquire auth -> e\ni64.div q, zero, zero\nrelease auth, e", false, Some(TrapCode::DivByZero)),
        ("acquire auth -> e", true, None),
    ] {
        let modules = modules(&source(lines), unchecked);
        let (found, told) = both(&modules, |machine| {
            machine.start("f", &[Value::I64(0)]);
            machine.start("next", &[]);
            let found = match machine.run(1000) {
                RunStatus::Trapped(trap) => {
                    assert!(trap.trap.code != TrapCode::GuardFault || trap.trap.detail == fault);
                    machine.finish();
                    Some(trap.trap.code)
                }
                RunStatus::AllDone => None,
                status => panic!("{status:?}"),
            };
            assert_eq!(machine.charged(), 0);
            found
        });
        assert_eq!(found, code, "{lines}");
        assert!(told.iter().any(|line| line.ends_with("(next) released auth")), "{lines}: {told:#?}");
    }
}

/// R08: a speculation ends where it began, and what it did is done or not done as a whole. Fuel is not given back.
#[test]
fn r08_speculations_are_all_or_nothing() {
    let source = |lines: &str| {
        format!("{PINGS}\n.func f(c: chan(Pings, Ping), n: i64, g: u64) {{\n.reg m\n{lines}\nhalt\n}}")
    };
    let with_more = |lines: &str| {
        let more = ".host note = \"env.note\" () -> ()\n.memory heap 1 1\n.func end() {\njoin\nret ()\n}";
        format!("{more}\n{}", source(lines))
    };
    verified(&source("fork g\nabort\nclose c"), false);
    for lines in [
        "join\nclose c",
        "abort\nclose c",
        "fork g\nclose c",
        "fork g\nhost_call note () -> ()\nabort\nclose c",
        "fork g\nclose c\nabort",
        "fork g\nmem.grow g, heap, g\nabort\nclose c",
        "fork g\ncall &end () -> ()\nclose c",
    ] {
        assert!(!refused(&with_more(lines)).is_empty(), "{lines}");
    }
    // Deep ones stop at a limit, of the verifier and of the machine.
    let deep =
        |depth: usize| source(&format!("{}{}close c", "fork g\n".repeat(depth), "abort\n".repeat(depth)));
    assert!(!refused(&deep(17)).is_empty());
    let modules_16 = modules(&deep(16), false);
    let (fuel, _) = both(&modules_16, |machine| {
        let ends = machine.begin("Pings");
        machine.start("f", &[chan(ends[0]), Value::I64(1), Value::U64(1)]);
        let fuel = machine.fuel();
        machine.finish();
        fuel - machine.fuel()
    });
    assert_eq!(fuel, 16 + 16 + 2, "what is undone is paid for");
    let config = reference().speculation(15);
    let (found, told) = both_with(
        &modules_16,
        &config,
        || NoEffects,
        |machine| {
            let ends = machine.begin("Pings");
            machine.start("f", &[chan(ends[0]), Value::I64(1), Value::U64(1)]);
            trap(machine)
        },
    );
    let too_deep = session(SessionFault::SpeculationDepth);
    assert_eq!(found, (TrapCode::SpeculationFault, too_deep, 0, ("f".into(), 15)));
    assert_eq!(told.iter().filter(|line| line.contains("forked")).count(), 1, "{told:#?}");
    // In a loop, where no verifier counts.
    let bomb = source("jmp @loop\n@loop:\nfork g\njmp @loop");
    let (found, _) = both(&modules(&bomb, true), |machine| {
        let ends = machine.begin("Pings");
        machine.start("f", &[chan(ends[0]), Value::I64(1), Value::U64(1)]);
        let found = trap(machine);
        machine.drop_endpoint(ends[1]).unwrap();
        assert_eq!(machine.charged(), 0);
        found
    });
    assert_eq!(found.0, TrapCode::SpeculationFault);
    // A trap in the middle: the partner never sees the message, and hears that nothing comes.
    let half = "
.local A = !B{x(i64). end}
.local B = ?A{x(i64). end}
.shape AB { A: A, B: B }
.func a(c: chan(AB, A), zero: i64, g: u64) {\n.reg q\nfork g\nsend c, zero\ni64.div q, zero, zero\njoin\nhalt\n}
.func b(c: chan(AB, B)) {\n.reg v\nreceive c -> v\nhalt\n}";
    let ((first, second), told) = both(&modules(half, false), |machine| {
        let ends = machine.begin("AB");
        machine.start("a", &[chan(ends[0]), Value::I64(0), Value::U64(1)]);
        machine.start("b", &[chan(ends[1])]);
        let found = (trap(machine).0, trap(machine).0);
        assert_eq!(machine.charged(), 0);
        found
    });
    assert_eq!((first, second), (TrapCode::DivByZero, TrapCode::ChannelClosed));
    assert!(!told.iter().any(|line| line.contains("->") || line.contains("<-")), "{told:#?}");
}

/// R09: coroutines are counted, begin with whole functions, and get their turns by fuel whatever the others do.
#[test]
fn r09_slices_are_fair() {
    let source = "
.func forever(n: u64) {\njmp @loop\n@loop:\nu64.add n, n, n\nu64.xor n, n, n\njmp @loop\n}
.func counts(n: u64) {
    .reg one, zero, more
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @loop, @end
@end:
    halt
}
.func bomb() {\nspawn &bomb () -> -\nspawn &bomb () -> -\nhalt\n}";
    let modules = modules(source, false);
    for quantum in [1, 10, 1000] {
        let config = SessionConfig::new().policy(Policy::RoundRobin { quantum });
        let (spent, _) = both_with(
            &modules,
            &config,
            || NoEffects,
            |machine| {
                for _ in 0..5 {
                    machine.start("forever", &[Value::U64(1)]);
                }
                machine.start("counts", &[Value::U64(1000)]);
                while machine.coroutines() == 6 {
                    assert!(matches!(machine.run(1), RunStatus::MaxTicks));
                }
                (1 << 40) - machine.fuel()
            },
        );
        // The one that counts needs 3004; each of the others gets about as much, and a quantum more at most.
        assert!((3004..=6 * (3004 + 2 * quantum + 6)).contains(&spent), "quantum {quantum}: {spent}");
    }
    let config = SessionConfig::new().coroutines(1000);
    both_with(
        &modules,
        &config,
        || NoEffects,
        |machine| {
            machine.start("bomb", &[]);
            assert_eq!(machine.trap().trap.code, TrapCode::CoroutineLimitExceeded);
            assert!(machine.coroutines() < 1000);
        },
    );
    // Functions begin where they begin: the place of one is no part of a program.
    assert!(assemble(".func f() {\nspawn &f2 () -> -\nhalt\n}").is_err());
    let bytes = opforge_vm::container::encode(&program(".func f() {\nspawn &f () -> -\nhalt\n}")).unwrap();
    for at in 0..bytes.len() {
        for value in [1, 2, 0x7f, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            if let Ok(program) = opforge_vm::container::decode(&bytes, &Default::default()) {
                // Whatever it is now, it is refused or harmless.
                let _ = verify(program, &VerifyConfig::new());
            }
        }
    }
}

/// R10: types that are none are errors with their place, and no type takes more than linear time.
#[test]
fn r10_types_are_checked_where_they_stand() {
    let shape = "\n.shape S { A: A, B: B }\n.func f(c: chan(S, A)) {\nclose c\nhalt\n}";
    let local = |text: &str| format!(".local A = {text}\n.local B = ?A{{x. end}}{shape}");
    program(&local("!B{x. end}"));
    for (text, what) in [
        ("mu t. t", "t"),
        ("mu t. mu u. t", "t"),
        ("!B{x. t}", "t"),
        ("!B{}", "}"),
        ("!B{x. end, x. end}", "x"),
        ("!B{x. end", ""),
        ("!A{x. end}", ""),
        ("!C{x. end}", ""),
    ] {
        match assemble(&local(text)) {
            Err(errors) => {
                let rendered = errors.render(&local(text), "test").to_string();
                assert!(rendered.contains("--> test:") && rendered.contains(what), "{rendered}");
            }
            Ok(program) => {
                let report = verify(program, &VerifyConfig::new()).expect_err(text);
                assert!(!report.errors().is_empty());
            }
        }
    }
    for shape in [".shape S { }", ".shape S { A: A, A: A }", ".shape S { A: A, B: Nothing }"] {
        let source = format!(".local A = !B{{x. end}}\n{shape}");
        let refused = match assemble(&source) {
            Err(errors) => errors.render(&source, "test").to_string().contains("--> test:2"),
            Ok(program) => verify(program, &VerifyConfig::new()).is_err(),
        };
        assert!(refused, "{shape}");
    }
    // Duals that do not match are found by whoever asks.
    let misfit = ".local A = !B{x. ?B{y. end}}\n.local B = ?A{x. ?A{y. end}}\n.shape S { A: A, B: B }";
    let config = VerifyConfig::new().coherence(CoherenceLimits::default());
    assert!(verify(program(misfit), &config).is_err());
    // A hundred thousand messages one after the other, and as many nested recursions: at once or not at all.
    let begin = std::time::Instant::now();
    let deep = format!("{}end{}", "!B{x. ".repeat(100_000), "}".repeat(100_000));
    let _ = assemble(&local(&deep)).map(|program| verify(program, &VerifyConfig::new()));
    let mus: String = (0..2_000).map(|n| format!("mu t{n}. !B{{x. ")).collect();
    let nested = format!("{mus}t0{}", "}".repeat(2_000));
    let _ = assemble(&local(&nested)).map(|program| verify(program, &VerifyConfig::new()));
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

/// R11: the number of a session that is gone is used again, and an endpoint of the old one is never one of the new.
#[test]
fn r11_old_endpoints_name_nobody() {
    let source = format!(
        "{PINGS}
.func use_it(id: epid, s: str) {{\n.reg t, b\ntuple.new t, (id, s)\ntag t -> b\nhalt\n}}"
    );
    let modules = modules(&source, false);
    let config = reference().sessions(1);
    let ((), _) = both_with(
        &modules,
        &config,
        || NoEffects,
        |machine| {
            let mut old: Vec<EndpointId> = Vec::new();
            for n in 0..300 {
                let ends = machine.begin("Pings");
                assert_eq!((ends[0].session, usize::from(ends[0].generation)), (0, n));
                for &stale in old.iter().rev().take(3) {
                    assert!(machine.state(stale).is_none());
                    assert!(machine.session(stale.session_id()).is_none());
                    let ping = machine.func("ping");
                    let refused = machine.spawn(ping, &[chan(stale), Value::I64(1)]);
                    assert!(matches!(refused, Err(SessionError::NoEndpoint(id)) if id == stale));
                    let label = machine.label("ping");
                    assert!(matches!(
                        machine.inject(stale, label, &Value::I64(1)),
                        Err(SessionError::NoEndpoint(_))
                    ));
                    assert!(matches!(machine.cancel(stale.session_id()), Err(SessionError::NoEndpoint(_))));
                    assert!(matches!(machine.drop_endpoint(stale), Err(SessionError::NoEndpoint(_))));
                    machine.start("use_it", &[Value::Epid(stale), Value::from("s")]);
                    let found = trap(machine);
                    assert_eq!(
                        (found.0, found.1),
                        (TrapCode::TransferFault, session(SessionFault::Stale(stale)))
                    );
                }
                machine.start("ping", &[chan(ends[0]), Value::I64(1)]);
                machine.start("pong", &[chan(ends[1])]);
                machine.finish();
                old.push(ends[0]);
            }
        },
    );
}

/// R12: a handler that breaks, refuses, or is not there makes its coroutine trap; it has no way to act on the machine.
#[test]
fn r12_handlers_break_without_breaking_the_machine() {
    let source = format!(
        "{PINGS}
.effect ask(i64) -> (i64)
.layer auth 1
.func asker(c: chan(Pings, Ping), n: i64) {{\n.reg m, e\nacquire auth -> e\ninvoke ask (n) -> m\nrelease auth, e\nsend c, m\nreceive c -> m\nhalt\n}}"
    );
    let modules = modules(&source, false);
    let run = |script: fn() -> Script| {
        both_with(&modules, &reference(), script, |machine| {
            let ends = machine.begin("Pings");
            machine.start("asker", &[chan(ends[0]), Value::I64(1)]);
            machine.start("pong", &[chan(ends[1])]);
            let (code, detail, coro, at) = trap(machine);
            let panicked = matches!(detail, TrapDetail::Session(SessionFault::Panicked(Some(_))));
            assert_eq!(machine.take_panic().is_some(), panicked);
            // The partner hears of it, the layer is free, and the machine goes on.
            let partner = trap(machine);
            assert_eq!((partner.0, coro), (TrapCode::ChannelClosed, 0));
            machine.finish();
            assert_eq!(machine.charged(), 0);
            machine.handler_mut().sees_messages = false;
            machine.handler_mut().invoke = [Outcome::Done(Value::I64(5))].into();
            let ends = machine.begin("Pings");
            machine.start("asker", &[chan(ends[0]), Value::I64(1)]);
            machine.start("pong", &[chan(ends[1])]);
            machine.finish();
            (code, panicked, at.1)
        })
        .0
    };
    let breaks = |n: u32| (TrapCode::EffectFailed, true, n);
    assert_eq!(
        run(|| Script { invoke: [Outcome::Failed(PANIC.into())].into(), ..Script::default() }),
        breaks(1)
    );
    assert_eq!(
        run(|| Script { acquire: [Outcome::Failed(PANIC.into())].into(), ..Script::default() }),
        (TrapCode::GuardFault, true, 0)
    );
    let refuses = || Script { invoke: [Outcome::Failed("no".into())].into(), ..Script::default() };
    assert_eq!(run(refuses), (TrapCode::EffectFailed, false, 1));
    let other_type = || Script { invoke: [Outcome::Done(Value::U64(1))].into(), ..Script::default() };
    assert_eq!(run(other_type), (TrapCode::TypeMismatch, false, 1));
    // None at all.
    let (found, _) = both(&modules, |machine| {
        let ends = machine.begin("Pings");
        machine.start("asker", &[chan(ends[0]), Value::I64(1)]);
        trap(machine)
    });
    let TrapDetail::Session(SessionFault::Refused(text)) = &found.1 else { panic!("{found:?}") };
    assert_eq!((found.0, &**text), (TrapCode::EffectFailed, "no handler does effect `ask`"));
    // Its words are cut and escaped where people read them.
    let talks =
        || Script { invoke: [Outcome::Failed("\u{1b}[31m".repeat(100_000))].into(), ..Script::default() };
    let (text, _) = both_with(&modules, &reference(), talks, |machine| {
        let ends = machine.begin("Pings");
        machine.start("asker", &[chan(ends[0]), Value::I64(1)]);
        machine.trap().to_string()
    });
    assert!(text.len() < 64 << 10 && !text.contains('\u{1b}'), "{} bytes", text.len());
}

/// R13: one coroutine traps while others wait for it: each hears of it once, nobody hangs, and what belongs to none of its
/// sessions goes on.
#[test]
fn r13_partners_of_a_failed_coroutine_hear_of_it() {
    let source = "
.local Hub = ?S1{x(i64). ?S2{x(i64). ?S3{x(i64). end}}}
.local S1 = !Hub{x(i64). end}
.local S2 = !Hub{x(i64). end}
.local S3 = !Hub{x(i64). end}
.shape Star { Hub: Hub, S1: S1, S2: S2, S3: S3 }
.local P = ?Q{x(i64). end}
.local Q = !P{x(i64). end}
.shape Pair { P: P, Q: Q }
.func hub(c: chan(Star, Hub)) {\n.reg v\nreceive c -> v\nreceive c -> v\nreceive c -> v\nhalt\n}
.func s1(c: chan(Star, S1), n: i64) {\n.reg q\ni64.div q, n, n\nsend c, q\nhalt\n}
.func s2(c: chan(Star, S2), n: i64, p: chan(Pair, P)) {\n.reg v\nreceive p -> v\nsend c, v\nhalt\n}
.func s3(c: chan(Star, S3), n: i64) {\nsend c, n\nhalt\n}
.func q(c: chan(Pair, Q), n: i64, done: chan(Star, S3)) {\n.reg d\nyield\nyield\nyield\nyield\nyield\nyield\nyield\nyield\nsend c, n\nsend done, n\nhalt\n}
.func other(p: chan(Pair, P)) {\n.reg v\nreceive p -> v\nhalt\n}
.func other_q(c: chan(Pair, Q), n: i64) {\nyield\nyield\nyield\nyield\nyield\nyield\nyield\nyield\nyield\nsend c, n\nhalt\n}";
    for policy in [Policy::REFERENCE, Policy::Cooperative, Policy::Random { seed: 9, quantum: 2 }] {
        let config = SessionConfig::new().policy(policy);
        let (codes, told) = both_with(
            &modules(source, false),
            &config,
            || NoEffects,
            |machine| {
                let (star, pair, apart) =
                    (machine.begin("Star"), machine.begin("Pair"), machine.begin("Pair"));
                let zero = Value::I64(0);
                machine.start("hub", &[chan(star[0])]);
                machine.start("s2", &[chan(star[2]), zero.clone(), chan(pair[0])]);
                machine.start("q", &[chan(pair[1]), zero.clone(), chan(star[3])]);
                machine.start("other", &[chan(apart[0])]);
                machine.start("other_q", &[chan(apart[1]), zero.clone()]);
                machine.start("s1", &[chan(star[1]), zero]);
                let mut codes = Vec::new();
                loop {
                    match machine.run(10_000) {
                        RunStatus::Trapped(trap) => codes.push((trap.coro.index, trap.trap.code)),
                        RunStatus::AllDone => break,
                        status => panic!("{status:?}"),
                    }
                }
                assert_eq!(machine.charged(), 0);
                codes.sort_unstable();
                codes
            },
        );
        let count = |end: &str| told.iter().filter(|line| line.ends_with(end)).count();
        assert!(codes.contains(&(5, TrapCode::DivByZero)), "{codes:?}");
        assert!(codes.iter().all(|&(coro, code)| coro == 5 || code == TrapCode::ChannelClosed), "{codes:?}");
        assert_eq!(count("#0 ended: faulted"), 1, "one end, whoever hears of it");
        // The hub, and those of the star that had something left to say; the pair apart knows nothing of it.
        assert!(codes.iter().any(|&(coro, _)| coro == 0), "{codes:?}");
        assert_eq!((count("(other) halted"), count("(other_q) halted")), (1, 1), "{told:#?}");
    }
    // Isolated, nobody is told: they wait, and the report says that the coroutine has ended.
    let config = reference().on_trap(OnTrap::Isolate);
    let (report, _) = both_with(
        &modules(source, false),
        &config,
        || NoEffects,
        |machine| {
            let star = machine.begin("Star");
            machine.start("hub", &[chan(star[0])]);
            machine.start("s1", &[chan(star[1]), Value::I64(0)]);
            machine.trap();
            machine.stuck().to_string()
        },
    );
    assert!(report.contains("S1") && report.contains("ended"), "{report}");
}

/// R14: the same program and inputs a thousand times, on both engines, in one thread and in eight: one trace.
#[test]
fn r14_every_run_is_the_same() {
    let modules = modules(RICH, false);
    let run = |module: &Module| {
        let config = SessionConfig::new()
            .policy(Policy::Random { seed: 11, quantum: 5 })
            .observe(opforge_vm::session::Observe::Trace);
        let mut machine = machine_of(module, Decides::new(5, 2), config, limits());
        begin(&mut machine, 6);
        let ends = run_out(&mut machine);
        (trace_hash(machine.events()), machine.ticks(), machine.fuel(), machine.charged(), ends.len())
    };
    let times = 1000;
    let first = run(&modules[0]);
    for module in &modules {
        for _ in 0..times {
            assert_eq!(run(module), first);
        }
    }
    for module in &modules {
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        (0..times / 8).map(|_| run(module)).all(|found| found == first)
                    })
                })
                .collect();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        });
    }
}

/// R15: who asks about what nobody knows is told no; who makes up a fact about no session traps.
#[test]
fn r15_unknown_facts_are_not_known() {
    let source = format!(
        "{PINGS}
.func asks(id: epid, s: str, role: str) {{\n.reg t, b\ntuple.new t, (id, s)\ncheck t, role -> b\nhalt\n}}
.func notes(id: epid, s: str, role: str) {{\n.reg t, b\ntuple.new t, (id, s)\ntag t -> b\ncheck t, role -> b\nhalt\n}}"
    );
    let modules = modules(&source, false);
    let config = reference().keep_registers(true);
    for (name, role, known) in [
        ("asks", "Pong", false),
        ("asks", "", false),
        ("asks", "no such role", false),
        ("notes", "Pong", true),
        // Policies go by names; one that nobody has is as good as any other to a policy that allows all.
        ("notes", "no such role", true),
        ("notes", "", true),
    ] {
        let (found, told) = both_with(
            &modules,
            &config,
            || NoEffects,
            |machine| {
                let ends = machine.begin("Pings");
                let args = [Value::Epid(ends[0]), Value::from("secret"), Value::from(role)];
                let coro = machine.start(name, &args);
                machine.finish();
                machine.register(coro, Reg(5))
            },
        );
        assert_eq!(found, Some(Value::Bool(known)), "{name} {role}");
        assert!(told.last().unwrap().ends_with("halted"));
    }
    // What one has noted another does not know, and only programs note.
    both_with(
        &modules,
        &config,
        || NoEffects,
        |machine| {
            let ends = machine.begin("Pings");
            let args = [Value::Epid(ends[0]), Value::from("secret"), Value::from("Pong")];
            machine.start("notes", &args);
            machine.finish();
            let asks = machine.start("asks", &args);
            machine.finish();
            assert_eq!(machine.register(asks, Reg(5)), Some(Value::Bool(false)));
        },
    );
    for id in [
        EndpointId { session: 5, generation: 0, role: 0 },
        EndpointId { session: 0, generation: 9, role: 0 },
        EndpointId { session: 0, generation: 0, role: 2 },
        EndpointId { session: u32::MAX, generation: u16::MAX, role: u16::MAX },
    ] {
        for name in ["asks", "notes"] {
            let (found, _) = both(&modules, |machine| {
                machine.begin("Pings");
                machine.start(name, &[Value::Epid(id), Value::from("s"), Value::from("Pong")]);
                trap(machine)
            });
            let stale = session(SessionFault::Stale(id));
            assert_eq!(found, (TrapCode::TransferFault, stale, 0, (name.into(), 1)));
        }
    }
    // A fact is an endpoint's name and a text, statically.
    for lines in
        ["tuple.new t, (s, s)\ntag t -> b", "tuple.new t, (id)\ntag t -> b", "tag s -> b", "check id, s -> b"]
    {
        let codes = refused(&format!(".func f(id: epid, s: str) {{\n.reg t, b\n{lines}\nhalt\n}}"));
        assert!(!codes.is_empty(), "{lines}");
    }
}
