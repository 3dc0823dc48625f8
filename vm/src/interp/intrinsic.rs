//! Calls of the functions behind intrinsics, the VM's and embedders', and behind embedders' opcodes.

use super::machine::{Fault, Machine};
use super::regs::Regs;
use super::word::Word;
use crate::extensions::Fault as Failed;
use crate::guard::message;
use crate::ids::IntrinsicId;
use crate::intrinsics::{IntrinsicCtx, MAX_ARG_SLOTS, MAX_RET_SLOTS, execute_intrinsic};
use crate::trap::{ExtensionFault, TrapDetail};
use opforge_schema::TrapCode;

impl Machine<'_> {
    /// Fuel by size of an intrinsic: the bytes of those argument slots that count.
    pub(super) fn intrinsic_size_cost(&self, regs: Regs, word: Word) -> u64 {
        let &[nargs, _] = self.pool(word.c, 2) else { return 0 };
        let mut bytes = 0;
        for (n, &slot) in self.pool(word.c + 2, nargs.min(8)).iter().enumerate() {
            if word.x & 0x100 << n != 0 {
                // SAFETY: argument slots are slots of the frame (fact 1 of `regs`).
                bytes += u64::from(unsafe { regs.get(slot) } as u32);
            }
        }
        bytes >> (word.x & 0x3f)
    }

    /// Executes an intrinsic of the VM.
    #[inline(never)]
    pub(super) fn intrinsic(&mut self, regs: Regs, word: Word) -> Fault {
        let id = IntrinsicId(word.a);
        self.with_slots(regs, word.c, |m, args, rets| {
            execute_intrinsic(id, args, rets, &mut IntrinsicCtx::new(m.heap)).inspect_err(|&code| {
                if code == TrapCode::InvalidIntrinsic {
                    m.detail = TrapDetail::Intrinsic(id);
                }
            })
        })
    }

    /// Executes an embedder's opcode or intrinsic.
    #[inline(never)]
    pub(super) fn extension(&mut self, regs: Regs, word: Word) -> Fault {
        self.with_slots(regs, word.c, |m, args, rets| m.call_extension(word.a, word.b, args, rets))
    }

    /// Calls a function with the arguments and results whose slots the pool has at `at`: all arguments are read before
    /// a result is written, and none is written if it fails.
    #[inline(always)]
    fn with_slots(
        &mut self,
        regs: Regs,
        at: u32,
        function: impl FnOnce(&mut Self, &[u64], &mut [u64]) -> Fault,
    ) -> Fault {
        let &[nargs, nrets] = self.pool(at, 2) else { return Ok(()) };
        let (mut args, mut rets) = ([0; MAX_ARG_SLOTS], [0; MAX_RET_SLOTS]);
        for (arg, &slot) in args.iter_mut().zip(self.pool(at + 2, nargs)) {
            // SAFETY: argument slots are slots of the frame (fact 1 of `regs`).
            *arg = unsafe { regs.get(slot) };
        }
        let given = args.get(..nargs as usize).unwrap_or(&[]);
        function(self, given, rets.get_mut(..nrets as usize).unwrap_or(&mut []))?;
        for (&value, &slot) in rets.iter().zip(self.pool(at + 2 + nargs, nrets)) {
            // SAFETY: result slots are slots of the frame (fact 1 of `regs`).
            unsafe { regs.set(slot, value) };
        }
        Ok(())
    }

    /// Calls a function, for which an immediate stands in the slot behind the arguments.
    pub(super) fn call_extension(&mut self, index: u32, imm: u32, args: &[u64], rets: &mut [u64]) -> Fault {
        let Some(extensions) = &self.program.extensions else { return Err(TrapCode::InvalidIntrinsic) };
        let mut slots = [0; MAX_ARG_SLOTS + 1];
        for (slot, &arg) in slots.iter_mut().zip(args) {
            *slot = arg;
        }
        if let Some(slot) = slots.get_mut(args.len()) {
            *slot = imm.into();
        }
        extensions
            .call(index, self.heap, &mut slots, rets)
            .map_err(|failed| self.extension_failed(index, failed))
    }

    #[cold]
    fn extension_failed(&mut self, index: u32, failed: Failed) -> TrapCode {
        let (code, fault) = match failed {
            Failed::Trap(code) => return code,
            Failed::Unlisted(code) => (TrapCode::InvalidIntrinsic, ExtensionFault::UnlistedTrap(code)),
            Failed::NotRegistered => (TrapCode::InvalidIntrinsic, ExtensionFault::NotRegistered),
            Failed::Panicked(panic) => {
                let said = message(&panic);
                self.host.keep_panic(panic);
                (TrapCode::HostPanicked, ExtensionFault::Panicked(said))
            }
        };
        let name = self.program.extensions.as_ref().map_or_else(|| "".into(), |all| all.name(index));
        self.detail = TrapDetail::Extension { name, fault };
        code
    }
}
