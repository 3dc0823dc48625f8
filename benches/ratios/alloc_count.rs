//! An allocator that can tell the peak of memory held.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The system's allocator with counters, which are still unless a peak is being taken.
#[derive(Debug)]
pub(crate) struct CountingAlloc {
    counting: AtomicBool,
    held: AtomicUsize,
    peak: AtomicUsize,
}

/// Where counting starts, so that freeing older memory does not count below zero.
const START: usize = usize::MAX / 2;

impl CountingAlloc {
    pub(crate) const fn new() -> Self {
        Self {
            counting: AtomicBool::new(false),
            held: AtomicUsize::new(START),
            peak: AtomicUsize::new(START),
        }
    }

    /// The most bytes that `work` held at once beyond what was held before. One thread at a time.
    pub(crate) fn peak_of(&self, work: impl FnOnce()) -> usize {
        self.held.store(START, Ordering::Relaxed);
        self.peak.store(START, Ordering::Relaxed);
        self.counting.store(true, Ordering::Relaxed);
        work();
        self.counting.store(false, Ordering::Relaxed);
        self.peak.load(Ordering::Relaxed) - START
    }

    fn add(&self, bytes: usize) {
        if self.counting.load(Ordering::Relaxed) {
            let held = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
            self.peak.fetch_max(held, Ordering::Relaxed);
        }
    }

    fn sub(&self, bytes: usize) {
        if self.counting.load(Ordering::Relaxed) {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

// SAFETY: every call goes to the system's allocator with unchanged arguments; the counters touch no memory of it.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While a block moves, both places may be in use.
        self.add(size);
        // SAFETY: the caller keeps `realloc`'s contract.
        let moved = unsafe { System.realloc(block, layout, size) };
        self.sub(layout.size());
        moved
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.sub(layout.size());
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(block, layout) }
    }
}
