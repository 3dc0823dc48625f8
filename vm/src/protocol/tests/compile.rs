//! Each row of the table of [`compile`], and that code has no loose ends.

use super::random::{Scope, random_local, rng};
use super::*;

fn code(text: &str) -> String {
    compile(&local(text)).to_string()
}

#[test]
fn row_send_with_one_branch() {
    assert_eq!(code("!B{msg(u64). end}"), "0: send r0, r1\n1: invoke runtime.step\n2: halt");
}

#[test]
fn row_send_with_more_branches() {
    assert_eq!(
        code("!B{yes. ?B{m. end}, no. end}"),
        "0: offer r0, yes\n1: receive r0, r1\n2: invoke runtime.step\n3: halt"
    );
}

#[test]
fn row_send_with_more_branches_of_all() {
    let code = compile_all(&local("mu x. !B{yes. ?B{m. end}, no. !B{a. x, b. mu y. !B{c. y}}}"));
    let expected = "0: pick, yes -> 1, no -> 5
1: offer r0, yes
2: receive r0, r1
3: invoke runtime.step
4: halt
5: offer r0, no
6: pick, a -> 7, b -> 9
7: offer r0, a
8: jump 0
9: offer r0, b
10: send r0, r1
11: invoke runtime.step
12: jump 10";
    assert_eq!(code.to_string(), expected);
    let far = |steps: usize| Some(steps);
    let ways =
        [far(4), far(3), far(2), far(1), far(0), far(8), far(7), far(6), far(5), None, None, None, None];
    assert_eq!(code.ways_out(), ways);
}

#[test]
fn row_recv_with_one_branch() {
    assert_eq!(code("?A{msg(u64). end}"), "0: receive r0, r1\n1: invoke runtime.step\n2: halt");
}

#[test]
fn row_recv_with_more_branches() {
    let expected = "0: choose r0, a -> 1, b -> 6, c -> 7
1: choose r0, d -> 2, e -> 3
2: halt
3: send r0, r1
4: invoke runtime.step
5: halt
6: halt
7: halt";
    assert_eq!(code("?A{a. ?A{d. end, e. !A{m. end}}, b. end, c. end}"), expected);
}

#[test]
fn row_send_or_recv_without_branches() {
    assert_eq!(code("!B{}"), "0: halt");
    assert_eq!(code("?B{a. !B{}, b. end}"), "0: choose r0, a -> 1, b -> 2\n1: halt\n2: halt");
}

#[test]
fn row_mu_and_bound_var() {
    assert_eq!(
        code("!B{a. mu x. !B{b. x}}"),
        "0: send r0, r1\n1: invoke runtime.step\n2: send r0, r1\n3: invoke runtime.step\n4: jump 2"
    );
    // The loop around is in scope again behind one of the same name.
    let expected =
        "0: choose r0, a -> 1, b -> 4\n1: send r0, r1\n2: invoke runtime.step\n3: jump 1\n4: jump 0";
    assert_eq!(code("mu x. ?A{a. mu x. !A{m. x}, b. x}"), expected);
}

#[test]
fn row_unbound_var() {
    assert_eq!(code("!B{m. z}"), "0: send r0, r1\n1: invoke runtime.step\n2: halt");
    assert_eq!(code("?A{a. mu x. !A{m. x}, b. x}").lines().last(), Some("4: halt"));
}

#[test]
fn row_end() {
    assert_eq!(code("end"), "0: halt");
}

#[test]
fn instructions_carry_what_the_types_say() {
    let code =
        compile(&local("?A{l(str). !A{m(u64). ?A{n(bool). end, o. end}}, p. !A{q(f64). end, r. end}}"));
    let ops = code.ops();
    let payloads: std::vec::Vec<String> =
        code.arms(&ops[0]).iter().map(|arm| arm.payload.to_string()).collect();
    assert_eq!(payloads, ["str", "unit"]);
    assert_eq!(
        ops[1],
        AbstractOp::Send { chan: Code::CHAN, val: Code::VALUE, payload: crate::ValueType::U64.into() }
    );
    let offer =
        AbstractOp::Offer { chan: Code::CHAN, label: "q".into(), payload: crate::ValueType::F64.into() };
    assert_eq!(ops[code.arms(&ops[0])[1].target], offer);
    assert!(code.arms(&ops[1]).is_empty());
}

#[test]
fn code_has_no_loose_ends() {
    for seed in 0..2_000 {
        let ty = random_local(&mut rng(seed), 5, &Scope::default());
        for code in [compile(&ty), compile_all(&ty)] {
            let ops = code.ops();
            for op in ops {
                match op {
                    AbstractOp::Jump { target } => assert!(*target < ops.len(), "{ty}\n{code}"),
                    AbstractOp::Choose { len, .. } | AbstractOp::Pick { len, .. } => {
                        assert_eq!(code.arms(op).len(), *len);
                        assert!(code.arms(op).iter().all(|arm| arm.target < ops.len()), "{ty}\n{code}");
                    }
                    _ => {}
                }
            }
            assert!(matches!(ops.last(), Some(AbstractOp::Halt | AbstractOp::Jump { .. })), "{ty}\n{code}");
        }
    }
}
