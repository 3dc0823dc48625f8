//! Declarations about sessions, as they become tables.

use crate::builder::{BuildError, Edge, EffectOptions, Linear, ProgramBuilder};
use crate::container::{DecodeConfig, decode, encode};
use crate::emit;
use crate::ids::{EffectId, FuncId, LayerId, ShapeId};
use crate::program::{
    ChanType, ContainerVersion, EdgeDef, EdgePolicy, LinearType, PayloadDef, Place, Program, SessionTables,
};
use crate::protocol::{LabelId, LocalType, RoleId, StateId, StateKind};
use crate::value_type::ValueType;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const CLIENT: &str = "mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}";
const SERVER: &str = "mu x. ?Client{get(u64). !Client{val(str). x}, quit. end}";

fn ty(text: &str) -> LocalType {
    text.parse().unwrap()
}

/// A builder with the two types and their shape.
fn shop() -> (ProgramBuilder<'static>, ShapeId) {
    let mut program = ProgramBuilder::new();
    program.local_types(&[("Client", &ty(CLIENT)), ("Server", &ty(SERVER))]).unwrap();
    let shape = program.shape("Shop", &[("Client", "Client"), ("Server", "Server")], &[]).unwrap();
    (program, shape)
}

/// The finished program, which is also what its container says.
fn finish(program: ProgramBuilder<'_>) -> Program {
    let program = program.finish().unwrap();
    assert_eq!(program.version(), ContainerVersion::V0_128);
    assert_eq!(decode(&encode(&program).unwrap(), &DecodeConfig::new()).unwrap(), program);
    program
}

fn names(program: &Program, symbols: &[crate::ids::SymbolId]) -> Vec<String> {
    symbols.iter().map(|&symbol| program.symbol(symbol).unwrap().to_string()).collect()
}

fn entry(program: &Program, name: &str) -> StateId {
    let locals = &program.sessions().locals;
    locals.iter().find(|local| program.symbol(local.name) == Some(name)).unwrap().entry
}

#[test]
fn local_types_become_one_minimal_automaton() {
    let (mut program, _) = shop();
    // The same up to unfolding, and a part of the first.
    let other = "!Server{get(u64). ?Server{val(str). mu y. !Server{quit. end, get(u64). ?Server{val(str). y}}}, quit. end}";
    program.local("Other", &ty(other)).unwrap();
    program.local("Waiting", &ty(&format!("?Server{{val(str). {CLIENT}}}"))).unwrap();
    let program = finish(program);
    let tables = program.sessions();
    assert_eq!(names(&program, &tables.roles), ["Server", "Client"]);
    assert_eq!(names(&program, &tables.labels), ["get", "quit", "val"]);
    assert_eq!(tables.states.len(), 5, "two of each party, and one end");
    assert_eq!(entry(&program, "Other"), entry(&program, "Client"));
    let get = tables.branch(entry(&program, "Client"), LabelId(0)).unwrap();
    assert_eq!(entry(&program, "Waiting"), get.next);
    assert_eq!(tables.kind(get.next), StateKind::Recv(RoleId(0)));
    let read = program.local_type(entry(&program, "Client")).unwrap();
    assert!(read.equivalent(&ty(CLIENT)).unwrap(), "{read}");
}

#[test]
fn labels_of_code_keep_their_numbers() {
    let mut program = ProgramBuilder::new();
    let (val, quit) = (program.message_label("val").unwrap(), program.message_label("quit").unwrap());
    assert_eq!(program.role("Server").unwrap(), RoleId(0));
    program.local("Client", &ty(CLIENT)).unwrap();
    let get = program.message_label("get").unwrap();
    assert_eq!((val, quit, get), (LabelId(0), LabelId(1), LabelId(2)));
    let program = finish(program);
    assert_eq!(names(&program, &program.sessions().labels), ["val", "quit", "get"]);
    let labels = |state| program.sessions().branches_of(state).iter().map(|b| b.label.0).collect::<Vec<_>>();
    assert_eq!(labels(entry(&program, "Client")), [1, 2], "sorted by number");
}

