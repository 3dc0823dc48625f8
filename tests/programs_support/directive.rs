//! The directives of a program.

use super::literal::{Literal, literal};
use super::scan::Scan;
use opforge_vm::ids::{FuncId, SpanId};
use opforge_vm::{Limits, Program};
use std::fmt;

/// What a program says about itself.
#[derive(Debug, Default)]
pub(crate) struct Directives<'s> {
    pub(crate) runs: Vec<RunLine<'s>>,
    pub(crate) errors: Vec<ErrorLine<'s>>,
    pub(crate) link_errors: Vec<&'s str>,
    pub(crate) asm_errors: Vec<&'s str>,
}

/// A `run:` line, still text, with what stands below it.
#[derive(Debug)]
pub(crate) struct RunLine<'s> {
    pub(crate) text: &'s str,
    pub(crate) log: Vec<&'s str>,
    pub(crate) fuel: Option<u64>,
    pub(crate) memory: Option<u64>,
}

/// An `error:` line.
#[derive(Debug)]
pub(crate) struct ErrorLine<'s> {
    pub(crate) code: &'s str,
    pub(crate) func: Option<&'s str>,
    pub(crate) pc: Option<u32>,
}

/// A run with its values.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) limits: Limits,
    /// Whether the fuel is limited: then only the schedule that the number was written for can be meant.
    pub(crate) exact_fuel: bool,
    pub(crate) func: FuncId,
    pub(crate) args: Vec<Literal>,
    pub(crate) end: End,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    Values(Vec<Literal>),
    Trap(TrapEnd),
}

/// A trap. In an expectation `None` means that it is not looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrapEnd {
    pub(crate) code: String,
    pub(crate) detail: Option<String>,
    pub(crate) func: Option<String>,
    pub(crate) pc: Option<u32>,
    pub(crate) span: Option<SpanId>,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(values) => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                f.write_str(if values.is_empty() { "()" } else { "" })?;
                f.write_str(&values.join(", "))
            }
            Self::Trap(trap) => {
                write!(f, "trap {}", trap.code)?;
                trap.detail.iter().try_for_each(|detail| write!(f, " ({detail})"))?;
                trap.func.iter().try_for_each(|func| write!(f, " in {func}"))?;
                trap.pc.iter().try_for_each(|pc| write!(f, " pc {pc}"))?;
                trap.span.iter().try_for_each(|span| write!(f, " span {span}"))
            }
        }
    }
}

impl End {
    /// Whether this is what `expected` says.
    pub(crate) fn fits(&self, expected: &Self) -> bool {
        match (self, expected) {
            (Self::Trap(actual), Self::Trap(wanted)) => {
                actual.code == wanted.code
                    && (wanted.detail.is_none() || actual.detail == wanted.detail)
                    && (wanted.func.is_none() || actual.func == wanted.func)
                    && (wanted.pc.is_none() || actual.pc == wanted.pc)
                    && (wanted.span.is_none() || actual.span == wanted.span)
            }
            (actual, wanted) => actual == wanted,
        }
    }
}

/// The directives of a source.
pub(crate) fn directives(source: &str) -> Result<Directives<'_>, String> {
    let mut found = Directives::default();
    for line in source.lines() {
        let Some((name, text)) = line.strip_prefix("; ").and_then(|line| line.split_once(':')) else {
            continue;
        };
        let text = text.strip_prefix(' ').unwrap_or(text);
        if name == "run" {
            found.runs.push(RunLine { text, log: Vec::new(), fuel: None, memory: None });
            continue;
        }
        let no_run = || format!("`{name}` without a run before it");
        match name {
            "log" => found.runs.last_mut().ok_or_else(no_run)?.log.push(text),
            "fuel" => found.runs.last_mut().ok_or_else(no_run)?.fuel = Some(Scan::new(text).number()?),
            "memory" => found.runs.last_mut().ok_or_else(no_run)?.memory = Some(Scan::new(text).number()?),
            "error" => found.errors.push(error_line(text)?),
            "link-error" => found.link_errors.push(text),
            "asm-error" => found.asm_errors.push(text),
            "host" => {}
            // Comments are sentences; a single small word with a colon is a directive, or wants to be one.
            _ if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') => {
                return Err(format!("there is no directive `{name}`"));
            }
            _ => {}
        }
    }
    let kinds = [found.runs.len(), found.errors.len(), found.link_errors.len(), found.asm_errors.len()];
    match kinds.iter().filter(|&&count| count > 0).count() {
        1 => Ok(found),
        0 => Err("says nothing about itself".into()),
        _ => Err("runs and errors in one file".into()),
    }
}

fn error_line(text: &str) -> Result<ErrorLine<'_>, String> {
    let mut scan = Scan::new(text);
    let code = scan.word();
    let func = scan.eat_word("in").then(|| scan.word());
    let pc = if scan.eat_word("pc") { Some(scan.number()?) } else { None };
    if scan.is_empty() { Ok(ErrorLine { code, func, pc }) } else { Err(format!("`{}`", scan.rest)) }
}

/// A `run:` line as values of a program.
pub(crate) fn run(text: &str, program: &Program) -> Result<Run, String> {
    let (call, end) = text.split_once("=>").ok_or("no `=>` in a run")?;
    let mut scan = Scan::new(call);
    let (mut limits, mut exact_fuel) = (Limits::new(), false);
    while scan.eat("[") {
        limits = match scan.word() {
            "fuel" => {
                exact_fuel = true;
                limits.fuel(scan.number()?)
            }
            "depth" => limits.call_depth(scan.number()?),
            "memory" => limits.memory(scan.number()?),
            "host-calls" => limits.host_calls(scan.number()?),
            "slots" => limits.stack_slots(scan.number()?),
            other => return Err(format!("no limit `{other}`")),
        };
        scan.expect("]")?;
    }
    let name = scan.word();
    let mut ids = (0..program.functions().len() as u32).map(FuncId);
    let func = ids.find(|&id| program.func_name(id) == Some(name)).ok_or(format!("no function `{name}`"))?;
    let params = program.func_sig(func).map_or(&[][..], |sig| sig.params);
    let mut args = Vec::new();
    while !scan.is_empty() {
        args.push(literal(&mut scan, program, params.get(args.len()).copied())?);
        scan.eat(",");
    }
    Ok(Run { limits, exact_fuel, func, args, end: ending(end, program)? })
}

fn ending(text: &str, program: &Program) -> Result<End, String> {
    let mut scan = Scan::new(text);
    if !scan.eat_word("trap") {
        let mut values = Vec::new();
        if scan.eat("()") || scan.is_empty() {
            return Ok(End::Values(values));
        }
        loop {
            values.push(literal(&mut scan, program, None)?);
            if scan.is_empty() {
                return Ok(End::Values(values));
            }
            scan.expect(",")?;
        }
    }
    let mut trap = TrapEnd { code: scan.word().into(), detail: None, func: None, pc: None, span: None };
    if scan.eat("(") {
        let (detail, rest) = scan.rest.split_once(')').ok_or("no `)` behind the detail")?;
        trap.detail = Some(detail.into());
        scan.rest = rest;
    }
    while !scan.is_empty() {
        scan.eat(",");
        match scan.word() {
            "in" => trap.func = Some(scan.word().into()),
            "pc" => trap.pc = Some(scan.number()?),
            "span" => trap.span = SpanId::new(scan.number()?),
            other => return Err(format!("`{other}` behind a trap")),
        }
    }
    Ok(End::Trap(trap))
}
