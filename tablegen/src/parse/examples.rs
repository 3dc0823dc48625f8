//! Reads the examples of an opcode: one instruction as text and bytes, values in, values or a trap out.

use super::json::{Node, Value};
use super::object::{Obj, code, list, string};
use crate::diag::Diags;
use crate::model::Example;
use crate::source::At;
use opforge_schema::TrapCode;

/// The classes an example may have values of, and how a value is written.
const VALUES: &[(&str, &str)] = &[
    ("unit", "null"),
    ("bool", "true or false"),
    ("i64", "a whole number from -2^63 to 2^63 - 1"),
    ("u64", "a whole number from 0 to 2^64 - 1"),
    ("f64", "16 lower-case hex digits, the bits"),
    ("dec", "[\"mantissa\", scale]"),
    ("bytes", "pairs of lower-case hex digits"),
    ("str", "a string"),
];

pub(super) fn read(d: &mut Diags, node: &Node) -> Option<Example> {
    let obj = Obj::open(d, node, "an example", &["text", "bytes", "in", "out", "trap"])?;
    let (text, hex) = (obj.string(d, "text"), obj.string(d, "bytes"));
    let inputs = obj.need(d, "in").map(|n| (values(d, n, "in"), n.compact()));
    let outputs = obj.get("out").map(|n| (values(d, n, "out"), n.compact()));
    let trap = obj.get("trap").and_then(|n| string(d, n, "trap"));
    let known: Vec<_> = TrapCode::ALL.iter().skip(1).map(|&t| (t, t.name())).collect();
    let trap_code = trap.as_ref().and_then(|t| code(d, "E032", t, "trap", &known));
    if outputs.is_some() == trap.is_some() {
        d.error("E041", obj.at(), "an example has either \"out\" or \"trap\"");
    }
    let hex = hex?;
    let Some(bytes) = hex_bytes(&hex.v) else {
        d.error("E041", hex.at, "bytes must be pairs of lower-case hex digits with one space between");
        return None;
    };
    let (inputs, given) = inputs?;
    let (outputs, after) = match (outputs, &trap) {
        (Some((values, json)), _) => (values, format!("\"out\":{json}")),
        (None, Some(t)) => (Vec::new(), format!("\"trap\":\"{}\"", t.v)),
        (None, None) => return None,
    };
    Some(Example {
        text: text?,
        bytes: At::new(bytes, hex.at),
        json: format!("{{\"in\":{given},{after}}}"),
        trap: trap.and_then(|t| Some(At::new(trap_code?, t.at))),
        inputs,
        outputs,
    })
}

fn lower_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let byte = |pair: &str| u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2 && lower_hex(pair));
    text.split(' ').map(byte).collect()
}

/// Class names of a list of values such as `{"i64": 7}`.
pub(super) fn values(d: &mut Diags, node: &Node, what: &str) -> Vec<At<String>> {
    list(d, node, what).iter().filter_map(|n| value(d, n)).collect()
}

fn value(d: &mut Diags, node: &Node) -> Option<At<String>> {
    let known: Vec<&str> = VALUES.iter().map(|(name, _)| *name).collect();
    let Value::Object(members) = &node.value else {
        d.error(
            "E041",
            node.at,
            format!("a value must be an object such as {{\"i64\": 7}}, not {}", node.value.kind()),
        );
        return None;
    };
    let [member] = members.as_slice() else {
        d.error("E041", node.at, "a value has one member: its class and what it holds");
        return None;
    };
    let Some((name, form)) = VALUES.iter().find(|(name, _)| *name == member.key) else {
        let note = format!("known: {}", known.join(", "));
        d.error_note("E041", member.at, format!("unknown class \"{}\" of a value", member.key), None, note);
        return None;
    };
    if !fits(name, &member.value.value) {
        d.error("E041", member.value.at, format!("a value of class {name} is {form}"));
        return None;
    }
    Some(At::new(member.key.clone(), node.at))
}

fn fits(class: &str, value: &Value) -> bool {
    match (class, value) {
        ("unit", Value::Null) | ("bool", Value::Bool(_)) | ("str", Value::String(_)) => true,
        ("i64", Value::Number(n)) => n.parse::<i64>().is_ok(),
        ("u64", Value::Number(n)) => n.parse::<u64>().is_ok(),
        ("f64", Value::String(bits)) => bits.len() == 16 && lower_hex(bits),
        ("bytes", Value::String(hex)) => hex.len().is_multiple_of(2) && lower_hex(hex),
        ("dec", Value::Array(parts)) => match parts.as_slice() {
            [Node { value: Value::String(m), .. }, Node { value: Value::Number(scale), .. }] => {
                m.parse::<i64>().is_ok() && scale.parse::<u8>().is_ok()
            }
            _ => false,
        },
        _ => false,
    }
}
