//! Declarations about sessions as text: by name where that gives the tables back, else by index.

use super::*;
use crate::asm::assemble;
use crate::builder::{Edge, EffectOptions, Linear, ProgramBuilder};
use crate::container::encode;
use crate::emit;
use crate::ids::{FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{
    ChanType, ContainerVersion, EdgeDef, EdgePolicy, EffectDef, LayerDef, LinearDef, LinearType, LocalDef,
    PayloadDef, Place, ShapeDef, ShapeRole,
};
use crate::protocol::{LabelId, LocalType, PayloadId, RoleId, State, StateBranch, StateId, StateKind};
use crate::value_type::ValueType;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const CLIENT: &str = "mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}";
const SERVER: &str = "mu x. ?Client{get(u64). !Client{val(str). x}, quit. end}";

/// The exact text, which gives the program back.
fn exact(program: &Program) -> String {
    let text = disassemble(program, &DisasmOptions::exact());
    let again = assemble(&text).unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(&text, "exact")));
    assert!(again == *program, "{text}\n{:?}\n{:?}", again.sessions(), program.sessions());
    if let Ok(bytes) = encode(program) {
        assert_eq!(encode(&again).unwrap(), bytes, "{text}");
    }
    text
}

/// The lines of the declarations, without symbols.
fn declared(text: &str) -> Vec<&str> {
    let lines = text.lines().take_while(|line| !line.starts_with(".func"));
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(".symbol") && !line.starts_with(".version"))
        .collect()
}

#[test]
fn names_stand_where_they_give_the_tables_back() {
    let source = format!(
        ".local Client = {CLIENT}
.local Server = {SERVER}
.shape Shop {{ Client: Client, Server: Server }} edge Client -> Server capacity 4
.shape Two = A -> B{{x. end}} edge A -> B policy resize capacity 2 max 5
.effect log(str) capability \"io\" speculative
.layer auth
.func f(c: chan(Shop, Client), d: chan(Shop, Server, !Client{{val(str). {SERVER}}})) -> (evidence(auth)) {{
    offer c, get, c
    open Shop -> (r3, r4)
    invoke log (r5) -> -
    acquire auth -> r6
    halt
}}"
    );
    let program = assemble(&source).unwrap();
    let text = exact(&program);
    let expected = [
        ".layer #0 auth 1",
        ".effect #0 log (str) -> () capability \"io\" speculative",
        ".local Client = mu x0. !Server{get(u64). ?Server{val(str). x0}, quit. end}",
        ".local Server = mu x3. ?Client{get(u64). !Client{val(str). x3}, quit. end}",
        ".shape #0 Shop { Client: Client, Server: Server }",
        "    edge Client -> Server capacity 4",
        ".shape #1 Two = A -> B{x. end}",
        "    edge A -> B capacity 2 policy resize max 5",
    ];
    assert_eq!(declared(&text), expected);
    let body = [
        ".func &0 f(c: chan(Shop, Client), d: chan(Shop, Server, mu x4. !Client{val(str). ?Client{get(u64). x4, quit. end}})) -> (evidence(auth)) {",
        "    offer r1, get, r1",
        "    open Shop -> (r3, r4)",
        "    invoke log (r5) -> -",
        "    acquire auth -> r6",
        "    halt",
        "}",
    ];
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with(".func")).collect();
    assert_eq!(lines, body);
    // Text for reading is the same, and means the same.
    let pretty = disassemble(&program, &DisasmOptions::pretty());
    assert_eq!(declared(&pretty), expected);
    let again = assemble(&pretty).unwrap();
    assert_eq!(exact(&again), text);
}

#[test]
fn roles_and_labels_in_an_order_of_their_own_are_declared() {
    let mut builder = ProgramBuilder::new();
    builder.message_label("val").unwrap();
    builder.role("Zoe").unwrap();
    builder.local("Client", &CLIENT.parse().unwrap()).unwrap();
    let text = exact(&builder.finish().unwrap());
    let expected = [
        ".role #0 \"Zoe\"",
        ".role #1 \"Server\"",
        ".label #0 \"val\"",
        ".label #1 \"get\"",
        ".label #2 \"quit\"",
        // States are numbered by the names of labels, whatever the numbers of these.
        ".local Client = mu x0. !Server{val(str)",
    ];
    let lines = declared(&text);
    assert_eq!(lines[..5], expected[..5]);
    assert!(lines[5].starts_with(".local Client = mu x0. !Server{"), "{text}");
}

