//! The same again: snapshots to go back to, tapes to replay, runs that are equal wherever they are made.

#[path = "session_support/mod.rs"]
mod session_support;

use opforge_vm::session::{
    Act, Decision, Divergence, EffectHandler, EffectTape, Entry, NoEffects, Observe, Outcome, Policy,
    Priority, RunStatus, SessionConfig, SessionError, SessionMachine, Snapshot, trace_hash,
};
use opforge_vm::{Limits, Module, SessionFault, TrapCode, TrapDetail, Value};
use session_support::rich::{Decides, RICH, begin, run_out};
use session_support::script::Script;
use session_support::{Drive, chan, machine_of, module};
use std::collections::BTreeMap;

fn policies() -> Vec<Policy> {
    vec![
        Policy::REFERENCE,
        Policy::Cooperative,
        Policy::RoundRobin { quantum: 7 },
        Policy::Priority { by: Priority::Fixed(BTreeMap::from([(3, 2), (1, -1)])), quantum: 5 },
        Policy::Priority { by: Priority::Aging(BTreeMap::from([(3, 2), (1, -1)])), quantum: 5 },
        Policy::Priority { by: Priority::Tokens, quantum: 5 },
        Policy::ProgressAware { quantum: 2 },
        Policy::Random { seed: 3, quantum: 2 },
    ]
}

fn config(policy: Policy) -> SessionConfig {
    SessionConfig::new().policy(policy).observe(Observe::Trace)
}

fn limits() -> Limits {
    Limits::new().fuel(1 << 40)
}

fn rich<H: EffectHandler>(module: &Module, handler: H, policy: Policy) -> SessionMachine<(), H> {
    let mut machine = machine_of(module, handler, config(policy), limits());
    begin(&mut machine, 7);
    machine
}

/// What can be seen of a run.
fn seen<H: EffectHandler>(machine: &SessionMachine<(), H>) -> (u64, u64, u64, u64) {
    (trace_hash(machine.events()), machine.ticks(), machine.fuel(), machine.charged())
}

#[test]
fn the_rich_program_does_everything() {
    let module = module(RICH, false);
    for policy in policies() {
        let mut machine = rich(&module, Decides::new(1, 0), policy.clone());
        let before = machine.charged();
        let ends = run_out(&mut machine);
        assert_eq!(ends.last().unwrap(), "done", "{policy:?}: {ends:#?}");
        let told = machine.told().join("\n");
        for what in [
            "opened", "offered", "chose", "invoked", "acquired", "released", "forked", "joined", "aborted",
            "gave", "halted",
        ] {
            assert!(told.contains(what), "{policy:?}: nothing {what}");
        }
        assert!(machine.charged() < before + (64 << 10));
    }
}

/// A machine as it was, its handler, and what it said of itself.
type Then = (Snapshot, Decides, (u64, u64, u64, u64));

/// Going back and running again does the same again, from any place: between any two slices, with messages on their way and
/// in the middle of speculations; also in another machine.
#[test]
fn snapshots_go_back_from_anywhere_to_anywhere() {
    let module = module(RICH, false);
    for policy in policies() {
        let handler = || Decides::new(5, 0);
        let mut machine = rich(&module, handler(), policy.clone());
        let mut snapshots: Vec<Then> = Vec::new();
        loop {
            snapshots.push((machine.snapshot(), machine.handler().clone(), seen(&machine)));
            match machine.run(1) {
                RunStatus::MaxTicks => {}
                RunStatus::Stuck(report) => {
                    let woke = report.blocked.iter().filter(|b| machine.wake(b.coro).is_ok()).count();
                    assert!(woke > 0, "{report}");
                }
                RunStatus::AllDone => break,
                status => panic!("{status:?}"),
            }
        }
        let end = seen(&machine);
        let events = machine.events().to_vec();
        assert!(snapshots.len() > 20, "{policy:?}");
        // From the end, from elsewhere in between, in the same machine and in one that has done something else.
        let mut other = machine_of(&module, Decides::new(77, 3), config(policy.clone()), limits());
        for (n, (snapshot, decides, then)) in snapshots.iter().enumerate().rev() {
            if n % 3 != 0 && snapshots.len() > 200 {
                continue;
            }
            let target = if n % 2 == 0 { &mut machine } else { &mut other };
            target.restore(snapshot).unwrap();
            *target.handler_mut() = decides.clone();
            assert_eq!(&seen(target), then, "{policy:?}, tick {}", snapshot.ticks());
            let ends = run_out(target);
            assert_eq!(ends.last().unwrap(), "done");
            // Those who wait were woken at the same ticks: one `run` after the other.
            assert_eq!(target.events(), events, "{policy:?}, from tick {}", snapshot.ticks());
            assert_eq!(seen(target), end, "{policy:?}, from tick {}", snapshot.ticks());
        }
    }
}

