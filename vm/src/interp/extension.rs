//! Calls of the functions behind embedders' opcodes and intrinsics.

use super::machine::{Fault, Machine};
use super::regs::Regs;
use super::word::Word;
use crate::extensions::Fault as Failed;
use crate::guard::message;
use crate::intrinsics::{MAX_ARG_SLOTS, MAX_RET_SLOTS};
use crate::trap::{ExtensionFault, TrapDetail};
use opforge_schema::TrapCode;

impl Machine<'_> {
    /// Executes an embedder's opcode or intrinsic: all arguments are read before a result is written.
    #[inline(never)]
    pub(super) fn extension(&mut self, regs: Regs, word: Word) -> Fault {
        let &[nargs, nrets] = self.pool(word.c, 2) else { return Ok(()) };
        let (mut args, mut rets) = ([0; MAX_ARG_SLOTS], [0; MAX_RET_SLOTS]);
        for (arg, &slot) in args.iter_mut().zip(self.pool(word.c + 2, nargs)) {
            // SAFETY: argument slots are slots of the frame (fact 1 of `regs`).
            *arg = unsafe { regs.get(slot) };
        }
        let args = args.get(..nargs as usize).unwrap_or(&[]);
        let results = rets.get_mut(..nrets as usize).unwrap_or(&mut []);
        self.call_extension(word.a, word.b, args, results)?;
        for (&value, &slot) in rets.iter().zip(self.pool(word.c + 2 + nargs, nrets)) {
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
