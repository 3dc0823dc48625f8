//! Code as lines: instructions where their text gives the same bytes back, raw bytes elsewhere; with labels and
//! span marks between them.

use super::line::Line;
use super::operand::{Known, Labels};
use super::view::View;
use super::{Show, operand};
use crate::builder::ConstValue;
use crate::codec::{self, Code, OperandValue};
use crate::ids::{ConstId, InstrIx, StructId};
use crate::program::SpanEntry;
use crate::text::{NameText, Quoted};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use opforge_schema::{Isa, MAX_OPERANDS, OperandKind};

/// Code that is taken apart as far as it goes.
#[derive(Debug)]
pub(super) struct Listing<'c> {
    bytes: &'c [u8],
    /// The part that decodes.
    code: Code,
    /// By instruction: whether its text gives its bytes back.
    exact: Vec<bool>,
    /// Registers that the text names, one more than the highest.
    pub(super) reg_count: u32,
}

/// Bytes in one line of what does not decode.
const RAW_LINE: usize = 16;

impl<'c> Listing<'c> {
    pub(super) fn new(view: &View<'_>, bytes: &'c [u8]) -> Self {
        let (isa, version) = (view.isa(), view.program.version());
        let code = match Code::decode_as_of(isa, version, bytes) {
            Ok(code) => code,
            Err(error) => {
                // What stands before the first bad instruction decodes by itself.
                let good = bytes.get(..error.pc as usize).unwrap_or(&[]);
                Code::decode_as_of(isa, version, good).unwrap_or_default()
            }
        };
        let mut listing = Self { bytes, code, exact: Vec::new(), reg_count: 0 };
        let mut scratch = Vec::new();
        for index in 0..listing.code.instrs().len() {
            let exact = listing.round_trips(isa, index, &mut scratch);
            listing.exact.push(exact);
        }
        listing
    }

    /// Whether encoding the operands that text shows gives the same bytes; counts registers if so.
    fn round_trips(&mut self, isa: &Isa<'_>, index: usize, scratch: &mut Vec<u8>) -> bool {
        let Some(instr) = self.code.instrs().get(index) else { return false };
        let template = isa.template(instr.didx);
        let mut values = [OperandValue::Scalar(0); MAX_OPERANDS];
        let (mut count, mut regs) = (0, 0u32);
        for ((i, (row, value)), slot) in (0u8..).zip(self.code.values(isa, instr)).zip(&mut values) {
            count += 1;
            if template.contains(&(0x80 | i)) {
                *slot = value;
            }
            if row.kind().is_register() {
                // A register whose count is no number has no text.
                let Some(most) = value.entries().try_fold(regs, |n, r| Some(n.max(r.checked_add(1)?))) else {
                    return false;
                };
                regs = most;
            }
        }
        scratch.clear();
        let encoded = codec::encode(isa, instr.didx, values.get(..count).unwrap_or(&[]), scratch);
        let same = encoded.is_ok() && self.instr_bytes(index) == scratch.as_slice();
        if same {
            self.reg_count = self.reg_count.max(regs);
        }
        same
    }

    fn instr_bytes(&self, index: usize) -> &'c [u8] {
        let start = self.code.instrs().get(index).map_or(0, |instr| instr.pc as usize);
        let end = self.code.end_pc(InstrIx(index as u32)) as usize;
        self.bytes.get(start..end).unwrap_or(&[])
    }

    /// Whether a line starts at a byte offset, or the code ends there.
    pub(super) fn is_boundary(&self, pc: u32) -> bool {
        let (at, decoded) = (pc as usize, self.code.byte_len() as usize);
        if at == self.bytes.len() || self.code.at_pc(pc).is_some() {
            return true;
        }
        at >= decoded && at < self.bytes.len() && (at - decoded).is_multiple_of(RAW_LINE)
    }

    /// Adds a label for every branch target that is the start of a line.
    fn add_targets(&self, isa: &Isa<'_>, labels: &mut Labels<'_>) {
        let exact = self.code.instrs().iter().zip(&self.exact).filter(|(_, exact)| **exact);
        for (instr, _) in exact {
            for (row, value) in self.code.values(isa, instr) {
                if row.kind().is_target() {
                    for pc in value.entries().filter(|&pc| self.is_boundary(pc)) {
                        labels.entry(pc).or_insert(None);
                    }
                }
            }
        }
    }

    /// Whether a span table can be written as marks: each at the start of a line, no two at one place.
    pub(super) fn spans_are_regular(&self, spans: &[SpanEntry]) -> bool {
        let mut pc = 0u64;
        spans.iter().enumerate().all(|(i, entry)| {
            let next = pc.checked_add(entry.pc_delta);
            pc = next.unwrap_or(u64::MAX);
            let boundary = u32::try_from(pc).is_ok_and(|pc| self.is_boundary(pc));
            next.is_some() && (i == 0 || entry.pc_delta > 0) && boundary
        })
    }

    /// Writes the lines. `names` are the labels of the function in order, `spans` its marks if it has regular
    /// ones.
    pub(super) fn write(
        &self,
        view: &View<'_>,
        names: &[(u32, &str)],
        spans: &[SpanEntry],
        out: &mut String,
    ) -> fmt::Result {
        let mut labels = Labels::new();
        for &(pc, name) in names {
            labels.entry(pc).or_insert(Some(name));
        }
        self.add_targets(view.isa(), &mut labels);
        let mut writer = LineWriter { view, labels: &labels, names, spans, span_pc: 0, out };
        for index in 0..self.code.instrs().len() {
            self.write_instr(&mut writer, index)?;
        }
        let decoded = self.code.byte_len() as usize;
        let rest = self.bytes.get(decoded..).unwrap_or(&[]);
        for (i, chunk) in rest.chunks(RAW_LINE).enumerate() {
            writer.marks((decoded + i * RAW_LINE) as u32)?;
            writer.raw(chunk)?;
            writer.out.write_str("\n")?;
        }
        writer.marks(self.bytes.len() as u32)
    }

    fn write_instr(&self, writer: &mut LineWriter<'_, '_>, index: usize) -> fmt::Result {
        let Some(instr) = self.code.instrs().get(index) else { return Ok(()) };
        let view = writer.view;
        writer.marks(instr.pc)?;
        let start = writer.out.len();
        let known = Known { view: Some(view), program: Some(view.program), labels: Some(writer.labels) };
        let line = Line::new(view.isa(), &self.code, instr).known(known);
        let exact = self.exact.get(index) == Some(&true);
        if exact {
            write!(writer.out, "    {line}")?;
        } else {
            writer.raw(self.instr_bytes(index))?;
        }
        let mut comment = Comment { out: writer.out, start, open: false };
        if view.options.shows(Show::Pcs) {
            write!(comment.next()?, "{:04x}", instr.pc)?;
        }
        if view.options.shows(Show::Bytes) && exact {
            let out = comment.next()?;
            for (i, byte) in self.instr_bytes(index).iter().enumerate() {
                write!(out, "{}{byte:02x}", if i == 0 { "" } else { " " })?;
            }
        }
        if !exact {
            // The targets of a line that is not assembled are no labels.
            let known = Known { labels: None, ..known };
            write!(comment.next()?, "{}", line.known(known))?;
        } else if view.options.shows(Show::Comments) {
            for (row, value) in self.code.values(view.isa(), instr) {
                explain(view, &mut comment, row.kind(), value)?;
            }
        }
        writer.out.write_str("\n")
    }
}

