//! Who runs when: what each policy promises, what a quantum is, and that stopping and going on changes nothing.

mod host;
#[path = "../session_support/mod.rs"]
mod session_support;

use opforge_vm::ids::Reg;
use opforge_vm::session::{
    EffectHandler, Event, NoEffects, Observe, Outcome, Policy, Priority, RunStatus, SendDecision,
    SessionConfig, SessionError, SessionMachine, Stamped, trace_hash,
};
use opforge_vm::{
    Caller, Capabilities, Capability, CoroId, Engine, InterruptHandle, Limits, Linker, Module, Value,
};
use session_support::script::Script;
use session_support::{Drive, chan, setup, verified};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Coroutines that say each turn by taking and giving back a place in a layer with room for all.
const TURNS: &str = "
.layer turn 1000
.func spinner(n: u64) {
    .reg e, one, zero, more
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    acquire turn -> e
    release turn, e
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @loop, @end
@end:
    halt
}
.func polite(n: u64) {
    .reg e, one, zero, more
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    acquire turn -> e
    release turn, e
    yield
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @loop, @end
@end:
    halt
}
.func forever() {
    jmp @loop
@loop:
    jmp @loop
}
";

/// Two that talk, for sessions with tokens.
const PAIR: &str = "
.local A = mu x. !B{item(u64). x, stop. end}
.local B = mu x. ?A{item(u64). x, stop. end}
.shape AB { A: A, B: B }
.func a(c: chan(AB, A), n: u64) {
    .reg one, zero, more
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    u64.gt more, n, zero
    br more, @item, @stop
@item:
    offer c, item, n
    u64.sub n, n, one
    jmp @loop
@stop:
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
}
";

fn with(policy: Policy) -> SessionMachine<(), NoEffects> {
    setup(TURNS).config(|config| config.policy(policy)).machine()
}

/// The coroutines in the order in which they took turns.
fn turns(events: &[Stamped]) -> Vec<u32> {
    events
        .iter()
        .filter_map(|stamped| match stamped.event {
            Event::Acquired { coro, .. } => Some(coro.index),
            _ => None,
        })
        .collect()
}

/// The policies, with a quantum where they have one.
fn policies(quantum: u64) -> Vec<Policy> {
    let ranks = BTreeMap::from([(0, -3), (1, 5), (2, 5)]);
    vec![
        Policy::Cooperative,
        Policy::RoundRobin { quantum },
        Policy::Priority { by: Priority::Fixed(ranks.clone()), quantum },
        Policy::Priority { by: Priority::Aging(ranks), quantum },
        Policy::Priority { by: Priority::Tokens, quantum },
        Policy::ProgressAware { quantum },
        Policy::Random { seed: 7, quantum },
    ]
}

#[test]
fn cooperative_runs_each_until_it_lets_go() {
    let mut machine = with(Policy::Cooperative);
    for _ in 0..3 {
        machine.start("polite", &[Value::U64(2)]);
    }
    machine.finish();
    assert_eq!(turns(machine.events()), [0, 1, 2, 0, 1, 2]);
    let mut machine = with(Policy::Cooperative);
    for _ in 0..3 {
        machine.start("spinner", &[Value::U64(2)]);
    }
    machine.finish();
    assert_eq!((turns(machine.events()), machine.ticks()), (vec![0, 0, 1, 1, 2, 2], 3));
    // One that never lets go keeps the others from running; the fuel bounds it.
    let mut machine = setup(TURNS)
        .config(|config| config.policy(Policy::Cooperative))
        .limits(|limits| limits.fuel(100_000))
        .machine();
    machine.start("forever", &[]);
    machine.start("polite", &[Value::U64(1)]);
    assert!(matches!(machine.run(u64::MAX), RunStatus::OutOfFuel));
    assert_eq!((machine.fuel(), machine.ticks(), machine.events().len()), (0, 1, 0));
}

