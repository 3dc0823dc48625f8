//! Projection.

use super::compose::{Explored, explore};
use super::random::{Scope, random_global, rng};
use super::*;
use std::format;
use std::vec::Vec;

fn full(text: &str, role: &str) -> String {
    projected(&global(text), role, MergeMode::Full)
}

fn plain(text: &str, role: &str) -> String {
    projected(&global(text), role, MergeMode::Plain)
}

#[test]
fn messages_stay_or_vanish() {
    let text = "A -> B{l(u64). C -> B{m. end}}";
    assert_eq!(full(text, "A"), "!B{l(u64). end}");
    assert_eq!(full(text, "B"), "?A{l(u64). ?C{m. end}}");
    assert_eq!(full(text, "C"), "!B{m. end}");
    assert_eq!(full(text, "D"), "end");
}

#[test]
fn receivers_hear_the_branch_by_label() {
    let text = "A -> B{l. B -> C{a. end}, m. B -> C{b(u64). end, a. A -> C{x. end}}, n. B -> C{c. end}}";
    // What follows `a` must agree, and does not: end here, a message there.
    assert!(full(text, "C").contains("P0301"), "{}", full(text, "C"));
    let text = "A -> B{l. B -> C{a. C -> A{r. end}}, m. B -> C{b(u64). end, a. C -> A{r. end}}}";
    assert_eq!(full(text, "C"), "?B{a. !A{r. end}, b(u64). end}");
    assert!(plain(text, "C").contains("error[P0302]"), "{}", plain(text, "C"));
    // The same whatever the branch: plain merge is enough, in any order of branches.
    let text = "A -> B{l. B -> C{a. end, b. end}, m. B -> C{b. end, a. end}}";
    assert_eq!(plain(text, "C"), "?B{a. end, b. end}");
    // What is after a label is merged in turn.
    let text = "A -> B{l. B -> C{a. B -> C{x. end}}, m. B -> C{a. B -> C{y. end}}}";
    assert_eq!(full(text, "C"), "?B{a. ?B{x. end, y. end}}");
}

#[test]
fn loops_vanish_where_a_role_has_no_part_in_them() {
    assert_eq!(full("mu x. A -> B{l. x}", "C"), "end");
    assert_eq!(full("A -> C{l. mu x. A -> B{l. x, m. end}}", "C"), "?A{l. end}");
    // A loop in which the role has no part, with another inside of it that leads out to the first.
    assert_eq!(full("mu x. A -> B{l. mu y. A -> B{m. x, n. y, o. end}}", "C"), "end");
    // An inner loop that only leads back.
    assert_eq!(full("mu x. A -> C{l. mu y. A -> B{m. x}}", "C"), "mu x. ?A{l. x}");
    // A variable that does not occur.
    assert_eq!(full("mu x. A -> C{l. end}", "C"), "?A{l. end}");
    assert_eq!(full("mu x. A -> B{l. A -> C{m. x}, n. A -> C{q. end}}", "C"), "mu x. ?A{m. x, q. end}");
    // Loops of one variable merge.
    let text = "A -> B{l. mu x. B -> C{a. x, b. end}, m. mu x. B -> C{c. x}}";
    assert_eq!(full(text, "C"), "mu x. ?B{a. x, b. end, c. x}");
}

#[test]
fn conflicts_say_who_sees_what() {
    let cases = [
        (
            "A -> B{yes. A -> C{go. end}, no. end}",
            "1:1: error[P0301]: C does not see whether A -> B says yes or no, but would do `?A{go}` after yes and `end` \
             after no (let A or B tell C first, with one message whose label differs in the two branches)",
        ),
        (
            "B -> A{x. end, y. A -> B{l. C -> A{p. end}, m. C -> A{p. end}, n. C -> A{q. end}}}",
            "error[P0302]: C does not see whether A -> B says l or n, but would do `!A{p}` after l and `!A{q}` after n",
        ),
        (
            "A -> B{l. B -> C{p(u64). end}, m. B -> C{p(str). end}}",
            "error[P0303]: C does not see whether A -> B says l or m, but would do `p(u64) in ?B{p}` after l and `p(str) in \
             ?B{p}` after m",
        ),
        (
            "mu x. A -> C{s. mu y. A -> B{l. x, m. A -> C{t. y}}}",
            "error[P0304]: C does not see whether A -> B says l or m, but would do `back to x` after l and `?A{t}` after m",
        ),
        ("A -> B{l. A -> C{p. end}, m. B -> C{p. end}}", "would do `?A{p}` after l and `?B{p}` after m"),
    ];
    for (text, expected) in cases {
        let found = full(text, "C");
        assert!(found.contains(expected), "{text}\n{found}");
        assert!(found.contains(if text.starts_with('B') { "1:19:" } else { "1:" }), "{found}");
    }
}

