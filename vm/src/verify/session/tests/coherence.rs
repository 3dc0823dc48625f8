use crate::ids::ShapeId;
use crate::program::Program;
use crate::verify::{CoherenceLimits, Coherent, Incoherence, IncoherenceKind as K, TraceAction, coherence};
use alloc::format;
use alloc::string::{String, ToString};

fn shape(locals: &[(&str, &str)]) -> Program {
    let types: String = locals.iter().map(|(role, ty)| format!(".local {role}T = {ty}\n")).collect();
    let roles: String = locals.iter().map(|(role, _)| format!("{role}: {role}T, ")).collect();
    crate::asm::assemble(&format!("{types}.shape S {{ {roles} }}\n"))
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn check(locals: &[(&str, &str)]) -> Result<Coherent, Incoherence> {
    coherence(&shape(locals), ShapeId(0), &CoherenceLimits::new())
}

#[track_caller]
fn wrong(locals: &[(&str, &str)], text: &str) -> Incoherence {
    let found = check(locals).expect_err("roles that do not fit");
    assert_eq!(found.to_string(), text);
    found
}

#[test]
fn roles_that_fit_have_so_many_states() {
    let explored = |states| Ok(Coherent::Explored { states });
    // Sent or not, received or not.
    assert_eq!(check(&[("A", "!B{x. end}"), ("B", "?A{x. end}")]), explored(3));
    // Two may be on their way.
    assert_eq!(check(&[("A", "mu x. !B{a. x}"), ("B", "mu x. ?A{a. x}")]), explored(3));
    let choice = [("A", "mu x. !B{more(u64). x, done. end}"), ("B", "mu x. ?A{more(u64). x, done. end}")];
    assert!(check(&choice).is_ok());
    // The sender may do more than is waited for by and by.
    assert!(check(&[("A", "!B{x. ?B{y. end}}"), ("B", "!A{y. ?A{x. end}}")]).is_ok());
}

#[test]
fn a_message_that_cannot_be_taken() {
    let found = wrong(
        &[("A", "!B{x. end}"), ("B", "?A{y. end}")],
        "B cannot take x from A: of it is left ?A{y. end}; after: A sends x to B",
    );
    assert!(matches!(found.kind(), K::CannotTake { role: 1, from: 0, .. }));
    assert_eq!(found.trace().len(), 1);
    assert_eq!(found.trace()[0].action, TraceAction::Sent);
    wrong(
        &[("A", "!B{x(u64). end}"), ("B", "?A{x(i64). end}")],
        "B cannot take x(u64) from A: of it is left ?A{x(i64). end}; after: A sends x to B",
    );
    wrong(
        &[("A", "!B{x. !B{y. end}}"), ("B", "?A{x. ?A{z. end}}")],
        "B cannot take y from A: of it is left ?A{z. end}; after: A sends x to B, A sends y to B, B receives x from A",
    );
}

#[test]
fn a_deadlock_and_messages_that_nobody_takes() {
    let found = wrong(&[("A", "?B{x. end}"), ("B", "?A{y. end}")], "A waits for B, B waits for A");
    assert_eq!(found.kind(), &K::Deadlock { waiting: [0, 1].into() });
    let found =
        wrong(&[("A", "!B{x. end}"), ("B", "end")], "nobody takes x from A to B; after: A sends x to B");
    assert_eq!(found.kind(), &K::Orphans);
    wrong(
        &[("A", "!B{x. end}"), ("B", "?C{y. end}"), ("C", "?B{z. end}")],
        "B waits for C, C waits for B; nobody takes x from A to B; after: A sends x to B",
    );
}

#[test]
fn long_ways_are_told_from_their_end() {
    let steps = |sign: char, to: &str, n: usize| -> String {
        format!("{}end{}", format!("{sign}{to}{{x. ").repeat(n), "}".repeat(n))
    };
    let found = check(&[("A", &steps('!', "B", 20)), ("B", &steps('?', "A", 21))]).unwrap_err();
    assert!(found.to_string().contains("after 28 steps and then: "), "{found}");
    assert_eq!(found.trace().len(), 40);
}

#[test]
fn limits_are_kept() {
    let one = [("A", "mu x. !B{a. x}"), ("B", "mu x. ?A{a. x}")];
    let few = coherence(&shape(&one), ShapeId(0), &CoherenceLimits::new().states(2)).unwrap_err();
    assert!(few.is_limit(), "{few}");
    assert!(coherence(&shape(&one), ShapeId(0), &CoherenceLimits::new().states(3)).is_ok());
    assert!(coherence(&shape(&one), ShapeId(0), &CoherenceLimits::new().work(50)).unwrap_err().is_limit());
    let five = coherence(&shape(&one), ShapeId(0), &CoherenceLimits::new().queue(5));
    assert_eq!(five, Ok(Coherent::Explored { states: 6 }));
    let missing = coherence(&shape(&one), ShapeId(1), &CoherenceLimits::new()).unwrap_err();
    assert_eq!(missing.kind(), &K::NoShape);
}

#[test]
fn a_global_type_decides() {
    let source = |global: &str, client: &str| {
        format!(
            ".local C = {client}\n.local S = mu x. ?Client{{get(u64). !Client{{val(str). x}}, quit. end}}\n\
             .shape Shop {{ Client: C, Server: S }} global \"{global}\"\n"
        )
    };
    let check = |global: &str, client: &str| {
        let program =
            crate::asm::assemble(&source(global, client)).unwrap_or_else(|errors| panic!("{errors}"));
        coherence(&program, ShapeId(0), &CoherenceLimits::new())
    };
    let good = "mu x. Client -> Server{get(u64). Server -> Client{val(str). x}, quit. end}";
    let client = "mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}";
    assert_eq!(check(good, client), Ok(Coherent::Projected));
    // Unfolded once, it is the same.
    let unfolded = "!Server{get(u64). ?Server{val(str). mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}}, quit. end}";
    assert_eq!(check(good, unfolded), Ok(Coherent::Projected));
    let kind = |global, client| check(global, client).unwrap_err().kind().clone();
    assert_eq!(
        kind(good, "mu x. !Server{get(u64). ?Server{val(u64). x}, quit. end}"),
        K::Differs { role: 0 }
    );
    assert_eq!(kind(good, "mu x. !Server{get(u64). ?Server{val(str). x}}"), K::Differs { role: 0 });
    assert_eq!(kind("Client -> ", client), K::Global);
    assert_eq!(kind("Client -> Other{x. end}", client), K::Projection);
    let text = check(good, "!Server{get(u64). ?Server{val(str). end}, quit. end}").unwrap_err().to_string();
    assert_eq!(
        text,
        "Client does ?Server{val(str). end} where the global type says \
         mu x1. ?Server{val(str). !Server{get(u64). x1, quit. end}}"
    );
}
