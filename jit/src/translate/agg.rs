//! Aggregates: calls of the heap.

use super::Translator;
use crate::context::Helper;
use crate::error::JitError;
use cranelift_codegen::ir::{Value, types};
use opforge_vm::heap::AggKind;
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::{Slot, SlotList};
use opforge_vm::types::TypeId;

impl Translator<'_> {
    pub(super) fn agg_new(
        &mut self,
        at: InstrIx,
        dst: Slot,
        (ty, len): (TypeId, u32),
        values: SlotList,
    ) -> Result<(), JitError> {
        let exit = self.exit_before(at)?;
        let values: Vec<Value> = self.function.slots(values).iter().map(|&slot| self.read(slot)).collect();
        self.spill(&values);
        let args =
            [u64::from(ty.0), len.into(), values.len() as u64].map(|value| self.immediate(types::I64, value));
        let handle = self.call_helper(Helper::AGG_NEW, &args);
        let none = self.is_negative(handle);
        self.branch_away(none, exit);
        self.write(dst, handle);
        Ok(())
    }

    pub(super) fn agg_get(
        &mut self,
        at: InstrIx,
        dst: Slot,
        agg: Slot,
        index: Value,
        read: u32,
    ) -> Result<(), JitError> {
        let read = *self.function.agg_reads.get(read as usize).ok_or(self.internal())?;
        let exit = self.exit_before(at)?;
        let handle = self.read(agg);
        let types = u64::from(read.shape.0) << 32 | u64::from(read.elem.0);
        let [types, width] = [types, read.width.into()].map(|value| self.immediate(types::I64, value));
        let status = self.call_helper(Helper::AGG_GET, &[handle, index, types, width]);
        self.branch_away(status, exit);
        if read.width > 0 {
            self.unspill(0, dst..dst + read.width);
        }
        Ok(())
    }

    pub(super) fn agg_len(
        &mut self,
        at: InstrIx,
        dst: Slot,
        agg: Slot,
        kind: AggKind,
    ) -> Result<(), JitError> {
        let exit = self.exit_before(at)?;
        let handle = self.read(agg);
        let kind = match kind {
            AggKind::Tuple => 0,
            AggKind::Struct => 1,
            AggKind::Array => 2,
        };
        let kind = self.immediate(types::I64, kind);
        let len = self.call_helper(Helper::AGG_LEN, &[handle, kind]);
        let none = self.is_negative(len);
        self.branch_away(none, exit);
        self.write(dst, len);
        Ok(())
    }
}
