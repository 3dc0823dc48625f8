//! Digests of opcode rows: what passes over code ask about every instruction, in a few bytes.
//!
//! A row says everything about an opcode, operand by operand. Most instructions only read and write single registers,
//! each of a class that the row names, and passes can treat those alike without walking the row. A digest says whether
//! an opcode is one of them, and then where its registers stand. It holds no fact of its own: [`Digest::of`] makes it
//! from the row, for the VM's own rows while compiling. What it does not cover, passes take from the row.

use crate::program::ContainerVersion;
use crate::types::TypeId;
use crate::value_type::ValueType;
use alloc::borrow::Cow;
use opforge_schema::{
    Access, Encoding, Family, Isa, Lower, OWN_PAGES, OpRow, OperandKind, OperandRow, Rule, Term, TypeRule,
    Typestate, didx_of, is_foreign, op_flags, row_of,
};
use opforge_tables::Opcode;

/// Yes or no about an opcode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(u8);

impl Marks {
    /// Every operand is written as one number of at most 32 bits.
    const ULEBS: Self = Self(1);
    /// Every register is an operand by itself, at most three are read and one is written, and each is of a class that
    /// the row names, whatever else the instruction says. None is an effect token.
    pub(crate) const SIMPLE: Self = Self(1 << 1);
    /// Simple, and neither ids nor rules: that its registers exist is all there is to check without types.
    pub(crate) const FREE: Self = Self(1 << 2);
    /// Does nothing that concerns sessions, speculation or suspending, by itself or by what it calls.
    pub(crate) const PASSIVE: Self = Self(1 << 3);
    /// Ends a basic block.
    pub(crate) const TERMINATOR: Self = Self(1 << 4);
    /// Simple, writes a register, has no operand besides its registers, and is lowered directly.
    pub(crate) const DIRECT: Self = Self(1 << 5);
    /// Its fuel may depend on more than the row's number: on sizes, on the length of a list, or on an intrinsic.
    pub(crate) const METERED: Self = Self(1 << 6);
    /// Enters another function or the host.
    pub(crate) const CALL_LIKE: Self = Self(1 << 7);

    /// Whether all of these are set.
    pub(crate) const fn has(self, marks: Self) -> bool {
        self.0 & marks.0 == marks.0
    }

    /// Both together.
    pub(crate) const fn or(self, marks: Self) -> Self {
        Self(self.0 | marks.0)
    }

    const fn when(self, holds: bool) -> Self {
        if holds { self } else { Self(0) }
    }
}

/// The digest of one row. Of a row without an opcode it says that there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest {
    pub(crate) marks: Marks,
    /// The number of operands.
    pub(crate) operands: u8,
    /// The first version of containers that knows the opcode; `None` if there is no opcode.
    version: Option<ContainerVersion>,
    /// Fuel, where it is not [`Marks::METERED`].
    pub(crate) fuel: u16,
    /// How many of its operands read registers.
    reads: u8,
    /// Of a [`Marks::SIMPLE`] opcode, the places of those, and the tags of their classes.
    read_at: [u8; MAX_READS],
    read_class: [u8; MAX_READS],
    /// The place and the class of the register that it writes; [`NONE`] if it writes none.
    write_at: u8,
    write_class: u8,
}

/// What an instruction does with registers, if it is simple.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    simple: bool,
    count: u8,
    read_classes: [u8; MAX_READS],
    /// [`NONE`] if it writes none.
    write_class: u8,
    reads: [u32; MAX_READS],
    write: u32,
}

impl Registers {
    /// Those of an instruction that is not simple.
    pub(crate) const UNKNOWN: Self = Self {
        simple: false,
        count: 0,
        read_classes: [0; MAX_READS],
        write_class: NONE,
        reads: [0; MAX_READS],
        write: 0,
    };

    /// Whether this is all that the instruction does with registers.
    #[inline(always)]
    pub(crate) fn is_simple(&self) -> bool {
        self.simple
    }

    /// The registers read, in order, with their types.
    #[inline(always)]
    pub(crate) fn reads(&self) -> impl Iterator<Item = (u32, TypeId)> {
        let count = usize::from(self.count).min(MAX_READS);
        (0..count).map(|n| (self.reads[n], type_of(self.read_classes[n])))
    }

    /// The register written, with its type.
    #[inline(always)]
    pub(crate) fn write(&self) -> Option<(u32, TypeId)> {
        (self.write_class != NONE).then_some((self.write, type_of(self.write_class)))
    }

    /// The highest register; 0 if there is none.
    #[inline(always)]
    pub(crate) fn highest(&self) -> u32 {
        let written = self.write().map_or(0, |(reg, _)| reg);
        self.reads().fold(written, |highest, (reg, _)| highest.max(reg))
    }
}

/// Most registers that a simple opcode reads.
const MAX_READS: usize = 3;

