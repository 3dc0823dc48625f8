//! Functions of roles: what they take, that they verify, and what is refused.

use super::{Party, PartyParam, Picks};
use crate::builder::{BuildError, EffectOptions, ProgramBuilder};
use crate::disasm::{DisasmOptions, disassemble};
use crate::ids::ShapeId;
use crate::protocol::{LocalType, Payload};
use crate::value_type::ValueType;
use crate::verify::{VerifyConfig, verify};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

fn ty(text: &str) -> LocalType {
    text.parse().unwrap()
}

/// A builder with two roles `A` and `B` of a shape that do this.
fn pair(a: &str, b: &str) -> (ProgramBuilder<'static>, ShapeId) {
    let mut program = ProgramBuilder::new();
    program.local_types(&[("A", &ty(a)), ("B", &ty(b))]).unwrap();
    let shape = program.shape("Pair", &[("A", "A"), ("B", "B")], &[]).unwrap();
    (program, shape)
}

/// The parameters of a party, each as text.
fn params(party: &Party) -> Vec<String> {
    let text = |param: &PartyParam| match param {
        PartyParam::Payload(payload) => payload.to_string(),
        other => format!("{other:?}"),
    };
    party.params.iter().map(text).collect()
}

/// The code of the only function, which verifies.
fn verified(program: ProgramBuilder<'_>) -> String {
    let program = program.finish().unwrap();
    let text = disassemble(&program, &DisasmOptions::pretty());
    verify(program, &VerifyConfig::new()).unwrap_or_else(|report| panic!("{text}\n{report}"));
    let body = text.lines().skip_while(|line| !line.starts_with(".func"));
    body.skip(1).take_while(|line| *line != "}").map(|line| line.trim().to_string() + "\n").collect()
}

#[test]
fn parameters_are_the_endpoint_and_what_is_said() {
    let a = "mu x. !B{one(u64). ?B{two(tuple(str, bool)). x, three. !B{four(str). !B{five(u64). end}}}}";
    let (mut program, shape) = pair(a, "end");
    let party = program.party("a", shape, "A", Picks::First).unwrap();
    assert_eq!(params(&party), ["Endpoint", "u64", "tuple(str, bool)", "str"]);
    verified(program);
}

#[test]
fn first_picks_are_as_compile_says() {
    let (mut program, shape) = pair("!B{yes(u64). ?B{m. end}, no. end}", "?A{yes(u64). !A{m. end}, no. end}");
    let party = program.party("a", shape, "A", Picks::First).unwrap();
    assert_eq!(params(&party), ["Endpoint", "u64"]);
    let body = verified(program);
    let code: Vec<&str> = body.lines().filter(|line| !line.starts_with('.')).collect();
    assert_eq!(code, ["offer r1, yes, r2", "receive r1 -> r0", "invoke runtime.step () -> -", "halt"]);
}

#[test]
fn random_picks_take_a_seed_where_there_is_a_choice() {
    let (mut program, shape) = pair("mu x. !B{more. x, no. end}", "mu x. ?A{more. x, no. end}");
    let a = program.party("a", shape, "A", Picks::Random).unwrap();
    let b = program.party("b", shape, "B", Picks::Random).unwrap();
    assert_eq!(params(&a), ["Endpoint", "Seed", "Rounds"]);
    assert_eq!(params(&b), ["Endpoint"]);
    verified(program);
}

#[test]
fn tuples_of_tuples_are_made_of_their_elements() {
    let (mut program, shape) = pair("!B{m(tuple(u64, tuple(str, unit), u64)). end}", "end");
    let party = program.party("a", shape, "A", Picks::First).unwrap();
    assert_eq!(params(&party), ["Endpoint", "u64", "tuple(str, unit)"]);
    let body = verified(program);
    assert!(body.contains("tuple.new"), "{body}");
}

#[test]
fn endpoints_are_passed_on() {
    let relay = "mu x. ?B{take(chan(Pair, B)). !B{give(chan(Pair, B)). x}}";
    let (mut program, shape) = pair(relay, "end");
    let party = program.party("relay", shape, "A", Picks::First).unwrap();
    assert_eq!(params(&party), ["Endpoint"]);
    verified(program);
    // The first one is its own.
    let (mut program, shape) = pair("!B{give(chan(Pair, B)). end}", "?A{give(chan(Pair, B)). end}");
    let party = program.party("giver", shape, "A", Picks::First).unwrap();
    assert_eq!(params(&party), ["Endpoint", "chan(Pair, B)"]);
    verified(program);
}

#[test]
fn what_is_not_there_is_said() {
    let (mut program, shape) = pair("!B{m. end}", "?A{m(chan(Other, A)). end}");
    let unknown = |what, name: &str| Err(BuildError::UnknownName { what, name: name.to_string() });
    assert_eq!(program.party("p", ShapeId(7), "A", Picks::First), unknown("shape", "7"));
    let no_role = BuildError::NoRole { shape: "Pair".to_string(), role: "C".to_string() };
    assert_eq!(program.party("p", shape, "C", Picks::First), Err(no_role));
    let early = program.shape("Early", &[("A", "Later")], &[]).unwrap();
    assert_eq!(program.party("p", early, "A", Picks::First), unknown("local type", "Later"));
    program.effect("runtime.step", &[ValueType::U64], None, EffectOptions::new()).unwrap();
    let taken = BuildError::NameTaken { what: "effect", name: "runtime.step".to_string() };
    assert_eq!(program.party("p", shape, "A", Picks::First), Err(taken));
    let (mut program, shape) = pair("!B{m(chan(Other, A)). end}", "end");
    assert_eq!(program.party("p", shape, "A", Picks::First), unknown("shape", "Other"));
    assert!(program.finish().unwrap_err().to_string().contains("Other"), "only the type is still wrong");
}

#[test]
fn an_effect_of_that_name_is_used() {
    let (mut program, shape) = pair("!B{m. end}", "?A{m. end}");
    let effect = program.effect("runtime.step", &[], None, EffectOptions::new().speculative()).unwrap();
    program.party("a", shape, "A", Picks::First).unwrap();
    program.party("b", shape, "B", Picks::First).unwrap();
    let program = program.finish().unwrap();
    assert_eq!(program.sessions().effects.len(), 1);
    assert!(program.sessions().effects[effect.index()].speculative);
}

#[test]
fn payloads_of_units_take_no_register() {
    let (mut program, shape) = pair("!B{a. ?B{b(unit). ?B{c. end, d. end}}}", "end");
    let party = program.party("a", shape, "A", Picks::First).unwrap();
    assert_eq!(party.params, [PartyParam::Endpoint]);
    assert!(!party.params.contains(&PartyParam::Payload(Payload::UNIT)));
    verified(program);
}
