//! Whether the roles of a shape fit together: nobody waits for ever, and nobody gets a message it cannot take.
//!
//! Two ways lead there. A shape with a global type is coherent if its local types are the projections of that; this is
//! quick and knows no limits. Of any other shape all roles are run against each other, with short queues, until every
//! state of the whole has been seen, or something went wrong, or a limit is met. Messages that are lost on the way
//! (edges with policy `drop` or `latest`) are another matter: both ways assume that what is sent arrives.

mod explore;
mod project;

use crate::ids::ShapeId;
use crate::program::Program;
use crate::protocol::LabelId;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Limits of [`coherence`]. The defaults are enough for protocols of some roles and some dozen messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoherenceLimits {
    queue: u32,
    states: u32,
    work: u64,
}

impl Default for CoherenceLimits {
    fn default() -> Self {
        Self { queue: 2, states: 20_000, work: 1 << 25 }
    }
}

impl CoherenceLimits {
    /// The default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Messages that an edge holds while the roles are run, at least 1. Default: 2.
    #[must_use]
    pub fn queue(mut self, messages: u32) -> Self {
        self.queue = messages.max(1);
        self
    }

    /// States of the whole that are looked at. Default: 20,000.
    #[must_use]
    pub fn states(mut self, states: u32) -> Self {
        self.states = states;
        self
    }

    /// Work, in steps of about a nanosecond; memory is at most eight bytes a step. Default: 2^25.
    #[must_use]
    pub fn work(mut self, steps: u64) -> Self {
        self.work = steps;
        self
    }
}

/// How it is known that the roles of a shape fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coherent {
    /// They are the projections of the shape's global type.
    Projected,
    /// They were run against each other, and this many states of the whole were all there are.
    Explored {
        /// How many.
        states: u32,
    },
}

/// One step of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceStep {
    /// The place of the sender in the shape.
    pub from: u16,
    /// The place of the receiver in the shape.
    pub to: u16,
    /// The message.
    pub label: LabelId,
    /// Whether it is sent or received in this step.
    pub action: TraceAction,
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceAction {
    /// It is sent.
    Sent,
    /// It is received.
    Received,
}

/// What is wrong with the roles of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IncoherenceKind {
    /// There is no such shape.
    NoShape,
    /// The text of the global type is no global type.
    Global,
    /// The global type has no projection to one of its roles, or has a role that the shape does not have.
    Projection,
    /// A role does something else than the projection of the global type.
    Differs {
        /// The place of the role.
        role: u16,
    },
    /// A role talks to somebody who has no part in the session.
    Partner {
        /// The place of the role.
        role: u16,
    },
    /// A message arrives that the receiver cannot take.
    CannotTake {
        /// The place of the receiver.
        role: u16,
        /// The place of the sender.
        from: u16,
        /// The message.
        label: LabelId,
    },
    /// Nobody can do anything, though somebody is not done.
    Deadlock {
        /// The places of the roles that wait for a message.
        waiting: Vec<u16>,
    },
    /// Everybody is done, and messages are left that nobody takes.
    Orphans,
    /// Limits were met before it was known.
    Limit,
}

/// Why the roles of a shape do not fit together, or why that is not known. Its text names roles and labels and tells
/// what has to happen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoherence {
    shape: ShapeId,
    kind: IncoherenceKind,
    trace: Vec<TraceStep>,
    text: String,
}

impl Incoherence {
    /// The shape.
    #[must_use]
    pub fn shape(&self) -> ShapeId {
        self.shape
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &IncoherenceKind {
        &self.kind
    }

    /// What happens before, from the beginning of the session on; nothing where it is not about a run.
    #[must_use]
    pub fn trace(&self) -> &[TraceStep] {
        &self.trace
    }

    /// Whether nothing is known to be wrong, only limits were met.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        self.kind == IncoherenceKind::Limit
    }

    fn new(shape: ShapeId, kind: IncoherenceKind, text: String) -> Self {
        Self { shape, kind, trace: Vec::new(), text }
    }
}

impl fmt::Display for Incoherence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl core::error::Error for Incoherence {}

/// Whether the roles of a shape fit together. What it says holds for programs whose declarations verify.
///
/// # Errors
/// What is wrong, with what happens before it, or that limits were met.
pub fn coherence(
    program: &Program,
    shape: ShapeId,
    limits: &CoherenceLimits,
) -> Result<Coherent, Incoherence> {
    let Some(def) = program.sessions().shape(shape) else {
        return Err(Incoherence::new(
            shape,
            IncoherenceKind::NoShape,
            alloc::format!("{shape} does not exist"),
        ));
    };
    match program.symbol(def.global).filter(|text| !text.is_empty()) {
        Some(text) => project::check(program, shape, text, limits).map(|()| Coherent::Projected),
        None => explore::explore(program, shape, limits).map(|states| Coherent::Explored { states }),
    }
}
