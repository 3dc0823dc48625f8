//! Conversions between classes that may trap, or that make a NaN visible.

use super::Translator;
use crate::error::JitError;
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData as MemFlags, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use opforge_tables::Opcode;
use opforge_vm::CANONICAL_NAN_BITS;
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::Slot;

impl Translator<'_> {
    pub(super) fn cast(
        &mut self,
        at: InstrIx,
        op: Opcode,
        [a, ..]: [Slot; 3],
    ) -> Result<Option<Value>, JitError> {
        Ok(Some(match op {
            // Both fail exactly where the sign bit is set, and change no bit.
            Opcode::U64ToI64 | Opcode::I64ToU64 => {
                let value = self.read(a);
                let exit = self.exit_before(at)?;
                let negative = self.is_negative(value);
                self.branch_away(negative, exit);
                value
            }
            Opcode::F64ToI64 => {
                const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
                let value = self.read(a);
                self.leave_outside(at, value, -TWO_POW_63..TWO_POW_63)?;
                self.builder.ins().fcvt_to_sint_sat(types::I64, value)
            }
            Opcode::F64ToU64 => {
                const TWO_POW_64: f64 = 18_446_744_073_709_551_616.0;
                let value = self.read(a);
                self.leave_outside(at, value, 0.0..TWO_POW_64)?;
                self.builder.ins().fcvt_to_uint_sat(types::I64, value)
            }
            Opcode::F64ToBits => {
                let value = self.read(a);
                let bits = self.builder.ins().bitcast(types::I64, MemFlags::new(), value);
                let canonical = self.immediate(types::I64, CANONICAL_NAN_BITS);
                let nan = self.builder.ins().fcmp(FloatCC::Unordered, value, value);
                self.builder.ins().select(nan, canonical, bits)
            }
            // The mantissa of a decimal without places.
            Opcode::DecToI64 | Opcode::DecToU64 => {
                let (mantissa, scale) = (self.read(a), self.read(a + 1));
                let exit = self.exit_before(at)?;
                let zero = self.immediate(types::I64, 0);
                let places = self.builder.ins().icmp(IntCC::NotEqual, scale, zero);
                self.branch_away(places, exit);
                if op == Opcode::DecToU64 {
                    let negative = self.is_negative(mantissa);
                    self.branch_away(negative, exit);
                }
                mantissa
            }
            _ => return Ok(None),
        }))
    }

    /// Leaves for a float outside of a range, or a NaN.
    fn leave_outside(
        &mut self,
        at: InstrIx,
        value: Value,
        range: std::ops::Range<f64>,
    ) -> Result<(), JitError> {
        let exit = self.exit_before(at)?;
        let start = self.immediate(types::F64, range.start.to_bits());
        let end = self.immediate(types::F64, range.end.to_bits());
        let below = self.builder.ins().fcmp(FloatCC::UnorderedOrLessThan, value, start);
        self.branch_away(below, exit);
        let above = self.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, value, end);
        self.branch_away(above, exit);
        Ok(())
    }
}