/// Memory is charged alike before and after: with the least limit that a run needs it comes through with going away and
/// back all the time too, and with a little less it traps at the same place.
#[test]
fn snapshots_keep_the_charge() {
    let module = module(RICH, false);
    let run = |memory: u64, there_and_back: bool| {
        let policy = Policy::RoundRobin { quantum: 3 };
        let mut machine = machine_of(&module, Decides::new(5, 0), config(policy), limits().memory(memory));
        begin(&mut machine, 7);
        while machine.coroutines() > 0 {
            if there_and_back {
                let (snapshot, charged) = (machine.snapshot(), machine.charged());
                let handler = machine.handler().clone();
                let _ = machine.run(3);
                machine.restore(&snapshot).unwrap();
                *machine.handler_mut() = handler;
                assert_eq!(machine.charged(), charged);
            }
            match machine.run(1) {
                RunStatus::Stuck(report) => {
                    report.blocked.iter().for_each(|blocked| _ = machine.wake(blocked.coro));
                }
                RunStatus::Trapped(trap) => return Err((trap.to_string(), seen(&machine))),
                _ => {}
            }
        }
        Ok(seen(&machine))
    };
    // All of it begins with what `begin` opens, which has to fit.
    let least = rich(&module, NoEffects, Policy::REFERENCE).charged();
    let (mut low, mut high) = (least, 64 << 10);
    assert!(run(high, false).is_ok() && run(low, false).is_err());
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if run(middle, false).is_ok() { high = middle } else { low = middle }
    }
    for memory in [high, high - 1, high - 8, u64::midpoint(least, high), least] {
        assert_eq!(run(memory, true), run(memory, false), "{memory}");
    }
    assert!(run(high, true).is_ok() && run(high - 1, true).is_err());
}

#[test]
fn snapshots_are_for_the_same_program_and_configuration() {
    let (a, b) = (module(RICH, false), module(RICH, false));
    let mut machine = rich(&a, NoEffects, Policy::REFERENCE);
    let snapshot = machine.snapshot();
    let mut same = machine_of(&a, NoEffects, config(Policy::REFERENCE), limits());
    assert!(same.restore(&snapshot).is_ok());
    assert_eq!(seen(&same), seen(&machine));
    let mut other_policy = machine_of(&a, NoEffects, config(Policy::Cooperative), limits());
    let before = seen(&other_policy);
    assert!(matches!(other_policy.restore(&snapshot), Err(SessionError::OtherMachine)));
    assert_eq!(seen(&other_policy), before);
    let mut other_module = machine_of(&b, NoEffects, config(Policy::REFERENCE), limits());
    assert!(matches!(other_module.restore(&snapshot), Err(SessionError::OtherMachine)));
    // The snapshot of a machine that has trapped and of one that is done.
    let _ = run_out(&mut machine);
    let end = machine.snapshot();
    let seen_then = seen(&machine);
    machine.restore(&snapshot).unwrap();
    machine.restore(&end).unwrap();
    assert_eq!(seen(&machine), seen_then);
}

/// A recorded run, and the machine that made it.
fn record(
    module: &Module,
    handler: Decides,
    policy: Policy,
) -> (EffectTape, SessionMachine<(), Decides>, Vec<String>) {
    let mut machine = machine_of(module, handler, config(policy), limits());
    machine.record(1 << 24);
    begin(&mut machine, 7);
    let ends = run_out(&mut machine);
    let tape = machine.take_tape().unwrap();
    assert!(tape.complete);
    (tape, machine, ends)
}

/// Runs a tape to its end.
fn replay(module: &Module, tape: EffectTape, policy: Policy) -> SessionMachine<(), NoEffects> {
    let mut machine = machine_of(module, NoEffects, config(policy), limits());
    machine.replay(tape).unwrap();
    for _ in 0..10_000 {
        if !matches!(machine.run(1 << 20), RunStatus::Trapped(_)) {
            break;
        }
    }
    machine
}

