//! A set of tables as one value: what the codec, the verifier, the assembler and the engines are given.

use crate::rows::{ClassRow, LookupRow, NameRow, OpRow, TextRow, TypeRow};

/// The tables of one instruction set, borrowed. Cheap to copy.
///
/// `ops` and `names` have a slot per (page, byte): an opcode's position is `page << 8 | byte` and is called
/// its *didx*. An absent slot has no [`op_flags::PRESENT`](crate::op_flags::PRESENT) bit.
#[derive(Clone, Copy, Debug)]
pub struct Isa<'a> {
    /// Opcode rows by didx.
    pub ops: &'a [OpRow],
    /// Mnemonics by didx.
    pub names: &'a [NameRow],
    /// Operand text templates by didx.
    pub text: &'a [TextRow],
    /// Mnemonics and aliases sorted by text.
    pub lookup: &'a [LookupRow],
    /// Register classes by container tag.
    pub classes: &'a [ClassRow],
    /// Logical types of intrinsic layouts.
    pub types: &'a [TypeRow],
}

impl<'a> Isa<'a> {
    /// The row of opcode `didx`, or `None` if there is no such opcode.
    #[must_use]
    pub fn op(&self, didx: u16) -> Option<&'a OpRow> {
        self.ops.get(usize::from(didx)).filter(|row| row.present())
    }

    /// The mnemonic of opcode `didx`; empty if there is no such opcode.
    #[must_use]
    pub fn name(&self, didx: u16) -> &'a str {
        self.names.get(usize::from(didx)).map_or("", NameRow::as_str)
    }

    /// The operand text template of opcode `didx`; empty if there is no such opcode.
    #[must_use]
    pub fn template(&self, didx: u16) -> &'a [u8] {
        self.text.get(usize::from(didx)).map_or(&[], TextRow::template)
    }

    /// The opcode with this mnemonic or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u16> {
        let at = self.lookup.binary_search_by(|row| row.name.as_str().cmp(name)).ok()?;
        self.lookup.get(at).map(|row| row.didx.get())
    }

    /// Every opcode with its row, in didx order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &'a OpRow)> {
        self.ops.iter().enumerate().filter(|(_, row)| row.present()).map(|(i, row)| (i as u16, row))
    }
}
