//! Minimal tables.

use super::random::{Rng, Scope, below, random_local, rng};
use super::reference::{Ref, table_traces};
use super::*;
use std::collections::BTreeMap;
use std::vec::Vec;
use std::{format, vec};

fn tables(ty: &LocalType) -> Automaton {
    Automaton::new(&[ty]).unwrap_or_else(|errors| panic!("{ty}\n{errors}"))
}

/// The number of states that differ, found by splitting classes until nothing changes.
fn different_states(automaton: &Automaton) -> usize {
    let ids: Vec<StateId> = (0..automaton.states().len()).map(|id| StateId(id as u32)).collect();
    let mut class: Vec<usize> = vec![0; ids.len()];
    loop {
        let mut names = BTreeMap::new();
        let mut next = Vec::new();
        for &id in &ids {
            let branches = automaton.branches_of(id).iter();
            let branches: Vec<_> = branches.map(|b| (b.label, b.payload, class[b.next.0 as usize])).collect();
            let count = names.len();
            next.push(*names.entry((automaton.kind(id), branches)).or_insert(count));
        }
        if next == class {
            return names.len();
        }
        class = next;
    }
}

#[test]
fn tables_of_a_small_type() {
    let automaton = tables(&local("mu x. !Server{quit. end, get(u64). ?Server{val(str). x}}"));
    assert_eq!(automaton.roles(), [Name::new("Server")]);
    assert_eq!(automaton.labels(), ["get", "quit", "val"].map(Name::new));
    let server = RoleId(0);
    let states = [
        State { kind: StateKind::Send(server), first: 0, len: 2 },
        State { kind: StateKind::Recv(server), first: 2, len: 1 },
        State { kind: StateKind::End, first: 3, len: 0 },
    ];
    assert_eq!(automaton.states(), states);
    let [unit, u64, str] = [0, 1, 2].map(PayloadId);
    assert_eq!(
        automaton.payloads(),
        [Payload::UNIT, crate::ValueType::U64.into(), crate::ValueType::Str.into()]
    );
    let branch = |label, payload, next| StateBranch { label: LabelId(label), payload, next: StateId(next) };
    assert_eq!(automaton.branches(), [branch(0, u64, 1), branch(1, unit, 2), branch(2, str, 0)]);
    assert_eq!(automaton.entries(), [StateId(0)]);
    assert_eq!(automaton.branch(StateId(0), LabelId(1)), Some(&branch(1, unit, 2)));
    assert_eq!(automaton.branch(StateId(0), LabelId(2)), None);
    assert_eq!(automaton.kind(StateId(9)), StateKind::End);
}

#[test]
fn equal_types_have_equal_tables() {
    let same = [
        "mu x. !B{a. x, b. ?B{c. x}}",
        "mu y. !B{b. ?B{c. y}, a. y}",
        "!B{a. mu x. !B{a. x, b. ?B{c. x}}, b. ?B{c. mu z. !B{b. ?B{c. z}, a. mu w. !B{a. z, b. ?B{c. w}}}}}",
        "mu x. mu y. !B{a. x, b. ?B{c. y}}",
    ];
    for text in same {
        assert_eq!(tables(&local(text)), tables(&local(same[0])), "{text}");
        assert_eq!(local(text).equivalent(&local(same[0])), Ok(true));
    }
    for text in [
        "mu x. !B{a. x, b. ?B{d. x}}",
        "mu x. !B{a. x, b(u64). ?B{c. x}}",
        "mu x. !C{a. x, b. ?B{c. x}}",
        "mu x. ?B{a. x, b. ?B{c. x}}",
        "mu x. !B{a. x}",
    ] {
        assert_eq!(local(text).equivalent(&local(same[0])), Ok(false), "{text}");
    }
    assert_eq!(tables(&local("mu x. end")), tables(&LocalType::end()));
    // All ends are one state.
    assert_eq!(tables(&local("!B{a. end, b. !B{a. end, b. end}}")).states().len(), 3);
}

