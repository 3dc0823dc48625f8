//! Files to disk: only where they differ, whole or not at all.

use std::io::{self, Write as _};
use std::path::Path;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It already held these bytes.
    Same,
    /// It was written.
    Written,
}

/// Makes the file hold these bytes. A reader sees the old bytes or the new ones, and a crash leaves the old.
///
/// # Errors
/// What the file system says; the old file is then untouched.
pub fn file(path: &Path, bytes: &[u8]) -> io::Result<Outcome> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(Outcome::Same);
    }
    let dir = path.parent().ok_or_else(|| io::Error::other("a file needs a folder"))?;
    std::fs::create_dir_all(dir)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tablegen-");
    // Temporary files are private by default, and the mode stays with the file.
    #[cfg(unix)]
    builder.permissions(<std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644));
    let mut temp = builder.tempfile_in(dir)?;
    temp.write_all(bytes)?;
    temp.as_file().sync_all()?;
    temp.persist(path).map_err(|e| e.error)?;
    Ok(Outcome::Written)
}
