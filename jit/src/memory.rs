//! Memory for machine code: written first, then executable, never both; unmapped with its owner.

use memmap2::{Mmap, MmapMut};
use std::io;

/// Machine code that can be executed and not changed.
#[derive(Debug)]
pub(crate) struct CodeMemory(Mmap);

impl CodeMemory {
    /// Maps code.
    ///
    /// # Errors
    /// If the system has no memory, or does not allow that memory becomes executable.
    pub(crate) fn new(code: &[u8]) -> io::Result<Self> {
        let mut memory = MmapMut::map_anon(code.len().max(1))?;
        memory.get_mut(..code.len()).ok_or(io::ErrorKind::OutOfMemory)?.copy_from_slice(code);
        let memory = memory.make_exec()?;
        // SAFETY: the range is the mapping's own; clearing instruction caches changes nothing else.
        unsafe {
            wasmtime_internal_jit_icache_coherence::clear_cache(memory.as_ptr().cast(), memory.len())?;
        }
        // Other threads may run the code next.
        wasmtime_internal_jit_icache_coherence::pipeline_flush_mt()?;
        Ok(Self(memory))
    }

    /// The address of a byte.
    pub(crate) fn address(&self, offset: usize) -> usize {
        self.0.as_ptr() as usize + offset
    }

    /// The code.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
