//! `opforge explain`: codes, traps and instructions in more words.

mod intrinsic;
mod op;
mod sessions;
mod topics;
mod traps;

pub(crate) use topics::hint;

use crate::args::ExplainArgs;
use crate::codes;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Out;
use opforge::verify::VerifyErrorKind;
use opforge::{ISA, TrapCode};

/// Explains a topic, or lists all of them.
pub(crate) fn explain(args: &ExplainArgs, out: &mut Out) -> Result<Exit, Failure> {
    let Some(topic) = args.topic.as_deref() else {
        list(out);
        return Ok(Exit::Done);
    };
    let found = code(topic)
        .or_else(|| trap(topic))
        .or_else(|| op::explain(topic))
        .or_else(|| intrinsic::explain(topic))
        .or_else(|| sessions::explain(topic));
    match found {
        Some(text) => {
            out.bytes(text.as_bytes());
            Ok(Exit::Done)
        }
        None => {
            let near = near(topic);
            let also =
                if near.is_empty() { String::new() } else { format!("; there is {}", near.join(", ")) };
            Err(Failure::own(codes::UNKNOWN_TOPIC, &format!("{topic}{also}")))
        }
    }
}

/// Codes of every part but traps: code, what it means, what to do.
fn all_codes() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    let others =
        topics::TOPICS.iter().chain(codes::OWN).map(|&(code, text, hint)| (code, text.to_owned(), hint));
    let verifier = VerifyErrorKind::ALL.iter().map(|&(code, name, hint)| (code, name.to_owned(), hint));
    others.chain(verifier)
}

fn code(topic: &str) -> Option<String> {
    let (code, text, hint) = all_codes()
        .find(|(code, text, _)| code.eq_ignore_ascii_case(topic) || text.eq_ignore_ascii_case(topic))?;
    let part = topics::part(code);
    let mut out = format!("{code}: {text}\nfrom: {part}\n");
    if !hint.is_empty() {
        out += &format!("help: {hint}\n");
    }
    Some(out)
}

fn trap_code(trap: TrapCode) -> String {
    format!("T{:03}", trap.code())
}

fn trap(topic: &str) -> Option<String> {
    let found = TrapCode::ALL.iter().copied().filter(|&trap| trap != TrapCode::None).find(|trap| {
        trap_code(*trap).eq_ignore_ascii_case(topic) || trap.name().eq_ignore_ascii_case(topic)
    })?;
    let (why, help) = traps::text(found);
    let ops: Vec<&str> =
        ISA.iter().filter(|(_, row)| row.traps_with(found)).map(|(didx, _)| ISA.name(didx)).collect();
    let mut out = format!("{} {}: {why}\nhelp: {help}\n", trap_code(found), found.name());
    if !ops.is_empty() {
        out += &format!("instructions: {}\n", ops.join(", "));
    }
    Some(out)
}

/// Instructions and intrinsics that begin or end as the topic does.
fn near(topic: &str) -> Vec<&'static str> {
    const MAX: usize = 8;
    let suffix = format!(".{topic}");
    let names = ISA.lookup.iter().map(|row| row.name.as_str());
    let names = names.chain(ISA.intrinsics.iter().map(|row| row.name.as_str()));
    names
        .filter(|name| topic.len() > 1 && (name.starts_with(topic) || name.ends_with(&suffix)))
        .take(MAX)
        .collect()
}

fn list(out: &mut Out) {
    out.line("Traps:");
    for &trap in TrapCode::ALL.iter().filter(|&&trap| trap != TrapCode::None) {
        out.line(&format!("  {} {}", trap_code(trap), trap.name()));
    }
    let mut part = "";
    let mut codes: Vec<_> = all_codes().collect();
    codes.sort_unstable();
    for (code, text, _) in codes {
        if topics::part(code) != part {
            part = topics::part(code);
            out.line(&format!("\nFrom {part}:"));
        }
        out.line(&format!("  {code} {text}"));
    }
    out.line("\nPages:");
    out.line("  sessions");
    out.line("\nInstructions:");
    let names: Vec<&str> = ISA.iter().map(|(didx, _)| ISA.name(didx)).collect();
    table(out, &names, 6);
    out.line("\nIntrinsics:");
    let names: Vec<&str> = ISA.intrinsics.iter().map(|row| row.name.as_str()).collect();
    table(out, &names, 5);
}

fn table(out: &mut Out, names: &[&str], columns: usize) {
    for line in names.chunks(columns) {
        let line: String = line.iter().map(|name| format!("  {name:<18}")).collect();
        out.line(line.trim_end());
    }
}
