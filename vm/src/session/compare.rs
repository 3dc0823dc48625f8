//! Whether two runs are the same, in four senses.

use super::event::{Event, Observe, Stamped};
use super::names::{Hash, Names};
use crate::endpoint::{CoroId, SessionId};
use crate::protocol::LabelId;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

/// In which sense two traces have to be the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// The same events at the same ticks.
    #[default]
    Full,
    /// The same events at the same ticks, but for those that only say how a run was scheduled: a run and its replay may
    /// be observed at different levels.
    Replay,
    /// The same order of events, without those of effects and guard layers and those of scheduling. Ticks are not
    /// compared, because waiting for an effect takes some.
    ModuloEffects,
    /// The same events for each party, whatever happened in between for others: what each role of each session sent and
    /// received, what became of each session, what each coroutine did. The order on each edge follows from that. Ticks
    /// and scheduling are not compared. Sessions and coroutines need the same numbers in both.
    ModuloCommutativity,
}

impl Mode {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Replay => "replay",
            Self::ModuloEffects => "modulo effects",
            Self::ModuloCommutativity => "modulo commutativity",
        }
    }

    fn keeps(self, event: &Event) -> bool {
        let scheduling = event.kind().level() == Observe::Trace;
        match self {
            Self::Full => true,
            Self::Replay | Self::ModuloCommutativity => !scheduling,
            Self::ModuloEffects => !scheduling && !event.kind().is_effect(),
        }
    }

    const fn has_ticks(self) -> bool {
        matches!(self, Self::Full | Self::Replay)
    }

    fn stream(self, event: &Event) -> Stream {
        if self == Self::ModuloCommutativity { Stream::of(event) } else { Stream::All }
    }
}

/// Events that come one after the other in every schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stream {
    /// All of a run.
    All,
    /// Beginning and end of a session.
    Session(SessionId),
    /// What a role of a session sent and received.
    Role(SessionId, u16),
    /// What a coroutine did beside that.
    Coroutine(CoroId),
}

impl Stream {
    /// The stream that an event belongs to.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        match *event {
            Event::Opened { session, .. }
            | Event::Closed { session }
            | Event::Terminal { session, .. }
            | Event::Epoch { session, .. } => Self::Session(session),
            Event::Sent { session, from: role, .. }
            | Event::Offered { session, from: role, .. }
            | Event::Received { session, to: role, .. }
            | Event::Chose { session, to: role, .. } => Self::Role(session, role),
            Event::Halted { coro }
            | Event::Invoked { coro, .. }
            | Event::Acquired { coro, .. }
            | Event::Released { coro, .. }
            | Event::Transferred { from: coro, .. }
            | Event::Forked { coro, .. }
            | Event::Joined { coro }
            | Event::Aborted { coro }
            | Event::Tagged { coro, .. }
            | Event::Checked { coro, .. }
            | Event::Failed { coro, .. }
            | Event::Woken { coro }
            | Event::Spawned { child: coro, .. } => Self::Coroutine(coro),
        }
    }

    fn show(self, f: &mut fmt::Formatter<'_>, names: &Names<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("the run"),
            Self::Session(session) => write!(f, "the life of {}", Hash(session)),
            Self::Role(session, role) => {
                write!(f, "what {} of {} did", names.show_role(session, role), Hash(session))
            }
            Self::Coroutine(coro) => write!(f, "what {} did", names.show_coro(coro)),
        }
    }
}

/// The first place where two traces differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The sense in which they do.
    pub mode: Mode,
    /// The events among which it is.
    pub stream: Stream,
    /// Which event of these it is, counted from 0; those that the mode leaves out do not count.
    pub index: usize,
    /// What the first trace has there; `None` where it ends.
    pub left: Option<Stamped>,
    /// What the second trace has there.
    pub right: Option<Stamped>,
}

impl Difference {
    /// The difference as text for people, with these names.
    #[must_use]
    pub const fn display<'a>(&'a self, names: &'a Names<'a>) -> DifferenceText<'a> {
        DifferenceText { difference: self, names }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.display(&Names::none()))
    }
}

impl core::error::Error for Difference {}

/// A difference as text; see [`Difference::display`].
#[derive(Clone, Copy, Debug)]
pub struct DifferenceText<'a> {
    difference: &'a Difference,
    names: &'a Names<'a>,
}

impl fmt::Display for DifferenceText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { mode, stream, index, left, right } = self.difference;
        write!(f, "the traces differ ({}) at event {index} of ", mode.name())?;
        stream.show(f, self.names)?;
        for (side, stamped) in [("first", left), ("second", right)] {
            write!(f, "\n  {side:6} ")?;
            match stamped {
                Some(stamped) => write!(f, "{}", stamped.display(self.names))?,
                None => f.write_str("(ends here)")?,
            }
        }
        Ok(())
    }
}

/// Compares two traces. Both should be whole: a log that dropped events has only the end.
///
/// # Errors
/// The first [`Difference`], by the order of the first trace; of what only the second has, by its order.
pub fn compare(left: &[Stamped], right: &[Stamped], mode: Mode) -> Result<(), Difference> {
    let mut streams: BTreeMap<Stream, Vec<&Stamped>> = BTreeMap::new();
    for stamped in right.iter().filter(|stamped| mode.keeps(&stamped.event)) {
        streams.entry(mode.stream(&stamped.event)).or_default().push(stamped);
    }
    // How far each stream has been compared.
    let mut at: BTreeMap<Stream, usize> = BTreeMap::new();
    for stamped in left.iter().filter(|stamped| mode.keeps(&stamped.event)) {
        let stream = mode.stream(&stamped.event);
        let index = at.entry(stream).or_default();
        let other = streams.get(&stream).and_then(|stream| stream.get(*index)).copied();
        let same = other.is_some_and(|other| {
            other.event == stamped.event && (!mode.has_ticks() || other.tick == stamped.tick)
        });
        if !same {
            let (left, right) = (Some(stamped.clone()), other.cloned());
            return Err(Difference { mode, stream, index: *index, left, right });
        }
        *index += 1;
    }
    // What is left over of the second trace: the earliest of it.
    for stamped in right.iter().filter(|stamped| mode.keeps(&stamped.event)) {
        let stream = mode.stream(&stamped.event);
        match at.get_mut(&stream) {
            Some(rest @ 1..) => *rest -= 1,
            _ => {
                let before = left.iter().filter(|stamped| mode.keeps(&stamped.event));
                let index = before.filter(|stamped| mode.stream(&stamped.event) == stream).count();
                return Err(Difference { mode, stream, index, left: None, right: Some(stamped.clone()) });
            }
        }
    }
    Ok(())
}

/// A directed edge of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The session.
    pub session: SessionId,
    /// The sender's place in the shape.
    pub from: u16,
    /// The receiver's place in the shape.
    pub to: u16,
}

/// What went over an edge, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgeTrace {
    /// Labels of the messages sent.
    pub sent: Vec<LabelId>,
    /// Labels of the messages received.
    pub received: Vec<LabelId>,
}

/// What went over each edge in a trace. Edges that nothing went over are not in it.
#[must_use]
pub fn edge_traces(trace: &[Stamped]) -> BTreeMap<Edge, EdgeTrace> {
    let mut edges: BTreeMap<Edge, EdgeTrace> = BTreeMap::new();
    for stamped in trace {
        match stamped.event {
            Event::Sent { session, from, to, label } => {
                edges.entry(Edge { session, from, to }).or_default().sent.push(label);
            }
            Event::Received { session, from, to, label } => {
                edges.entry(Edge { session, from, to }).or_default().received.push(label);
            }
            _ => {}
        }
    }
    edges
}
