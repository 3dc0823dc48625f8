//! CPU time of the calling thread: on a shared machine wall time measures the neighbours.

use std::time::Duration;

/// CPU time that the calling thread has used so far.
pub(crate) fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid, exclusively borrowed `timespec` for the call's duration, which is all that
    // `clock_gettime` writes to.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(status, 0, "this system has no thread CPU clock");
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
