//! Overlays: an embedder's own rows, merged with those of the VM into one set of tables.
//!
//! The VM's rows are those of `opforge-spec` of this crate's version. What is made is the seven tables, their dumps as
//! text, a MANIFEST, the docs, and a Rust file that embeds the tables. It is either committed (`tablegen gen --overlay`,
//! `tablegen check --overlay`) or made by a build script into `OUT_DIR` ([`Build`]).

use crate::artefacts::{self, File};
use crate::diff;
use crate::emit;
use crate::manifest::{self, Manifest};
use crate::model::Spec;
use crate::source::{Source, Sources};
use crate::write::{self, Outcome};
use crate::{compile, dump, read, sha256, tree};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// An overlay spec, and how its tables are made.
#[derive(Clone, Debug)]
pub struct Build {
    spec: PathBuf,
    krate: String,
}

impl Build {
    /// An overlay spec by its path, which is relative to the working directory: in a build script, the package.
    #[must_use]
    pub fn new(spec: impl Into<PathBuf>) -> Self {
        Self { spec: spec.into(), krate: "opforge".to_owned() }
    }

    /// The crate that generated code names, with `::` between modules: `opforge` if it is not said, and `opforge_vm` for
    /// those that depend on that crate alone.
    #[must_use]
    pub fn crate_path(mut self, path: impl Into<String>) -> Self {
        self.krate = path.into();
        self
    }

    /// Reads, parses and lints the spec together with the VM's.
    ///
    /// # Errors
    /// The findings, printed.
    pub fn load(&self) -> Result<Spec, String> {
        let overlay = read(Path::new(""), &self.spec.to_string_lossy())?;
        compile(sources(overlay)).map_err(|d| d.render())
    }

    /// Makes all files in memory: names within their folder, and bytes.
    ///
    /// # Errors
    /// The findings, printed.
    pub fn files(&self) -> Result<Vec<File>, String> {
        make(&self.load()?, &self.krate).map_err(|e| format!("tablegen: {e}\n"))
    }

    /// Writes the tables into a folder, which is made if need be, where they differ from what is there.
    ///
    /// # Errors
    /// The findings, or what the file system says, printed; with findings nothing is written.
    pub fn write(&self, dir: &Path) -> Result<Written, String> {
        self.write_spec(&self.load()?, dir)
    }

    fn write_spec(&self, spec: &Spec, dir: &Path) -> Result<Written, String> {
        let files = make(spec, &self.krate).map_err(|e| format!("tablegen: {e}\n"))?;
        let meaning = meaning(dir, &files);
        let mut changed = Vec::new();
        for (name, bytes) in &files {
            let path = dir.join(name);
            let outcome =
                write::file(&path, bytes).map_err(|e| format!("tablegen: {}: {e}\n", path.display()))?;
            if outcome == Outcome::Written {
                changed.push(name.clone());
            }
        }
        let bytes = files.iter().filter(|(name, _)| name.ends_with(".bin")).map(|(_, b)| b.len()).sum();
        Ok(Written { name: name(spec), changed, bytes, meaning })
    }

    /// Whether a folder holds what the spec makes; makes it twice. The problems, one a line, ending with what to do.
    ///
    /// # Errors
    /// If a file is missing, stale or damaged, or the spec has findings.
    pub fn check(&self, dir: &Path) -> Result<(), String> {
        let (files, again) = (self.files()?, self.files()?);
        let text = std::fs::read_to_string(dir.join("MANIFEST")).unwrap_or_default();
        let committed = Manifest::parse(&text.replace("\r\n", "\n")).ok();
        let mut problems: Vec<String> =
            files.iter().filter_map(|file| tree::problem(dir, file, committed.as_ref())).collect();
        if files != again {
            problems.push("two runs differ: a bug in tablegen".to_owned());
        }
        if problems.is_empty() {
            return Ok(());
        }
        let mut out: String = problems.iter().map(|p| format!("tablegen check: {p}\n")).collect();
        out += &meaning(dir, &files).unwrap_or_default();
        let (spec, dir) = (self.spec.display(), dir.display());
        let _ = writeln!(
            out,
            "tablegen check: run `tablegen gen --overlay {spec} --out {dir}` and commit the result"
        );
        Err(out)
    }

