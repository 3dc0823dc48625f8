//! The session instructions, as far as the dispatch loop knows them: somebody else does them.

use super::coroutine::{Granted, Place};
use super::machine::{Exit, FUEL_QUANTUM, Machine};
use super::regs::{Ip, Regs, Stack};
use super::word::Word;
use crate::heap::Heap;
use crate::ids::FuncId;
use crate::lower::SessionInstr;
use crate::trap::{Trap, TrapDetail};
use alloc::boxed::Box;
use core::sync::atomic::Ordering;
use opforge_schema::TrapCode;

/// What comes of a session instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// It has trapped; nothing was done. Why is asked for apart: what does not fit registers costs every instruction.
    Trap,
}

/// How a coroutine's slice ended.
#[derive(Debug)]
pub(crate) enum Turn {
    /// There was none: the run begins.
    Begin,
    /// Its function returned, or it halted.
    Ended,
    /// It waits at a session instruction.
    Blocked,
    /// It lets others run.
    Yielded,
    /// The fuel of the slice does not reach the next instruction.
    OutOfFuel {
        /// What that costs.
        needs: u64,
    },
    /// The interrupt flag was seen.
    Interrupted,
    /// It has trapped.
    Trapped(Box<Trap>),
}

/// Does session instructions, and says whose turn it is. `frame` holds the slots of the innermost frame, `depth` frames from the outermost one.
pub(crate) trait SessionOps {
    fn step(
        &mut self,
        func: FuncId,
        instr: &SessionInstr,
        frame: &mut [u64],
        depth: u32,
        heap: &mut Heap,
    ) -> Step;

    /// Why the last instruction has trapped.
    fn take_trap(&mut self) -> (TrapCode, TrapDetail);

    /// Takes the stack of the coroutine whose slice ended so, with the fuel that is left of the slice, and puts that of
    /// the next in its place. Gives the next slice; `None` if the run ends here. `owed` is what hosts have charged beyond
    /// the fuel of slices, to be paid from that of the machine.
    fn turn(
        &mut self,
        how: Turn,
        left: u64,
        owed: &mut u64,
        stack: &mut Stack,
        heap: &mut Heap,
    ) -> Option<Granted>;

    /// Where the coroutine stands whose slice is on: where it stood when the slice began, until that is changed.
    fn place(&mut self) -> &mut Place;
}

/// Where a run goes on behind a session instruction, which may be in another coroutine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Onward {
    /// At a `Fuel` word, or at a session instruction that is paid for.
    pub(super) ip: Ip,
    pub(super) regs: Regs,
    pub(super) fuel: u64,
}

impl Machine<'_> {
    /// Does a session instruction.
    #[inline(never)]
    pub(super) fn session(&mut self, regs: Regs, ip: Ip, word: Word, fuel: u64) -> Result<Onward, Exit> {
        self.session_inline(regs, ip, word, fuel)
    }

    #[inline(always)]
    pub(super) fn session_inline(
        &mut self,
        regs: Regs,
        ip: Ip,
        word: Word,
        fuel: u64,
    ) -> Result<Onward, Exit> {
        let base = regs.base(self.stack);
        let function = self.program.functions.get(word.a as usize).ok_or(Exit::Internal)?;
        let instr = function.sites.get(word.b as usize).ok_or(Exit::Internal)?;
        let Some(sessions) = &mut self.sessions else { return Err(Exit::Trap(TrapCode::NoSession)) };
        let frame = self.stack.slice_mut(base, function.frame_slots as usize);
        let ip = match sessions.step(FuncId(word.a), instr, frame, self.depth, self.heap) {
            Step::Next => ip.next(),
            Step::Take(arm) => {
                let entry = (word.c as usize).checked_add(arm as usize).ok_or(Exit::Internal)?;
                Ip::new(self.words, self.code.pool.get(entry).copied().ok_or(Exit::Internal)?)
            }
            // What waits is paid for when it is done.
            Step::Block if self.switches => {
                let at = (ip.index(self.words), word.x.into());
                return self.switch(Turn::Blocked, at, base, fuel + u64::from(word.x));
            }
            Step::Yield if self.switches => {
                return self.switch(Turn::Yielded, (ip.next().index(self.words), 0), base, fuel);
            }
            Step::Block => return Err(Exit::Blocked),
            Step::Yield => return Err(Exit::Yielded),
            Step::Halt => return Err(Exit::Halted),
            Step::Trap => {
                let (code, detail) = sessions.take_trap();
                self.detail = detail;
                return Err(Exit::Trap(code));
            }
        };
        // The frame was looked at by other means than `regs` in the meantime.
        let regs = Regs::new(self.stack, base);
        let by_size = self.heap.take_work();
        let fuel = if by_size == 0 { fuel } else { self.pay_work(fuel, by_size) };
        Ok(Onward { ip, regs, fuel })
    }

    /// Ends the slice that is on, whose coroutine stands at this word, which costs that, and goes on in the next one; or
    /// leaves the loop for it, if there is more to its beginning.
    #[inline(always)]
    fn switch(
        &mut self,
        how: Turn,
        (word, cost): (u32, u32),
        base: usize,
        fuel: u64,
    ) -> Result<Onward, Exit> {
        let Some(sessions) = &mut self.sessions else { return Err(Exit::Internal) };
        let place = sessions.place();
        (place.word, place.cost) = (word, cost);
        (place.state.base, place.state.depth) = (base, self.depth);
        let left = self.reserve.saturating_add(fuel);
        self.turns = self.turns.wrapping_add(1);
        let granted = sessions.turn(how, left, &mut self.owed, self.stack, self.heap);
        let Some(slice) = granted.filter(|slice| slice.word != 0 && u64::from(slice.cost) <= slice.fuel)
        else {
            return self.leave_for(granted);
        };
        if self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return self.leave_for(granted);
        }
        self.depth = slice.depth;
        let fuel = self.spend(slice.fuel - u64::from(slice.cost));
        Ok(Onward { ip: Ip::new(self.words, slice.word), regs: Regs::new(self.stack, slice.base), fuel })
    }

    /// Leaves the loop for the beginning of a slice, or because there is none.
    #[cold]
    fn leave_for(&mut self, granted: Option<Granted>) -> Result<Onward, Exit> {
        self.granted = granted;
        Err(Exit::Turned)
    }

    /// What the loop gets at first of the fuel that there is.
    #[inline]
    pub(super) fn spend(&mut self, fuel: u64) -> u64 {
        let first = fuel.min(FUEL_QUANTUM);
        self.reserve = fuel - first;
        first
    }

    /// Where the coroutine stands whose slice is on.
    pub(super) fn place(&mut self) -> Place {
        self.sessions.as_mut().map_or(Place::entry(FuncId(0)), |sessions| *sessions.place())
    }

    pub(super) fn set_place(&mut self, place: Place) {
        if let Some(sessions) = &mut self.sessions {
            *sessions.place() = place;
        }
    }

    pub(super) fn turn(&mut self, how: Turn, left: u64) -> Option<Granted> {
        self.sessions.as_mut()?.turn(how, left, &mut self.owed, self.stack, self.heap)
    }
}
