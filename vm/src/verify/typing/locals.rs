//! What is known about registers inside one block, and what each write of an instruction gives.

use super::lattice::Lattice;
use crate::codec::class_of;
use crate::ids::{ConstId, ElemId, StructId};
use crate::types::TypeId;
use crate::verify::budget::Exhausted;
use crate::verify::cx::{FuncCx, Op};
use crate::verify::reg_set::RegSet;
use alloc::vec::Vec;
use opforge_schema::{Access, OperandRow, Rule, TypeRule};

/// A value for each register that the current block has written so far. Kept from function to function.
#[derive(Debug)]
pub(super) struct Locals<T> {
    block: u32,
    /// The block that wrote the register last, and its value. Blocks are counted over all functions.
    slots: Vec<(u32, T)>,
}

impl<T> Default for Locals<T> {
    fn default() -> Self {
        Self { block: 0, slots: Vec::new() }
    }
}

impl<T: Copy> Locals<T> {
    /// Makes room for registers below `regs` of the next function, others have no value; `empty` is never looked at.
    pub(super) fn begin(&mut self, regs: u32, empty: T) {
        self.slots.resize(regs as usize, (0, empty));
    }

    /// Forgets everything.
    pub(super) fn enter_block(&mut self) {
        self.block = self.block.wrapping_add(1);
        if self.block == 0 {
            self.slots.iter_mut().for_each(|(block, _)| *block = 0);
            self.block = 1;
        }
    }

    pub(super) fn set(&mut self, reg: u32, value: T) {
        if let Some(slot) = self.slots.get_mut(reg as usize) {
            *slot = (self.block, value);
        }
    }

    pub(super) fn get(&self, reg: u32) -> Option<T> {
        let &(block, value) = self.slots.get(reg as usize)?;
        (block == self.block).then_some(value)
    }
}

/// The type of a write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Write<'a> {
    /// Known from the row and the tables of the program; `None` if the row gives no type.
    Fixed(Option<TypeId>),
    /// Copied from operands, as the row's rule says.
    Copied(&'a OperandRow),
}

/// Calls `f` with each register the instruction writes; with each of a list once, for its last entry.
pub(super) fn for_each_write<'a>(
    cx: &FuncCx<'a>,
    op: &Op<'a>,
    written: &mut RegSet,
    lattice: &mut Lattice,
    mut f: impl FnMut(u32, Write<'a>) -> Result<(), Exhausted>,
) -> Result<(), Exhausted> {
    for (row, value) in op.accessing(Access::Write) {
        if row.ty() == TypeRule::Message {
            // Of a list one is written, whichever message comes. What cannot be reached writes nothing.
            for (n, reg) in value.entries().enumerate() {
                if let Some(payload) = cx.payload(op.ix, n) {
                    f(reg, Write::Fixed(Some(payload.map_or(TypeId::UNIT, |(_, ty)| ty))))?;
                }
            }
            continue;
        }
        let Some(reg) = value.scalar32() else {
            let types = cx.list_types(op, row);
            for (i, reg) in written.last_entries(value.list()) {
                let ty = types.get(i);
                f(reg, Write::Fixed(ty.map(|ty| lattice.value(ty)).transpose()?))?;
            }
            continue;
        };
        let write = match row.ty() {
            TypeRule::Same | TypeRule::TupleOf | TypeRule::ElementOf => Write::Copied(row),
            _ => Write::Fixed(fixed_type(cx, op, row, lattice)?),
        };
        f(reg, write)?;
    }
    Ok(())
}

fn fixed_type(
    cx: &FuncCx<'_>,
    op: &Op<'_>,
    row: &OperandRow,
    lattice: &mut Lattice,
) -> Result<Option<TypeId>, Exhausted> {
    let id = || op.id(row.arg);
    Ok(match row.ty() {
        TypeRule::ConstOf => match id().and_then(|id| cx.program.constant(ConstId(id))) {
            Some(constant) => Some(lattice.value(constant.value_type())?),
            None => None,
        },
        TypeRule::StructOf => id().and_then(|id| lattice.types().struct_type(StructId(id))),
        TypeRule::ArrayOf => id().and_then(|id| lattice.types().array_type(ElemId(id))),
        // The one result of an effect, if it has one.
        TypeRule::ResultsOf => match cx.list_types(op, row).get(0) {
            Some(class) => Some(lattice.value(class)?),
            None => None,
        },
        rule => match class_of(rule) {
            Some(class) => Some(lattice.value(class)?),
            None => None,
        },
    })
}

/// The registers whose types a `same` rule joins: operand `arg` and every read operand that must be the same.
pub(super) fn same_regs<'a>(op: &Op<'a>, arg: u8) -> impl Iterator<Item = u32> {
    let of_arg = op.operand(arg).map(|(_, value)| value);
    let same = op
        .accessing(Access::Read)
        .filter(move |(row, _)| row.ty == TypeRule::Same.code() && row.arg == arg)
        .map(|(_, value)| value);
    of_arg.into_iter().chain(same).flat_map(|value| value.entries())
}

/// The immediate index with which an instruction reads aggregate operand `agg`, if it has one.
pub(super) fn element_index(op: &Op<'_>, agg: u8) -> Option<u32> {
    let mut rules = op.row.rules();
    let rule = rules.find(|rule| rule.rule == Rule::IndexInShape.code() && rule.b == agg)?;
    op.id(rule.a)
}
