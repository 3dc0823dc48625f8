//! Opcode facts as typed Rust literals, and their flattening into rows.
//!
//! Stage A of tablegen writes one [`Op`] literal per opcode; the compiler checks names, widths and arity;
//! stage B calls [`tables`] and writes the bytes. Literals name operands instead of counting them, so one
//! changed opcode is one changed literal. Nothing here is used at run time.

use crate::blobs::Blobs;
use crate::codes::{
    Access, Clif, Encoding, Family, Form, Hook, JitClass, Lower, OperandKind, Rule, Term, TrapCode, TypeRule,
    Typestate,
};
use crate::rows::{
    ClassRow, Header, IntrinsicRow, LookupRow, MAX_NAME, MAX_OPERANDS, MAX_RULES, NameRow, OWN_PAGES, OpRow,
    OperandRow, RuleRow, TableRow, TextRow, TypeRow, class_flags, layout, op_flags, row_of,
};
use alloc::vec::Vec;
use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U64};

/// One operand of an [`Op`]; the first field is its name.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// A register that is written: the type it is given.
    W(&'static str, TypeRule),
    /// A register that is read: the type it must have.
    R(&'static str, TypeRule),
    /// A written register whose type rule refers to another operand.
    WOf(&'static str, TypeRule, &'static str),
    /// A read register whose type rule refers to another operand.
    ROf(&'static str, TypeRule, &'static str),
    /// A register list that is written.
    Ws(&'static str, TypeRule),
    /// A register list that is read.
    Rs(&'static str, TypeRule),
    /// A written register list whose type rule refers to another operand.
    WsOf(&'static str, TypeRule, &'static str),
    /// A read register list whose type rule refers to another operand.
    RsOf(&'static str, TypeRule, &'static str),
    /// A register that may be left out and is else written.
    WOpt(&'static str, TypeRule),
    /// A register that may be left out and is else read.
    ROpt(&'static str, TypeRule),
    /// A written register that may be left out, and whose type rule refers to another operand.
    WOptOf(&'static str, TypeRule, &'static str),
    /// A read register that may be left out, and whose type rule refers to another operand.
    ROptOf(&'static str, TypeRule, &'static str),
    /// An operand that names no register.
    X(&'static str, OperandKind, Encoding),
}

/// One cross-operand rule of an [`Op`]; operands by name.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// A rule about one operand.
    One(Rule, &'static str),
    /// A rule about two operands.
    Two(Rule, &'static str, &'static str),
    /// A rule about an operand and a bound.
    Bound(Rule, &'static str, u8),
}

/// What one instruction costs.
#[derive(Clone, Copy, Debug)]
pub struct Fuel {
    /// Units charged every time.
    pub base: u16,
    /// With a schedule by size, one more unit for every `1 << shift` bytes; 0 for none.
    pub shift: u8,
    /// The operands whose bytes are counted.
    pub of: &'static [&'static str],
}

/// One opcode. Fields left out of a literal come from [`OP`].
#[derive(Clone, Copy, Debug)]
pub struct Op {
    /// Page; 0 has no prefix.
    pub page: u8,
    /// Opcode byte on its page.
    pub byte: u8,
    /// Stable id, never reused.
    pub id: u16,
    /// Name of the variant of `Opcode`.
    pub name: &'static str,
    /// Name in text.
    pub mnemonic: &'static str,
    /// More names that the assembler takes.
    pub aliases: &'static [&'static str],
    /// First container minor version that knows the opcode.
    pub since: u8,
    /// Family.
    pub family: Family,
    /// Operands in encoding order.
    pub operands: &'static [Operand],
    /// Text template with `{operand}` in it; empty for the default one.
    pub text: &'static str,
    /// How it ends a block.
    pub term: Term,
    /// [`op_flags`] bits from its effects.
    pub effects: u16,
    /// Traps in the order they are checked.
    pub traps: &'static [TrapCode],
    /// Fuel.
    pub fuel: Fuel,
    /// Cross-operand rules.
    pub rules: &'static [Check],
    /// Hand-written verifier check.
    pub hook: Hook,
    /// What it does to the states of linear registers.
    pub typestate: Typestate,
    /// How it is lowered.
    pub lower: Lower,
    /// Operand form, for direct lowering.
    pub form: Form,
    /// [`fuse_flags`](crate::fuse_flags) bits.
    pub fuse: u8,
    /// What the JIT does with it.
    pub jit: JitClass,
    /// The Cranelift opcode behind `jit`.
    pub clif: Clif,
}

/// The values of the fields that an [`Op`] literal leaves out.
pub const OP: Op = Op {
    page: 0,
    byte: 0,
    id: 0,
    name: "",
    mnemonic: "",
    aliases: &[],
    since: 1,
    family: Family::None,
    operands: &[],
    text: "",
    term: Term::None,
    effects: 0,
    traps: &[],
    fuel: Fuel { base: 1, shift: 0, of: &[] },
    rules: &[],
    hook: Hook::None,
    typestate: Typestate::None,
    lower: Lower::Nop,
    form: Form::None,
    fuse: 0,
    jit: JitClass::Arm,
    clif: Clif::None,
};

/// A register class.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Tag in containers; equal to its position.
    pub tag: u8,
    /// Name in text.
    pub name: &'static str,
    /// 64-bit slots of a value.
    pub slots: u8,
    /// Whether slots refer to the run's heap.
    pub heap: bool,
    /// Whether a value is used exactly once.
    pub linear: bool,
    /// The type rule of the class itself.
    pub rule: TypeRule,
}

/// A logical type of intrinsic layouts, flattened to classes.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// Name in text.
    pub name: &'static str,
    /// Class names of its slots.
    pub classes: &'static [&'static str],
}

/// An intrinsic. Fields left out of a literal come from [`INTRINSIC`].
#[derive(Clone, Copy, Debug)]
pub struct Intrinsic {
    /// Stable id, never reused.
    pub id: u16,
    /// Name in text.
    pub name: &'static str,
    /// First container minor version that knows it.
    pub since: u8,
    /// Arguments: names of logical types and classes.
    pub args: &'static [&'static str],
    /// Results: names of logical types and classes.
    pub rets: &'static [&'static str],
    /// Slots that the spec says the arguments take.
    pub arg_slots: u8,
    /// Slots that the spec says the results take.
    pub ret_slots: u8,
    /// [`op_flags`] bits from its effects.
    pub effects: u16,
    /// Traps in the order they are checked.
    pub traps: &'static [TrapCode],
    /// Units charged every time.
    pub fuel: u16,
    /// With a schedule by size, one more unit for every `1 << shift` bytes of its arguments; 0 for none.
    pub fuel_shift: u8,
}

