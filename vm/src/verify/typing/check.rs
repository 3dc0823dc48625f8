//! The check: every read has the type its row asks for, and every write fits the type of its register.
//!
//! Nothing that inference said is believed: the type of each copied write is compared with what is copied.

use super::infer::Graph;
use super::lattice::{Lattice, UNSET};
use super::locals::{Locals, Write, element_index, for_each_write, same_regs};
use crate::codec::{Registers, class_of};
use crate::ids::{InstrIx, IntrinsicId, Reg};
use crate::types::{Type, TypeId};
use crate::value_type::ValueType;
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::cx::{FuncCx, ListTypes, Op};
use crate::verify::error::{AggKind, SlotSide, VerifyErrorKind};
use crate::verify::flow::Flow;
use crate::verify::reg_set::RegSet;
use crate::verify::report::FuncErrors;
use crate::verify::session::Texts;
use alloc::format;
use alloc::vec::Vec;
use opforge_schema::{Access, OperandKind, OperandRow, Rule, RuleRow, TypeRule, Typestate};

/// What the check finds out.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// The aggregate types that instructions work on.
    pub(super) agg_types: Vec<(InstrIx, TypeId)>,
    /// Messages whose value does not fit: the instruction, and which of its values.
    pub(super) misfits: Vec<(InstrIx, usize)>,
}

/// What is kept from function to function.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Types of the registers that the block has written.
    locals: Locals<TypeId>,
    written: RegSet,
}

/// Checks every instruction.
pub(super) fn check(
    cx: &FuncCx<'_>,
    flow: &Flow,
    inferred: &Graph,
    Scratch { locals, written }: &mut Scratch,
    lattice: &mut Lattice,
    budget: &mut Budget,
    errors: &mut FuncErrors,
) -> Result<Checked, Exhausted> {
    locals.begin(cx.used_regs, UNSET);
    written.begin(cx.used_regs);
    let mut checker = Checker {
        cx,
        inferred,
        lattice,
        budget,
        errors,
        locals,
        written,
        found: Checked::default(),
        keep_misfits: cx.messages.unchecked,
        writes: Vec::new(),
        sound: true,
        doubt: None,
    };
    let mut copies = inferred.copies();
    for block in 0..flow.starts.len() as u32 {
        checker.locals.enter_block();
        if block == 0 && !flow.entry_is_target {
            (1u32..).zip(&inferred.params).for_each(|(reg, &ty)| checker.locals.set(reg, ty));
        }
        let (start, end) = flow.range(block);
        for (ix, registers) in cx.steps(start, end) {
            if registers.is_simple() && checker.passes(registers) {
                continue;
            }
            let Some(op) = cx.op_at(ix) else { continue };
            checker.check_reads(&op)?;
            checker.check_writes(&op, &mut copies)?;
            if op.row.typestate() == Typestate::Abort {
                // Registers are what they were at the fork: what this block wrote is no longer known.
                checker.locals.enter_block();
            }
        }
    }
    checker.finish();
    Ok(checker.found)
}

#[derive(Debug)]
struct Checker<'c, 'a> {
    cx: &'c FuncCx<'a>,
    inferred: &'c Graph,
    lattice: &'c mut Lattice,
    budget: &'c mut Budget,
    errors: &'c mut FuncErrors,
    /// Types of the registers that the block has written.
    locals: &'c mut Locals<TypeId>,
    written: &'c mut RegSet,
    found: Checked,
    /// Whether messages that do not fit are no errors.
    keep_misfits: bool,
    /// Whether the instruction being checked has no error so far.
    sound: bool,
    /// The writes of the instruction being checked.
    writes: Vec<(u32, Write<'a>)>,
    /// The first place where a type is missing. Mostly the consequence of an error elsewhere, and only
    /// reported if there is no other.
    doubt: Option<(u32, VerifyErrorKind)>,
}

impl<'a> Checker<'_, 'a> {
    /// The type of a register here; [`UNSET`] if it has none or more than one.
    fn type_of(&self, reg: u32) -> TypeId {
        if let Some(ty) = self.locals.get(reg) {
            return ty;
        }
        let at = reg as usize;
        let conflict = self.inferred.conflicts.get(at).copied().unwrap_or(false);
        self.inferred.reg_types.get(at).copied().filter(|_| !conflict).unwrap_or(UNSET)
    }