/// Writes lines with what stands before them.
struct LineWriter<'a, 'o> {
    view: &'a View<'a>,
    labels: &'a Labels<'a>,
    /// Named labels that are still to come.
    names: &'a [(u32, &'a str)],
    /// Span entries that are still to come.
    spans: &'a [SpanEntry],
    /// The place of the last span mark.
    span_pc: u64,
    out: &'o mut String,
}

impl LineWriter<'_, '_> {
    /// Labels and span marks in front of the line at `pc`.
    fn marks(&mut self, pc: u32) -> fmt::Result {
        while let [(at, name), rest @ ..] = self.names
            && *at == pc
        {
            writeln!(self.out, "@{}:", NameText(name))?;
            self.names = rest;
        }
        if self.labels.get(&pc) == Some(&None) {
            writeln!(self.out, "@{pc}:")?;
        }
        if let [entry, rest @ ..] = self.spans
            && self.span_pc.checked_add(entry.pc_delta) == Some(u64::from(pc))
        {
            writeln!(self.out, "    .span {}", entry.span)?;
            self.span_pc = u64::from(pc);
            self.spans = rest;
        }
        Ok(())
    }

    fn raw(&mut self, bytes: &[u8]) -> fmt::Result {
        self.out.write_str("    .raw")?;
        bytes.iter().try_for_each(|byte| write!(self.out, " {byte:02x}"))
    }
}

/// A comment at the end of a line, with parts between bars.
struct Comment<'o> {
    out: &'o mut String,
    /// Where the line starts.
    start: usize,
    open: bool,
}

impl Comment<'_> {
    fn next(&mut self) -> Result<&mut String, fmt::Error> {
        const COLUMN: usize = 44;
        if self.open {
            self.out.push_str(" | ");
        } else {
            let used = self.out.get(self.start..).map_or(0, str::len);
            write!(self.out, "{:1$} ; ", "", COLUMN.saturating_sub(used))?;
        }
        self.open = true;
        Ok(self.out)
    }
}

/// Adds what an index stands for to the comment.
fn explain(
    view: &View<'_>,
    comment: &mut Comment<'_>,
    kind: OperandKind,
    value: OperandValue<'_>,
) -> fmt::Result {
    const MAX_TEXT: usize = 32;
    let Some(id) = value.scalar32() else { return Ok(()) };
    match kind {
        OperandKind::ConstId if view.const_inline(ConstId(id)).is_none() => {
            let Some(constant) = view.program.constant(ConstId(id)) else { return Ok(()) };
            match ConstValue::of(constant, view.program) {
                ConstValue::Str(text) => {
                    let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(at, _)| at);
                    let dots = if end < text.len() { ".." } else { "" };
                    write!(comment.next()?, "{}{dots}", Quoted(text.get(..end).unwrap_or("")))
                }
                ConstValue::Bytes(bytes) => write!(comment.next()?, "{} bytes", bytes.len()),
                value => operand::write_const(comment.next()?, &value),
            }
        }
        OperandKind::TypeId => {
            let Some(fields) = view.program.struct_field_names(StructId(id)) else { return Ok(()) };
            let out = comment.next()?;
            out.push('{');
            for (i, &field) in fields.iter().take(8).enumerate() {
                let name = view.program.field_names().get(field as usize).unwrap_or("?");
                write!(out, "{}{}", if i == 0 { "" } else { ", " }, NameText(name))?;
            }
            out.push_str(if fields.len() > 8 { ", ..}" } else { "}" });
            Ok(())
        }
        _ => Ok(()),
    }
}
