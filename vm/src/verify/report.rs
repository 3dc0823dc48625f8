//! Errors with their place, collected into a report.

use super::budget::{Exhausted, VerifyConfig};
use super::error::VerifyErrorKind;
use super::spans;
use crate::codec::{Code, Instr};
use crate::disasm::Line;
use crate::ids::{FuncId, InstrIx, SpanId};
use crate::program::Program;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use opforge_schema::Isa;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    kind: VerifyErrorKind,
    func: Option<FuncId>,
    func_name: Option<String>,
    pc: Option<u32>,
    span: Option<SpanId>,
    instr: Option<String>,
    note: Option<String>,
}

impl VerifyError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &VerifyErrorKind {
        &self.kind
    }

    /// The function; `None` where it is about the program.
    #[must_use]
    pub fn func(&self) -> Option<FuncId> {
        self.func
    }

    /// The function's name, if it has one.
    #[must_use]
    pub fn func_name(&self) -> Option<&str> {
        self.func_name.as_deref()
    }

    /// Byte offset of the instruction in the function's code; `None` where it is not about an instruction.
    #[must_use]
    pub fn pc(&self) -> Option<u32> {
        self.pc
    }

    /// The span of the instruction, if one is recorded.
    #[must_use]
    pub fn span(&self) -> Option<SpanId> {
        self.span
    }

    /// The instruction as text.
    #[must_use]
    pub fn instr(&self) -> Option<&str> {
        self.instr.as_deref()
    }

    /// What more there is to say, in names that the program declares: which endpoint it is about, and what is left to
    /// be done with it.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.kind.code(), self.kind)?;
        if let Some(func) = self.func {
            write!(f, "\n  in {func}")?;
            if let Some(name) = &self.func_name {
                write!(f, " `{}`", name.escape_debug())?;
            }
            if let Some(pc) = self.pc {
                write!(f, " at pc {pc}")?;
            }
            if let Some(span) = self.span {
                write!(f, ", span {span}")?;
            }
            if let Some(instr) = &self.instr {
                write!(f, ": {instr}")?;
            }
        }
        if let Some(note) = &self.note {
            write!(f, "\n  note: {note}")?;
        }
        write!(f, "\n  help: {}", self.kind.hint())
    }
}

impl core::error::Error for VerifyError {}

/// Everything that is wrong with a program, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    errors: Vec<VerifyError>,
    truncated: bool,
}

impl VerifyReport {
    /// The errors; at least one.
    #[must_use]
    pub fn errors(&self) -> &[VerifyError] {
        &self.errors
    }

    /// Whether there may be more errors than [`VerifyConfig::max_errors`] let in.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "{error}")?;
        }
        let (count, more) = (self.errors.len(), if self.truncated { " or more" } else { "" });
        let plural = if count == 1 && !self.truncated { "" } else { "s" };
        write!(f, "the program does not verify: {count}{more} error{plural}")
    }
}

impl core::error::Error for VerifyReport {}

/// The errors of the whole program while it is being verified.
#[derive(Debug)]
pub(super) struct Errors {
    list: Vec<VerifyError>,
    max: usize,
    truncated: bool,
}

impl Errors {
    pub(super) fn new(config: &VerifyConfig) -> Self {
        Self { list: Vec::new(), max: config.max_errors.max(1), truncated: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= self.max
    }

    /// Adds an error about the program or about a function as a whole.
    pub(super) fn add(&mut self, program: &Program, func: Option<FuncId>, kind: VerifyErrorKind) {
        self.add_noted(program, func, kind, None);
    }

    /// Adds an error about the program or about a function as a whole, with a note.
    pub(super) fn add_noted(
        &mut self,
        program: &Program,
        func: Option<FuncId>,
        kind: VerifyErrorKind,
        note: Option<String>,
    ) {
        let func_name = func.and_then(|id| program.func_name(id)).map(ToString::to_string);
        self.push(VerifyError { kind, func, func_name, pc: None, span: None, instr: None, note });
    }

    /// Adds the error that verification ended early.
    pub(super) fn exhausted(&mut self, program: &Program, exhausted: &Exhausted) {
        // This one is never dropped: it says that nothing after it was looked at.
        self.max = self.max.max(self.list.len() + 1);
        let kind = VerifyErrorKind::VerifyBudget { resource: exhausted.resource };
        self.add(program, exhausted.func, kind);
        self.truncated = true;
    }

    fn push(&mut self, error: VerifyError) {
        if self.is_full() {
            self.truncated = true;
        } else {
            self.list.push(error);
        }
    }

    pub(super) fn into_report(self) -> VerifyReport {
        VerifyReport { truncated: self.truncated || self.is_full(), errors: self.list }
    }
}

/// An error with its place in the code and what more there is to say about it.
#[derive(Debug)]
struct Found {
    pc: Option<u32>,
    kind: VerifyErrorKind,
    note: Option<String>,
}

/// The errors of one function while it is being verified.
#[derive(Debug)]
pub(super) struct FuncErrors {
    list: Vec<Found>,
    max: usize,
}

impl FuncErrors {
    pub(super) fn new(config: &VerifyConfig) -> Self {
        Self { list: Vec::new(), max: config.max_errors.max(1) }
    }

