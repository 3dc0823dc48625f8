//! Sessions at run time.
//!
//! The modules here that only hold data: what happened ([`event`]), what of it is kept ([`log`]).
//! They rely on ids, on the names in a program's tables and on nothing that runs.

pub mod event;
pub mod log;

pub use event::{Ending, Event, EventKind, Observe, Stamped};
pub use log::EventLog;
