//! Decoding takes at most 16 times the container's size of memory, whatever its counts claim.

#[path = "container_support/build.rs"]
mod build;
mod container_support;

use build::{Part, Piece, container, empty, full, replace, uleb};
use container_support::corpus;
use opforge_vm::Program;
use opforge_vm::container::{DecodeConfig, DecodeError, decode, encode};

/// Decodes, and fails if that takes too much memory. Says how much it took.
fn bounded(what: &str, bytes: &[u8]) -> (Result<Program, DecodeError>, usize) {
    let mut outcome = None;
    let memory = allocation_counter::measure(|| outcome = Some(decode(bytes, &DecodeConfig::new())));
    let (outcome, peak) = (outcome.unwrap(), memory.bytes_max as usize);
    assert!(peak <= 16 * bytes.len(), "{what}: {peak} bytes for {} bytes of input", bytes.len());
    if let Err(error) = &outcome {
        assert!(error.offset() <= bytes.len(), "{what}: {error}");
    }
    (outcome, peak)
}

const FORGED: [u64; 4] = [1 << 20, 1 << 33, 1 << 61, u64::MAX];

#[test]
fn the_corpus_is_decoded_in_bounded_memory() {
    for case in corpus().0 {
        drop(bounded(&case.name, &case.bytes));
    }
}

#[test]
fn the_full_container_is_canonical() {
    let bytes = container(&full());
    let program = decode(&bytes, &DecodeConfig::new()).unwrap();
    assert_eq!(encode(&program).unwrap(), bytes);
}

/// Every count and length of the full container in turn, with what it is replaced by.
fn forged(values: impl Fn(u64) -> Vec<u64>) -> Vec<(String, bool, Vec<Part>)> {
    let parts = full();
    let mut out = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        for (j, piece) in part.pieces.iter().enumerate() {
            let (old, is_count) = match *piece {
                Piece::Count(old) => (old, true),
                Piece::Len(old) => (old, false),
                Piece::Bytes(_) => continue,
            };
            for new in values(old) {
                let mut parts = parts.clone();
                parts[i].pieces[j] = if is_count { Piece::Count(new) } else { Piece::Len(new) };
                out.push((format!("section {} piece {j}: {new} for {old}", part.tag), is_count, parts));
            }
        }
    }
    out
}

#[test]
fn forged_counts_are_refused_before_anything_is_reserved() {
    let cases = forged(|_| FORGED.to_vec());
    assert_eq!(cases.len(), 45 * FORGED.len());
    for (what, is_count, parts) in cases {
        let (outcome, _) = bounded(&what, &container(&parts));
        let code = outcome.as_ref().map_err(|error| error.code()).map(|_| ());
        assert_eq!(code, Err(if is_count { "D0204" } else { "D0201" }), "{what}: {outcome:?}");
    }
}

#[test]
fn counts_that_are_nearly_right_stay_bounded() {
    for (what, _, parts) in forged(|old| vec![old + 1, old.wrapping_sub(1), old + 2, 0, 127]) {
        if let (Ok(program), _) = bounded(&what, &container(&parts)) {
            let again = decode(&encode(&program).unwrap(), &DecodeConfig::new()).unwrap();
            assert_eq!(again, program, "{what}");
        }
    }
}

#[test]
fn counts_that_the_padding_makes_room_for_stay_bounded() {
    // Each list in turn claims 2^18 entries, and its section is padded so that they could be there.
    for filler in [0, 1, 2, 0xff] {
        for (what, _, mut parts) in forged(|_| vec![1 << 18]) {
            let changed = parts.iter().zip(full()).position(|(a, b)| a.payload() != b.payload());
            parts[changed.unwrap()].pieces.push(Piece::Bytes(vec![filler; 1 << 18]));
            drop(bounded(&format!("{what}, padded with {filler}"), &container(&parts)));
        }
    }
}

/// `count` entries, with their number in front.
fn repeated(count: usize, entry: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    uleb(count as u64, &mut payload);
    payload.extend(entry.repeat(count));
    payload
}

