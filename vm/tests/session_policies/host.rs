//! What the host may do between slices, and how it is asked, under every policy.

use super::*;

/// A paused coroutine keeps its place, its messages and its turn, and has none until it is resumed.
#[test]
fn pausing_keeps_everything_in_place() {
    for policy in policies(2) {
        let mut machine = setup(PAIR).config(|config| config.policy(policy.clone())).machine();
        let ends = machine.begin("AB");
        let a = machine.start("a", &[chan(ends[0]), Value::U64(3)]);
        let b = machine.start("b", &[chan(ends[1])]);
        machine.pause(b).unwrap();
        machine.pause(b).unwrap();
        let report = machine.stuck();
        let why: Vec<_> = report.blocked.iter().map(|blocked| blocked.coro).collect();
        assert_eq!(why, [b], "{policy:?}: {report}");
        assert!(report.to_string().contains("wait") || report.to_string().contains("resume"), "{report}");
        assert_eq!(machine.queue(ends[0], 0, 1), 4);
        assert!(matches!(machine.pause(a), Err(SessionError::NoCoroutine(id)) if id == a));
        machine.resume(b).unwrap();
        machine.resume(b).unwrap();
        machine.finish();
        assert!(matches!(machine.resume(b), Err(SessionError::NoCoroutine(_))));
        assert_eq!(machine.charged(), 0);
    }
    // While it waits: it wakes only when it is resumed.
    let mut machine = setup(PAIR).machine();
    let ends = machine.begin("AB");
    let b = machine.start("b", &[chan(ends[1])]);
    machine.stuck();
    machine.pause(b).unwrap();
    machine.start("a", &[chan(ends[0]), Value::U64(1)]);
    machine.stuck();
    assert_eq!(machine.queue(ends[0], 0, 1), 2);
    machine.resume(b).unwrap();
    machine.finish();
    // In the middle of a slice that fuel has stopped.
    let mut machine = setup(TURNS)
        .config(|config| config.policy(Policy::RoundRobin { quantum: 1000 }))
        .limits(|limits| limits.fuel(5))
        .machine();
    let first = machine.start("polite", &[Value::U64(1)]);
    machine.start("polite", &[Value::U64(1)]);
    assert!(matches!(machine.run(u64::MAX), RunStatus::OutOfFuel));
    machine.pause(first).unwrap();
    machine.add_fuel(1000);
    machine.stuck();
    assert_eq!(turns(machine.events()), [0, 1]);
    assert_eq!(machine.coroutines(), 1);
    machine.resume(first).unwrap();
    machine.finish();
}

/// The host may put messages on edges that are expected and have room; who waits for them wakes.
#[test]
fn the_host_injects_what_is_expected() {
    let mut machine = setup(PAIR).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("AB");
    let (item, stop) = (machine.label("item"), machine.label("stop"));
    let b = machine.start("b", &[chan(ends[1])]);
    machine.stuck();
    assert!(matches!(machine.inject(ends[0], item, &Value::U64(1)), Err(SessionError::NotReceiving(_))));
    assert!(matches!(machine.inject(ends[1], item, &Value::I64(1)), Err(SessionError::Argument { .. })));
    assert!(matches!(machine.inject(ends[1], stop, &Value::U64(1)), Err(SessionError::Argument { .. })));
    let nowhere = opforge_vm::protocol::LabelId(999);
    assert!(matches!(machine.inject(ends[1], nowhere, &Value::Unit), Err(SessionError::NoLabel(..))));
    assert_eq!(machine.queue(ends[1], 0, 1), 0);
    for n in 0..64 {
        machine.inject(ends[1], item, &Value::U64(n)).unwrap();
    }
    assert!(matches!(machine.inject(ends[1], item, &Value::U64(1)), Err(SessionError::NoRoom(_))));
    machine.stuck();
    assert_eq!(machine.register(b, Reg(2)), Some(Value::U64(63)));
    machine.inject(ends[1], stop, &Value::Unit).unwrap();
    machine.finish();
    assert!(matches!(machine.inject(ends[1], item, &Value::U64(1)), Err(SessionError::NotReceiving(_))));
    // The sender's state is as it was.
    assert!(!machine.is_done(ends[0]));
    machine.drop_endpoint(ends[0]).unwrap();
}