/// The values of the fields that an [`Intrinsic`] literal leaves out.
pub const INTRINSIC: Intrinsic = Intrinsic {
    id: 0,
    name: "",
    since: 1,
    args: &[],
    rets: &[],
    arg_slots: 0,
    ret_slots: 0,
    effects: op_flags::PURE,
    traps: &[],
    fuel: 1,
    fuel_shift: 0,
};

/// Everything the literals hold.
#[derive(Clone, Copy, Debug)]
pub struct Literals {
    /// Opcodes, by family.
    pub families: &'static [&'static [Op]],
    /// Register classes by tag.
    pub classes: &'static [Class],
    /// Logical types.
    pub types: &'static [Type],
    /// Intrinsics by id.
    pub intrinsics: &'static [Intrinsic],
}

/// Why literals do not make tables: what is wrong, and the opcode or type it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiteralError {
    /// The opcode, class or type.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl core::fmt::Display for LiteralError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "literal `{}`: {}", self.name, self.problem)
    }
}

impl core::error::Error for LiteralError {}

/// The blobs that the literals stand for: file name and bytes, in table order.
///
/// # Errors
/// If a literal names an operand, class or name length that does not fit its row.
pub fn tables(all: &Literals) -> Result<Vec<(&'static str, Vec<u8>)>, LiteralError> {
    let last = all.families.iter().flat_map(|f| f.iter()).map(|op| row_of(op.didx())).max().unwrap_or(0);
    if last == usize::MAX {
        return Err(LiteralError { name: "opcodes", problem: "one is on a page that belongs to nobody" });
    }
    let slots = (OWN_PAGES << 8).max(last + 1);
    let mut ops: Vec<OpRow> = (0..slots).map(|_| empty::<OpRow>()).collect();
    let mut names: Vec<NameRow> = (0..slots).map(|_| empty::<NameRow>()).collect();
    let mut text: Vec<TextRow> = (0..slots).map(|_| empty::<TextRow>()).collect();
    let mut lookup = Vec::new();
    for op in all.families.iter().flat_map(|f| f.iter()) {
        let didx = op.didx();
        let at = row_of(didx);
        if ops[at].present() {
            return Err(LiteralError { name: op.name, problem: "its byte is already taken" });
        }
        ops[at] = op.row()?;
        names[at] = op.name_row(op.mnemonic)?;
        text[at] = op.text_row()?;
        lookup.push(lookup_row(op.name_row(op.mnemonic)?, didx, 0));
        for alias in op.aliases {
            lookup.push(lookup_row(op.name_row(alias)?, didx, 1));
        }
    }
    lookup.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    let classes: Vec<ClassRow> = all.classes.iter().map(Class::row).collect::<Result<_, _>>()?;
    let types: Vec<TypeRow> = all.types.iter().map(|t| t.row(all.classes)).collect::<Result<_, _>>()?;
    let intrinsics: Vec<IntrinsicRow> =
        all.intrinsics.iter().map(|i| i.row(all)).collect::<Result<_, _>>()?;
    let blobs = [
        blob(&ops),
        blob(&names),
        blob(&text),
        blob(&lookup),
        blob(&classes),
        blob(&types),
        blob(&intrinsics),
    ];
    Ok(Blobs::FILES.into_iter().zip(blobs).collect())
}

