use super::program;
use crate::ids::{EffectId, FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{
    ChanType, EdgePolicy, LinearDef, LinearType, Lists, PayloadDef, Place, Program, SessionTables, ShapeRole,
};
use crate::protocol::{LabelId, PayloadId, RoleId, StateId, StateKind};
use crate::value_type::ValueType;
use crate::verify::{
    EdgeFault, EffectFault, LinearFault, PayloadFault, SessionTable, ShapeFault, StateFault, TypePlace,
    VerifyConfig, VerifyErrorKind as E, VerifyReport, verify,
};
use alloc::vec;
use alloc::vec::Vec;

fn damaged(damage: impl FnOnce(&mut SessionTables)) -> Vec<E> {
    let mut program = program();
    damage(&mut program.sessions);
    kinds(program)
}

fn kinds(program: Program) -> Vec<E> {
    let report = verify(program, &VerifyConfig::new());
    let errors = report.as_ref().err().map_or(&[][..], VerifyReport::errors);
    errors.iter().map(|error| *error.kind()).collect()
}

/// What is wrong is found first; what follows from it may be found, too.
#[track_caller]
fn first(expected: E, damage: impl FnOnce(&mut SessionTables)) {
    let found = damaged(damage);
    assert_eq!(found.first(), Some(&expected), "{found:?}");
}

#[test]
fn undamaged_tables_pass() {
    assert_eq!(damaged(|_| {}), []);
}

#[test]
fn names() {
    let name = |table, index| E::SessionName { table, index };
    first(name(SessionTable::Role, 0), |tables| tables.roles[0] = SymbolId(999));
    first(name(SessionTable::Label, 1), |tables| tables.labels[1] = SymbolId(0));
    first(name(SessionTable::Label, 1), |tables| tables.labels[1] = tables.labels[0]);
    first(name(SessionTable::Local, 2), |tables| tables.locals[2].name = tables.locals[0].name);
    first(name(SessionTable::Shape, 1), |tables| tables.shapes[1].name = tables.shapes[0].name);
    first(name(SessionTable::Effect, 0), |tables| tables.effects[0].name = SymbolId(0));
    first(name(SessionTable::Layer, 0), |tables| tables.layers[0].name = SymbolId(u32::MAX));
    let long = E::SessionTableTooLong { table: SessionTable::Payload, count: 65_536, max: 65_535 };
    first(long, |tables| tables.payloads.resize(65_536, PayloadDef::Value(ValueType::U64)));
}

#[test]
fn states() {
    let state_of = |tables: &SessionTables| tables.locals[0].entry.0;
    let fault = |state, fault| E::StateMalformed { state, fault };
    let entry = state_of(&program().sessions);
    let at = entry as usize;
    let bad = |expected, damage: &dyn Fn(&mut SessionTables)| {
        first(fault(entry, expected), |tables| damage(tables));
    };
    bad(StateFault::Partner, &|tables| tables.states[at].kind = StateKind::Send(RoleId(99)));
    bad(StateFault::NoBranches, &|tables| tables.states[at].len = 0);
    bad(StateFault::EndBranches, &|tables| tables.states[at].kind = StateKind::End);
    bad(StateFault::Branches, &|tables| tables.states[at].first = u32::MAX);
    let branch = program().sessions.states[at].first as usize;
    bad(StateFault::Label, &|tables| tables.branches[branch].label = LabelId(99));
    bad(StateFault::Order, &|tables| tables.branches[branch].label = tables.branches[branch + 1].label);
    bad(StateFault::Payload, &|tables| tables.branches[branch].payload = PayloadId(99));
    bad(StateFault::Next, &|tables| tables.branches[branch].next = StateId(99));
    first(E::LocalMalformed { local: 1 }, |tables| tables.locals[1].entry = StateId(99));
}

#[test]
fn payloads() {
    let count = program().sessions.payloads.len() as u16;
    let added = |def: PayloadDef, fault| {
        let payload = u32::from(count);
        first(E::PayloadMalformed { payload, fault }, |tables| tables.payloads.push(def));
    };
    added(PayloadDef::Value(ValueType::Evidence), PayloadFault::Class);
    added(PayloadDef::Value(ValueType::Chan), PayloadFault::Class);
    added(PayloadDef::Value(ValueType::U64), PayloadFault::Duplicate);
    added(PayloadDef::Tuple(vec![PayloadId(count)]), PayloadFault::Forward);
    let chan = |shape, role, state| PayloadDef::Chan(ChanType { shape: ShapeId(shape), role, state });
    let entry = program().sessions.locals[0].entry;
    added(chan(9, 0, entry), PayloadFault::Missing);
    added(chan(0, 9, entry), PayloadFault::Missing);
    added(chan(0, 0, StateId(99)), PayloadFault::Missing);
    added(chan(0, 1, entry), PayloadFault::Unreachable);
    let endpoint = program().sessions.payloads.iter().position(|def| matches!(def, PayloadDef::Chan(_)));
    added(PayloadDef::Tuple(vec![PayloadId(endpoint.unwrap() as u16)]), PayloadFault::Endpoint);
    for ok in [
        PayloadDef::Value(ValueType::Closure),
        PayloadDef::Value(ValueType::Obj(7)),
        PayloadDef::Tuple(vec![]),
    ] {
        assert_eq!(damaged(|tables| tables.payloads.push(ok)), []);
    }
}

#[test]
fn shapes() {
    let bad = |fault, damage: &dyn Fn(&mut SessionTables)| {
        first(E::ShapeMalformed { shape: ShapeId(1), fault }, |tables| damage(tables));
    };
    bad(ShapeFault::NoRoles, &|tables| tables.shapes[1].role_count = 0);
    bad(ShapeFault::TooManyRoles, &|tables| tables.shapes[1].role_count = 257);
    bad(ShapeFault::Roles, &|tables| tables.shapes[1].role_count = 3);
    bad(ShapeFault::Roles, &|tables| tables.shape_roles[3].role = RoleId(99));
    bad(ShapeFault::RoleTwice, &|tables| tables.shape_roles[3].role = tables.shape_roles[2].role);
    bad(ShapeFault::Entry, &|tables| tables.shape_roles[3].entry = StateId(99));
    bad(ShapeFault::Edges, &|tables| tables.shapes[1].edge_count = 9);
    bad(ShapeFault::Global, &|tables| tables.shapes[1].global = SymbolId(99));
}

#[test]
fn partners_and_edges() {
    let entry = program().sessions.shape_roles[2].entry;
    // The giver alone, then the giver twice over under another name.
    let alone = E::ShapePartner { shape: ShapeId(1), role: 0, state: entry.0 };
    first(alone, |tables| tables.shapes[1].role_count = 1);
    let taker = program().sessions.shape_roles[3];
    let own = E::ShapePartner { shape: ShapeId(1), role: 1, state: entry.0 };
    first(own, |tables| tables.shape_roles[3] = ShapeRole { entry, ..taker });
    let edge = |from, to, fault| E::ShapeEdge { shape: ShapeId(0), from, to, fault };
    first(edge(0, 1, EdgeFault::Missing), |tables| {
        tables.shapes[0].first_edge = 1;
        tables.shapes[0].edge_count = 1;
    });
    first(edge(1, 1, EdgeFault::Unused), |tables| tables.edges[1].to = 1);
    first(edge(0, 1, EdgeFault::Order), |tables| tables.edges.swap(0, 1));
    first(edge(0, 1, EdgeFault::Order), |tables| tables.edges[1] = tables.edges[0]);
    first(edge(0, 1, EdgeFault::Capacity), |tables| {
        tables.edges[0].capacity = 0;
        tables.edges[0].max = 0;
    });
    first(edge(0, 1, EdgeFault::Max), |tables| tables.edges[0].max += 1);
    first(edge(1, 0, EdgeFault::Max), |tables| {
        tables.edges[1].policy = EdgePolicy::Resize;
        tables.edges[1].max = tables.edges[1].capacity - 1;
    });
}

#[test]
fn effects_and_layers() {
    let effect = EffectId(0);
    let fault = |fault| E::EffectMalformed { effect, fault };
    let sig = |lists: &[&[ValueType]]| {
        let mut types = Lists::default();
        lists.iter().for_each(|list| _ = types.push(list));
        types
    };
    first(fault(EffectFault::Types), |tables| tables.effect_types = Lists::default());
    first(fault(EffectFault::Types), |tables| tables.effect_types = sig(&[&[]]));
    let two = [ValueType::U64, ValueType::U64];
    first(fault(EffectFault::Results), |tables| tables.effect_types = sig(&[&[], &two]));
    first(fault(EffectFault::Capability), |tables| tables.effects[0].capability = SymbolId(999));
    let linear = E::LinearClass { place: TypePlace::Effect, index: 0, class: ValueType::Chan };
    first(linear, |tables| tables.effect_types = sig(&[&[], &[ValueType::Chan]]));
    first(E::LayerCapacity { layer: LayerId(0) }, |tables| tables.layers[0].capacity = 0);
}

#[test]
fn linear_types() {
    let fault = |entry, fault| E::LinearMalformed { entry, fault };
    let place = |n: usize, place| move |tables: &mut SessionTables| tables.linear[n].place = place;
    first(fault(3, LinearFault::Function), |tables| tables.linear[3].func = FuncId(9));
    first(fault(3, LinearFault::Place), place(3, Place::Result(1)));
    first(fault(2, LinearFault::Class), place(2, Place::Param(3)));
    first(fault(0, LinearFault::Class), |tables| tables.linear[0].ty = LinearType::Evidence(LayerId(0)));
    first(fault(1, LinearFault::Order), |tables| tables.linear[1] = tables.linear[0]);
    first(fault(1, LinearFault::Order), |tables| tables.linear.swap(0, 1));
    first(fault(1, LinearFault::Missing), |tables| tables.linear[1].ty = LinearType::Evidence(LayerId(1)));
    let chan = |tables: &SessionTables| match tables.linear[0].ty {
        LinearType::Chan(chan) => chan,
        _ => unreachable!("an endpoint"),
    };
    first(fault(3, LinearFault::HandleResult), |tables| {
        tables.linear[3].ty = LinearType::Handle(chan(tables))
    });
    first(fault(0, LinearFault::Missing), |tables| {
        tables.linear[0].ty = LinearType::Chan(ChanType { role: 2, ..chan(tables) });
    });
    first(fault(0, LinearFault::Unreachable), |tables| {
        tables.linear[0].ty = LinearType::Chan(ChanType { role: 1, ..chan(tables) });
    });
    first(E::LinearMissing { place: Place::Param(0) }, |tables| _ = tables.linear.remove(0));
    first(E::LinearMissing { place: Place::Result(0) }, |tables| _ = tables.linear.pop());
    // No tables at all.
    let mut bare = program();
    bare.sessions = SessionTables::default();
    assert_eq!(kinds(bare).first(), Some(&E::LinearMissing { place: Place::Param(0) }));
    let extra = LinearDef { func: FuncId(0), place: Place::Param(3), ty: LinearType::Evidence(LayerId(0)) };
    first(fault(3, LinearFault::Class), |tables| tables.linear.insert(3, extra));
}

/// Any damage to one number of the tables is an error or no damage, and never a panic.
#[test]
fn any_damage_is_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % n.max(1)
    };
    for _ in 0..3000 {
        let mut program = program();
        let tables = &mut program.sessions;
        for _ in 0..=below(3) {
            let value = [0, 1, 2, 3, 7, 255, 65_535, u32::MAX][below(8)];
            match below(14) {
                0 => {
                    let at = below(tables.states.len());
                    tables.states[at].first = value;
                }
                1 => {
                    let at = below(tables.states.len());
                    tables.states[at].len = value as u16;
                }
                2 => {
                    let at = below(tables.states.len());
                    tables.states[at].kind = StateKind::Recv(RoleId(value as u16));
                }
                3 => {
                    let at = below(tables.branches.len());
                    tables.branches[at].next = StateId(value);
                }
                4 => {
                    let at = below(tables.branches.len());
                    tables.branches[at].payload = PayloadId(value as u16);
                }
                5 => {
                    let at = below(tables.branches.len());
                    tables.branches[at].label = LabelId(value as u16);
                }
                6 => tables.shapes[below(2)].first_role = value,
                7 => tables.shapes[below(2)].role_count = value as u16,
                8 => tables.shapes[below(2)].first_edge = value,
                9 => tables.shapes[below(2)].edge_count = value,
                10 => {
                    let at = below(tables.linear.len());
                    tables.linear[at].func = FuncId(value);
                }
                11 => {
                    let at = below(tables.shape_roles.len());
                    tables.shape_roles[at].entry = StateId(value);
                }
                12 => tables.payloads.truncate(value as usize),
                _ => {
                    let at = below(tables.edges.len());
                    tables.edges[at].from = value as u16;
                }
            }
        }
        let deep = VerifyConfig::new().coherence(crate::verify::CoherenceLimits::new().states(100));
        let _ = verify(program.clone(), &deep);
        for shape in 0..3 {
            let limits = crate::verify::CoherenceLimits::new().states(100);
            let _ = crate::verify::coherence(&program, ShapeId(shape), &limits);
        }
        let _ = verify(program, &VerifyConfig::new().unchecked_sessions(true));
    }
}