/// A replay without the handler does all again: what was decided in any way, what was woken, what trapped.
#[test]
fn tapes_replay_every_kind_of_decision() {
    let module = module(RICH, false);
    let mut acts = std::collections::BTreeSet::new();
    let mut kinds = std::collections::BTreeSet::new();
    let badness = if cfg!(feature = "std") { 4 } else { 3 };
    for (n, policy) in policies().into_iter().cycle().take(80).enumerate() {
        let handler = Decides::new(n as u64, n as u64 % badness);
        let (tape, recorded, ends) = record(&module, handler, policy.clone());
        for Entry { act, decision, .. } in &tape.entries {
            acts.insert(*act);
            kinds.insert(match decision {
                Decision::Done => "done",
                Decision::Value(_) => "value",
                Decision::Dropped => "dropped",
                Decision::Blocked => "blocked",
                Decision::Failed(_) => "failed",
                Decision::Panicked(_) => "panicked",
                _ => "host",
            });
        }
        // Through bytes, as from another process.
        let tape = EffectTape::from_bytes(&tape.to_bytes()).unwrap();
        let replayed = replay(&module, tape, policy.clone());
        assert_eq!(replayed.events(), recorded.events(), "{n}, {policy:?}: {ends:#?}");
        assert_eq!(seen(&replayed), seen(&recorded), "{n}, {policy:?}");
        replayed.finish_replay().unwrap_or_else(|divergence| panic!("{n}, {policy:?}: {divergence}"));
    }
    let expected = ["blocked", "done", "dropped", "failed", "host", "panicked", "value"];
    let expected: Vec<_> = expected.into_iter().filter(|kind| badness == 4 || *kind != "panicked").collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    let of_handler = [Act::Invoke, Act::Acquire, Act::Release, Act::Send, Act::Receive, Act::Transfer];
    assert!(
        of_handler.into_iter().chain([Act::Open, Act::Spawn, Act::Wake]).all(|act| acts.contains(&act)),
        "{acts:?}"
    );
}

/// What the host does by itself is on the tape too, and is done again at its place.
#[test]
fn tapes_replay_what_the_host_does() {
    let source = "
.local A = mu x. !B{item(u64). x, stop. end}
.local B = mu x. ?A{item(u64). x, stop. end}
.shape AB { A: A, B: B }
.layer auth 1
.effect ask() -> (u64)
.func a(c: chan(AB, A), n: u64) {\noffer c, item, n\noffer c, stop, -\nhalt\n}
.func b(c: chan(AB, B)) {\n.reg v\njmp @loop\n@loop:\nchoose c, [item, stop], (v, r0), (@loop, @stop)\n@stop:\nhalt\n}
.func c() {\n.reg e, v\nacquire auth -> e\nrelease auth, e\ninvoke ask () -> v\nhalt\n}";
    let module = module(source, false);
    for policy in policies() {
        let script = || Script {
            acquire: [Outcome::Blocked].into(),
            invoke: [Outcome::Blocked, Outcome::Done(Value::U64(1)), Outcome::Done(Value::U64(2))].into(),
            ..Script::default()
        };
        let mut machine = machine_of(&module, script(), config(policy.clone()), limits());
        machine.record(1 << 20);
        let ends = machine.begin("AB");
        let other = machine.begin("AB");
        machine.set_tokens(ends[1], 3).unwrap();
        let b = machine.start("b", &[chan(ends[1])]);
        let c = machine.start("c", &[]);
        let d = machine.start("b", &[chan(other[1])]);
        machine.stuck();
        machine.inject(ends[1], machine.label("item"), &Value::U64(5)).unwrap();
        machine.pause(b).unwrap();
        machine.stuck();
        machine.wake_layer(machine.layer("auth")).unwrap();
        machine.stuck();
        machine.resume(b).unwrap();
        machine.stuck();
        machine.wake(c).unwrap();
        machine.stuck();
        machine.set_layer_active(machine.layer("auth"), false).unwrap();
        machine.start("c", &[]);
        machine.trap();
        machine.start("a", &[chan(ends[0]), Value::U64(6)]);
        machine.stuck();
        machine.drop_endpoint(other[0]).unwrap();
        let found = machine.trap();
        assert_eq!(found.coro, d);
        machine.finish();
        // Fuel that ends in the middle, and comes again.
        let slow = machine.start("c", &[]);
        let _ = machine.take_fuel(u64::MAX);
        assert!(matches!(machine.run(10), RunStatus::OutOfFuel));
        machine.set_layer_active(machine.layer("auth"), true).unwrap();
        machine.add_fuel(2);
        assert!(matches!(machine.run(10), RunStatus::OutOfFuel), "{slow}");
        let third = machine.begin("AB");
        machine.cancel(third[0].session_id()).unwrap();
        machine.add_fuel(1000);
        machine.finish();
        let tape = machine.take_tape().unwrap();
        let replayed = replay(&module, EffectTape::from_bytes(&tape.to_bytes()).unwrap(), policy.clone());
        assert_eq!(replayed.lines(), machine.lines(), "{policy:?}");
        assert_eq!(seen(&replayed), seen(&machine), "{policy:?}");
        replayed.finish_replay().unwrap();
    }
}

