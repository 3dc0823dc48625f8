//! `open`, `close`.

use super::session_support::{Drive, assert_trap, chan, owner, refused, setup};
use opforge_vm::session::{Ending, Event, Holder, SessionStatus};
use opforge_vm::{CoroId, EndpointId, SessionFault, TrapCode, Value};

/// A call and its answer. `main` opens a session and gives one end away.
const CALLS: &str = "
.local Caller = !Callee{call(u64). ?Callee{answer(u64). end}}
.local Callee = ?Caller{call(u64). !Caller{answer(u64). end}}
.shape Calls { Caller: Caller, Callee: Callee }
.func callee(c: chan(Calls, Callee)) {
    .reg n
    receive c -> n
    u64.add n, n, n
    send c, n
    halt
}
.func caller(c: chan(Calls, Caller), n: u64) {
    .reg r
    send c, n
    receive c -> r
    halt
}
.func main(n: u64) {
    .reg a, b, r
    open Calls -> (a, b)
    spawn &callee (b) -> -
    send a, n
    receive a -> r
    halt
}
.func idle(a: chan(Calls, Caller)) {
    yield
    close a
    halt
}
";

fn end(session: u32, role: u16) -> EndpointId {
    EndpointId { session, generation: 0, role }
}

#[test]
pub(crate) fn open_gives_one_end_a_role() {
    let mut machine = setup(CALLS).machine();
    let main = machine.start("main", &[Value::U64(21)]);
    let _ = machine.run(1);
    assert_eq!(machine.lines(), ["1: #0 opened Calls (Caller, Callee)"]);
    assert_eq!((owner(&machine, end(0, 0)), owner(&machine, end(0, 1))), (main, main));
    assert!(!machine.is_done(end(0, 0)));
    let open = machine.charged();
    assert!(open > 0);
    machine.finish();
    assert_eq!(
        machine.told()[1..],
        [
            "#0 Caller -> Callee call",
            "#0 Callee <- Caller call",
            "#0 Callee -> Caller answer",
            "coroutine 1 (callee) halted",
            "#0 Caller <- Callee answer",
            "coroutine 0 (main) halted",
        ]
    );
    assert_eq!((machine.session(end(0, 0).session_id()), machine.holder(end(0, 0))), (None, Holder::Nobody));
    assert_eq!(machine.charged(), 0);
    // The number is used again, and never taken for the one before.
    machine.start("main", &[Value::U64(1)]);
    let _ = machine.run(1);
    let again = EndpointId { generation: 1, ..end(0, 0) };
    assert_eq!((machine.state(end(0, 0)), machine.state(again).is_some()), (None, true));
}

/// One session too many is not opened, and registers, numbers and memory are as before.
#[test]
pub(crate) fn open_stops_at_the_limit() {
    let source = format!(
        "{CALLS}
.func many(k: chan(Calls, Callee)) {{
    .reg a, b
    open Calls -> (a, b)
    close a
    open Calls -> (b, a)
    close k
    close a
    halt
}}"
    );
    let mut machine = setup(&source).config(|config| config.sessions(2)).machine();
    let (k, idle) = (machine.begin("Calls"), machine.begin("Calls"));
    let opened = machine.charged();
    let many = machine.start("many", &[chan(k[1])]);
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::SessionLimitExceeded, None), ("many", 0));
    assert_eq!(found.coro, many);
    assert_eq!(machine.told().iter().filter(|line| line.contains("opened")).count(), 2);
    assert_eq!(machine.session(SESSION_2), None);
    assert_eq!(machine.charged(), opened, "the coroutine is gone, and nothing was opened");
    // With one less open it goes through.
    machine.cancel(idle[0].session_id()).unwrap();
    idle.into_iter().for_each(|id| machine.drop_endpoint(id).unwrap());
    machine.drop_endpoint(k[0]).unwrap();
    assert_eq!(machine.charged(), 0);
    let k = machine.begin("Calls");
    machine.start("many", &[chan(k[1])]);
    machine.finish();
    machine.drop_endpoint(k[0]).unwrap();
    assert_eq!(machine.charged(), 0);
}

