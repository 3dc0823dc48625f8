//! Keeps panics of embedders' functions from the run, which ends with a trap instead, so that the instance stays usable and
//! native code, which cannot be unwound, is left in order. Without the standard library panics cannot be caught.

use crate::trap::bounded;
use alloc::boxed::Box;
use alloc::string::String;
use core::any::Any;

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Keeps a panic from unwinding.
#[cfg(feature = "std")]
#[inline(always)]
pub(crate) fn guard<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    // What a panic leaves half done is the host's data, as behind a poisoned lock; the run ends.
    std::panic::catch_unwind(core::panic::AssertUnwindSafe(f))
}

/// Without the standard library a panic is the embedder's.
#[cfg(not(feature = "std"))]
#[inline(always)]
pub(crate) fn guard<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    Ok(f())
}

/// What a panic says, if its payload is text.
pub(crate) fn message(panic: &Panic) -> Option<Box<str>> {
    let text = match panic.downcast_ref::<&'static str>() {
        Some(text) => text,
        None => panic.downcast_ref::<String>()?.as_str(),
    };
    Some(bounded(text).into())
}

/// The payload of the last panic, until the embedder takes it. Behind a lock, which is never held, because a payload
/// need not be [`Sync`] and an instance is.
#[cfg(feature = "std")]
#[derive(Debug, Default)]
pub(crate) struct LastPanic(std::sync::Mutex<Option<Panic>>);

#[cfg(feature = "std")]
impl LastPanic {
    #[cold]
    pub(crate) fn keep(&mut self, panic: Panic) {
        let before = self.take();
        *self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(panic);
        // A payload may panic when dropped.
        if let Err(another) = guard(|| drop(before)) {
            core::mem::forget(another);
        }
    }

    pub(crate) fn take(&mut self) -> Option<Panic> {
        self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

/// Without the standard library there is none.
#[cfg(not(feature = "std"))]
#[derive(Debug, Default)]
pub(crate) struct LastPanic(());

#[cfg(not(feature = "std"))]
impl LastPanic {
    pub(crate) fn keep(&mut self, _: Panic) {}
}
