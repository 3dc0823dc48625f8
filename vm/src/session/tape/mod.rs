//! A run's decisions as bytes, so that a run can be recorded in one process and replayed in another.
//!
//! # Format, version 1
//!
//! Numbers are unsigned LEB128 in the fewest bytes, unless said otherwise. Signed ones are zigzag-coded before. Texts and byte
//! strings have their length in front. Ids are their number; sessions and coroutines are number and generation;
//! endpoints also have the place of the role behind.
//!
//! ```text
//! tape     = "OPFTAPE" version:1 byte, program:8 bytes, config:8 bytes, complete:0|1, count, entry*, check:8 bytes
//! entry    = origin, act:1 byte, decision
//! origin   = 0 coro func instr | 1 tick
//! decision = 0 done | 1 value datum | 2 dropped | 3 blocked | 4 failed text | 5 panicked text
//!          | 6 injected session from to label datum | 7 opened session shape | 8 spawned coro func count datum*
//!          | 9 session | 10 coroutine | 11 layer
//! datum    = 0 unit | 1 false | 2 true | 3 i64 signed | 4 u64 | 5 f64:8 bytes | 6 decimal signed, scale:1 byte
//!          | 7 bytes | 8 text | 9 object type handle | 10 function | 11 closure function datum | 12 endpoint
//!          | 13 epid | 14 evidence layer serial | 15 coroutine | 16 tuple count datum* | 17 struct id count datum*
//!          | 18 array id count datum* | 19 no aggregate
//! ```
//!
//! Numbers of 8 bytes are little-endian. `check` is the hash of all bytes before it, as one byte string, as the events'
//! [hashes](super::trace_hash) are made. Reading takes at most 32 times the tape's bytes of memory, and 8 KiB.

mod error;
mod read;
mod write;

use super::record::Entry;
use alloc::vec::Vec;

pub use error::{TapeError, TapeErrorKind};

const MAGIC: &[u8; 7] = b"OPFTAPE";
const VERSION: u8 = 1;

/// The decisions of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectTape {
    /// The hash of the program that ran.
    pub program: u64,
    /// The hash of the configuration that it ran with.
    pub config: u64,
    /// Whether every decision is there. If not, a replay ends where they do.
    pub complete: bool,
    /// The decisions, in order.
    pub entries: Vec<Entry>,
}
