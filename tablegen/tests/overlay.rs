//! Overlays: the merged tables, the two ways to make them, and that both refuse a bad spec without writing.

use opforge_schema::{Blobs, Isa, row_of};
use opforge_tablegen::overlay::Build;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn game() -> PathBuf {
    root().join("examples/embedder/spec/game.json")
}

fn tablegen(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tablegen")).args(args).output().expect("tablegen starts")
}

/// The tables of a folder, as an [`Isa`] that lives as long as the test program.
fn isa(dir: &Path) -> Isa<'static> {
    let read = |name: &str| -> &'static [u8] {
        let bytes = std::fs::read(dir.join(format!("vm.{name}.bin"))).expect("a table");
        Box::leak(bytes.into_boxed_slice())
    };
    Isa::from_blobs(&Blobs {
        ops: read("ops"),
        names: read("names"),
        text: read("text"),
        lookup: read("lookup"),
        classes: read("classes"),
        types: read("types"),
        intrinsics: read("intrinsics"),
    })
    .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn merged_tables_are_those_of_the_vm_with_rows_behind_them() {
    let dir = tempfile::tempdir().expect("a folder");
    Build::new(game()).write(dir.path()).unwrap_or_else(|e| panic!("{e}"));
    let (own, merged) = (isa(&root().join("tables/blobs")), isa(dir.path()));
    assert_eq!(merged.ops[..own.ops.len()], *own.ops);
    assert_eq!(merged.intrinsics[..own.intrinsics.len()], *own.intrinsics);
    assert_eq!(merged.types[..own.types.len()], *own.types);
    // A slot for each byte up to the last one in use, 4, and none for the pages between.
    assert_eq!(merged.ops.len(), own.ops.len() + 5);
    let mix = merged.find("game.mix").expect("game.mix");
    assert_eq!((mix, merged.name(mix), row_of(mix)), (0x1000, "game.mix", own.ops.len()));
    assert!(merged.op(0x1003).is_none() && merged.op(0x1005).is_none() && merged.op(0x0100).is_none());
    assert_eq!(merged.op(mix).map(|row| row.min_len), Some(6));
    let added: Vec<u16> =
        merged.iter().map(|(didx, _)| didx).filter(|&didx| own.op(didx).is_none()).collect();
    assert_eq!(added, [0x1000, 0x1001, 0x1002, 0x1004]);
    let step = merged.find_intrinsic("game.step").expect("game.step");
    assert_eq!((step.id.get(), merged.layout_name(step.args()[0])), (32769, "cell"));
    assert_ne!(own.fingerprint(), merged.fingerprint());
}

#[test]
fn gen_check_dump_and_diff_work_on_a_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let (spec, out) = (game().display().to_string(), dir.path().join("tables"));
    let out = out.display().to_string();
    let said =
        |output: Output| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let options = ["--overlay", &spec, "--out", &out];
    let run = |command: &str| tablegen(&[&[command], &options[..]].concat());

    assert_eq!(run("check").status.code(), Some(1), "nothing is there yet");
    assert!(run("gen").status.success());
    assert!(run("check").status.success());
    assert!(said(run("gen")).ends_with("; 0 files changed\n"));

    let dump = said(tablegen(&["dump", &format!("{out}/vm.ops.bin")]));
    let line = dump.lines().find(|l| l.starts_with("FC:10:01 ")).expect("its row");
    assert!(line.contains("id 32769") && line.contains("traps IndexOutOfBounds IntOverflow"), "{line}");
    let blobs = root().join("tables/blobs").display().to_string();
    let diff = said(tablegen(&["diff", &blobs, &out]));
    assert!(diff.contains("+ FC:10:00 game.mix") && diff.contains("game.noise"), "{diff}");
    assert!(!diff.contains("BREAKING"), "{diff}");

    // Stale text, a damaged table and a missing file are each named.
    let path = |name: &str| Path::new(&out).join(name);
    std::fs::write(path("game.rs"), "stale").expect("writing");
    let mut table = std::fs::read(path("vm.ops.bin")).expect("the table");
    table[40] ^= 1;
    std::fs::write(path("vm.ops.bin"), table).expect("writing");
    std::fs::remove_file(path("vm.types.txt")).expect("removing");
    let output = run("check");
    assert_eq!(output.status.code(), Some(1));
    let text = said(output);
    for part in
        ["game.rs: stale", "vm.ops.bin: damaged", "vm.types.txt: missing", "run `tablegen gen --overlay"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_bad_overlay_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = std::fs::read_to_string(game()).expect("the spec").replace("\"page\": 16", "\"page\": 3");
    let spec = dir.path().join("game.json");
    std::fs::write(&spec, text).expect("writing");
    let out = dir.path().join("out");
    let output =
        tablegen(&["gen", "--overlay", &spec.display().to_string(), "--out", &out.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("game.json:5:11: error[E081]: page 3 is not from 16 to 31"), "{said}");
    assert!(said.contains("    5 |   \"page\": 3,"), "{said}");
    assert!(!out.exists());
    assert!(Build::new(&spec).emit_to(&out).is_err());
    assert!(!out.exists());
    // One that is not there is a finding too.
    let missing = Build::new(dir.path().join("none.json")).files().expect_err("no file");
    assert!(missing.contains("none.json: error[E000]: cannot be read"), "{missing}");
}

/// Names of the VM, found against the real spec: the finding points at both.
#[test]
fn names_and_ids_of_the_vm_cannot_be_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    let good = std::fs::read_to_string(game()).expect("the spec");
    for (from, to, code) in [
        ("\"mnemonic\": \"game.hit\"", "\"mnemonic\": \"i64.add\"", "E014"),
        ("\"name\": \"GameHit\"", "\"name\": \"I64Add\"", "E012"),
        ("\"name\": \"game.noise\"", "\"name\": \"math.sin\"", "E071"),
        ("\"id\": 32769, \"name\": \"GameHit\"", "\"id\": 9, \"name\": \"GameHit\"", "E081"),
        ("\"id\": 32769, \"name\": \"game.step\"", "\"id\": 17, \"name\": \"game.step\"", "E081"),
        ("\"name\": \"cell\", \"layout\"", "\"name\": \"vec2\", \"layout\"", "E051"),
    ] {
        let spec = dir.path().join("game.json");
        assert!(good.contains(from), "{from}");
        std::fs::write(&spec, good.replacen(from, to, 1)).expect("writing");
        let said = Build::new(&spec).files().expect_err(to);
        assert!(said.contains(&format!("error[{code}]")), "{to}: {said}");
    }
}

/// A package holds only files of its own folder, so these two are copies.
#[test]
fn files_shared_with_the_build_script_are_the_same() {
    for name in ["manifest.rs", "sha256.rs"] {
        let read = |path: PathBuf| {
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        };
        let (own, theirs) =
            (read(root().join("tablegen/src").join(name)), read(root().join("tables/build").join(name)));
        assert!(own == theirs, "tablegen/src/{name} and tables/build/{name} differ");
    }
}
