//! `send`, `receive`, `offer`, `choose`.

use super::session_support::{Drive, assert_trap, chan, owner, refused, setup};
use opforge_vm::ids::Reg;
use opforge_vm::program::EdgePolicy;
use opforge_vm::session::{
    BlockReason, Datum, EdgeOverride, OnTrap, RunStatus, SessionConfig, SessionStatus,
};
use opforge_vm::{Limits, SessionFault, TrapCode, Value};
use std::collections::VecDeque;

/// One message there and one back.
pub(crate) const PINGS: &str = "
.local Ping = !Pong{ping(i64). ?Pong{pong(str). end}}
.local Pong = ?Ping{ping(i64). !Ping{pong(str). end}}
.shape Pings { Ping: Ping, Pong: Pong }
.func ping(c: chan(Pings, Ping), n: i64) {
    .reg s
    send c, n
    receive c -> s
    halt
}
.func pong(c: chan(Pings, Pong), s: str) {
    .reg n
    receive c -> n
    send c, s
    halt
}
";

/// Numbers one after the other, until `stop`.
pub(crate) const STREAM: &str = "
.local Source = mu x. !Sink{item(u64). x, stop. end}
.local Sink = mu x. ?Source{item(u64). x, stop. end}
.shape Stream { Source: Source, Sink: Sink }
.func source(c: chan(Stream, Source), n: u64) {
    .reg one, i, more
    const.u64 one, 1
    const.u64 i, 0
    jmp @loop
@loop:
    u64.lt more, i, n
    br more, @item, @stop
@item:
    offer c, item, i
    u64.add i, i, one
    jmp @loop
@stop:
    offer c, stop, -
    halt
}
.func sink(c: chan(Stream, Sink)) {
    .reg sum, item
    const.u64 sum, 0
    jmp @loop
@loop:
    choose c, [item, stop], (item, r0), (@item, @stop)
@item:
    u64.add sum, sum, item
    jmp @loop
@stop:
    halt
}
";

pub(crate) fn edges(
    policy: EdgePolicy,
    capacity: u32,
    max: u32,
) -> impl FnOnce(SessionConfig) -> SessionConfig {
    move |config| config.edges(Some(EdgeOverride { policy, capacity, max }))
}

#[test]
pub(crate) fn send_and_receive_carry_a_value() {
    let mut machine = setup(PINGS).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("Pings");
    let ping = machine.start("ping", &[chan(ends[0]), Value::I64(-7)]);
    let pong = machine.start("pong", &[chan(ends[1]), Value::from("thanks")]);
    let before = machine.fuel();
    machine.finish();
    assert_eq!(
        machine.lines(),
        [
            "0: #0 opened Pings (Ping, Pong)",
            "1: #0 Ping -> Pong ping",
            "2: #0 Pong <- Ping ping",
            // Coroutine 0 tries to receive at tick 3 and waits.
            "4: #0 Pong -> Ping pong",
            "5: coroutine 1 (pong) halted",
            "6: #0 Ping <- Pong pong",
            "7: coroutine 0 (ping) halted",
        ]
    );
    assert_eq!(machine.register(pong, Reg(3)), Some(Value::I64(-7)));
    assert_eq!(machine.register(ping, Reg(3)), Some(Value::from("thanks")));
    assert_eq!(before - machine.fuel(), 6, "what waits costs nothing");
    assert_eq!(machine.ticks(), 7);
    assert_eq!(machine.session(ends[0].session_id()), None, "nobody has an end of it any more");
}

#[test]
pub(crate) fn send_waits_for_room_and_costs_nothing_meanwhile() {
    let mut machine = setup(STREAM).config(edges(EdgePolicy::Block, 2, 2)).machine();
    let ends = machine.begin("Stream");
    let source = machine.start("source", &[chan(ends[0]), Value::U64(3)]);
    let report = machine.stuck();
    assert_eq!(report.blocked.len(), 1);
    assert_eq!(report.blocked[0].why, BlockReason::Send { session: ends[0].session_id(), from: 0, to: 1 });
    assert_eq!((machine.at(source), report.blocked[0].pc), (("source".into(), 5), machine.pc("source", 5)));
    assert_eq!(machine.queue(ends[0], 0, 1), 2);
    let fuel = machine.fuel();
    for _ in 0..3 {
        machine.stuck();
    }
    assert_eq!((machine.fuel(), machine.queue(ends[0], 0, 1)), (fuel, 2));
    machine.start("sink", &[chan(ends[1])]);
    machine.finish();
    let told = machine.told();
    assert_eq!(told.iter().filter(|line| line.ends_with("-> Sink item")).count(), 3);
    assert_eq!(told.iter().filter(|line| line.ends_with("<- Source item")).count(), 3);
}