/// Header and rows as the bytes of a file.
#[must_use]
pub fn blob<R: TableRow>(rows: &[R]) -> Vec<u8> {
    let header = Header::of::<R>(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    let mut out = Vec::with_capacity(16 + size_of_val(rows));
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(rows.as_bytes());
    out
}

fn empty<R: TableRow>() -> R {
    R::new_zeroed()
}

fn lookup_row(name: NameRow, didx: u16, alias: u8) -> LookupRow {
    LookupRow { name, didx: U16::new(didx), alias, reserved: 0 }
}

impl Operand {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match *self {
            Self::W(n, _)
            | Self::R(n, _)
            | Self::WOf(n, _, _)
            | Self::ROf(n, _, _)
            | Self::Ws(n, _)
            | Self::Rs(n, _)
            | Self::WsOf(n, _, _)
            | Self::RsOf(n, _, _)
            | Self::WOpt(n, _)
            | Self::ROpt(n, _)
            | Self::WOptOf(n, _, _)
            | Self::ROptOf(n, _, _)
            | Self::X(n, _, _) => n,
        }
    }

    fn row(&self, op: &Op) -> Result<OperandRow, LiteralError> {
        use Access::{Read, Write};
        use OperandKind::{Reg, RegList, RegOpt};
        let (kind, access, ty, of) = match *self {
            Self::X(_, kind, enc) => {
                return Ok(OperandRow { kind: kind.code(), enc: enc.code(), ..OperandRow::default() });
            }
            Self::W(_, ty) => (Reg, Write, ty, None),
            Self::R(_, ty) => (Reg, Read, ty, None),
            Self::WOf(_, ty, of) => (Reg, Write, ty, Some(of)),
            Self::ROf(_, ty, of) => (Reg, Read, ty, Some(of)),
            Self::Ws(_, ty) => (RegList, Write, ty, None),
            Self::Rs(_, ty) => (RegList, Read, ty, None),
            Self::WsOf(_, ty, of) => (RegList, Write, ty, Some(of)),
            Self::RsOf(_, ty, of) => (RegList, Read, ty, Some(of)),
            Self::WOpt(_, ty) => (RegOpt, Write, ty, None),
            Self::ROpt(_, ty) => (RegOpt, Read, ty, None),
            Self::WOptOf(_, ty, of) => (RegOpt, Write, ty, Some(of)),
            Self::ROptOf(_, ty, of) => (RegOpt, Read, ty, Some(of)),
        };
        let enc = kind.encoding();
        let arg = match of {
            Some(name) => op.position(name)?,
            None => 0,
        };
        Ok(OperandRow { kind: kind.code(), enc: enc.code(), access: access.code(), ty: ty.code(), arg })
    }
}

