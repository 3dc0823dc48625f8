//! Row types of the binary tables: little-endian, alignment 1, no padding, so one file serves every target
//! and can be cast in place from any address.

use crate::codes::{
    Access, Clif, Encoding, Family, Form, Hook, JitClass, Lower, OperandKind, Rule, Term, TrapCode, TypeRule,
    Typestate,
};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

mod intrinsic;

pub use intrinsic::{
    IntrinsicRow, MAX_ARG_SLOTS, MAX_INTRINSIC_ARGS, MAX_INTRINSIC_RETS, MAX_RET_SLOTS, TypeRow, layout,
};

/// Most operands one instruction may have.
pub const MAX_OPERANDS: usize = 8;
/// Most cross-operand rules one instruction may have.
pub const MAX_RULES: usize = 4;
/// Most bytes of a mnemonic or alias.
pub const MAX_NAME: usize = 23;

/// Pages of the VM's own opcodes. Their rows stand first in tables with a row per opcode position.
pub const OWN_PAGES: usize = 1;
/// The first page that belongs to embedders for good. Their rows stand right behind the VM's own.
pub const FIRST_FOREIGN_PAGE: u8 = 16;
/// The last page that belongs to embedders, and the last there is.
pub const LAST_PAGE: u8 = 31;
/// The first opcode and intrinsic id that belongs to embedders for good.
pub const FIRST_FOREIGN_ID: u16 = 0x8000;

/// Whether an opcode position is one of embedders: on page 16 or above.
#[must_use]
pub const fn is_foreign(didx: u16) -> bool {
    didx >> 8 >= FIRST_FOREIGN_PAGE as u16
}

/// The place of an opcode position in tables with a row per position: pages of the VM come first, then those of
/// embedders, and what lies between takes no room. A place past every table for positions that belong to nobody.
#[must_use]
pub const fn row_of(didx: u16) -> usize {
    let (at, own, foreign) = (didx as usize, OWN_PAGES << 8, (FIRST_FOREIGN_PAGE as usize) << 8);
    if at < own {
        at
    } else if at >= foreign && at <= (LAST_PAGE as usize) << 8 | 0xff {
        at - foreign + own
    } else {
        usize::MAX
    }
}

/// The opcode position of a row: the reverse of [`row_of`].
#[must_use]
pub const fn didx_of(row: usize) -> u16 {
    let (own, foreign) = (OWN_PAGES << 8, (FIRST_FOREIGN_PAGE as usize) << 8);
    let at = if row < own { row } else { row - own + foreign };
    if at > u16::MAX as usize { u16::MAX } else { at as u16 }
}

/// The 16 bytes in front of the rows of every blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Header {
    /// Always [`Header::MAGIC`].
    pub magic: [u8; 4],
    /// Version of the row layouts, [`Header::FORMAT`].
    pub format: U16,
    /// Which table this is, a [`TableRow::TABLE`].
    pub table: U16,
    /// Bytes in one row.
    pub row_size: U16,
    /// Zero.
    pub reserved: U16,
    /// Number of rows that follow.
    pub rows: U32,
}

impl Header {
    /// First four bytes of every blob.
    pub const MAGIC: [u8; 4] = *b"OPFT";
    /// The version of the row layouts in this file.
    pub const FORMAT: u16 = 2;

    /// The header of a table of `rows` rows of type `R`.
    #[must_use]
    pub const fn of<R: TableRow>(rows: u32) -> Self {
        Self {
            magic: Self::MAGIC,
            format: U16::new(Self::FORMAT),
            table: U16::new(R::TABLE),
            row_size: U16::new(size_of::<R>() as u16),
            reserved: U16::new(0),
            rows: U32::new(rows),
        }
    }
}

/// A row type that makes up one table.
pub trait TableRow: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Copy {
    /// The table id in the header.
    const TABLE: u16;
    /// The file stem of the blob.
    const NAME: &'static str;
}

