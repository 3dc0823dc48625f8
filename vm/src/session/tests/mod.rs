//! Tests of what only holds data. Their program has no code: names are all that is asked of it.

mod compare;
mod datum;
mod diagram;
mod hash;
mod log;
mod names;
mod plan;
mod replay;
mod stuck;

use super::*;
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::ids::{EffectId, FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{EdgeDef, EdgePolicy, EffectDef, LayerDef, Program, ShapeDef, ShapeRole};
use crate::protocol::{LabelId, RoleId, StateId};
use opforge_schema::TrapCode;
use std::string::{String, ToString};
use std::vec::Vec;

const GET: LabelId = LabelId(0);
const VAL: LabelId = LabelId(1);
const QUIT: LabelId = LabelId(2);
/// Labels that formats could trip over.
const END: LabelId = LabelId(3);
const ODD: LabelId = LabelId(4);

const CLIENT: u16 = 0;
const SERVER: u16 = 1;

/// `Shop { Client, Server }` is shape 0; `Feed { Server, Client }`, whose edge is lossy, is shape 1. Functions 0 and 1 are
/// `buyer` and `seller`; the effect is `log`, the layer is `auth`.
fn program() -> Program {
    let mut program = Program::default();
    let mut symbol = |text: &str| SymbolId(program.symbols.push(text).unwrap());
    assert_eq!(symbol(""), SymbolId(0));
    let tables = &mut program.sessions;
    tables.roles = ["Client", "Server"].map(&mut symbol).to_vec();
    tables.labels = ["get", "val", "quit", "end", "<odd>; #1 \"\u{202e}\""].map(&mut symbol).to_vec();
    let shape = |name, first_role, first_edge, edge_count| ShapeDef {
        name,
        global: SymbolId(0),
        first_role,
        role_count: 2,
        first_edge,
        edge_count,
    };
    tables.shapes = Vec::from([shape(symbol("Shop"), 0, 0, 2), shape(symbol("Feed"), 2, 2, 1)]);
    let role = |role| ShapeRole { role: RoleId(role), entry: StateId(0) };
    tables.shape_roles = [0, 1, 1, 0].map(role).to_vec();
    let edge = |from, to, policy| EdgeDef { from, to, policy, capacity: 1, max: 1 };
    tables.edges = Vec::from([
        edge(0, 1, EdgePolicy::Block),
        edge(1, 0, EdgePolicy::Block),
        edge(0, 1, EdgePolicy::Latest),
    ]);
    tables.effects =
        Vec::from([EffectDef { name: symbol("log"), capability: SymbolId(0), speculative: false }]);
    tables.layers = Vec::from([LayerDef { name: symbol("auth"), capacity: 1 }]);
    program.names.functions = Vec::from([(FuncId(0), symbol("buyer")), (FuncId(1), symbol("seller"))]);
    program
}

const fn session(index: u32) -> SessionId {
    SessionId { index, generation: 0 }
}

const fn coro(index: u32) -> CoroId {
    CoroId { index, generation: 0 }
}

/// Events with ticks.
fn trace<const N: usize>(events: [(u64, Event); N]) -> Vec<Stamped> {
    events.map(|(tick, event)| Stamped { tick, event }).to_vec()
}

const fn opened(index: u32, shape: u32) -> Event {
    Event::Opened { session: session(index), shape: ShapeId(shape) }
}

const fn sent(index: u32, from: u16, to: u16, label: LabelId) -> Event {
    Event::Sent { session: session(index), from, to, label }
}

const fn received(index: u32, from: u16, to: u16, label: LabelId) -> Event {
    Event::Received { session: session(index), from, to, label }
}

const fn halted(index: u32) -> Event {
    Event::Halted { coro: coro(index) }
}

/// One event of each kind, in the order of their codes.
fn one_of_each() -> Vec<Stamped> {
    let (session, coro) = (SessionId { index: 7, generation: 1 }, coro(2));
    let endpoint = session.endpoint(CLIENT);
    let (from, to, label) = (CLIENT, SERVER, GET);
    let events = [
        Event::Opened { session, shape: ShapeId(0) },
        Event::Sent { session, from, to, label },
        Event::Received { session, from, to, label },
        Event::Offered { session, from, to, label: QUIT },
        Event::Chose { session, from, to, label: QUIT },
        Event::Closed { session },
        Event::Terminal { session, how: Ending::Faulted },
        Event::Epoch { session, epoch: 1 },
        Event::Halted { coro },
        Event::Invoked { coro, effect: EffectId(0) },
        Event::Acquired { coro, layer: LayerId(0) },
        Event::Released { coro, layer: LayerId(0) },
        Event::Transferred {
            endpoint,
            from: coro,
            to: CoroId { index: 3, generation: 4 },
            bundle_hash: bundle_hash(Some(b"a")),
        },
        Event::Forked { coro, ghost: u64::MAX },
        Event::Joined { coro },
        Event::Aborted { coro },
        Event::Tagged { coro, endpoint, fact: "secret".into() },
        Event::Checked { coro, endpoint, target: "Server".into(), permitted: false },
        Event::Failed { coro, trap: TrapCode::DivByZero },
        Event::Spawned { parent: Some(coro), child: self::coro(5), func: FuncId(1) },
        Event::Woken { coro },
    ];
    let events = events.into_iter().enumerate();
    events.map(|(tick, event)| Stamped { tick: tick as u64, event }).collect()
}
