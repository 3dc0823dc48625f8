//! A set of tables as one value: what the codec, the verifier, the assembler and the engines are given.

use crate::rows::{ClassRow, IntrinsicRow, LookupRow, NameRow, OpRow, TextRow, TypeRow, didx_of, row_of};
use zerocopy::IntoBytes;

/// The tables of one instruction set, borrowed. Cheap to copy.
///
/// `ops`, `names` and `text` have a slot per (page, byte): an opcode's position is `page << 8 | byte` and is called
/// its *didx*; where its row stands is [`row_of`]. Rows of embedders' pages, if there are any, stand behind the VM's own
/// and end with the last one in use. An absent slot has no [`op_flags::PRESENT`](crate::op_flags::PRESENT) bit.
#[derive(Clone, Copy, Debug)]
pub struct Isa<'a> {
    /// Opcode rows by position.
    pub ops: &'a [OpRow],
    /// Mnemonics by position.
    pub names: &'a [NameRow],
    /// Operand text templates by position.
    pub text: &'a [TextRow],
    /// Mnemonics and aliases sorted by text.
    pub lookup: &'a [LookupRow],
    /// Register classes by container tag.
    pub classes: &'a [ClassRow],
    /// Logical types of intrinsic layouts.
    pub types: &'a [TypeRow],
    /// Intrinsics sorted by id.
    pub intrinsics: &'a [IntrinsicRow],
}

/// The fingerprint of no bytes; see [`fingerprint`].
pub const FINGERPRINT_SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// Goes on with a fingerprint (FNV-1a, 64 bits): tells tables apart that differ by mistake, not by malice.
#[must_use]
pub const fn fingerprint(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        i += 1;
    }
    hash
}

impl<'a> Isa<'a> {
    /// The row of opcode `didx`, or `None` if there is no such opcode.
    #[must_use]
    pub fn op(&self, didx: u16) -> Option<&'a OpRow> {
        self.ops.get(row_of(didx)).filter(|row| row.present())
    }

    /// The mnemonic of opcode `didx`; empty if there is no such opcode.
    #[must_use]
    pub fn name(&self, didx: u16) -> &'a str {
        self.names.get(row_of(didx)).map_or("", NameRow::as_str)
    }

    /// The operand text template of opcode `didx`; empty if there is no such opcode.
    #[must_use]
    pub fn template(&self, didx: u16) -> &'a [u8] {
        self.text.get(row_of(didx)).map_or(&[], TextRow::template)
    }

    /// The opcode with this mnemonic or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u16> {
        let at = self.lookup.binary_search_by(|row| row.name.as_str().cmp(name)).ok()?;
        self.lookup.get(at).map(|row| row.didx.get())
    }

    /// The intrinsic with this id.
    #[must_use]
    pub fn intrinsic(&self, id: u32) -> Option<&'a IntrinsicRow> {
        let at = self.intrinsics.binary_search_by(|row| u32::from(row.id.get()).cmp(&id)).ok()?;
        self.intrinsics.get(at)
    }

    /// The intrinsic with this name.
    #[must_use]
    pub fn find_intrinsic(&self, name: &str) -> Option<&'a IntrinsicRow> {
        self.intrinsics.iter().find(|row| row.name.as_str() == name)
    }

    /// The name of a layout entry: of its logical type, or else of its class.
    #[must_use]
    pub fn layout_name(&self, entry: u8) -> &'a str {
        match crate::rows::layout::type_index(entry) {
            Some(index) => self.types.get(index).map_or("", TypeRow::as_str),
            None => self.classes.get(usize::from(entry)).map_or("", ClassRow::as_str),
        }
    }

    /// The fingerprint of all rows, in the order of the fields. Two sets of tables that make one program mean
    /// different things have different ones. Takes time linear in the tables' size.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let tables = [
            self.ops.as_bytes(),
            self.names.as_bytes(),
            self.text.as_bytes(),
            self.lookup.as_bytes(),
            self.classes.as_bytes(),
            self.types.as_bytes(),
            self.intrinsics.as_bytes(),
        ];
        tables.iter().fold(FINGERPRINT_SEED, |hash, bytes| fingerprint(hash, bytes))
    }

    /// Every opcode with its row, in didx order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &'a OpRow)> {
        self.ops.iter().enumerate().filter(|(_, row)| row.present()).map(|(i, row)| (didx_of(i), row))
    }
}