    /// For build scripts: writes the tables into a folder below `OUT_DIR` that is called after the overlay, and the Rust
    /// file that embeds them beside it, for
    /// `include!(concat!(env!("OUT_DIR"), "/game.rs"))`. Tells cargo what to look at; prints findings and ends the
    /// process if there are any.
    pub fn emit(&self) {
        println!("cargo::rerun-if-changed={}", self.spec.display());
        let done = match std::env::var_os("OUT_DIR") {
            Some(dir) => self.emit_to(Path::new(&dir)),
            None => Err("tablegen: OUT_DIR is not set: this is for build scripts\n".to_owned()),
        };
        if let Err(text) = done {
            // Cargo shows a build script's standard error only if it fails.
            eprint!("{text}");
            println!("cargo::error={} was refused by tablegen; see below", self.spec.display());
            std::process::exit(1);
        }
    }

    /// As [`Build::emit`], for any folder, and without a word to cargo.
    ///
    /// # Errors
    /// As for [`Build::write`].
    pub fn emit_to(&self, dir: &Path) -> Result<(), String> {
        let spec = self.load()?;
        let name = name(&spec);
        self.write_spec(&spec, &dir.join(&name))?;
        let (path, text) = (dir.join(format!("{name}.rs")), format!("include!(\"{name}/{name}.rs\");\n"));
        write::file(&path, text.as_bytes()).map_err(|e| format!("tablegen: {}: {e}\n", path.display()))?;
        Ok(())
    }
}

/// What [`Build::write`] did.
#[derive(Clone, Debug)]
pub struct Written {
    /// The overlay's name.
    pub name: String,
    /// Files that were written.
    pub changed: Vec<String>,
    /// Bytes of all tables.
    pub bytes: usize,
    /// What changed against the tables that were there, in words.
    pub meaning: Option<String>,
}

/// The sources of the VM's spec with an overlay.
#[must_use]
pub fn sources(overlay: Source) -> Sources {
    Sources {
        opcodes: Source::new("opforge-spec/opcodes.json", opforge_spec::OPCODES),
        types: Source::new("opforge-spec/types.json", opforge_spec::TYPES),
        intrinsics: Source::new("opforge-spec/intrinsics.json", opforge_spec::INTRINSICS),
        session: Source::new("opforge-spec/session.json", opforge_spec::SESSION),
        overlay: Some(overlay),
    }
}

fn name(spec: &Spec) -> String {
    spec.overlay.as_ref().map(|o| o.name.v.clone()).unwrap_or_default()
}

fn make(spec: &Spec, krate: &str) -> Result<Vec<File>, String> {
    let mut files: Vec<File> =
        emit::bytes::blobs(spec).into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    files.push(("vm.docs.bincode".to_owned(), emit::docs::blob(spec)?));
    let dumps = files.iter().map(|(name, bytes)| {
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        Ok((format!("{stem}.txt"), dump::blob(bytes)?.into_bytes()))
    });
    let dumps: Vec<File> = dumps.collect::<Result<_, String>>()?;
    let manifest = manifest_text(spec, &files);
    files.extend(dumps);
    files.push(("MANIFEST".to_owned(), manifest.into_bytes()));
    files.push((format!("{}.rs", name(spec)), emit::overlay::file(spec, krate).into_bytes()));
    Ok(files)
}

fn manifest_text(spec: &Spec, files: &[File]) -> String {
    let version = spec.overlay.as_ref().map_or(0, |o| o.version);
    let mut out = format!("{}\nisa {} {version}\n", manifest::HEAD, name(spec));
    for (path, digest) in &spec.files {
        // Where the spec lies is the embedder's business, and may differ from build to build.
        let own = !path.starts_with("opforge-spec/");
        let shown = if own { path.rsplit('/').next().unwrap_or(path) } else { path };
        let _ = writeln!(out, "source {} {digest}", shown.replace(' ', "_"));
    }
    for (name, bytes) in files.iter().filter(|(name, _)| artefacts::is_blob(name)) {
        let _ = writeln!(out, "blob {name} {} {}", bytes.len(), sha256::hex(bytes));
    }
    out
}

/// What the files would change in the tables of a folder, if those can be read.
fn meaning(dir: &Path, files: &[File]) -> Option<String> {
    let old = diff::Tables::read_dir(dir).ok()?;
    let new = diff::Tables::from_files(|name| {
        files.iter().find(|(n, _)| n == name).map(|(_, b)| b.clone()).ok_or_else(|| "missing".to_owned())
    });
    let report = diff::compare(&old, &new.ok()?);
    (!report.is_empty()).then(|| report.render())
}
