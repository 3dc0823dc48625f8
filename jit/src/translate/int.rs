//! Integers: division and remainder, which trap.

use super::Translator;
use crate::error::JitError;
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use opforge_tables::Opcode;
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::Slot;

impl Translator<'_> {
    pub(super) fn int(
        &mut self,
        at: InstrIx,
        op: Opcode,
        [a, b, _]: [Slot; 3],
    ) -> Result<Option<Value>, JitError> {
        let signed = match op {
            Opcode::I64Div | Opcode::I64Rem => true,
            Opcode::U64Div | Opcode::U64Rem => false,
            _ => return Ok(None),
        };
        let divisor = self.constant(b);
        let (a, b) = (self.read(a), self.read(b));
        let may_be_zero = divisor.is_none_or(|divisor| divisor == 0);
        let may_overflow = signed && divisor.is_none_or(|divisor| divisor == u64::MAX);
        if may_be_zero || may_overflow {
            let exit = self.exit_before(at)?;
            if may_be_zero {
                let zero = self.immediate(types::I64, 0);
                let is_zero = self.builder.ins().icmp(IntCC::Equal, b, zero);
                self.branch_away(is_zero, exit);
            }
            if may_overflow {
                let (lowest, minus_one) =
                    (self.immediate(types::I64, i64::MIN as u64), self.immediate(types::I64, u64::MAX));
                let is_lowest = self.builder.ins().icmp(IntCC::Equal, a, lowest);
                let is_minus_one = self.builder.ins().icmp(IntCC::Equal, b, minus_one);
                let overflows = self.builder.ins().band(is_lowest, is_minus_one);
                self.branch_away(overflows, exit);
            }
        }
        let ins = self.builder.ins();
        Ok(Some(match op {
            Opcode::I64Div => ins.sdiv(a, b),
            Opcode::I64Rem => ins.srem(a, b),
            Opcode::U64Div => ins.udiv(a, b),
            _ => ins.urem(a, b),
        }))
    }
}
