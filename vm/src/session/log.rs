//! The events of a run that are kept.

use super::event::{Event, Observe, Stamped};
use super::hash::Hasher;
use alloc::vec::Vec;

/// The newest events of a run, up to a number of them.
///
/// When it is full, the oldest go: what a stuck or trapped run did last says why. How many went is counted, and the
/// [hash](Self::hash) is of all.
#[derive(Clone, Debug)]
pub struct EventLog {
    level: Observe,
    capacity: usize,
    /// The newest events, with some older ones before them: these go many at once, so that events stay one slice
    /// and each is moved a few times at most.
    events: Vec<Stamped>,
    /// Events that have left `events`.
    gone: u64,
    /// The hash of these.
    hasher: Hasher,
}

impl EventLog {
    /// A log of at most `capacity` events of this level. It takes memory as it fills, for up to a quarter more than
    /// that.
    #[must_use]
    pub const fn new(level: Observe, capacity: usize) -> Self {
        Self { level, capacity, events: Vec::new(), gone: 0, hasher: Hasher::new() }
    }

    /// The level.
    #[must_use]
    pub const fn level(&self) -> Observe {
        self.level
    }

    /// Whether it takes events of this level: who makes an event can ask before.
    #[inline]
    #[must_use]
    pub const fn wants(&self, level: Observe) -> bool {
        self.level as u8 >= level as u8
    }

    /// Takes an event, unless its level is not wanted.
    #[inline]
    pub fn push(&mut self, tick: u64, event: Event) {
        if !self.wants(event.kind().level()) {
            return;
        }
        // An addition that overflows would mean more events than fit into memory.
        if self.events.len() >= self.capacity.saturating_add(self.capacity / 4 + 16) {
            self.trim();
        }
        self.events.push(Stamped { tick, event });
    }

    /// The events kept, the oldest first.
    #[must_use]
    pub fn events(&self) -> &[Stamped] {
        self.events.get(self.extra()..).unwrap_or(&[])
    }

    /// Takes the events that are kept out of the log, the oldest first. They count neither as kept nor as dropped from
    /// then on; the hash still knows them.
    pub fn take(&mut self) -> Vec<Stamped> {
        self.trim();
        self.events.iter().for_each(|stamped| self.hasher.event(stamped));
        core::mem::take(&mut self.events)
    }

    /// Events that were wanted, but went because there were too many behind them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.gone + self.extra() as u64
    }

    /// The hash of all events so far, kept or not: [`trace_hash`](super::trace_hash) of the whole trace.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hasher = self.hasher;
        self.events.iter().for_each(|stamped| hasher.event(stamped));
        hasher.finish()
    }

    /// Events that are there, but too many.
    fn extra(&self) -> usize {
        self.events.len().saturating_sub(self.capacity)
    }

    #[cold]
    fn trim(&mut self) {
        let extra = self.extra();
        for stamped in self.events.drain(..extra) {
            self.hasher.event(&stamped);
        }
        self.gone += extra as u64;
    }
}