/// What an edge that is full does is up to its policy.
#[test]
pub(crate) fn send_to_a_full_edge_goes_by_its_policy() {
    // Error: the third message traps. The two are there, and so is the state.
    let mut machine =
        setup(STREAM).config(edges(EdgePolicy::Error, 2, 2)).config(|c| c.on_trap(OnTrap::Isolate)).machine();
    let ends = machine.begin("Stream");
    let source = machine.start("source", &[chan(ends[0]), Value::U64(9)]);
    let left = machine.left(ends[0]);
    let found = machine.trap();
    let full = |capacity| (TrapCode::BufferFull, Some(SessionFault::Full { capacity }));
    assert_trap(&machine, &found, full(2), ("source", 5));
    assert_eq!(found.coro, source);
    assert_eq!((machine.queue(ends[0], 0, 1), machine.left(ends[0])), (2, left));
    assert_eq!(machine.session(ends[0].session_id()), Some((SessionStatus::Active, 0)));
    // Those that were sent arrive all the same.
    machine.start("sink", &[chan(ends[1])]);
    assert_eq!(machine.stuck().blocked.len(), 1);
    assert_eq!(machine.told().iter().filter(|line| line.ends_with("chose item")).count(), 2);

    // Resize: the edge doubles up to its bound, then traps.
    let mut machine = setup(STREAM).config(edges(EdgePolicy::Resize, 2, 5)).machine();
    let ends = machine.begin("Stream");
    machine.start("source", &[chan(ends[0]), Value::U64(9)]);
    let found = machine.trap();
    assert_trap(&machine, &found, full(5), ("source", 5));
    assert_eq!(machine.told().iter().filter(|line| line.ends_with("-> Sink item")).count(), 5);

    // Drop and latest: the sender goes on, messages are lost.
    for (policy, items, sum) in [(EdgePolicy::Drop, 2, 1), (EdgePolicy::Latest, 0, 0)] {
        let mut machine =
            setup(STREAM).config(edges(policy, 2, 2)).config(|c| c.keep_registers(true)).machine();
        let ends = machine.begin("Stream");
        machine.start("source", &[chan(ends[0]), Value::U64(4)]);
        machine.finish();
        let sink = machine.start("sink", &[chan(ends[1])]);
        let status = machine.run(1000);
        let received = machine.told().iter().filter(|line| line.ends_with("<- Source item")).count();
        assert_eq!(received, items, "{policy:?}");
        assert_eq!(machine.register(sink, Reg(2)), Some(Value::U64(sum)));
        match (policy, status) {
            // The stop was lost, so the sink waits for ever.
            (EdgePolicy::Drop, RunStatus::Stuck(report)) => assert_eq!(report.lossy.len(), 1),
            (EdgePolicy::Latest, RunStatus::AllDone) => {}
            (_, status) => panic!("{policy:?}: {status:?}"),
        }
    }
}

/// An end of a session that another party has closed, in every state of waiting for it.
#[test]
pub(crate) fn send_and_receive_on_a_closed_session_trap() {
    let closer = format!("{PINGS}\n.func closer(c: chan(Pings, Pong)) {{\nclose c\nhalt\n}}");
    // Before the send, and while the other waits to receive.
    for (ticks, instr) in [(0, 0), (2, 1)] {
        let mut machine = setup(&closer).machine();
        let ends = machine.begin("Pings");
        let ping = machine.start("ping", &[chan(ends[0]), Value::I64(1)]);
        if ticks == 0 {
            machine.pause(ping).unwrap();
        }
        let _ = machine.run(ticks);
        machine.start("closer", &[chan(ends[1])]);
        if ticks == 0 {
            machine.stuck();
            machine.resume(ping).unwrap();
        }
        let found = machine.trap();
        let closed = (TrapCode::ChannelClosed, Some(SessionFault::Closed(ends[0])));
        assert_trap(&machine, &found, closed, ("ping", instr));
        machine.finish();
        assert_eq!(machine.charged(), 0);
    }
    // While it waits for room.
    let source = format!("{STREAM}\n.func closer(c: chan(Stream, Sink)) {{\nclose c\nhalt\n}}");
    let mut machine = setup(&source).config(edges(EdgePolicy::Block, 1, 1)).machine();
    let ends = machine.begin("Stream");
    machine.start("source", &[chan(ends[0]), Value::U64(3)]);
    machine.stuck();
    machine.start("closer", &[chan(ends[1])]);
    let found = machine.trap();
    let closed = (TrapCode::ChannelClosed, Some(SessionFault::Closed(ends[0])));
    assert_trap(&machine, &found, closed, ("source", 5));
    assert_eq!(machine.charged(), 0);
}

