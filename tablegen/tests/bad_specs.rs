//! One bad spec per file in `bad/`, and beside it the exact text that tablegen prints for it. Each runs the
//! real program on a folder of its own, which must be untouched afterwards.
//!
//! `TABLEGEN_BLESS=1 cargo test -p opforge-tablegen` writes the `.stderr` files anew; read them before committing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn bad() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

/// A workspace with these specs and no generated file.
fn workspace([opcodes, types, intrinsics, session]: [&[u8]; 4]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    };
    write("spec/opcodes.json", opcodes);
    write("spec/types.json", types);
    write("spec/intrinsics.json", intrinsics);
    write("spec/session.json", session);
    for name in opforge_tablegen::artefacts::ROW_SOURCES {
        write(name, b"");
    }
    dir
}

fn tablegen(root: &Path, command: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tablegen"));
    program.arg("--root").arg(root).arg(command).output().expect("tablegen starts")
}

/// Every file below a folder, with its bytes.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), std::fs::read(path).expect("a file"));
            }
        }
    }
    files
}

/// Runs `gen` on a spec that must be refused, and returns what it prints.
fn refused(specs: [&[u8]; 4]) -> String {
    let dir = workspace(specs);
    let before = snapshot(dir.path());
    let output = tablegen(dir.path(), "gen");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(snapshot(dir.path()) == before, "something was written for a bad spec");
    String::from_utf8(output.stderr).expect("findings are text")
}

/// Compiles an overlay of the good spec, which must be refused, and returns what is printed.
fn overlay_refused(base: [&[u8]; 4], overlay: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let base = base.map(text);
    let mut sources = opforge_tablegen::source::Sources::of_texts(base.each_ref().map(String::as_str));
    sources.overlay = Some(opforge_tablegen::source::Source::new("game.json", &text(overlay)));
    opforge_tablegen::compile(sources).expect_err("findings").render()
}

#[test]
fn each_bad_spec_gives_its_findings_and_writes_nothing() {
    let good = std::fs::read(bad().join("good.json")).expect("good.json");
    let types = std::fs::read(bad().join("types.good.json")).expect("types.good.json");
    let intrinsics = std::fs::read(bad().join("intrinsics.good.json")).expect("intrinsics.good.json");
    let session = std::fs::read(bad().join("session.good.json")).expect("session.good.json");
    let bless = std::env::var_os("TABLEGEN_BLESS").is_some();
    let mut wrong = Vec::new();
    let mut cases = 0;
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(bad()).expect("the cases").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if !name.ends_with(".json") || name.ends_with("good.json") {
            continue;
        }
        cases += 1;
        let text = std::fs::read(&path).expect("a case");
        let printed = match name.split('.').next() {
            Some("types") => refused([&good, &text, &intrinsics, &session]),
            Some("intrinsics") => refused([&good, &types, &text, &session]),
            Some("session") => refused([&good, &types, &intrinsics, &text]),
            Some("overlay") => overlay_refused([&good, &types, &intrinsics, &session], &text),
            _ => refused([&text, &types, &intrinsics, &session]),
        };
        let golden = path.with_extension("stderr");
        if bless {
            std::fs::write(&golden, &printed).expect("blessing");
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != printed {
            wrong.push(format!("--- {name} now prints:\n{printed}"));
        }
    }
    assert!(cases > 90, "only {cases} cases were found");
    assert!(wrong.is_empty(), "{} cases differ from their .stderr:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_good_spec_beside_them_has_no_findings() {
    let texts = ["good.json", "types.good.json", "intrinsics.good.json", "session.good.json"]
        .map(|name| std::fs::read_to_string(bad().join(name)).expect("a spec"));
    let sources = opforge_tablegen::source::Sources::of_texts(texts.each_ref().map(String::as_str));
    let spec = opforge_tablegen::compile(sources);
    assert!(spec.is_ok(), "{}", spec.err().map(|d| d.render()).unwrap_or_default());
}

#[test]
fn the_good_overlay_beside_them_has_no_findings() {
    let texts =
        ["good.json", "types.good.json", "intrinsics.good.json", "session.good.json", "overlay.good.json"]
            .map(|name| std::fs::read_to_string(bad().join(name)).expect("a spec"));
    let [opcodes, types, intrinsics, session, overlay] = texts.each_ref().map(String::as_str);
    let mut sources = opforge_tablegen::source::Sources::of_texts([opcodes, types, intrinsics, session]);
    sources.overlay = Some(opforge_tablegen::source::Source::new("game.json", overlay));
    let spec = opforge_tablegen::compile(sources);
    assert!(spec.is_ok(), "{}", spec.err().map(|d| d.render()).unwrap_or_default());
}

#[test]
fn every_finding_code_has_a_case_or_a_test() {
    // E000 is about files, and has a test of its own.
    let mut seen = vec!["E000".to_owned()];
    for entry in std::fs::read_dir(bad()).expect("the cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "stderr") {
            let text = std::fs::read_to_string(path).expect("a golden text");
            seen.extend(text.split("error[").skip(1).map(|rest| rest[..4].to_owned()));
        }
    }
    for (code, meaning) in opforge_tablegen::codes::CODES {
        assert!(seen.iter().any(|s| s == code), "no case for {code}: {meaning}");
    }
    for code in &seen {
        let known = opforge_tablegen::codes::CODES.iter().any(|(c, _)| c == code);
        assert!(known, "{code} is not in the list of codes");
    }
}

