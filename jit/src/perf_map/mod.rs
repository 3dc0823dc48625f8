//! The map that Linux `perf` reads to name functions of native code: `/tmp/perf-<pid>.map`, one line for each part
//! of the code, with address and size in hexadecimal, and a name.
//!
//! Anyone can guess the name, in a folder where anyone can make files. So the file is made new, for its owner alone,
//! and never through a link; one that is there already is added to if it is a file of the same user, with no other
//! name, that nobody else may write, and is refused otherwise. Perf itself wants a file of the user or of root.

use crate::error::JitError;
use crate::notes::{NativePart, Notes};
use opforge_vm::lower::ExecProgram;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Characters of a name that are kept.
const MAX_NAME: usize = 200;

/// The open file. Lines of compiles on several threads do not mix: each compile writes once, at the end of the file.
#[derive(Debug)]
pub(crate) struct PerfMap {
    file: File,
    path: PathBuf,
}

impl PerfMap {
    /// Opens the map of this process.
    pub(crate) fn open() -> Result<Self, JitError> {
        Self::open_at(Path::new(&format!("/tmp/perf-{}.map", std::process::id())))
    }

    fn open_at(path: &Path) -> Result<Self, JitError> {
        let file = open(path).map_err(|error| failed(path, &error))?;
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// Adds the code of a program that begins at `base`.
    pub(crate) fn add(&self, base: usize, notes: &Notes, program: &ExecProgram) -> Result<(), JitError> {
        let mut lines = String::new();
        for note in &notes.notes {
            let name = name(note.part, program);
            let _ = writeln!(lines, "{:x} {:x} opforge::{name}", base + note.range.start, note.range.len());
        }
        (&self.file).write_all(lines.as_bytes()).map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &Path, error: &io::Error) -> JitError {
    JitError::PerfMap { reason: format!("{}: {error}", path.display()) }
}

/// The name of a part on one line: names of functions are the program's, and may hold anything.
fn name(part: NativePart, program: &ExecProgram) -> String {
    let NativePart::Function(func) = part else { return part.to_string().replace(' ', "_") };
    let visible = |c: char| if c.is_ascii_graphic() || c.is_alphanumeric() { c } else { '_' };
    let name: String = program.func_name(func).unwrap_or("").chars().take(MAX_NAME).map(visible).collect();
    format!("{name}[{}]", func.0)
}

#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let mut options = OpenOptions::new();
    options.append(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => return result,
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    let own = std::fs::metadata("/proc/self")?.uid();
    let why = if !found.is_file() {
        "it is no plain file"
    } else if found.uid() != own {
        "it belongs to another user"
    } else if found.nlink() != 1 {
        "it has other names"
    } else if found.mode() & 0o022 != 0 {
        "others may write it"
    } else {
        return Ok(file);
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

#[cfg(not(target_os = "linux"))]
fn open(_: &Path) -> io::Result<File> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has such maps"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
