//! Rows about guards, speculations, types and whatever breaks.

use super::*;

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