/// Everything that the builder makes is written by name.
#[test]
fn what_the_builder_makes_needs_no_indices() {
    let mut builder = ProgramBuilder::new();
    let ty = |text: &str| text.parse::<LocalType>().unwrap();
    builder.local("end", &ty("end")).unwrap();
    builder
        .local("mu", &ty("!\"r1\"{\"mu\". end, \"end\"(obj(9)). end, \"a b\"(tuple(u64, tuple())). end}"))
        .unwrap();
    builder.local("a.b", &ty("!\"raw\"{x(chan(\"odd \\\"one\\\"\", Both)). end}")).unwrap();
    builder.local("Both", &ty("?B{x. ?B{y. end}}")).unwrap();
    let odd = builder.shape("odd \"one\"", &[("A", "Both"), ("r1", "end")], &[]).unwrap();
    builder.shape("raw", &[("raw", "a.b"), ("mu", "mu"), ("B", "end")], &[]).unwrap();
    let half = ty("?B{y. end}");
    let f = builder.declare("f", &[ValueType::Chan; 3], &[]).unwrap();
    builder.linear(f, Place::Param(0), Linear::chan(odd, "r1")).unwrap();
    builder.linear(f, Place::Param(1), Linear::handle(odd, "A").doing(&half)).unwrap();
    builder.linear(f, Place::Param(2), Linear::chan(odd, "A").at("end")).unwrap();
    builder.effect("raw", &[], None, EffectOptions::new()).unwrap();
    builder.layer("e e", 4).unwrap();
    let mut body = builder.begin(f).unwrap();
    emit!(body, Halt).unwrap();
    builder.define(body).unwrap();
    let text = exact(&builder.finish().unwrap());
    assert!(!text.contains(".state") && !text.contains(".role"), "{text}");
    assert!(
        text.contains("(chan(\"odd \\\"one\\\"\", r1), handle(\"odd \\\"one\\\"\", A, ?B{y. end}), "),
        "{text}"
    );
    assert!(text.contains("chan(\"odd \\\"one\\\"\", A, \"end\")) -> () {"), "{text}");
}

/// A program with tables that nothing has checked.
fn with(change: impl FnOnce(&mut Program)) -> Program {
    let mut builder = ProgramBuilder::new();
    builder.local("Client", &CLIENT.parse().unwrap()).unwrap();
    builder.local("Server", &SERVER.parse().unwrap()).unwrap();
    let edges = [Edge::new("Server", "Client").grow_to(100)];
    let shop = builder.shape("Shop", &[("Client", "Client"), ("Server", "Server")], &edges).unwrap();
    let f = builder.declare("f", &[ValueType::Chan, ValueType::I64], &[ValueType::Evidence]).unwrap();
    builder.linear(f, Place::Param(0), Linear::chan(shop, "Client")).unwrap();
    builder.linear(f, Place::Result(0), Linear::evidence(LayerId(0))).unwrap();
    builder.layer("auth", 1).unwrap();
    builder.effect("log", &[ValueType::Str], None, EffectOptions::new()).unwrap();
    let mut body = builder.begin(f).unwrap();
    emit!(body, Halt).unwrap();
    builder.define(body).unwrap();
    let mut program = builder.finish().unwrap();
    change(&mut program);
    program
}

#[test]
fn other_tables_are_written_by_index() {
    type Change = fn(&mut Program);
    let changes: [Change; 23] = [
        |p| p.sessions.states[0].kind = StateKind::Send(RoleId(9)),
        |p| p.sessions.branches[0].label = LabelId(2),
        |p| p.sessions.branches[0].label = LabelId(900),
        |p| p.sessions.branches[0].payload = PayloadId(77),
        |p| p.sessions.branches[0].next = StateId(0),
        |p| p.sessions.branches[1].next = StateId(1000),
        |p| p.sessions.branches.swap(0, 1),
        |p| p.sessions.payloads.push(PayloadDef::Value(ValueType::Chan)),
        |p| p.sessions.payloads.swap(0, 1),
        |p| p.sessions.payloads[1] = PayloadDef::Tuple(alloc::vec![PayloadId(1)]),
        |p| p.sessions.payloads[1] = PayloadDef::Tuple(alloc::vec![PayloadId(0); 65]),
        |p| {
            let chan = ChanType { shape: ShapeId(3), role: 0, state: StateId(0) };
            p.sessions.payloads[1] = PayloadDef::Chan(chan);
        },
        |p| p.sessions.locals[0].entry = StateId(99),
        |p| p.sessions.locals[0].name = SymbolId(0),
        |p| p.sessions.locals[1].name = p.sessions.locals[0].name,
        |p| p.sessions.roles[0] = p.sessions.roles[1],
        |p| p.sessions.labels[0] = SymbolId(999),
        |p| p.sessions.shapes[0].name = SymbolId(0),
        |p| p.sessions.shape_roles[0].role = RoleId(5),
        |p| p.sessions.shape_roles[0].entry = StateId(5000),
        |p| p.sessions.edges.swap(0, 1),
        |p| p.sessions.edges[0].to = 7,
        |p| {
            p.sessions.edges.pop();
            p.sessions.shapes[0].edge_count = 1;
        },
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let program = with(change);
        let text = exact(&program);
        assert!(text.contains(".state #0 "), "change {i}:\n{text}");
        let pretty = disassemble(&program, &DisasmOptions::pretty());
        assemble(&pretty).unwrap_or_else(|errors| panic!("{errors}\n{pretty}"));
    }
}

