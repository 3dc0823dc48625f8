//! A program ready to be instantiated.

use super::code::InterpCode;
use crate::engine::Engine;
use crate::lower::{ExecProgram, LowerError, lower};
use crate::verify::VerifiedProgram;
use alloc::sync::Arc;

/// A verified program, lowered and made into words. Immutable, shared between threads, cheap to clone.
#[derive(Clone, Debug)]
pub struct Module {
    inner: Arc<Inner>,
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
    /// [`LowerError::TooLarge`] if tables outgrow 32-bit indices.
    pub fn new(engine: &Engine, verified: &VerifiedProgram) -> Result<Self, LowerError> {
        let program = lower(verified, engine)?;
        let code = InterpCode::new(&program)?;
        Ok(Self { inner: Arc::new(Inner { program, code }) })
    }

    /// The lowered program.
    #[must_use]
    pub fn program(&self) -> &ExecProgram {
        &self.inner.program
    }

    pub(crate) fn code(&self) -> &InterpCode {
        &self.inner.code
    }
}
