//! Signals are the embedder's: whatever is compiled and run, and however it traps, no handler is set, none is called,
//! and neither mask nor alternate stack change. Alone in its process, whose handlers it sets.

#![cfg(unix)]

mod parity_support;

use opforge_vm::{FuelSchedule, TrapCode};
use parity_support::directive::End;
use parity_support::run::Fuel;
use parity_support::{Compared, Pair, load, programs, runs};
use std::collections::BTreeSet;
use std::mem::MaybeUninit;

/// Signals that the hardware and the system raise over code that does wrong.
const FAULTS: [i32; 6] =
    [libc::SIGSEGV, libc::SIGILL, libc::SIGFPE, libc::SIGBUS, libc::SIGTRAP, libc::SIGSYS];

/// A fault would come again and again: the process ends with a code that nothing else gives.
extern "C" fn caught(_: i32) {
    // SAFETY: both may be called in a handler; the message has this length.
    unsafe {
        let message = b"a signal arrived\n";
        libc::write(2, message.as_ptr().cast(), message.len());
        libc::_exit(70);
    }
}

fn install() {
    for signal in FAULTS {
        // SAFETY: all bits zero is a valid `sigaction`, and `caught` does only what a handler may.
        unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = caught as *const () as usize;
            action.sa_flags = libc::SA_ONSTACK;
            assert_eq!(libc::sigaction(signal, &raw const action, std::ptr::null_mut()), 0);
        }
    }
}

/// All that belongs to signals.
#[derive(Debug, PartialEq)]
struct State {
    /// Signal, handler and flags.
    handlers: Vec<(i32, usize, i32)>,
    /// By signal: whether the thread blocks it.
    blocked: Vec<bool>,
    /// Address, size and flags of the thread's alternate stack.
    stack: (usize, usize, i32),
}

fn state() -> State {
    // SAFETY: all bits zero are valid values of these types, and the calls only ask.
    unsafe {
        let mut handlers = Vec::new();
        for signal in 1..=64 {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            if libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 {
                handlers.push((signal, action.sa_sigaction, action.sa_flags));
            }
        }
        let mut mask: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        assert_eq!(libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask), 0);
        let blocked = (1..=64).map(|signal| libc::sigismember(&raw const mask, signal) == 1).collect();
        let mut stack: libc::stack_t = MaybeUninit::zeroed().assume_init();
        assert_eq!(libc::sigaltstack(std::ptr::null(), &raw mut stack), 0);
        State { handlers, blocked, stack: (stack.ss_sp as usize, stack.ss_size, stack.ss_flags) }
    }
}

#[test]
fn handlers_stay_those_of_the_embedder_whatever_traps() {
    install();
    let before = state();
    let own = caught as *const () as usize;
    let installed = before.handlers.iter().filter(|&&(_, handler, _)| handler == own).count();
    assert_eq!(installed, FAULTS.len());
    let (mut traps, mut sum) = (BTreeSet::new(), Compared::default());
    for path in programs() {
        let source = std::fs::read_to_string(&path).unwrap();
        let Some(verified) = load(&source) else { continue };
        let Some(mut pair) = Pair::new(&verified, FuelSchedule::BySize, None) else { continue };
        sum.programs += 1;
        for run in runs(&source, &verified) {
            for limits in [run.limits, run.limits.fuel(10), run.limits.call_depth(1)] {
                let seen = pair.compare(&run, limits, Fuel::AtOnce, &mut sum);
                if let End::Trap(trap) = seen.end {
                    traps.insert(trap.code);
                }
            }
        }
        drop(pair);
        assert_eq!(state(), before, "{}", path.display());
    }
    assert!(sum.differences.is_empty(), "{:#?}", sum.differences);
    // Every intrinsic of the tables has its function, so no program traps for one that has none; nor does any run in a
    // session machine.
    let kinds = TrapCode::ALL
        .iter()
        .filter(|trap| !matches!(trap, TrapCode::None | TrapCode::InvalidIntrinsic) && !trap.is_session());
    let missing: Vec<_> = kinds.map(|trap| trap.name()).filter(|&name| !traps.contains(name)).collect();
    assert!(missing.is_empty(), "no program traps with {missing:?}, only with {traps:?}");
    println!("{} programs, {} runs, {} traps of {} kinds", sum.programs, sum.runs, sum.traps, traps.len());
}
