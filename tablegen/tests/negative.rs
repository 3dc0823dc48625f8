//! What happens to a workspace in which something generated is wrong: `tablegen check` and a plain build
//! must both refuse it, name the file and the command, and touch nothing; `tablegen gen` must mend it.
//!
//! Works on a copy of the crates that matter, so it runs cargo on its own small workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Workspace {
    dir: tempfile::TempDir,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files_below(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_below(&path, out) } else { out.push(path) }
    }
}

impl Workspace {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let manifest = std::fs::read_to_string(source().join("Cargo.toml")).expect("Cargo.toml");
        let shared = manifest.split("\n[package]").next().expect("the workspace part");
        let members = shared.lines().find(|l| l.starts_with("members")).expect("the members");
        let manifest = shared.replace(members, "members = [\"schema\", \"tables\", \"tablegen/generated\"]");
        std::fs::write(dir.path().join("Cargo.toml"), manifest).expect("Cargo.toml");
        for folder in
            ["spec", "docs", "schema/src", "tables/src", "tables/build", "tables/blobs", "tablegen/generated"]
        {
            let mut files = Vec::new();
            files_below(&source().join(folder), &mut files);
            for file in files {
                copy(&dir, file.strip_prefix(source()).expect("below the root"));
            }
        }
        for file in ["schema/Cargo.toml", "tables/Cargo.toml", "tables/build.rs"] {
            copy(&dir, Path::new(file));
        }
        let this = Self { dir };
        let locked = this.cargo(&["generate-lockfile", "--offline"]);
        assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
        this
    }

    fn run(&self, program: &str, args: &[&str], skip: bool) -> Output {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).args(args);
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("negative"));
        command.env("OPFORGE_TABLES_SKIP_STALE", if skip { "1" } else { "0" });
        command.output().expect("the program starts")
    }

    fn cargo(&self, args: &[&str]) -> Output {
        self.run(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), args, false)
    }

    fn tablegen(&self, command: &str) -> Result<String, String> {
        let root = self.dir.path().to_string_lossy().into_owned();
        let out = self.run(env!("CARGO_BIN_EXE_tablegen"), &["--root", &root, command], false);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
    }

    fn build(&self, skip: bool) -> Result<(), String> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let out = self.run(&cargo, &["check", "--offline", "-p", "opforge-tables"], skip);
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        if out.status.success() { Ok(()) } else { Err(text) }
    }

    fn edit(&self, path: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) {
        let path = self.dir.path().join(path);
        let bytes = std::fs::read(&path).expect("the file");
        let changed = change(bytes.clone());
        assert_ne!(bytes, changed, "the edit changes something");
        std::fs::write(path, changed).expect("written");
    }

    fn replace(&self, path: &str, old: &str, new: &str) {
        self.edit(path, |bytes| String::from_utf8(bytes).expect("text").replacen(old, new, 1).into_bytes());
    }

    fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = Vec::new();
        files_below(self.dir.path(), &mut files);
        files.into_iter().map(|f| (f.clone(), std::fs::read(&f).expect("a file"))).collect()
    }

    /// `check` must fail, say each of `words`, name the command, and write nothing.
    fn check_says(&self, words: &[&str]) {
        let before = self.snapshot();
        let said = self.tablegen("check").expect_err("check must fail");
        assert!(self.snapshot() == before, "check wrote something");
        for word in words.iter().chain(&["run `just tablegen`"]) {
            assert!(said.contains(word), "no `{word}` in:\n{said}");
        }
    }

    /// A plain build must fail in the same way.
    fn build_says(&self, words: &[&str]) {
        let said = self.build(false).expect_err("the build must fail");
        for word in words.iter().chain(&["run `just tablegen`"]) {
            assert!(said.contains(word), "no `{word}` in:\n{said}");
        }
    }

    fn mended(&self) {
        self.tablegen("gen").unwrap_or_else(|e| panic!("{e}"));
        self.tablegen("check").unwrap_or_else(|e| panic!("{e}"));
        self.build(false).unwrap_or_else(|e| panic!("{e}"));
    }
}

fn copy(dir: &tempfile::TempDir, file: &Path) {
    let to = dir.path().join(file);
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("created");
    std::fs::copy(source().join(file), to).expect("copied");
}

