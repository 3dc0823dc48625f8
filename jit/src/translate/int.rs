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
        let (ty, overflows) = match op {
            Opcode::I64Div | Opcode::I64Rem => (types::I64, true),
            Opcode::U64Div | Opcode::U64Rem => (types::I64, false),
            Opcode::I32DivS => (types::I32, true),
            Opcode::I32DivU | Opcode::I32RemS | Opcode::I32RemU => (types::I32, false),
            _ => return Ok(None),
        };
        let ones = if ty == types::I32 { u32::MAX.into() } else { u64::MAX };
        let divisor = self.constant(b).map(|divisor| divisor & ones);
        let (mut a, mut b) = (self.read(a), self.read(b));
        if ty == types::I32 {
            (a, b) = (self.narrow(a), self.narrow(b));
        }
        let may_be_zero = divisor.is_none_or(|divisor| divisor == 0);
        let may_overflow = overflows && divisor.is_none_or(|divisor| divisor == ones);
        if may_be_zero || may_overflow {
            let exit = self.exit_before(at)?;
            if may_be_zero {
                let zero = self.immediate(ty, 0);
                let is_zero = self.builder.ins().icmp(IntCC::Equal, b, zero);
                self.branch_away(is_zero, exit);
            }
            if may_overflow {
                let (lowest, minus_one) = (self.immediate(ty, ones ^ ones >> 1), self.immediate(ty, ones));
                let is_lowest = self.builder.ins().icmp(IntCC::Equal, a, lowest);
                let is_minus_one = self.builder.ins().icmp(IntCC::Equal, b, minus_one);
                let overflows = self.builder.ins().band(is_lowest, is_minus_one);
                self.branch_away(overflows, exit);
            }
        }
        let ins = self.builder.ins();
        let result = match op {
            Opcode::I64Div | Opcode::I32DivS => ins.sdiv(a, b),
            // The smallest number by -1 gives 0, or has left.
            Opcode::I64Rem | Opcode::I32RemS => ins.srem(a, b),
            Opcode::U64Div | Opcode::I32DivU => ins.udiv(a, b),
            _ => ins.urem(a, b),
        };
        Ok(Some(if ty == types::I32 { self.sign_extend(result) } else { result }))
    }
}