/// One operand of an instruction.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct OperandRow {
    /// [`OperandKind`] code.
    pub kind: u8,
    /// [`Encoding`] code.
    pub enc: u8,
    /// [`Access`] code.
    pub access: u8,
    /// [`TypeRule`] code.
    pub ty: u8,
    /// The operand that `ty` refers to, by position.
    pub arg: u8,
}

impl OperandRow {
    /// What the operand is. An unknown code reads as [`OperandKind::None`]; checked tables hold none.
    #[must_use]
    pub const fn kind(&self) -> OperandKind {
        match OperandKind::from_code(self.kind) {
            Some(k) => k,
            None => OperandKind::None,
        }
    }

    /// How the operand is written.
    #[must_use]
    pub const fn enc(&self) -> Encoding {
        match Encoding::from_code(self.enc) {
            Some(e) => e,
            None => Encoding::None,
        }
    }

    /// Whether the named registers are read or written.
    #[must_use]
    pub const fn access(&self) -> Access {
        match Access::from_code(self.access) {
            Some(a) => a,
            None => Access::None,
        }
    }

    /// The type rule of the named registers.
    #[must_use]
    pub const fn ty(&self) -> TypeRule {
        match TypeRule::from_code(self.ty) {
            Some(t) => t,
            None => TypeRule::None,
        }
    }
}

/// One cross-operand rule.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct RuleRow {
    /// [`Rule`] code.
    pub rule: u8,
    /// The operand it is about, by position.
    pub a: u8,
    /// A second operand, or a bound, as the rule says.
    pub b: u8,
}

impl RuleRow {
    /// Which rule it is.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        match Rule::from_code(self.rule) {
            Some(r) => r,
            None => Rule::None,
        }
    }
}

/// Bits of [`OpRow::flags`].
pub mod op_flags {
    /// The slot holds an opcode. Every other bit is zero where this one is.
    pub const PRESENT: u16 = 1;
    /// Ends a basic block; equal to `term != none`.
    pub const TERMINATOR: u16 = 1 << 1;
    /// Enters another function or the host: a fuel segment ends behind it.
    pub const CALL_LIKE: u16 = 1 << 2;
    /// Leaves the VM for the host.
    pub const HOST: u16 = 1 << 3;
    /// Some trap can happen; equal to `traps != 0`.
    pub const MAY_TRAP: u16 = 1 << 4;
    /// Allocates from the run's heap.
    pub const ALLOC: u16 = 1 << 5;
    /// No effect but its result: removable when the result is unused and it cannot trap.
    pub const PURE: u16 = 1 << 6;
    /// Reads the run's heap.
    pub const MEM_READ: u16 = 1 << 7;
    /// Writes memory that other instructions can see.
    pub const MEM_WRITE: u16 = 1 << 8;
    /// May suspend the run.
    pub const SUSPENDS: u16 = 1 << 9;
}

/// Bits of [`OpRow::fuse`].
pub mod fuse_flags {
    /// There is a form with an immediate right operand.
    pub const IMM: u8 = 1;
    /// There are compare-and-branch forms.
    pub const BRANCH: u8 = 2;
    /// By an immediate power of two it is a logical shift by the power's exponent: unsigned division.
    pub const POW2_SHIFT: u8 = 4;
    /// By an immediate power of two it is a mask of the bits below it: unsigned remainder.
    pub const POW2_MASK: u8 = 8;
    /// It may be the first operation of a pair that is done at once: it gives a value of one slot, and does nothing else
    /// before it traps, if it can.
    pub const LEAD: u8 = 16;
    /// It may be the second operation of a pair, on the first one's result: it has two operands and cannot trap.
    pub const FOLLOW: u8 = 32;
    /// Its operands may be exchanged. Of floats: but for the bits of NaNs, which nobody sees.
    pub const COMMUTES: u8 = 64;
    /// All of them.
    pub const ALL: u8 = IMM | BRANCH | POW2_SHIFT | POW2_MASK | LEAD | FOLLOW | COMMUTES;
}

