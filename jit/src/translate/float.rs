//! Floats that need more than one instruction.

use super::Translator;
use crate::error::JitError;
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::FloatCC};
use opforge_tables::Opcode;
use opforge_vm::lower::Slot;

impl Translator<'_> {
    /// Minimum and maximum are those of `WebAssembly`; which NaN they give is not visible.
    pub(super) fn float(&mut self, op: Opcode, [a, b, _]: [Slot; 3]) -> Result<Option<Value>, JitError> {
        if !matches!(op, Opcode::F64Min | Opcode::F64Max | Opcode::F64Copysign) {
            return Ok(None);
        }
        let (a, b) = (self.read(a), self.read(b));
        if op == Opcode::F64Copysign {
            // The sign of a NaN is the machine's, and counts as plus.
            let plus = self.builder.ins().fabs(b);
            let nan = self.builder.ins().fcmp(FloatCC::Unordered, b, b);
            let sign = self.builder.ins().select(nan, plus, b);
            return Ok(Some(self.builder.ins().fcopysign(a, sign)));
        }
        let ins = self.builder.ins();
        Ok(Some(if op == Opcode::F64Min { ins.fmin(a, b) } else { ins.fmax(a, b) }))
    }
}
