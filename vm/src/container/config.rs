//! What the reader accepts.

/// What to do with sections whose tag the reader does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnknownSections {
    /// Keep them in the program, in order. The writer puts them back behind the known sections.
    #[default]
    Preserve,
    /// Skip them. They are gone when the program is written again.
    Skip,
    /// Refuse the container.
    Refuse,
}

/// What to do with bytes between the last entry of a section and the section's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrailingBytes {
    /// As the format says: sections 9 and 11 refuse them, the others ignore them. Ignored bytes are gone
    /// when the program is written again.
    #[default]
    AsFormat,
    /// Refuse them in every section.
    Refuse,
}

/// What [`decode`](super::decode) accepts. Start from the default and change what matters:
///
/// ```
/// use opforge_vm::container::{DecodeConfig, UnknownSections};
/// let config = DecodeConfig::new().max_bytes(1 << 20).unknown_sections(UnknownSections::Refuse);
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeConfig {
    pub(super) max_bytes: usize,
    pub(super) unknown: UnknownSections,
    pub(super) trailing: TrailingBytes,
}

impl DecodeConfig {
    /// The most bytes a container may have unless configured otherwise: 64 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 64 << 20;

    /// The default: at most 64 MiB, unknown sections kept, trailing bytes as the format says.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_bytes: Self::DEFAULT_MAX_BYTES,
            unknown: UnknownSections::Preserve,
            trailing: TrailingBytes::AsFormat,
        }
    }

    /// The most bytes a container may have. Offsets inside a program are 32 bits wide, so a value above
    /// `u32::MAX` counts as `u32::MAX`. Decoding allocates at most 16 times the container's size.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = if bytes as u64 > u32::MAX as u64 { u32::MAX as usize } else { bytes };
        self
    }

    /// What to do with unknown sections.
    #[must_use]
    pub const fn unknown_sections(mut self, policy: UnknownSections) -> Self {
        self.unknown = policy;
        self
    }

    /// What to do with bytes behind a section's last entry.
    #[must_use]
    pub const fn trailing_bytes(mut self, policy: TrailingBytes) -> Self {
        self.trailing = policy;
        self
    }
}

impl Default for DecodeConfig {
    fn default() -> Self {
        Self::new()
    }
}
