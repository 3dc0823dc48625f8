//! What the sections about sessions refuse, and that they come back as they were.

use crate::container::{DecodeConfig, DecodeErrorKind, EncodeErrorKind, Section, TagKind, decode, encode};
use crate::ids::{EffectId, FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{
    ChanType, ContainerVersion, EdgeDef, EdgePolicy, EffectDef, LayerDef, LinearDef, LinearType, LocalDef,
    PayloadDef, Place, Program, SessionTables, ShapeDef, ShapeRole,
};
use crate::protocol::{LabelId, PayloadId, RoleId, State, StateBranch, StateId, StateKind};
use crate::value_type::ValueType;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

/// Tables with something of everything, also of what makes no sense.
fn tables() -> SessionTables {
    let chan = ChanType { shape: ShapeId(1), role: 300, state: StateId(1 << 20) };
    let branch =
        |label, next| StateBranch { label: LabelId(label), payload: PayloadId(2), next: StateId(next) };
    let mut tables = SessionTables {
        roles: vec![SymbolId(1), SymbolId(1000)],
        labels: vec![SymbolId(2)],
        payloads: vec![
            PayloadDef::Value(ValueType::Obj(7)),
            PayloadDef::Tuple(vec![PayloadId(0), PayloadId(u16::MAX)]),
            PayloadDef::Tuple(Vec::new()),
            PayloadDef::Chan(chan),
        ],
        states: vec![
            State { kind: StateKind::Send(RoleId(1)), first: 0, len: 2 },
            State { kind: StateKind::End, first: 2, len: 0 },
            State { kind: StateKind::Recv(RoleId(u16::MAX)), first: 2, len: 1 },
        ],
        branches: vec![branch(0, 1), branch(7, 2), branch(1, 0)],
        locals: vec![LocalDef { name: SymbolId(1), entry: StateId(2) }],
        shapes: vec![
            ShapeDef {
                name: SymbolId(1),
                global: SymbolId(2),
                first_role: 0,
                role_count: 1,
                first_edge: 0,
                edge_count: 2,
            },
            ShapeDef {
                name: SymbolId(0),
                global: SymbolId(0),
                first_role: 1,
                role_count: 0,
                first_edge: 2,
                edge_count: 0,
            },
        ],
        shape_roles: vec![ShapeRole { role: RoleId(1), entry: StateId(9) }],
        edges: vec![
            EdgeDef { from: 0, to: 1, policy: EdgePolicy::Resize, capacity: 2, max: 200 },
            EdgeDef { from: 1, to: 0, policy: EdgePolicy::Latest, capacity: 1, max: 1 },
        ],
        effects: vec![
            EffectDef { name: SymbolId(1), capability: SymbolId(2), speculative: true },
            EffectDef { name: SymbolId(9), capability: SymbolId(0), speculative: false },
        ],
        layers: vec![LayerDef { name: SymbolId(1), capacity: 0 }],
        linear: vec![
            LinearDef { func: FuncId(0), place: Place::Param(3), ty: LinearType::Chan(chan) },
            LinearDef { func: FuncId(0), place: Place::Result(0), ty: LinearType::Evidence(LayerId(4)) },
            LinearDef { func: FuncId(5), place: Place::Param(0), ty: LinearType::Handle(chan) },
        ],
        ..SessionTables::default()
    };
    for types in [&[ValueType::Coro, ValueType::Epid][..], &[ValueType::U64], &[], &[]] {
        tables.effect_types.push(types).unwrap();
    }
    tables
}

fn program(sessions: SessionTables) -> Program {
    let mut program = Program { version: ContainerVersion::V0_128, sessions, ..Program::default() };
    program.symbols.push("").unwrap();
    program
}

/// The bytes of a container with one section more than it must have.
fn with_section(section: Section, payload: &[u8]) -> Vec<u8> {
    let mut bytes = encode(&program(SessionTables::default())).unwrap();
    bytes.push(section.tag());
    bytes.push(u8::try_from(payload.len()).unwrap());
    bytes.extend(payload);
    bytes
}

#[test]
fn everything_comes_back() {
    let program = program(tables());
    let bytes = encode(&program).unwrap();
    let read = decode(&bytes, &DecodeConfig::new()).unwrap();
    assert_eq!(read, program);
    assert_eq!(encode(&read).unwrap(), bytes);
    assert_eq!(read.sessions().effect_sig(EffectId(0)).unwrap().results, [ValueType::U64]);
    assert_eq!(read.sessions().branches_of(StateId(2)), &read.sessions().branches[2..]);
}

#[test]
fn linear_types_are_sorted_when_read_and_when_written() {
    let sorted = program(tables());
    let mut mixed = sorted.clone();
    mixed.sessions.linear.reverse();
    let bytes = encode(&mixed).unwrap();
    assert_eq!(bytes, encode(&sorted).unwrap());
    assert_eq!(decode(&bytes, &DecodeConfig::new()).unwrap(), sorted);
    let payload = [2, 1, 0, 0, 3, 0, 0, 0, 0, 3, 1];
    let read = decode(&with_section(Section::Linear, &payload), &DecodeConfig::new()).unwrap();
    let funcs: Vec<u32> = read.sessions().linear.iter().map(|def| def.func.0).collect();
    assert_eq!(funcs, [0, 1]);
}

#[test]
fn older_versions_have_no_sessions() {
    let program = Program { version: ContainerVersion::V0_1, ..program(tables()) };
    let error = encode(&program).unwrap_err();
    let needed = ContainerVersion::V0_128;
    assert_eq!(error.kind(), &EncodeErrorKind::NeedsVersion { needed });
    assert_eq!(
        error.to_string(),
        "W0109: containers have this since version 0.128; the program is of an earlier one, entry 0 of section 129 roles"
    );
    // Their readers take the sections for unknown ones.
    let mut bytes = encode(&Program { version: needed, ..program }).unwrap();
    bytes[10] = 1;
    let read = decode(&bytes, &DecodeConfig::new()).unwrap();
    assert!(read.sessions().is_empty());
    assert_eq!(read.unknown_sections().len(), 9);
    assert_eq!(encode(&read).unwrap(), bytes);
}

#[test]
fn classes_of_sessions_need_their_version_wherever_they_stand() {
    use ValueType::{Chan, Coro, Epid, Evidence};
    type Change = fn(&mut Program);
    let old = || {
        let mut program = program(SessionTables::default());
        program.version = ContainerVersion::V0_1;
        program
    };
    let cases: [(Change, Section, usize); 5] = [
        (|p| p.elems = vec![ValueType::I64, Epid], Section::Types, 1),
        (
            |p| {
                p.structs.push(&[Coro]).unwrap();
                p.field_names.push("x").unwrap();
                p.struct_field_names.push(&[0]).unwrap();
            },
            Section::Types,
            0,
        ),
        (
            |p| {
                p.call_sigs.push(&[Chan]).unwrap();
                p.call_sigs.push(&[]).unwrap();
            },
            Section::CallSigs,
            0,
        ),
        (
            |p| {
                p.host_sigs.push((SymbolId(1), 0));
                p.host_sig_types.push(&[]).unwrap();
                p.host_sig_types.push(&[Evidence]).unwrap();
            },
            Section::HostSigs,
            0,
        ),
        (
            |p| {
                p.code.push(&[]).unwrap();
                p.spans.push(&[]).unwrap();
                let def = crate::program::FunctionDef {
                    param_count: 1,
                    result_count: 0,
                    reg_count: 2,
                    code: 0,
                    spans: 0,
                };
                p.functions.push(def);
                p.func_sigs.push(&[Chan]).unwrap();
                p.func_sigs.push(&[]).unwrap();
                p.func_sig_names.push(&[]).unwrap();
                p.func_sig_names.push(&[]).unwrap();
            },
            Section::FunctionSigs,
            0,
        ),
    ];
    for (change, section, entry) in cases {
        let mut program = old();
        change(&mut program);
        let error = encode(&program).unwrap_err();
        assert_eq!((error.code(), error.section(), error.entry()), ("W0109", Some(section), entry));
        program.version = ContainerVersion::V0_128;
        let mut bytes = encode(&program).unwrap();
        assert_eq!(decode(&bytes, &DecodeConfig::new()).unwrap(), program);
        bytes[10] = 1;
        let error = decode(&bytes, &DecodeConfig::new()).unwrap_err();
        assert_eq!((error.code(), error.section()), ("D0301", Some(section)));
    }
}

#[test]
fn what_the_sections_cannot_hold_is_not_written() {
    type Change = fn(&mut SessionTables);
    let layout = EncodeErrorKind::ListLayout;
    let cases: [(Change, Section, usize, EncodeErrorKind); 12] = [
        (|t| t.states[0].first = 1, Section::States, 0, layout),
        (|t| t.states[2].first = 1, Section::States, 2, layout),
        (|t| t.states[2].len = 2, Section::States, 2, layout),
        (|t| t.states[2].len = 0, Section::States, 3, layout),
        (|t| t.states[0].kind = StateKind::End, Section::States, 0, layout),
        (|t| t.states.clear(), Section::States, 0, layout),
        (|t| t.shapes[1].first_role = 0, Section::SessionShapes, 1, layout),
        (|t| t.shapes[1].first_edge = 0, Section::SessionShapes, 1, layout),
        (|t| t.shapes[0].edge_count = 1, Section::SessionShapes, 1, layout),
        (|t| t.shapes[0].role_count = 2, Section::SessionShapes, 0, layout),
        (|t| t.shapes.truncate(0), Section::SessionShapes, 0, layout),
        (|t| t.edges[1].max = 3, Section::SessionShapes, 0, EncodeErrorKind::EdgeMax { max: 3, capacity: 1 }),
    ];
    for (change, section, entry, kind) in cases {
        let mut program = program(tables());
        change(&mut program.sessions);
        let error = encode(&program).unwrap_err();
        assert_eq!((error.section(), error.entry(), error.kind()), (Some(section), entry, &kind));
        assert!(error.to_string().starts_with(kind.code()), "{error}");
    }
    let mut two_results = program(tables());
    two_results.sessions.effect_types = Default::default();
    for types in [&[][..], &[ValueType::U64, ValueType::U64], &[], &[]] {
        two_results.sessions.effect_types.push(types).unwrap();
    }
    let error = encode(&two_results).unwrap_err();
    assert_eq!((error.section(), error.entry(), error.kind()), (Some(Section::Effects), 0, &layout));
    let mut lists = program(tables());
    lists.sessions.effects.pop();
    let error = encode(&lists).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::SignatureCount { entries: 1, lists: 4 });
}

