use super::*;
use crate::ids::SpanId;

fn blocked(index: u32, func: u32, why: BlockReason) -> Blocked {
    Blocked { coro: coro(index), func: FuncId(func), pc: 14 + index, span: None, why }
}

const fn recv(index: u32, from: u16, to: u16) -> BlockReason {
    BlockReason::Recv { session: session(index), from, to }
}

/// In every session, `Client` is coroutine 0 and `Server` coroutine 1.
fn pair(endpoint: EndpointId) -> Holder {
    Holder::Coroutine(coro(endpoint.role.into()))
}

fn report(blocked: Vec<Blocked>, holder: impl Fn(EndpointId) -> Holder) -> StuckReport {
    let program = program();
    let mut names = Names::of(&program, &trace([(0, opened(0, 0)), (0, opened(1, 1))]));
    names.coroutine(coro(0), FuncId(0));
    names.coroutine(coro(1), FuncId(1));
    let tables = program.sessions();
    StuckReport::new(blocked, &names, holder, |session, from, to| {
        let edges = tables.edges_of(ShapeId(session.index));
        edges
            .iter()
            .find(|edge| (edge.from, edge.to) == (from, to))
            .map_or(EdgePolicy::Block, |edge| edge.policy)
    })
}

#[test]
fn two_that_wait_for_each_other_are_a_deadlock() {
    let mut waiting =
        Vec::from([blocked(1, 1, recv(0, CLIENT, SERVER)), blocked(0, 0, recv(0, SERVER, CLIENT))]);
    waiting[1].span = SpanId::new(9);
    let report = report(waiting, pair);
    assert_eq!(report.cycles, [[coro(0), coro(1)]]);
    assert_eq!(
        report.to_string(),
        "stuck: 2 coroutines wait\n  \
         coroutine 0 (buyer, pc 14, span 9) waits as Client for a message of Server in session 0; Server is coroutine \
         1 (seller), which waits as Server for a message of Client in session 0\n  \
         coroutine 1 (seller, pc 15) waits as Server for a message of Client in session 0; Client is coroutine 0 \
         (buyer), which waits as Client for a message of Server in session 0\n  \
         deadlock: coroutine 0 (buyer) waits for coroutine 1 (seller) waits for coroutine 0 (buyer)"
    );
}

#[test]
fn every_reason_is_said_in_words() {
    let endpoint = session(0).endpoint(CLIENT);
    let acquire = |holders: &[u32]| BlockReason::Acquire {
        layer: LayerId(0),
        holders: holders.iter().map(|&index| coro(index)).collect(),
    };
    let send = BlockReason::Send { session: session(0), from: CLIENT, to: SERVER };
    for (why, holder, expected) in [
        (send.clone(), Holder::Host, {
            "waits for room on the edge Client -> Server of session 0; the host has Server"
        }),
        (send, Holder::Coroutine(coro(7)), {
            "waits for room on the edge Client -> Server of session 0; Server is coroutine 7, which does not wait"
        }),
        (recv(0, SERVER, CLIENT), Holder::Ended(coro(1)), {
            "waits as Client for a message of Server in session 0; Server was coroutine 1 (seller), which has ended"
        }),
        (recv(0, SERVER, CLIENT), Holder::Message, {
            "waits as Client for a message of Server in session 0; Server is in a message that nobody has received"
        }),
        (recv(0, SERVER, CLIENT), Holder::Nobody, {
            "waits as Client for a message of Server in session 0; nobody has Server any more"
        }),
        (acquire(&[]), Holder::Host, "waits for layer auth, which nobody holds: the host does not grant it"),
        (acquire(&[1]), Holder::Host, "waits for layer auth, which coroutine 1 (seller) holds"),
        (acquire(&[1, 2, 3]), Holder::Host, {
            "waits for layer auth, which coroutine 1 (seller) and 2 more hold"
        }),
        (BlockReason::Effect { effect: EffectId(0) }, Holder::Host, "waits for the host to do effect log"),
        (BlockReason::Ownership { endpoint }, Holder::Host, {
            "waits to be given Client of session 0; the host has Client"
        }),
        (BlockReason::Join { session: session(0) }, Holder::Host, {
            "waits for room in session 0 to join its speculation"
        }),
        (BlockReason::Paused, Holder::Host, "is paused by the host"),
    ] {
        let paused = if why == BlockReason::Paused { " for the host to resume" } else { "" };
        let report = report(Vec::from([blocked(0, 0, why)]), |_| holder);
        let expected =
            std::format!("stuck: a coroutine waits{paused}\n  coroutine 0 (buyer, pc 14) {expected}");
        assert_eq!(report.to_string(), expected);
        assert!(report.cycles.is_empty());
    }
    assert_eq!(
        report(Vec::new(), |_| Holder::Nobody).to_string(),
        "stuck: no coroutine can run, and none waits"
    );
}

#[test]
fn circles_go_through_layers_and_ends_lead_to_them() {
    let layer = |holder| BlockReason::Acquire { layer: LayerId(0), holders: Vec::from([coro(holder)]) };
    // 2 -> 3 -> 4 -> 2, 5 -> 3, 6 -> itself, 0 -> somebody who does not wait.
    let waiting = [(5, 3), (6, 6), (4, 2), (3, 4), (2, 3), (0, 99)];
    let waiting = waiting.map(|(index, holder)| blocked(index, 0, layer(holder))).to_vec();
    let report = report(waiting, |_| Holder::Nobody);
    assert_eq!(report.cycles, [Vec::from([coro(2), coro(3), coro(4)]), Vec::from([coro(6)])]);
    let text = report.to_string();
    let expected = "deadlock: coroutine 2 waits for coroutine 3 waits for coroutine 4 waits for coroutine 2\n  \
                    deadlock: coroutine 6 waits for itself";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn lossy_edges_are_named() {
    // In session 1, of shape `Feed`, place 0 is the server.
    let waiting = Vec::from([blocked(0, 0, recv(1, 0, 1)), blocked(1, 1, recv(0, SERVER, CLIENT))]);
    let report = report(waiting, |_| Holder::Nobody);
    assert_eq!(report.lossy.len(), 1);
    let text = report.to_string();
    let last = "\n  edge Server -> Client of session 1 is lossy (latest): a message may have been lost";
    assert!(text.ends_with(last), "{text}");
}

#[test]
fn a_report_of_many_is_short() {
    let count = 100_000;
    let next = |index: u32| coro((index + 1) % count);
    let waiting = (0..count).map(|index| {
        blocked(index, 0, BlockReason::Acquire { layer: LayerId(0), holders: Vec::from([next(index)]) })
    });
    let report = report(waiting.collect(), |_| Holder::Nobody);
    assert_eq!(report.cycles[0].len(), count as usize);
    let text = report.to_string();
    assert_eq!(text.lines().count(), 1 + StuckReport::MAX_LINES + 1 + 1);
    assert!(
        text.contains("\n  ... 99950 more coroutines\n  deadlock: coroutine 0 (buyer) waits for"),
        "{text}"
    );
    assert!(text.ends_with("and so on over 99950 more waits for coroutine 0 (buyer)"), "{text}");
    assert!(text.len() < 10_000);
}
