//! Memory is never writable and executable at once, not for a moment. Where the kernel lets a thread forbid itself to
//! ask for such memory, compiling and running must do without; the maps of the process are watched all the while.

#![cfg(target_os = "linux")]

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Capabilities, Capability, Limits, Linker, Value, asm};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const LOOKS: &str = "
.host look = \"env.look\" (i64) -> (i64)
.func main(n: i64) -> (i64) {
    .reg r
    host_call look (n) -> r
    i64.add r, r, n
    ret r
}
";

fn verified(source: &str) -> VerifiedProgram {
    verify(asm::assemble(source).unwrap(), &VerifyConfig::new()).unwrap()
}

/// The lines of mappings that are writable and executable, and how many are executable and have no file.
fn maps() -> (Vec<String>, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let rights = |line: &str| line.split(' ').nth(1).unwrap_or("").to_owned();
    let both = |line: &&str| rights(line).contains('w') && rights(line).contains('x');
    let code = |line: &&str| rights(line).contains('x') && line.split_whitespace().count() == 5;
    (maps.lines().filter(both).map(str::to_owned).collect(), maps.lines().filter(code).count())
}

/// From now on, the thread gets no memory that is writable and executable: asking fails.
#[cfg(target_endian = "little")]
fn forbid() -> io::Result<()> {
    use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};
    const BOTH: u32 = (libc::PROT_WRITE | libc::PROT_EXEC) as u32;
    let code = |code: u32, k: u32, jt: u8, jf: u8| sock_filter { code: code as u16, jt, jf, k };
    let load = |offset: u32| code(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
    let is = |value: u32, jt: u8, jf: u8| code(BPF_JMP | BPF_JEQ | BPF_K, value, jt, jf);
    let give = |what: u32| code(BPF_RET | BPF_K, what, 0, 0);
    // The number of the call stands at 0, its third argument at 32; that is the protection in all three.
    let mut filter = [
        load(0),
        is(libc::SYS_mmap as u32, 3, 0),
        is(libc::SYS_mprotect as u32, 2, 0),
        is(libc::SYS_pkey_mprotect as u32, 1, 0),
        give(libc::SECCOMP_RET_ALLOW),
        load(32),
        code(BPF_ALU | BPF_AND | BPF_K, BOTH, 0, 0),
        is(BOTH, 0, 1),
        give(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        give(libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the filter lives until the call has returned; the kernel copies it.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) != 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Asks for a page with these rights.
fn page(rights: i32) -> io::Result<()> {
    // SAFETY: a new mapping of its own, which is unmapped at once.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let at = libc::mmap(std::ptr::null_mut(), 4096, rights, flags, -1, 0);
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        libc::munmap(at, 4096);
    }
    Ok(())
}

fn compile_and_run(rounds: i64) {
    let program = verified(LOOKS);
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    let mut linker: Linker<()> = Linker::new();
    let look = |_: &mut opforge_vm::Caller<'_, ()>, n: i64| {
        // Native code is on the stack now.
        let (both, code) = maps();
        assert!(both.is_empty(), "{both:#?}");
        assert!(code > 0, "no mapping holds native code");
        n
    };
    linker.func("env.look", Capability::none(), look).unwrap();
    for n in 0..rounds {
        let program = engine.compile(&program).unwrap();
        let mut instance = linker.instantiate(program.module(), (), &Capabilities::none()).unwrap();
        let twice = instance.call(FuncId(0), &[Value::I64(n)], Limits::new());
        assert_eq!(twice, Ok(vec![Value::I64(2 * n)]));
    }
}

#[test]
fn no_memory_is_ever_writable_and_executable() {
    let (done, watched) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let (both, _) = maps();
                assert!(both.is_empty(), "{both:#?}");
                watched.store(true, Ordering::Relaxed);
            }
        });
        let worker = scope.spawn(|| {
            match forbid() {
                Ok(()) => {
                    let refused = page(libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC).unwrap_err();
                    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
                    page(libc::PROT_READ | libc::PROT_EXEC).unwrap();
                }
                Err(error) => println!("only watched, not forbidden: {error}"),
            }
            compile_and_run(200);
        });
        let worker = worker.join();
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
        worker.unwrap();
    });
    assert!(watched.into_inner(), "nothing was watched");
}
