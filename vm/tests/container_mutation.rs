//! Damaged containers: nothing panics, and what still decodes is written back as the same program.
//!
//! `OPFORGE_MUTATIONS` sets how many containers are tried, the default is 60000. The seed is fixed.

#[path = "container_support/build.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod build;
mod container_support;
mod random_support;

use container_support::corpus;
use opforge_vm::asm::assemble;
use opforge_vm::container::{DecodeConfig, TrailingBytes, UnknownSections, decode, encode};
use random_support::Random;

impl Random {
    /// A range of at most `limit` bytes that lies within `len` bytes.
    fn range(&mut self, len: usize, limit: usize) -> core::ops::Range<usize> {
        let start = self.below(len + 1);
        start..(start + self.below(limit + 1)).min(len)
    }
}

/// Values that numbers, flags and tags break on.
const BYTES: [u8; 14] = [0, 1, 2, 3, 4, 7, 8, 9, 11, 12, 0x7f, 0x80, 0x81, 0xff];

fn mutate(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = random.below(bytes.len());
    match random.below(8) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 | 3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = BYTES[random.below(BYTES.len())];
            }
        }
        4 => {
            let range = random.range(bytes.len(), 8);
            bytes.drain(range);
        }
        5 => {
            let new: Vec<u8> = (0..random.below(8)).map(|_| BYTES[random.below(BYTES.len())]).collect();
            bytes.splice(at..at, new);
        }
        6 => {
            let piece = other[random.range(other.len(), 40)].to_vec();
            let range = random.range(bytes.len(), 40);
            bytes.splice(range, piece);
        }
        _ => {
            let start = random.below(bytes.len() + 1);
            bytes.truncate(start);
        }
    }
}

#[test]
fn damaged_containers_neither_panic_nor_change_when_written_back() {
    let rounds = std::env::var("OPFORGE_MUTATIONS").map_or(60_000, |text| text.parse().unwrap());
    // Optional sections are rare in the corpus, so the containers that have them come up half of the time.
    let config = DecodeConfig::new();
    let mut seeds: Vec<_> = corpus().0.into_iter().map(|case| case.bytes).collect();
    seeds.retain(|bytes| decode(bytes, &config).is_ok());
    let rich: Vec<_> = seeds
        .iter()
        .filter(|bytes| decode(bytes, &config).is_ok_and(|program| program.names().functions.len() > 1))
        .collect();
    // What the corpus cannot have: the sections of 0.128.
    let text = include_str!("data/sessions.ofa");
    let new = [build::container(&build::full()), encode(&assemble(text).unwrap()).unwrap()];
    let strict = config.trailing_bytes(TrailingBytes::Refuse);
    let mut random = Random(0x6f70_666f_7267_6521);
    let mut decoded = 0;
    for round in 0..rounds {
        let seed = match random.below(4) {
            0 => &new[random.below(new.len())],
            1 | 2 if !rich.is_empty() => rich[random.below(rich.len())],
            _ => &seeds[random.below(seeds.len())],
        };
        let mut bytes = seed.clone();
        for _ in 0..=random.below(4) {
            let other = &seeds[random.below(seeds.len())];
            mutate(&mut random, &mut bytes, other);
        }
        match decode(&bytes, &config) {
            Err(error) => assert!(error.offset() <= bytes.len(), "round {round}: {error}"),
            Ok(program) => {
                decoded += 1;
                let written = encode(&program).unwrap_or_else(|error| panic!("round {round}: {error}"));
                let again =
                    decode(&written, &strict).unwrap_or_else(|error| panic!("round {round}: {error}"));
                assert!(again == program, "round {round}: {bytes:?}");
                // Less tolerance never means another program.
                let refusing = strict.unknown_sections(UnknownSections::Refuse);
                if let Ok(same) = decode(&bytes, &refusing) {
                    assert!(same == program, "round {round}: {bytes:?}");
                }
            }
        }
    }
    assert!(decoded > rounds / 20, "only {decoded} of {rounds} decode, the test misses its purpose");
}