impl Op {
    /// Its position in the op table.
    #[must_use]
    pub const fn didx(&self) -> u16 {
        (self.page as u16) << 8 | self.byte as u16
    }

    fn fail<T>(&self, problem: &'static str) -> Result<T, LiteralError> {
        Err(LiteralError { name: self.name, problem })
    }

    fn position(&self, name: &str) -> Result<u8, LiteralError> {
        match self.operands.iter().position(|o| o.name() == name) {
            Some(at) => Ok(at as u8),
            None => self.fail("names an operand that it does not have"),
        }
    }

    fn row(&self) -> Result<OpRow, LiteralError> {
        let mut row: OpRow = empty();
        if self.operands.len() > MAX_OPERANDS || self.rules.len() > MAX_RULES {
            return self.fail("too many operands or rules");
        }
        row.min_len = if self.page == 0 { 1 } else { 3 };
        for (i, operand) in self.operands.iter().enumerate() {
            let o = operand.row(self)?;
            row.min_len += o.enc().min_len();
            match o.access() {
                Access::Read => row.reads |= 1 << i,
                Access::Write => row.writes |= 1 << i,
                Access::None => {}
            }
            row.operands[i] = o;
        }
        for (i, check) in self.rules.iter().enumerate() {
            let (rule, a, b) = match *check {
                Check::One(rule, a) => (rule, self.position(a)?, 0),
                Check::Two(rule, a, b) => (rule, self.position(a)?, self.position(b)?),
                Check::Bound(rule, a, b) => (rule, self.position(a)?, b),
            };
            row.rules[i] = RuleRow { rule: rule.code(), a, b };
        }
        for name in self.fuel.of {
            row.fuel_operands |= 1 << self.position(name)?;
        }
        let traps = self.traps.iter().fold(0u64, |set, t| set | 1 << t.code());
        let mut flags = op_flags::PRESENT | self.effects;
        flags |= if self.term == Term::None { 0 } else { op_flags::TERMINATOR };
        flags |= if traps == 0 { 0 } else { op_flags::MAY_TRAP };
        row.flags = U16::new(flags);
        row.traps = U64::new(traps);
        row.id = U16::new(self.id);
        row.fuel = U16::new(self.fuel.base);
        row.fuel_shift = self.fuel.shift;
        row.n_operands = self.operands.len() as u8;
        (row.term, row.family, row.since) = (self.term.code(), self.family.code(), self.since);
        (row.lower, row.form, row.fuse) = (self.lower.code(), self.form.code(), self.fuse);
        (row.hook, row.jit, row.clif) = (self.hook.code(), self.jit.code(), self.clif.code());
        row.typestate = self.typestate.code();
        Ok(row)
    }

    fn name_row(&self, name: &str) -> Result<NameRow, LiteralError> {
        let mut row: NameRow = empty();
        if name.is_empty() || name.len() > MAX_NAME {
            return self.fail("a mnemonic or alias is empty or too long");
        }
        row.len = name.len() as u8;
        row.text[..name.len()].copy_from_slice(name.as_bytes());
        Ok(row)
    }

    fn text_row(&self) -> Result<TextRow, LiteralError> {
        let mut code = Vec::new();
        if self.text.is_empty() {
            for (i, operand) in self.operands.iter().enumerate() {
                if operand.row(self)?.ty() != TypeRule::Effect {
                    code.extend_from_slice(if code.is_empty() { b"" } else { b", " });
                    code.push(0x80 | i as u8);
                }
            }
        } else {
            let mut rest = self.text;
            while let Some(open) = rest.find('{') {
                let Some(close) = rest.find('}') else { return self.fail("unclosed brace in its text") };
                code.extend_from_slice(&rest.as_bytes()[..open]);
                code.push(0x80 | self.position(&rest[open + 1..close])?);
                rest = &rest[close + 1..];
            }
            code.extend_from_slice(rest.as_bytes());
        }
        let mut row: TextRow = empty();
        if code.len() > MAX_NAME {
            return self.fail("its text template is too long");
        }
        row.len = code.len() as u8;
        row.code[..code.len()].copy_from_slice(&code);
        Ok(row)
    }
}