    fn error(&mut self, op: &Op<'_>, kind: VerifyErrorKind) {
        self.sound = false;
        self.errors.add_at(op.pc(), kind);
    }

    fn doubt(&mut self, op: &Op<'_>, kind: VerifyErrorKind) {
        self.doubt.get_or_insert((op.pc(), kind));
    }

    /// Whether a simple instruction is right at first sight: each register that it reads has exactly the type of its
    /// class here, and the one that it writes has that type everywhere. If so, it is done; anything else takes a closer
    /// look, which may find no error either.
    #[inline(always)]
    fn passes(&mut self, registers: &Registers) -> bool {
        if registers.reads().any(|(reg, ty)| self.type_of(reg) != ty) {
            return false;
        }
        let Some((reg, ty)) = registers.write() else { return true };
        let fits = self.inferred.reg_types.get(reg as usize) == Some(&ty);
        if fits {
            self.locals.set(reg, ty);
        }
        fits
    }

    /// Every read operand against its type rule, then the cross-operand rules that need types.
    fn check_reads(&mut self, op: &Op<'a>) -> Result<(), Exhausted> {
        self.sound = true;
        for (row, value) in op.accessing(Access::Read) {
            let rule = row.ty();
            if let Some(class) = class_of(rule) {
                value.entries().for_each(|reg| self.expect(op, reg, class));
                if let Some(kind) = kind_of(rule) {
                    value.entries().for_each(|reg| self.check_kind(op, reg, kind));
                }
                if rule == TypeRule::Fact {
                    value.entries().for_each(|reg| self.check_fact(op, reg));
                }
                continue;
            }
            match rule {
                TypeRule::Callee => value.entries().for_each(|reg| self.check_callee(op, reg)),
                TypeRule::Message => {
                    for (n, reg) in value.entries().enumerate() {
                        self.check_message(op, n, reg)?;
                    }
                }
                TypeRule::Same => value.entries().for_each(|reg| self.check_same(op, row.arg, reg)),
                _ => self.check_list(op, row, value.entries()),
            }
        }
        for rule in op.row.rules() {
            match rule.rule() {
                Rule::SameType => self.check_same_type(op, rule),
                Rule::IndexInShape => self.check_index(op, rule),
                Rule::None
                | Rule::RegIsR0
                | Rule::ListLenEq
                | Rule::ImmLt
                | Rule::ResultsAreOwn
                | Rule::ConstIsData => {}
            }
        }
        Ok(())
    }

    /// The value of a message is what its label carries.
    fn check_message(&mut self, op: &Op<'_>, n: usize, reg: u32) -> Result<(), Exhausted> {
        let Some(Some((payload, wide))) = self.cx.payload(op.ix, n) else { return Ok(()) };
        let narrow = self.type_of(reg);
        let (expected, actual) = (self.lattice.class(wide), self.lattice.class(narrow));
        let (Some(expected), Some(actual)) = (expected, actual) else {
            self.doubt(op, VerifyErrorKind::UnknownTypeAtUse { reg: Reg(reg) });
            return Ok(());
        };
        if expected == actual && self.lattice.covers(wide, narrow, self.budget)? {
            return Ok(());
        }
        self.budget.memory_for::<(InstrIx, usize)>(2)?;
        self.found.misfits.push((op.ix, n));
        if !self.keep_misfits {
            self.sound = false;
            let kind = if expected == actual {
                VerifyErrorKind::MessageShape { reg: Reg(reg) }
            } else {
                VerifyErrorKind::MessageType { reg: Reg(reg), expected, actual }
            };
            let note = format!("the message carries {}", Texts::new(self.cx.program).payload(payload));
            self.errors.add_noted(op.pc(), kind, Some(note));
        }
        Ok(())
    }