/// One opcode: everything mechanical about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OpRow {
    /// [`op_flags`] bits.
    pub flags: U16,
    /// Stable id, never reused.
    pub id: U16,
    /// Bit `n` set: trap code `n` can happen.
    pub traps: U64,
    /// Fuel charged for executing it once.
    pub fuel: U16,
    /// With `FuelSchedule` by size: one more unit for every `1 << fuel_shift` bytes; 0 for none.
    pub fuel_shift: u8,
    /// Bit set of the operands whose bytes are counted for it.
    pub fuel_operands: u8,
    /// [`Term`] code.
    pub term: u8,
    /// [`Family`] code.
    pub family: u8,
    /// [`Lower`] code.
    pub lower: u8,
    /// [`Form`] code; derived.
    pub form: u8,
    /// [`fuse_flags`] bits.
    pub fuse: u8,
    /// [`Hook`] code.
    pub hook: u8,
    /// [`JitClass`] code.
    pub jit: u8,
    /// [`Clif`] code.
    pub clif: u8,
    /// Number of operands.
    pub n_operands: u8,
    /// Bit set of operands that read registers; derived.
    pub reads: u8,
    /// Bit set of operands that write registers; derived.
    pub writes: u8,
    /// First container minor version that knows the opcode.
    pub since: u8,
    /// The operands in encoding order.
    pub operands: [OperandRow; MAX_OPERANDS],
    /// The cross-operand rules.
    pub rules: [RuleRow; MAX_RULES],
    /// Fewest bytes an instruction of this opcode takes, opcode byte included; derived.
    pub min_len: u8,
    /// [`Typestate`] code.
    pub typestate: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

impl OpRow {
    /// Whether the slot holds an opcode.
    #[must_use]
    pub const fn present(&self) -> bool {
        self.has(op_flags::PRESENT)
    }

    /// Whether all bits of `flag` are set.
    #[must_use]
    pub const fn has(&self, flag: u16) -> bool {
        self.flags.get() & flag == flag
    }

    /// Whether the fuse bits of `flag` are set.
    #[must_use]
    pub const fn fuses(&self, flag: u8) -> bool {
        self.fuse & flag == flag
    }

    /// How it ends a block.
    #[must_use]
    pub const fn term(&self) -> Term {
        match Term::from_code(self.term) {
            Some(t) => t,
            None => Term::None,
        }
    }

    /// Its family.
    #[must_use]
    pub const fn family(&self) -> Family {
        match Family::from_code(self.family) {
            Some(f) => f,
            None => Family::None,
        }
    }

    /// How it is lowered.
    #[must_use]
    pub const fn lower(&self) -> Lower {
        match Lower::from_code(self.lower) {
            Some(l) => l,
            None => Lower::Nop,
        }
    }

    /// Its operand form, if it is lowered directly.
    #[must_use]
    pub const fn form(&self) -> Form {
        match Form::from_code(self.form) {
            Some(f) => f,
            None => Form::None,
        }
    }

    /// Its hand-written verifier check.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        match Hook::from_code(self.hook) {
            Some(h) => h,
            None => Hook::None,
        }
    }

    /// What the JIT does with it.
    #[must_use]
    pub const fn jit(&self) -> JitClass {
        match JitClass::from_code(self.jit) {
            Some(j) => j,
            None => JitClass::Arm,
        }
    }

    /// Its Cranelift opcode.
    #[must_use]
    pub const fn clif(&self) -> Clif {
        match Clif::from_code(self.clif) {
            Some(c) => c,
            None => Clif::None,
        }
    }

    /// What it does to the states of linear registers.
    #[must_use]
    pub const fn typestate(&self) -> Typestate {
        match Typestate::from_code(self.typestate) {
            Some(t) => t,
            None => Typestate::None,
        }
    }

    /// The operands that are there.
    #[must_use]
    pub fn operands(&self) -> &[OperandRow] {
        let n = (self.n_operands as usize).min(MAX_OPERANDS);
        self.operands.get(..n).unwrap_or(&[])
    }

    /// The rules that are there.
    pub fn rules(&self) -> impl Iterator<Item = &RuleRow> {
        self.rules.iter().filter(|r| r.rule != Rule::None.code())
    }

    /// Whether the trap can happen.
    #[must_use]
    pub const fn traps_with(&self, trap: TrapCode) -> bool {
        self.traps.get() >> trap.code() & 1 == 1
    }
}