#[test]
fn edges_are_those_that_the_types_use() {
    let mut program = ProgramBuilder::new();
    let types =
        [("A", "!B{a. !B{b. !C{c. ?C{d. end}}}}"), ("B", "?A{a. ?A{b. end}}"), ("C", "?A{c. !A{d. end}}")];
    for (name, text) in types {
        program.local(name, &ty(text)).unwrap();
    }
    let edges = [
        Edge::new("A", "B").capacity(3),
        Edge::new("A", "C").policy(EdgePolicy::Latest),
        Edge::new("C", "A").capacity(2).grow_to(9),
    ];
    program.shape("Special", &[("A", "A"), ("B", "B"), ("C", "C")], &edges).unwrap();
    // `B` never talks to `C`, and this shape has no `C` at all.
    program.shape("Plain", &[("B", "B"), ("A", "A")], &[]).unwrap();
    let program = finish(program);
    let edge = |from, to, policy, capacity, max| EdgeDef { from, to, policy, capacity, max };
    let special = program.sessions().edges_of(ShapeId(0));
    let expected = [
        edge(0, 1, EdgePolicy::Block, 3, 3),
        edge(0, 2, EdgePolicy::Latest, 1, 1),
        edge(2, 0, EdgePolicy::Resize, 2, 9),
    ];
    assert_eq!(special, expected);
    let usual = EdgeDef::DEFAULT_CAPACITY;
    assert_eq!(program.sessions().edges_of(ShapeId(1)), [edge(1, 0, EdgePolicy::Block, usual, usual)]);
    let RoleId(first) = program.sessions().roles_of(ShapeId(1))[0].role;
    assert_eq!(program.symbol(program.sessions().roles[usize::from(first)]), Some("B"));
}

#[test]
fn shapes_are_projected_from_global_types() {
    let mut program = ProgramBuilder::new();
    let global = "mu x. Client -> Server{get(u64). Server -> Client{val(str). x}, quit. end}";
    let shape = program.projected_shape("Shop", &global.parse().unwrap(), &[]).unwrap();
    program.local("Client", &ty(CLIENT)).unwrap();
    let f = program.declare("f", &[ValueType::Chan], &[]).unwrap();
    program.linear(f, Place::Param(0), Linear::chan(shape, "Server")).unwrap();
    let mut body = program.begin(f).unwrap();
    emit!(body, Halt).unwrap();
    program.define(body).unwrap();
    let program = finish(program);
    let tables = program.sessions();
    assert_eq!(program.symbol(tables.shapes[0].global), Some(global));
    assert_eq!(tables.states.len(), 5);
    assert_eq!(tables.roles_of(shape)[0].entry, entry(&program, "Client"));
    let state = tables.roles_of(shape)[1].entry;
    let expected = LinearType::Chan(ChanType { shape, role: 1, state });
    assert_eq!(tables.linear_at(f, Place::Param(0)), Some(expected));
    assert!(program.local_type(state).unwrap().equivalent(&ty(SERVER)).unwrap());
}

#[test]
fn linear_types_name_states_by_type_and_by_name() {
    let (mut program, shop) = shop();
    let auth = program.layer("auth", 2).unwrap();
    program.local("Waiting", &ty(&format!("?Server{{val(str). {CLIENT}}}"))).unwrap();
    let f = program.declare("f", &[ValueType::Chan; 3], &[ValueType::Evidence, ValueType::Chan]).unwrap();
    let rest = ty(&format!("!Client{{val(str). {SERVER}}}"));
    // The order of declarations does not count.
    program.linear(f, Place::Result(1), Linear::chan(shop, "Server").doing(&rest)).unwrap();
    program.linear(f, Place::Result(0), Linear::evidence(auth)).unwrap();
    program.linear(f, Place::Param(2), Linear::handle(shop, "Client").at("Waiting")).unwrap();
    program.linear(f, Place::Param(0), Linear::chan(shop, "Client")).unwrap();
    let mut body = program.begin(f).unwrap();
    emit!(body, Halt).unwrap();
    program.define(body).unwrap();
    let program = finish(program);
    let tables = program.sessions();
    let chan = |role, state| ChanType { shape: shop, role, state };
    let server = entry(&program, "Server");
    let answering = tables.branches_of(server)[0].next;
    let types: Vec<(Place, LinearType)> = tables.linear_of(f).iter().map(|def| (def.place, def.ty)).collect();
    let expected = [
        (Place::Param(0), LinearType::Chan(chan(0, entry(&program, "Client")))),
        (Place::Param(2), LinearType::Handle(chan(0, entry(&program, "Waiting")))),
        (Place::Result(0), LinearType::Evidence(LayerId(0))),
        (Place::Result(1), LinearType::Chan(chan(1, answering))),
    ];
    assert_eq!(types, expected);
    assert_eq!(tables.linear_of(FuncId(1)), []);
}

