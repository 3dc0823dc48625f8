//! Instructions, from their rows and the docs blob.

use crate::tables::facts;
use crate::text;
use opforge::ISA;
use opforge_tables::docs::OpDoc;

/// Everything there is to say about an instruction, by mnemonic, alias, or opcode byte.
pub(super) fn explain(topic: &str) -> Option<String> {
    let didx = ISA.find(topic).or_else(|| by_byte(topic))?;
    let row = ISA.op(didx)?;
    let docs = opforge_tables::docs().ok();
    let doc = docs.as_ref().and_then(|docs| docs.op(didx));
    let mut out = format!("{} {}\n", ISA.name(didx), operands(didx, doc));
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
            out += &format!("{:<12}{text}\n", format!("{what}:"));
        }
    };
    line("opcode", &facts::place(didx));
    line("aliases", &aliases.join(", "));
    let list: Vec<String> = row
        .operands()
        .iter()
        .enumerate()
        .map(|(i, operand)| format!("{} {}", name(doc, i), facts::operand(operand)))
        .collect();
    line("operands", &list.join(", "));
    for fact in facts::of(&ISA, didx, row) {
        if matches!(fact.name, "rules" | "ends block" | "effects" | "fuel" | "since") {
            line(fact.name, &fact.text);
        }
    }
    let traps: Vec<String> =
        facts::traps(row).map(|trap| format!("T{:03} {}", trap.code(), trap.name())).collect();
    line("traps", &traps.join(", "));
    if let Some(doc) = doc {
        line("WebAssembly", &doc.wasm);
        line("deviates", &doc.deviates);
        for example in &doc.examples {
            let bytes = text::hex(&example.bytes);
            line("example", &format!("{}   {bytes}   {}", example.text, example.json));
        }
    }
    Some(out)
}

/// The operands as they are written, with their names.
fn operands(didx: u16, doc: Option<&OpDoc>) -> String {
    let piece = |&byte: &u8| match byte {
        0..0x80 => char::from(byte).to_string(),
        _ => name(doc, usize::from(byte & 0x7f)),
    };
    ISA.template(didx).iter().map(piece).collect()
}

fn name(doc: Option<&OpDoc>, operand: usize) -> String {
    doc.and_then(|doc| doc.operands.get(operand)).cloned().unwrap_or_else(|| format!("{{{operand}}}"))
}

fn by_byte(topic: &str) -> Option<u16> {
    let hex = topic.strip_prefix("0x").or_else(|| topic.strip_prefix("0X"))?;
    u8::from_str_radix(hex, 16).ok().map(u16::from)
}
