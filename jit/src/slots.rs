//! Slots as the translator sees them: their machine types, and sets of them.

use cranelift_codegen::ir::{Type, types};
use opforge_vm::ValueType;
use opforge_vm::lower::{ExecFunction, Slot};
use opforge_vm::types::{TypeId, TypeTable};

/// The machine types that the slots of a value have.
pub(crate) fn machine_types(ty: ValueType) -> &'static [Type] {
    match ty {
        ValueType::Unit => &[],
        ValueType::Bool => &[types::I8],
        ValueType::F64 => &[types::F64],
        ValueType::Decimal | ValueType::Closure => &[types::I64, types::I64],
        _ => &[types::I64],
    }
}

/// The machine types of all slots of a list of values.
pub(crate) fn flatten(values: &[ValueType]) -> Vec<Type> {
    values.iter().flat_map(|&ty| machine_types(ty)).copied().collect()
}

/// What each slot of a frame holds.
#[derive(Debug)]
pub(crate) struct SlotTypes {
    /// `None` for a slot of no register: results that nobody reads go there.
    types: Vec<Option<Type>>,
    /// Slots of the value that starts here.
    widths: Vec<u8>,
}

impl SlotTypes {
    pub(crate) fn of(function: &ExecFunction, table: &TypeTable) -> Self {
        let slots = function.frame_slots as usize;
        let (mut types, mut widths) = (vec![None; slots], vec![1; slots]);
        for (&first, &ty) in function.reg_slots.iter().zip(&function.reg_types) {
            let machine = machine_types(class(table, ty));
            for (i, &machine_type) in machine.iter().enumerate() {
                if let Some(slot) = types.get_mut(first as usize + i) {
                    *slot = Some(machine_type);
                }
            }
            if machine.len() > 1
                && let Some(width) = widths.get_mut(first as usize)
            {
                *width = machine.len() as u8;
            }
        }
        Self { types, widths }
    }

    pub(crate) fn len(&self) -> usize {
        self.types.len()
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<Type> {
        self.types.get(slot as usize).copied().flatten()
    }

    /// The slots of the value that starts at a slot.
    pub(crate) fn value_at(&self, slot: Slot) -> core::ops::Range<Slot> {
        slot..slot + u32::from(self.widths.get(slot as usize).copied().unwrap_or(1))
    }
}

fn class(table: &TypeTable, ty: TypeId) -> ValueType {
    // What has no class is the open element of a declared shape, which no register holds.
    table.class(ty).unwrap_or(ValueType::Agg)
}

/// A set of slots of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotSet(Vec<u64>);

impl SlotSet {
    pub(crate) fn new(slots: usize) -> Self {
        Self(vec![0; slots.div_ceil(64)])
    }

    pub(crate) fn insert(&mut self, slot: Slot) {
        if let Some(word) = self.0.get_mut(slot as usize / 64) {
            *word |= 1 << (slot % 64);
        }
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Some(word) = self.0.get_mut(slot as usize / 64) {
            *word &= !(1 << (slot % 64));
        }
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        self.0.iter().enumerate().flat_map(|(i, &word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| i as u32 * 64 + bit)
        })
    }
}