#[test]
fn endpoints_in_payloads_are_of_a_role_or_of_a_local_type() {
    let (mut program, shop) = shop();
    program.local("Waiting", &ty(&format!("?Server{{val(str). {CLIENT}}}"))).unwrap();
    program
        .local("A", &ty("!B{x(chan(Shop, Client)). !B{y(tuple(u64, chan(Shop, Waiting))). end}}"))
        .unwrap();
    program
        .local("B", &ty("?A{x(chan(Shop, Client)). ?A{y(tuple(u64, chan(Shop, Waiting))). end}}"))
        .unwrap();
    program.shape("Give", &[("A", "A"), ("B", "B")], &[]).unwrap();
    let program = finish(program);
    let chan = |name| PayloadDef::Chan(ChanType { shape: shop, role: 0, state: entry(&program, name) });
    let tables = program.sessions();
    for name in ["A", "B"] {
        let [first] = tables.branches_of(entry(&program, name)) else { panic!() };
        assert_eq!(tables.payload(first.payload), Some(&chan("Client")));
        let [second] = tables.branches_of(first.next) else { panic!() };
        let Some(PayloadDef::Tuple(parts)) = tables.payload(second.payload) else { panic!() };
        assert!(parts.iter().all(|part| part.0 < second.payload.0), "parts stand before the whole");
        let parts: Vec<_> = parts.iter().map(|part| tables.payload(*part).unwrap().clone()).collect();
        assert_eq!(parts, [PayloadDef::Value(ValueType::U64), chan("Waiting")]);
    }
}

/// Types that differ only in how they spell an endpoint are one.
#[test]
fn endpoints_that_are_spelled_differently_are_the_same() {
    let (mut program, _) = shop();
    let client = format!("mu y. {}", CLIENT.replace('x', "y").replace("mu y. ", ""));
    program.local("Same", &ty(&client)).unwrap();
    program.local("Waiting", &ty(&format!("?Server{{val(str). {CLIENT}}}"))).unwrap();
    for (name, of) in [("A", "Client"), ("B", "Same")] {
        program.local(name, &ty(&format!("!C{{x(chan(Shop, {of})). end}}"))).unwrap();
    }
    program.shape("Inner", &[("In", "A"), ("C", "Inner C")], &[]).unwrap();
    program.local("Inner C", &ty("?In{x(chan(Shop, Client)). end}")).unwrap();
    // One level more: endpoints of the types that turned out to be the same.
    for (name, of) in [("Outer A", "A"), ("Outer B", "B"), ("Outer C", "In")] {
        program.local(name, &ty(&format!("!D{{x(tuple(chan(Inner, {of}), u64)). end}}"))).unwrap();
    }
    let program = finish(program);
    assert_eq!(entry(&program, "A"), entry(&program, "B"));
    assert_eq!(entry(&program, "Outer A"), entry(&program, "Outer B"));
    assert_eq!(entry(&program, "Outer A"), entry(&program, "Outer C"));
    let payloads = &program.sessions().payloads;
    assert_eq!(payloads.iter().filter(|payload| matches!(payload, PayloadDef::Chan(_))).count(), 2);
}

#[test]
fn effects_and_layers_are_numbered_at_once() {
    let mut program = ProgramBuilder::new();
    let options = EffectOptions::new().capability("io").speculative();
    let log = program.effect("log", &[ValueType::Str], None, options).unwrap();
    let now = program.effect("now", &[], Some(ValueType::U64), EffectOptions::new()).unwrap();
    assert_eq!((log, now), (EffectId(0), EffectId(1)));
    assert_eq!(program.layer("auth", 3).unwrap(), LayerId(0));
    let program = finish(program);
    let tables = program.sessions();
    assert_eq!(tables.effect_sig(log).unwrap().params, [ValueType::Str]);
    assert_eq!(tables.effect_sig(now).unwrap().results, [ValueType::U64]);
    assert_eq!(program.symbol(tables.effects[0].capability), Some("io"));
    assert_eq!((tables.effects[0].speculative, tables.effects[1].speculative), (true, false));
    assert_eq!(tables.layers[0].capacity, 3);
}