#[test]
fn changes_that_names_can_tell_are_written_by_name() {
    type Change = fn(&mut Program);
    let changes: [(Change, &str); 8] = [
        (
            |p| p.sessions.edges[1].capacity = 3,
            "\n    edge Server -> Client capacity 3 policy resize max 100\n",
        ),
        (|p| p.sessions.states[0].kind = StateKind::Recv(RoleId(0)), ".local Client = mu x0. ?Server{get"),
        (|p| p.sessions.layers[0].name = SymbolId(500), ".layer #0 $500 1\n"),
        (|p| p.sessions.effects[0].capability = SymbolId(500), " capability $500\n"),
        (|p| p.sessions.locals.truncate(1), ".shape #0 Shop { Client: Client, Server: mu x3. ?Client{"),
        (|p| p.sessions.shapes[0].global = SymbolId(1), "Server: Server } global \"Client\"\n"),
        (
            |p| {
                p.sessions.linear[0].ty =
                    LinearType::Handle(ChanType { shape: ShapeId(0), role: 1, state: StateId(4) });
            },
            "f(handle(Shop, Server, mu x4. !Client{",
        ),
        (|p| p.sessions.linear[1].ty = LinearType::Evidence(LayerId(8)), "(evidence(#8)) {"),
    ];
    for (change, expected) in changes {
        let text = exact(&with(change));
        assert!(text.contains(expected) && !text.contains(".state"), "{expected}:\n{text}");
    }
}

#[test]
fn linear_types_that_fit_no_signature_stand_apart() {
    type Change = fn(&mut Program);
    let changes: [(Change, &str); 5] = [
        (|p| p.sessions.linear[0].place = Place::Param(1), "\n.linear &0 param 1 chan(Shop, Client)\n"),
        (|p| p.sessions.linear[0].place = Place::Param(9), "\n.linear &0 param 9 chan(Shop, Client)\n"),
        (|p| p.sessions.linear[1].func = FuncId(3), "\n.linear &3 result 0 evidence(auth)\n"),
        (
            |p| p.sessions.linear.insert(1, p.sessions.linear[0]),
            "Client)\n.linear &0 param 0 chan(Shop, Client)\n",
        ),
        (
            |p| p.sessions.linear[0].ty = LinearType::Evidence(LayerId(0)),
            "\n.linear &0 param 0 evidence(auth)\n.linear &0 result 0 evidence(auth)\n",
        ),
    ];
    for (change, expected) in changes {
        let text = exact(&with(change));
        assert!(text.contains(expected), "{expected}:\n{text}");
        assert!(text.contains("f(chan, i64) -> (evidence) {"), "{text}");
    }
    // A class without a type is written as such, and the others keep their places.
    let text = exact(&with(|p| _ = p.sessions.linear.remove(0)));
    assert!(text.contains("f(chan, i64) -> (evidence(auth)) {"), "{text}");
}

#[test]
fn several_things_of_one_name_are_told_apart_by_index() {
    let mut program = with(|_| ());
    let layer = program.sessions.layers[0];
    program.sessions.layers.push(layer);
    let effect = program.sessions.effects[0];
    program.sessions.effects.push(effect);
    program.sessions.effect_types.push(&[]).unwrap();
    program.sessions.effect_types.push(&[]).unwrap();
    let text = exact(&program);
    assert!(
        text.contains(".layer #0 \"auth\" 1\n.layer #1 \"auth\" 1\n.effect #0 \"log\" (str) -> ()\n"),
        "{text}"
    );
    assert!(text.contains("-> (evidence(#0)) {"), "{text}");
}