/// Code that no verifier has seen: every misuse of an endpoint is found when it happens, and changes nothing.
#[test]
pub(crate) fn send_and_receive_check_the_state_of_the_endpoint() {
    let wrong = |lines: &str| {
        format!(
            "{STREAM}{PINGS}
.func wrong(c: chan(Pings, Ping), i: i64, s: str, k: chan(Stream, Source), u: u64) {{\n{lines}\n halt\n}}"
        )
    };
    type Fault = fn(opforge_vm::EndpointId, opforge_vm::EndpointId) -> SessionFault;
    let cases: [(&str, TrapCode, Fault); 7] = [
        ("receive c -> r6", TrapCode::TypeViolation, |c, _| SessionFault::NotReceiving(c)),
        ("choose c, [ping], (r6), (@a)\n@a:", TrapCode::TypeViolation, |c, _| SessionFault::NotReceiving(c)),
        ("send k, u", TrapCode::TypeViolation, |_, k| SessionFault::SeveralLabels(k)),
        ("offer c, item, i", TrapCode::UnknownLabel, |_, _| SessionFault::Label { label: "item".into() }),
        ("offer k, ping, u", TrapCode::UnknownLabel, |_, _| SessionFault::Label { label: "ping".into() }),
        ("send c, s", TrapCode::TypeViolation, |_, _| SessionFault::Payload { label: "ping".into() }),
        ("offer k, item, -", TrapCode::TypeViolation, |_, _| SessionFault::Payload { label: "item".into() }),
    ];
    for (line, code, fault) in cases {
        assert!(!refused(&wrong(line)).is_empty(), "{line}");
        let mut machine = setup(&wrong(line)).unchecked().config(|c| c.on_trap(OnTrap::Isolate)).machine();
        let (pings, stream) = (machine.begin("Pings"), machine.begin("Stream"));
        let (c, k) = (pings[0], stream[0]);
        let args = [chan(c), Value::I64(1), Value::from("s"), chan(k), Value::U64(2)];
        let coro = machine.start("wrong", &args);
        let before = (machine.left(c), machine.left(k), machine.fuel());
        let found = machine.trap();
        assert_trap(&machine, &found, (code, Some(fault(c, k))), ("wrong", 0));
        assert_eq!(found.coro, coro, "{line}");
        assert_eq!((machine.left(c), machine.left(k), machine.fuel() + 1), before, "{line}");
        assert_eq!((machine.queue(c, 0, 1), machine.queue(k, 0, 1)), (0, 0), "{line}");
        assert_eq!(
            machine.told().last().unwrap(),
            &format!("coroutine 0 (wrong) failed: T{:03} {}", code.code(), code.name())
        );
    }
}

/// A coroutine whose endpoint is another's uses it in vain.
#[test]
pub(crate) fn send_needs_the_ownership() {
    let source = format!(
        "{PINGS}
.func twice(c: chan(Pings, Ping), n: i64, s: str) {{
    spawn &ping (c, n) -> -
    yield
    send c, n
    halt
}}"
    );
    assert_eq!(refused(&source)[0], "V1202");
    let mut machine = setup(&source).unchecked().machine();
    let ends = machine.begin("Pings");
    machine.start("twice", &[chan(ends[0]), Value::I64(1), Value::from("")]);
    let found = machine.trap();
    let not_owned = (TrapCode::ChannelClosed, Some(SessionFault::NotOwned(ends[0])));
    assert_trap(&machine, &found, not_owned, ("twice", 2));
    assert_eq!(owner(&machine, ends[0]).index, 1);
    machine.start("pong", &[chan(ends[1]), Value::from("ok")]);
    machine.finish();
    assert_eq!(machine.told().iter().filter(|line| line.ends_with("halted")).count(), 2);
}

