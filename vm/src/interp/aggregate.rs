//! Instructions over aggregates: reads of single slots first, and what is rare behind a call.
//!
//! Each gives its trap without having changed anything, so that a dispatcher may leave a word that failed to another one.

use super::machine::{Fault, Machine};
use super::regs::Regs;
use super::translate::agg_kind_of_code;
use super::word::Word;
use crate::heap::{AggFault, AggRead};
use crate::trap::{AggErrorKind, TrapDetail};
use crate::types::TypeId;
use crate::value_type::ValueType;
use opforge_schema::TrapCode;

impl Machine<'_> {
    #[inline(never)]
    pub(super) fn agg_new(&mut self, regs: Regs, word: Word) -> Fault {
        let lists = self.code.pool.get(word.c as usize..).unwrap_or(&[]);
        let Some((&[len, slots], values)) = lists.split_first_chunk() else { return Ok(()) };
        let values = values.get(..slots as usize).unwrap_or(&[]);
        // SAFETY: element slots are slots of the frame (fact 1 of `regs`).
        let values = values.iter().map(|&slot| unsafe { regs.get(slot) });
        let handle = self.heap.new_node(TypeId(word.b), len, values).ok_or(TrapCode::MemoryLimitExceeded)?;
        // SAFETY: `a` is a slot of the frame (fact 1 of `regs`).
        unsafe { regs.set(word.a, handle) };
        Ok(())
    }

    /// Reads an element: the one that the pool says, or one by index.
    #[inline(never)]
    pub(super) fn agg_get(&mut self, regs: Regs, word: Word, index: Option<u64>) -> Fault {
        let lists = self.code.pool.get(word.c as usize..).unwrap_or(&[]);
        let Some(&[imm, shape, elem, width]) = lists.first_chunk() else { return Ok(()) };
        let read = AggRead { shape: TypeId(shape), elem: TypeId(elem), width };
        let index = index.unwrap_or(imm.into());
        // SAFETY: `b` is a slot of the frame (fact 1 of `regs`).
        let handle = unsafe { regs.get(word.b) };
        if width == 1
            && let Some(value) = self.heap.element(handle, index, read.shape)
        {
            // SAFETY: the destination is one slot of the frame, as the element is (fact 1 of `regs`).
            unsafe { regs.set(word.a, value) };
            return Ok(());
        }
        self.agg_get_checked(regs, word.a, (handle, index), &read)
    }

    /// The same for elements of any width, and of nodes that may have another shape.
    #[inline(never)]
    fn agg_get_checked(
        &mut self,
        regs: Regs,
        dst: u32,
        (handle, index): (u64, u64),
        read: &AggRead,
    ) -> Fault {
        let offset = match self.heap.find_element(handle, index, read) {
            Ok(offset) => offset,
            Err(fault) => return Err(self.agg_fault(fault, read)),
        };
        for i in 0..read.width {
            let Some(value) = self.heap.node_slot(handle, offset + i) else { continue };
            // SAFETY: the destination has as many slots as the element type (fact 1 of `regs`).
            unsafe { regs.set(dst + i, value) };
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn agg_len(&mut self, regs: Regs, word: Word) -> Fault {
        // SAFETY: `b` is a slot of the frame (fact 1 of `regs`).
        let handle = unsafe { regs.get(word.b) };
        match self.heap.agg_len(handle, agg_kind_of_code(word.c)) {
            Ok(len) => {
                // SAFETY: `a` is a slot of the frame (fact 1 of `regs`).
                unsafe { regs.set(word.a, len) };
                Ok(())
            }
            Err(fault) => {
                let none = AggRead { shape: TypeId::AGG, elem: TypeId::AGG, width: 0 };
                Err(self.agg_fault(fault, &none))
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn agg_fault(&mut self, fault: AggFault, read: &AggRead) -> TrapCode {
        let kind = match fault {
            AggFault::BadHandle => AggErrorKind::BadHandle,
            AggFault::WrongKind => AggErrorKind::WrongKind,
            AggFault::OutOfBounds => AggErrorKind::OutOfBounds,
            AggFault::ElementType(actual) => {
                let class = |ty| self.heap.types().class(ty).unwrap_or(ValueType::Agg);
                self.detail = TrapDetail::Types { expected: class(read.elem), actual: class(actual) };
                return TrapCode::TypeMismatch;
            }
        };
        self.detail = TrapDetail::Agg(kind);
        TrapCode::AggError
    }
}
