//! Instructions over ranges of linear memories, and what traps say about memories.

use super::machine::{Exit, Fault, Machine};
use super::regs::Regs;
use super::word::Word;
use crate::ids::MemId;
use crate::sem::memory_function;
use crate::trap::TrapDetail;
use opforge_tables::Opcode;

/// Entries of the pool before the operand slots.
const HEAD: u32 = 5;

impl Machine<'_> {
    /// Fuel by size: `x` holds the shift, from bit 8 on a bit for each operand that counts, and from bit 12 on whether it
    /// is the number of bytes itself. Of that at most as many count as the first memory has.
    pub(super) fn memory_size_cost(&self, regs: Regs, word: Word) -> u64 {
        let [most, ..] = *self.pool(word.c, HEAD) else { return 0 };
        let most = self.heap.memory_bytes(MemId(most)).len() as u64;
        let mut bytes = 0;
        for (n, &slot) in self.operand_slots(word).iter().enumerate() {
            if word.x & 0x100 << n != 0 {
                // SAFETY: operand slots are slots of the frame (fact 1 of `regs`).
                let value = unsafe { regs.get(slot) };
                let count = word.x & 0x1000 << n != 0;
                bytes += if count { value.min(most) } else { u64::from(value as u32) };
            }
        }
        bytes >> (word.x & 0x3f)
    }

    fn operand_slots(&self, word: Word) -> &[u32] {
        match *self.pool(word.c, HEAD) {
            [.., reads] => self.pool(word.c + HEAD, reads.min(3)),
            [] => &[],
        }
    }

    /// Executes the instruction: all operands are read before the result is written.
    #[inline(never)]
    pub(super) fn memory(&mut self, regs: Regs, word: Word) -> Fault {
        let &[id0, id1, id2, writes, _] = self.pool(word.c, HEAD) else { return Ok(()) };
        let op = u16::try_from(word.b).ok().and_then(Opcode::from_didx);
        let Some(function) = op.and_then(memory_function) else { return Ok(()) };
        let mut args = [0; 3];
        for (arg, &slot) in args.iter_mut().zip(self.operand_slots(word)) {
            // SAFETY: operand slots are slots of the frame (fact 1 of `regs`).
            *arg = unsafe { regs.get(slot) };
        }
        let result = function(self.heap, [id0, id1, id2], args)?;
        if writes != 0 {
            // SAFETY: `a` is the destination where there is one (fact 1 of `regs`).
            unsafe { regs.set(word.a, result) };
        }
        Ok(())
    }

    /// What a trap's report says besides its code.
    pub(super) fn take_detail(&mut self, exit: Exit) -> TrapDetail {
        let detail = core::mem::replace(&mut self.detail, TrapDetail::None);
        let code = if let Exit::Trap(code) = exit { Some(code) } else { None };
        self.heap.take_noted(code).unwrap_or(detail)
    }
}