/// A tuple that a host hands in has the shape that the message declares, or is refused.
#[test]
fn the_host_keeps_to_the_shape_of_tuples() {
    let source = "
.local A = !B{pair(tuple(i64, str)). end}
.local B = ?A{pair(tuple(i64, str)). end}
.shape AB { A: A, B: B }
.func a(c: chan(AB, A), i: i64, s: str) {\n.reg t\ntuple.new t, (i, s)\nsend c, t\nhalt\n}
.func b(c: chan(AB, B)) {\n.reg t, i, s\nreceive c -> t\ntuple.get i, t, 0\ntuple.get s, t, 1\nhalt\n}";
    let mut machine = setup(source).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("AB");
    let pair = machine.label("pair");
    let b = machine.start("b", &[chan(ends[1])]);
    let wrong = [
        vec![Value::from("s"), Value::I64(1)],
        vec![Value::I64(1)],
        vec![Value::I64(1), Value::from("s"), Value::Unit],
        vec![],
    ];
    for parts in wrong {
        let tuple = machine.heap_mut().new_tuple(&parts).unwrap();
        let refused = machine.inject(ends[1], pair, &Value::Agg(tuple));
        assert!(matches!(refused, Err(SessionError::Argument { .. })), "{parts:?}: {refused:?}");
    }
    let nothing = machine.inject(ends[1], pair, &Value::Agg(opforge_vm::AggRef::INVALID));
    assert!(matches!(nothing, Err(SessionError::Argument { .. })), "{nothing:?}");
    let tuple = machine.heap_mut().new_tuple(&[Value::I64(7), Value::from("x")]).unwrap();
    machine.inject(ends[1], pair, &Value::Agg(tuple)).unwrap();
    machine.finish();
    assert_eq!(machine.register(b, Reg(3)), Some(Value::I64(7)));
    assert_eq!(machine.register(b, Reg(4)), Some(Value::from("x")));

    // The same for what a handler puts in place of a message.
    let script = Script {
        sees_messages: true,
        send: [SendDecision::Replace(Value::Agg(opforge_vm::AggRef::INVALID))].into(),
        ..Script::default()
    };
    let mut machine = setup(source).handler(script).machine();
    let ends = machine.begin("AB");
    machine.start("a", &[chan(ends[0]), Value::I64(1), Value::from("s")]);
    let found = machine.trap();
    assert_eq!(found.trap.code, opforge_vm::TrapCode::EffectFailed, "{found}");
}

/// Waking is for those who wait for the host.
#[test]
fn waking_is_for_those_who_wait_for_the_host() {
    let source = ".effect ask() -> (u64)\n.layer auth 1
.func main() {\n.reg r, e\ninvoke ask () -> r\nacquire auth -> e\nrelease auth, e\nhalt\n}";
    let script = Script {
        invoke: [Outcome::Blocked, Outcome::Done(Value::U64(1))].into(),
        acquire: [Outcome::Blocked].into(),
        ..Script::default()
    };
    let mut machine = setup(source).handler(script).machine();
    let main = machine.start("main", &[]);
    assert!(matches!(machine.wake(main), Err(SessionError::NotWaiting(_))));
    machine.stuck();
    // Twice is once.
    machine.wake(main).unwrap();
    machine.wake(main).unwrap();
    machine.stuck();
    assert_eq!(machine.handler().asked.len(), 3);
    machine.wake_layer(machine.layer("auth")).unwrap();
    machine.finish();
    assert!(matches!(machine.wake(main), Err(SessionError::NoCoroutine(_))));
    let gone = CoroId { index: 17, generation: 0 };
    assert!(matches!(machine.wake(gone), Err(SessionError::NoCoroutine(_))));
}

/// A session that the host cancels is over for everybody in it; cancelling it again does nothing.
#[test]
fn the_host_cancels_sessions() {
    for policy in policies(3) {
        let mut machine = setup(PAIR).config(|config| config.policy(policy)).machine();
        let ends = machine.begin("AB");
        machine.start("b", &[chan(ends[1])]);
        machine.stuck();
        machine.cancel(ends[0].session_id()).unwrap();
        machine.cancel(ends[0].session_id()).unwrap();
        let endings = machine.told().iter().filter(|line| line.contains("ended")).count();
        assert_eq!(endings, 1);
        machine.trap();
        machine.drop_endpoint(ends[0]).unwrap();
        assert!(matches!(machine.cancel(ends[0].session_id()), Err(SessionError::NoEndpoint(_))));
        assert_eq!(machine.charged(), 0);
    }
}

/// Handlers are asked in the order of the schedule, and a handler that counts gives every run the same.
#[test]
fn handlers_are_asked_in_one_order() {
    struct Counts(Arc<AtomicU64>);
    impl EffectHandler for Counts {
        fn invoke(&mut self, _: opforge_vm::session::EffectCall<'_>) -> Outcome<Value> {
            Outcome::Done(Value::U64(self.0.fetch_add(1, Ordering::Relaxed)))
        }
    }
    let source = ".effect next() -> (u64)
.func main() {\n.reg a, b\ninvoke next () -> a\nyield\ninvoke next () -> b\nhalt\n}";
    for policy in policies(1) {
        let run = || {
            let mut machine = setup(source)
                .handler(Counts(Arc::default()))
                .config(|config| config.policy(policy.clone()).keep_registers(true))
                .machine();
            let coros: Vec<CoroId> = (0..4).map(|_| machine.start("main", &[])).collect();
            machine.finish();
            coros
                .iter()
                .flat_map(|&coro| [1, 2].map(|reg| machine.register(coro, Reg(reg)).unwrap()))
                .collect::<Vec<_>>()
        };
        let (first, second) = (run(), run());
        assert_eq!(first, second, "{policy:?}");
    }
}
