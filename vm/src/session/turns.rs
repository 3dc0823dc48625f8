//! Whose turn it is: what becomes of a coroutine behind its slice, and who is next.

use super::config::OnTrap;
use super::coro::{Coroutine, Status};
use super::event::Event;
use super::slice::Slice;
use super::status::CoroTrap;
use super::world::Unfinished;
use crate::heap::Heap;
use crate::interp::coroutine::{CoroStack, Granted};
use crate::interp::session::Turn;
use crate::trap::Trap;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Why turns end.
#[derive(Debug)]
pub(super) enum End {
    AllDone,
    Stuck,
    MaxTicks,
    OutOfFuel,
    Interrupted,
    Trapped(Box<CoroTrap>),
}

/// How far turns go, and where they are.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Slices that may still be begun.
    pub(super) ticks: u64,
    /// Fuel of the slice that the policy gives; the price of its first instruction where that is dearer.
    wanted: u64,
    /// Fuel of the slice that was given: less where the machine has no more.
    given: u64,
    /// Whether something of the slice was done in an earlier run.
    begun: bool,
    /// What had been charged and was not paid when the slice began.
    owed: u64,
    pub(super) end: Option<End>,
}

impl Progress {
    pub(super) fn new(ticks: u64) -> Self {
        Self { ticks, ..Self::default() }
    }
}

