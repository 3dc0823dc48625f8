//! Peak memory of one piece of work, measured by a counting allocator.
//!
//! A program that wants to measure installs the allocator:
//!
//! ```ignore
//! #[global_allocator]
//! static ALLOCATOR: opforge_conformance::peak::Counting = opforge_conformance::peak::Counting;
//! ```
//!
//! Counting is per thread, so that tests which run beside each other do not count each other's memory.

#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system allocator, counting the live bytes of each thread and their peak.
#[derive(Clone, Copy, Debug)]
pub struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    // Memory may be freed by another thread than the one that asked for it: the difference is kept modulo 2^64 and
    // only differences within one piece of work are looked at.
    let live = LIVE.get().wrapping_add(bytes);
    LIVE.set(live);
    if live.cast_signed() > PEAK.get().cast_signed() {
        PEAK.set(live);
    }
}

fn shrink(bytes: usize) {
    LIVE.set(LIVE.get().wrapping_sub(bytes));
}

// SAFETY: every request goes to the system allocator unchanged. The counters are thread-local cells without
// destructors and with constant initial values, so using them neither allocates nor fails when a thread ends.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Old and new memory count together, as with an allocator that cannot grow in place.
        grow(new_size);
        shrink(layout.size());
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

/// Does a piece of work and says how many bytes it had at once at most, on top of what was there before. `None` if
/// [`Counting`] is not this program's allocator.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Option<usize>) {
    let before = LIVE.get();
    PEAK.set(before);
    // What the allocator sees of this shows whether it is installed; the optimiser must not remove it.
    drop(std::hint::black_box(Box::new(0_u8)));
    let installed = PEAK.get() != before;
    PEAK.set(before);
    let result = work();
    (result, installed.then(|| PEAK.get().wrapping_sub(before)))
}
