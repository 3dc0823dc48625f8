//! Leaving compiled code, and calls of Rust functions.

use super::Translator;
use crate::context::{Context, Helper, IN_CALL, cold};
use crate::error::JitError;
use crate::meter;
use crate::program::Compiled;
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
    at: InstrIx,
    site: usize,
    live: Vec<Slot>,
    refund: Refund,
}

/// What a block that leaves gives back.
#[derive(Clone, Copy, Default)]
struct Refund {
    /// Fuel; `None` if the frame waits for a call.
    fuel: Option<u64>,
    /// More fuel, known when the code runs.
    paid: Option<Value>,
    /// The meter, if it is not the one at the jumps to the block.
    meter: Option<Value>,
}

impl Translator<'_> {
    /// A block that leaves at an instruction with these live slots, and gives fuel back.
    pub(super) fn exit(&mut self, at: InstrIx, live: &SlotSet, refund: u64) -> Result<Block, JitError> {
        Ok(self.pending(at, live, Refund { fuel: Some(refund), ..Refund::default() })?.0)
    }

    /// A block that leaves at a segment's start where its fuel, which is given back, is not there. The number stands for
    /// that fuel where [`crate::context::refill`] asks.
    pub(super) fn exit_short(&mut self, fuel: u64) -> Result<(Block, u64), JitError> {
        let live = self.analysis.live_in.get(self.index).ok_or(self.internal())?;
        let refund = Refund { fuel: Some(fuel), ..Refund::default() };
        let (block, site) = self.pending(self.segment.start, live, refund)?;
        self.tables.set_cost(site, fuel);
        Ok((block, cold(site as u64)))
    }

    /// A block that leaves before an instruction has run that has paid `paid` on top of its fixed fuel.
    pub(super) fn exit_unpaid(&mut self, at: InstrIx, paid: Option<Value>) -> Result<Block, JitError> {
        let live = self.live_at(at)?;
        let fuel = Some(self.unused(at));
        Ok(self.pending(at, &live.before, Refund { fuel, paid, meter: None })?.0)
    }

    /// A block that leaves at a call of the embedder's function that has trapped: its fuel is used, and what else there is shows in the
    /// meter from before the call.
    pub(super) fn exit_of_host_call(
        &mut self,
        at: InstrIx,
        live: &SlotSet,
        meter: Value,
    ) -> Result<Block, JitError> {
        let fuel = Some(self.unused(InstrIx(at.0 + 1)));
        Ok(self.pending(at, live, Refund { fuel, paid: None, meter: Some(meter) })?.0)
    }

    /// A block that leaves while the call at an instruction is active.
    pub(super) fn exit_in_call(&mut self, at: InstrIx, live: &SlotSet) -> Result<Block, JitError> {
        Ok(self.pending(at, live, Refund::default())?.0)
    }

    /// A block that leaves before an instruction has run: its fuel and that of the rest of the segment is given
    /// back.
    pub(super) fn exit_before(&mut self, at: InstrIx) -> Result<Block, JitError> {
        let live = self.live_at(at)?;
        let refund = self.unused(at);
        self.exit(at, &live.before, refund)
    }

    /// A block to be filled later, and its place's number.
    fn pending(&mut self, at: InstrIx, live: &SlotSet, refund: Refund) -> Result<(Block, usize), JitError> {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        let live: Vec<Slot> = live.iter().filter(|&slot| self.types.get(slot).is_some()).collect();
        let site = self.tables.add_site(self.func, at, &live)?;
        self.exits.push(PendingExit { block, at, site, live, refund });
        Ok((block, site))
    }

    /// Fills the blocks that leave.
    pub(super) fn finish_exits(&mut self) {
        for exit in std::mem::take(&mut self.exits) {
            self.builder.seal_block(exit.block);
            self.builder.switch_to_block(exit.block);
            self.note_source(exit.at);
            if !exit.live.is_empty() {
                let values: Vec<Value> = exit.live.iter().map(|&slot| self.read(slot)).collect();
                self.spill(&values);
            }
            let fuel = match exit.refund.fuel {
                Some(fuel) => {
                    let meter = exit.refund.meter.unwrap_or_else(|| self.builder.use_var(self.meter));
                    let bits = self.immediate(types::I64, meter::ROOM_BITS.into());
                    let left = self.builder.ins().sshr(meter, bits);
                    let fuel = self.immediate(types::I64, fuel);
                    let fuel = self.builder.ins().iadd(left, fuel);
                    match exit.refund.paid {
                        Some(paid) => self.builder.ins().iadd(fuel, paid),
                        None => fuel,
                    }
                }
                None => self.immediate(types::I64, IN_CALL),
            };
            let site = self.immediate(types::I64, cold(exit.site as u64));
            self.call_helper(Helper::LEAVE_AT, &[site, fuel]);
            self.return_left();
        }
    }

    /// Returns that the run was left; results mean nothing.
    fn return_left(&mut self) {
        let returns: Vec<_> = self.builder.func.signature.returns.iter().map(|ret| ret.value_type).collect();
        let mut values = Vec::with_capacity(returns.len());
        for (i, ty) in returns.into_iter().enumerate() {
            // Any value will do for results; this one is at hand, and no constant of hot code.
            let value = if i == 0 || ty == types::I64 { meter::LEFT as u64 } else { 0 };
            values.push(self.immediate(ty, value));
        }
        self.builder.ins().return_(&values);
    }

    /// The address of the context.
    pub(super) fn context(&mut self) -> Value {
        self.builder.ins().get_pinned_reg(types::I64)
    }

    /// Memory that is aligned and there.
    pub(super) fn trusted(&self) -> MemFlags {
        MemFlags::trusted()
    }

    /// Writes values to the context's slots.
    pub(super) fn spill(&mut self, values: &[Value]) {
        self.tables.need_spill(values.len());
        let flags = self.trusted();
        let context = self.context();
        let spill = self.builder.ins().load(types::I64, flags, context, Context::SPILL);
        for (i, &value) in values.iter().enumerate() {
            let value = self.widen(value);
            self.builder.ins().store(flags, value, spill, (i * 8) as i32);
        }
    }

    /// Reads slots from the context, from `start` on, as those slots of the frame.
    pub(super) fn unspill(&mut self, start: usize, slots: impl IntoIterator<Item = Slot>) {
        let flags = self.trusted();
        let context = self.context();
        let spill = self.builder.ins().load(types::I64, flags, context, Context::SPILL);
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
        let context = self.context();
        let compiled = self.builder.ins().load(types::I64, flags, context, Context::COMPILED);
        let table = self.builder.ins().load(types::I64, flags, compiled, Compiled::HELPERS);
        let address = self.builder.ins().load(types::I64, flags, table, helper.offset);
        self.call_rust(address, args, helper.results)
    }

    /// Calls a Rust function with the context and these 64-bit arguments; it returns `results` (0 or 1) values.
    pub(super) fn call_rust(&mut self, address: Value, args: &[Value], results: usize) -> Value {
        let context = self.context();
        let mut all = vec![context];
        all.extend_from_slice(args);
        self.call_c(address, &all, results)
    }

    /// Calls a function of the system's calling convention with 64-bit arguments; it returns `results` (0 or 1) values.
    pub(super) fn call_c(&mut self, address: Value, args: &[Value], results: usize) -> Value {
        let mut signature = Signature::new(self.isa.default_call_conv());
        signature.params = vec![AbiParam::new(types::I64); args.len()];
        signature.returns = vec![AbiParam::new(types::I64); results];
        let signature = self.signature(signature);
        let call = self.builder.ins().call_indirect(signature, address, args);
        self.builder.inst_results(call).first().copied().unwrap_or(address)
    }

    /// Asks for fuel through code that keeps all registers, so that the values of loops can stay in them. Returns
    /// the meter that [`crate::context::refill`] leaves.
    pub(super) fn refill(&mut self, left: Value, cost: Value) -> Value {
        let refill = match self.refill {
            Some(refill) => refill,
            None => {
                let index = self.program.functions.len() as u32;
                let refill = self.import(index, signatures::refill());
                self.refill = Some(refill);
                refill
            }
        };
        let (flags, context) = (self.trusted(), self.context());
        self.builder.ins().store(flags, left, context, Context::METER);
        self.builder.ins().store(flags, cost, context, Context::NUMBER);
        self.builder.ins().call(refill, &[]);
        self.builder.ins().load(types::I64, flags, context, Context::METER)
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
