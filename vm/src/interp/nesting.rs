//! Runs inside of runs: a host function may run another instance. An instance is borrowed while it runs, so none can be
//! entered twice; what is bounded here is the native stack that runs on one thread take together.

/// A run that may call the host, while it is active on its thread.
#[derive(Debug)]
pub(super) struct Nested {
    #[cfg(feature = "std")]
    counted: bool,
}

#[cfg(feature = "std")]
mod count {
    use super::Nested;
    use core::cell::Cell;

    std::thread_local! {
        /// Runs that are active on this thread and may call the host.
        static ACTIVE: Cell<u32> = const { Cell::new(0) };
    }

    impl Nested {
        /// Counts a run that may be inside of `most` others; `None` if there are more. A run that imports nothing ends a
        /// chain, so it is not counted.
        #[inline]
        pub(in super::super) fn enter(imports: usize, most: u32) -> Option<Self> {
            if imports == 0 {
                return Some(Self { counted: false });
            }
            ACTIVE.with(|active| {
                let outer = active.get();
                (outer <= most).then(|| {
                    active.set(outer.saturating_add(1));
                    Self { counted: true }
                })
            })
        }
    }

    impl Drop for Nested {
        #[inline]
        fn drop(&mut self) {
            if self.counted {
                ACTIVE.with(|active| active.set(active.get().saturating_sub(1)));
            }
        }
    }
}

/// Without the standard library there are no threads to count by.
#[cfg(not(feature = "std"))]
impl Nested {
    pub(super) fn enter(_: usize, _: u32) -> Option<Self> {
        Some(Self {})
    }
}
