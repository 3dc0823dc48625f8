//! Rows about whole runs: how they end, what they take, whose turn it is, and that they are the same again.

use super::*;

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
