//! Code memory: given back, and never writable and executable at once. Alone in its process, which it measures.

#![cfg(target_os = "linux")]

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::asm;
use opforge_vm::verify::{VerifyConfig, verify};
use std::time::Instant;

const LOOP: &str = include_str!("data/spin.ofa");

/// Lines of the process map, and the resident pages.
fn memory() -> (Vec<String>, u64) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident = statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    (maps.lines().map(str::to_owned).collect(), resident * 4096)
}

/// How often a program is compiled: `OPFORGE_CYCLES`, else a number that a test has time for.
fn cycles() -> u64 {
    let asked = std::env::var("OPFORGE_CYCLES").ok();
    let default = if cfg!(debug_assertions) { 300 } else { 2000 };
    asked.map_or(default, |text| text.parse().expect("OPFORGE_CYCLES is a number"))
}

/// Compiling and dropping leaves nothing behind, however often, and no mapping is writable and executable at once.
#[test]
fn code_memory_is_given_back_and_never_writable() {
    const MAX_GROWTH: u64 = 4 << 20;
    let program = verify(asm::assemble(LOOP).unwrap(), &VerifyConfig::default()).unwrap();
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    let check = || {
        let kept = engine.compile(&program).unwrap();
        let (maps, _) = memory();
        assert!(maps.iter().all(|line| !line.contains("rwx")), "{maps:#?}");
        drop(kept);
    };
    (0..50).for_each(|_| check());
    let (maps_before, before) = memory();
    let (cycles, start) = (cycles(), Instant::now());
    for _ in 0..cycles {
        drop(engine.compile(&program).unwrap());
    }
    let (time, (maps_after, after)) = (start.elapsed(), memory());
    let growth = after.saturating_sub(before);
    println!(
        "{cycles} cycles in {:.1} s: resident {before} bytes before, {after} after; {} mappings before, {} after",
        time.as_secs_f64(),
        maps_before.len(),
        maps_after.len()
    );
    assert!(growth <= MAX_GROWTH, "{growth} bytes more after {cycles} cycles");
    assert!(maps_after.len() <= maps_before.len() + 4, "{maps_after:#?}");
}
