//! The committed files are what the spec makes them, whatever the machine, the folder and the line ends.

use opforge_tablegen::artefacts::{self, Artefacts};
use opforge_tablegen::source::Sources;
use opforge_tablegen::{compile, load, model::Spec, tree};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// Fails with a list of stale, missing and damaged files. `just check-idempotent` does more, and slower.
#[test]
fn generated_files_are_up_to_date() {
    let spec = load(&root()).unwrap_or_else(|findings| panic!("{findings}"));
    let all = artefacts::make(&root(), &spec).expect("artefacts");
    let problems = tree::compare(&root(), &all);
    assert!(problems.is_empty(), "{}\n{}", problems.join("\n"), tree::FIX);
}

/// The built-in spec, file by file.
const SPEC: [&str; 4] =
    [opforge_spec::OPCODES, opforge_spec::TYPES, opforge_spec::INTRINSICS, opforge_spec::SESSION];

fn from_texts(texts: [&str; 4]) -> Artefacts {
    let sources = Sources::of_texts(texts);
    let spec: Spec = compile(sources).unwrap_or_else(|d| panic!("{}", d.render()));
    artefacts::make(&root(), &spec).expect("artefacts")
}

#[test]
fn byte_order_mark_and_crlf_change_nothing() {
    let plain = from_texts(SPEC);
    let dos = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let other = SPEC.map(dos);
    let other = from_texts(other.each_ref().map(String::as_str));
    assert!(plain.literals == other.literals && plain.rest == other.rest);
}

#[test]
fn the_order_of_keys_and_opcodes_changes_only_the_digest_of_the_spec() {
    let plain = from_texts(SPEC);
    // serde_json sorts keys; the lists are turned round by hand.
    let turned = |text: &str, list: &str| {
        let mut spec: serde_json::Value = serde_json::from_str(text).expect("JSON");
        spec[list].as_array_mut().expect("a list").reverse();
        let sorted = serde_json::to_string_pretty(&spec).expect("JSON");
        assert_ne!(sorted, text);
        sorted
    };
    let opcodes = turned(opforge_spec::OPCODES, "opcodes");
    let intrinsics = turned(opforge_spec::INTRINSICS, "intrinsics");
    let other = from_texts([&opcodes, opforge_spec::TYPES, &intrinsics, opforge_spec::SESSION]);
    assert!(plain.literals == other.literals);
    for (a, b) in plain.rest.iter().zip(&other.rest) {
        assert_eq!(a.0, b.0);
        assert!(a.1 == b.1 || a.0.ends_with("MANIFEST"), "{} differs", a.0);
    }
}

#[test]
fn generated_text_is_printable_ascii() {
    let all = from_texts(SPEC);
    for (path, bytes) in all.literals.iter().chain(&all.rest).filter(|(p, _)| !artefacts::is_blob(p)) {
        let fine = path.ends_with(".txt") || bytes.iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b));
        assert!(fine, "{path} holds something else");
        assert_eq!(bytes.last(), Some(&b'\n'), "{path} ends with a line end");
    }
}