/// Who receives another label or payload than is sent finds out, and the message stays where it is.
#[test]
pub(crate) fn receive_and_choose_take_only_what_fits() {
    // Each party follows its type; the types do not fit together, which nobody has asked about.
    let source = |local: &str, lines: &str| {
        format!(
            "
.local A = !B{{x(i64). end}}
.local B = {local}
.shape AB {{ A: A, B: B }}
.func a(c: chan(AB, A), i: i64) {{\nsend c, i\nhalt\n}}
.func b(c: chan(AB, B)) {{\n.reg v, w\n{lines}\n}}"
        )
    };
    let unknown = || (TrapCode::UnknownLabel, SessionFault::Label { label: "x".into() });
    let payload = || (TrapCode::TypeViolation, SessionFault::Payload { label: "x".into() });
    let cases = [
        ("?A{y(i64). end}", "receive c -> v\nhalt", false, unknown()),
        ("?A{x(u64). end}", "receive c -> v\nhalt", false, payload()),
        ("?A{y(i64). end, z. end}", "choose c, [y, z], (v, r0), (@e, @e)\n@e:\nhalt", false, unknown()),
        ("?A{x(u64). end, z. end}", "choose c, [x, z], (v, r0), (@e, @e)\n@e:\nhalt", false, payload()),
        // The state has the label, the table does not.
        ("?A{x(i64). end, z. end}", "choose c, [z], (r0), (@e)\n@e:\nhalt", true, unknown()),
        // The state has a choice, and the instruction is for none.
    ];
    for (local, lines, unchecked, (code, fault)) in cases {
        let setup = setup(&source(local, lines)).config(|c| c.on_trap(OnTrap::Isolate));
        let mut machine = if unchecked { setup.unchecked().machine() } else { setup.machine() };
        let ends = machine.begin("AB");
        machine.start("a", &[chan(ends[0]), Value::I64(5)]);
        machine.finish();
        machine.start("b", &[chan(ends[1])]);
        let left = machine.left(ends[1]);
        let found = machine.trap();
        assert_trap(&machine, &found, (code, Some(fault)), ("b", 0));
        assert_eq!((machine.queue(ends[1], 0, 1), machine.left(ends[1])), (1, left), "{local}");
        assert!(!machine.told().iter().any(|line| line.contains("<-")), "{local}");
    }
    let source = source("?A{x(i64). end, z. end}", "receive c -> v\nhalt");
    let mut machine = setup(&source).unchecked().machine();
    let ends = machine.begin("AB");
    machine.start("b", &[chan(ends[1])]);
    let found = machine.trap();
    let several = (TrapCode::TypeViolation, Some(SessionFault::SeveralLabels(ends[1])));
    assert_trap(&machine, &found, several, ("b", 0));
}

#[test]
pub(crate) fn offer_and_choose_agree_on_the_label() {
    let mut machine = setup(STREAM).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("Stream");
    let source = machine.start("source", &[chan(ends[0]), Value::U64(2)]);
    let sink = machine.start("sink", &[chan(ends[1])]);
    let fuel = machine.fuel();
    machine.finish();
    assert_eq!(
        machine.told()[1..],
        [
            "#0 Source -> Sink item",
            "#0 Source -> Sink offered item",
            "#0 Sink <- Source item",
            "#0 Sink <- Source chose item",
            "#0 Source -> Sink item",
            "#0 Source -> Sink offered item",
            "#0 Sink <- Source item",
            "#0 Sink <- Source chose item",
            "#0 Source -> Sink stop",
            "#0 Source -> Sink offered stop",
            "coroutine 0 (source) halted",
            "#0 Sink <- Source stop",
            "#0 Sink <- Source chose stop",
            "coroutine 1 (sink) halted",
        ]
    );
    // Sent and offered are one instruction: the same tick.
    let ticks: Vec<u64> = machine.events().iter().map(|stamped| stamped.tick).collect();
    assert!(ticks[1..11].chunks(2).all(|pair| pair[0] == pair[1]), "{ticks:?}");
    assert_eq!(machine.register(sink, Reg(2)), Some(Value::U64(1)));
    assert_eq!(machine.at(source), ("source".into(), 9));
    // 3 + 5 a turn + 2 + 2, and 2 + 3 a turn + 2.
    assert_eq!(fuel - machine.fuel(), (3 + 10 + 4) + (2 + 6 + 2));
}

