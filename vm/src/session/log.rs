//! The events of a run that are kept.

use super::event::{Event, Observe, Stamped};
use alloc::vec::Vec;

/// The newest events of a run, up to a number of them.
///
/// When it is full, the oldest go: what a stuck or trapped run did last says why. How many went is counted.
#[derive(Clone, Debug)]
pub struct EventLog {
    level: Observe,
    capacity: usize,
    /// The newest events, with some older ones before them: these go many at once, so that events stay one slice.
    events: Vec<Stamped>,
    /// Events that have left `events`.
    gone: u64,
}

impl EventLog {
    /// A log of at most `capacity` events of this level.
    #[must_use]
    pub const fn new(level: Observe, capacity: usize) -> Self {
        Self { level, capacity, events: Vec::new(), gone: 0 }
    }

    /// Whether it keeps events of this level: who makes an event can ask before.
    #[inline]
    #[must_use]
    pub const fn wants(&self, level: Observe) -> bool {
        self.level as u8 >= level as u8
    }

    /// Keeps an event, unless its level is not wanted.
    pub fn push(&mut self, tick: u64, event: Event) {
        if !self.wants(event.kind().level()) {
            return;
        }
        if self.events.len() >= self.capacity + self.slack() {
            self.trim();
        }
        self.events.push(Stamped { tick, event });
    }

    /// The events kept, the oldest first.
    #[must_use]
    pub fn events(&self) -> &[Stamped] {
        self.events.get(self.events.len().saturating_sub(self.capacity)..).unwrap_or(&[])
    }

    /// Events that were not kept.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.gone + self.events.len().saturating_sub(self.capacity) as u64
    }

    fn slack(&self) -> usize {
        self.capacity / 4 + 16
    }

    fn trim(&mut self) {
        let old = self.events.len().saturating_sub(self.capacity);
        self.events.drain(..old);
        self.gone += old as u64;
    }
}
