//! Specs that somebody damaged at random: no panic, every finding inside its file, and whatever is accepted
//! makes tables that the run-time checks accept too, so that linter and checks cannot drift apart.

use opforge_schema::{Blobs, Isa};
use opforge_tablegen::diag::Diags;
use opforge_tablegen::model::Spec;
use opforge_tablegen::source::{Source, Sources};
use opforge_tablegen::{compile, emit};
use std::path::Path;

fn good(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad").join(name);
    std::fs::read_to_string(path).expect("a spec")
}

/// A small generator of repeatable numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// The JSON tokens of a text: strings, numbers, words, single characters.
fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut token = String::from(c);
        if c == '"' {
            for c in chars.by_ref() {
                token.push(c);
                if c == '"' {
                    break;
                }
            }
        } else if c.is_ascii_alphanumeric() {
            while let Some(c) = chars.next_if(char::is_ascii_alphanumeric) {
                token.push(c);
            }
        }
        out.push(token);
    }
    out
}

/// Swaps, drops or repeats tokens, or changes one character.
fn mutate(numbers: &mut Numbers, text: &str) -> String {
    let mut list = tokens(text);
    for _ in 0..=numbers.below(2) {
        let (a, b) = (numbers.below(list.len()), numbers.below(list.len()));
        match numbers.below(5) {
            0 => list.swap(a, b),
            1 => list[a] = list[b].clone(),
            2 => drop(list.remove(a)),
            3 => {
                // A token of the same kind from elsewhere keeps the text JSON more often.
                let same = |t: &String| t.chars().next().map(|c| c == '"') == Some(list[a].starts_with('"'));
                let choices: Vec<String> = list.iter().filter(|t| same(t)).cloned().collect();
                list[a] = choices[numbers.below(choices.len())].clone();
            }
            _ => {
                let mut chars: Vec<char> = list[a].chars().collect();
                let at = numbers.below(chars.len());
                chars[at] =
                    ['0', '9', 'a', '_', '.', '"', '\u{e4}', '\u{202e}', '{', '\\'][numbers.below(10)];
                list[a] = chars.into_iter().collect();
            }
        }
    }
    list.concat()
}

#[test]
fn damaged_specs_give_findings_or_sound_tables() {
    let base = ["good.json", "types.good.json", "intrinsics.good.json", "session.good.json"].map(good);
    let mut numbers = Numbers(42);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..3000 {
        let mut texts = base.clone();
        let damaged = [1, 2, 2, 3, 0, 0, 0][round % 7];
        texts[damaged] = mutate(&mut numbers, &texts[damaged]);
        match compile(Sources::of_texts(texts.each_ref().map(String::as_str))) {
            Ok(spec) => {
                accepted += 1;
                sound(&spec, &texts.each_ref());
                assert!(emit::literals::files(&spec).len() >= 2);
            }
            Err(d) => {
                refused += 1;
                in_place(&d);
            }
        }
    }
    assert!(accepted > 50 && refused > 1000, "{accepted} accepted, {refused} refused: a weak test");
}

/// What is accepted makes tables that the run-time checks accept too.
fn sound(spec: &Spec, texts: &[&String]) {
    let blobs = emit::bytes::blobs(spec);
    let at = |i: usize| blobs[i].1.as_slice();
    let blobs = Blobs {
        ops: at(0),
        names: at(1),
        text: at(2),
        lookup: at(3),
        classes: at(4),
        types: at(5),
        intrinsics: at(6),
    };
    if let Err(e) = Isa::from_blobs(&blobs) {
        panic!("accepted, but {e}:\n{texts:?}");
    }
    assert!(emit::docs::blob(spec).is_ok());
}

/// Each finding has a place inside of its file.
fn in_place(d: &Diags) {
    assert!(!d.render().is_empty());
    for finding in d.findings() {
        let span = finding.at.expect("a place");
        let text = &d.sources[usize::from(span.file)].text;
        assert!(span.start < span.end && span.start as usize <= text.len(), "{finding:?}");
        assert!(text.is_char_boundary(span.start as usize), "{finding:?}");
    }
}

#[test]
fn damaged_overlays_give_findings_or_sound_tables() {
    let base = ["good.json", "types.good.json", "intrinsics.good.json", "session.good.json"].map(good);
    let overlay = good("overlay.good.json");
    let mut numbers = Numbers(43);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..3000 {
        let text = mutate(&mut numbers, &overlay);
        let mut sources = Sources::of_texts(base.each_ref().map(String::as_str));
        sources.overlay = Some(Source::new("game.json", &text));
        match compile(sources) {
            Ok(spec) => {
                accepted += 1;
                sound(&spec, &[&text]);
                assert!(emit::overlay::file(&spec, "opforge").contains("embed_isa!"));
            }
            Err(d) => {
                refused += 1;
                in_place(&d);
            }
        }
    }
    assert!(accepted > 50 && refused > 1000, "{accepted} accepted, {refused} refused: a weak test");
}