/// A type in which every way to a shared state is written out would be of exponential size.
#[test]
fn types_that_share_much_are_written_by_index() {
    let mut program = with(|_| ());
    let tables = &mut program.sessions;
    for i in 0..100u32 {
        let first = tables.branches.len() as u32;
        let next = StateId(if i == 99 { 2 } else { 6 + i });
        let branch = |label| StateBranch { label: LabelId(label), payload: PayloadId(0), next };
        tables.branches.extend([branch(0), branch(1)]);
        tables.states.push(State { kind: StateKind::Send(RoleId(0)), first, len: 2 });
    }
    tables.locals.push(LocalDef { name: SymbolId(1), entry: StateId(5) });
    assert!(program.local_type(StateId(5)).is_err());
    let text = exact(&program);
    assert!(text.contains(".state #104 send #0 { #0(#0) -> #2, #1(#0) -> #2 }\n"), "{text}");
    assert!(text.len() < 20_000, "{}", text.len());
}

/// The xorshift64* generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// Mostly a small number, now and then one that is none of anything.
    fn id(&mut self, bound: usize) -> u32 {
        if self.below(12) == 0 { [0xffff, 70_000, u32::MAX][self.below(3)] } else { self.below(bound) as u32 }
    }

    fn id16(&mut self, bound: usize) -> u16 {
        self.id(bound).min(0xffff) as u16
    }
}

const TEXTS: [&str; 12] =
    ["", "a", "b", "end", "mu", "raw", "a b", "a", "\u{202e}\n\"", "A -> B{x. end}", "chan", "x.y"];

/// Tables of anything.
fn random_tables(random: &mut Random) -> Program {
    let mut program = Program { version: ContainerVersion::V0_128, ..Program::default() };
    for text in TEXTS {
        program.symbols.push(text).unwrap();
    }
    let symbol = |random: &mut Random| SymbolId(random.id(TEXTS.len()));
    let mut tables = crate::program::SessionTables::default();
    for _ in 0..random.below(4) {
        tables.roles.push(symbol(random));
    }
    for _ in 0..random.below(4) {
        tables.labels.push(symbol(random));
    }
    let chan = |random: &mut Random| ChanType {
        shape: ShapeId(random.id(3)),
        role: random.id16(3),
        state: StateId(random.id(6)),
    };
    for _ in 0..random.below(5) {
        tables.payloads.push(match random.below(3) {
            0 => PayloadDef::Value(ValueType::from_tag(random.below(16) as u8, 7).unwrap()),
            1 => PayloadDef::Tuple((0..random.below(4)).map(|_| PayloadId(random.id16(5))).collect()),
            _ => PayloadDef::Chan(chan(random)),
        });
    }
    for _ in 0..random.below(6) {
        let first = tables.branches.len() as u32;
        let role = RoleId(random.id16(4));
        let kind = [StateKind::End, StateKind::Send(role), StateKind::Recv(role)][random.below(3)];
        let len = if kind == StateKind::End { 0 } else { random.below(4) as u16 };
        for _ in 0..len {
            let (label, payload) = (LabelId(random.id16(4)), PayloadId(random.id16(5)));
            tables.branches.push(StateBranch { label, payload, next: StateId(random.id(6)) });
        }
        tables.states.push(State { kind, first, len });
    }
    for _ in 0..random.below(3) {
        tables.locals.push(LocalDef { name: symbol(random), entry: StateId(random.id(6)) });
    }
    for _ in 0..random.below(3) {
        let (first_role, first_edge) = (tables.shape_roles.len() as u32, tables.edges.len() as u32);
        let (role_count, edge_count) = (random.below(4) as u16, random.below(3) as u32);
        for _ in 0..role_count {
            tables.shape_roles.push(ShapeRole { role: RoleId(random.id16(4)), entry: StateId(random.id(6)) });
        }
        for _ in 0..edge_count {
            let (policy, capacity) = (EdgePolicy::ALL[random.below(5)], random.id(66));
            let max = if policy == EdgePolicy::Resize { random.id(9) } else { capacity };
            tables.edges.push(EdgeDef { from: random.id16(3), to: random.id16(3), policy, capacity, max });
        }
        let (name, global) = (symbol(random), symbol(random));
        tables.shapes.push(ShapeDef { name, global, first_role, role_count, first_edge, edge_count });
    }
    for _ in 0..random.below(3) {
        let speculative = random.below(2) == 0;
        tables.effects.push(EffectDef { name: symbol(random), capability: symbol(random), speculative });
        tables.effect_types.push(&[ValueType::Coro, ValueType::Chan][..random.below(3)]).unwrap();
        tables.effect_types.push(&[ValueType::Obj(3)][..random.below(2)]).unwrap();
    }
    for _ in 0..random.below(3) {
        tables.layers.push(LayerDef { name: symbol(random), capacity: random.id(3) });
    }
    for _ in 0..random.below(4) {
        let ty = match random.below(3) {
            0 => LinearType::Chan(chan(random)),
            1 => LinearType::Handle(chan(random)),
            _ => LinearType::Evidence(LayerId(random.id(3))),
        };
        let place = [Place::Param, Place::Result][random.below(2)](random.id(3));
        tables.linear.push(LinearDef { func: FuncId(random.id(2)), place, ty });
    }
    tables.linear.sort_unstable();
    program.sessions = tables;
    for _ in 0..random.below(3) {
        use ValueType::{Chan, Evidence, I64};
        program.code.push(&[0xf5]).unwrap();
        program.spans.push(&[]).unwrap();
        let code = program.code.len() as u32 - 1;
        let def =
            crate::program::FunctionDef { param_count: 3, result_count: 2, reg_count: 4, code, spans: code };
        program.functions.push(def);
        let classes = [Chan, Evidence, I64];
        let params = [0; 3].map(|_| classes[random.below(3)]);
        program.func_sigs.push(&params).unwrap();
        program.func_sigs.push(&[Chan, Evidence]).unwrap();
        program.func_sig_names.push(&[]).unwrap();
        program.func_sig_names.push(&[]).unwrap();
    }
    program
}

