//! Tail calls: a callee takes the place of the running function.
//!
//! Owns what happens to the frame. Relies on the verifier, which has seen to it that the callee's results are those of
//! the function that it replaces. Never touches the linkage or the depth of calls.

use super::machine::{Fault, Machine};
use super::regs::Regs;
use super::word::Word;
use crate::ids::FuncId;
use opforge_schema::TrapCode;

impl Machine<'_> {
    /// Puts function `func` in place of the running one: `args` says where in the pool argument slots are and how
    /// many; `env` is the parameter before them. The linkage stays: whoever called the running function gets the
    /// callee's results, which are of the same types. Returns the frame, which the stack may have moved, and the
    /// callee's first word. On a trap nothing has changed.
    #[inline(always)]
    pub(super) fn tail_call(
        &mut self,
        regs: Regs,
        func: u32,
        env: Option<u64>,
        args: (u32, u32),
    ) -> Fault<(Regs, u32)> {
        let entry = self.code.funcs.get(func as usize).copied().ok_or(TrapCode::InvalidFunction)?;
        let mut regs = regs;
        if !regs.fits(entry.frame, self.stack) {
            regs = self.grow_for_call(regs, 0, func)?;
        }
        let skip = u32::from(env.is_some());
        // SAFETY: the callee's frame fits (checked above).
        unsafe { self.replace_slots(regs, skip, args) };
        if let Some(env) = env {
            // SAFETY: the callee's first parameter is the environment, so slot 0 is its own.
            unsafe { regs.set(0, env) };
        }
        Ok((regs, entry.word))
    }

    /// Copies the slots that a list in the pool names to the first slots of the frame from `skip` on. All are read
    /// before one is written, because both are of one frame.
    ///
    /// # Safety
    /// The list must be that of a tail call of the running function, and the callee's frame must fit the stack.
    #[inline(never)]
    pub(super) unsafe fn replace_slots(&mut self, regs: Regs, skip: u32, (at, len): (u32, u32)) {
        const FEW: usize = 16;
        let slots = self.code.pool.get(at as usize..at as usize + len as usize).unwrap_or(&[]);
        // SAFETY, for all unsafe blocks below: argument slots are the running function's, parameter slots the
        // callee's (fact 1 of `regs`), and the caller vouches for both frames (fact 2).
        match *slots {
            [] => return,
            [a] => {
                // SAFETY: see above.
                unsafe { regs.set(skip, regs.get(a)) };
                return;
            }
            [a, b] => {
                // SAFETY: see above.
                unsafe {
                    let (first, second) = (regs.get(a), regs.get(b));
                    regs.set(skip, first);
                    regs.set(skip + 1, second);
                }
                return;
            }
            _ => {}
        }
        let mut few = [0; FEW];
        let values = if slots.len() <= FEW {
            &mut few
        } else {
            if self.host_buffer.len() < slots.len() {
                self.host_buffer.resize(slots.len(), 0);
            }
            &mut **self.host_buffer
        };
        for (value, &slot) in values.iter_mut().zip(slots) {
            // SAFETY: see above.
            *value = unsafe { regs.get(slot) };
        }
        for (to, &value) in (skip..skip + len).zip(values.iter()) {
            // SAFETY: see above.
            unsafe { regs.set(to, value) };
        }
    }

    /// Checks an indirect callee and puts it in place of the running function. Returns the frame, the callee's first
    /// word, and the callee.
    #[inline(never)]
    pub(super) fn tail_call_indirect(&mut self, regs: Regs, word: Word) -> Fault<(Regs, u32, u32)> {
        let closure = word.x != 0;
        // SAFETY: the callee's slot, and for a closure the one behind it, are the frame's (fact 1 of `regs`).
        let (func, env) = unsafe { (regs.get(word.a), closure.then(|| regs.get(word.a + 1))) };
        let sig = self.pool(word.c, 1).first().copied().unwrap_or(0);
        let func = u32::try_from(func).map_err(|_| TrapCode::InvalidFunction)?;
        self.check_callee(sig, FuncId(func), closure)?;
        let (frame, entry) = self.tail_call(regs, func, env, (word.c + 1, word.b))?;
        Ok((frame, entry, func))
    }
}
