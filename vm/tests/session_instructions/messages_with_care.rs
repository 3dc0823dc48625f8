//! Messages that carry endpoints, and those that the handler decides about.

use super::communication::{PINGS, STREAM, edges};
use super::session_support::script::{PANIC, Script};
use super::session_support::{Drive, Setup, assert_trap, chan, owner, refused, setup};
use opforge_vm::program::EdgePolicy;
use opforge_vm::session::{Holder, NoEffects, OnTrap, RunStatus, SendDecision, SessionMachine};
use opforge_vm::{SessionFault, TrapCode, Value};
/// An endpoint in a message is the receiver's once that has taken it, and nobody's in between.
#[test]
pub(crate) fn endpoints_travel() {
    let source = format!("{PINGS}
.local Giver = !Taker{{hand(chan(Pings, Ping)). end}}
.local Taker = ?Giver{{hand(chan(Pings, Ping)). end}}
.shape Hands {{ Giver: Giver, Taker: Taker }}
.func giver(c: chan(Hands, Giver), p: chan(Pings, Ping)) {{\nsend c, p\nhalt\n}}
.func taker(c: chan(Hands, Taker), n: i64) {{\n.reg p, s\nreceive c -> p\nsend p, n\nreceive p -> s\nhalt\n}}");
    let mut machine = setup(&source).machine();
    let (hands, pings) = (machine.begin("Hands"), machine.begin("Pings"));
    machine.start("giver", &[chan(hands[0]), chan(pings[0])]);
    machine.finish();
    assert_eq!(machine.holder(pings[0]), Holder::Message);
    let taker = machine.start("taker", &[chan(hands[1]), Value::I64(2)]);
    let _ = machine.run(1);
    assert_eq!(owner(&machine, pings[0]), taker);
    machine.start("pong", &[chan(pings[1]), Value::from("here")]);
    machine.finish();
    assert_eq!(machine.session(hands[0].session_id()), None);
    assert_eq!(machine.session(pings[0].session_id()), None);
}

/// An endpoint does not come in a message to who has a handle of it, so that two registers would name it; it is not sent in
/// another state than is said, nor by who does not own it. Nothing moves.
#[test]
pub(crate) fn endpoints_travel_only_as_they_are_declared() {
    let source = "
.local Go = !Seer{go. !Seer{on. end}}
.local See = ?Goer{go. ?Goer{on. end}}
.shape Gos { Goer: Go, Seer: See }
.local Giver = !Taker{hand(chan(Gos, Goer)). end}
.local Taker = ?Giver{hand(chan(Gos, Goer)). end}
.shape Hands { Giver: Giver, Taker: Taker }
.func main(c: chan(Hands, Giver), d: chan(Hands, Taker), e: chan(Hands, Giver), p: chan(Gos, Goer)) {
    spawn &twice (p, d, e) -> -
    send c, p
    halt
}
.func twice(h: handle(Gos, Goer), d: chan(Hands, Taker), e: chan(Hands, Giver)) {
    .reg p
    receive d -> p
    send h, r0
    send e, p
    send h, r0
    halt
}
.func late(c: chan(Hands, Giver), p: chan(Gos, Goer)) {
    send p, r0
    call &hand (c, p) -> ()
    halt
}
.func hand(c: chan(Hands, Giver), p: chan(Gos, Goer)) {
    send c, p
    halt
}
.func wrong(c: chan(Hands, Giver), p: chan(Gos, Goer)) {
    .reg q
    mov q, p
    spawn &goer (p) -> -
    send c, q
    halt
}
.func goer(p: chan(Gos, Goer)) {
    send p, r0
    send p, r0
    halt
}";
    let start = |machine: &mut SessionMachine<(), NoEffects>, name: &str| {
        let (first, second, gos) = (machine.begin("Hands"), machine.begin("Hands"), machine.begin("Gos"));
        let all = [chan(first[0]), chan(first[1]), chan(second[0]), chan(gos[0])];
        let args = if name == "main" { &all[..] } else { &[chan(second[0]), chan(gos[0])] };
        machine.start(name, args);
        (second[0], gos[0])
    };
    let isolated = |setup: Setup| setup.config(|config| config.on_trap(OnTrap::Isolate));
    let checked = source.split(".func late").next().unwrap();
    let mut machine = isolated(setup(checked)).machine();
    let (hands, p) = start(&mut machine, "main");
    let found = machine.trap();
    let fault = (TrapCode::TransferFault, Some(SessionFault::HasHandle(p)));
    assert_trap(&machine, &found, fault, ("twice", 0));
    assert_eq!((machine.holder(p), machine.queue(hands, 0, 1)), (Holder::Message, 0));

    let mut machine = isolated(setup(source)).unchecked().machine();
    let (hands, p) = start(&mut machine, "late");
    let found = machine.trap();
    let fault = (TrapCode::TransferFault, Some(SessionFault::Delegation(p)));
    assert_trap(&machine, &found, fault, ("hand", 0));
    assert_eq!((machine.holder(p), machine.queue(hands, 0, 1)), (Holder::Ended(found.coro), 0));

    let errors = refused(source);
    assert!(errors.contains(&"V1202") && errors.contains(&"V1221"), "{errors:?}");
    let mut machine = isolated(setup(source)).unchecked().machine();
    let (hands, p) = start(&mut machine, "wrong");
    let found = machine.trap();
    let fault = (TrapCode::ChannelClosed, Some(SessionFault::NotOwned(p)));
    assert_trap(&machine, &found, fault, ("wrong", 2));
    assert_eq!(owner(&machine, p).index, 1);
    assert_eq!(machine.queue(hands, 0, 1), 0);
}

/// An edge that loses a message loses the endpoint in it, and who is at its other end hears of that.
#[test]
pub(crate) fn endpoints_that_are_lost_end_their_session() {
    let source = format!(
        "{PINGS}
.local Giver = mu x. !Taker{{hand(chan(Pings, Ping)). x, stop. end}}
.local Taker = mu x. ?Giver{{hand(chan(Pings, Ping)). x, stop. end}}
.shape Hands {{ Giver: Giver, Taker: Taker }}
.func giver(c: chan(Hands, Giver), p: chan(Pings, Ping), q: chan(Pings, Ping)) {{
    offer c, hand, p
    offer c, hand, q
    offer c, stop, -
    halt
}}
.func closer(c: chan(Hands, Taker)) {{\nclose c\nhalt\n}}"
    );
    for (policy, lost) in [(EdgePolicy::Drop, 1), (EdgePolicy::Latest, 0)] {
        let mut machine = setup(&source).config(edges(policy, 1, 1)).machine();
        let hands = machine.begin("Hands");
        let pings = [machine.begin("Pings"), machine.begin("Pings")];
        for ends in &pings {
            machine.start("pong", &[chan(ends[1]), Value::from("")]);
        }
        machine.start("giver", &[chan(hands[0]), chan(pings[0][0]), chan(pings[1][0])]);
        let found = machine.trap();
        let failed = (TrapCode::ChannelClosed, Some(SessionFault::PeerFailed(pings[lost][1])));
        assert_trap(&machine, &found, failed, ("pong", 0));
        // The rest goes with the session that carries it, or was overwritten.
        match machine.run(1000) {
            RunStatus::Stuck(_) => {
                machine.start("closer", &[chan(hands[1])]);
                machine.trap();
            }
            RunStatus::Trapped(_) => {
                machine.start("closer", &[chan(hands[1])]);
            }
            status => panic!("{status:?}"),
        }
        machine.finish();
        assert_eq!(machine.charged(), 0, "{policy:?}");
    }
}

/// The handler has a say in every message: it may pass, change, lose or refuse it.
#[test]
pub(crate) fn handlers_decide_about_messages() {
    let script = |send: Vec<SendDecision>, receive: Vec<Result<(), String>>| Script {
        sees_messages: true,
        send: send.into(),
        receive: receive.into(),
        ..Script::default()
    };
    let run = |script: Script| {
        let mut machine = setup(PINGS)
            .handler(script)
            .config(|config| config.keep_registers(true).on_trap(OnTrap::Isolate))
            .machine();
        let ends = machine.begin("Pings");
        machine.start("ping", &[chan(ends[0]), Value::I64(1)]);
        machine.start("pong", &[chan(ends[1]), Value::from("s")]);
        let status = machine.run(1000);
        (machine, status, ends)
    };
    let (machine, status, _) =
        run(script(vec![SendDecision::Deliver, SendDecision::Replace(Value::from("t"))], vec![]));
    assert!(matches!(status, RunStatus::AllDone));
    assert_eq!(
        machine.handler().asked,
        [
            "coroutine 0: #0 Ping -> Pong ping(I64(1))",
            "coroutine 1: #0 Pong <- Ping ping(I64(1))",
            "coroutine 1: #0 Pong -> Ping pong(Str(\"s\"))",
            "coroutine 0: #0 Ping <- Pong pong(Str(\"t\"))",
        ]
    );
    // Lost: the sender has gone on, the receiver waits.
    let (machine, status, ends) = run(script(vec![SendDecision::Drop], vec![]));
    assert!(matches!(status, RunStatus::Stuck(_)));
    assert_eq!(machine.queue(ends[0], 0, 1), 0);
    assert_eq!(machine.told()[1], "#0 Ping -> Pong ping");
    // Refused, of another type, or broken: nothing was sent.
    let refusals = [
        (SendDecision::Fail("no".into()), SessionFault::Refused("no".into())),
        (SendDecision::Replace(Value::U64(1)), SessionFault::HandlerType),
        (SendDecision::Fail(PANIC.into()), SessionFault::Panicked(None)),
    ];
    for (decision, fault) in refusals.into_iter().take(if cfg!(feature = "std") { 3 } else { 2 }) {
        let (machine, status, ends) = run(script(vec![decision], vec![]));
        let RunStatus::Trapped(found) = status else { panic!("{status:?}") };
        let panicked = matches!(fault, SessionFault::Panicked(_));
        let fault = match &found.trap.detail {
            opforge_vm::TrapDetail::Session(fault @ SessionFault::Panicked(Some(_))) if panicked => {
                fault.clone()
            }
            _ => fault,
        };
        assert_trap(&machine, &found, (TrapCode::EffectFailed, Some(fault)), ("ping", 0));
        assert_eq!((machine.queue(ends[0], 0, 1), machine.handler().asked.len()), (0, 1));
        assert!(!machine.told().iter().any(|line| line.contains("->")));
    }
    // Refused at the receiver: the message stays.
    let (machine, status, ends) = run(script(vec![], vec![Err("not me".into())]));
    let RunStatus::Trapped(found) = status else { panic!("{status:?}") };
    let fault = (TrapCode::EffectFailed, Some(SessionFault::Refused("not me".into())));
    assert_trap(&machine, &found, fault, ("pong", 0));
    assert_eq!(machine.queue(ends[0], 0, 1), 1);
    assert!(!machine.told().iter().any(|line| line.contains("<-")));
}

/// A sender that waits for room asks once, when there is some.
#[test]
pub(crate) fn a_waiting_sender_asks_the_handler_once() {
    let script = Script { sees_messages: true, ..Script::default() };
    let mut machine = setup(STREAM).handler(script).config(edges(EdgePolicy::Block, 1, 1)).machine();
    let ends = machine.begin("Stream");
    machine.start("source", &[chan(ends[0]), Value::U64(2)]);
    machine.stuck();
    assert_eq!(machine.handler().asked.len(), 1);
    machine.start("sink", &[chan(ends[1])]);
    machine.finish();
    assert_eq!(machine.handler().asked.len(), 6);
}
