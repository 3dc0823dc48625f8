//! The session instructions, as far as the dispatch loop knows them: somebody else does them.

use super::machine::{Exit, Machine};
use super::regs::Regs;
use super::word::Word;
use crate::heap::Heap;
use crate::lower::Site;
use crate::trap::TrapDetail;
use opforge_schema::TrapCode;

/// What comes of a session instruction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// It is done; control goes on behind it.
    Next,
    /// It is done; control goes to where this arm of a `choose` leads.
    Take(u32),
    /// It cannot be done now; nothing was done.
    Block,
    /// It is done, and others are to run before what is behind it.
    Yield,
    /// It is done; the coroutine has ended.
    Halt,
    /// It has trapped; nothing was done.
    Trap(TrapCode, TrapDetail),
}

/// Does session instructions. `frame` holds the slots of the innermost frame, `depth` frames from the outermost one.
pub(crate) trait SessionOps {
    fn step(&mut self, site: &Site, frame: &mut [u64], depth: u32, heap: &mut Heap) -> Step;
}

impl Machine<'_> {
    /// Does a session instruction. Gives the word that it leads to, if that is not the next one.
    #[inline(never)]
    pub(super) fn session(&mut self, regs: Regs, word: Word) -> Result<Option<u32>, Exit> {
        let base = regs.base(self.stack);
        self.session_base = base;
        let function = self.program.functions.get(word.a as usize).ok_or(Exit::Internal)?;
        let site = function.sites.get(word.b as usize).ok_or(Exit::Internal)?;
        let Some(sessions) = &mut self.sessions else { return Err(Exit::Trap(TrapCode::NoSession)) };
        let frame = self.stack.slice_mut(base, function.frame_slots as usize);
        match sessions.step(site, frame, self.depth, self.heap) {
            Step::Next => Ok(None),
            Step::Take(arm) => {
                let entry = (word.c as usize).checked_add(arm as usize).ok_or(Exit::Internal)?;
                self.code.pool.get(entry).copied().map(Some).ok_or(Exit::Internal)
            }
            Step::Block => Err(Exit::Blocked),
            Step::Yield => Err(Exit::Yielded),
            Step::Halt => Err(Exit::Halted),
            Step::Trap(code, detail) => {
                self.detail = detail;
                Err(Exit::Trap(code))
            }
        }
    }
}