/// Not every label leads to the same place, nor to where it stands in the table.
#[test]
pub(crate) fn choose_goes_where_its_table_says() {
    let source = "
.local A = !B{one(u64). end, two(str). end, three. end}
.local B = ?A{one(u64). end, two(str). end, three. end}
.shape AB { A: A, B: B }
.func one(c: chan(AB, A), u: u64) {\noffer c, one, u\nhalt\n}
.func two(c: chan(AB, A), s: str) {\noffer c, two, s\nhalt\n}
.func three(c: chan(AB, A)) {\noffer c, three, -\nhalt\n}
.func b(c: chan(AB, B)) {
    .reg u, s, n, len
    const.u64 n, 0
    choose c, [three, one, two], (r0, u, s), (@three, @one, @two)
@one:
    const.u64 n, 100
    u64.add n, n, u
    halt
@two:
    str.len len, s
    u64.add n, n, len
    halt
@three:
    const.u64 n, 3
    halt
}
";
    for (name, arg, n) in
        [("one", Some(Value::U64(5)), 105), ("two", Some(Value::from("four")), 4), ("three", None, 3)]
    {
        let mut machine = setup(source).config(|config| config.keep_registers(true)).machine();
        let ends = machine.begin("AB");
        let args: Vec<Value> = [chan(ends[0])].into_iter().chain(arg).collect();
        machine.start(name, &args);
        let b = machine.start("b", &[chan(ends[1])]);
        machine.finish();
        assert_eq!(machine.register(b, Reg(4)), Some(Value::U64(n)), "{name}");
    }
}

/// What a message carries arrives as it was sent: each class of values.
#[test]
pub(crate) fn every_class_of_values_travels() {
    let nan = f64::from_bits(0xfff0_dead_beef_0001);
    assert!(nan.is_nan());
    let values = [
        ("bool", Value::Bool(true)),
        ("i64", Value::I64(i64::MIN)),
        ("u64", Value::U64(u64::MAX)),
        ("f64", Value::F64(-0.0)),
        ("decimal", Value::Decimal(opforge_vm::sem::Decimal { mantissa: -12345, scale: 3 })),
        ("bytes", Value::Bytes(vec![0, 255, 7])),
        ("str", Value::from("naïve \0 text")),
        ("obj(7)", Value::Obj { host_type: 7, handle: 99 }),
        ("func", Value::Func(opforge_vm::ids::FuncId(1))),
        ("coro", Value::Coro(opforge_vm::CoroId { index: 3, generation: 4 })),
        ("f64", Value::F64(nan)),
    ];
    for (class, value) in values {
        let source = format!(
            "
.local A = !B{{x({class}). end}}
.local B = ?A{{x({class}). end}}
.shape AB {{ A: A, B: B }}
.func a(c: chan(AB, A), v: {class}) {{\nsend c, v\nhalt\n}}
.func b(c: chan(AB, B)) {{\n.reg v\nreceive c -> v\nhalt\n}}"
        );
        let mut machine = setup(&source).config(|config| config.keep_registers(true)).machine();
        let ends = machine.begin("AB");
        machine.start("a", &[chan(ends[0]), value.clone()]);
        let b = machine.start("b", &[chan(ends[1])]);
        machine.finish();
        let found = machine.register(b, Reg(2)).unwrap();
        match (value, found) {
            (Value::F64(a), Value::F64(b)) if a.is_nan() => {
                assert_eq!(b.to_bits(), opforge_vm::CANONICAL_NAN_BITS);
            }
            (Value::F64(a), Value::F64(b)) => assert_eq!(a.to_bits(), b.to_bits()),
            (value, found) => assert_eq!(value, found),
        }
    }
}

