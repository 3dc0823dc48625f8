//! Text about sessions: what it becomes, and what is said about text that means nothing.

use super::*;
use crate::ids::{FuncId, LayerId, ShapeId};
use crate::program::{
    ChanType, ContainerVersion, EdgeDef, EdgePolicy, LinearType, PayloadDef, Place, SessionTables,
};
use crate::protocol::{LabelId, PayloadId, RoleId, StateId, StateKind};
use crate::value_type::ValueType;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Two types and their shape, on lines 1 to 3.
const SHOP: &str = "\
.local Client = mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}
.local Server = mu x. ?Client{get(u64). !Client{val(str). x}, quit. end}
.shape Shop { Client: Client, Server: Server }
";

fn shop(more: &str) -> Program {
    let text = format!("{SHOP}{more}");
    assemble(&text).unwrap_or_else(|errors| panic!("{}", errors.render(&text, "test")))
}

fn tables(text: &str) -> SessionTables {
    let program = assemble(text).unwrap_or_else(|errors| panic!("{}", errors.render(text, "test")));
    assert_eq!(program.version(), ContainerVersion::V0_128);
    program.sessions().clone()
}

/// The errors of text behind the shop: codes, lines counted from there, columns, lengths, messages.
fn errors(more: &str) -> Vec<(&'static str, u32, u32, u32, String)> {
    let text = format!("{SHOP}{more}");
    let errors = assemble(&text).unwrap_err();
    let shown = errors.render(&text, "test").to_string();
    assert!(shown.contains('^'), "{shown}");
    let lines = SHOP.lines().count() as u32;
    errors
        .errors()
        .iter()
        .map(|e| (e.code(), e.line - lines, e.column, e.length, e.message.clone()))
        .collect()
}

/// The only error of text behind the shop.
fn error(more: &str) -> (&'static str, u32, u32, u32, String) {
    let errors = errors(more);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().unwrap()
}

#[test]
fn declarations_span_lines_and_hold_comments() {
    let spread = "
.local Client
  = mu x. ; a loop
";
    assert!(assemble(spread).is_err(), "`=` stands on the line of the name");
    let spread = "
.local Client = // a comment
    mu x. !Server{
        get(u64). ?Server{val(str).
  x},
        quit. end,
    }
.local Server =
  mu x. ?Client{get(u64). !Client{val(str). x}, quit
  .end}
.shape Shop {
  Client: Client
  , Server: Server,
}
  edge Client -> Server

  edge Server -> Client capacity 64
";
    let spread = spread.replace("quit\n  .end", "quit.\n  end");
    assert_eq!(tables(&spread), tables(SHOP));
}

#[test]
fn a_dot_at_the_start_of_a_line_goes_on_with_a_type() {
    let text = ".local A = !B{a\n.end}\n.local B = ?A{a\n.end}\n";
    assert_eq!(tables(text), tables(".local A = !B{a. end}\n.local B = ?A{a. end}"));
}

#[test]
fn shapes_are_made_of_names_of_types_or_of_one_global_type() {
    let inline = "
.role Server
.role Client
.shape Shop { Client: mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}, Server: mu x.
    ?Client{get(u64). !Client{val(str). x}, quit. end} }";
    let global = ".role Server
.role Client
.shape Shop = mu x. Client -> Server{get(u64). Server -> Client{val(str). x},\n quit. end}";
    let (named, inline, projected) = (tables(SHOP), tables(inline), tables(global));
    assert_eq!(named.states, inline.states);
    assert_eq!(named.edges, inline.edges);
    assert_eq!(named.edges, projected.edges);
    assert_eq!(projected.states, named.states);
    assert_eq!(projected.locals.len(), 0);
    let attached = format!("{} global = mu x. Client -> Server{{a. end}}", SHOP.trim_end());
    let program = assemble(&attached).unwrap();
    let text = program.symbol(program.sessions().shapes[0].global);
    assert_eq!(text, Some("mu x. Client -> Server{a. end}"));
    let quoted = format!("{} global \"anything\"", SHOP.trim_end());
    let program = assemble(&quoted).unwrap();
    assert_eq!(program.symbol(program.sessions().shapes[0].global), Some("anything"));
}

