//! The examples of the spec: their text assembles to their bytes, and their bytes show as their text.

use opforge_vm::asm::assemble;
use opforge_vm::codec::Code;
use opforge_vm::disasm::Line;
use opforge_vm::ids::FuncId;
use opforge_vm::{ISA, Opcode};
use serde_json::Value;

const SPEC: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/opcodes.json"));

fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn examples_go_both_ways() {
    let spec: Value = serde_json::from_str(SPEC).unwrap();
    let mut count = 0;
    for opcode in spec["opcodes"].as_array().unwrap() {
        for example in opcode["examples"].as_array().unwrap() {
            let (Some(text), Some(expected)) = (example["text"].as_str(), example["bytes"].as_str()) else {
                continue;
            };
            count += 1;
            let source = format!(".func f() {{\n{text}\n}}");
            let program = assemble(&source).unwrap_or_else(|e| panic!("{}", e.render(&source, "spec")));
            let code = program.code(FuncId(0)).unwrap();
            assert_eq!(code, bytes(expected), "{text}");
            let decoded = Code::decode(&ISA, code).unwrap();
            assert_eq!(Line::new(&ISA, &decoded, &decoded.instrs()[0]).to_string(), text);
        }
    }
    assert!(count >= Opcode::ALL.len(), "{count} examples");
}