/// With a quantum nobody starves, whatever the others do.
#[test]
fn round_robin_shares_by_fuel() {
    for quantum in [1, 2, 3, 7, 100] {
        let mut machine = with(Policy::RoundRobin { quantum });
        machine.start("forever", &[]);
        let polite = machine.start("polite", &[Value::U64(50)]);
        while machine.coroutines() > 1 {
            let _ = machine.run(1);
        }
        assert!(machine.told().last().unwrap().contains("halted"), "{polite}");
        // Each had as many slices as the other, one more at most; each slice of the first costs its quantum.
        let spent = (1u64 << 40) - machine.fuel();
        let slices = machine.ticks() / 2;
        assert!(
            spent <= (slices + 1) * 2 * quantum,
            "quantum {quantum}: {spent} in {} slices",
            machine.ticks()
        );
    }
    let mut machine = with(Policy::RoundRobin { quantum: 5 });
    for _ in 0..2 {
        machine.start("spinner", &[Value::U64(3)]);
    }
    machine.finish();
    // Three and two instructions, then five a turn.
    assert_eq!(turns(machine.events()), [0, 1, 0, 1, 0, 1]);
}

#[test]
fn fixed_priorities_starve_and_aging_does_not() {
    let ranks = BTreeMap::from([(0, 1), (1, 10)]);
    let run = |by: Priority| {
        let mut machine = with(Policy::Priority { by, quantum: 4 });
        for _ in 0..3 {
            machine.start("polite", &[Value::U64(20)]);
        }
        machine.finish();
        turns(machine.events())
    };
    let fixed = run(Priority::Fixed(ranks.clone()));
    // 10, 1, and 0 for the one without: each to its end.
    assert_eq!(fixed, [[1; 20], [0; 20], [2; 20]].concat());
    let aging = run(Priority::Aging(ranks));
    let first = |coro| aging.iter().position(|&turn| turn == coro).unwrap();
    assert_eq!(first(1), 0);
    assert!(first(0) < 20 && first(2) < 25, "{aging:?}");
    let last = |coro| aging.iter().rposition(|&turn| turn == coro).unwrap();
    assert!(first(2) < last(1), "the highest waits for the lowest too: {aging:?}");
    // Equal ones take turns.
    let equal = run(Priority::Fixed(BTreeMap::new()));
    assert_eq!(equal[..6], [0, 1, 2, 0, 1, 2]);
    // Numbers at their ends.
    let extremes = BTreeMap::from([(0, i32::MIN), (1, i32::MAX)]);
    assert_eq!(run(Priority::Fixed(extremes.clone()))[..20], [1; 20]);
    assert_eq!(run(Priority::Aging(extremes))[..20], [1; 20]);
}

#[test]
fn tokens_and_progress_decide_who_is_next() {
    let run = |policy: Policy, tokens: [u32; 3]| {
        let mut machine = setup(PAIR).config(|config| config.policy(policy)).machine();
        let mut senders = Vec::new();
        for tokens in tokens {
            let ends = machine.begin("AB");
            machine.set_tokens(ends[0], tokens).unwrap();
            let a = machine.start("a", &[chan(ends[0]), Value::U64(3)]);
            senders.push((ends, a));
        }
        machine.finish();
        let sent: Vec<u32> = machine
            .events()
            .iter()
            .filter_map(|stamped| match stamped.event {
                Event::Sent { session, .. } => Some(session.index),
                _ => None,
            })
            .collect();
        for (ends, _) in senders {
            machine.start("b", &[chan(ends[1])]);
        }
        machine.finish();
        assert_eq!(machine.charged(), 0);
        sent
    };
    let by_tokens = Policy::Priority { by: Priority::Tokens, quantum: 1 };
    assert_eq!(run(by_tokens.clone(), [0, 2, 5]), [[2; 4], [1; 4], [0; 4]].concat());
    assert_eq!(run(by_tokens, [1, 1, 1]), [0, 1, 2].repeat(4));
    // Any progress is as good as any other.
    let progress = Policy::ProgressAware { quantum: 1 };
    assert_eq!(run(progress.clone(), [0, 2, 5]), [[1, 2, 1, 2, 1, 2, 1, 2], [0; 8]].concat()[..12]);
    assert_eq!(run(progress, [0, 0, 0]), [0, 1, 2].repeat(4));
    let mut machine = setup(PAIR).machine();
    let ends = machine.begin("AB");
    machine.drop_endpoint(ends[0]).unwrap();
    machine.drop_endpoint(ends[1]).unwrap();
    assert!(matches!(machine.set_tokens(ends[0], 1), Err(SessionError::NoEndpoint(_))));
}

