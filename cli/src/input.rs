//! Reading programs: capped, from files, pipes and standard input; text or container by its first bytes.

use crate::codes;
use crate::failure::{Failure, Problem};
use crate::text;
use opforge::Program;
use opforge::asm::{AsmErrors, assemble};
use opforge::container::{DecodeConfig, DecodeError, decode};
use opforge::verify::{VerifiedProgram, VerifyConfig, VerifyError, VerifyReport};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How containers begin; the two zeros behind it are left to the reader, which then says what is wrong.
const MAGIC: &[u8] = b"EXTAPE";

/// Whether the path stands for standard input or output.
pub(crate) fn is_std(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What to call an input in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_std(path) { "<stdin>".to_owned() } else { text::path(path) }
}

/// Reads a file of at most `cap` bytes; never reads more than one byte past that.
pub(crate) fn read(path: &Path, cap: u64) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| Failure::own(codes::UNREADABLE, &format!("{}: {error}", name(path)));
    let too_large = |what: String| {
        Failure::own(codes::TOO_LARGE, &format!("{}: {what}, --max-input allows {cap}", name(path)))
    };
    let mut bytes = Vec::new();
    if is_std(path) {
        io::stdin().lock().take(cap.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Failure::own(codes::DIRECTORY, &format!("{} is a folder", name(path))));
        }
        if metadata.is_file() && metadata.len() > cap {
            return Err(too_large(format!("{} bytes", metadata.len())));
        }
        file.take(cap.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > cap {
        return Err(too_large("too many bytes".to_owned()));
    }
    Ok(bytes)
}

/// Reads a program; see [`parse`].
pub(crate) fn load(path: &Path, cap: u64) -> Result<Program, Failure> {
    let name = name(path);
    parse(read(path, cap)?, &name).map_err(|failure| failure.in_file(&name))
}

/// Decodes a container or assembles text.
fn parse(bytes: Vec<u8>, name: &str) -> Result<Program, Failure> {
    if bytes.starts_with(MAGIC) {
        let config = DecodeConfig::new().max_bytes(bytes.len());
        return decode(&bytes, &config).map_err(|error| undecodable(&error, name));
    }
    let source = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = format!("{name}: neither a container nor text: no UTF-8 at byte {at}");
        Failure::from(Problem::own(codes::NOT_TEXT, &message).with("offset", at))
    })?;
    assemble(&source).map_err(|errors| unassemblable(&errors, &source, name))
}

fn undecodable(error: &DecodeError, name: &str) -> Failure {
    let message = error.kind().to_string();
    let place = match error.section() {
        Some(section) => format!("byte {}, {section}", error.offset()),
        None => format!("byte {}", error.offset()),
    };
    let shown =
        format!("error[{}]: {message}\n  --> {name}: {place}\n  = help: {}\n", error.code(), error.hint());
    Problem::new(error.code(), &message, error.hint())
        .with("offset", error.offset())
        .with("section", error.section().map(|section| section.to_string()))
        .shown_as(&shown)
        .into()
}

fn unassemblable(errors: &AsmErrors, source: &str, name: &str) -> Failure {
    let mut problems: Vec<Problem> = errors
        .errors()
        .iter()
        .map(|error| {
            Problem::new(error.code(), &error.message, &error.hint)
                .with("line", error.line)
                .with("column", error.column)
                .with("length", error.length)
                .with("offset", error.offset)
                .shown_as("")
        })
        .collect();
    // The assembler renders all errors together; the first one carries the text.
    if let Some(first) = problems.first_mut() {
        *first = first.clone().shown_as(&errors.render(source, name).to_string());
    }
    Failure { problems, truncated: errors.has_more() }
}

/// Verifies a program.
pub(crate) fn verify(program: Program, name: &str) -> Result<VerifiedProgram, Failure> {
    opforge::verify::verify(program, &VerifyConfig::new()).map_err(|report| unverified(&report, name))
}

/// Verifies a program, and that the roles of its sessions fit together.
pub(crate) fn verify_deep(program: Program, name: &str) -> Result<VerifiedProgram, Failure> {
    opforge::verify::verify_deep(program, &VerifyConfig::new()).map_err(|report| unverified(&report, name))
}

fn unverified(report: &VerifyReport, name: &str) -> Failure {
    let problems = report.errors().iter().map(|error| unverified_one(error, name)).collect();
    Failure { problems, truncated: report.is_truncated() }.in_file(name)
}

fn unverified_one(error: &VerifyError, name: &str) -> Problem {
    let kind = error.kind();
    let message = kind.to_string();
    let mut shown = format!("error[{}]: {message}\n  --> {name}", kind.code());
    if let Some(func) = error.func() {
        shown += &match error.func_name() {
            Some(name) => format!(": function {} ({func})", text::clean(name)),
            None => format!(": {func}"),
        };
    }
    if let Some(pc) = error.pc() {
        shown += &format!(", pc {pc}");
    }
    if let Some(span) = error.span() {
        shown += &format!(", span {span}");
    }
    if let Some(instr) = error.instr() {
        let instr = text::clean(instr);
        let pc = error.pc().map_or(String::new(), |pc| pc.to_string());
        let carets = "^".repeat(instr.chars().count().clamp(1, 60));
        shown += &format!("\n{pc:>6} | {instr}\n       | {carets}");
    }
    if let Some(note) = error.note() {
        shown += &format!("\n  = note: {}", text::clean(note));
    }
    shown += &format!("\n  = help: {}\n", kind.hint());
    Problem::new(kind.code(), &message, kind.hint())
        .with("kind", kind.name())
        .with("function", error.func().map(|func| func.0))
        .with("function_name", error.func_name())
        .with("pc", error.pc())
        .with("span", error.span().map(|span| span.get()))
        .with("instruction", error.instr())
        .with("note", error.note())
        .shown_as(&shown)
}
