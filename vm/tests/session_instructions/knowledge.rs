//! `transfer`, `tag`, `check`.

use super::session_support::script::Script;
use super::session_support::{Drive, assert_trap, chan, owner, refused, setup};
use opforge_vm::ids::Reg;
use opforge_vm::session::{
    BlockReason, Event, FlowPolicy, FlowRule, Holder, OnTrap, RunStatus, SessionMachine, bundle_hash,
};
use opforge_vm::{CoroId, EndpointId, SessionFault, TrapCode, Value};
use std::sync::Arc;

const PINGS: &str = "
.local Ping = !Pong{ping(i64). ?Pong{pong(i64). end}}
.local Pong = ?Ping{ping(i64). !Ping{pong(i64). end}}
.shape Pings { Ping: Ping, Pong: Pong }
.func pong(c: chan(Pings, Pong)) {
    .reg n
    receive c -> n
    send c, n
    halt
}
.func worker(h: handle(Pings, Ping), n: i64) {
    .reg r
    send h, n
    receive h -> r
    halt
}
.func late_worker(h: handle(Pings, Ping, ?Pong{pong(i64). end})) {
    .reg r
    receive h -> r
    halt
}
.func giver(c: chan(Pings, Ping), n: i64, bundle: bytes) {
    .reg k
    spawn &worker (c, n) -> k
    yield
    transfer c, k, bundle
    halt
}
.func idle() {
    yield
    halt
}
";

fn coro(index: u32) -> CoroId {
    CoroId { index, generation: 0 }
}

#[test]
pub(crate) fn transfer_gives_an_endpoint_to_who_waits_for_it() {
    let mut machine = setup(PINGS).handler(Script::default()).config(|c| c.keep_registers(true)).machine();
    let ends = machine.begin("Pings");
    let bundle = vec![1, 2, 3];
    let giver = machine.start("giver", &[chan(ends[0]), Value::I64(8), Value::Bytes(bundle.clone())]);
    // The worker waits for what it only knows by name.
    while machine.at(giver) != ("giver".into(), 2) {
        assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    }
    let report = machine.stuck_report();
    assert_eq!(report.blocked.len(), 1);
    assert_eq!(report.blocked[0].why, BlockReason::Ownership { endpoint: ends[0] });
    assert_eq!(owner(&machine, ends[0]), giver);
    machine.start("pong", &[chan(ends[1])]);
    machine.finish();
    assert_eq!(
        machine.told()[1..4],
        [
            format!(
                "coroutine 0 (giver) gave #0 Ping to coroutine 1 (worker), with bundle {:016x}",
                bundle_hash(Some(&bundle))
            ),
            "coroutine 0 (giver) halted".to_string(),
            "#0 Ping -> Pong ping".to_string(),
        ]
    );
    assert_eq!(machine.handler().asked, ["coroutine 0: 1 #0 Ping to coroutine 1, 0 facts, [1, 2, 3]"]);
    assert_eq!(machine.register(coro(1), Reg(3)), Some(Value::I64(8)));
    let events = machine.events();
    let at = |found: fn(&Event) -> bool| events.iter().position(|stamped| found(&stamped.event)).unwrap();
    assert!(
        at(|event| matches!(event, Event::Transferred { .. }))
            < at(|event| matches!(event, Event::Sent { .. }))
    );
}

/// Facts about the endpoint go with it; others stay.
#[test]
pub(crate) fn transfer_takes_facts_along() {
    let source = format!(
        "{PINGS}
.func knower(h: handle(Pings, Ping), mine: epid, other: epid, s: str) {{
    .reg t, u, b1, b2
    tuple.new t, (mine, s)
    tuple.new u, (other, s)
    close h
    check t, s -> b1
    check u, s -> b2
    halt
}}
.func teller(c: chan(Pings, Ping), mine: epid, other: epid, s: str) {{
    .reg t, u, b1, b2, k
    tuple.new t, (mine, s)
    tuple.new u, (other, s)
    tag t -> b1
    tag u -> b2
    spawn &knower (c, mine, other, s) -> k
    transfer c, k, -
    check t, s -> b1
    check u, s -> b2
    halt
}}"
    );
    let mut machine = setup(&source).handler(Script::default()).config(|c| c.keep_registers(true)).machine();
    let (a, b) = (machine.begin("Pings"), machine.begin("Pings"));
    let args = [chan(a[0]), Value::Epid(a[0]), Value::Epid(b[0]), Value::from("Pong")];
    let teller = machine.start("teller", &args);
    machine.finish();
    assert_eq!(machine.handler().asked, ["coroutine 0: 1 #0 Ping to coroutine 1, 1 facts, []"]);
    let bools = |machine: &SessionMachine<(), Script>, coro, regs: [u32; 2]| {
        regs.map(|reg| machine.register(coro, Reg(reg)).unwrap())
    };
    assert_eq!(bools(&machine, teller, [7, 8]), [Value::Bool(false), Value::Bool(true)]);
    assert_eq!(bools(&machine, coro(1), [7, 8]), [Value::Bool(true), Value::Bool(false)]);
}

