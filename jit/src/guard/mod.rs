//! Panics of the code generator become errors.
//!
//! The code generator is a large program with assertions of its own, and what it is given comes from programs that
//! nobody vouches for. What it was working with when it panicked is dropped, so nothing half made is used again.

use crate::error::JitError;
use opforge_vm::ids::FuncId;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does work on a function. Where panics abort the process, they still do; where they unwind, the panic hook has its
/// say and the error has the message.
pub(crate) fn guarded<R>(func: FuncId, work: impl FnOnce() -> Result<R, JitError>) -> Result<R, JitError> {
    let work = || {
        #[cfg(test)]
        tests::trip(func);
        work()
    };
    // The caller drops whatever `work` has touched when it gets an error.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let reason = format!("the code generator panicked: {}", message(&*payload));
        Err(JitError::Codegen { func, reason })
    })
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests;
