//! Embedders' opcodes and intrinsics: calls of their functions through the context's slots.

use super::Translator;
use crate::error::JitError;
use crate::shims::extension;
use cranelift_codegen::ir::{Value, types};
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::{SizeFuel, SlotList};

impl Translator<'_> {
    /// Calls the function. Where it traps the run is left at the instruction, whose fuel is used: the function is called
    /// once, whichever engine goes on.
    pub(super) fn extension(
        &mut self,
        at: InstrIx,
        (func, imm): (u32, u32),
        size: Option<SizeFuel>,
        args: SlotList,
        rets: SlotList,
    ) -> Result<(), JitError> {
        let live = self.live_at(at)?;
        let values: Vec<Value> = self.function.slots(args).iter().map(|&slot| self.read(slot)).collect();
        if let Some(size) = size {
            self.pay_by_size(at, size, &values)?;
        }
        if !values.is_empty() {
            self.spill(&values);
        }
        self.tables.need_spill(values.len() + rets.len as usize);
        let lens = values.len() as u64 | u64::from(rets.len) << 32;
        let numbers = [func.into(), imm.into(), lens].map(|number| self.immediate(types::I64, number));
        let address = self.immediate(types::I64, extension as *const () as u64);
        let meter = self.builder.use_var(self.meter);
        let status = self.call_rust(address, &numbers, 1);
        let exit = self.exit_of_host_call(at, &live.before, meter)?;
        self.branch_away(status, exit);
        let slots = self.function.slots(rets).to_vec();
        self.unspill(values.len(), slots);
        Ok(())
    }
}