/// Tuples in tuples and closures are shared, not copied: what arrives is the very value.
#[test]
pub(crate) fn aggregates_and_closures_travel() {
    let source = "
.local A = !B{pair(tuple(i64, tuple(str, decimal))). !B{code(closure). end}}
.local B = ?A{pair(tuple(i64, tuple(str, decimal))). ?A{code(closure). end}}
.shape AB { A: A, B: B }
.func a(c: chan(AB, A), i: i64, d: decimal) {
    .reg s, inner, outer, env, code, add
    const.pool s, \"text\"
    tuple.new inner, (s, d)
    tuple.new outer, (i, inner)
    send c, outer
    tuple.new env, (i)
    const.func add, &add
    closure.new code, add, env
    send c, code
    halt
}
.func b(c: chan(AB, B)) {
    .reg outer, inner, i, s, d, code, r
    receive c -> outer
    tuple.get i, outer, 0
    tuple.get inner, outer, 1
    tuple.get s, inner, 0
    tuple.get d, inner, 1
    receive c -> code
    halt
}
.func add(env: agg, x: i64) -> (i64) {
    ret x
}
";
    let decimal = Value::Decimal(opforge_vm::sem::Decimal { mantissa: 5, scale: 1 });
    let mut machine = setup(source).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("AB");
    machine.start("a", &[chan(ends[0]), Value::I64(4), decimal.clone()]);
    let b = machine.start("b", &[chan(ends[1])]);
    machine.finish();
    let heap = machine.instance().heap();
    let outer = Datum::from_value(&machine.register(b, Reg(2)).unwrap(), heap, 1000).unwrap();
    let inner = Datum::Tuple(Box::new([
        Datum::Str("text".into()),
        Datum::Decimal(opforge_vm::sem::Decimal { mantissa: 5, scale: 1 }),
    ]));
    assert_eq!(outer, Datum::Tuple(Box::new([Datum::I64(4), inner])));
    assert_eq!(machine.register(b, Reg(6)), Some(decimal));
    let code = Datum::from_value(&machine.register(b, Reg(7)).unwrap(), heap, 1000).unwrap();
    assert_eq!(code, Datum::Closure(machine.func("add"), Box::new(Datum::Tuple(Box::new([Datum::I64(4)])))));
}

/// Room for messages counts as memory: where there is none, the sender traps, and nothing is sent.
#[test]
pub(crate) fn send_stays_within_the_memory_limit() {
    let mut limit = 0;
    let mut traps = 0;
    for extra in 0..200 {
        let memory = if extra == 0 { 1 << 20 } else { limit + 8 * (extra - 1) };
        let mut machine = setup(STREAM)
            .limits(|limits: Limits| limits.memory(memory))
            .config(|config| config.on_trap(OnTrap::Isolate))
            .machine();
        let ends = machine.begin("Stream");
        machine.start("source", &[chan(ends[0]), Value::U64(20)]);
        if extra == 0 {
            limit = machine.charged();
            continue;
        }
        let sent = |told: Vec<String>| told.iter().filter(|line| line.contains("Sink item")).count() as u32;
        match machine.run(1 << 20) {
            RunStatus::Trapped(found) => {
                traps += 1;
                assert_trap(&machine, &found, (TrapCode::MemoryLimitExceeded, None), found_at(&found));
                let sent = sent(machine.told());
                assert_eq!(machine.queue(ends[0], 0, 1), sent, "as many as were sent");
            }
            RunStatus::AllDone => assert_eq!(machine.queue(ends[0], 0, 1), 21),
            status => panic!("{status:?}"),
        }
        assert!(machine.charged() <= memory);
    }
    assert!(traps > 10 && traps < 199, "{traps}");

    fn found_at(found: &opforge_vm::session::CoroTrap) -> (&'static str, u32) {
        let _ = found;
        ("source", 5)
    }
}

/// Outside of a machine nobody talks.
#[test]
pub(crate) fn communication_needs_a_machine() {
    use super::session_support::module;
    use opforge_vm::{Capabilities, Linker, Outcome, TrapDetail};
    let module = module(PINGS, false);
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none()).unwrap();
    let func = instance.program().func_by_name("ping").unwrap();
    let mut execution = instance.execution(Limits::new());
    let endpoint = opforge_vm::EndpointId { session: 0, generation: 0, role: 0 };
    execution.start(func, &[chan(endpoint), Value::I64(0)]).unwrap();
    let Outcome::Trapped(trap) = execution.resume() else { panic!("no trap") };
    assert_eq!((trap.code, trap.detail.clone(), trap.at().pc), (TrapCode::NoSession, TrapDetail::None, 0));
    let _ = VecDeque::<u8>::new();
}