impl TableRow for OpRow {
    const TABLE: u16 = 1;
    const NAME: &'static str = "vm.ops";
}

/// The mnemonic of the opcode at the same position of the op table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NameRow {
    /// Bytes used; 0 where there is no opcode.
    pub len: u8,
    /// ASCII, zero-padded.
    pub text: [u8; MAX_NAME],
}

impl NameRow {
    /// The mnemonic; empty where there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let n = (self.len as usize).min(MAX_NAME);
        core::str::from_utf8(self.text.get(..n).unwrap_or(&[])).unwrap_or("")
    }
}

impl TableRow for NameRow {
    const TABLE: u16 = 2;
    const NAME: &'static str = "vm.names";
}

/// How the operands of the opcode at the same position are written in text: a template that the assembler
/// reads and the disassembler prints.
///
/// Each byte is either `0x80 | n`, which stands for operand `n`, or an ASCII character that stands for itself.
/// A space stands for any white space. An operand that the template leaves out is implied: it is the effect
/// token, register 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TextRow {
    /// Bytes used.
    pub len: u8,
    /// The template, zero-padded.
    pub code: [u8; MAX_NAME],
}

impl TextRow {
    /// The template bytes.
    #[must_use]
    pub fn template(&self) -> &[u8] {
        self.code.get(..(self.len as usize).min(MAX_NAME)).unwrap_or(&[])
    }
}

impl TableRow for TextRow {
    const TABLE: u16 = 6;
    const NAME: &'static str = "vm.text";
}

/// Assembler look-up: mnemonics and aliases, sorted by text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LookupRow {
    /// The text.
    pub name: NameRow,
    /// Position in the op table.
    pub didx: U16,
    /// 1 for an alias, 0 for the mnemonic itself.
    pub alias: u8,
    /// Zero.
    pub reserved: u8,
}

impl TableRow for LookupRow {
    const TABLE: u16 = 3;
    const NAME: &'static str = "vm.lookup";
}

/// Bits of [`ClassRow::flags`].
pub mod class_flags {
    /// Slots refer to the run's heap.
    pub const HEAP: u8 = 1;
    /// A value is used exactly once: never copied, never dropped.
    pub const LINEAR: u8 = 2;
    /// All of them.
    pub const ALL: u8 = HEAP | LINEAR;
}

/// A register class: what a value of it takes at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ClassRow {
    /// The tag of the class in containers.
    pub tag: u8,
    /// 64-bit slots a value takes: 0, 1 or 2.
    pub slots: u8,
    /// [`class_flags`] bits.
    pub flags: u8,
    /// [`TypeRule`] code of the class itself.
    pub rule: u8,
    /// Name in text.
    pub name: [u8; 12],
}

impl ClassRow {
    /// Whether slots of a value refer to the run's heap.
    #[must_use]
    pub const fn heap(&self) -> bool {
        self.flags & class_flags::HEAP != 0
    }

    /// Whether a value is used exactly once: never copied, never dropped.
    #[must_use]
    pub const fn linear(&self) -> bool {
        self.flags & class_flags::LINEAR != 0
    }

    /// Name in text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        padded(&self.name)
    }
}

impl TableRow for ClassRow {
    const TABLE: u16 = 4;
    const NAME: &'static str = "vm.classes";
}

/// A zero-padded name without its padding.
fn padded(name: &[u8]) -> &str {
    let n = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    name.get(..n).and_then(|n| core::str::from_utf8(n).ok()).unwrap_or("")
}

const _: () = {
    assert!(size_of::<Header>() == 16);
    assert!(size_of::<OperandRow>() == 5);
    assert!(size_of::<OpRow>() == 84);
    assert!(size_of::<NameRow>() == 24);
    assert!(size_of::<LookupRow>() == 28);
    assert!(size_of::<ClassRow>() == 16);
};
