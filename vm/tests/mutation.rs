//! Damaged containers, damaged texts and random bodies, all the way to the end of a run: nothing panics, no internal
//! error is met, memory stays bounded, and ways of running that must agree do.
//!
//! `OPFORGE_MUTATIONS` sets how many cases are tried over all, the default is 30,000. Seeds are fixed. Each test
//! prints how far its cases came, and fails if too few came far: then it would test nothing.

mod container_support;
mod mutation_support;
mod random_support;

use container_support::corpus;
use mutation_support::judge::{Health, judge, verifies};
use mutation_support::{Random, bodies, mutate, rounds, texts};
use opforge_schema::Lower;
use opforge_vm::Opcode;
use opforge_vm::asm::assemble;
use opforge_vm::container::{DecodeConfig, decode, encode};
use opforge_vm::disasm::{DisasmOptions, disassemble};

/// The bytes that one case may take beyond what was there.
const MOST: u64 = 32 << 20;

/// Runs cases; says which one failed.
fn each(what: &str, rounds: usize, health: &mut Health, mut case: impl FnMut(usize, &mut Health)) {
    struct Failed<'w>(&'w str, usize);
    impl Drop for Failed<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("{}: case {} fails", self.0, self.1);
            }
        }
    }
    for round in 0..rounds {
        let failed = Failed(what, round);
        health.cases += 1;
        let peak = allocation_counter::measure(|| case(round, health)).bytes_max;
        assert!(peak <= MOST, "{what}, case {round}: {peak} bytes");
        health.largest = health.largest.max(peak);
        drop(failed);
    }
}

#[test]
fn damaged_containers() {
    let mut seeds: Vec<_> = corpus().0.into_iter().map(|case| case.bytes).collect();
    seeds.extend(texts().iter().filter_map(|text| encode(&assemble(text).ok()?).ok()));
    seeds.retain(|bytes| decode(bytes, &DecodeConfig::new()).is_ok_and(verifies));
    let mut random = Random(0x6f70_666f_7267_6501);
    let mut health = Health::default();
    each("containers", rounds(5, 8), &mut health, |round, health| {
        let mut bytes = random.pick(&seeds).clone();
        for _ in 0..=random.below(4) / 2 {
            let other = random.pick(&seeds);
            mutate::bytes(&mut random, &mut bytes, other);
        }
        let seed = random.next();
        if let Ok(program) = decode(&bytes, &DecodeConfig::new()) {
            health.read += 1;
            judge(program, seed, round % 4 == 0, health);
        }
    });
    health.check("containers", [40, 8, 30, 10]);
}

#[test]
fn damaged_texts() {
    let mut seeds = texts();
    seeds.retain(|text| assemble(text).is_ok_and(verifies));
    let mut random = Random(0x6f70_666f_7267_6502);
    let mut health = Health::default();
    each("texts", rounds(1, 4), &mut health, |round, health| {
        let mut text = random.pick(&seeds).clone();
        for _ in 0..=random.below(4) / 3 {
            let other = random.pick(&seeds);
            mutate::text(&mut random, &mut text, other);
        }
        let seed = random.next();
        let Ok(program) = assemble(&text) else { return };
        health.read += 1;
        if round % 4 == 0 {
            let exact = disassemble(&program, &DisasmOptions::exact());
            assert!(assemble(&exact).is_ok_and(|again| again == program), "{text}\n---\n{exact}");
        }
        judge(program, seed, round % 4 == 0, health);
    });
    health.check("texts", [25, 15, 30, 10]);
}

#[test]
fn random_bodies() {
    let mut random = Random(0x6f70_666f_7267_6503);
    let mut health = Health::default();
    each("bodies", rounds(1, 8), &mut health, |round, health| {
        let text = bodies::program(&mut random);
        let seed = random.next();
        let program = assemble(&text).unwrap_or_else(|e| panic!("{}", e.render(&text, "body")));
        health.read += 1;
        judge(program, seed, round % 3 == 0, health);
    });
    health.check("bodies", [100, 80, 10, 25]);
    // Session instructions run in session machines, which have tests of their own.
    let wanted = |op: &&Opcode| op.row().lower() != Lower::Session;
    let missing: Vec<_> =
        Opcode::ALL.iter().filter(wanted).filter(|op| !health.opcodes.contains_key(&op.didx())).collect();
    assert!(missing.is_empty(), "no random body ran {missing:?}");
}
