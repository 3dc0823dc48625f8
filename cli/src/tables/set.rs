//! A set of tables: the embedded one, or files of a folder.

use crate::codes;
use crate::failure::Failure;
use crate::input;
use opforge_schema::{Blobs, Isa};
use std::path::Path;

/// No table comes near this size.
const MAX_BLOB: u64 = 64 << 20;

/// A set of tables.
#[derive(Debug)]
pub(super) enum Tables {
    Embedded,
    Folder { name: String, version: u32, blobs: Vec<Vec<u8>> },
}

impl Tables {
    pub(super) fn embedded() -> Self {
        Self::Embedded
    }

    /// The tables of a folder; `embedded` stands for the embedded ones.
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        if dir.as_os_str() == "embedded" {
            return Ok(Self::Embedded);
        }
        let manifest = input::read(&dir.join("MANIFEST"), MAX_BLOB);
        let text = manifest.as_ref().map(|bytes| String::from_utf8_lossy(bytes)).ok();
        let read = |file: &str| {
            let absent = text.as_ref().and_then(|text| Blobs::absent(file, text));
            absent.map_or_else(|| input::read(&dir.join(file), MAX_BLOB), Ok)
        };
        let blobs = Blobs::FILES.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let manifest = manifest?;
        let manifest = String::from_utf8_lossy(&manifest);
        let version = manifest.lines().find_map(|line| {
            let mut words = line.strip_prefix("isa ")?.split(' ');
            words.nth(1)?.parse().ok()
        });
        let name = input::name(dir);
        let Some(version) = version else {
            return Err(Failure::own(codes::BAD_TABLES, &format!("{name}: MANIFEST says no isa version")));
        };
        Ok(Self::Folder { name, version, blobs })
    }

    /// What to call the set.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Embedded => "embedded",
            Self::Folder { name, .. } => name,
        }
    }

    /// The version of the instruction set.
    pub(super) fn version(&self) -> u32 {
        match self {
            Self::Embedded => opforge_tables::ISA_VERSION,
            Self::Folder { version, .. } => *version,
        }
    }

    /// The tables, every row checked.
    pub(super) fn isa(&self) -> Result<Isa<'_>, Failure> {
        let wrong = |problem: String| Failure::own(codes::BAD_TABLES, &format!("{}: {problem}", self.name()));
        match self {
            Self::Embedded => {
                opforge_tables::ISA.check().map_err(|error| wrong(error.to_string()))?;
                Ok(opforge_tables::ISA)
            }
            Self::Folder { blobs, .. } => {
                let blobs =
                    Blobs::from_files(std::array::from_fn(|i| blobs.get(i).map_or(&[][..], Vec::as_slice)));
                Isa::from_blobs(&blobs).map_err(|error| wrong(error.to_string()))
            }
        }
    }
}
