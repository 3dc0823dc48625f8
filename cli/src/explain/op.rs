//! Instructions, from their rows and the docs blob.

use crate::tables::facts::{self, place};
use crate::text;
use opforge::ISA;
use opforge_schema::words::OpFacts;
use opforge_schema::{OpRow, TrapCode};
use opforge_tables::docs::OpDoc;

/// Everything there is to say about an instruction, by mnemonic, alias, or opcode byte.
pub(super) fn explain(topic: &str) -> Option<String> {
    let didx = ISA.find(topic).or_else(|| by_byte(topic))?;
    let row = ISA.op(didx)?;
    let docs = opforge_tables::docs().ok();
    let doc = docs.as_ref().and_then(|docs| docs.op(didx));
    let names: Vec<&str> = doc.iter().flat_map(|doc| &doc.operands).map(String::as_str).collect();
    let facts = OpFacts::new(didx, row, ISA.name(didx), ISA.template(didx), &names);
    let mut out = format!("{}\n", facts.text);
    if let Some(doc) = doc {
        out += &format!("\n  {}\n\n", doc.doc);
    }
    let aliases: Vec<&str> = ISA
        .lookup
        .iter()
        .filter(|row| row.alias == 1 && row.didx.get() == didx)
        .map(|row| row.name.as_str())
        .collect();
    let mut line = |what: &str, text: &str| {
        if !text.is_empty() {
            out += &format!("{:<16}{}\n", format!("{what}:"), text.replace('`', ""));
        }
    };
    line("opcode", &place(didx));
    line("also written", &aliases.join(", "));
    line("bytes", &facts.bytes);
    for operand in &facts.operands {
        line("operand", operand);
    }
    line("verified", &facts.verified.join(", "));
    line("ends its block", facts.ends_block);
    line("typestate", facts.typestate);
    line("effects", &facts.effects.join(", "));
    line("traps", &traps(row, doc));
    line("fuel", &facts.fuel);
    line("since", &format!("{}; id {}", row.since, row.id));
    if let Some(doc) = doc {
        let but = if doc.deviates.is_empty() { String::new() } else { format!(", but: {}", doc.deviates) };
        line("WebAssembly", &format!("{}{but}", doc.wasm));
        for example in &doc.examples {
            let bytes = text::hex(&example.bytes);
            line("example", format!("{}   {bytes}   {}", example.text, example.json).trim_end());
        }
    }
    Some(out)
}

/// The traps with their codes, in the order in which they are checked where the docs say it.
fn traps(row: &OpRow, doc: Option<&OpDoc>) -> String {
    let in_order: Vec<TrapCode> = match doc {
        Some(doc) => doc.traps.iter().filter_map(|&code| TrapCode::from_code(code)).collect(),
        None => facts::traps(row).collect(),
    };
    let list: Vec<String> =
        in_order.iter().map(|trap| format!("T{:03} {}", trap.code(), trap.name())).collect();
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

fn by_byte(topic: &str) -> Option<u16> {
    let hex = topic.strip_prefix("0x").or_else(|| topic.strip_prefix("0X"))?;
    u8::from_str_radix(hex, 16).ok().map(u16::from)
}