impl Slice<'_> {
    /// The next slice; see [`SessionOps::turn`](crate::interp::session::SessionOps::turn).
    pub(super) fn take_turn(
        &mut self,
        how: Turn,
        left: u64,
        owed: &mut u64,
        stack: &mut CoroStack,
        heap: &mut Heap,
    ) -> Option<Granted> {
        if !matches!(how, Turn::Begin) {
            let spent = self.pay(left, owed);
            if let Turn::OutOfFuel { needs } = how
                && spent == 0
                && !self.progress.begun
                && self.progress.given == self.progress.wanted
            {
                // Every slice does at least one instruction, whatever that costs.
                self.progress.wanted = needs.max(self.progress.wanted.saturating_add(1));
                return self.give();
            }
            if let Some(coro) = self.world.coro_mut(self.current) {
                coro.frames.swap_stack(stack);
            }
            self.progress.end = self.after(how, spent, heap);
            if self.progress.end.is_some() {
                return None;
            }
        }
        match self.next() {
            Ok(next) => {
                let coro = self.world.coro_mut(next.coro)?;
                coro.status = Status::Running;
                coro.frames.swap_stack(stack);
                self.current = next.coro;
                (self.progress.wanted, self.progress.begun) = (next.quantum, next.begun);
                self.progress.owed = *owed;
                self.give()
            }
            Err(end) => {
                self.progress.end = Some(end);
                None
            }
        }
    }

    /// The slice, with as much of its fuel as there is.
    #[inline]
    fn give(&mut self) -> Option<Granted> {
        self.progress.given = self.progress.wanted.min(self.world.account.fuel);
        let given = self.progress.given;
        self.world.coro(self.current).map(|coro| coro.frames.grant(given))
    }

    /// Pays for a slice: what was taken of its fuel, and what hosts and instructions charged beyond that. Gives the sum.
    #[inline]
    fn pay(&mut self, left: u64, owed: &mut u64) -> u64 {
        let used = self.progress.given.saturating_sub(left);
        let fuel = &mut self.world.account.fuel;
        *fuel = fuel.saturating_sub(used);
        if *owed == 0 {
            return used;
        }
        let more = owed.saturating_sub(self.progress.owed);
        let paid = (*owed).min(*fuel);
        *owed -= paid;
        *fuel -= paid;
        used.saturating_add(more)
    }

    /// What becomes of the coroutine behind its slice, which took this much fuel.
    fn after(&mut self, how: Turn, spent: u64, heap: &mut Heap) -> Option<End> {
        let current = self.current;
        match how {
            Turn::Begin => {}
            Turn::Yielded => self.world.enqueue(current, &self.config.policy),
            Turn::Blocked => {
                if let Some(wait) = self.wait.take() {
                    let awaits = self.awaited.take();
                    if let Some(coro) = self.coro_mut() {
                        coro.awaits = awaits;
                    }
                    self.world.wait(current, wait);
                }
            }
            // Only the machine's fuel keeps it from using up its quantum.
            Turn::OutOfFuel { .. } if self.progress.given < self.progress.wanted => {
                if self.unfinished(spent) {
                    return Some(End::OutOfFuel);
                }
            }
            Turn::OutOfFuel { .. } => self.world.enqueue(current, &self.config.policy),
            Turn::Interrupted => {
                self.unfinished(spent);
                return Some(End::Interrupted);
            }
            Turn::Ended => {
                let coro = self.world.coro_id(current);
                self.world.emit(Event::Halted { coro });
                self.leave(Status::Halted, heap);
            }
            Turn::Trapped(trap) => return Some(self.trapped(*trap, heap)),
        }
        (self.world.alive == 0).then_some(End::AllDone)
    }

    /// The slice goes on in the next run, if anything is left of it: however often a run is stopped and goes on, slices
    /// end where they would have.
    fn unfinished(&mut self, spent: u64) -> bool {
        let (coro, quantum) = (self.current, self.progress.wanted.saturating_sub(spent));
        if quantum == 0 {
            self.world.enqueue(coro, &self.config.policy);
            return false;
        }
        let begun = self.progress.begun || spent > 0;
        // What the first instruction costs is found out again.
        let quantum = if begun { quantum } else { self.config.policy.quantum().max(1) };
        self.world.unfinished = Some(Unfinished { coro, quantum, begun });
        true
    }

    #[cold]
    fn trapped(&mut self, mut trap: Trap, heap: &mut Heap) -> End {
        let coro = self.world.coro_id(self.current);
        // The machine's fuel, not the slice's.
        trap.fuel = self.world.account.fuel;
        self.world.emit(Event::Failed { coro, trap: trap.code });
        self.leave(Status::Trapped, heap);
        End::Trapped(Box::new(CoroTrap { coro, trap }))
    }

    /// The coroutine whose turn it is, and its quantum.
    fn next(&mut self) -> Result<Unfinished, End> {
        if self.progress.ticks == 0 {
            return Err(End::MaxTicks);
        }
        self.progress.ticks -= 1;
        if let Some(unfinished) = self.world.unfinished.take() {
            let coro = unfinished.coro;
            if !self.world.coro(coro).is_some_and(|coro| coro.paused) {
                return Ok(unfinished);
            }
            self.world.enqueue(coro, &self.config.policy);
        }
        self.world.tick += 1;
        if self.world.alive == 0 {
            return Err(End::AllDone);
        }
        self.world.enqueue_woken(&self.config.policy);
        let next = if self.world.paused == 0 {
            self.world.ready.pop()
        } else {
            let coros = &self.world.coros;
            self.world.ready.pop_unless(|index| coros.get(index as usize).is_some_and(|coro| coro.paused))
        };
        let quantum = self.config.policy.quantum().max(1);
        next.map(|coro| Unfinished { coro, quantum, begun: false }).ok_or(End::Stuck)
    }

    /// Takes everything from the coroutine, which is over.
    fn leave(&mut self, status: Status, heap: &mut Heap) {
        let (index, keep) = (self.current, self.plan.keeps_registers);
        self.undo_all(heap);
        let Some(coro) = self.world.coro_mut(index) else { return };
        let mut owned = core::mem::take(&mut coro.owned);
        (coro.handles, coro.facts) = (Vec::new(), Vec::new());
        let (paused, called) = (core::mem::take(&mut coro.paused), coro.called.take());
        self.world.paused -= u32::from(paused);
        self.world.alive -= 1;
        let cancel = self.config.on_trap == OnTrap::Cancel;
        owned.retain(|&id| !self.world.drop_endpoint(id, cancel, self.plan, heap));
        for (next, layer) in self.world.layers.forget(index, called) {
            self.world.call(next, layer);
        }
        let Some(coro) = self.world.coro_mut(index) else { return };
        coro.status = status;
        // Registers that are kept are charged for, and so is the place of one that still has endpoints: nobody may take
        // both over.
        let stays = keep || !owned.is_empty();
        coro.owned = owned;
        let fixed = if stays { Coroutine::BYTES } else { 0 };
        let stack = if keep { 0 } else { coro.frames.bytes() };
        let bytes = (core::mem::take(&mut coro.bytes) + stack).saturating_sub(fixed);
        let stack = (!keep).then(|| coro.frames.take_stack());
        heap.uncharge(bytes);
        if let Some(stack) = stack {
            self.stacks.keep(stack);
        }
        if !stays {
            self.world.vacate(index);
        }
    }
}
