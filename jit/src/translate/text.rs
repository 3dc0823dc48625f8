//! Text and bytes: what needs no heap.

use super::Translator;
use crate::error::JitError;
use cranelift_codegen::ir::Value;
use opforge_tables::Opcode;
use opforge_vm::lower::Slot;

impl Translator<'_> {
    pub(super) fn text(&mut self, op: Opcode, [a, ..]: [Slot; 3]) -> Result<Option<Value>, JitError> {
        Ok(match op {
            Opcode::BytesLen | Opcode::StrLen => {
                let slot = self.read(a);
                Some(self.low_half(slot))
            }
            Opcode::StrToBytes => Some(self.read(a)),
            _ => None,
        })
    }
}