#[test]
fn wrong_files_are_refused_by_check_and_by_the_build_and_mended_by_gen() {
    let w = Workspace::new();
    w.tablegen("check").unwrap_or_else(|e| panic!("untouched: {e}"));
    w.build(false).unwrap_or_else(|e| panic!("untouched: {e}"));
    flipped_byte(&w);
    deleted_blob(&w);
    truncated_manifest(&w);
    edited_doc(&w);
    edited_literal(&w);
    edited_enum(&w);
    edited_page(&w);
    disagreeing_intrinsic(&w);
    changed_row_type(&w);
    left_over_files(&w);
    malformed_blobs(&w);
    breaking_change(&w);
}

fn flipped_byte(w: &Workspace) {
    let flip = |mut bytes: Vec<u8>| {
        bytes[2000] ^= 1;
        bytes
    };
    w.edit("tables/blobs/vm.ops.bin", flip);
    w.check_says(&["tables/blobs/vm.ops.bin: damaged"]);
    w.build_says(&["tables/blobs/vm.ops.bin is damaged"]);
    w.mended();
}

fn deleted_blob(w: &Workspace) {
    std::fs::remove_file(w.dir.path().join("tables/blobs/vm.lookup.bin")).expect("removed");
    w.check_says(&["tables/blobs/vm.lookup.bin: missing"]);
    w.build_says(&["tables/blobs/vm.lookup.bin is missing"]);
    w.mended();
}

fn truncated_manifest(w: &Workspace) {
    w.edit("tables/blobs/MANIFEST", |bytes| bytes[..bytes.len() / 2].to_vec());
    w.check_says(&["tables/blobs/MANIFEST: stale"]);
    w.build_says(&["tables"]);
    w.mended();
}

fn edited_doc(w: &Workspace) {
    w.replace("spec/opcodes.json", "\"Does nothing.\"", "\"Does nothing at all.\"");
    w.check_says(&[
        "tables/blobs/MANIFEST: stale",
        "tables/blobs/vm.docs.bincode: stale",
        "tables/src/generated/opcodes.rs: stale",
        "doc only: 1 opcode",
    ]);
    w.build_says(&["tables are stale: spec/opcodes.json changed since the blobs were written"]);
    w.build(true).unwrap_or_else(|e| panic!("OPFORGE_TABLES_SKIP_STALE: {e}"));
    w.mended();
}

fn edited_literal(w: &Workspace) {
    let file = "tablegen/generated/src/literals/int.rs";
    w.replace(file, "R(\"b\", I64)", "R(\"b\", U64)");
    w.check_says(&[
        "tablegen/generated/src/literals/int.rs: stale",
        "vm.ops.bin: spec and compiled literals differ: the literals are stale",
    ]);
    w.replace(file, "name: \"", "nome: \"");
    w.check_says(&["stage B, the compiled literals, failed", "no field named `nome`"]);
    w.mended();
}

fn edited_enum(w: &Workspace) {
    w.replace("tables/src/generated/opcodes.rs", "Nop = 0x0000", "Nop = 0x0100");
    w.check_says(&["tables/src/generated/opcodes.rs: stale"]);
    w.mended();
}

fn edited_page(w: &Workspace) {
    w.replace("docs/INTRINSICS.md", "# Intrinsics", "# Intrinsic functions");
    w.check_says(&["docs/INTRINSICS.md: stale: not what the spec makes it, first in line 1"]);
    w.mended();
}

/// A row that disagrees with the logical types is refused on each of the ways to bytes.
fn disagreeing_intrinsic(w: &Workspace) {
    let (right, wrong) = ("\"arg_slots\": 4, \"ret_slots\": 1", "\"arg_slots\": 3, \"ret_slots\": 1");
    w.replace("spec/intrinsics.json", right, wrong);
    let said = w.tablegen("gen").expect_err("the row disagrees");
    assert!(said.contains("error[E073]: \"vec2.dot\" states 3 argument slots, its types take 4"), "{said}");
    w.build_says(&["tables are stale: spec/intrinsics.json changed since the blobs were written"]);
    w.replace("spec/intrinsics.json", wrong, right);
    let literal = "tablegen/generated/src/literals/intrinsics.rs";
    w.replace(literal, "arg_slots: 4", "arg_slots: 3");
    w.check_says(&["stage B, the compiled literals, failed", "another number of slots than it says"]);
    w.mended();
    // The same in the types.
    w.replace("spec/types.json", "\"layout\": [\"f64\", \"f64\"]", "\"layout\": [\"f64\", \"f64\", \"f64\"]");
    let said = w.tablegen("gen").expect_err("every row with the type disagrees");
    assert!(said.contains("error[E073]: \"vec2.dot\" states 4 argument slots, its types take 6"), "{said}");
    let types = std::fs::read(source().join("spec/types.json")).expect("types.json");
    w.edit("spec/types.json", |_| types.clone());
}