/// The place and the class of what is not there.
const NONE: u8 = u8::MAX;

const ABSENT: Digest = Digest {
    marks: Marks(0),
    operands: 0,
    version: None,
    fuel: 0,
    reads: 0,
    read_at: [NONE; MAX_READS],
    read_class: [0; MAX_READS],
    write_at: NONE,
    write_class: NONE,
};

impl Digest {
    /// Whether containers of this version know the opcode.
    pub(crate) fn is_known_as_of(&self, version: ContainerVersion) -> bool {
        self.version.is_some_and(|first| first <= version)
    }

    /// How many bytes the operands take if each is a number of at most 32 bits that takes one byte; `None` if some are
    /// written otherwise.
    #[inline(always)]
    pub(super) fn short_len(&self) -> Option<u8> {
        self.marks.has(Marks::ULEBS).then_some(self.operands)
    }

    /// What a simple instruction with these operand words does with registers.
    #[inline(always)]
    pub(crate) fn registers(&self, words: &[u64]) -> Registers {
        // The encoding of single registers has 32 bits.
        let reg = |at: u8| words.get(usize::from(at)).map_or(0, |&word| word as u32);
        let [first, second, third] = self.read_at;
        Registers {
            simple: true,
            count: self.reads,
            read_classes: self.read_class,
            write_class: self.write_class,
            reads: [reg(first), reg(second), reg(third)],
            write: reg(self.write_at),
        }
    }

    /// The digest of the row of opcode `didx`.
    pub(super) const fn of(didx: u16, row: &OpRow) -> Self {
        if !row.present() {
            return ABSENT;
        }
        let mut digest = Self {
            operands: row.n_operands,
            version: Some(ContainerVersion::of_opcode(row)),
            fuel: row.fuel.get(),
            reads: row.reads.count_ones() as u8,
            ..ABSENT
        };
        // Simple until an operand or a rule says otherwise.
        let (mut ulebs, mut simple, mut ids, mut others) = (true, true, false, false);
        let (mut at, mut reads) = (0, 0);
        while at < row.n_operands {
            let operand = &row.operands[at as usize];
            ulebs &= matches!(operand.enc(), Encoding::Uleb32 | Encoding::Uleb32Wide | Encoding::Uleb32Opt);
            match operand.access() {
                Access::None => {
                    others = true;
                    ids |= !is_number(operand.kind());
                }
                Access::Read => {
                    simple &= digest.add_read(operand, at, reads);
                    reads += 1;
                }
                Access::Write => simple &= digest.add_write(operand, at),
            }
            at += 1;
        }
        let typestate = row.typestate();
        simple &= !matches!(typestate, Typestate::Choose | Typestate::Abort) && !has_type_rules(row);
        let free = simple && !ids && !has_rules(row) && row.hook == 0;
        let passive = matches!(typestate, Typestate::None)
            && !matches!(row.term(), Term::Halt)
            && !is_foreign(didx)
            && !matches!(row.family(), Family::Intrinsic)
            && !row.has(op_flags::HOST)
            && !row.has(op_flags::SUSPENDS)
            && !row.has(op_flags::MEM_WRITE)
            && !row.has(op_flags::CALL_LIKE);
        let lowered = matches!(row.lower(), Lower::Direct) && !is_foreign(didx);
        let direct = simple && lowered && !others && digest.write_at != NONE;
        let metered = row.fuel_shift != 0 || matches!(row.lower(), Lower::Intrinsic);
        digest.marks = Marks::ULEBS
            .when(ulebs)
            .or(Marks::SIMPLE.when(simple))
            .or(Marks::FREE.when(free))
            .or(Marks::PASSIVE.when(passive))
            .or(Marks::TERMINATOR.when(row.term != 0))
            .or(Marks::DIRECT.when(direct))
            .or(Marks::METERED.when(metered))
            .or(Marks::CALL_LIKE.when(row.has(op_flags::CALL_LIKE)));
        digest
    }

    /// Notes the `n`-th operand that reads registers; whether the opcode can still be simple.
    const fn add_read(&mut self, operand: &OperandRow, at: u8, n: usize) -> bool {
        match single_class(operand) {
            Some(class) if n < MAX_READS => {
                (self.read_at[n], self.read_class[n]) = (at, class.tag());
                true
            }
            _ => false,
        }
    }

    /// Notes an operand that writes registers; whether the opcode can still be simple.
    const fn add_write(&mut self, operand: &OperandRow, at: u8) -> bool {
        match single_class(operand) {
            Some(class) if self.write_at == NONE => {
                (self.write_at, self.write_class) = (at, class.tag());
                true
            }
            _ => false,
        }
    }
}

