//! The disassembler: [`Program`]s to text programs (`.ofa`) that the assembler reads back.
//!
//! Owns how instructions and tables look. Relies on the opcode tables and the codec; takes any program, verified
//! or not, and prints code that does not decode as bytes. Text from the program is escaped, so that nothing in
//! it can move a terminal's cursor or hide other text.
//!
//! [`Mode::Exact`] text assembles to the same container, byte for byte. [`Mode::Pretty`] text assembles too, to
//! a program that does the same, with tables in an order of its own.

mod body;
mod funcs;
mod line;
mod operand;
mod recover;
#[cfg(test)]
mod session_tests;
mod sessions;
mod tables;
#[cfg(test)]
mod tests;
mod view;

pub use line::Line;

use crate::program::Program;
use alloc::string::String;
use opforge_schema::Isa;
use view::View;

/// What the text is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Assembling again: every table in its order, to the same bytes.
    Exact,
    /// Reading.
    #[default]
    Pretty,
}

/// Something more to show, as comments; see [`DisasmOptions::show`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Show {
    /// The byte offset of every instruction.
    Pcs,
    /// The bytes of every instruction.
    Bytes,
    /// What an index refers to: constants, fields of struct types.
    Comments,
}

/// How to disassemble. The default is [`Mode::Pretty`] with [`Show::Comments`].
#[derive(Clone, Copy, Debug)]
pub struct DisasmOptions<'isa> {
    mode: Mode,
    show: u8,
    isa: Isa<'isa>,
}

impl DisasmOptions<'static> {
    /// Text that assembles to the same container, without comments.
    #[must_use]
    pub fn exact() -> Self {
        Self { mode: Mode::Exact, show: 0, isa: opforge_tables::ISA }
    }

    /// Text for reading.
    #[must_use]
    pub fn pretty() -> Self {
        Self { mode: Mode::Pretty, show: 0, isa: opforge_tables::ISA }.show(Show::Comments)
    }
}

impl Default for DisasmOptions<'static> {
    fn default() -> Self {
        Self::pretty()
    }
}

impl<'isa> DisasmOptions<'isa> {
    /// Shows more.
    #[must_use]
    pub fn show(mut self, what: Show) -> Self {
        self.show |= 1 << what as u8;
        self
    }

    /// For an instruction set of the embedder.
    #[must_use]
    pub fn isa<'other>(self, isa: &Isa<'other>) -> DisasmOptions<'other> {
        DisasmOptions { mode: self.mode, show: self.show, isa: *isa }
    }

    fn shows(&self, what: Show) -> bool {
        self.show >> what as u8 & 1 == 1
    }
}

/// The program as text.
#[must_use]
pub fn disassemble(program: &Program, options: &DisasmOptions<'_>) -> String {
    let view = View::new(program, options);
    let mut out = String::new();
    tables::write(&view, &mut out);
    funcs::write(&view, &mut out);
    out
}
