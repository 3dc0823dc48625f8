//! Makes programs that follow their types of those that do not: takes out what the verifier does not like, and puts in what
//! it misses.

use opforge_vm::asm::assemble;
use opforge_vm::codec::Code;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, VerifyError, VerifyErrorKind, verify};
use opforge_vm::{ISA, Program};
use std::collections::BTreeMap;

/// How often a program is looked at.
const ROUNDS: usize = 120;

/// What is left of a program if that is enough to verify.
pub(crate) fn repair(source: &str) -> Option<(String, VerifiedProgram)> {
    let mut lines: Vec<String> = source.lines().map(str::to_string).collect();
    for _ in 0..ROUNDS {
        let text = lines.join("\n");
        let program = assemble(&text).ok()?;
        let report = match verify(program.clone(), &VerifyConfig::default().max_errors(1000)) {
            Ok(verified) => return Some((text, verified)),
            Err(report) => report,
        };
        // What follows from an error is not looked at.
        let mut first: BTreeMap<u32, &VerifyError> = BTreeMap::new();
        for error in report.errors() {
            let found = first.entry(error.func()?.0).or_insert(error);
            if (error.pc()?, ends(error)) < (found.pc()?, ends(found)) {
                *found = error;
            }
        }
        // Later functions first, so that the numbers of lines stay right.
        for error in first.into_values().rev() {
            let at = line_of(&program, &lines, error)?;
            mend(&mut lines, at, error);
        }
    }
    None
}

/// Of several errors at the end of a function, a speculation that is open comes first: nothing can be closed in it.
fn ends(error: &VerifyError) -> u8 {
    match error.kind() {
        VerifyErrorKind::RefusedInSpeculation { .. } => 0,
        VerifyErrorKind::StillHeld { .. } => 1,
        _ => 2,
    }
}

/// The line of the instruction that an error is about.
fn line_of(program: &Program, lines: &[String], error: &VerifyError) -> Option<usize> {
    let func = error.func()?;
    let blob = program.functions().get(func.index())?.code;
    let code = Code::decode(&ISA, program.code_blobs().get(blob as usize)?).ok()?;
    let at = code.at_pc(error.pc()?)?;
    let start = lines.iter().position(|line| line.starts_with(&format!(".func f{}(", func.0)))?;
    let is_code = |line: &String| line.starts_with(' ') && !line.starts_with(" .reg");
    let body = lines.iter().enumerate().skip(start + 1).filter(|(_, line)| is_code(line));
    body.map(|(n, _)| n).nth(at.index())
}

fn mend(lines: &mut Vec<String>, at: usize, error: &VerifyError) {
    let word = lines[at].trim().split(' ').next().unwrap_or("").to_string();
    let is_end = ["halt", "ret"].contains(&&*word);
    match error.kind() {
        VerifyErrorKind::StillHeld { reg, .. } => {
            let layer = ["auth", "disk"].into_iter().find(|layer| {
                error.note().is_some_and(|note| note.contains(&format!("evidence of {layer}")))
            });
            let line = layer.map_or(format!(" close {reg}"), |layer| format!(" release {layer}, {reg}"));
            lines.insert(at, line);
        }
        VerifyErrorKind::RefusedInSpeculation { .. } if is_end => lines.insert(at, " join".into()),
        // A loop comes back to its start with something else: it is none then.
        VerifyErrorKind::JoinDiffers { .. } | VerifyErrorKind::JoinSpeculation { .. } => {
            let end = lines.iter().skip(at).position(|line| line == "}").map_or(lines.len(), |n| at + n);
            let back = |line: &&mut String| line.starts_with(" jmp @b0") || line.starts_with(" br ");
            if let Some(last) = lines[at..end].iter_mut().rev().find(back) {
                *last = " halt".into();
            }
        }
        // Where all labels of a choice lead, stands behind it.
        _ if word == "choose" => {
            let target = lines[at + 1].trim_end_matches(':').to_string();
            lines[at] = format!(" jmp {target}");
        }
        _ if is_end || word == "jmp" || word == "br" => lines[at] = " trap 1".into(),
        _ => _ = lines.remove(at),
    }
}
