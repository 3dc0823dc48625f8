//! The sections of a container: tags, names and the order they are written in.

use crate::program::ContainerVersion;
use core::fmt;

/// A section that this version of the format knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Section {
    /// Interned texts.
    Symbols = 1,
    /// The constant pool.
    Consts = 2,
    /// Field names, struct types, array element types.
    Types = 3,
    /// The function table.
    Functions = 4,
    /// Code blobs.
    Code = 5,
    /// Span tables.
    Spans = 6,
    /// Function signatures with parameter and result names.
    FunctionSigs = 7,
    /// Host imports.
    HostSigs = 8,
    /// Names for people. Optional.
    Names = 9,
    /// Signatures of indirect calls. Optional.
    CallSigs = 10,
    /// Declared shapes of aggregate parameters. Optional.
    Shapes = 11,
    /// Linear memories. Optional, and unknown to versions before 0.128. Tags below 128 are left to `execution_tape`.
    Memories = 128,
    /// Names of roles. Optional, as are all sections about sessions, and since 0.128.
    Roles = 129,
    /// Names of labels.
    Labels = 130,
    /// What messages carry.
    Payloads = 131,
    /// States of local types, with their branches.
    States = 132,
    /// Names of local types.
    Locals = 133,
    /// Shapes of sessions.
    SessionShapes = 134,
    /// Effects.
    Effects = 135,
    /// Guard layers.
    Layers = 136,
    /// Types of parameters and results that are endpoints or evidence.
    Linear = 137,
}

impl Section {
    /// All sections in the order the writer puts them. It is also an order in which every section stands
    /// behind those it refers to, except for references that only the verifier checks.
    pub const ALL: [Self; 21] = [
        Self::Symbols,
        Self::Consts,
        Self::Types,
        Self::Code,
        Self::Spans,
        Self::Functions,
        Self::FunctionSigs,
        Self::HostSigs,
        Self::CallSigs,
        Self::Shapes,
        Self::Memories,
        Self::Roles,
        Self::Labels,
        Self::Payloads,
        Self::States,
        Self::Locals,
        Self::SessionShapes,
        Self::Effects,
        Self::Layers,
        Self::Linear,
        Self::Names,
    ];

    /// The tag byte.
    #[must_use]
    pub const fn tag(self) -> u8 {
        self as u8
    }

    /// The section with this tag byte, if containers of this version have one.
    #[must_use]
    pub fn from_tag(tag: u8, version: ContainerVersion) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.tag() == tag && section.since() <= version)
    }

    /// The first version of the format that has the section.
    #[must_use]
    pub const fn since(self) -> ContainerVersion {
        // Lower tags are left to the versions below 0.128.
        if self.tag() < Self::Memories.tag() { ContainerVersion::V0_1 } else { ContainerVersion::V0_128 }
    }

    /// The section's name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Symbols => "symbols",
            Self::Consts => "constants",
            Self::Types => "types",
            Self::Functions => "functions",
            Self::Code => "code",
            Self::Spans => "spans",
            Self::FunctionSigs => "function signatures",
            Self::HostSigs => "host signatures",
            Self::Names => "names",
            Self::CallSigs => "call signatures",
            Self::Shapes => "parameter shapes",
            Self::Memories => "memories",
            Self::Roles => "roles",
            Self::Labels => "labels",
            Self::Payloads => "payloads",
            Self::States => "states",
            Self::Locals => "local types",
            Self::SessionShapes => "session shapes",
            Self::Effects => "effects",
            Self::Layers => "guard layers",
            Self::Linear => "linear types",
        }
    }

    /// Whether a container without the section is refused.
    #[must_use]
    pub const fn is_mandatory(self) -> bool {
        !matches!(self, Self::Names | Self::CallSigs | Self::Shapes) && self.tag() < Self::Memories.tag()
    }

    /// Whether the format itself refuses bytes behind the section's last entry. In the other sections it
    /// ignores them, unless [`TrailingBytes::Refuse`](super::TrailingBytes::Refuse) is configured.
    #[must_use]
    pub const fn refuses_trailing_bytes(self) -> bool {
        matches!(self, Self::Names | Self::Shapes) || self.tag() >= Self::Memories.tag()
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "section {} {}", self.tag(), self.name())
    }
}
