//! Well-formedness, unfolding, duals, partners.

use super::random::{Scope, random_local, rng};
use super::reference::Ref;
use super::*;
use std::vec::Vec;

fn problems(text: &str) -> String {
    local(text).check_for("A").map_or_else(|errors| errors.to_string(), |()| "fine".into())
}

#[test]
fn all_problems_are_found_with_their_places() {
    let text = "!A{l. x, m. ?B{}, l. mu y. y,\n n. mu z. ?B{k. mu w. z}, o. mu u. mu v. u}";
    let expected = "1:1: error[P0205]: A talks to itself (a role talks to others; use a register for what it keeps)
1:7: error[P0201]: no loop around binds the variable x (write `mu x.` in front of what it repeats)
1:13: error[P0202]: ?B has no branches (write `end` if nothing more is done)
1:19: error[P0203]: !A has two branches with the label l (rename one of them)
1:28: error[P0204]: the loop y comes back without an action in between (send or receive something in the loop)
2:42: error[P0204]: the loop u comes back without an action in between (send or receive something in the loop)";
    assert_eq!(problems(text), expected);
}

#[test]
fn types_built_in_rust_show_the_way_to_a_problem() {
    let mut ty = LocalType::var("x");
    for label in ["f", "e", "d", "c", "b", "a"] {
        ty = LocalType::send("B", [Branch::new(label, Payload::UNIT, ty)]);
    }
    let error = ty.check().expect_err("x is free").to_string();
    assert!(error.contains("the variable x, behind .. !B.c !B.d !B.e !B.f (write"), "{error}");
    let error = LocalType::var("x").check().expect_err("x is free").to_string();
    assert!(error.contains("the variable x (write"), "{error}");
}

#[test]
fn guarded_loops_are_fine_and_problems_are_counted() {
    for text in
        ["end", "mu x. end", "mu x. mu y. !B{l. x, m. y}", "mu y. !B{m. mu x. y}", "mu x. mu x. !B{m. x}"]
    {
        assert_eq!(problems(text), "fine", "{text}");
    }
    // The inner binder hides the outer one.
    assert!(problems("mu x. !B{l. mu x. x}").contains("P0204"));
    // The binder of one branch is not in scope in the next.
    assert!(problems("?B{a. mu x. !B{m. x}, b. x}").contains("1:26: error[P0201]"));
    let many = std::format!("!B{{{}}}", "l. x,".repeat(1_000));
    let errors = local(&many).check().expect_err("wrong");
    assert_eq!((errors.errors().len(), errors.has_more()), (ProtocolErrors::MAX, true));
    assert_eq!(global("mu x. A -> A{l. x}").check().expect_err("wrong").errors().len(), 1);
}

#[test]
fn unfolding_puts_the_loop_in_for_its_variable() {
    let unfolded = |text: &str| local(text).unfold().map(|ty| ty.to_string()).map_err(|error| error.kind);
    let text = "mu x. !B{l. x, m. mu x. ?B{n. x}}";
    assert_eq!(unfolded(text), Ok(std::format!("!B{{l. {text}, m. mu x. ?B{{n. x}}}}")));
    assert_eq!(unfolded("?B{l. end}"), Ok("?B{l. end}".into()));
    assert_eq!(unfolded("mu x. end"), Ok("end".into()));
    // The free y must stay free: the inner binder is renamed, but not in the copy.
    assert_eq!(
        unfolded("mu x. !B{l. mu y. ?B{m. x, n. y}, o. y}"),
        Ok("!B{l. mu y_1. ?B{m. mu x. !B{l. mu y. ?B{m. x, n. y}, o. y}, n. y_1}, o. y}".into())
    );
    let many =
        std::format!("mu x. !B{{{}}}", (0..2_000).map(|i| std::format!("l{i}. x,")).collect::<String>());
    assert_eq!(unfolded(&many), Err(ProtocolErrorKind::TooLarge));
}

#[test]
fn unfolding_is_that_of_the_definition() {
    for seed in 0..1_000 {
        let ty = random_local(&mut rng(seed), 4, &Scope::default());
        let mut unfolded = ty.clone();
        while matches!(unfolded.root().node(), Node::Mu(..)) {
            unfolded = unfolded.unfold().expect("small");
        }
        assert_eq!(Ref::of(unfolded.root()), Ref::of(ty.root()).unfolded(), "{ty}");
        assert_eq!(ty.equivalent(&unfolded), Ok(true));
    }
}

#[test]
fn duals_swap_directions_and_partners_are_sorted() {
    let server = local("mu x. ?Client{get(u64). !Client{val(str). x}, quit. end}");
    let client = server.dual("Server").expect("binary");
    assert_eq!(client, local("mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}"));
    assert_eq!(client.dual("Client"), Ok(server));
    assert_eq!(LocalType::end().dual("A"), Ok(LocalType::end()));
    let three = local("!C{l. ?B{m. end}}");
    assert_eq!(three.partners().iter().map(Name::as_str).collect::<Vec<_>>(), ["B", "C"]);
    let error = three.dual("A").expect_err("two partners");
    assert_eq!(
        error.to_string(),
        "error[P0206]: A talks to B and to C, so it has no dual (project a global type to each role instead)"
    );
    assert_eq!(
        local("!A{l. end}").dual("A").map_err(|error| error.kind),
        Err(ProtocolErrorKind::SelfMessage)
    );
}
