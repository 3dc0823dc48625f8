//! Two runs of the same program on two engines, compared in everything that can be seen of them.

use super::log::Log;
use super::{Ended, Job, Seen, value};
use crate::codes;
use crate::exit::Exit;
use crate::text::{self, clean, quoted};
use opforge::heap::Heap;
use opforge::verify::VerifiedProgram;
use opforge::{AggRef, Outcome, Program, Trap, Value};
use serde_json::{Value as Json, json};
use std::collections::HashSet;

/// Characters of each side that are shown.
const MAX_SHOWN: usize = 2000;
/// Bytes of text and number of values that are compared inside results. A value may stand in many places, so what is
/// small in memory can be endless to walk.
const MAX_COMPARED: usize = 1 << 30;

/// A run that is over.
pub(super) struct Side<'s> {
    pub(super) seen: &'s Seen,
    pub(super) heap: &'s Heap,
    pub(super) log: &'s Log,
}

/// What the engines do not agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    what: String,
    interp: String,
    jit: String,
}

/// Everything that differs; empty if the engines agree.
pub(super) fn compare(verified: &VerifiedProgram, interp: &Side<'_>, jit: &Side<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |what: &str, interp: String, jit: String| {
        let cut = |side: String| match side.char_indices().nth(MAX_SHOWN) {
            Some((at, _)) => format!("{} ...", &side[..at]),
            None => side,
        };
        found.push(Difference { what: what.to_owned(), interp: cut(interp), jit: cut(jit) });
    };
    let (a, b) = (interp.seen, jit.seen);
    match (&a.outcome, &b.outcome) {
        (Outcome::Finished(x), Outcome::Finished(y)) => {
            results(verified.program(), (interp.heap, x), (jit.heap, y), &mut differ);
        }
        (Outcome::Trapped(x), Outcome::Trapped(y)) | (Outcome::OutOfFuel(x), Outcome::OutOfFuel(y)) => {
            traps(x, y, &mut differ);
        }
        (x, y) if x == y => {}
        (x, y) => differ("end of the run", end(x), end(y)),
    }
    for (what, x, y) in [
        ("fuel left", a.fuel, b.fuel),
        ("number of host calls", a.host_calls, b.host_calls),
        ("memory charged", a.memory, b.memory),
    ] {
        if x != y {
            differ(what, x.to_string(), y.to_string());
        }
    }
    memories(interp.heap, jit.heap, &mut differ);
    interp.log.compare(jit.log, &mut differ);
    found
}

/// Linear memories, byte for byte.
fn memories(a: &Heap, b: &Heap, differ: &mut dyn FnMut(&str, String, String)) {
    for (index, (x, y)) in a.all_memories().zip(b.all_memories()).enumerate() {
        let place = x.iter().zip(y).position(|(x, y)| x != y);
        if let Some(at) = place.or((x.len() != y.len()).then(|| x.len().min(y.len()))) {
            let side = |bytes: &[u8]| match bytes.get(at) {
                Some(byte) => format!("byte {byte} at {at}"),
                None => format!("{} bytes", bytes.len()),
            };
            differ(&format!("memory {index}"), side(x), side(y));
        }
    }
}

fn end(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Finished(values) => format!("finished with {} results", values.len()),
        Outcome::Trapped(trap) => format!("trapped: {trap}"),
        Outcome::OutOfFuel(trap) => format!("out of fuel: {trap}"),
        other => format!("{other:?}"),
    }
}

fn traps(a: &Trap, b: &Trap, differ: &mut dyn FnMut(&str, String, String)) {
    let mut check = |what: &str, x: String, y: String| {
        if x != y {
            differ(what, x, y);
        }
    };
    let place = |trap: &Trap| {
        let at = trap.at();
        let span = at.span.map_or("no span".to_owned(), |span| format!("span {span}"));
        format!("{}, pc {}, {span}", at.func, at.pc)
    };
    check("trap", a.code.name().to_owned(), b.code.name().to_owned());
    check("detail of the trap", format!("{:?}", a.detail), format!("{:?}", b.detail));
    check("place of the trap", place(a), place(b));
    let stack = |trap: &Trap| format!("{:?} {:?} {}", trap.frames, trap.names, trap.frames_omitted);
    check("call stack", stack(a), stack(b));
    check("fuel in the trap", a.fuel.to_string(), b.fuel.to_string());
    check("report of the trap", a.to_string(), b.to_string());
}

