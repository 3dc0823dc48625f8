//! Types of 10^5 levels, on a thread with little stack: nothing recurses, and nothing takes quadratic time.

use super::*;
use std::format;
use std::thread;
use std::time::{Duration, Instant};

const LEVELS: usize = 100_000;

/// Runs with less stack than a recursion over [`LEVELS`] would take, and in less time than quadratic work would.
fn shallow(test: impl FnOnce() + Send + 'static) {
    let start = Instant::now();
    let run = thread::Builder::new().stack_size(96 << 10).spawn(test).expect("a thread");
    run.join().expect("no overflow");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

fn everything(ty: &LocalType) -> Automaton {
    let text = ty.to_string();
    let read = local(&text);
    assert!(read == *ty);
    assert_eq!(read.to_string(), text);
    assert!(ty.check().is_ok());
    assert!(!compile(ty).ops().is_empty());
    assert!(ty.dual("A").is_ok());
    let automaton = Automaton::new(&[ty]).expect("tables");
    let back = automaton.local_type(automaton.entries()[0]);
    assert!(back.is_ok_and(|back| Automaton::new(&[&back]).is_ok_and(|again| again == automaton)));
    automaton
}

#[test]
fn long_chains() {
    shallow(|| {
        let mut ty = LocalType::end();
        for _ in 0..LEVELS {
            ty = LocalType::send("B", [Branch::new("l", Payload::UNIT, ty)]);
        }
        assert_eq!(everything(&ty).states().len(), LEVELS + 1);
        let ty = LocalType::mu("x", ty).unfold().expect("as it is");
        assert_eq!(Ok(true), ty.equivalent(&ty.clone()));
    });
}

#[test]
fn chains_that_fold_into_a_small_loop() {
    shallow(|| {
        let mut ty = LocalType::var("x");
        for i in 0..LEVELS {
            let direction = if i % 2 == 0 { LocalType::send } else { LocalType::recv };
            // Deep on the second of two branches: building must not copy the deep one each time.
            let branches = std::vec![
                Branch::new("a", Payload::UNIT, LocalType::end()),
                Branch::new("b", Payload::UNIT, ty)
            ];
            ty = direction("B", branches);
        }
        let ty = LocalType::mu("x", ty);
        assert_eq!(everything(&ty).states().len(), 3);
        assert!(ty.unfold().is_ok_and(|unfolded| unfolded.equivalent(&ty) == Ok(true)));
    });
}

#[test]
fn nested_loops() {
    shallow(|| {
        let mut ty = LocalType::var("x0");
        for i in (0..LEVELS).rev() {
            let next = LocalType::var(&format!("x{}", i / 2));
            ty = LocalType::send(
                "B",
                [Branch::new("a", Payload::UNIT, ty), Branch::new("b", Payload::UNIT, next)],
            );
            ty = LocalType::mu(&format!("x{i}"), LocalType::mu("y", ty));
        }
        let text = ty.to_string();
        assert!(local(&text) == ty);
        assert!(ty.check().is_ok());
        assert!(Automaton::new(&[&ty]).is_ok());
        assert!(compile(&ty).ops().len() > LEVELS);
        // Loops directly in loops that never act.
        let unguarded = format!("{}x", "mu x. ".repeat(LEVELS));
        assert!(local(&unguarded).check().is_err());
    });
}

#[test]
fn wrong_to_the_bottom() {
    shallow(|| {
        let text = "!B{".repeat(LEVELS);
        assert!(text.parse::<LocalType>().is_err());
        let text = "!B{l. ".repeat(LEVELS);
        assert!(text.parse::<LocalType>().is_err());
        let mut ty = LocalType::var("x");
        for _ in 0..LEVELS {
            ty = LocalType::send(
                "B",
                [Branch::new("l", Payload::UNIT, ty.clone_if_small()), Branch::new("l", Payload::UNIT, ty)],
            );
        }
        let errors = ty.check().expect_err("duplicate labels");
        assert!(errors.has_more() && errors.to_string().len() < 20_000);
    });
}

impl LocalType {
    /// A copy of a leaf, else the end.
    fn clone_if_small(&self) -> Self {
        if self.0.cells.len() == 1 { self.clone() } else { Self::end() }
    }
}

#[test]
fn too_many_nodes() {
    shallow(|| {
        let text = "mu x. ".repeat(MAX_NODES) + "end";
        let error = text.parse::<LocalType>().expect_err("too large");
        assert_eq!(error.kind, ProtocolErrorKind::TooLarge);
        let text = format!("!B{{{}}}", "l. x,".repeat(MAX_NODES));
        let error = text.parse::<LocalType>().expect_err("too large");
        assert_eq!(error.kind, ProtocolErrorKind::TooLarge);
    });
}

#[test]
fn tables_whose_type_is_too_large() {
    shallow(|| {
        // From the last of these states one comes to all others, in every order.
        let mut ty = LocalType::end();
        for i in (0..24).rev() {
            let back = (0..=i).map(|to| (format!("to{to}"), LocalType::var(&format!("x{to}"))));
            let branches = back.chain([("on".to_string(), ty)]);
            ty = LocalType::send("B", branches.map(|(label, next)| Branch::new(&label, Payload::UNIT, next)));
            ty = LocalType::mu(&format!("x{i}"), ty);
        }
        let automaton = Automaton::new(&[&ty]).expect("tables");
        assert_eq!(automaton.states().len(), 25);
        assert!(
            automaton.local_type(automaton.entries()[0]).is_ok_and(|back| back.equivalent(&ty) == Ok(true))
        );
        let last = (0..25).map(StateId).max_by_key(|&id| automaton.branches_of(id).len());
        let error = automaton.local_type(last.expect("a state")).expect_err("too large");
        assert_eq!(error.kind, ProtocolErrorKind::TooLarge);
    });
}

#[test]
fn deep_conversations() {
    shallow(|| {
        let mut ty = GlobalType::var("x");
        for i in 0..LEVELS / 4 {
            let tell =
                |label: &str, next| GlobalType::message("A", "C", [Branch::new(label, Payload::UNIT, next)]);
            let yes = tell("yes", ty);
            let no = tell("no", GlobalType::end());
            let (from, to) = if i % 2 == 0 { ("A", "B") } else { ("B", "A") };
            let branches = [Branch::new("yes", Payload::UNIT, yes), Branch::new("no", Payload::UNIT, no)];
            ty = GlobalType::message(from, to, branches);
        }
        let ty = GlobalType::mu("x", ty);
        assert!(global(&ty.to_string()) == ty);
        let types = ty.project_all(MergeMode::Full).expect("projectable");
        let (_, c) = &types[2];
        assert_eq!(c.equivalent(&local("mu x. ?A{yes. x, no. end}")), Ok(true));
        assert!(ty.project_all(MergeMode::Plain).is_err());
    });
}

#[test]
fn wide_conversations() {
    shallow(|| {
        let branch = |i: usize| {
            let label = format!("l{i}");
            let tell = GlobalType::message("B", "C", [Branch::new(&label, Payload::UNIT, GlobalType::end())]);
            Branch::new(&label, Payload::UNIT, tell)
        };
        let ty = GlobalType::message("A", "B", (0..LEVELS / 4).map(branch));
        let c = ty.project("C", MergeMode::Full).expect("projectable");
        assert_eq!(Automaton::new(&[&c]).expect("tables").branches().len(), LEVELS / 4);
    });
}
