//! How imports are called: one function for each host function, into which that one is compiled.

use super::host_calls::{HostCalls, HostStop, too_many_calls, unknown_import};
use super::instance::Hosts;
use super::machine::{Exit, Machine};
use super::native::NativeRun;
use crate::guard::guard;
use crate::host::{HeapCaller, SlotFn};
use core::ffi::c_void;

/// Calls an import: the address of a [`NativeRun`], the import's number, the fuel that code has, and
/// slots with the arguments, behind which the results go. Returns one of [`CallImport::DONE`], [`CallImport::TRAPPED`]
/// or, if the host has charged fuel, what code has now, plus [`CallImport::FUEL`].
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct CallImport(unsafe extern "C-unwind" fn(*mut c_void, u64, u64, *mut u64) -> u64);

impl CallImport {
    /// The host function has returned, and code has its fuel as before.
    pub const DONE: u64 = 0;
    /// The run must be left at the host call, which has trapped or is pending.
    pub const TRAPPED: u64 = 1;
    /// The least value that stands for fuel.
    pub const FUEL: u64 = 2;

    /// For a host function of type `F`, with host data of type `T`.
    pub(crate) const fn of<T, F: SlotFn<T>>() -> Self {
        Self(call_import::<T, F>)
    }
}

impl Machine<'_> {
    /// Calls an import with slots that hold its arguments and have room for its results behind them, as the program
    /// declares it. Returns the loop's fuel.
    #[inline(always)]
    pub(super) fn call_import(&mut self, import: u32, fuel: u64, slots: &mut [u64]) -> Result<u64, Exit> {
        let Some(call) = self.calls.get(import as usize) else {
            return Err(self.stop_at_host(*unknown_import()));
        };
        let call = call.0;
        let mut run = NativeRun::for_import(self);
        // SAFETY: the calls of a machine are those of the instance that is its host, each made for the type of its
        // function and of the host's data, and linking has seen to it that the function has the declared parameters
        // and results. There is no other reference to the run or the slots.
        let done = unsafe { call((&raw mut run).cast::<c_void>(), import.into(), fuel, slots.as_mut_ptr()) };
        match done {
            CallImport::DONE => Ok(fuel),
            CallImport::TRAPPED => Err(run.why_stopped()),
            charged => Ok(charged - CallImport::FUEL),
        }
    }
}

/// See [`CallImport`].
///
/// # Safety
/// `run` must be the address of a `NativeRun` whose machine calls a `Hosts<T>`, and to which there is no reference in use.
/// The import must be one whose function is an `F`. `slots` must have room for its arguments and results, and nothing
/// else may use them.
unsafe extern "C-unwind" fn call_import<T, F: SlotFn<T>>(
    run: *mut c_void,
    import: u64,
    fuel: u64,
    slots: *mut u64,
) -> u64 {
    // SAFETY: the caller's guarantee.
    let run = unsafe { &mut *run.cast::<NativeRun<'_, '_>>() };
    let machine = run.machine();
    let hosts: *mut dyn HostCalls = &mut *machine.host;
    // SAFETY: the machine's host is a `Hosts<T>`: the instance whose imports code calls is the one that it runs in.
    let hosts = unsafe { &mut *hosts.cast::<Hosts<T>>() };
    let Some((import, data)) = hosts.import(import) else { return stopped(run, *unknown_import()) };
    if machine.host_calls >= machine.max_host_calls {
        return stopped(run, *too_many_calls());
    }
    machine.host_calls += 1;
    let (args, rets) = import.slots;
    // SAFETY: the caller's guarantee; the two do not overlap.
    let (args, rets) = unsafe {
        (core::slice::from_raw_parts_mut(slots, args), core::slice::from_raw_parts_mut(slots.add(args), rets))
    };
    if !import.floats.is_empty() {
        import.make_canonical(args);
    }
    let total = machine.reserve + machine.withheld + fuel;
    let mut caller = HeapCaller { data, heap: machine.heap, fuel: total, charged: 0 };
    // SAFETY: the function is an `F`, by the caller's guarantee.
    let func = unsafe { &*core::ptr::from_ref(import.func.get()).cast::<F>() };
    let outcome = guard(|| func(&mut caller, args, rets));
    let charged = caller.charged;
    match outcome {
        Ok(Ok(())) if charged == 0 => CallImport::DONE,
        Ok(Ok(())) => CallImport::FUEL + machine.charge(charged, total),
        Ok(Err(fault)) => {
            let stop = import.stop(*fault, args, charged);
            stopped(run, *stop)
        }
        Err(panic) => {
            let stop = import.panicked(&panic);
            hosts.panic.keep(panic);
            stopped(run, *stop)
        }
    }
}

#[cold]
#[inline(never)]
fn stopped(run: &mut NativeRun<'_, '_>, stop: HostStop) -> u64 {
    let exit = run.machine().stop_at_host(stop);
    run.stopped(exit);
    CallImport::TRAPPED
}