#[test]
fn files_that_cannot_be_specs_are_refused_before_parsing() {
    let types = std::fs::read(bad().join("types.good.json")).expect("types");
    let intrinsics = std::fs::read(bad().join("intrinsics.good.json")).expect("intrinsics");
    let session = std::fs::read(bad().join("session.good.json")).expect("session");
    let refused = |opcodes: &[u8], types: &[u8]| refused([opcodes, types, &intrinsics, &session]);
    let huge = refused(&vec![b' '; (4 << 20) + 1], &types);
    assert!(huge.starts_with("spec/opcodes.json: error[E000]: 4194305 bytes"), "{huge}");
    let latin = refused(b"{\"isa\": \"\xe4\"}", &types);
    assert!(latin.starts_with("spec/opcodes.json: error[E000]: not UTF-8 at byte 9"), "{latin}");
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let deep = refused(&deep, &types);
    assert!(deep.starts_with("spec/opcodes.json:1:18: error[E001]: nested more than 16 deep"), "{deep}");
    let open = refused(&b"[".repeat(200_000), &types);
    assert!(open.starts_with("spec/opcodes.json:1:200000: error[E001]: not JSON: EOF"), "{open}");
    for name in ["spec/types.json", "spec/intrinsics.json", "spec/session.json"] {
        let dir = workspace([b"{}", &types, &intrinsics, &session]);
        std::fs::remove_file(dir.path().join(name)).expect("removing");
        let output = tablegen(dir.path(), "gen");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("{name}: error[E000]: cannot be read")), "{said}");
    }
}

#[test]
fn at_most_fifty_findings_are_printed_and_the_rest_counted() {
    let read = |name: &str| std::fs::read_to_string(bad().join(name)).expect("a spec");
    let many = format!("\"examples\": [{}]", vec!["1"; 60].join(", "));
    let spec = read("good.json").replacen("\"examples\": []", &many, 1);
    let rest = ["types.good.json", "intrinsics.good.json", "session.good.json"].map(read);
    let [types, intrinsics, session] = rest.each_ref().map(String::as_bytes);
    let printed = refused([spec.as_bytes(), types, intrinsics, session]);
    assert_eq!(printed.matches("error[E002]").count(), 50);
    assert!(
        printed.ends_with("tablegen: 10 more not shown\ntablegen: 60 errors, nothing written\n"),
        "{printed}"
    );
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &[][..],
        &["frobnicate"],
        &["gen", "now"],
        &["diff", "one"],
        &["gen", "--overlay", "game.json"],
        &["check", "--out", "x", "--out", "y"],
        &["gen", "--overlay", "a", "--out", "b", "--bytes", "c"],
        &["--root"],
        &["--root", "/nowhere/x", "gen"],
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_tablegen")).args(args).output().expect("tablegen starts");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
    let help = Command::new(env!("CARGO_BIN_EXE_tablegen")).arg("--help").output().expect("tablegen starts");
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("exit 1 if a"));
}
