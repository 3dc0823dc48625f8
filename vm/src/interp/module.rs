//! A program ready to be instantiated.

use super::code::InterpCode;
use super::native::{Native, NativeCode};
use crate::engine::Engine;
use crate::lower::{ExecProgram, LowerError, lower};
use crate::verify::VerifiedProgram;
use alloc::sync::Arc;

/// A verified program, lowered and made into words. Immutable, shared between threads, cheap to clone.
#[derive(Clone, Debug)]
pub struct Module {
    inner: Arc<Inner>,
    native: Option<Native>,
}

#[derive(Debug)]
struct Inner {
    program: ExecProgram,
    code: InterpCode,
}

impl Module {
    /// Lowers a verified program with the engine's configuration.
    ///
    /// # Errors
    /// [`LowerError::OtherTables`] for a program that was verified with other tables than this VM has;
    /// [`LowerError::TooLarge`] if tables outgrow 32-bit indices.
    pub fn new(engine: &Engine, verified: &VerifiedProgram) -> Result<Self, LowerError> {
        let program = lower(verified, engine)?;
        let code = InterpCode::new(&program)?;
        Ok(Self { inner: Arc::new(Inner { program, code }), native: None })
    }

    /// A module of lowered code as it is.
    #[cfg(test)]
    pub(crate) fn of_program(program: ExecProgram) -> Result<Self, LowerError> {
        let code = InterpCode::new(&program)?;
        Ok(Self { inner: Arc::new(Inner { program, code }), native: None })
    }

    /// The lowered program.
    #[must_use]
    pub fn program(&self) -> &ExecProgram {
        &self.inner.program
    }

    /// The same module with native code for its functions. Runs of its instances use the code; outcomes are the
    /// same.
    #[doc(hidden)]
    #[must_use]
    pub fn with_native(self, native: Arc<dyn NativeCode>) -> Self {
        let native = Native::new(native, &self.inner.program);
        Self { inner: self.inner, native: Some(native) }
    }

    #[inline]
    pub(crate) fn native(&self) -> Option<&Native> {
        self.native.as_ref()
    }

    /// Whether this is a clone of that module, with or without native code.
    #[inline]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn code(&self) -> &InterpCode {
        &self.inner.code
    }
}