#[test]
fn entries_share_states() {
    let (client, rest) = (local("mu x. !S{get. ?S{val. x}}"), local("?S{val. mu x. !S{get. ?S{val. x}}}"));
    let automaton = Automaton::new(&[&client, &rest, &LocalType::end(), &client]).expect("good");
    assert_eq!(automaton.entries(), [0, 1, 2, 0].map(StateId));
    assert_eq!(automaton.states().len(), 3);
    assert_eq!(Automaton::new(&[]).map(|none| none.states().len()), Ok(0));
}

#[test]
fn wrong_types_and_too_large_ones_are_refused() {
    let errors = Automaton::new(&[&LocalType::end(), &local("!B{a. x, b. y}")]).expect_err("free variables");
    assert_eq!(errors.errors().len(), 2);
    let many = |count: usize| {
        LocalType::send(
            "B",
            (0..count).map(|i| Branch::new(&format!("l{i}"), Payload::UNIT, LocalType::end())),
        )
    };
    assert_eq!(tables(&many(65_535)).branches().len(), 65_535);
    let errors = Automaton::new(&[&many(65_536)]).expect_err("too many labels");
    assert_eq!(
        errors.errors()[0].to_string(),
        "error[P0401]: there are more than 65535 labels (split the protocol)"
    );
}

#[test]
fn tables_are_minimal_and_allow_what_the_type_allows() {
    let mut merged = 0;
    for seed in 0..2_000 {
        let ty = random_local(&mut rng(seed), 5, &Scope::default());
        let automaton = tables(&ty);
        assert_eq!(different_states(&automaton), automaton.states().len(), "seed {seed}: {ty}");
        let expected = Ref::of(ty.root()).traces(4);
        assert_eq!(table_traces(&automaton, automaton.entries()[0], 4), expected, "seed {seed}: {ty}");
        let acts = ty.to_string().matches('{').count();
        let kept = automaton.states().iter().filter(|state| state.kind != StateKind::End).count();
        merged += usize::from(kept < acts);
        let back = automaton.local_type(automaton.entries()[0]).expect("small");
        assert_eq!(tables(&back), automaton, "seed {seed}: {ty} and {back}");
    }
    assert!(merged > 100, "only {merged} types had equal parts");
}

/// The same type written otherwise: branches in another order, some loops unfolded.
fn disguised(rng: &mut Rng, ty: &LocalType) -> LocalType {
    fn shuffled(rng: &mut Rng, ty: TypeRef<'_, LocalAction>) -> LocalType {
        match ty.node() {
            Node::End => LocalType::end(),
            Node::Var(var) => LocalType::var(var),
            Node::Mu(var, body) => LocalType::mu(var, shuffled(rng, body)),
            Node::Act(act, branches) => {
                let branch = |(label, payload, next): (&Name, &Payload, _)| Branch {
                    label: label.clone(),
                    payload: payload.clone(),
                    next: shuffled(rng, next),
                };
                let mut branches: Vec<_> = branches.map(branch).collect();
                let by = below(rng, branches.len());
                branches.rotate_left(by);
                match act.direction {
                    Direction::Send => LocalType::send(&act.partner, branches),
                    Direction::Recv => LocalType::recv(&act.partner, branches),
                }
            }
        }
    }
    let once = shuffled(rng, ty.root()).unfold().expect("small");
    shuffled(rng, once.root())
}

#[test]
fn disguises_do_not_matter_and_differences_do() {
    let mut equal = 0;
    for seed in 0..1_000 {
        let rng = &mut rng(seed);
        let (a, b) = (random_local(rng, 4, &Scope::default()), random_local(rng, 2, &Scope::default()));
        assert_eq!(tables(&disguised(rng, &a)), tables(&a), "seed {seed}: {a}");
        // Types of at most 31 states that differ do so within 31 actions; these here much earlier.
        let same = Ref::of(a.root()).traces(6) == Ref::of(b.root()).traces(6);
        assert_eq!(a.equivalent(&b), Ok(same), "seed {seed}: {a} and {b}");
        equal += usize::from(same);
    }
    assert!(equal > 20, "only {equal} pairs were equal");
}