#[test]
fn instructions_take_what_was_declared() {
    let (mut program, shop) = shop();
    let auth = program.layer("auth", 1).unwrap();
    let log = program.effect("log", &[], None, EffectOptions::new()).unwrap();
    let (get, quit) = (program.message_label("get").unwrap(), program.message_label("quit").unwrap());
    let f = program.declare("f", &[], &[]).unwrap();
    let mut body = program.begin(f).unwrap();
    let (c, s, e) = (body.reg(), body.reg(), body.reg());
    let end = body.label();
    emit!(body, Open, shop, &[c, s]).unwrap();
    emit!(body, Acquire, auth, e).unwrap();
    emit!(body, Invoke, log, &[], None).unwrap();
    emit!(body, Offer, c, get, e).unwrap();
    emit!(body, Choose, s, [get, quit].as_slice(), &[e, e], [end, end].as_slice()).unwrap();
    body.place(end).unwrap();
    emit!(body, Halt).unwrap();
    program.define(body).unwrap();
    let program = finish(program);
    let bytes = program.code(f).unwrap();
    assert!(
        bytes.starts_with(&[0xe8, 0, 2, 1, 2, 0xeb, 0, 3, 0xea, 0, 0, 0, 0xe6, 1, 0, 4, 0xe7, 2, 2, 0, 1])
    );
}

#[test]
fn a_program_without_sessions_is_of_the_first_version() {
    let program = ProgramBuilder::new().finish().unwrap();
    assert_eq!(program.version(), ContainerVersion::V0_1);
    assert_eq!(program.sessions(), &SessionTables::default());
    let mut program = ProgramBuilder::new();
    program.declare("f", &[ValueType::Coro], &[]).unwrap();
    program.call_sig(&[], &[ValueType::Epid]).unwrap();
    assert_eq!(program.program.version, ContainerVersion::V0_128, "for its classes");
}

#[test]
fn names_are_taken_once() {
    let (mut program, _) = shop();
    let taken = |what, name: &str| Err(BuildError::NameTaken { what, name: name.to_string() });
    assert_eq!(program.local("Client", &ty("end")), taken("local type", "Client"));
    assert_eq!(program.shape("Shop", &[], &[]).map(|_| ()), taken("shape", "Shop"));
    program.layer("x", 1).unwrap();
    assert_eq!(program.layer("x", 1).map(|_| ()), taken("guard layer", "x"));
    program.effect("x", &[], None, EffectOptions::new()).unwrap();
    assert_eq!(program.effect("x", &[], None, EffectOptions::new()).map(|_| ()), taken("effect", "x"));
}