    /// An aggregate is known to be a fact: the name of an endpoint, and a text.
    fn check_fact(&mut self, op: &Op<'_>, reg: u32) {
        let ty = self.type_of(reg);
        let is_fact = match self.lattice.types().get(ty) {
            Type::Tuple(elems) => elems == [TypeId::EPID, TypeId::STR],
            _ => false,
        };
        if self.sound && ty != UNSET && !is_fact {
            self.error(op, VerifyErrorKind::NotAFact { reg: Reg(reg) });
        }
    }

    fn expect(&mut self, op: &Op<'_>, reg: u32, expected: ValueType) {
        let reg_type = self.type_of(reg);
        match self.lattice.class(reg_type) {
            Some(actual) if actual == expected => {}
            Some(actual) => {
                let kind = VerifyErrorKind::TypeMismatch { reg: Reg(reg), expected, actual };
                self.error(op, kind);
            }
            None => self.doubt(op, VerifyErrorKind::UnknownTypeAtUse { reg: Reg(reg) }),
        }
    }

    /// A register that is an argument slot of an intrinsic.
    fn expect_slot(&mut self, op: &Op<'_>, row: &OperandRow, reg: u32, expected: ValueType) {
        match self.lattice.class(self.type_of(reg)) {
            Some(actual) if actual == expected => {}
            Some(actual) => {
                let kind = slot_class(op, row, Reg(reg), expected, actual);
                self.error(op, kind);
            }
            None => self.doubt(op, VerifyErrorKind::UnknownTypeAtUse { reg: Reg(reg) }),
        }
    }

    fn check_list(&mut self, op: &Op<'a>, row: &OperandRow, regs: impl Iterator<Item = u32>) {
        match self.cx.list_types(op, row) {
            types @ ListTypes::Classes(_) => {
                for (i, reg) in regs.enumerate() {
                    if let Some(expected) = types.get(i) {
                        self.expect_slot(op, row, reg, expected);
                    }
                }
            }
            ListTypes::Types(types) => regs.zip(types).for_each(|(reg, &ty)| self.expect(op, reg, ty)),
            ListTypes::Each(ty) | ListTypes::Repeat(ty, _) => regs.for_each(|reg| self.expect(op, reg, ty)),
            ListTypes::Any => {
                let mut regs = regs;
                if let Some(reg) = regs.find(|&reg| self.type_of(reg) == UNSET) {
                    self.doubt(op, VerifyErrorKind::UnknownTypeAtUse { reg: Reg(reg) });
                }
            }
        }
    }

    fn check_callee(&mut self, op: &Op<'_>, reg: u32) {
        if self.lattice.class(self.type_of(reg)) != Some(ValueType::Closure) {
            self.expect(op, reg, ValueType::Func);
        }
    }

    /// The register is of the class of operand `arg`.
    fn check_same(&mut self, op: &Op<'_>, arg: u8, reg: u32) {
        let Some(other) = op.id(arg) else { return };
        match self.lattice.class(self.type_of(other)) {
            Some(class) => self.expect(op, reg, class),
            None => self.doubt(op, VerifyErrorKind::UnknownTypeAtUse { reg: Reg(other) }),
        }
    }

    fn check_same_type(&mut self, op: &Op<'_>, rule: &RuleRow) {
        let Some((row, value)) = op.operand(rule.b) else { return };
        // A `same` rule of the operand itself says it already.
        if row.ty() != TypeRule::Same || row.arg != rule.a {
            value.entries().for_each(|reg| self.check_same(op, rule.a, reg));
        }
    }

    /// An aggregate whose shape is known is of the kind the instruction reads.
    fn check_kind(&mut self, op: &Op<'_>, reg: u32, expected: AggKind) {
        let ty = self.type_of(reg);
        let actual = match self.lattice.types().get(ty) {
            Type::Tuple(_) => Some(AggKind::Tuple),
            Type::Struct(..) => Some(AggKind::Struct),
            Type::Array(..) => Some(AggKind::Array),
            Type::Value(_) | Type::Unknown => None,
        };
        if let Some(actual) = actual.filter(|&actual| actual != expected) {
            self.error(op, VerifyErrorKind::AggKindMismatch { reg: Reg(reg), expected, actual });
        }
        self.record(op, ty);
    }

