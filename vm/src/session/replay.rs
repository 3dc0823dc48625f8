//! Hands out the decisions of a tape again, as long as the run asks for the same ones.

use super::record::{Act, Decision, Entry, Origin};
use super::tape::EffectTape;
use core::fmt;

/// A run that asks for something else than the recorded one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The number of the decision, counted from 0.
    pub seq: usize,
    /// What the tape has there.
    pub expected: Expected,
    /// What the run did; `None` where it ended.
    pub found: Option<(Origin, Act)>,
}

/// What comes next on a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This.
    Act(Origin, Act),
    /// Nothing: the recorded run ended there.
    End,
    /// What came next was not kept, because the record had become too large.
    Cut,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the replay differs from the record at decision {}: ", self.seq)?;
        match self.expected {
            Expected::Act(origin, act) => write!(f, "recorded was {} {origin}", act.name())?,
            Expected::End => f.write_str("the recorded run had ended")?,
            Expected::Cut => f.write_str("the record was cut here, because it had become too large")?,
        }
        match self.found {
            Some((origin, act)) => write!(f, "; the replay came to {} {origin}", act.name()),
            None => f.write_str("; the replay has ended"),
        }
    }
}

impl core::error::Error for Divergence {}

/// A tape that is being replayed.
#[derive(Clone, Debug)]
pub struct Replay {
    tape: EffectTape,
    next: usize,
}

impl Replay {
    /// Replays a tape from its beginning.
    #[must_use]
    pub const fn new(tape: EffectTape) -> Self {
        Self { tape, next: 0 }
    }

    /// The tape.
    #[must_use]
    pub const fn tape(&self) -> &EffectTape {
        &self.tape
    }

    /// What was decided where the recorded run came to this act at this place.
    ///
    /// # Errors
    /// [`Divergence`], where it came to something else. The tape then stays where it is.
    pub fn next(&mut self, origin: Origin, act: Act) -> Result<&Decision, Divergence> {
        let seq = self.next;
        let expected = self.expected();
        if expected != Expected::Act(origin, act) {
            return Err(Divergence { seq, expected, found: Some((origin, act)) });
        }
        self.next += 1;
        // It is there: it was just compared.
        self.tape.entries.get(seq).map(|entry| &entry.decision).ok_or(Divergence {
            seq,
            expected: Expected::End,
            found: Some((origin, act)),
        })
    }

    /// The next thing that the host did by itself, if it did it at this tick or before: to be asked for before each
    /// slice, until there is none.
    pub fn host(&mut self, tick: u64) -> Option<&Entry> {
        let entry = self.tape.entries.get(self.next)?;
        match entry.origin {
            Origin::Host { tick: then } if then <= tick => {
                self.next += 1;
                Some(entry)
            }
            _ => None,
        }
    }

    /// Whether every decision has been handed out.
    ///
    /// # Errors
    /// [`Divergence`], where the recorded run went on.
    pub fn finish(&self) -> Result<(), Divergence> {
        match self.expected() {
            Expected::End => Ok(()),
            expected => Err(Divergence { seq: self.next, expected, found: None }),
        }
    }

    fn expected(&self) -> Expected {
        match self.tape.entries.get(self.next) {
            Some(entry) => Expected::Act(entry.origin, entry.act),
            None if self.tape.complete => Expected::End,
            None => Expected::Cut,
        }
    }
}
