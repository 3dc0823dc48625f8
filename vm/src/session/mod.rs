//! Sessions at run time.
//!
//! The modules here that only hold data: what happened ([`event`]), what of it is kept ([`log`]), how it is shown ([`names`],
//! [`json`]). They rely on ids, on the names in a program's tables and on nothing that runs.

pub mod event;
mod hash;
pub mod json;
pub mod log;
pub mod names;
#[cfg(test)]
mod tests;

pub use event::{Ending, Event, EventKind, Observe, Stamped};
pub use hash::{bundle_hash, trace_hash};
pub use log::EventLog;
pub use names::Names;
