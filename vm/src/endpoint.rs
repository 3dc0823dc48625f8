//! What the registers of the session family hold: endpoints, evidence, coroutines.
//!
//! Each is one slot. The slot is only a name: whoever acts on it looks up what it names, so a stale or made-up one is
//! an error of its user and of nobody else.

use core::fmt;

/// One role's end of a session.
///
/// Sessions are numbered from 0 in the order in which they are opened; a number that is used again has another
/// generation, so an endpoint of a session that is gone never names a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    /// The number of the session.
    pub session: u32,
    /// Which use of the number.
    pub generation: u16,
    /// The place of the role in the session's shape.
    pub role: u16,
}

impl EndpointId {
    /// The session it is an end of.
    #[must_use]
    pub const fn session_id(self) -> SessionId {
        SessionId { index: self.session, generation: self.generation }
    }

    pub(crate) const fn to_slot(self) -> u64 {
        (self.session as u64) << 32 | (self.generation as u64) << 16 | self.role as u64
    }

    pub(crate) const fn from_slot(slot: u64) -> Self {
        Self { session: (slot >> 32) as u32, generation: (slot >> 16) as u16, role: slot as u16 }
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, role {}", self.session_id(), self.role)
    }
}

/// A session: what [`EndpointId`] says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// The number.
    pub index: u32,
    /// Which use of the number.
    pub generation: u16,
}

impl SessionId {
    /// The end of one of its roles.
    #[must_use]
    pub const fn endpoint(self, role: u16) -> EndpointId {
        EndpointId { session: self.index, generation: self.generation, role }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.index)?;
        if self.generation != 0 {
            write!(f, " (use {})", u32::from(self.generation) + 1)?;
        }
        Ok(())
    }
}

/// A coroutine of a session machine. Numbers are given out as those of sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoroId {
    /// The number.
    pub index: u32,
    /// Which use of the number.
    pub generation: u32,
}

impl CoroId {
    pub(crate) const fn to_slot(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    pub(crate) const fn from_slot(slot: u64) -> Self {
        Self { index: slot as u32, generation: (slot >> 32) as u32 }
    }
}

impl fmt::Display for CoroId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "coroutine {}", self.index)?;
        if self.generation != 0 {
            write!(f, " (use {})", u64::from(self.generation) + 1)?;
        }
        Ok(())
    }
}

/// The proof that a coroutine holds a guard layer, made by the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvidenceId {
    /// The layer's number.
    pub layer: u16,
    /// Which acquisition of the machine it was, from 1 on; below 2^48.
    pub serial: u64,
}

impl EvidenceId {
    pub(crate) const fn to_slot(self) -> u64 {
        (self.layer as u64) << 48 | self.serial & ((1 << 48) - 1)
    }

    pub(crate) const fn from_slot(slot: u64) -> Self {
        Self { layer: (slot >> 48) as u16, serial: slot & ((1 << 48) - 1) }
    }
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evidence {} of layer {}", self.serial, self.layer)
    }
}