    /// Adds an error about the function as a whole.
    pub(super) fn add(&mut self, kind: VerifyErrorKind) {
        self.push(None, kind, None);
    }

    /// Adds an error about the instruction at a byte offset.
    pub(super) fn add_at(&mut self, pc: u32, kind: VerifyErrorKind) {
        self.push(Some(pc), kind, None);
    }

    /// Adds an error about the instruction at a byte offset, with a note.
    pub(super) fn add_noted(&mut self, pc: u32, kind: VerifyErrorKind, note: Option<String>) {
        self.push(Some(pc), kind, note);
    }

    fn push(&mut self, pc: Option<u32>, kind: VerifyErrorKind, note: Option<String>) {
        if !self.is_full() {
            self.list.push(Found { pc, kind, note });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= self.max
    }

    /// Whether there is this error at this place.
    pub(super) fn has(&self, pc: u32, kind: &VerifyErrorKind) -> bool {
        self.list.iter().any(|found| found.pc == Some(pc) && found.kind == *kind)
    }

    /// Whether there is no error that types build on.
    pub(super) fn is_empty_but_uninitialized(&self) -> bool {
        !self.any_but(|kind| matches!(kind, VerifyErrorKind::UninitializedRead { .. }))
    }

    /// Whether some error is of none of the kinds that `allowed` accepts.
    pub(super) fn any_but(&self, allowed: impl Fn(&VerifyErrorKind) -> bool) -> bool {
        self.list.iter().any(|found| !allowed(&found.kind))
    }

    /// Moves the errors into the program's, in the order of the checks, then of the code.
    pub(super) fn finish(
        mut self,
        errors: &mut Errors,
        isa: &Isa<'_>,
        program: &Program,
        func: FuncId,
        code: Option<&Code>,
    ) {
        if self.list.is_empty() {
            return;
        }
        self.list.sort_by_key(|found| (stage(&found.kind), found.pc, found.kind.code()));
        let func_name = program.func_name(func).map(ToString::to_string);
        for Found { pc, kind, note } in self.list {
            let span = pc.and_then(|pc| spans::span_at(program.spans(func).unwrap_or(&[]), pc));
            let at =
                code.zip(pc).and_then(|(code, pc)| code.instr(code.at_pc(pc)?).map(|instr| (code, instr)));
            let instr = at.map(|(code, instr)| instr_text(isa, program, code, instr));
            errors.push(VerifyError {
                kind,
                func: Some(func),
                func_name: func_name.clone(),
                pc,
                span,
                instr,
                note,
            });
        }
    }
}

/// The check that finds an error: the first two digits of its code.
fn stage(kind: &VerifyErrorKind) -> &'static str {
    kind.code().get(..3).unwrap_or("")
}

/// A text that stops growing, so that a long list does not fill the report.
struct Bounded(String);

impl Bounded {
    const MAX: usize = 120;
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > Self::MAX {
            self.0.push_str("...");
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// The instruction as the disassembler shows it.
fn instr_text(isa: &Isa<'_>, program: &Program, code: &Code, instr: &Instr) -> String {
    let mut text = Bounded(String::new());
    // An error means that the text is long enough.
    let _ = write!(text, "{}", Line::new(isa, code, instr).program(program));
    text.0
}

/// The place of an instruction, for checks that walk code.
pub(super) fn pc_of(code: &Code, ix: InstrIx) -> u32 {
    code.instr(ix).map_or(code.byte_len(), |instr| instr.pc)
}
