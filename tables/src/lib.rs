//! The opcode tables of opforge, embedded and checked while compiling.
//!
//! [`ISA`] is the whole instruction set as a value; [`Opcode`] names the opcodes. The tables are the files
//! in `blobs/`, written by `just tablegen` from `spec/`; the build script refuses files that are missing,
//! damaged or older than the spec. This crate owns no facts and no logic.
#![no_std]
#![forbid(unsafe_code)]

mod embed;
#[rustfmt::skip]
#[path = "generated/intrinsics.rs"]
mod intrinsics;
#[rustfmt::skip]
#[path = "generated/opcodes.rs"]
mod opcodes;
#[rustfmt::skip]
#[path = "generated/session.rs"]
mod session;

pub use embed::{FINGERPRINT, ISA};
pub use intrinsics::Intrinsic;
pub use opcodes::{ISA_NAME, ISA_VERSION, Opcode};
#[cfg(feature = "docs")]
pub use opforge_schema::docs;
pub use session::{SESSION_EVENTS, SESSION_FAMILY};

/// The docs of the opcodes, read from the embedded blob.
///
/// # Errors
/// If the blob cannot be read; the build script refuses to embed one that was changed.
#[cfg(feature = "docs")]
pub fn docs() -> Result<docs::Docs, docs::DocsError> {
    docs::Docs::read(include_bytes!("../blobs/vm.docs.bincode"))
}

impl Opcode {
    /// Its position in the op table: `page << 8 | byte`.
    #[must_use]
    pub const fn didx(self) -> u16 {
        self as u16
    }

    /// Its name in text, such as `i64.add`.
    #[must_use]
    pub fn mnemonic(self) -> &'static str {
        ISA.name(self.didx())
    }

    /// Its row of the op table.
    #[must_use]
    pub const fn row(self) -> &'static opforge_schema::OpRow {
        &ISA.ops[self as usize]
    }
}

impl Intrinsic {
    /// Its id.
    #[must_use]
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// Its name in text, such as `vec2.dot`; empty if the tables do not have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        ISA.intrinsic(self.id()).map_or("", |row| row.name.as_str())
    }
}

impl core::fmt::Display for Intrinsic {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl core::fmt::Display for Opcode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.mnemonic())
    }
}

impl TryFrom<u16> for Opcode {
    type Error = u16;

    /// The opcode at a position of the op table; the position itself if there is none.
    fn try_from(didx: u16) -> Result<Self, u16> {
        Self::from_didx(didx).ok_or(didx)
    }
}