#[test]
fn the_densest_sections_stay_bounded() {
    let n = 1 << 15;
    let host = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let tuple = [&[1, 0, 0, 1][..], &repeated(n, &[0])].concat();
    let types = [&repeated(n, &[2])[..], &[0, 0, 0]].concat();
    let sig_types = [&[1][..], &types].concat();
    let shape = [&[1, 0, 0][..], &repeated(n, &[0, 0]), &repeated(n, &[0, 1, 0, 1])].concat();
    let state = [&[1, 1, 0][..], &repeated(n, &[0, 0, 0])].concat();
    let effect = [&[1, 0, 0, 0][..], &repeated(n, &[3]), &[0]].concat();
    let cases: [(&str, u8, Vec<u8>); 32] = [
        ("empty symbols", 1, repeated(n, &[0])),
        ("unit constants", 2, repeated(n, &[0])),
        ("empty text constants", 2, repeated(n, &[7, 0])),
        ("empty field names", 3, [&repeated(n, &[0])[..], &[0, 0]].concat()),
        ("empty structs", 3, [&[0][..], &repeated(n, &[0]), &[0]].concat()),
        ("struct fields", 3, [&[1, 0, 1][..], &repeated(n, &[0, 2]), &[0]].concat()),
        ("element types", 3, [&[0, 0][..], &repeated(n, &[2])].concat()),
        ("empty blobs", 5, repeated(n, &[0])),
        ("empty span tables", 6, repeated(n, &[0])),
        ("span entries", 6, [&[1][..], &repeated(n, &[0, 1])].concat()),
        ("one function's parameters", 7, sig_types.clone()),
        ("empty host signatures", 8, repeated(n, &host)),
        ("empty call signatures", 10, repeated(n, &[0, 0])),
        ("one call signature's parameters", 10, [&[1][..], &repeated(n, &[2]), &[0]].concat()),
        ("one shape's elements", 11, tuple),
        ("memories", 128, repeated(n, &[0, 0, 0, 0])),
        ("roles", 129, repeated(n, &[0])),
        ("labels", 130, repeated(n, &[0])),
        ("unit payloads", 131, repeated(n, &[1, 0])),
        ("empty tuples", 131, repeated(n, &[2, 0])),
        ("tuples of one", 131, repeated(n, &[2, 1, 0])),
        ("one tuple", 131, [&[1, 2][..], &repeated(n, &[0])].concat()),
        ("ends", 132, repeated(n, &[0])),
        ("one state's branches", 132, state),
        ("states of one branch", 132, repeated(n, &[2, 0, 1, 0, 0, 0])),
        ("local types", 133, repeated(n, &[0, 0])),
        ("empty session shapes", 134, repeated(n, &[0, 0, 0, 0])),
        ("one session shape", 134, shape),
        ("effects", 135, repeated(n, &[0, 0, 0, 0, 0])),
        ("one effect's parameters", 135, effect),
        ("layers", 136, repeated(n, &[0, 0])),
        ("linear types", 137, repeated(n, &[0, 0, 0, 3, 0])),
    ];
    for (what, tag, payload) in cases {
        // Signatures and shapes need a function; the shapes would refer to parameters that are gone.
        let mut parts = if matches!(tag, 7 | 11) { full() } else { empty() };
        parts.retain(|part| part.tag != 11);
        replace(&mut parts, tag, payload);
        let bytes = container(&parts);
        let (outcome, peak) = bounded(what, &bytes);
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
        assert!(peak > 2 * n, "{what}: {peak} bytes, the case misses its purpose");
    }

    let mut unknown = container(&empty());
    unknown.extend([200, 0].repeat(n));
    assert!(bounded("unknown sections", &unknown).0.is_ok());

    let (row, sig) = (&[0, 0, 1, 0, 0], &[0, 0, 0, 0]);
    let mut parts = full();
    replace(&mut parts, 4, repeated(n, row));
    replace(&mut parts, 7, repeated(n, sig));
    parts.retain(|part| part.tag != 11);
    assert!(bounded("functions without anything", &container(&parts)).0.is_ok());

    // A refused container gives everything back: the last of many entries is wrong.
    let mut payload = repeated(n, &[0]);
    *payload.last_mut().unwrap() = 99;
    replace(&mut parts, 2, payload);
    let bytes = container(&parts);
    let memory = allocation_counter::measure(|| drop(decode(&bytes, &DecodeConfig::new())));
    assert_eq!(memory.bytes_current, 0);
}

#[test]
fn prefixes_stay_bounded() {
    let bytes = container(&full());
    for end in 0..bytes.len() {
        let (outcome, _) = bounded("prefix", &bytes[..end]);
        // Only the optional sections at the end may be missing.
        assert!(outcome.is_err() || outcome.unwrap().names().program.is_none(), "{end} bytes decode");
    }
}

#[test]
fn sections_twice_missing_or_of_another_length() {
    let parts = full();
    for (i, part) in parts.iter().enumerate() {
        let what = format!("section {}", part.tag);
        let code = |bytes: &[u8]| bounded(&what, bytes).0.err().map(|error| error.code());

        let doubled = [&parts[..], &parts[i..=i]].concat();
        assert_eq!(code(&container(&doubled)), Some("D0105"), "{what} twice");

        let mut without = parts.clone();
        without.remove(i);
        let expected = (part.tag <= 8).then_some("D0106");
        assert_eq!(code(&container(&without)), expected, "{what} missing");

        let start = container(&parts[..i]).len();
        let whole = container(&parts);
        for (len, expected) in [(u64::MAX, "D0104"), (1 << 33, "D0104"), (1 << 20, "D0104")] {
            let mut bytes = whole[..=start].to_vec();
            uleb(len, &mut bytes);
            bytes.extend_from_slice(&whole[start + 2..]);
            assert_eq!(code(&bytes), Some(expected), "{what} with length {len}");
        }
        for change in [1, 2, 0xff] {
            let mut bytes = whole.clone();
            bytes[start + 1] = bytes[start + 1].wrapping_add(change);
            assert!(code(&bytes).is_some(), "{what} with length changed by {change}");
        }
    }
}