/// Each way in which it cannot be: nothing has moved, and the target knows nothing.
#[test]
pub(crate) fn transfer_faults_move_nothing() {
    let source = |lines: &str| {
        format!(
            "{PINGS}\n.func wrong(c: chan(Pings, Ping), k: coro, n: i64) {{\n.reg d, w\n{lines}\nhalt\n}}"
        )
    };
    let cases: [(&str, u32, SessionFault); 4] = [
        ("yield\nyield\nyield\ntransfer c, k, -", 3, SessionFault::NoTarget),
        ("transfer c, k, -", 0, SessionFault::NotAwaited),
        ("spawn &late_worker (c) -> w\ntransfer c, w, -", 1, SessionFault::AwaitedInOtherState),
        ("spawn &worker (c, n) -> w\ntransfer c, w, -", 1, SessionFault::Refused("no".into())),
    ];
    for (lines, instr, fault) in cases {
        let refuses = matches!(fault, SessionFault::Refused(_));
        let script = Script {
            transfer: if refuses { [Err("no".to_string())].into() } else { [].into() },
            ..Script::default()
        };
        let mut machine =
            setup(&source(lines)).handler(script).config(|config| config.on_trap(OnTrap::Isolate)).machine();
        let ends = machine.begin("Pings");
        let k = machine.start("idle", &[]);
        let wrong = machine.start("wrong", &[chan(ends[0]), Value::Coro(k), Value::I64(1)]);
        let left = machine.left(ends[0]);
        let found = machine.trap();
        assert_trap(&machine, &found, (TrapCode::TransferFault, Some(fault)), ("wrong", instr));
        assert_eq!(machine.holder(ends[0]), Holder::Ended(wrong), "{lines}");
        assert_eq!((machine.left(ends[0]), machine.handler().asked.len()), (left, usize::from(refuses)));
        assert!(!machine.told().iter().any(|line| line.contains(" gave ")));
    }
}

/// To itself, twice, or what another owns: only code that nobody has verified tries.
#[test]
pub(crate) fn transfer_is_once_and_to_somebody_else() {
    let source = |lines: &str| {
        format!(
            "{PINGS}
.func wrong(c: chan(Pings, Ping), n: i64) {{\n.reg d, w\n{lines}\nhalt\n}}
.func outer(c: chan(Pings, Ping), n: i64) {{\n.reg d, w\n{}\nhalt\n}}",
            "mov d, c\nspawn &worker (c, n) -> w\ntransfer d, w, -\nyield\nyield\ntransfer c, w, -"
        )
    };
    assert!(!refused(&source("close c")).is_empty());
    let mut machine = setup(&source("close c")).unchecked().machine();
    let ends = machine.begin("Pings");
    machine.start("outer", &[chan(ends[0]), Value::I64(1)]);
    let found = machine.trap();
    let fault = (TrapCode::TransferFault, Some(SessionFault::NotOwned(ends[0])));
    assert_trap(&machine, &found, fault, ("outer", 5));
    assert_eq!(owner(&machine, ends[0]), coro(1), "the first stands");
    machine.start("pong", &[chan(ends[1])]);
    machine.finish();
    assert_eq!(machine.charged(), 0);

    // A coroutine learns its own number from who has begun it.
    let source = "
.local A = !B{who(coro). end}
.local B = ?A{who(coro). !A{x. end}}
.local C = ?B{x. end}
.shape AB { A: A, B: B }
.func main(c: chan(AB, A), d: chan(AB, B)) {
    .reg w
    spawn &self (d) -> w
    send c, w
    halt
}
.func self(d: chan(AB, B)) {
    .reg me
    receive d -> me
    transfer d, me, -
    halt
}";
    let mut machine = setup(source).machine();
    let ends = machine.begin("AB");
    machine.start("main", &[chan(ends[0]), chan(ends[1])]);
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::TransferFault, Some(SessionFault::TargetIsSelf)), ("self", 1));
    machine.finish();
    assert_eq!(machine.charged(), 0);
}

