//! One instruction as text.

use super::operand::Known;
use crate::codec::{Code, Instr, OperandValue};
use crate::program::Program;
use core::fmt;
use opforge_schema::{Isa, OperandKind};

/// Shows one instruction, as in `i64.add r3, r1, r2`, by the text template of its opcode.
///
/// Branch targets are shown by byte offset: `@12`.
///
/// ```
/// use opforge_vm::{ISA, codec::Code, disasm::Line};
/// let code = Code::decode(&ISA, &[0x20, 3, 1, 2]).unwrap();
/// assert_eq!(Line::new(&ISA, &code, &code.instrs()[0]).to_string(), "i64.add r3, r1, r2");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    isa: &'a Isa<'a>,
    code: &'a Code,
    instr: &'a Instr,
    known: Known<'a>,
}

impl<'a> Line<'a> {
    /// The display of an instruction of `code`, which was decoded with `isa`.
    #[must_use]
    pub fn new(isa: &'a Isa<'a>, code: &'a Code, instr: &'a Instr) -> Self {
        Self { isa, code, instr, known: Known::default() }
    }

    /// Shows functions, imports and types by name instead of by index. Names are searched for, so this is for
    /// a few lines, as in a message.
    #[must_use]
    pub fn program(mut self, program: &'a Program) -> Self {
        self.known.program = Some(program);
        self
    }

    pub(super) fn known(mut self, known: Known<'a>) -> Self {
        self.known = known;
        self
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.isa.name(self.instr.didx))?;
        let template = self.isa.template(self.instr.didx);
        if !template.is_empty() {
            f.write_str(" ")?;
        }
        for &byte in template {
            if byte < 0x80 {
                fmt::Write::write_char(f, char::from(byte))?;
                continue;
            }
            let operand = self.code.values(self.isa, self.instr).nth(usize::from(byte & 0x7f));
            let (kind, value) = match operand {
                Some((row, value)) => (row.kind(), value),
                None => (OperandKind::None, OperandValue::Scalar(0)),
            };
            self.known.write(f, self.isa, kind, value)?;
        }
        Ok(())
    }
}
