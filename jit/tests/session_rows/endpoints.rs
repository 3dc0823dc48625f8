//! Rows about messages and endpoints.

use super::*;

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
