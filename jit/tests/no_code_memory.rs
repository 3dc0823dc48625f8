//! Code that finds no room: memory the system does not give, memory it does not make executable, code beyond the
//! configured limit. Alone in its process, whose limits it lowers.

#![cfg(target_os = "linux")]

use opforge_jit::{JitConfig, JitEngine, JitError};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Instance, Limits, Linker, Module, Value, asm};

fn verified(source: &str) -> VerifiedProgram {
    verify(asm::assemble(source).unwrap(), &VerifyConfig::new()).unwrap()
}

fn works(module: &Module) {
    let mut instance: Instance<()> = Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
    let sum = instance.call(FuncId(0), &[Value::I64(40), Value::I64(2)], Limits::new());
    assert_eq!(sum, Ok(vec![Value::I64(42)]));
}

/// Limits the address space of the process to what it has now; gives the limits of before.
fn freeze() -> libc::rlimit {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are to values of the right type.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_AS, &raw mut before), 0);
        let page = libc::sysconf(libc::_SC_PAGESIZE) as u64;
        let now = libc::rlimit { rlim_cur: pages * page, ..before };
        assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &raw const now), 0);
    }
    before
}

fn thaw(limit: libc::rlimit) {
    // SAFETY: as above.
    unsafe { assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &raw const limit), 0) };
}

/// Whether the system maps one more page.
fn gives_memory() -> bool {
    // SAFETY: a new mapping of its own, which is unmapped at once.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let at = libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        at != libc::MAP_FAILED && libc::munmap(at, 4096) == 0
    }
}

/// From now on, no memory of the process becomes executable that was not. `false` if the kernel cannot.
fn harden() -> bool {
    const PR_SET_MDWE: i32 = 65;
    const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    // SAFETY: forbids later calls, no more.
    unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 }
}

/// One test, as the steps change the process.
#[test]
fn code_without_memory_is_an_error_and_the_interpreter_still_runs() {
    let program = verified(".func add(a: i64, b: i64) -> (i64) {\n i64.add a, a, b\n ret a\n}");
    let interp = Module::new(&Engine::default(), &program).unwrap();
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    // What the compiler allocates is there from now on: the allocator of this thread keeps it.
    works(engine.compile(&program).unwrap().module());

    let before = freeze();
    let (limited, compiled) = (!gives_memory(), engine.compile(&program));
    thaw(before);
    if limited {
        let error = compiled.unwrap_err();
        assert!(matches!(&error, JitError::CodeMemory { .. }), "{error}");
        assert_eq!(error.code(), "J0004");
    } else {
        println!("limits of the address space do not hold here, as in emulators of one process");
    }
    works(&interp);
    let kept = engine.compile(&program).unwrap();
    works(kept.module());

    let size = u32::try_from(kept.code_size()).unwrap();
    let limited = |max: u32| JitEngine::new(JitConfig::new().max_code(max)).unwrap().compile(&program);
    works(limited(size).unwrap().module());
    for max in [0, 1, size / 2, size - 1] {
        let error = limited(max).unwrap_err();
        assert!(
            matches!(error, JitError::TooMuchCode { actual, limit } if actual > limit && limit == max.into())
        );
        assert_eq!(error.code(), "J0003");
    }

    if harden() {
        let error = engine.compile(&program).unwrap_err();
        assert!(matches!(&error, JitError::CodeMemory { .. }), "{error}");
        // Code that was there stays.
        works(kept.module());
        works(&interp);
    } else {
        println!("the kernel has no way to refuse executable memory; needs Linux 6.3");
    }
}
