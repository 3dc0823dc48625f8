//! How a run of a machine ended.

use super::stuck::StuckReport;
use crate::endpoint::CoroId;
use crate::trap::Trap;
use alloc::boxed::Box;
use core::fmt;

/// A coroutine that has trapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoroTrap {
    /// The coroutine.
    pub coro: CoroId,
    /// Why and where.
    pub trap: Trap,
}

impl fmt::Display for CoroTrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.coro, self.trap)
    }
}

/// Why [`SessionMachine::run`](super::SessionMachine::run) came back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunStatus {
    /// No coroutine runs any more.
    AllDone,
    /// Coroutines are left, and none of them can run: all wait, or are paused.
    Stuck(Box<StuckReport>),
    /// The slices that were asked for are over.
    MaxTicks,
    /// The machine's fuel is used up. With more of it the run goes on as if nothing had happened.
    OutOfFuel,
    /// The interrupt flag was set. Running again goes on.
    Interrupted,
    /// A coroutine trapped. Running again goes on with the others.
    Trapped(Box<CoroTrap>),
}