const SESSION_2: opforge_vm::SessionId = opforge_vm::SessionId { index: 2, generation: 0 };

/// A limit of one session is enough for any number of them one after the other.
#[test]
pub(crate) fn open_can_go_on_for_ever() {
    let source = format!(
        "{CALLS}
.func many(n: u64) {{
    .reg a, b, one, zero, more
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    open Calls -> (a, b)
    close b
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @loop, @end
@end:
    halt
}}"
    );
    let mut machine = setup(&source).config(|config| config.sessions(1).events(10)).machine();
    machine.start("many", &[Value::U64(200_000)]);
    machine.finish();
    assert_eq!(machine.charged(), 0);
}

#[test]
pub(crate) fn open_stays_within_the_memory_limit() {
    let needed = {
        let mut machine = setup(CALLS).machine();
        machine.start("main", &[Value::U64(1)]);
        let before = machine.charged();
        let _ = machine.run(1);
        (before, machine.charged())
    };
    for memory in [needed.1 - 1, needed.1] {
        let mut machine = setup(CALLS).limits(|limits| limits.memory(memory)).machine();
        machine.start("main", &[Value::U64(1)]);
        assert_eq!(machine.charged(), needed.0);
        let found = machine.trap();
        let instr = if memory < needed.1 { 0 } else { 1 };
        assert_trap(&machine, &found, (TrapCode::MemoryLimitExceeded, None), ("main", instr));
        assert_eq!(machine.told().iter().filter(|line| line.contains("opened")).count() as u32, instr);
        assert_eq!(machine.charged(), 0);
    }
}

/// Closing ends the session for everybody, with what is on its way; who waits for it is told.
#[test]
pub(crate) fn close_ends_the_session_for_all() {
    let mut machine = setup(CALLS).machine();
    let ends = machine.begin("Calls");
    machine.inject(ends[1], machine.label("call"), &Value::U64(1)).unwrap();
    assert_eq!(machine.queue(ends[0], 0, 1), 1);
    machine.start("idle", &[chan(ends[0])]);
    let before = machine.fuel();
    machine.finish();
    assert_eq!(before - machine.fuel(), 3);
    assert_eq!(
        machine.lines()[1..],
        ["2: #0 closed", "2: #0 ended: closed", "2: #0 epoch 1", "3: coroutine 0 (idle) halted",]
    );
    let session = ends[0].session_id();
    assert_eq!(machine.session(session), Some((SessionStatus::Closed, 1)));
    assert_eq!(machine.queue(ends[0], 0, 1), 0);
    assert_eq!((machine.holder(ends[0]), machine.holder(ends[1])), (Holder::Nobody, Holder::Host));
    machine.drop_endpoint(ends[1]).unwrap();
    assert_eq!((machine.session(session), machine.charged()), (None, 0));
}

/// The other party finds out where it waits, or where it acts next.
#[test]
pub(crate) fn close_is_felt_by_the_other_party() {
    let mut machine = setup(CALLS).machine();
    let ends = machine.begin("Calls");
    machine.start("callee", &[chan(ends[1])]);
    machine.start("idle", &[chan(ends[0])]);
    let found = machine.trap();
    let closed = (TrapCode::ChannelClosed, Some(SessionFault::Closed(ends[1])));
    assert_trap(&machine, &found, closed, ("callee", 0));
    machine.finish();
    assert_eq!(machine.charged(), 0);
}