/// Tokens go where the endpoint goes.
#[test]
fn tokens_follow_the_endpoint() {
    let source = format!(
        "{PAIR}
.func give(c: chan(AB, A), n: u64) {{
    .reg k
    spawn &take (c) -> k
    spawn &idle () -> -
    spawn &idle () -> -
    transfer c, k, -
    halt
}}
.func take(h: handle(AB, A)) {{\noffer h, stop, -\nhalt\n}}
.func idle() {{\nyield\nyield\nhalt\n}}"
    );
    let mut machine =
        setup(&source).config(|config| config.policy(Policy::ProgressAware { quantum: 1 })).machine();
    let ends = machine.begin("AB");
    machine.set_tokens(ends[0], 1).unwrap();
    machine.start("give", &[chan(ends[0]), Value::U64(0)]);
    machine.finish();
    // The giver comes first as long as it has it, then the taker.
    let told = machine.told();
    let at = |end: &str| told.iter().position(|line| line.ends_with(end)).unwrap();
    assert!(at("(take)") < at("(idle) halted") && at("-> B stop") < at("(idle) halted"), "{told:#?}");
    assert!(at("(take) halted") < at("(idle) halted"), "{told:#?}");
}

#[test]
fn random_is_the_same_for_a_seed_and_leaves_nobody_out() {
    let run = |seed| {
        let mut machine = with(Policy::Random { seed, quantum: 1 });
        machine.start("forever", &[]);
        for _ in 0..4 {
            machine.start("polite", &[Value::U64(10)]);
        }
        while machine.coroutines() > 1 {
            let _ = machine.run(1);
        }
        (trace_hash(machine.events()), turns(machine.events()), machine.ticks())
    };
    let (a, b) = (run(1), run(1));
    assert_eq!(a, b);
    let hashes: std::collections::BTreeSet<u64> = (0..50).map(|seed| run(seed).0).collect();
    assert_eq!(hashes.len(), 50, "each seed gives an order of its own");
    for seed in 0..50 {
        let (_, turns, _) = run(seed);
        // In some order, with everybody in it early on.
        assert!((1..5).all(|coro| turns[..30].contains(&coro)), "{seed}: {turns:?}");
    }
}

/// No quantum is one instruction; a huge one is no bound.
#[test]
fn quanta_at_their_ends() {
    let run = |policy: Policy| {
        let mut machine = with(policy);
        for _ in 0..3 {
            machine.start("polite", &[Value::U64(3)]);
        }
        machine.finish();
        (machine.lines(), machine.ticks(), machine.fuel())
    };
    for (of_zero, of_one) in policies(0).into_iter().zip(policies(1)) {
        assert_eq!(run(of_zero.clone()).0, run(of_one).0, "{of_zero:?}");
    }
    for (huge, bound) in policies(u64::MAX).into_iter().zip(policies(1 << 20)) {
        assert_eq!(run(huge.clone()), run(bound), "{huge:?}");
    }
    assert_eq!(run(Policy::RoundRobin { quantum: u64::MAX }).0, run(Policy::Cooperative).0);
    // All that is done is the same whatever the schedule, and costs the same.
    let fuel = run(Policy::REFERENCE).2;
    for quantum in [0, 1, 2, 3, 5, 8, 1000, u64::MAX] {
        for policy in policies(quantum) {
            let (mut lines, _, left) = run(policy.clone());
            assert_eq!(left, fuel, "{policy:?}");
            lines.iter_mut().for_each(|line| *line = line.split_once(": ").unwrap().1.to_string());
            lines.sort_unstable();
            let mut reference = run(Policy::REFERENCE).0;
            reference.iter_mut().for_each(|line| *line = line.split_once(": ").unwrap().1.to_string());
            reference.sort_unstable();
            assert_eq!(lines, reference, "{policy:?}");
        }
    }
}

