//! Leaving compiled code, and calls of Rust functions.

use super::Translator;
use crate::context::{self, Context, Helper, IN_CALL};
use crate::error::JitError;
use crate::signatures;
use crate::slots::SlotSet;
use cranelift_codegen::ir::{
    AbiParam, Block, ExtFuncData, ExternalName, FuncRef, InstBuilder, MemFlagsData as MemFlags, Signature,
    UserExternalName, Value, types,
};
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::Slot;

/// A block that leaves, to be filled when everything else is there.
pub(super) struct PendingExit {
    block: Block,
    site: usize,
    live: Vec<Slot>,
    /// Fuel given back; `None` if the frame waits for a call.
    refund: Option<u64>,
    /// More fuel given back, known when the code runs.
    paid: Option<Value>,
}

/// What is needed to leave an instruction that has paid fuel by size.
pub(super) struct ExitAfter {
    at: InstrIx,
    live: SlotSet,
    refund: u64,
}

impl Translator<'_> {
    /// A block that leaves at an instruction with these live slots, and gives fuel back.
    pub(super) fn exit(&mut self, at: InstrIx, live: &SlotSet, refund: u64) -> Result<Block, JitError> {
        self.pending(at, live, Some(refund), None)
    }

    /// Two blocks that leave before an instruction has run: one for before it has paid fuel by size, and one for
    /// after it has paid `paid`.
    pub(super) fn exits_around_payment(&mut self, at: InstrIx) -> Result<(Block, ExitAfter), JitError> {
        let live = self.live_at(at)?;
        let refund = self.unused(at);
        let before = self.exit(at, &live.before, refund)?;
        Ok((before, ExitAfter { at, live: live.before, refund }))
    }

    /// The second of the blocks.
    pub(super) fn exit_after(&mut self, exit: &ExitAfter, paid: Option<Value>) -> Result<Block, JitError> {
        self.pending(exit.at, &exit.live, Some(exit.refund), paid)
    }

    /// A block that leaves while the call at an instruction is active.
    pub(super) fn exit_in_call(&mut self, at: InstrIx, live: &SlotSet) -> Result<Block, JitError> {
        self.pending(at, live, None, None)
    }

    /// A block that leaves before an instruction has run: its fuel and that of the rest of the segment is given
    /// back.
    pub(super) fn exit_before(&mut self, at: InstrIx) -> Result<Block, JitError> {
        let live = self.live_at(at)?;
        let refund = self.unused(at);
        self.exit(at, &live.before, refund)
    }

    fn pending(
        &mut self,
        at: InstrIx,
        live: &SlotSet,
        refund: Option<u64>,
        paid: Option<Value>,
    ) -> Result<Block, JitError> {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        let live: Vec<Slot> = live.iter().filter(|&slot| self.types.get(slot).is_some()).collect();
        let site = self.tables.add_site(self.func, at, &live)?;
        self.exits.push(PendingExit { block, site, live, refund, paid });
        Ok(block)
    }

    /// Fills the blocks that leave.
    pub(super) fn finish_exits(&mut self) {
        for exit in std::mem::take(&mut self.exits) {
            self.builder.seal_block(exit.block);
            self.builder.switch_to_block(exit.block);
            if !exit.live.is_empty() {
                let values: Vec<Value> = exit.live.iter().map(|&slot| self.read(slot)).collect();
                self.spill(&values);
            }
            let fuel = match exit.refund {
                Some(refund) => {
                    let fuel = self.builder.use_var(self.fuel);
                    let refund = self.immediate(types::I64, refund);
                    let fuel = self.builder.ins().iadd(fuel, refund);
                    match exit.paid {
                        Some(paid) => self.builder.ins().iadd(fuel, paid),
                        None => fuel,
                    }
                }
                None => self.immediate(types::I64, IN_CALL),
            };
            let site = self.immediate(types::I64, exit.site as u64);
            self.call_helper(Helper::LEAVE_AT, &[site, fuel]);
            self.return_left();
        }
    }

    /// Returns that the run was left; results mean nothing.
    fn return_left(&mut self) {
        let returns: Vec<_> = self.builder.func.signature.returns.iter().map(|ret| ret.value_type).collect();
        let mut values = Vec::with_capacity(returns.len());
        for (i, ty) in returns.into_iter().enumerate() {
            let value = if i == 0 { context::LEFT as u64 } else { 0 };
            values.push(self.immediate(ty, value));
        }
        self.builder.ins().return_(&values);
    }

    /// Memory that is aligned and there.
    pub(super) fn trusted(&self) -> MemFlags {
        MemFlags::trusted()
    }

    /// Writes values to the context's slots.
    pub(super) fn spill(&mut self, values: &[Value]) {
        self.tables.need_spill(values.len());
        let flags = self.trusted();
        let spill = self.builder.ins().load(types::I64, flags, self.context, Context::SPILL);
        for (i, &value) in values.iter().enumerate() {
            let value = self.widen(value);
            self.builder.ins().store(flags, value, spill, (i * 8) as i32);
        }
    }

    /// Reads slots from the context, from `start` on, as those slots of the frame.
    pub(super) fn unspill(&mut self, start: usize, slots: impl IntoIterator<Item = Slot>) {
        let flags = self.trusted();
        let spill = self.builder.ins().load(types::I64, flags, self.context, Context::SPILL);
        for (i, slot) in slots.into_iter().enumerate() {
            self.tables.need_spill(start + i + 1);
            let Some(ty) = self.types.get(slot) else { continue };
            // A truth value is 0 or 1 in its slot, and the lowest byte comes first on every host there is code for.
            let value = self.builder.ins().load(ty, flags, spill, ((start + i) * 8) as i32);
            self.write(slot, value);
        }
    }

    /// A value as the 64 bits of its slot; floats stay what they are.
    pub(super) fn widen(&mut self, value: Value) -> Value {
        if self.builder.func.dfg.value_type(value) == types::I8 {
            return self.builder.ins().uextend(types::I64, value);
        }
        value
    }

    /// A value as the 64 bits of its slot, in an integer register.
    pub(super) fn bits(&mut self, value: Value) -> Value {
        if self.builder.func.dfg.value_type(value) == types::F64 {
            return self.builder.ins().bitcast(types::I64, MemFlags::new(), value);
        }
        self.widen(value)
    }

    /// Calls a helper with the context and these arguments.
    pub(super) fn call_helper(&mut self, helper: Helper, args: &[Value]) -> Value {
        let flags = self.trusted();
        let table = self.builder.ins().load(types::I64, flags, self.context, Context::HELPERS);
        let address = self.builder.ins().load(types::I64, flags, table, helper.offset);
        self.call_rust(address, args, helper.results)
    }

    /// Calls a Rust function with the context and these 64-bit arguments; it returns `results` (0 or 1) values.
    pub(super) fn call_rust(&mut self, address: Value, args: &[Value], results: usize) -> Value {
        let mut signature = Signature::new(self.isa.default_call_conv());
        signature.params = vec![AbiParam::new(types::I64); args.len() + 1];
        signature.returns = vec![AbiParam::new(types::I64); results];
        let signature = self.signature(signature);
        let mut all = vec![self.context];
        all.extend_from_slice(args);
        let call = self.builder.ins().call_indirect(signature, address, &all);
        self.builder.inst_results(call).first().copied().unwrap_or(self.context)
    }

    /// Asks for fuel through code that keeps all registers, so that the values of loops can stay in them. Returns
    /// what [`context::refill`] gives.
    pub(super) fn refill(&mut self, fuel: Value, cost: Value) -> Value {
        let refill = match self.refill {
            Some(refill) => refill,
            None => {
                let index = self.program.functions.len() as u32;
                let refill = self.import(index, signatures::refill());
                self.refill = Some(refill);
                refill
            }
        };
        self.builder.ins().call(refill, &[self.context, fuel, cost]);
        let flags = self.trusted();
        self.builder.ins().load(types::I64, flags, self.context, Context::REFILLED)
    }

    /// A function of the same program that can be called.
    pub(super) fn import(&mut self, index: u32, signature: Signature) -> FuncRef {
        let signature = self.signature(signature);
        let name = UserExternalName::new(0, index);
        let name = ExternalName::user(self.builder.func.declare_imported_user_function(name));
        let data = ExtFuncData { name, signature, colocated: true, patchable: false };
        self.builder.import_function(data)
    }

    pub(super) fn signature(&mut self, signature: Signature) -> cranelift_codegen::ir::SigRef {
        if let Some(&known) = self.signatures.get(&signature) {
            return known;
        }
        let reference = self.builder.import_signature(signature.clone());
        self.signatures.insert(signature, reference);
        reference
    }
}