#[test]
fn errors_point_at_what_is_wrong() {
    use DecodeErrorKind as Kind;
    let tag = |what, found| Kind::BadTag { what, found };
    let big = |value| Kind::NumberTooLarge { value, bits: 16 };
    let cases: [(Section, &[u8], usize, Kind); 17] = [
        (Section::Payloads, &[1, 0, 0], 1, tag(TagKind::Payload, 0)),
        (Section::Payloads, &[1, 1, 16], 2, tag(TagKind::ValueType, 16)),
        (Section::Payloads, &[1, 2, 1, 0x80, 0x80, 4], 3, big(1 << 16)),
        (Section::Payloads, &[1, 3, 0, 0x80, 0x80, 4, 0], 3, big(1 << 16)),
        (Section::States, &[1, 3], 1, tag(TagKind::State, 3)),
        (Section::States, &[1, 1, 0x80, 0x80, 4, 0], 2, big(1 << 16)),
        (Section::States, &[1, 1, 0, 2, 0, 0, 0, 0, 0], 3, Kind::CountExceedsInput { count: 2, room: 1 }),
        (Section::States, &[1, 0, 0], 2, Kind::TrailingBytes { count: 1 }),
        (Section::SessionShapes, &[1, 0, 0, 0, 1, 0, 1, 5, 0], 7, tag(TagKind::Policy, 5)),
        (
            Section::SessionShapes,
            &[1, 0, 0, 0, 1, 0, 1, 3, 0],
            9,
            Kind::UnexpectedEnd { needed: 1, remaining: 0 },
        ),
        (Section::SessionShapes, &[1, 0, 0, 1, 0], 3, Kind::CountExceedsInput { count: 1, room: 0 }),
        (Section::Effects, &[1, 0, 0, 2, 0, 0], 3, Kind::BadFlag { found: 2 }),
        (Section::Effects, &[1, 0, 0, 0, 0, 2], 5, Kind::BadFlag { found: 2 }),
        (Section::Linear, &[1, 0, 2, 0, 3, 0], 2, Kind::BadFlag { found: 2 }),
        (Section::Linear, &[1, 0, 0, 0, 4, 0], 4, tag(TagKind::Linear, 4)),
        (Section::Layers, &[1, 0, 0, 0], 3, Kind::TrailingBytes { count: 1 }),
        (Section::Locals, &[2, 0, 0, 0], 0, Kind::CountExceedsInput { count: 2, room: 1 }),
    ];
    for (section, payload, offset, kind) in cases {
        let bytes = with_section(section, payload);
        let error = decode(&bytes, &DecodeConfig::new()).unwrap_err();
        let start = bytes.len() - payload.len();
        assert_eq!((error.section(), error.offset() - start, error.kind()), (Some(section), offset, &kind));
        assert!(!error.to_string().is_empty() && !error.hint().is_empty());
    }
    assert_eq!(big(1 << 16).to_string(), "65536 does not fit in 16 bits");
}

/// 2^16 entries where a table counts with 16 bits.
#[test]
fn lists_of_a_state_and_of_a_shape_have_16_bits() {
    let count = [0x80, 0x80, 4];
    let branches = [&[1, 1, 0][..], &count, &[0; 3 << 16]].concat();
    let roles = [&[1, 0, 0][..], &count, &[0; 2 << 16], &[0]].concat();
    for (section, payload) in [(Section::States, branches), (Section::SessionShapes, roles)] {
        let mut bytes = encode(&program(SessionTables::default())).unwrap();
        bytes.push(section.tag());
        let mut len = payload.len();
        while len >= 0x80 {
            bytes.push(len as u8 | 0x80);
            len >>= 7;
        }
        bytes.push(len as u8);
        bytes.extend(payload);
        let error = decode(&bytes, &DecodeConfig::new()).unwrap_err();
        assert_eq!(error.kind(), &DecodeErrorKind::NumberTooLarge { value: 1 << 16, bits: 16 });
    }
}