#[test]
fn all_roles_are_projected_or_all_conflicts_told() {
    let types = global("A -> B{l. B -> C{m. end}}").project_all(MergeMode::Full).expect("projectable");
    let text: Vec<String> = types.iter().map(|(role, ty)| format!("{role} = {ty}")).collect();
    assert_eq!(text, ["A = !B{l. end}", "B = ?A{l. !C{m. end}}", "C = ?B{m. end}"]);
    let errors =
        global("A -> B{l. C -> D{m. end}, n. end}").project_all(MergeMode::Full).expect_err("two conflicts");
    let text: Vec<&str> = errors.errors().iter().map(|error| &error.message[..1]).collect();
    assert_eq!(text, ["C", "D"]);
    let errors = global("A -> A{l. x}").project("A", MergeMode::Full).expect_err("not well-formed");
    assert_eq!(errors.errors().len(), 2);
    let mut many = GlobalType::end();
    for i in 0..MAX_ROLES {
        many = GlobalType::message(&format!("r{i}"), "A", [Branch::new("l", Payload::UNIT, many)]);
    }
    let errors = many.project_all(MergeMode::Full).expect_err("too many roles");
    assert_eq!(errors.errors()[0].kind, ProtocolErrorKind::TooLarge);
}

/// The conversation of two roles alone: their types are duals.
#[test]
fn two_roles_are_duals() {
    for seed in 0..1_000 {
        let ty = random_global(&mut rng(seed), 2, 5, &Scope::default());
        let a =
            ty.project("A", MergeMode::Full).unwrap_or_else(|errors| panic!("seed {seed}: {ty}\n{errors}"));
        let b =
            ty.project("B", MergeMode::Plain).unwrap_or_else(|errors| panic!("seed {seed}: {ty}\n{errors}"));
        assert_eq!(a.check_for("A"), Ok(()));
        assert_eq!(a.dual("A").expect("binary").equivalent(&b), Ok(true), "seed {seed}: {ty}");
    }
}

/// Types that come from one conversation never wait for each other, and never say what nobody expects.
#[test]
fn projections_of_random_conversations_fit_together() {
    let (mut good, mut whole, mut united, mut seed) = (0, 0, 0, 0);
    while good < 1_000 {
        seed += 1;
        let rng = &mut rng(seed);
        let roles = 3 + usize::from(seed % 3 == 0);
        let ty = random_global(rng, roles, 3, &Scope::default());
        assert_eq!(ty.check(), Ok(()), "seed {seed}: {ty}");
        let Ok(types) = ty.project_all(MergeMode::Full) else { continue };
        if types.len() < 3 {
            continue;
        }
        good += 1;
        for (role, local) in &types {
            assert_eq!(local.check_for(role), Ok(()), "seed {seed}: {ty}\n{role} = {local}");
        }
        match ty.project_all(MergeMode::Plain) {
            Ok(plain) => assert_eq!(plain, types, "seed {seed}: {ty}"),
            Err(_) => united += 1,
        }
        let found =
            explore(&types, 2, 400).unwrap_or_else(|why| panic!("seed {seed}: {why}\n{ty}\n{types:#?}"));
        whole += usize::from(found == Explored::All);
    }
    assert!(whole > 500, "only {whole} were explored to the end");
    assert!(united > 50, "only {united} needed the full merge");
    assert!(seed < 20_000, "{seed} seeds for 1,000 conversations");
    std::eprintln!("{seed} seeds, {whole} explored to the end, {united} need the full merge");
}