#[test]
fn any_tables_come_back() {
    let mut random = Random(0x5e55_1075);
    let mut by_name = 0;
    for round in 0..2000 {
        let program = random_tables(&mut random);
        assert!(encode(&program).is_ok(), "round {round}");
        by_name += usize::from(!exact(&program).contains(".state"));
        let pretty = disassemble(&program, &DisasmOptions::pretty());
        if let Err(errors) = assemble(&pretty) {
            // Symbols that do not exist have no text, and others' indices are not kept.
            assert!(pretty.contains('$'), "round {round}: {errors}\n{pretty}");
        }
    }
    assert!(by_name > 50, "{by_name}");
}

/// A closed type of a few levels.
fn random_type(random: &mut Random, depth: usize, vars: &mut Vec<String>, guarded: bool) -> String {
    match random.below(if depth == 0 { 2 } else { 6 }) {
        0 => "end".to_string(),
        1 if !vars.is_empty() && guarded => vars[random.below(vars.len())].clone(),
        1 => "end".to_string(),
        2 if guarded => {
            vars.push(format!("v{}", vars.len()));
            let name = vars[vars.len() - 1].clone();
            // Guarded again behind the next action.
            let body = random_action(random, depth, vars);
            vars.pop();
            format!("mu {name}. {body}")
        }
        _ => random_action(random, depth, vars),
    }
}

fn random_action(random: &mut Random, depth: usize, vars: &mut Vec<String>) -> String {
    let sign = ["!", "?"][random.below(2)];
    let role = ["A", "B", "\"mu\""][random.below(3)];
    let labels = ["x", "y", "z", "\"end\""];
    let payloads =
        ["", "(u64)", "(tuple(str, obj(3)))", "(chan(S, A))", "(chan(S, L0))", "(tuple(chan(S, B), unit))"];
    let count = 1 + random.below(3);
    let start = random.below(labels.len());
    let branches: Vec<String> = (0..count)
        .map(|i| {
            let label = labels[(start + i) % labels.len()];
            let payload = payloads[random.below(payloads.len())];
            format!("{label}{payload}. {}", random_type(random, depth.saturating_sub(1), vars, true))
        })
        .collect();
    format!("{sign}{role}{{{}}}", branches.join(", "))
}

/// Programs of well-formed types are written by name, and come back byte for byte.
#[test]
fn random_protocols_are_written_by_name() {
    let mut random = Random(0x1ca1);
    let mut programs = 0;
    for round in 0..500 {
        let mut text = String::new();
        for i in 0..3 {
            text += &format!(".local L{i} = {}\n", random_action(&mut random, 4, &mut Vec::new()));
        }
        text += ".shape S { A: L0, B: L1, C: L2, D: !A{x. end} }\n";
        let inline = random_action(&mut random, 2, &mut Vec::new());
        text += &format!(".func f(chan(S, A), chan(S, D, end), handle(S, B, {inline})) {{\n halt\n}}\n");
        // An endpoint of `L0` is that of several roles in some of them.
        let Ok(program) = assemble(&text) else { continue };
        programs += 1;
        let shown = exact(&program);
        assert!(!shown.contains(".state"), "round {round}:\n{text}\n{shown}");
    }
    assert!(programs > 300, "{programs}");
}
