//! Code memory: given back, and never writable and executable at once. Alone in its process, which it measures.

#![cfg(target_os = "linux")]

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::asm;
use opforge_vm::verify::{VerifyConfig, verify};

const LOOP: &str = "
.func spin(n: u64) -> (i: u64) {
    .reg i, one, more
    const.u64 i, 0
    const.u64 one, 1
    jmp @loop
@loop:
    u64.add i, i, one
    u64.lt more, i, n
    br more, @loop, @end
@end:
    ret i
}
";

/// Lines of the process map, and the resident pages.
fn memory() -> (Vec<String>, u64) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident = statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    (maps.lines().map(str::to_owned).collect(), resident * 4096)
}

/// Compiling and dropping leaves nothing behind, and no mapping is ever writable and executable at once.
#[test]
fn code_memory_is_given_back_and_never_writable() {
    let program = verify(asm::assemble(LOOP).unwrap(), &VerifyConfig::default()).unwrap();
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    let check = || {
        let kept = engine.compile(&program).unwrap();
        let (maps, _) = memory();
        assert!(maps.iter().all(|line| !line.contains("rwx")), "{maps:#?}");
        drop(kept);
    };
    (0..50).for_each(|_| check());
    let (_, before) = memory();
    let cycles = if cfg!(debug_assertions) { 300 } else { 2000 };
    for _ in 0..cycles {
        drop(engine.compile(&program).unwrap());
    }
    let (_, after) = memory();
    assert!(after < before + (2 << 20), "{before} bytes before, {after} after {cycles} cycles");
}
