//! Rows of intrinsics and of the logical types that their layouts name.

use super::{FIRST_FOREIGN_ID, NameRow, TableRow, padded};
use crate::codes::TrapCode;
use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A logical type of intrinsic layouts: an ordered list of slot classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TypeRow {
    /// Slots used, 1 to 4.
    pub slots: u8,
    /// Class tags of the slots, flattened; unused ones zero.
    pub classes: [u8; 4],
    /// Name in text, zero-padded.
    pub name: [u8; 11],
}

impl TypeRow {
    /// Name in text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        padded(&self.name)
    }

    /// The class tags of its slots.
    #[must_use]
    pub fn slots(&self) -> &[u8] {
        self.classes.get(..usize::from(self.slots)).unwrap_or(&self.classes)
    }
}

impl TableRow for TypeRow {
    const TABLE: u16 = 5;
    const NAME: &'static str = "vm.types";
}

/// How an entry of an intrinsic's layout is written: a class tag, or `0x80` and the position of a logical type.
pub mod layout {
    /// The bit of entries that name logical types.
    pub const TYPE: u8 = 0x80;

    /// The position of the logical type that an entry names; `None` for an entry that is a class tag.
    #[must_use]
    pub const fn type_index(entry: u8) -> Option<usize> {
        if entry & TYPE != 0 { Some((entry & !TYPE) as usize) } else { None }
    }
}

/// An intrinsic: a pure function that the VM owns. Everything about it but what it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct IntrinsicRow {
    /// Stable id, never reused; rows are sorted by it. Ids from [`IntrinsicRow::FIRST_FOREIGN`] on are embedders'.
    pub id: U16,
    /// [`op_flags`] bits: pure, alloc, mem_read.
    pub flags: U16,
    /// Bit `n` set: trap code `n` can happen.
    pub traps: U64,
    /// Fuel charged for executing it once.
    pub fuel: U16,
    /// With `FuelSchedule` by size: one more unit for every `1 << fuel_shift` bytes of text and bytes among the
    /// arguments; 0 for none.
    pub fuel_shift: u8,
    /// First container minor version that knows it.
    pub since: u8,
    /// Entries of `args`.
    pub n_args: u8,
    /// Entries of `rets`.
    pub n_rets: u8,
    /// Entries of `arg_classes`: slots of all arguments.
    pub arg_slots: u8,
    /// Entries of `ret_classes`: slots of all results.
    pub ret_slots: u8,
    /// The arguments; see [`layout`].
    pub args: [u8; MAX_INTRINSIC_ARGS],
    /// The results; see [`layout`].
    pub rets: [u8; MAX_INTRINSIC_RETS],
    /// Class tags of the argument slots: `args` flattened.
    pub arg_classes: [u8; MAX_ARG_SLOTS],
    /// Class tags of the result slots: `rets` flattened.
    pub ret_classes: [u8; MAX_RET_SLOTS],
    /// Name in text, such as `vec2.dot`.
    pub name: NameRow,
}

/// Most arguments of an intrinsic.
pub const MAX_INTRINSIC_ARGS: usize = 8;
/// Most results of an intrinsic.
pub const MAX_INTRINSIC_RETS: usize = 4;
/// Most slots that the arguments of an intrinsic take.
pub const MAX_ARG_SLOTS: usize = 16;
/// Most slots that the results of an intrinsic take.
pub const MAX_RET_SLOTS: usize = 8;

impl IntrinsicRow {
    /// The first id that belongs to embedders.
    pub const FIRST_FOREIGN: u16 = FIRST_FOREIGN_ID;

    /// The class tags of its argument slots.
    #[must_use]
    pub fn arg_slots(&self) -> &[u8] {
        self.arg_classes.get(..usize::from(self.arg_slots)).unwrap_or(&self.arg_classes)
    }

    /// The class tags of its result slots.
    #[must_use]
    pub fn ret_slots(&self) -> &[u8] {
        self.ret_classes.get(..usize::from(self.ret_slots)).unwrap_or(&self.ret_classes)
    }

    /// Its arguments, as [`layout`] entries.
    #[must_use]
    pub fn args(&self) -> &[u8] {
        self.args.get(..usize::from(self.n_args)).unwrap_or(&self.args)
    }

    /// Its results, as [`layout`] entries.
    #[must_use]
    pub fn rets(&self) -> &[u8] {
        self.rets.get(..usize::from(self.n_rets)).unwrap_or(&self.rets)
    }

    /// Whether the trap can happen.
    #[must_use]
    pub const fn traps_with(&self, trap: TrapCode) -> bool {
        self.traps.get() >> trap.code() & 1 == 1
    }
}

impl TableRow for IntrinsicRow {
    const TABLE: u16 = 7;
    const NAME: &'static str = "vm.intrinsics";
}

const _: () = {
    assert!(size_of::<TypeRow>() == 16);
    assert!(size_of::<IntrinsicRow>() == 80);
};