/// A coroutine whose number another has taken over is not that other.
#[test]
pub(crate) fn transfer_knows_who_is_gone() {
    let source =
        format!("{PINGS}\n.func wrong(c: chan(Pings, Ping), k: coro) {{\ntransfer c, k, -\nhalt\n}}");
    let mut machine = setup(&source).machine();
    let ends = machine.begin("Pings");
    let gone = machine.start("idle", &[]);
    machine.finish();
    let again = machine.start("worker", &[chan(ends[0]), Value::I64(1)]);
    assert_eq!((gone.index, again.index), (0, 0));
    machine.start("wrong", &[chan(ends[0]), Value::Coro(gone)]);
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::TransferFault, Some(SessionFault::NoTarget)), ("wrong", 0));
}

/// Two that wait for one endpoint: who gets it goes on, the other hears when the session ends.
#[test]
pub(crate) fn transfer_wakes_who_gets_it() {
    let source = format!(
        "{PINGS}
.func chooser(c: chan(Pings, Ping), n: i64, first: bool) {{
    .reg k, l
    spawn &worker (c, n) -> k
    spawn &worker (c, n) -> l
    yield
    yield
    br first, @first, @second
@first:
    transfer c, k, -
    halt
@second:
    transfer c, l, -
    halt
}}"
    );
    for first in [true, false] {
        let mut machine = setup(&source).machine();
        let ends = machine.begin("Pings");
        machine.start("chooser", &[chan(ends[0]), Value::I64(3), Value::Bool(first)]);
        machine.start("pong", &[chan(ends[1])]);
        let report = machine.run(1000);
        let told = machine.told();
        assert!(told.iter().any(|line| line.ends_with("<- Pong pong")), "{report:?}");
        // The session is over for the other: it will never get the endpoint.
        let found = match report {
            opforge_vm::session::RunStatus::Trapped(found) => *found,
            _ => machine.trap(),
        };
        assert_eq!(found.trap.code, TrapCode::ChannelClosed, "{found}");
        machine.finish();
        assert_eq!(machine.charged(), 0);
    }
}

#[test]
pub(crate) fn tag_and_check_go_by_knowledge() {
    let source = format!(
        "{PINGS}
.func teller(id: epid, s: str, other: str, target: str) {{
    .reg t, u, before, after, unknown, tagged
    tuple.new t, (id, s)
    tuple.new u, (id, other)
    check t, target -> before
    tag t -> tagged
    check t, target -> after
    check u, target -> unknown
    halt
}}"
    );
    let rule = |rule| FlowPolicy::When(Arc::new(rule));
    let roles = |roles: &[&str]| roles.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cases = [
        (FlowPolicy::AllowAll, true),
        (FlowPolicy::DenyAll, false),
        (FlowPolicy::AllowRoles(roles(&["Pong"])), true),
        (FlowPolicy::AllowRoles(roles(&["Ping"])), false),
        (FlowPolicy::DenyRoles(roles(&["Pong"])), false),
        (FlowPolicy::DenyRoles(roles(&["Ping"])), true),
        (rule(FlowRule::TargetPrefix("Po".into())), true),
        (rule(FlowRule::TargetPrefix("Pi".into())), false),
        (rule(FlowRule::FactContains("secr".into())), true),
        (rule(FlowRule::EndpointIsTarget), false),
        (rule(FlowRule::All(vec![FlowRule::TargetPrefix("P".into()), FlowRule::EndpointIsTarget])), false),
        (rule(FlowRule::Any(vec![FlowRule::TargetPrefix("P".into()), FlowRule::EndpointIsTarget])), true),
        (rule(FlowRule::All(vec![])), true),
        (rule(FlowRule::Any(vec![])), false),
    ];
    for (flow, permitted) in cases {
        let mut machine =
            setup(&source).config(|config| config.flow(flow.clone()).keep_registers(true)).machine();
        let ends = machine.begin("Pings");
        let args =
            [Value::Epid(ends[0]), Value::from("a secret"), Value::from("another"), Value::from("Pong")];
        let teller = machine.start("teller", &args);
        machine.finish();
        let bool_at = |reg| machine.register(teller, Reg(reg)).unwrap();
        assert_eq!(bool_at(10), Value::Bool(true), "tagged");
        assert_eq!(bool_at(7), Value::Bool(false), "not known yet");
        assert_eq!(bool_at(8), Value::Bool(permitted), "{flow:?}");
        assert_eq!(bool_at(9), Value::Bool(false), "another fact");
        assert_eq!(machine.told().len(), 1 + 4 + 1);
        assert!(machine.told()[2].contains("a secret"), "{:?}", machine.told());
    }
}

