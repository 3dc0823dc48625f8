//! The JSON Schemas in `spec/schema` are written by hand; their lists must be those of the Rust code.

use opforge_schema as s;
use opforge_tablegen::model::Effect;
use serde_json::Value;

fn schema(text: &str) -> Value {
    serde_json::from_str(text).expect("a schema is JSON")
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("an array").iter().map(|v| v.as_str().expect("a string")).collect()
}

/// Compares `$defs.<def>.enum` with the spec names of a code enum.
macro_rules! same_names {
    ($schema:ident, $def:literal, $code:ty, $skip:literal) => {
        let wanted: Vec<&str> = <$code>::ALL.iter().skip($skip).map(|c| c.name()).collect();
        assert_eq!(names(&$schema["$defs"][$def]["enum"]), wanted, "{}", $def);
    };
}

#[test]
fn enums_are_the_code_lists() {
    let schema = schema(opforge_spec::OPCODES_SCHEMA);
    same_names!(schema, "kind", s::OperandKind, 1);
    same_names!(schema, "encoding", s::Encoding, 1);
    same_names!(schema, "access", s::Access, 1);
    same_names!(schema, "term", s::Term, 0);
    same_names!(schema, "family", s::Family, 1);
    same_names!(schema, "lowering", s::Lower, 0);
    same_names!(schema, "rule_name", s::Rule, 1);
    same_names!(schema, "jit_class", s::JitClass, 0);
    same_names!(schema, "clif", s::Clif, 1);
    same_names!(schema, "trap", s::TrapCode, 1);
    same_names!(schema, "hook", s::Hook, 1);
    same_names!(schema, "typestate", s::Typestate, 1);
    let effects: Vec<&str> = Effect::ALL.iter().map(|(_, name)| *name).collect();
    assert_eq!(names(&schema["$defs"]["effect"]["enum"]), effects);
}

#[test]
fn types_are_the_type_rules() {
    let schema = schema(opforge_spec::OPCODES_SCHEMA);
    let ty = &schema["$defs"]["type"]["anyOf"];
    let rules = s::TypeRule::ALL.iter().skip(1);
    let (with, without): (Vec<s::TypeRule>, Vec<_>) = rules.partition(|r| r.takes_operand());
    let text = |list: &[s::TypeRule]| list.iter().map(|r| r.name()).collect::<Vec<_>>();
    assert_eq!(names(&ty[0]["enum"]), text(&without));
    assert_eq!(ty[1]["pattern"], format!("^({}):[a-z][a-z0-9_]*$", text(&with).join("|")));
}

#[test]
fn the_schema_of_intrinsics_has_the_limits_and_fields_of_the_code() {
    let schema = schema(opforge_spec::INTRINSICS_SCHEMA);
    same_names!(schema, "trap", s::TrapCode, 1);
    let intrinsic = &schema["$defs"]["intrinsic"]["properties"];
    assert_eq!(intrinsic["args"]["maxItems"], s::MAX_INTRINSIC_ARGS);
    assert_eq!(intrinsic["rets"]["maxItems"], s::MAX_INTRINSIC_RETS);
    assert_eq!(intrinsic["arg_slots"]["maximum"], s::MAX_ARG_SLOTS);
    assert_eq!(intrinsic["ret_slots"]["maximum"], s::MAX_RET_SLOTS);
    assert_eq!(intrinsic["name"]["maxLength"], s::MAX_NAME);
    assert_eq!(intrinsic["id"]["maximum"], s::IntrinsicRow::FIRST_FOREIGN - 1);
    let spec: Value = serde_json::from_str(opforge_spec::INTRINSICS).expect("the spec is JSON");
    for i in spec["intrinsics"].as_array().expect("intrinsics") {
        for key in i.as_object().expect("an object").keys() {
            assert!(intrinsic.get(key).is_some(), "the schema does not know {key}");
        }
    }
}

#[test]
fn fields_are_those_that_the_parser_knows() {
    // A spec with a field that the parser does not know is refused, so the built-in spec and the schema
    // agree on every field that is used; limits are compared here.
    let schema = schema(opforge_spec::OPCODES_SCHEMA);
    let opcode = &schema["$defs"]["opcode"]["properties"];
    assert_eq!(opcode["operands"]["maxItems"], s::MAX_OPERANDS);
    assert_eq!(opcode["rules"]["maxItems"], s::MAX_RULES);
    assert_eq!(opcode["mnemonic"]["maxLength"], s::MAX_NAME);
    let spec: Value = serde_json::from_str(opforge_spec::OPCODES).expect("the spec is JSON");
    for op in spec["opcodes"].as_array().expect("opcodes") {
        for key in op.as_object().expect("an object").keys() {
            assert!(opcode.get(key).is_some(), "the schema does not know {key}");
        }
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn the_schema_of_sessions_knows_what_the_spec_has() {
    let schema = schema(opforge_spec::SESSION_SCHEMA);
    let spec: Value = serde_json::from_str(opforge_spec::SESSION).expect("the spec is JSON");
    for list in ["family", "events"] {
        let known = &schema["properties"][list]["items"]["properties"];
        for entry in spec[list].as_array().expect("a list") {
            for key in entry.as_object().expect("an object").keys() {
                assert!(known.get(key).is_some(), "the schema does not know {key}");
            }
        }
    }
    let family = &schema["properties"]["family"];
    let count = spec["family"].as_array().expect("a list").len();
    assert_eq!((&family["minItems"], &family["maxItems"]), (&count.into(), &count.into()));
}