    /// An immediate index is within the shape, where that is known.
    fn check_index(&mut self, op: &Op<'_>, rule: &RuleRow) {
        let (Some(index), Some(reg)) = (op.id(rule.a), op.id(rule.b)) else { return };
        let kind = match self.lattice.types().get(self.type_of(reg)) {
            Type::Tuple(elems) if index as usize >= elems.len() => {
                VerifyErrorKind::TupleIndexOutOfBounds { arity: elems.len() as u32, index }
            }
            Type::Struct(type_id, fields) if index as usize >= fields.len() => {
                let fields = fields.len() as u32;
                VerifyErrorKind::StructFieldIndexOutOfBounds { type_id, fields, index }
            }
            _ => return,
        };
        self.error(op, kind);
    }

    fn record(&mut self, op: &Op<'_>, ty: TypeId) {
        if self.found.agg_types.last().is_none_or(|&(ix, _)| ix != op.ix) {
            self.found.agg_types.push((op.ix, ty));
        }
    }

    /// Every write fits its register; then the block knows them.
    fn check_writes(
        &mut self,
        op: &Op<'a>,
        copies: &mut impl Iterator<Item = TypeId>,
    ) -> Result<(), Exhausted> {
        let mut writes = core::mem::take(&mut self.writes);
        let cx = self.cx;
        for_each_write(cx, op, self.written, self.lattice, |reg, write| {
            writes.push((reg, write));
            Ok(())
        })?;
        for (_, write) in &mut writes {
            if let Write::Copied(row) = *write {
                let ty = copies.next().unwrap_or(UNSET);
                *write = Write::Fixed(self.check_copy(op, row, ty)?.then_some(ty));
            }
        }
        for (reg, write) in writes.drain(..) {
            let Write::Fixed(ty) = write else { continue };
            let ty = ty.unwrap_or(UNSET);
            // After an error the register has no type, so that its reads are not errors too.
            let ty = if self.check_write(op, reg, ty)? { ty } else { UNSET };
            self.locals.set(reg, ty);
        }
        self.writes = writes;
        if let Some((_, made)) = op.accessing(Access::Write).find(|(row, _)| makes_agg(row.ty())) {
            let made = made.scalar32().map_or(UNSET, |reg| self.type_of(reg));
            self.record(op, made);
        }
        Ok(())
    }

    /// Whether `ty` covers what a copied write copies. If it does not, there is an error here or elsewhere.
    fn check_copy(&mut self, op: &Op<'a>, row: &OperandRow, ty: TypeId) -> Result<bool, Exhausted> {
        match row.ty() {
            TypeRule::Same => self.covers_all(ty, same_regs(op, row.arg)),
            TypeRule::ElementOf => self.check_element(op, row.arg, ty),
            _ => self.check_tuple(op, row.arg, ty),
        }
    }