/// The class of an operand that is one register, if that is all that its row says about the register.
const fn single_class(operand: &OperandRow) -> Option<ValueType> {
    let single = matches!(operand.kind(), OperandKind::Reg) && matches!(operand.enc(), Encoding::Uleb32);
    match operand.ty() {
        TypeRule::Effect | TypeRule::Tuple | TypeRule::Struct | TypeRule::Array | TypeRule::Fact => None,
        rule if single => class_of(rule),
        _ => None,
    }
}

/// The type of a class, by its tag: types without shape have the numbers of their classes.
fn type_of(class: u8) -> TypeId {
    TypeId(class.into())
}

/// Whether an operand that names no register is a number or a target: nothing that has to exist in a table.
const fn is_number(kind: OperandKind) -> bool {
    matches!(
        kind,
        OperandKind::Pc
            | OperandKind::ImmBool
            | OperandKind::ImmU8
            | OperandKind::ImmU32
            | OperandKind::ImmI64
            | OperandKind::ImmU64
            | OperandKind::ImmF64
            | OperandKind::Rounding
    )
}

const fn has_rules(row: &OpRow) -> bool {
    let mut at = 0;
    while at < row.rules.len() {
        if row.rules[at].rule != 0 {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether a rule is about the types of registers.
const fn has_type_rules(row: &OpRow) -> bool {
    let mut at = 0;
    while at < row.rules.len() {
        if matches!(row.rules[at].rule(), Rule::SameType | Rule::IndexInShape) {
            return true;
        }
        at += 1;
    }
    false
}

/// The class that a type rule names by itself. Aggregates of a certain kind are of class agg.
pub(crate) const fn class_of(rule: TypeRule) -> Option<ValueType> {
    Some(match rule {
        TypeRule::Effect | TypeRule::Unit => ValueType::Unit,
        TypeRule::Bool => ValueType::Bool,
        TypeRule::I64 => ValueType::I64,
        TypeRule::U64 => ValueType::U64,
        TypeRule::F64 => ValueType::F64,
        TypeRule::Decimal => ValueType::Decimal,
        TypeRule::Bytes => ValueType::Bytes,
        TypeRule::Str => ValueType::Str,
        TypeRule::Func => ValueType::Func,
        TypeRule::Closure => ValueType::Closure,
        TypeRule::Agg | TypeRule::Tuple | TypeRule::Struct | TypeRule::Array | TypeRule::Fact => {
            ValueType::Agg
        }
        TypeRule::Chan => ValueType::Chan,
        TypeRule::Evidence => ValueType::Evidence,
        TypeRule::Coro => ValueType::Coro,
        _ => return None,
    })
}

/// The digests of the VM's own rows.
static OWN: [Digest; crate::ISA.ops.len()] = {
    let mut digests = [ABSENT; crate::ISA.ops.len()];
    let mut at = 0;
    while at < digests.len() {
        digests[at] = Digest::of(didx_of(at), &crate::ISA.ops[at]);
        at += 1;
    }
    digests
};

/// The digests of an instruction set.
#[derive(Clone, Debug)]
pub(crate) struct Digests<'i> {
    isa: &'i Isa<'i>,
    /// By row.
    rows: Cow<'static, [Digest]>,
}

impl<'i> Digests<'i> {
    /// The digests of these tables; for the VM's own this takes no time.
    pub(crate) fn of(isa: &'i Isa<'i>) -> Self {
        let made = || isa.ops.iter().enumerate().map(|(at, row)| Digest::of(didx_of(at), row)).collect();
        Self { isa, rows: if is_own(isa) { Cow::Borrowed(&OWN) } else { Cow::Owned(made()) } }
    }

    /// The instruction set.
    pub(crate) fn isa(&self) -> &'i Isa<'i> {
        self.isa
    }

    /// The digest of an opcode; one that no version knows if there is no such opcode.
    #[inline(always)]
    pub(crate) fn get(&self, didx: u16) -> &Digest {
        let row = if usize::from(didx) < OWN_PAGES << 8 { didx.into() } else { row_of_foreign(didx) };
        self.rows.get(row).unwrap_or(&ABSENT)
    }
}

#[cold]
fn row_of_foreign(didx: u16) -> usize {
    row_of(didx)
}

/// Whether these are the VM's own tables.
fn is_own(isa: &Isa<'_>) -> bool {
    core::ptr::eq(isa.ops, crate::ISA.ops)
}

/// How many operands of an opcode of the VM read registers.
pub(crate) fn reads_of(op: Opcode) -> usize {
    OWN.get(usize::from(op.didx())).map_or(0, |digest| digest.reads.into())
}

/// The digest of one opcode, for who asks only now and then: an embedder's tables have no digests made beforehand.
pub(super) fn digest(isa: &Isa<'_>, didx: u16) -> Digest {
    let rows: &[Digest] = if is_own(isa) { &OWN } else { &[] };
    match rows.get(row_of(didx)) {
        Some(&digest) => digest,
        None => isa.op(didx).map_or(ABSENT, |row| Digest::of(didx, row)),
    }
}