/// What finishing says after a change to the shop.
fn refused(change: impl FnOnce(&mut ProgramBuilder<'_>, ShapeId)) -> (&'static str, String) {
    let (mut program, shop) = shop();
    let f = program.declare("f", &[ValueType::Chan], &[]).unwrap();
    let mut body = program.begin(f).unwrap();
    emit!(body, Halt).unwrap();
    program.define(body).unwrap();
    change(&mut program, shop);
    let error = program.finish().unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn names_that_mean_nothing_are_errors_at_the_end() {
    let f = FuncId(0);
    let linear =
        |program: &mut ProgramBuilder<'_>, ty: Linear<'_>| program.linear(f, Place::Param(0), ty).unwrap();
    let cases = [
        (
            refused(|p, _| assert!(p.shape("S", &[("A", "Nobody")], &[]).is_ok())),
            ("B0015", "there is no local type Nobody"),
        ),
        (
            refused(|p, _| p.local("X", &ty("!B{x(chan(Mop, Client)). end}")).unwrap()),
            ("B0015", "there is no shape Mop"),
        ),
        (
            refused(|p, _| p.local("X", &ty("!B{x(tuple(chan(Shop, Nobody))). end}")).unwrap()),
            ("B0015", "there is no role of the shape or local type Nobody"),
        ),
        (
            refused(|p, s| linear(p, Linear::chan(s, "Nobody"))),
            ("B0017", "the shape Shop has no role Nobody"),
        ),
        (
            refused(|p, s| linear(p, Linear::chan(s, "Client").at("Nowhere"))),
            ("B0015", "there is no local type Nowhere"),
        ),
        (refused(|p, _| linear(p, Linear::handle(ShapeId(9), "A"))), ("B0015", "there is no shape \"9\"")),
        (
            refused(|p, _| {
                p.local("X", &ty("!B{x(chan(Shop, Y)). end}")).unwrap();
                p.local("Y", &ty("!B{y. end}")).unwrap();
            }),
            ("B0018", "no role of Shop comes to the local type Y"),
        ),
        (
            refused(|p, _| {
                p.local("X", &ty("!B{x(chan(Shop, Done)). end}")).unwrap();
                p.local("Done", &ty("end")).unwrap();
            }),
            ("B0018", "2 roles of Shop come to the local type Done, so say which one is meant"),
        ),
        (
            refused(|p, _| assert!(p.shape("S", &[("A", "Client")], &[Edge::new("A", "Server")]).is_ok())),
            ("B0017", "the shape S has no role Server"),
        ),
        (
            refused(|p, _| {
                let roles = [("Client", "Client"), ("Server", "Server"), ("Other", "Client")];
                assert!(p.shape("S", &roles, &[Edge::new("Client", "Other")]).is_ok());
            }),
            ("B0019", "in S, Client sends Other nothing, so there is no such edge"),
        ),
    ];
    for ((code, text), expected) in cases {
        assert_eq!((code, text.as_str()), expected);
    }
}

#[test]
fn types_are_checked_when_they_are_declared() {
    let mut program = ProgramBuilder::new();
    let error = program.local("Bad", &ty("mu x. x")).unwrap_err();
    assert_eq!(error.code(), "B0020");
    assert!(error.to_string().starts_with("in Bad: 1:7: error[P0204]: "), "{error}");
    let global = "A -> B{x. C -> A{c. end}, y. A -> C{d. end}}".parse().unwrap();
    let error = program.projected_shape("S", &global, &[]).unwrap_err();
    assert!(error.to_string().starts_with("in S: "), "{error}");
    let f = program.declare("f", &[ValueType::Chan], &[]).unwrap();
    let linear = Linear::chan(ShapeId(0), "A");
    let error = program.linear(f, Place::Param(0), linear.doing(&ty("x"))).unwrap_err();
    assert!(error.to_string().starts_with("in a local type: 1:1: error[P0201]: "), "{error}");
    let error = program.linear(FuncId(7), Place::Param(0), linear).unwrap_err();
    assert_eq!(error, BuildError::UnknownFunction { func: FuncId(7) });
    assert!(program.shape_global(ShapeId(0), &"end".parse().unwrap()).is_err());
}

/// The tables do not depend on how the types are written.
#[test]
fn tables_are_the_same_for_the_same_types() {
    let build = |client: &str, server: &str| {
        let mut program = ProgramBuilder::new();
        program.local("Client", &ty(client)).unwrap();
        program.local("Server", &ty(server)).unwrap();
        finish(program)
    };
    let again = "!Server{quit. end, get(u64). mu z. ?Server{val(str). !Server{get(u64). z, quit. end}}}";
    assert_eq!(build(CLIENT, SERVER), build(again, &SERVER.replace('x', "loop")));
}

/// Endpoints that carry endpoints, differently spelled on more levels than are looked at, stay apart, but mean the same.
#[test]
fn deep_spellings_end() {
    let (mut program, _) = shop();
    for side in ["a", "b"] {
        for level in 0..40 {
            let of = match level {
                0 if side == "a" => "chan(Shop, Client)".to_string(),
                0 => "chan(Shop, Same)".to_string(),
                _ => format!("chan(S{side}, {side}{})", level - 1),
            };
            program.local(&format!("{side}{level}"), &ty(&format!("!X{{m({of}). end}}"))).unwrap();
        }
        let roles: Vec<(String, String)> =
            (0..40).map(|i| (format!("{side}{i}"), format!("{side}{i}"))).collect();
        let roles: Vec<(&str, &str)> = roles.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        program.shape(&format!("S{side}"), &roles, &[]).unwrap();
    }
    program.local("Same", &ty(CLIENT)).unwrap();
    let program = finish(program);
    assert_eq!(entry(&program, "a0"), entry(&program, "b0"));
}
