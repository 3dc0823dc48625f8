//! The conformance data of the session family, as far as types and code go.

use super::compose::{Explored, explore};
use super::*;
use crate::ValueType;
use serde_json::{Value, json};
use std::path::Path;
use std::vec::Vec;
use std::{format, fs};

/// The cases: of the whole file if it is there, else of the committed sample.
fn all() -> Vec<Value> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = here.ancestors().map(|at| at.join("shared/sessions/cases.json")).find(|path| path.is_file());
    let path = whole.unwrap_or_else(|| here.join("tests/data/session_compile.json"));
    let text = fs::read_to_string(path).expect("the cases");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    file["cases"].as_array().expect("a list of cases").clone()
}

fn payload(value: &Value) -> Payload {
    match value {
        Value::Null => Payload::UNIT,
        Value::String(name) => match name.as_str() {
            "unit" => ValueType::Unit.into(),
            "bool" => ValueType::Bool.into(),
            "nat" => ValueType::U64.into(),
            "string" => ValueType::Str.into(),
            other => panic!("no payload: {other}"),
        },
        _ if value["prod"].is_array() => {
            let parts = value["prod"].as_array().expect("parts").iter().map(payload);
            Payload::tuple(parts).expect("small")
        }
        _ => Payload::chan(&value["chan"][0].to_string(), value["chan"][1].as_str().expect("a role")),
    }
}

fn ty(value: &Value) -> LocalType {
    if value == "end" {
        return LocalType::end();
    }
    if let Some(var) = value["var"].as_str() {
        return LocalType::var(var);
    }
    if let Some(var) = value["mu"].as_str() {
        return LocalType::mu(var, ty(&value["body"]));
    }
    let branches = value["branches"].as_array().expect("branches").iter();
    let branches = branches.map(|b| Branch::new(b[0].as_str().expect("a label"), payload(&b[1]), ty(&b[2])));
    match value["send"].as_str() {
        Some(partner) => LocalType::send(partner, branches),
        None => LocalType::recv(value["recv"].as_str().expect("a partner"), branches),
    }
}

fn json(code: &Code) -> Value {
    let op = |op: &AbstractOp| match op {
        AbstractOp::Send { chan, val, .. } => json!({"op": "send", "chan": chan, "val": val}),
        AbstractOp::Receive { chan, dst, .. } => json!({"op": "receive", "chan": chan, "dst": dst}),
        AbstractOp::Offer { chan, label, .. } => {
            json!({"op": "offer", "chan": chan, "label": label.as_str()})
        }
        AbstractOp::Choose { chan, .. } => {
            let arm = |arm: &Arm| json!([arm.label.as_str(), arm.target]);
            let table: Vec<Value> = code.arms(op).iter().map(arm).collect();
            json!({"op": "choose", "chan": chan, "table": table})
        }
        AbstractOp::Invoke => json!({"op": "invoke", "action": Code::ACTION}),
        AbstractOp::Jump { target } => json!({"op": "jump", "target": target}),
        AbstractOp::Halt => json!({"op": "halt"}),
        AbstractOp::Pick { .. } => json!({"op": "pick"}),
    };
    code.ops().iter().map(op).collect()
}

/// The type of a case, after its text was read back.
fn compile_case(name: &str) -> LocalType {
    let cases = all();
    let case = cases.iter().find(|case| case["name"] == name).unwrap_or_else(|| panic!("no case {name}"));
    let ty = ty(&case["compile"]);
    assert_eq!(local(&ty.to_string()), ty);
    assert_eq!(json(&compile(&ty)), case["expect"]["code"], "{name}: {ty}\n{}", compile(&ty));
    ty
}

/// A test for each case, named after it; what is wrong with its type, if anything.
macro_rules! compile_cases {
    ($($name:ident: $code:expr,)*) => {
        const COMPILE_CASES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            #[allow(non_snake_case, reason = "named as in the file")]
            fn $name() {
                let ty = compile_case(stringify!($name));
                let wrong = ty.check().map_err(|errors| errors.errors()[0].code()).err();
                assert_eq!(wrong, $code);
            }
        )*
    };
}

compile_cases! {
    compile_send: None,
    compile_recv: None,
    compile_offer_first: None,
    compile_choose_table: None,
    compile_mu_loop: None,
    compile_mu_recv_choice: None,
    compile_nested_recursion_A: None,
    compile_unbound_var: Some("P0201"),
    compile_var_scope: Some("P0201"),
    compile_empty_choice: Some("P0202"),
}

#[test]
fn every_compile_case_is_tested() {
    let cases = all();
    let names: Vec<&str> = cases
        .iter()
        .filter(|case| case["kind"] == "compile")
        .filter_map(|case| case["name"].as_str())
        .collect();
    assert_eq!(names, COMPILE_CASES);
}

/// The parties of the other cases have good types, which fit together but where the case is about types that do not.
#[test]
fn the_types_of_run_cases_fit_together() {
    let mut seen = 0;
    for case in all() {
        let Some(locals) = case["protocol"]["local"].as_object() else { continue };
        seen += 1;
        let types: Vec<(Name, LocalType)> =
            locals.iter().map(|(role, value)| (role.as_str().into(), ty(value))).collect();
        for (role, ty) in &types {
            assert_eq!(ty.check_for(role), Ok(()), "{}", case["name"]);
            assert_eq!(local(&ty.to_string()), *ty);
        }
        let expected = match case["name"].as_str() {
            Some("deadlock_cycle") => Err("nobody"),
            Some("label_not_on_the_wire") => Err("B"),
            _ => Ok(Explored::All),
        };
        let found = explore(&types, 2, 20_000);
        let found = found.as_ref().copied().map_err(|error| error.split(' ').next().unwrap_or(""));
        assert_eq!(found, expected, "{}", case["name"]);
    }
    assert_eq!(seen, 30);
}

/// The annotations that no case has at the moment but whose form the file describes.
#[test]
fn payloads_of_the_file_are_payloads() {
    let value = json!({"prod": ["nat", {"prod": ["string", {"chan": [0, "A"]}]}]});
    assert_eq!(format!("{}", payload(&value)), "tuple(u64, tuple(str, chan(\"0\", A)))");
}
