//! Reads the conformance corpus: all of it where it is at hand, else the committed sample.
#![allow(dead_code, reason = "each test binary uses its part")]

use serde_json::Value;
use std::fs;
use std::path::Path;

/// One line of the corpus.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) verdict: Verdict,
    /// Whether the peer writes the container back byte for byte.
    pub(crate) canonical: bool,
    /// Whether a truth value is stored as a byte other than 0 and 1.
    pub(crate) bool_byte: bool,
    /// The name of the peer's error, where it refuses the container.
    pub(crate) error: Option<String>,
    /// In the committed sample, the code of our error, where decoding fails.
    pub(crate) code: Option<String>,
}

/// What the peer makes of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Valid,
    DecodeError,
    VerifyError,
    Crash,
}

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/extape");
/// Another place it may be: worktrees stand one directory deeper.
const CORPUS_FROM_WORKTREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/extape");
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/container.jsonl");

/// The cases of the committed sample.
pub(crate) fn sample() -> Vec<Case> {
    read(Path::new(SAMPLE))
}

/// The cases of the whole corpus, and whether it was found; the sample if not.
pub(crate) fn corpus() -> (Vec<Case>, bool) {
    let Some(directory) =
        [CORPUS, CORPUS_FROM_WORKTREE].into_iter().map(Path::new).find(|path| path.is_dir())
    else {
        return (sample(), false);
    };
    let files = ["hand.jsonl", "random.jsonl", "mutated.jsonl", "rejected.jsonl"];
    (files.iter().flat_map(|file| read(&directory.join(file))).collect(), true)
}

/// The cases of one file.
pub(crate) fn read(path: &Path) -> Vec<Case> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| case(&serde_json::from_str(line).unwrap())).collect()
}

fn case(line: &Value) -> Case {
    let verdict = &line["verdict"];
    let error = verdict.get("decode_error").or(verdict.get("verify_error")).and_then(Value::as_str);
    let error = error.map(str::to_owned);
    let verdict = if verdict == "valid" {
        Verdict::Valid
    } else if verdict.get("decode_error").is_some() {
        Verdict::DecodeError
    } else if verdict.get("verify_error").is_some() {
        Verdict::VerifyError
    } else {
        assert!(verdict.get("peer_crash").is_some(), "unknown verdict {verdict}");
        Verdict::Crash
    };
    Case {
        name: line["name"].as_str().unwrap().to_owned(),
        bytes: base64(line["container"].as_str().unwrap()),
        verdict,
        canonical: line["canonical"] == true,
        bool_byte: line["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "bool_byte")),
        error,
        code: line["code"].as_str().map(str::to_owned),
    }
}

/// Standard base64 with padding.
fn base64(text: &str) -> Vec<u8> {
    let digits = text.trim_end_matches('=').bytes().map(|byte| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => panic!("not base64: {byte}"),
    });
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for digit in digits {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
