//! Sessions at run time.
//!
//! The modules here that only hold data: what happened ([`event`]), what of it is kept ([`log`]), how it is shown ([`names`],
//! [`json`], [`diagram`]); what the embedder decided ([`record`]), as values that belong to no heap ([`datum`]) and as bytes ([`tape`]), and
//! the same decisions again ([`replay`]); whether two runs are the same ([`compare`](mod@compare)), and why one is stuck
//! ([`stuck`]). They rely on ids, on the names in a program's tables and on nothing that runs.

mod care;
mod comm;
pub mod compare;
pub mod config;
mod control;
mod coro;
pub mod datum;
mod decide;
pub mod diagram;
mod effects;
mod error;
pub mod event;
mod fits;
mod guards;
pub mod handler;
mod hash;
mod inspect;
pub mod json;
mod knowledge;
mod lifecycle;
pub mod log;
mod machine;
pub mod names;
mod plan;
mod ready;
pub mod record;
pub mod replay;
mod ring;
mod slice;
mod snapshot;
mod speculation;
mod status;
mod store;
pub mod stuck;
pub mod tape;
mod taping;
#[cfg(test)]
mod tests;
mod turns;
mod world;

pub use compare::{Difference, Mode, compare, edge_traces};
pub use config::{EdgeOverride, FlowPolicy, FlowRule, OnTrap, Policy, Priority, SessionConfig};
pub use datum::Datum;
pub use diagram::{Detail, Diagram};
pub use error::SessionError;
pub use event::{Ending, Event, EventKind, Observe, Stamped};
pub use handler::{
    EffectCall, EffectHandler, GuardCall, MessageInfo, NoEffects, Outcome, Receipt, SendDecision,
};
pub use hash::{bundle_hash, trace_hash};
pub use log::EventLog;
pub use machine::SessionMachine;
pub use names::Names;
pub use record::{Act, Decision, EffectLog, Entry, Origin};
pub use replay::{Divergence, Replay};
pub use snapshot::Snapshot;
pub use status::{CoroTrap, RunStatus};
pub use store::SessionStatus;
pub use stuck::{BlockReason, Blocked, Holder, StuckReport};
pub use tape::{EffectTape, TapeError};