/// A text that doubles, so that single instructions cost more than a quantum; a host that charges; talk; guards.
const DEAR: &str = "
.host charge = \"env.charge\" (u64) -> (u64)
.layer turn 2
.local A = mu x. !B{item(u64). x, stop. end}
.local B = mu x. ?A{item(u64). x, stop. end}
.shape AB { A: A, B: B }
.func texts(n: u64) {
    .reg s, one, zero, more, e
    const.pool s, \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    str.concat s, s, s
    acquire turn -> e
    release turn, e
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @loop, @end
@end:
    halt
}
.func hosts(n: u64) {
    .reg one, zero, more, e, x
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    acquire turn -> e
    host_call charge (n) -> x
    release turn, e
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @loop, @end
@end:
    halt
}
.func a(c: chan(AB, A), n: u64) {
    .reg one, zero, more
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    u64.gt more, n, zero
    br more, @item, @stop
@item:
    offer c, item, n
    call &sub (n, one) -> n
    jmp @loop
@stop:
    offer c, stop, -
    halt
}
.func sub(n: u64, one: u64) -> (m: u64) {
    .reg m
    u64.sub m, n, one
    ret m
}
.func b(c: chan(AB, B), id: epid, s: str) {
    .reg v, t, k
    tuple.new t, (id, s)
    jmp @loop
@loop:
    tag t -> k
    check t, s -> k
    choose c, [item, stop], (v, r0), (@loop, @stop)
@stop:
    halt
}
";

fn dear(module: &Module, policy: Policy, fuel: u64) -> SessionMachine<(), NoEffects> {
    let mut linker = Linker::new();
    let charge = |caller: &mut Caller<'_, ()>, n: u64| {
        caller.charge(n * 7);
        n
    };
    linker.func("env.charge", Capability::none(), charge).unwrap();
    let instance = linker.instantiate(module, (), &Capabilities::none()).unwrap();
    let config = SessionConfig::new().policy(policy).observe(Observe::Trace);
    let mut machine = SessionMachine::new(instance, NoEffects, config, Limits::new().fuel(fuel)).unwrap();
    let ends = machine.begin("AB");
    machine.start("texts", &[Value::U64(7)]);
    machine.start("a", &[chan(ends[0]), Value::U64(6)]);
    machine.start("hosts", &[Value::U64(5)]);
    machine.start("b", &[chan(ends[1]), Value::Epid(ends[1]), Value::Str("B".repeat(300))]);
    machine
}

/// Fuel that runs out, at whatever place and however often, changes nothing of what happens: events, ticks, fuel used.
#[test]
fn running_out_of_fuel_and_going_on_changes_nothing() {
    let module = Module::new(&Engine::default(), &verified(DEAR, false)).unwrap();
    let all = 1 << 40;
    for quantum in [1, 2, 5, 17, 64, 300, u64::MAX] {
        for policy in policies(quantum) {
            let mut machine = dear(&module, policy.clone(), all);
            machine.finish();
            let (events, ticks, used) = (machine.events().to_vec(), machine.ticks(), all - machine.fuel());
            let finished = |machine: &SessionMachine<(), NoEffects>, what: &str| {
                assert_eq!(machine.events(), events, "{policy:?}, {what}\n{}", machine.lines().join("\n"));
                assert_eq!((machine.ticks(), machine.fuel()), (ticks, 0), "{policy:?}, {what}");
            };
            // Once, at every place; fewer of them where policies and quanta are many.
            let step = if quantum == 5 || quantum == 64 { 1 } else { 13 };
            for first in (0..=used).step_by(step) {
                let mut machine = dear(&module, policy.clone(), first);
                if first < used {
                    let status = machine.run(u64::MAX);
                    assert!(matches!(status, RunStatus::OutOfFuel), "{policy:?}, {first}: {status:?}");
                    // Asking again without more does nothing.
                    let before = (machine.ticks(), machine.events().len());
                    assert!(matches!(machine.run(u64::MAX), RunStatus::OutOfFuel));
                    assert_eq!((machine.ticks(), machine.events().len()), before);
                    machine.add_fuel(used - first);
                }
                machine.finish();
                finished(&machine, &format!("fuel {first} first"));
            }
            // In small portions all the way.
            for portion in [1, 2, 3, 50] {
                let mut machine = dear(&module, policy.clone(), 0);
                let mut given = 0;
                loop {
                    match machine.run(u64::MAX) {
                        RunStatus::OutOfFuel => {
                            let more = portion.min(used - given);
                            assert!(more > 0, "{policy:?}: more than {used} is asked for");
                            machine.add_fuel(more);
                            given += more;
                        }
                        RunStatus::AllDone => break,
                        status => panic!("{status:?}"),
                    }
                }
                finished(&machine, &format!("portions of {portion}"));
            }
        }
    }
}

