//! Decimals: sums and differences at a common scale, and products.

use super::Translator;
use crate::error::JitError;
use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use opforge_tables::Opcode;
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::Slot;

impl Translator<'_> {
    /// Translates decimal arithmetic; `false` for other opcodes.
    pub(super) fn decimal(
        &mut self,
        at: InstrIx,
        op: Opcode,
        dst: Slot,
        [a, b, _]: [Slot; 3],
    ) -> Result<bool, JitError> {
        if !matches!(op, Opcode::DecAdd | Opcode::DecSub | Opcode::DecMul) {
            return Ok(false);
        }
        let (a, a_scale, b, b_scale) = (self.read(a), self.read(a + 1), self.read(b), self.read(b + 1));
        let exit = self.exit_before(at)?;
        let scale = if op == Opcode::DecMul {
            let scale = self.builder.ins().iadd(a_scale, b_scale);
            let most = self.immediate(types::I64, u8::MAX.into());
            let over = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, scale, most);
            self.branch_away(over, exit);
            scale
        } else {
            let differ = self.builder.ins().icmp(IntCC::NotEqual, a_scale, b_scale);
            self.branch_away(differ, exit);
            a_scale
        };
        let ins = self.builder.ins();
        let (mantissa, overflow) = match op {
            Opcode::DecAdd => ins.sadd_overflow(a, b),
            Opcode::DecSub => ins.ssub_overflow(a, b),
            _ => ins.smul_overflow(a, b),
        };
        self.branch_away(overflow, exit);
        self.write_all(dst, &[mantissa, scale]);
        Ok(true)
    }
}