impl Class {
    fn row(&self) -> Result<ClassRow, LiteralError> {
        let mut row: ClassRow = empty();
        if self.name.len() > row.name.len() {
            return Err(LiteralError { name: self.name, problem: "its name is too long" });
        }
        (row.tag, row.slots) = (self.tag, self.slots);
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        row.flags = flag(self.heap, class_flags::HEAP) | flag(self.linear, class_flags::LINEAR);
        row.rule = self.rule.code();
        row.name[..self.name.len()].copy_from_slice(self.name.as_bytes());
        Ok(row)
    }
}

impl Type {
    fn row(&self, classes: &[Class]) -> Result<TypeRow, LiteralError> {
        let mut row: TypeRow = empty();
        if self.name.len() > row.name.len() || self.classes.len() > row.classes.len() {
            return Err(LiteralError { name: self.name, problem: "its name or layout is too long" });
        }
        row.slots = self.classes.len() as u8;
        for (slot, name) in row.classes.iter_mut().zip(self.classes) {
            let Some(class) = classes.iter().find(|c| c.name == *name) else {
                return Err(LiteralError { name: self.name, problem: "its layout names an unknown class" });
            };
            *slot = class.tag;
        }
        row.name[..self.name.len()].copy_from_slice(self.name.as_bytes());
        Ok(row)
    }
}

impl Intrinsic {
    fn row(&self, all: &Literals) -> Result<IntrinsicRow, LiteralError> {
        let mut row: IntrinsicRow = empty();
        row.id = U16::new(self.id);
        row.flags = U16::new(self.effects);
        row.traps = U64::new(self.traps.iter().fold(0u64, |set, t| set | 1 << t.code()));
        row.fuel = U16::new(self.fuel);
        (row.fuel_shift, row.since) = (self.fuel_shift, self.since);
        (row.n_args, row.n_rets) = (self.args.len() as u8, self.rets.len() as u8);
        (row.arg_slots, row.ret_slots) = (self.arg_slots, self.ret_slots);
        self.layout(all, self.args, self.arg_slots, &mut row.args, &mut row.arg_classes)?;
        self.layout(all, self.rets, self.ret_slots, &mut row.rets, &mut row.ret_classes)?;
        if self.name.is_empty() || self.name.len() > MAX_NAME {
            return self.fail("its name is empty or too long");
        }
        row.name.len = self.name.len() as u8;
        row.name.text[..self.name.len()].copy_from_slice(self.name.as_bytes());
        Ok(row)
    }

    fn fail<T>(&self, problem: &'static str) -> Result<T, LiteralError> {
        Err(LiteralError { name: self.name, problem })
    }

    /// Writes the entries of a layout and the classes of its slots, as many as the spec says.
    fn layout(
        &self,
        all: &Literals,
        names: &[&str],
        wanted: u8,
        entries: &mut [u8],
        slots: &mut [u8],
    ) -> Result<(), LiteralError> {
        if names.len() > entries.len() {
            return self.fail("its layout has too many entries");
        }
        let tag = |name: &str| all.classes.iter().find(|c| c.name == name).map(|c| c.tag);
        let mut used = 0;
        for (entry, name) in entries.iter_mut().zip(names) {
            let classes: &[&str] = match all.types.iter().position(|t| t.name == *name) {
                Some(index) => {
                    *entry = layout::TYPE | index as u8;
                    all.types[index].classes
                }
                None => {
                    let Some(tag) = tag(name) else { return self.fail("its layout names an unknown type") };
                    *entry = tag;
                    core::slice::from_ref(name)
                }
            };
            for class in classes {
                let (Some(slot), Some(tag)) = (slots.get_mut(used), tag(class)) else {
                    return self.fail("its layout takes more slots than a row holds");
                };
                *slot = tag;
                used += 1;
            }
        }
        if used != usize::from(wanted) {
            return self.fail("its layout takes another number of slots than it says");
        }
        Ok(())
    }
}
