//! Traps, for people and for machines.

use crate::text::clean;
use opforge::ISA;
use opforge::Trap;
use opforge::disasm::Line;
use opforge::verify::VerifiedProgram;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

/// Instructions that are shown on either side of the one that trapped.
const CONTEXT: usize = 2;

/// The report: code, reason, call stack, instructions around the place, fuel left.
pub(crate) fn text(verified: &VerifiedProgram, trap: &Trap) -> String {
    let mut out = format!("{trap}\n");
    excerpt(&mut out, verified, trap);
    let _ = writeln!(out, "  = fuel left: {}", trap.fuel);
    let _ = writeln!(out, "  = help: opforge explain T{:03}", trap.code.code());
    out
}

fn excerpt(out: &mut String, verified: &VerifiedProgram, trap: &Trap) {
    let at = trap.at();
    let Some(code) = verified.function(at.func).map(|func| func.code()) else { return };
    let Some(place) = code.at_pc(at.pc) else { return };
    let first = place.index().saturating_sub(CONTEXT);
    let _ = writeln!(out, "       |");
    for instr in code.instrs().iter().skip(first).take(place.index() - first + 1 + CONTEXT) {
        let text = clean(&Line::new(&ISA, code, instr).program(verified.program()).to_string());
        let _ = writeln!(out, "{:>6} | {text}", instr.pc);
        if instr.pc == at.pc {
            let carets = "^".repeat(text.chars().count().clamp(1, 60));
            let _ = writeln!(out, "       | {carets}");
        }
    }
}

/// The report for machines.
pub(crate) fn json(trap: &Trap) -> Json {
    let text = trap.to_string();
    let first = text.lines().next().unwrap_or("");
    let message = first.split_once("]: ").map_or(first, |(_, message)| message);
    let frames: Vec<Json> = trap
        .frames
        .iter()
        .enumerate()
        .map(|(i, frame)| {
            json!({
                "function": frame.func.0,
                "name": trap.names.get(i).and_then(|name| name.as_deref()),
                "pc": frame.pc,
                "span": frame.span.map(|span| span.get()),
            })
        })
        .collect();
    json!({
        "code": format!("T{:03}", trap.code.code()),
        "name": trap.code.name(),
        "message": message,
        "frames": frames,
        "frames_omitted": trap.frames_omitted,
    })
}
