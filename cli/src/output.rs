//! Where output goes: standard output that may be closed at any time, standard error, and files that are written
//! whole or not at all.

use crate::codes;
use crate::failure::Failure;
use crate::text;
use std::fs::{self, Metadata};
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::Path;

/// Standard output. The first error ends all output and is told by [`Out::finish`]; nothing panics.
#[derive(Debug)]
pub(crate) struct Out {
    stdout: BufWriter<Stdout>,
    line_by_line: bool,
    error: Option<io::Error>,
}

impl Out {
    pub(crate) fn stdout() -> Self {
        let stdout = io::stdout();
        let line_by_line = stdout.is_terminal();
        Self { stdout: BufWriter::new(stdout), line_by_line, error: None }
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if self.error.is_none()
            && let Err(error) = self.stdout.write_all(bytes)
        {
            self.error = Some(error);
        }
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: &str) {
        self.bytes(line.as_bytes());
        self.bytes(b"\n");
        if self.line_by_line {
            self.flush();
        }
    }

    /// Hands on what is buffered.
    pub(crate) fn flush(&mut self) {
        if self.error.is_none()
            && let Err(error) = self.stdout.flush()
        {
            self.error = Some(error);
        }
    }

    /// Whether nothing that is written arrives any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.error.is_some()
    }

    /// Writes what is buffered. A reader that has gone away is no error: it had what it wanted.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush();
        let error = self.error.take();
        // What is still buffered cannot be written; dropping the buffer would try again.
        let _ = self.stdout.into_parts();
        match error {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::own(codes::UNWRITABLE, &format!("standard output: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// Writes text to standard error; if nobody reads it, nobody can be told.
pub(crate) fn to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::own(codes::UNWRITABLE, &format!("{}: {error}", text::path(path)))
}

/// Writes a file through a temporary one beside it, so that it is there whole or not at all.
pub(crate) fn write_file(path: &Path, input: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let old = fs::metadata(path).ok();
    if let (Some(old), Ok(input)) = (&old, fs::metadata(input))
        && same_file(path, old, &input)
    {
        return Err(Failure::own(codes::SAME_FILE, &format!("{} is the input", text::path(path))));
    }
    match &old {
        Some(old) if old.is_dir() => {
            return Err(Failure::own(codes::DIRECTORY, &format!("{} is a folder", text::path(path))));
        }
        // A device or a pipe cannot be replaced, and must not be.
        Some(old) if !old.is_file() => return fs::write(path, bytes).map_err(|e| unwritable(path, &e)),
        _ => {}
    }
    // A link stays a link: what it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    replace(&target, folder, old.as_ref(), bytes).map_err(|e| unwritable(path, &e))
}

fn replace(target: &Path, folder: &Path, old: Option<&Metadata>, bytes: &[u8]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".opforge-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As other programs create files: the process's umask applies.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    if let Some(old) = old {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn same_file(_: &Path, a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    a.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Path, a: &Metadata, b: &Metadata) -> bool {
    // Without file identities: equal length and times are as close as the standard library comes.
    a.is_file()
        && a.len() == b.len()
        && a.modified().ok() == b.modified().ok()
        && a.created().ok() == b.created().ok()
}