/// A fact about a session that is gone is none; and there is a limit of facts.
#[test]
pub(crate) fn tag_and_check_faults_note_nothing() {
    let source = |lines: &str| {
        format!(
            "{PINGS}
.func teller(id: epid, s: str) {{
    .reg t, b
    tuple.new t, (id, s)
    const.bool b, false
    {lines}
    halt
}}"
        )
    };
    for (lines, made_up) in
        [("tag t -> b", true), ("check t, s -> b", true), ("tag t -> b", false), ("check t, s -> b", false)]
    {
        let mut machine = setup(&source(lines)).config(|config| config.keep_registers(true)).machine();
        let ends = machine.begin("Pings");
        let id = if made_up {
            EndpointId { session: 77, generation: 3, role: 0 }
        } else {
            ends.iter().for_each(|&id| machine.drop_endpoint(id).unwrap());
            ends[0]
        };
        let teller = machine.start("teller", &[Value::Epid(id), Value::from("s")]);
        let before = machine.told().len();
        let found = machine.trap();
        assert_trap(
            &machine,
            &found,
            (TrapCode::TransferFault, Some(SessionFault::Stale(id))),
            ("teller", 2),
        );
        assert_eq!(machine.register(teller, Reg(4)), Some(Value::Bool(false)));
        assert_eq!(machine.told().len(), before + 1);
    }
    let lines = "tag t -> b\ntag t -> b\nconst.bool b, false\ntag t -> b";
    let mut machine = setup(&source(lines)).config(|config| config.facts(2).keep_registers(true)).machine();
    let ends = machine.begin("Pings");
    let teller = machine.start("teller", &[Value::Epid(ends[0]), Value::from("s")]);
    let found = machine.trap();
    let fault = (TrapCode::MemoryLimitExceeded, Some(SessionFault::FactLimit));
    assert_trap(&machine, &found, fault, ("teller", 5));
    assert_eq!(machine.register(teller, Reg(4)), Some(Value::Bool(false)));
    assert_eq!(
        machine.told().iter().filter(|line| line.contains("tagged") || line.contains("noted")).count(),
        2
    );
}

/// What a fact takes is charged as long as somebody knows it, whoever that is.
#[test]
pub(crate) fn tagged_facts_are_charged_where_they_are() {
    let source = format!(
        "{PINGS}
.func keeper(h: handle(Pings, Ping)) {{\nyield\nyield\nyield\nyield\nyield\nyield\nclose h\nhalt\n}}
.func teller(c: chan(Pings, Ping), id: epid, s: str, ghost: u64) {{
    .reg t, b, k
    tuple.new t, (id, s)
    fork ghost
    tag t -> b
    abort
    tag t -> b
    spawn &keeper (c) -> k
    transfer c, k, -
    halt
}}"
    );
    let mut machine = setup(&source).machine();
    let ends = machine.begin("Pings");
    let text = "fact".repeat(1000);
    machine.start("teller", &[chan(ends[0]), Value::Epid(ends[0]), Value::Str(text), Value::U64(1)]);
    let mut at = [0; 12];
    for charged in &mut at {
        *charged = machine.charged();
        assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    }
    // tuple, fork, tag, abort.
    assert!(at[3] >= at[2] + 4000, "{at:?}");
    assert!(at[4] < at[1] + 200, "what was noted in the speculation is forgotten: {at:?}");
    while !machine.told().iter().any(|line| line.ends_with("(teller) halted")) {
        assert!(matches!(machine.run(1), RunStatus::MaxTicks));
    }
    let values = {
        // The text itself is a value, and stays.
        let mut empty = setup(&source).machine();
        let ends = empty.begin("Pings");
        let before = empty.charged();
        let _ = ends;
        before
    };
    assert!(machine.charged() >= values + 8000, "the keeper knows it now");
    machine.finish();
    machine.drop_endpoint(ends[1]).unwrap();
    assert!(machine.charged() < 4000 + 200, "{}", machine.charged());
}

/// The report of a handler that breaks is kept, and the transfer did not take place.
#[cfg(feature = "std")]
#[test]
pub(crate) fn transfer_survives_a_handler_that_breaks() {
    use super::session_support::script::PANIC;
    let script = Script { transfer: [Err(PANIC.to_string())].into(), ..Script::default() };
    let mut machine = setup(PINGS).handler(script).config(|config| config.on_trap(OnTrap::Isolate)).machine();
    let ends = machine.begin("Pings");
    let giver = machine.start("giver", &[chan(ends[0]), Value::I64(8), Value::Bytes(vec![])]);
    let found = machine.trap();
    assert_eq!((found.coro, found.trap.code), (giver, TrapCode::TransferFault));
    assert!(matches!(found.trap.detail, opforge_vm::TrapDetail::Session(SessionFault::Panicked(Some(_)))));
    assert_eq!(machine.holder(ends[0]), Holder::Ended(giver));
    assert!(machine.take_panic().is_some());
}
