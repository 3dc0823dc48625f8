//! Sessions at run time.
//!
//! The modules here that only hold data: what happened ([`event`]), what of it is kept ([`log`]), how it is shown ([`names`],
//! [`json`], [`diagram`]); what the embedder decided ([`record`]), as values that belong to no heap ([`datum`]) and as bytes ([`tape`]), and
//! the same decisions again ([`replay`]); whether two runs are the same ([`compare`](mod@compare)), and why one is stuck
//! ([`stuck`]). They rely on ids, on the names in a program's tables and on nothing that runs.

pub mod compare;
pub mod datum;
pub mod diagram;
pub mod event;
mod hash;
pub mod json;
pub mod log;
pub mod names;
pub mod record;
pub mod replay;
pub mod stuck;
pub mod tape;
#[cfg(test)]
mod tests;

pub use compare::{Difference, Mode, compare, edge_traces};
pub use datum::Datum;
pub use diagram::{Detail, Diagram};
pub use event::{Ending, Event, EventKind, Observe, Stamped};
pub use hash::{bundle_hash, trace_hash};
pub use log::EventLog;
pub use names::Names;
pub use record::{Act, Decision, EffectLog, Entry, Origin};
pub use replay::{Divergence, Replay};
pub use stuck::{BlockReason, Blocked, Holder, StuckReport};
pub use tape::{EffectTape, TapeError};
