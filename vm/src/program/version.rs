//! Versions of the container format.

use crate::value_type::ValueType;
use core::fmt;
use opforge_schema::OpRow;

/// The version of the container format that a program is written in. It says which opcodes the program may use: the
/// `since` column of their rows, a minor version, is not above its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContainerVersion {
    /// 0.1: the opcodes of `execution_tape` 0.0.1, which reads these containers.
    #[default]
    V0_1,
    /// 0.128: all opcodes of this VM. Minor versions below 128 are left to `execution_tape`, which counts on from 0.1.
    V0_128,
}

impl ContainerVersion {
    /// Every version, in order.
    pub const ALL: [Self; 2] = [Self::V0_1, Self::V0_128];

    /// The newest version.
    pub const NEWEST: Self = Self::V0_128;

    /// The minor version; the major one is 0.
    #[must_use]
    pub const fn minor(self) -> u8 {
        match self {
            Self::V0_1 => 1,
            Self::V0_128 => 128,
        }
    }

    /// The version with these numbers.
    #[must_use]
    pub fn from_numbers(major: u16, minor: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| (0, u16::from(version.minor())) == (major, minor))
    }

    /// The first version that knows an opcode.
    #[must_use]
    pub const fn of_opcode(row: &OpRow) -> Self {
        let mut at = 0;
        while at < Self::ALL.len() {
            if row.since <= Self::ALL[at].minor() {
                return Self::ALL[at];
            }
            at += 1;
        }
        Self::NEWEST
    }

    /// The first version that knows a class.
    #[must_use]
    pub const fn of_class(class: ValueType) -> Self {
        if class.is_of_sessions() { Self::V0_128 } else { Self::V0_1 }
    }
}

impl fmt::Display for ContainerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0.{}", self.minor())
    }
}