fn results(
    program: &Program,
    (a_heap, a): (&Heap, &[Value]),
    (b_heap, b): (&Heap, &[Value]),
    differ: &mut dyn FnMut(&str, String, String),
) {
    if a.len() != b.len() {
        return differ("number of results", a.len().to_string(), b.len().to_string());
    }
    let mut same = Same { heaps: (a_heap, b_heap), seen: HashSet::new(), left: MAX_COMPARED };
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        if !same.values(x, y) {
            let what = format!("result {}", i + 1);
            differ(&what, value::text(program, a_heap, x), value::text(program, b_heap, y));
        }
    }
}

/// Compares values of two heaps.
struct Same<'h> {
    heaps: (&'h Heap, &'h Heap),
    /// Aggregates that were compared, or are about to be.
    seen: HashSet<(AggRef, AggRef)>,
    left: usize,
}

impl Same<'_> {
    fn values(&mut self, a: &Value, b: &Value) -> bool {
        let mut work = Vec::new();
        if !Self::leaf_or_later(a.clone(), b.clone(), &mut work) {
            return false;
        }
        while let Some(pair) = work.pop() {
            if self.seen.insert(pair) && !self.parts(pair, &mut work) {
                return false;
            }
        }
        true
    }

    /// Compares values without parts at once, so that copies of texts do not pile up; others are left for later.
    fn leaf_or_later(a: Value, b: Value, work: &mut Vec<(AggRef, AggRef)>) -> bool {
        match (a, b) {
            (Value::Agg(x), Value::Agg(y)) => work.push((x, y)),
            (Value::Closure { func: f, env: x }, Value::Closure { func: g, env: y }) if f == g => {
                work.push((x, y));
            }
            // A NaN is not equal to itself; every NaN that can be seen has the same bits.
            (Value::F64(x), Value::F64(y)) => return x.to_bits() == y.to_bits(),
            (x, y) => return x == y,
        }
        true
    }

    fn parts(&mut self, pair: (AggRef, AggRef), work: &mut Vec<(AggRef, AggRef)>) -> bool {
        let (a, b) = match (self.heaps.0.aggregate(pair.0), self.heaps.1.aggregate(pair.1)) {
            (Some(a), Some(b)) => (a, b),
            (None, None) => return true,
            _ => return false,
        };
        if a.kind() != b.kind() || a.len() != b.len() {
            return false;
        }
        for i in 0..a.len() {
            if self.left == 0 {
                return true;
            }
            let (x, y) = match (a.get(i), b.get(i)) {
                (Some(x), Some(y)) => (x, y),
                (None, None) => continue,
                _ => return false,
            };
            let size = match &x {
                Value::Str(text) => text.len(),
                Value::Bytes(bytes) => bytes.len(),
                _ => 0,
            };
            self.left = self.left.saturating_sub(size + 1);
            if !Self::leaf_or_later(x, y, work) {
                return false;
            }
        }
        true
    }
}

/// The report of a defect.
pub(super) fn defect(job: &Job<'_>, differences: &[Difference]) -> Ended {
    let message = "the engines disagree: this is a defect of opforge, not of the program";
    let (code, hint) = (codes::ENGINES_DIFFER, codes::hint(codes::ENGINES_DIFFER));
    let exit = Exit::Defect;
    if job.args.json {
        let list: Vec<Json> =
            differences.iter().map(|d| json!({"what": d.what, "interp": d.interp, "jit": d.jit})).collect();
        let object = json!({
            "status": "engines_differ",
            "engine": job.args.engine.name(),
            "exit_code": exit.code(),
            "code": code,
            "message": message,
            "hint": hint,
            "differences": list,
        });
        return Ended { exit, stdout: text::json(&object) + "\n", stderr: String::new() };
    }
    let name = job.verified.program().func_name(job.func).map_or(String::new(), quoted);
    let mut stderr = format!("error[{code}]: {message}\n  --> function {} {name}\n", job.func);
    for Difference { what, interp, jit } in differences {
        stderr += &format!("{what} differs\n  interp: {}\n  jit:    {}\n", clean(interp), clean(jit));
    }
    stderr += &format!("  = help: {hint}\n");
    Ended { exit, stdout: String::new(), stderr }
}

#[cfg(test)]
mod tests;
