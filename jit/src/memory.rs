//! Memory for machine code: written first, then executable, never both; unmapped with its owner.

use memmap2::{Mmap, MmapMut};
use std::io;
use wasmtime_internal_jit_icache_coherence as icache;

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
        // While the memory is still writable: some processors cannot do this with memory that is read-only.
        clean_data_cache(&memory);
        // SAFETY: the range is the mapping's own; clearing instruction caches changes nothing else.
        unsafe { icache::clear_cache(memory.as_ptr().cast(), memory.len())? };
        let memory = memory.make_exec()?;
        // Other threads may run the code next.
        icache::pipeline_flush_mt()?;
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

/// Takes what was written to where instructions are fetched from. [`icache::clear_cache`] only makes instruction caches
/// forget what they have; the rest Linux does for pages that become executable, but not before 4.8 for memory that
/// belongs to no file. The steps are those of the Arm Architecture Reference Manual for code that a program writes.
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
fn clean_data_cache(memory: &[u8]) {
    use std::arch::asm;
    let caches: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) caches, options(nomem, nostack, preserves_flags)) };
    // Words of the shortest line, as a power of two.
    let line = 4 << ((caches >> 16) & 0xf);
    // A mapping begins at a page, so at a line.
    for chunk in memory.chunks(line) {
        // SAFETY: the address is in `memory`, whose values stay as they are.
        unsafe { asm!("dc cvau, {}", in(reg) chunk.as_ptr(), options(nostack, preserves_flags)) };
    }
    // SAFETY: waits until the above is done.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
}

/// Nothing: instructions are fetched through caches that see writes, or the system takes care of it.
#[cfg(not(all(target_arch = "aarch64", target_os = "linux")))]
fn clean_data_cache(_: &[u8]) {}
