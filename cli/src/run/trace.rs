//! `--trace`: every step of a run as a line on standard error, up to a limit.

use crate::text::clean;
use opforge::ISA;
use opforge::disasm::Line;
use opforge::ids::SpanId;
use opforge::interp::{InstrEvent, TraceSink};
use opforge::verify::VerifiedProgram;
use opforge::{FuncId, Program};
use std::io::{self, BufWriter, Stderr, Write};

/// Deeper calls are not indented further.
const MAX_INDENT: usize = 20;
/// Names are searched for, line by line; in programs of more functions than this, indices stand for them.
const MAX_NAMED: usize = 1000;

/// Writes what it hears.
pub(super) struct Trace<'v> {
    verified: &'v VerifiedProgram,
    left: u64,
    depth: usize,
    span: Option<SpanId>,
    out: BufWriter<Stderr>,
}

impl<'v> Trace<'v> {
    pub(super) fn new(verified: &'v VerifiedProgram, limit: u64) -> Self {
        Self { verified, left: limit, depth: 0, span: None, out: BufWriter::new(io::stderr()) }
    }

    fn line(&mut self, line: impl FnOnce(&Program) -> String) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        let indent = self.depth.saturating_sub(1).min(MAX_INDENT) * 2;
        let line = line(self.verified.program());
        let mut written = writeln!(self.out, "trace: {:indent$}{line}", "");
        if left == 0 {
            written = written.and_then(|()| writeln!(self.out, "trace: cut here, see --trace-limit"));
        }
        if written.is_err() {
            // Nobody reads it.
            self.left = 0;
        }
    }
}

impl TraceSink for Trace<'_> {
    fn instr(&mut self, event: InstrEvent) {
        if self.left == 0 {
            return;
        }
        let verified = self.verified;
        let span = if event.span == self.span { None } else { event.span };
        self.span = event.span;
        self.line(|program| {
            let code = verified.function(event.func).map(|func| func.code());
            let found = code.and_then(|code| Some((code, code.instr(code.at_pc(event.pc)?)?)));
            let text = found.map_or_else(
                || ISA.name(event.didx).to_owned(),
                |(code, instr)| {
                    let line = Line::new(&ISA, code, instr);
                    let named = program.functions().len() <= MAX_NAMED;
                    if named { line.program(program).to_string() } else { line.to_string() }
                },
            );
            let span = span.map_or(String::new(), |span| format!("    ; span {span}"));
            format!("{:>6}  {}{span}", event.pc, clean(&text))
        });
    }

    fn enter(&mut self, func: FuncId, depth: u32) {
        self.depth = depth as usize;
        self.line(|program| match program.func_name(func) {
            Some(name) => format!("enter {} ({func})", clean(name)),
            None => format!("enter {func}"),
        });
    }

    fn leave(&mut self, depth: u32) {
        self.depth = depth as usize;
        self.line(|_| "leave".to_owned());
        self.depth = self.depth.saturating_sub(1);
    }

    fn host_enter(&mut self, symbol: &str) {
        self.line(|_| format!("        host call {}", clean(symbol)));
        // What the host function writes itself comes behind its line.
        let _ = self.out.flush();
    }
}