/// A run that asks for something else than the tape has traps at that place and says both.
#[test]
fn replays_that_differ_say_where() {
    let module = module(RICH, false);
    let policy = Policy::REFERENCE;
    let (tape, ..) = record(&module, Decides::new(5, 0), policy.clone());
    let diverges = |tape: EffectTape| {
        let mut machine = machine_of(&module, NoEffects, config(policy.clone()), limits());
        machine.replay(tape).unwrap();
        loop {
            match machine.run(1 << 20) {
                RunStatus::Trapped(trap) if trap.trap.code == TrapCode::ReplayDivergence => {
                    let TrapDetail::Session(SessionFault::Divergence(text)) = &trap.trap.detail else {
                        panic!("{trap}")
                    };
                    return text.to_string();
                }
                RunStatus::Trapped(_) => {}
                _ => {
                    return machine
                        .finish_replay()
                        .map_or_else(|d: Divergence| d.to_string(), |()| String::new());
                }
            }
        }
    };
    // A decision of the handler too few, one too many, one of another kind.
    let at = tape.entries.iter().position(|entry| entry.act == Act::Invoke).unwrap();
    let mut shorter = tape.clone();
    shorter.entries.remove(at);
    let text = diverges(shorter);
    assert!(text.contains("recorded was") && text.contains("came to invoke"), "{text}");
    let mut cut = tape.clone();
    cut.entries.truncate(at);
    let text = diverges(cut.clone());
    assert!(text.contains("the recorded run had ended"), "{text}");
    cut.complete = false;
    let text = diverges(cut);
    assert!(text.contains("cut here"), "{text}");
    let mut other = tape.clone();
    other.entries[at].act = Act::Acquire;
    let text = diverges(other);
    assert!(text.contains("recorded was acquire") && text.contains("came to invoke"), "{text}");
    let mut longer = tape.clone();
    let last = longer.entries.last().unwrap().clone();
    longer.entries.push(last);
    let text = diverges(longer);
    assert!(text.contains("has ended") || text.contains("recorded was"), "{text}");
    // A value of another type than the program has there is a divergence, or what a handler's would be.
    let mut wrong = tape.clone();
    wrong.entries[at].decision = Decision::Coroutine(opforge_vm::CoroId { index: 0, generation: 0 });
    let text = diverges(wrong);
    assert!(text.contains("something else"), "{text}");
    // A tape is for its program and configuration.
    let mut machine = machine_of(&module, NoEffects, config(Policy::Cooperative), limits());
    assert!(matches!(machine.replay(tape), Err(SessionError::OtherMachine)));
}

/// A record that has become too large ends there, and says so.
#[test]
fn records_are_bounded() {
    let module = module(RICH, false);
    let mut machine = machine_of(&module, Decides::new(5, 0), config(Policy::REFERENCE), limits());
    machine.record(2_000);
    begin(&mut machine, 7);
    let _ = run_out(&mut machine);
    let tape = machine.take_tape().unwrap();
    assert!(!tape.complete && !tape.entries.is_empty());
    assert!(tape.to_bytes().len() < 2_000);
    assert!(machine.take_tape().is_none());
}

/// Snapshots take the tape along: going back in a recorded run forgets what was recorded since.
#[test]
fn snapshots_take_the_tape_along() {
    let module = module(RICH, false);
    let policy = Policy::RoundRobin { quantum: 2 };
    let (straight, ..) = record(&module, Decides::new(5, 0), policy.clone());
    let mut machine = machine_of(&module, Decides::new(5, 0), config(policy), limits());
    machine.record(1 << 24);
    begin(&mut machine, 7);
    let _ = machine.run(25);
    let (snapshot, handler) = (machine.snapshot(), machine.handler().clone());
    let _ = run_out(&mut machine);
    machine.restore(&snapshot).unwrap();
    *machine.handler_mut() = handler;
    let _ = run_out(&mut machine);
    assert_eq!(machine.take_tape().unwrap(), straight);
}
