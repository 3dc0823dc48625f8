//! Floats that need more than one instruction.

use super::Translator;
use crate::error::JitError;
use cranelift_codegen::ir::{InstBuilder, Value};
use opforge_tables::Opcode;
use opforge_vm::lower::Slot;

impl Translator<'_> {
    /// Minimum and maximum are those of `WebAssembly`; which NaN they give is not visible.
    pub(super) fn float(&mut self, op: Opcode, [a, b, _]: [Slot; 3]) -> Result<Option<Value>, JitError> {
        if !matches!(op, Opcode::F64Min | Opcode::F64Max) {
            return Ok(None);
        }
        let (a, b) = (self.read(a), self.read(b));
        let ins = self.builder.ins();
        Ok(Some(if op == Opcode::F64Min { ins.fmin(a, b) } else { ins.fmax(a, b) }))
    }
}
