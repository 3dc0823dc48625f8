//! `tables/blobs/MANIFEST`: what the blobs were made from and what they are. One line per fact:
//!
//! ```text
//! opforge-tables 1
//! isa <name> <version>
//! source <path from the workspace root> <sha256 of the text with LF line ends>
//! blob <file name> <bytes> <sha256>
//! ```
//!
//! This file is part of both the build script, which reads manifests, and the generator, which writes them.

/// First line of a manifest.
pub const HEAD: &str = "opforge-tables 1";

/// A manifest, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Name of the instruction set.
    pub isa: String,
    /// Version of the instruction set.
    pub isa_version: u32,
    /// Path and digest of every input.
    pub sources: Vec<(String, String)>,
    /// File name, length and digest of every blob.
    pub blobs: Vec<(String, usize, String)>,
}

impl Manifest {
    /// Reads a manifest; the error says which line is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(format!("MANIFEST does not begin with `{HEAD}`"));
        }
        let mut out = Self::default();
        for (i, line) in lines.enumerate() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["isa", name, version] => {
                    let bad = |_| format!("MANIFEST line {}: bad version", i + 2);
                    (out.isa, out.isa_version) = ((*name).to_owned(), version.parse().map_err(bad)?);
                }
                ["source", path, digest] => out.sources.push(((*path).to_owned(), (*digest).to_owned())),
                ["blob", name, bytes, digest] => {
                    let bad = |_| format!("MANIFEST line {}: bad length", i + 2);
                    out.blobs.push(((*name).to_owned(), bytes.parse().map_err(bad)?, (*digest).to_owned()));
                }
                _ => return Err(format!("MANIFEST line {} is not a line of a manifest", i + 2)),
            }
        }
        Ok(out)
    }
}