fn changed_row_type(w: &Workspace) {
    w.replace("schema/src/rows.rs", "pub reserved: [u8; 2],", "pub reserved: [u8; 2], // changed");
    w.check_says(&["tables/blobs/MANIFEST: stale"]);
    w.build_says(&["tables are stale: schema/src/rows.rs changed since the blobs were written"]);
    w.mended();
}

fn left_over_files(w: &Workspace) {
    std::fs::write(w.dir.path().join("tables/blobs/vm.old.bin"), b"old").expect("written");
    w.check_says(&["tables/blobs/vm.old.bin: not made by tablegen any more"]);
    w.mended();
    assert!(!w.dir.path().join("tables/blobs/vm.old.bin").exists());
}

/// Blobs that are wrong in themselves, with a MANIFEST that records exactly these bytes: the digest says
/// nothing, so the compiler must.
fn malformed_blobs(w: &Workspace) {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let cases: [(&str, Change, &str); 8] = [
        ("vm.ops.bin", |b| b[..b.len() - 1].to_vec(), "vm.ops.bin: the row count does not fit"),
        ("vm.ops.bin", |_| Vec::new(), "vm.ops.bin is cut short"),
        ("vm.ops.bin", |b| [b, vec![0; 84]].concat(), "vm.ops.bin: the row count does not fit"),
        ("vm.classes.bin", |b| [&b"TFPO"[..], &b[4..]].concat(), "vm.classes.bin: bad magic"),
        ("vm.ops.bin", |b| put(b, 16 + 0x20 * 84 + 30, 250), "vm.ops.bin row 0x0020: an operand has a code"),
        ("vm.text.bin", |b| put(b, 16 + 0x20 * 24 + 1, 0x87), "vm.text.bin row 0x0020: a template prints"),
        ("vm.types.bin", |b| put(b, 16 + 1, 200), "vm.types.bin row 0x0000: a slot has a class"),
        ("vm.intrinsics.bin", |b| put(b, 16 + 18, 1), "vm.intrinsics.bin row 0x0000: the slots disagree"),
    ];
    for (name, change, message) in cases {
        let path = format!("tables/blobs/{name}");
        w.edit(&path, change);
        let bytes = std::fs::read(w.dir.path().join(&path)).expect("the blob");
        w.edit("tables/blobs/MANIFEST", |manifest| {
            let text = String::from_utf8(manifest).expect("text");
            let digest = opforge_tablegen::sha256::hex(&bytes);
            let line = |l: &str| match l.starts_with(&format!("blob {name} ")) {
                true => format!("blob {name} {} {digest}\n", bytes.len()),
                false => format!("{l}\n"),
            };
            text.lines().map(line).collect::<String>().into_bytes()
        });
        w.build_says(&[message]);
        w.mended();
    }
}

fn put(mut bytes: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    bytes[at] = byte;
    bytes
}

fn breaking_change(w: &Workspace) {
    let root = w.dir.path();
    let old = root.join("old");
    let mut files = Vec::new();
    files_below(&root.join("tables/blobs"), &mut files);
    std::fs::create_dir(&old).expect("created");
    for file in files {
        std::fs::copy(&file, old.join(file.file_name().expect("a name"))).expect("copied");
    }
    let diff = || w.run(env!("CARGO_BIN_EXE_tablegen"), &["diff", "old", "tables/blobs"], false);
    assert_eq!(String::from_utf8_lossy(&diff().stdout), "no changes\n");
    w.replace(
        "spec/opcodes.json",
        "\"traps\": [\"DivByZero\"]",
        "\"traps\": [\"DivByZero\", \"IntCastOverflow\"]",
    );
    w.mended();
    let out = diff();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("traps: DivByZero -> DivByZero IntCastOverflow"), "{said}");
    assert!(said.contains("BREAKING (semantics)"), "{said}");
    w.replace("spec/opcodes.json", "\"isa_version\": ", "\"isa_version\": 9");
    w.mended();
    let out = diff();
    assert_eq!(out.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&out.stdout).contains(" -> 9"));
}
