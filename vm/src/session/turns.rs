//! Whose turn it is: what becomes of a coroutine behind its slice, and who is next.

use super::config::OnTrap;
use super::coro::Status;
use super::event::Event;
use super::slice::Slice;
use super::status::CoroTrap;
use super::world::Unfinished;
use crate::heap::Heap;
use crate::interp::session::{Current, Turn};
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
    /// Fuel of the slice that the policy gives.
    quantum: u64,
    /// Fuel of the slice that was given.
    given: u64,
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
        mut current: Current<'_>,
        heap: &mut Heap,
    ) -> Option<u64> {
        if !matches!(how, Turn::Begin) {
            let used = self.progress.given.saturating_sub(left);
            self.world.account.fuel = self.world.account.fuel.saturating_sub(used);
            if matches!(how, Turn::OutOfFuel) && used == 0 && self.progress.given < self.world.account.fuel {
                // An instruction that costs more than the quantum: every slice does at least one.
                self.progress.given = self.progress.given.saturating_mul(4).min(self.world.account.fuel);
                return Some(self.progress.given);
            }
            if let Some(coro) = self.world.coro_mut(self.current) {
                current.swap(&mut coro.frames);
            }
            self.progress.end = self.after(how, used, heap);
            if self.progress.end.is_some() {
                return None;
            }
        }
        match self.next() {
            Ok((next, quantum)) => {
                self.current = next;
                let coro = self.world.coro_mut(next)?;
                coro.status = Status::Running;
                current.swap(&mut coro.frames);
                self.progress.quantum = quantum;
                self.progress.given = quantum.min(self.world.account.fuel);
                Some(self.progress.given)
            }
            Err(end) => {
                self.progress.end = Some(end);
                None
            }
        }
    }

    /// What becomes of the coroutine behind its slice, which used this much fuel.
    fn after(&mut self, how: Turn, used: u64, heap: &mut Heap) -> Option<End> {
        let current = self.current;
        match how {
            Turn::Begin => {}
            Turn::Yielded => self.world.enqueue(current, &self.config.policy),
            Turn::Blocked => {
                if let Some(wait) = self.wait.take() {
                    self.world.wait(current, wait);
                }
            }
            // Only the machine's fuel keeps it from using up its quantum.
            Turn::OutOfFuel if self.progress.given < self.progress.quantum => {
                self.unfinished(used);
                return Some(End::OutOfFuel);
            }
            Turn::OutOfFuel => self.world.enqueue(current, &self.config.policy),
            Turn::Interrupted => {
                self.unfinished(used);
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

    fn unfinished(&mut self, used: u64) {
        let quantum = self.progress.quantum.saturating_sub(used).max(1);
        self.world.unfinished = Some(Unfinished { coro: self.current, quantum });
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
    fn next(&mut self) -> Result<(u32, u64), End> {
        if self.progress.ticks == 0 {
            return Err(End::MaxTicks);
        }
        self.progress.ticks -= 1;
        if let Some(Unfinished { coro, quantum }) = self.world.unfinished.take() {
            return Ok((coro, quantum));
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
        next.map(|next| (next, self.config.policy.quantum().max(1))).ok_or(End::Stuck)
    }

    /// Takes everything from the coroutine, which is over.
    fn leave(&mut self, status: Status, heap: &mut Heap) {
        let (index, keep) = (self.current, self.config.keep_registers);
        let Some(coro) = self.world.coro_mut(index) else { return };
        coro.status = status;
        let owned = core::mem::take(&mut coro.owned);
        let checkpoints = core::mem::take(&mut coro.checkpoints);
        coro.handles = Vec::new();
        coro.facts = Vec::new();
        let held: u64 = checkpoints.iter().map(|checkpoint| checkpoint.bytes).sum();
        let bytes = core::mem::take(&mut coro.bytes) + coro.frames.bytes() + held;
        let (paused, called) = (core::mem::take(&mut coro.paused), coro.called.take());
        let stack = (!keep).then(|| coro.frames.take_stack());
        let reusable = !keep && coro.generation < u32::MAX;
        self.world.paused -= u32::from(paused);
        self.world.alive -= 1;
        heap.uncharge(bytes);
        let cancel = self.config.on_trap == OnTrap::Cancel;
        for id in owned {
            self.world.drop_endpoint(id, cancel, self.plan, heap);
        }
        for (next, layer) in self.world.layers.forget(index, called) {
            self.world.call(next, layer);
        }
        if let Some(stack) = stack {
            self.stacks.keep(stack);
        }
        if reusable {
            self.world.free.push(index);
        }
    }
}
