//! How native code calls imports: one function for each type of host data, with nothing between it and the host function.

use super::instance::Hosts;
use super::machine::HostCalls;
use super::native::NativeRun;
use crate::trap::TrapDetail;
use alloc::boxed::Box;
use core::any::Any;
use core::ffi::c_void;
use opforge_schema::TrapCode;

/// Calls an import for native code: the address of its [`NativeRun`], the import's number, the fuel that code has, and
/// slots with the arguments, behind which the results go. Returns one of [`CallImport::DONE`], [`CallImport::TRAPPED`]
/// or, if the host has charged fuel, what code has now, plus [`CallImport::FUEL`].
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct CallImport(unsafe extern "C" fn(*mut c_void, u64, u64, *mut u64) -> u64);

impl CallImport {
    /// The host function has returned, and code has its fuel as before.
    pub const DONE: u64 = 0;
    /// The run must be left at the host call.
    pub const TRAPPED: u64 = 1;
    /// The least value that stands for fuel.
    pub const FUEL: u64 = 2;

    /// For instances with host data of type `T`.
    pub(super) const fn of<T>() -> Self {
        Self(call_import::<T>)
    }
}

/// The payload of a panic.
pub(super) type Panic = Box<dyn Any + Send>;

/// Keeps a panic from unwinding.
#[cfg(feature = "std")]
#[inline(always)]
fn guard<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    std::panic::catch_unwind(core::panic::AssertUnwindSafe(f))
}

/// Without the standard library a panic does not unwind.
#[cfg(not(feature = "std"))]
#[inline(always)]
fn guard<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    Ok(f())
}

/// See [`CallImport`].
///
/// # Safety
/// `run` must be the address of a `NativeRun` whose machine calls a `Hosts<T>`, and to which there is no reference in use.
/// `slots` must have room for the import's arguments and results, and nothing else may use them.
unsafe extern "C" fn call_import<T>(run: *mut c_void, import: u64, fuel: u64, slots: *mut u64) -> u64 {
    // SAFETY: the caller's guarantee.
    let run = unsafe { &mut *run.cast::<NativeRun<'_, '_>>() };
    let machine = run.machine();
    let hosts: *mut dyn HostCalls = &mut *machine.host;
    // SAFETY: the machine's host is a `Hosts<T>`: `Machine::new` takes both from one instance.
    let hosts = unsafe { &mut *hosts.cast::<Hosts<T>>() };
    if machine.host_calls >= machine.max_host_calls {
        return trapped(run, (TrapCode::HostCallLimitExceeded, TrapDetail::None));
    }
    machine.host_calls += 1;
    let (args, rets) = hosts.slots_of(import);
    // SAFETY: the caller's guarantee; the two do not overlap.
    let (args, rets) = unsafe {
        (core::slice::from_raw_parts_mut(slots, args), core::slice::from_raw_parts_mut(slots.add(args), rets))
    };
    let total = machine.reserve + machine.withheld + fuel;
    match guard(|| hosts.call(import as u32, machine.heap, total, args, rets)) {
        Ok(Ok(0)) => CallImport::DONE,
        Ok(Ok(charged)) => CallImport::FUEL + machine.charge(charged, total),
        Ok(Err(trap)) => trapped(run, *trap),
        Err(panic) => run.panicked(panic),
    }
}

#[cold]
fn trapped(run: &mut NativeRun<'_, '_>, (code, detail): (TrapCode, TrapDetail)) -> u64 {
    run.machine().detail = detail;
    run.trapped(code);
    CallImport::TRAPPED
}