    fn covers_all(&mut self, ty: TypeId, regs: impl Iterator<Item = u32>) -> Result<bool, Exhausted> {
        for reg in regs {
            let narrow = self.type_of(reg);
            if !self.lattice.covers(ty, narrow, self.budget)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The element that is read has a known type, and `ty` covers it.
    fn check_element(&mut self, op: &Op<'_>, arg: u8, ty: TypeId) -> Result<bool, Exhausted> {
        let Some(reg) = op.id(arg) else { return Ok(false) };
        let agg = self.type_of(reg);
        if let Some(elem) = self.lattice.element(agg, element_index(op, arg)) {
            return self.lattice.covers(ty, elem, self.budget);
        }
        // Another class, another kind or an index past the end is an error by now. What remains is an
        // unknown shape or an open element.
        let kind = VerifyErrorKind::UnknownTypeAtUse { reg: Reg(reg) };
        if self.sound && agg != UNSET {
            self.error(op, kind)
        } else {
            self.doubt(op, kind)
        }
        Ok(false)
    }

    /// `ty` is the type of a tuple of the registers in list `arg`.
    fn check_tuple(&mut self, op: &Op<'_>, arg: u8, ty: TypeId) -> Result<bool, Exhausted> {
        let regs = op.operand(arg).map_or(&[][..], |(_, value)| value.list());
        let Type::Tuple(elems) = self.lattice.types().get(ty) else { return Ok(false) };
        if elems.len() != regs.len() {
            return Ok(false);
        }
        // An element is the register's type, or has lost its shape, or is that type made flat.
        for i in 0..regs.len() {
            let (Some(&reg), Type::Tuple(elems)) = (regs.get(i), self.lattice.types().get(ty)) else {
                return Ok(false);
            };
            let elem = elems.get(i).copied().unwrap_or(UNSET);
            let narrow = self.type_of(reg);
            if !self.lattice.covers(elem, narrow, self.budget)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the register's type covers the write. If it does not, there is an error here or elsewhere.
    fn check_write(&mut self, op: &Op<'_>, reg: u32, ty: TypeId) -> Result<bool, Exhausted> {
        let wide = self.inferred.reg_types.get(reg as usize).copied().unwrap_or(UNSET);
        if wide == ty && ty != UNSET {
            return Ok(true);
        }
        match (self.lattice.class(wide), self.lattice.class(ty)) {
            (Some(expected), Some(actual)) if expected != actual => {
                let kind = unstable(op, Reg(reg), expected, actual);
                self.error(op, kind);
            }
            (Some(_), Some(_)) if self.lattice.covers(wide, ty, self.budget)? => return Ok(true),
            _ => self.doubt(op, VerifyErrorKind::UnstableRegType { reg: Reg(reg) }),
        }
        Ok(false)
    }

    /// A doubt without any error to explain it is an error itself.
    fn finish(&mut self) {
        if !self.errors.is_empty() {
            return;
        }
        if let Some((pc, kind)) = self.doubt {
            self.errors.add_at(pc, kind);
        } else if let Some(reg) = self.inferred.conflicts.iter().position(|&conflict| conflict) {
            self.errors.add(VerifyErrorKind::UnstableRegType { reg: Reg(reg as u32) });
        }
    }
}

/// The error for a second type: what a call returns has a type of its own, as has a literal.
fn unstable(op: &Op<'_>, reg: Reg, expected: ValueType, actual: ValueType) -> VerifyErrorKind {
    let list = op.accessing(Access::Write).find(|(row, _)| row.ty() == TypeRule::ResultsOf);
    if let Some((row, _)) = list {
        if op.kind(row.arg) == OperandKind::IntrinsicId {
            return slot_class(op, row, reg, actual, expected);
        }
        VerifyErrorKind::TypeMismatch { reg, expected, actual }
    } else {
        VerifyErrorKind::UnstableRegTypeAt { reg, expected, actual }
    }
}

/// The error for a register of another class than the slot of an intrinsic.
fn slot_class(
    op: &Op<'_>,
    row: &OperandRow,
    reg: Reg,
    expected: ValueType,
    actual: ValueType,
) -> VerifyErrorKind {
    let intrinsic = IntrinsicId(op.id(row.arg).unwrap_or(0));
    VerifyErrorKind::IntrinsicSlotClass { intrinsic, side: SlotSide::of(row.ty()), reg, expected, actual }
}

fn makes_agg(rule: TypeRule) -> bool {
    matches!(rule, TypeRule::TupleOf | TypeRule::StructOf | TypeRule::ArrayOf)
}

fn kind_of(rule: TypeRule) -> Option<AggKind> {
    Some(match rule {
        TypeRule::Tuple | TypeRule::Fact => AggKind::Tuple,
        TypeRule::Struct => AggKind::Struct,
        TypeRule::Array => AggKind::Array,
        _ => return None,
    })
}