/// Closing is for who owns an end of a session that is on.
#[test]
pub(crate) fn close_of_what_is_not_ones_own_traps() {
    // Twice: the endpoint is gone with the first.
    let source = format!("{CALLS}
.func twice(a: chan(Calls, Caller)) {{\n.reg b\nmov b, a\nclose b\nclose a\nhalt\n}}
.func theirs(a: chan(Calls, Caller), n: u64) {{\n.reg b\nmov b, a\nspawn &caller (b, n) -> -\nclose a\nhalt\n}}");
    assert_eq!(refused(&source), ["V1202", "V1202"]);
    let mut machine = setup(&source).unchecked().machine();
    let ends = machine.begin("Calls");
    machine.start("twice", &[chan(ends[0])]);
    let found = machine.trap();
    let fault = (TrapCode::CloseFault, Some(SessionFault::NotOwned(ends[0])));
    assert_trap(&machine, &found, fault, ("twice", 2));
    let closed =
        machine.events().iter().filter(|stamped| matches!(stamped.event, Event::Closed { .. })).count();
    assert_eq!(closed, 1);

    // Another's: the session goes on.
    let mut machine = setup(&source).unchecked().machine();
    let ends = machine.begin("Calls");
    machine.start("theirs", &[chan(ends[0]), Value::U64(4)]);
    machine.start("callee", &[chan(ends[1])]);
    let found = machine.trap();
    let fault = (TrapCode::CloseFault, Some(SessionFault::NotOwned(ends[0])));
    assert_trap(&machine, &found, fault, ("theirs", 2));
    assert_eq!(owner(&machine, ends[0]), CoroId { index: 2, generation: 0 });
    machine.finish();
    assert_eq!(machine.charged(), 0);
}

/// A session that another party has closed cannot be closed again.
#[test]
pub(crate) fn close_after_the_end_traps() {
    let source =
        format!("{CALLS}\n.func late(c: chan(Calls, Callee)) {{\nyield\nyield\nyield\nclose c\nhalt\n}}");
    let mut machine = setup(&source).machine();
    let ends = machine.begin("Calls");
    machine.start("late", &[chan(ends[1])]);
    machine.start("idle", &[chan(ends[0])]);
    let found = machine.trap();
    let fault = (TrapCode::ChannelClosed, Some(SessionFault::Closed(ends[1])));
    assert_trap(&machine, &found, fault, ("late", 3));
    let endings: Vec<Ending> = machine
        .events()
        .iter()
        .filter_map(|stamped| if let Event::Terminal { how, .. } = stamped.event { Some(how) } else { None })
        .collect();
    assert_eq!(endings, [Ending::Closed]);
    assert_eq!(machine.charged(), 0);
}

/// Endpoints in messages that are lost with a session take theirs along, through any number of sessions.
#[test]
pub(crate) fn close_takes_along_what_is_on_its_way() {
    let source = format!(
        "{CALLS}
.local Giver = !Taker{{hand(chan(Calls, Caller)). end}}
.local Taker = ?Giver{{hand(chan(Calls, Caller)). end}}
.shape Hands {{ Giver: Giver, Taker: Taker }}
.local Outer = !Far{{wrap(chan(Hands, Taker)). end}}
.local Far = ?Outer{{wrap(chan(Hands, Taker)). end}}
.shape Wraps {{ Outer: Outer, Far: Far }}
.func nest(w: chan(Wraps, Outer), g: chan(Hands, Giver), t: chan(Hands, Taker), p: chan(Calls, Caller)) {{
    send g, p
    send w, t
    halt
}}
.func drop(f: chan(Wraps, Far)) {{\nclose f\nhalt\n}}"
    );
    let mut machine = setup(&source).machine();
    let (wraps, hands, calls) = (machine.begin("Wraps"), machine.begin("Hands"), machine.begin("Calls"));
    machine.start("nest", &[chan(wraps[0]), chan(hands[0]), chan(hands[1]), chan(calls[0])]);
    machine.start("callee", &[chan(calls[1])]);
    machine.stuck();
    assert_eq!((machine.holder(hands[1]), machine.holder(calls[0])), (Holder::Message, Holder::Message));
    machine.start("drop", &[chan(wraps[1])]);
    // The callee at the far end hears of it.
    let found = machine.trap();
    let fault = (TrapCode::ChannelClosed, Some(SessionFault::PeerFailed(calls[1])));
    assert_trap(&machine, &found, fault, ("callee", 0));
    for ended in ["#0 ended: closed", "#1 ended: faulted", "#2 ended: faulted"] {
        assert!(machine.told().iter().any(|line| line == ended), "{ended}: {:#?}", machine.told());
    }
    machine.finish();
    assert_eq!(machine.charged(), 0);
}
