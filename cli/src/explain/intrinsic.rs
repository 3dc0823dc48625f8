//! Intrinsics, from their rows and the docs blob.

use crate::tables::facts;
use crate::text;
use opforge::ISA;

/// Everything there is to say about an intrinsic, by name.
pub(super) fn explain(topic: &str) -> Option<String> {
    let row = ISA.intrinsics.iter().find(|row| row.name.as_str().eq_ignore_ascii_case(topic))?;
    let docs = opforge_tables::docs().ok();
    let doc = docs.as_ref().and_then(|docs| docs.intrinsic(row.name.as_str()));
    let names = doc.map_or(&[][..], |doc| &doc.args);
    let typed: Vec<String> = row
        .args()
        .iter()
        .enumerate()
        .map(|(i, &entry)| {
            format!("{}: {}", names.get(i).map_or("?", String::as_str), ISA.layout_name(entry))
        })
        .collect();
    let rets: Vec<&str> = row.rets().iter().map(|&entry| ISA.layout_name(entry)).collect();
    let mut out = format!("{}({}) -> {}\n", row.name.as_str(), typed.join(", "), rets.join(", "));
    if let Some(doc) = doc {
        out += &format!("\n  {}\n\n", doc.doc);
    }
    let mut line = |what: &str, text: &str| {
        if !text.is_empty() {
            out += &format!("{:<16}{text}\n", format!("{what}:"));
        }
    };
    line("intrinsic", &row.id.to_string());
    for fact in facts::intrinsic(&ISA, row).iter().filter(|fact| fact.name != "layout") {
        line(fact.name, &fact.text);
    }
    for example in doc.iter().flat_map(|doc| &doc.examples) {
        let bytes = text::hex(&example.bytes);
        line("example", &format!("{}   {bytes}   {}", example.text, example.json));
    }
    Some(out)
}