#[test]
fn edges_have_capacities_and_policies() {
    let edge = |words: &str| {
        let text =
            format!("{}.shape S {{ Client: Client, Server: Server }} edge Client -> Server{words}", SHOP);
        *assemble(&text).unwrap().sessions().edges_of(ShapeId(1)).first().unwrap()
    };
    let expect = |policy, capacity, max| EdgeDef { from: 0, to: 1, policy, capacity, max };
    assert_eq!(edge(""), expect(EdgePolicy::Block, 64, 64));
    assert_eq!(edge(" capacity 4"), expect(EdgePolicy::Block, 4, 4));
    assert_eq!(edge(" policy drop capacity 4"), expect(EdgePolicy::Drop, 4, 4));
    assert_eq!(edge(" policy error"), expect(EdgePolicy::Error, 64, 64));
    assert_eq!(edge(" policy latest"), expect(EdgePolicy::Latest, 1, 1));
    assert_eq!(edge(" capacity 2 policy resize max 32"), expect(EdgePolicy::Resize, 2, 32));
}

#[test]
fn parameters_and_results_say_which_endpoint_they_are() {
    let program = shop(
        ".layer auth
.func f(a: chan(Shop, Client), chan(Shop, Server, Server), h: handle(Shop, Client,
    ?Server{
        val(str). mu y. !Server{get(u64). ?Server{val(str). y}, quit. end}}),
    chan(#0, 1), chan(Shop, Client, #77), chan, coro) -> (e: evidence(auth), evidence(#9)) {
    halt
}
.func g() -> chan(Shop, Client) {
    halt
}",
    );
    let tables = program.sessions();
    let entry = |role: usize| tables.roles_of(ShapeId(0))[role].entry;
    let chan = |role, state| ChanType { shape: ShapeId(0), role, state };
    let at = |func, place| tables.linear_at(FuncId(func), place);
    assert_eq!(at(0, Place::Param(0)), Some(LinearType::Chan(chan(0, entry(0)))));
    assert_eq!(at(0, Place::Param(1)), Some(LinearType::Chan(chan(1, entry(1)))));
    let waiting = tables.branches_of(entry(0))[0].next;
    assert_eq!(at(0, Place::Param(2)), Some(LinearType::Handle(chan(0, waiting))));
    assert_eq!(at(0, Place::Param(3)), Some(LinearType::Chan(chan(1, entry(1)))));
    assert_eq!(at(0, Place::Param(4)), Some(LinearType::Chan(chan(0, StateId(77)))));
    assert_eq!(at(0, Place::Param(5)), None, "the verifier will say so");
    assert_eq!(at(0, Place::Result(0)), Some(LinearType::Evidence(LayerId(0))));
    assert_eq!(at(0, Place::Result(1)), Some(LinearType::Evidence(LayerId(9))));
    assert_eq!(at(1, Place::Result(0)), Some(LinearType::Chan(chan(0, entry(0)))));
    assert_eq!(tables.linear.len(), 8);
    let sig = program.func_sig(FuncId(0)).unwrap();
    use ValueType::{Chan, Coro, Evidence};
    assert_eq!(sig.params, [Chan, Chan, Chan, Chan, Chan, Chan, Coro]);
    assert_eq!(sig.results, [Evidence, Evidence]);
    // As in a payload: if the shape has no such role, it is a local type of the role that comes to it.
    let program = shop(&format!(
        ".local Waiting = ?Server{{val(str). {}}}\n.func f(chan(Shop, Waiting)) {{\n halt\n}}",
        "mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}"
    ));
    assert_eq!(
        program.sessions().linear_at(FuncId(0), Place::Param(0)),
        Some(LinearType::Chan(chan(0, waiting)))
    );
}

#[test]
fn linear_types_stand_apart_from_functions_too() {
    let program = shop(
        ".func f(chan) -> (evidence) {\n halt\n}
.linear &f param 0 chan(Shop, Client)
.linear &f result 0 evidence(#3)
.linear &7 param 9 handle(#0, 1, #4)",
    );
    let inline = shop(".func f(chan(Shop, Client)) -> (evidence(#3)) {\n halt\n}");
    assert_eq!(program.sessions().linear[..2], inline.sessions().linear);
    assert_eq!(program.sessions().linear[2].func, FuncId(7));
}

#[test]
fn names_stand_in_instructions() {
    let program = shop(
        ".local \"odd one\" = !B{\"a label\". end}
.effect log(str) -> (u64) capability \"io\" speculative
.layer auth 2
.func f(c: chan(Shop, Client)) {
    .reg r, s
    offer c, get, r
    offer c, \"a label\", -
@a: choose c, [get, #1, \"val\"], (r, r, r), (@a, @a, @a)
    open Shop -> (r, s)
    open #0 -> (r, s)
    invoke log (s) -> r
    invoke log () -> -
    acquire auth -> s
    release #7, s
    spawn &f (c) -> -
    halt
}",
    );
    let bytes = program.code(FuncId(0)).unwrap();
    assert!(bytes.starts_with(&[0xe6, 1, 0, 3, 0xe6, 1, 3, 0, 0xe7, 1, 3, 0, 1, 2, 3, 2, 2, 2]), "{bytes:?}");
    assert!(bytes.ends_with(&[0xec, 7, 3, 0xf3, 0, 1, 1, 0, 0xf5]), "{bytes:?}");
}

#[test]
fn tables_can_be_written_entry_by_entry() {
    let text = ".symbol \"\"
.role #0 Server
.role #1 $77
.label get
.label #1 \"get\"
.payload #0 u64
.payload #1 tuple(#0, #9)
.payload chan(#1, 2, #3)
.payload evidence
.state #0 send #1 { #0(#1) -> #2, #7(#0) -> #0 }
.state end
.state #2 recv #0 {
}
.local #0 \"a\" = #2
.local \"a\" = #9
.shape #0 S raw { #0: #2, #9: #9 } global $5
    edge 0 -> 9 capacity 3
    edge 1 -> 0 policy resize max 7
.shape $9 raw { }
.effect e(coro) -> epid
.layer \"e\" 0
.layer \"e\" 4";
    let tables = tables(text);
    assert_eq!(tables.roles[1].0, 77);
    assert_eq!(tables.payloads[1], PayloadDef::Tuple([PayloadId(0), PayloadId(9)].into()));
    let chan = ChanType { shape: ShapeId(1), role: 2, state: StateId(3) };
    assert_eq!(tables.payloads[2], PayloadDef::Chan(chan));
    assert_eq!(tables.payloads[3], PayloadDef::Value(ValueType::Evidence));
    assert_eq!(tables.kind(StateId(0)), StateKind::Send(RoleId(1)));
    assert_eq!(tables.branches_of(StateId(0))[1].label, LabelId(7));
    assert_eq!(tables.kind(StateId(2)), StateKind::Recv(RoleId(0)));
    assert_eq!(tables.locals[1].entry, StateId(9));
    let edges = tables.edges_of(ShapeId(0));
    assert_eq!((edges[0].to, edges[0].capacity, edges[1].max), (9, 3, 7));
    assert_eq!((tables.shapes[0].global.0, tables.shapes[1].name.0), (5, 9));
    assert_eq!((tables.layers[0].capacity, tables.effects.len()), (0, 1));
}

#[test]
fn errors_of_types_point_into_them() {
    let at = |more: &str| {
        let (code, line, column, length, message) = error(more);
        assert_eq!(code, "A0501", "{message}");
        (line, column, length, message.split(':').next().unwrap().to_string())
    };
    let expect = |line, column, length, code: &str| (line, column, length, code.to_string());
    assert_eq!(at(".local X = !B{a. end b}"), expect(1, 22, 1, "P0101"));
    assert_eq!(at(".local X =\n  mu x.\n !B{a. é}"), expect(3, 8, 1, "P0001"));
    assert_eq!(at(".local X = !B{a(nat). end}"), expect(1, 17, 3, "P0102"));
    assert_eq!(at(".local X = !B{\n a. end,\n a. end}"), expect(3, 2, 1, "P0203"));
    assert_eq!(at(".local X = y"), expect(1, 12, 1, "P0201"));
    assert_eq!(at(".local X = !B{\"a. end}"), expect(1, 15, 1, "P0002"));
    assert_eq!(at(".shape X = A -> B{x. C -> A{c. end}, y. A -> C{d. end}}"), expect(1, 12, 1, "P0301"));
    assert_eq!(at(".shape X = A -> A{x. end}"), expect(1, 12, 1, "P0205"));
    assert_eq!(at(".shape X { A: !B{} }"), expect(1, 15, 1, "P0202"));
    assert_eq!(at(".shape X { } global = y"), expect(1, 23, 1, "P0201"));
    assert_eq!(at(".func f(chan(Shop, Client, !B{}\n)) {\n halt\n}"), expect(1, 28, 1, "P0202"));
}

#[test]
fn an_error_in_a_type_is_shown_with_its_line() {
    let text = ".local Client = mu x. !Server{\n    get(u64). ?Server{val(text). x},\n    quit. end}\n";
    let errors = assemble(text).unwrap_err();
    let shown = errors.render(text, "shop.ofa").to_string();
    let expected = "error[A0501]: P0102: `text` is no payload type
  --> shop.ofa:2:27
    2 |     get(u64). ?Server{val(text). x},
      |                           ^^^^
   = hint: bool, i64, u64, f64,";
    assert!(shown.starts_with(expected), "{shown}");
}

#[test]
fn names_that_are_not_there_are_reported_where_they_stand() {
    let cases = [
        (".local Client = end", "A0202", 1, 8, 6),
        (".shape Shop { }", "A0202", 1, 8, 4),
        (".layer a\n.layer a", "A0202", 2, 8, 1),
        (".effect a()\n.effect a()", "A0202", 2, 9, 1),
        (".role Client\n.role Client", "A0202", 2, 7, 6),
        (".label get\n.label get", "A0202", 2, 8, 3),
        (".shape S { A: Nobody }", "A0203", 1, 15, 6),
        (".local A = !B{\n m(chan(Nowhere, X)). end}", "A0203", 2, 2, 1),
        (".local A = !B{m(tuple(chan(Shop, Nobody))). end}", "A0203", 1, 15, 1),
        (".shape S { A: !B{m(chan(Shop, Nobody)). end}, B: ?A{n. end} }", "A0203", 1, 18, 1),
        (".local A = !B{m(chan(Shop, Done)). end}\n.local Done = end", "A0204", 1, 15, 1),
        (".shape S { Client: Client } edge Client -> Server", "A0203", 1, 34, 6),
        (".shape S { Client: Client, B: Client } edge Client -> B", "A0203", 1, 45, 6),
        (
            ".shape S { Client: Client, Server: Server }\n edge Client -> Server edge Client -> Server",
            "A0202",
            2,
            29,
            6,
        ),
        (".func f(chan(Mop, Client)) {\n halt\n}", "A0203", 1, 14, 3),
        (".func f(chan(Shop, Nobody)) {\n halt\n}", "A0203", 1, 9, 4),
        (".func f(x: i64, c: handle(Shop, Nobody, Client)) {\n halt\n}", "A0203", 1, 20, 6),
        (".func f(chan(Shop, Client, Nobody)) {\n halt\n}", "A0203", 1, 9, 4),
        (".func f(evidence(auth)) {\n halt\n}", "A0203", 1, 18, 4),
        (".func f() {\n offer r1, gets, -\n}", "A0203", 2, 12, 4),
        (".func f() {\n open Shot -> ()\n}", "A0203", 2, 7, 4),
        (".func f() {\n acquire auth -> r1\n}", "A0203", 2, 10, 4),
        (".func f() {\n invoke log () -> -\n}", "A0203", 2, 9, 3),
        (".shape \"Shop\" { }\n.func f() {\n open Shop -> ()\n}", "A0204", 3, 7, 4),
    ];
    for (text, code, line, column, length) in cases {
        let found = error(text);
        assert_eq!((found.0, found.1, found.2, found.3), (code, line, column, length), "{text}: {}", found.4);
    }
    let text = format!("{SHOP}.func f() {{\n offer r1, gets, -\n}}");
    assert_eq!(assemble(&text).unwrap_err().errors()[0].hint, "did you mean `get`?");
}

#[test]
fn what_cannot_stand_there_is_reported() {
    let cases = [
        (".local", 1, 7, 0),
        (".local X", 1, 9, 0),
        (".local X = #", 1, 13, 0),
        (".local #7 X = end", 0, 0, 302),
        (".shape S", 1, 9, 0),
        (".shape S { A }", 1, 14, 0),
        (".shape S { A: }", 1, 15, 501),
        (".shape S { } edge A B", 1, 21, 0),
        (".shape S { } edge A -> B capacity", 1, 34, 0),
        (".shape S { } edge A -> B policy best", 1, 33, 0),
        (".shape S { } edge A -> B policy resize", 1, 39, 0),
        (".shape S { } edge A -> B max 7", 1, 26, 0),
        (".shape S { } global", 1, 20, 0),
        (".shape S { } 5", 1, 14, 0),
        (".effect e", 1, 10, 0),
        (".effect e() -> (u64, u64)", 1, 10, 0),
        (".effect e() capability", 1, 23, 0),
        (".effect e() loud", 1, 13, 0),
        (".layer a -1", 1, 10, 301),
        (".state what", 1, 8, 0),
        (".state send #0 { #0 -> #1 }", 1, 21, 0),
        (".state send #0 { #0(#0) #1 }", 1, 25, 0),
        (".state send #65536 { }", 1, 14, 301),
        (".payload nat", 1, 10, 203),
        (".payload tuple(0)", 1, 16, 0),
        (".payload chan(#0, 65536, #0)", 1, 19, 301),
        (".linear &0 local 0 chan(#0, 0, #0)", 1, 12, 0),
        (".linear &0 param 0 i64", 1, 20, 0),
        (".func f(chan(Shop)) {\n halt\n}", 1, 18, 0),
        (".func f(chan(Shop, Client, Client, Client)) {\n halt\n}", 1, 34, 0),
        (".func f(evidence()) {\n halt\n}", 1, 18, 0),
        (".label", 1, 7, 0),
        (".role 5", 1, 7, 0),
    ];
    for (text, line, column, code) in cases {
        let found = error(text);
        let code = match code {
            0 => String::from("A0101"),
            code => format!("A0{code}"),
        };
        if line == 0 {
            assert_eq!(found.0, code, "{text}: {}", found.4);
        } else {
            assert_eq!((found.0, found.1, found.2), (code.as_str(), line, column), "{text}: {}", found.4);
        }
    }
}

#[test]
fn states_by_index_and_types_do_not_mix() {
    let text = format!("{SHOP}.state end");
    let errors = assemble(&text).unwrap_err();
    let [error] = errors.errors() else { panic!("{errors}") };
    assert_eq!((error.code(), error.line, error.column), ("A0101", 1, 8));
    assert!(error.message.starts_with("states are given by index here"), "{error}");
    let text = ".state end\n.shape S { A: #0 }";
    assert_eq!(assemble(text).unwrap_err().errors()[0].code(), "A0101");
    let text = ".state end\n.local X = #0\n.shape S raw { #0: X }\n.role A\n.func f(chan(S, A)) {\n halt\n}";
    assert_eq!(assemble(text).unwrap().sessions().linear.len(), 1);
}

#[test]
fn bodies_begin_behind_the_types_of_parameters() {
    // A brace at the end of a line inside of a type does not begin the body, an open bracket does not hide it.
    let program = shop(
        ".func f(c: chan(Shop, Client, !Server{
    get(u64). ?Server{val(str). mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}}, quit. end
}), n: u64) {
    halt
}",
    );
    assert_eq!(program.code(FuncId(0)), Some(&[0xf5][..]));
    let open = errors(".func f(c: chan(Shop, Client {\n halt\n}\n.func g() {\n nothing\n}");
    let codes: Vec<_> = open.iter().map(|error| (error.0, error.1)).collect();
    assert_eq!(codes, [("A0101", 1), ("A0103", 5)], "{open:?}");
}

/// Work on hostile text is linear: this takes seconds if it is not.
#[test]
fn many_open_groups_are_passed_over_once() {
    let text = format!(".func f({}\n", "chan(".repeat(200_000));
    assert!(assemble(&text).is_err());
    let mut text = String::from(SHOP);
    for i in 0..3000 {
        text += &format!(".shape S{i} {{ Client: Client, Server: Server }}\n");
        text += &format!(".func f{i}(chan(S{i}, Client)) {{\n halt\n}}\n");
    }
    assert_eq!(assemble(&text).unwrap().sessions().linear.len(), 3000);
}