/// A reference slice is one instruction, also where that is dear.
#[test]
fn a_dear_instruction_is_a_slice_of_its_own() {
    let source = "
.func main(n: u64) {
    .reg s
    const.pool s, \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"
    str.concat s, s, s
    str.concat s, s, s
    str.concat s, s, s
    u64.add n, n, n
    u64.add n, n, n
    u64.add n, n, n
    halt
}";
    for quantum in [1, 2] {
        let policy = Policy::RoundRobin { quantum };
        let mut machine = setup(source).config(|config| config.policy(policy)).machine();
        let main = machine.start("main", &[Value::U64(1)]);
        let mut at = Vec::new();
        while machine.coroutines() > 0 {
            at.push(machine.at(main).1);
            let _ = machine.run(1);
        }
        // The constants' word, three concatenations of 3, 5 and 9, three additions, the end.
        let expected: &[u32] = if quantum == 1 { &[0, 1, 2, 3, 4, 5, 6, 7] } else { &[0, 1, 2, 3, 4, 6] };
        assert_eq!(at, expected, "quantum {quantum}");
    }
    // One that costs more than there is ends the run, and does not spin.
    for policy in policies(1) {
        let mut machine =
            setup(source).config(|config| config.policy(policy)).limits(|limits| limits.fuel(5)).machine();
        machine.start("main", &[Value::U64(1)]);
        assert!(matches!(machine.run(u64::MAX), RunStatus::OutOfFuel));
        assert!(machine.ticks() < 5);
    }
}

/// What a host charges is the machine's to pay, whatever is left of the slice.
#[test]
fn what_hosts_charge_is_paid_for() {
    let source = "
.host charge = \"env.charge\" (u64) -> (u64)
.func main(n: u64) {
    .reg x
    host_call charge (n) -> x
    halt
}";
    let module = Module::new(&Engine::default(), &verified(source, false)).unwrap();
    let mut linker = Linker::new();
    let charge = |caller: &mut Caller<'_, ()>, n: u64| {
        caller.charge(n);
        n
    };
    linker.func("env.charge", Capability::none(), charge).unwrap();
    for policy in policies(1).into_iter().chain(policies(100)) {
        let instance = linker.instantiate(&module, (), &Capabilities::none()).unwrap();
        let config = SessionConfig::new().policy(policy.clone());
        let limits = Limits::new().fuel(10_000);
        let mut machine = SessionMachine::new(instance, NoEffects, config, limits).unwrap();
        machine.start("main", &[Value::U64(5_000)]);
        machine.finish();
        assert_eq!(machine.fuel(), 10_000 - 5_002, "{policy:?}");
        // More than there is: the rest is owed, and what comes pays it first.
        machine.start("main", &[Value::U64(5_000)]);
        assert!(matches!(machine.run(u64::MAX), RunStatus::OutOfFuel), "{policy:?}");
        assert_eq!(machine.fuel(), 0);
        machine.add_fuel(3);
        assert_eq!(machine.fuel(), 0);
        machine.add_fuel(1);
        machine.finish();
        assert_eq!(machine.fuel(), 0, "{policy:?}");
    }
}

/// A flag of another thread stops a run between instructions; the run goes on as if nothing had happened.
#[test]
fn interrupts_stop_and_change_nothing() {
    let module = Module::new(&Engine::default(), &verified(DEAR, false)).unwrap();
    let all = 1 << 40;
    for policy in policies(9) {
        let mut machine = dear(&module, policy.clone(), all);
        machine.finish();
        let (events, used) = (machine.events().to_vec(), machine.fuel());
        let mut machine = dear(&module, policy.clone(), all);
        let flag = InterruptHandle::new();
        machine.set_interrupt(flag.clone());
        for n in 0.. {
            flag.interrupt();
            for _ in 0..2 {
                assert!(matches!(machine.run(u64::MAX), RunStatus::Interrupted), "{policy:?}");
            }
            flag.clear();
            if machine.coroutines() == 0 || !matches!(machine.run(1 + n % 3), RunStatus::MaxTicks) {
                break;
            }
        }
        assert_eq!((machine.events(), machine.fuel()), (&*events, used), "{policy:?}");
    }
    // From another thread, one that never ends.
    let mut machine = with(Policy::Cooperative);
    machine.start("forever", &[]);
    let flag = InterruptHandle::new();
    machine.set_interrupt(flag.clone());
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        flag.interrupt();
    });
    assert!(matches!(machine.run(u64::MAX), RunStatus::Interrupted));
    stopper.join().unwrap();
    assert_eq!(machine.ticks(), 1);
}
