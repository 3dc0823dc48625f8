//! Calls: of functions, with arguments and results in registers, and of the host, through the context's slots.

use super::{LiveAt, Translator};
use crate::context::{Callee, Context};
use crate::error::JitError;
use crate::fuel::Charge;
use crate::meter;
use crate::program::Compiled;
use crate::signatures;
use crate::slots::SlotSet;
use cranelift_codegen::ir::{
    Block, BlockArg, FuncRef, Inst, InstBuilder, SigRef, Value, condcodes::IntCC, types,
};
use opforge_vm::ids::{CallSigId, FuncId, HostSigId, InstrIx};
use opforge_vm::interp::CallImport;
use opforge_vm::lower::{Slot, SlotList};

impl Translator<'_> {
    pub(super) fn call(
        &mut self,
        at: InstrIx,
        func: FuncId,
        args: SlotList,
        rets: SlotList,
    ) -> Result<(), JitError> {
        let live = self.live_at(at)?;
        let (mut values, _) = self.prepare_call(at, &live)?;
        for &slot in self.function.slots(args) {
            values.push(self.read(slot));
        }
        let reference = self.callee(func)?;
        let call = self.builder.ins().call(reference, &values);
        self.finish_call(at, &live.across, call, rets)
    }

    /// A function of the program that this function calls.
    fn callee(&mut self, func: FuncId) -> Result<FuncRef, JitError> {
        if let Some(reference) = self.tables.callee(func) {
            return Ok(reference);
        }
        let callee = self.program.function(func).ok_or(self.internal())?;
        let signature = signatures::native(&callee.params, &callee.results);
        let reference = self.import(func.0, signature);
        self.tables.set_callee(func, reference);
        Ok(reference)
    }

    /// Calls a function in place of this one. The callee gets the meter as it is: the frame that it takes up is this
    /// one's, whose size it need not have, as room is counted in frames of the largest size.
    pub(super) fn tail_call(&mut self, func: FuncId, args: SlotList) -> Result<(), JitError> {
        let mut values = vec![self.builder.use_var(self.meter)];
        for &slot in self.function.slots(args) {
            values.push(self.read(slot));
        }
        let reference = self.callee(func)?;
        self.builder.ins().return_call(reference, &values);
        self.ended = true;
        Ok(())
    }

    /// The same through a function reference or closure.
    pub(super) fn tail_call_indirect(
        &mut self,
        at: InstrIx,
        sig: CallSigId,
        (callee, closure): (Slot, bool),
        args: SlotList,
    ) -> Result<(), JitError> {
        let exit = self.exit_before(at)?;
        let mut values = vec![self.builder.use_var(self.meter)];
        let (code, signature) = self.checked_callee(sig, (callee, closure), exit)?;
        if closure {
            values.push(self.read(callee + 1));
        }
        for &slot in self.function.slots(args) {
            values.push(self.read(slot));
        }
        self.builder.ins().return_call_indirect(signature, code, &values);
        self.ended = true;
        Ok(())
    }

    pub(super) fn call_indirect(
        &mut self,
        at: InstrIx,
        sig: CallSigId,
        (callee, closure): (Slot, bool),
        args: SlotList,
        rets: SlotList,
    ) -> Result<(), JitError> {
        let live = self.live_at(at)?;
        let (mut values, exit) = self.prepare_call(at, &live)?;
        let (code, signature) = self.checked_callee(sig, (callee, closure), exit)?;
        if closure {
            values.push(self.read(callee + 1));
        }
        for &slot in self.function.slots(args) {
            values.push(self.read(slot));
        }
        let call = self.builder.ins().call_indirect(signature, code, &values);
        self.finish_call(at, &live.across, call, rets)
    }

    /// The code of an indirect callee and its signature; leaves where the callee has another one.
    fn checked_callee(
        &mut self,
        sig: CallSigId,
        (callee, closure): (Slot, bool),
        exit: Block,
    ) -> Result<(Value, SigRef), JitError> {
        let sig = self.program.call_sigs.get(sig.index()).ok_or(self.internal())?;
        let params = signatures::with_environment(&sig.params, closure);
        let class = self.tables.class(&params, &sig.results);
        let func = self.read(callee);
        let count = self.immediate(types::I64, self.program.functions.len() as u64);
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, func, count);
        self.branch_away(outside, exit);
        let flags = self.trusted();
        let context = self.context();
        let compiled = self.builder.ins().load(types::I64, flags, context, Context::COMPILED);
        let functions = self.builder.ins().load(types::I64, flags, compiled, Compiled::CALLEES);
        let size = self.immediate(types::I64, Callee::SIZE as u64);
        let offset = self.builder.ins().imul(func, size);
        let entry = self.builder.ins().iadd(functions, offset);
        let found = self.builder.ins().load(types::I64, flags, entry, Callee::CLASS);
        let wanted = self.immediate(types::I64, class);
        let other = self.builder.ins().icmp(IntCC::NotEqual, found, wanted);
        self.branch_away(other, exit);
        let code = self.builder.ins().load(types::I64, flags, entry, Callee::CODE);
        let signature = self.signature(signatures::native(&params, &sig.results));
        Ok((code, signature))
    }

    /// Leaves before a call that there is no room for. Returns the first argument, the callee's meter; and the exit.
    fn prepare_call(&mut self, at: InstrIx, live: &LiveAt) -> Result<(Vec<Value>, Block), JitError> {
        let refund = self.unused(at);
        let exit = self.exit(at, &live.before, refund)?;
        let meter = self.builder.use_var(self.meter);
        let mask = self.immediate(types::I64, meter::ROOM_MASK);
        let room = self.builder.ins().band(meter, mask);
        let zero = self.immediate(types::I64, 0);
        let full = self.builder.ins().icmp(IntCC::Equal, room, zero);
        self.branch_away(full, exit);
        let one = self.immediate(types::I64, 1);
        let meter = self.builder.ins().isub(meter, one);
        Ok((vec![meter], exit))
    }

    /// Takes meter and results of a call, or leaves this frame too.
    fn finish_call(
        &mut self,
        at: InstrIx,
        across: &SlotSet,
        call: Inst,
        rets: SlotList,
    ) -> Result<(), JitError> {
        let results = self.builder.inst_results(call).to_vec();
        let (&returned, values) = results.split_first().ok_or(self.internal())?;
        let exit = self.exit_in_call(at, across)?;
        let one = self.immediate(types::I64, 1);
        let meter = self.builder.ins().iadd(returned, one);
        self.check_left(meter, exit);
        for (&slot, &value) in self.function.slots(rets).iter().zip(values) {
            self.write(slot, value);
        }
        Ok(())
    }

    /// Takes a meter that may say that the run was left. If nothing but the next charge follows, that finds out.
    fn check_left(&mut self, meter: Value, exit: Block) {
        self.builder.def_var(self.meter, meter);
        let next = self.index + 1;
        let pays = matches!(self.charges.at_start(next), Charge::Take(_));
        if pays && self.analysis.predecessors.get(next) == Some(&1) {
            self.unmetered = Some(exit);
        } else {
            let left = self.is_negative(meter);
            self.branch_away(left, exit);
        }
    }

    pub(super) fn host_call(
        &mut self,
        at: InstrIx,
        host: HostSigId,
        args: SlotList,
        rets: SlotList,
    ) -> Result<(), JitError> {
        let live = self.live_at(at)?;
        let values: Vec<Value> = self.function.slots(args).iter().map(|&slot| self.read(slot)).collect();
        if !values.is_empty() {
            self.spill(&values);
        }
        let all = values.len() + rets.len as usize;
        self.tables.need_spill(all);
        let meter = self.builder.use_var(self.meter);
        let flags = self.trusted();
        let context = self.context();
        let [calls, run, spill] = [Context::CALLS, Context::RUN, Context::SPILL]
            .map(|field| self.builder.ins().load(types::I64, flags, context, field));
        let offset = i32::try_from(u64::from(host.0) * 8).map_err(|_| self.internal())?;
        let code = self.builder.ins().load(types::I64, flags, calls, offset);
        let import = self.immediate(types::I64, host.0.into());
        let bits = self.immediate(types::I64, meter::ROOM_BITS.into());
        let fuel = self.builder.ins().ushr(meter, bits);
        let status = self.call_c(code, &[run, import, fuel, spill], 1);
        let exit = self.exit_of_host_call(at, &live.before, meter)?;
        self.take_fuel_of_host(status, meter, exit);
        if rets.len > 0 {
            let slots = self.function.slots(rets).to_vec();
            self.unspill(values.len(), slots);
        }
        Ok(())
    }

    /// Goes on with the meter behind a host call: the one before it, unless the host has charged fuel; leaves if it has
    /// trapped.
    fn take_fuel_of_host(&mut self, status: Value, meter: Value, exit: Block) {
        let (unusual, done) = (self.builder.create_block(), self.builder.create_block());
        self.builder.append_block_param(done, types::I64);
        self.builder.set_cold_block(unusual);
        self.builder.ins().brif(status, unusual, &[], done, &[BlockArg::Value(meter)]);
        self.builder.seal_block(unusual);
        self.builder.switch_to_block(unusual);
        let trapped = self.immediate(types::I64, CallImport::TRAPPED);
        let trapped = self.builder.ins().icmp(IntCC::Equal, status, trapped);
        let charged = self.branch_away(trapped, exit);
        self.builder.set_cold_block(charged);
        let [first, mask, bits] = [CallImport::FUEL, meter::ROOM_MASK, meter::ROOM_BITS.into()]
            .map(|value| self.immediate(types::I64, value));
        let fuel = self.builder.ins().isub(status, first);
        let fuel = self.builder.ins().ishl(fuel, bits);
        let room = self.builder.ins().band(meter, mask);
        let left = self.builder.ins().bor(fuel, room);
        self.builder.ins().jump(done, &[BlockArg::Value(left)]);
        self.builder.seal_block(done);
        self.builder.switch_to_block(done);
        let meter = self.builder.block_params(done).first().copied().unwrap_or(meter);
        self.builder.def_var(self.meter, meter);
    }
}
