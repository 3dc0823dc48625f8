//! Linear memories: flat bytes that loads and stores address, charged against the run's memory limit like the rest of
//! the heap.
//!
//! They belong to an instance and keep their bytes from run to run; the first run makes them, under its limit. Bytes are
//! reached through checked slices only. Compiled code reaches them through address and length, which stand at the
//! start of each memory and are written anew whenever the bytes may have moved.

use super::{Heap, reserve_within};
use crate::ids::MemId;
use crate::program::PAGE_BYTES;
use crate::trap::TrapDetail;
use crate::types::TypeTable;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::offset_of;
use core::ops::Range;
use opforge_schema::TrapCode;

/// What a linear memory is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryType {
    /// Pages of 64 KiB that it has at first.
    pub min: u32,
    /// Pages that it may grow to.
    pub max: u32,
    /// Whether the host may look at it and change it.
    pub exported: bool,
    /// Its name; empty for none.
    pub name: Box<str>,
}

/// One linear memory. Compiled code reads the first two fields.
#[derive(Debug)]
#[repr(C)]
pub struct LinearMemory {
    /// Address of the first byte.
    base: usize,
    /// Number of bytes.
    len: usize,
    data: Vec<u8>,
    ty: MemoryType,
}

impl LinearMemory {
    /// Where the address of the first byte stands in a memory.
    pub const BASE: usize = offset_of!(Self, base);
    /// Where the number of bytes stands.
    pub const LEN: usize = offset_of!(Self, len);

    fn new(ty: MemoryType) -> Self {
        Self { base: 0, len: 0, data: Vec::new(), ty }
    }

    fn pages(&self) -> u64 {
        self.data.len() as u64 / PAGE_BYTES
    }

    /// Makes the memory `extra` zero bytes longer; room is charged.
    fn extend(&mut self, extra: u64, limit: u64) -> Result<(), TrapCode> {
        let extra = usize::try_from(extra).map_err(|_| TrapCode::MemoryLimitExceeded)?;
        reserve_within(&mut self.data, extra, limit)?;
        self.data.resize(self.data.len() + extra, 0);
        // Code that runs has not been handed the address yet, or reads it again behind every call. It reads that of a
        // memory that cannot grow once: with nothing extra the bytes stay where they are.
        self.base = self.data.as_mut_ptr().expose_provenance();
        self.len = self.data.len();
        Ok(())
    }
}

/// Where the bytes of memory 0 are, for the interpreter: as little as an access needs.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(not(opforge_threaded), expect(dead_code, reason = "the portable loop reaches bytes by slices"))]
pub(crate) struct Window {
    base: usize,
    /// By the binary logarithm of a number's size in bytes: at how many places such a number is all in the memory.
    places: [usize; 4],
}

impl Window {
    fn of(memory: &LinearMemory) -> Self {
        let places = |bytes: usize| memory.len.saturating_sub(bytes - 1);
        Self { base: memory.base, places: [places(1), places(2), places(4), places(8)] }
    }

    #[cfg(opforge_threaded)]
    /// The address of a number of `N` bytes, 1, 2, 4 or 8; `None` if it is not all in the memory.
    #[inline(always)]
    pub(crate) fn address<const N: usize>(&self, addr: u64, offset: u32) -> Option<usize> {
        let at = addr.checked_add(offset.into())?;
        let places = const { if N <= 8 { N.trailing_zeros() as usize } else { 0 } };
        // The sum is below a memory's size, and with the base below that of the last byte.
        (at < self.places[places] as u64).then(|| self.base.wrapping_add(at as usize))
    }
}

/// The memories of an instance.
#[derive(Debug)]
pub(super) struct Memories {
    /// Where the first one's bytes are. Made anew wherever they may have moved, with the memory's own address.
    window: Window,
    list: Box<[LinearMemory]>,
    /// Bytes of all of them.
    charged: u64,
    /// Whether they have their first pages.
    made: bool,
}

impl Default for Memories {
    /// No memories.
    fn default() -> Self {
        Self { window: Window::default(), list: Box::default(), charged: 0, made: true }
    }
}

impl Memories {
    pub(super) const fn charged(&self) -> u64 {
        self.charged
    }

    /// Gives them the bytes that they had at another time. `false` if these are of other memories.
    pub(super) fn put_back(&mut self, bytes: &[Vec<u8>]) -> bool {
        if bytes.len() != self.list.len() {
            return false;
        }
        for (memory, bytes) in self.list.iter_mut().zip(bytes) {
            memory.data.clone_from(bytes);
            memory.base = memory.data.as_mut_ptr().expose_provenance();
            memory.len = memory.data.len();
        }
        self.charged = bytes.iter().map(|bytes| bytes.len() as u64).sum();
        self.find_window();
        true
    }

    /// Notes where the bytes of memory 0 are now.
    fn find_window(&mut self) {
        self.window = self.list.first().map(Window::of).unwrap_or_default();
    }

    /// Whether they have their first pages, and so are never smaller than that.
    pub(super) const fn made(&self) -> bool {
        self.made
    }
}

impl Heap {
    /// The same heap with these linear memories, still without pages.
    pub(crate) fn with_memories(mut self, types: &[MemoryType]) -> Self {
        self.memories.list = types.iter().cloned().map(LinearMemory::new).collect();
        self.memories.made = types.is_empty();
        self.memories.find_window();
        self
    }

    /// Gives the linear memories their first pages if they do not have them, and checks what they take against the
    /// limit. A run begins with this.
    #[inline]
    pub(crate) fn begin_memories(&mut self) -> Result<(), TrapCode> {
        if self.memories.made && self.memories.charged <= self.limit {
            return Ok(());
        }
        self.make_memories()
    }

    #[cold]
    #[inline(never)]
    fn make_memories(&mut self) -> Result<(), TrapCode> {
        self.check_limit(0)?;
        if self.memories.made {
            return Ok(());
        }
        let total: u64 = self.memories.list.iter().map(|memory| u64::from(memory.ty.min) * PAGE_BYTES).sum();
        self.check_limit(total)?;
        for memory in &mut self.memories.list {
            let bytes = u64::from(memory.ty.min) * PAGE_BYTES;
            if let Err(code) = memory.extend(bytes, bytes) {
                self.clear_memories();
                return Err(code);
            }
        }
        self.memories.charged = total;
        self.memories.made = true;
        self.memories.find_window();
        Ok(())
    }

    /// Takes the bytes of the linear memories away; the next run makes them anew.
    pub(crate) fn clear_memories(&mut self) {
        for memory in &mut self.memories.list {
            (memory.base, memory.len, memory.data) = (0, 0, Vec::new());
        }
        self.memories.charged = 0;
        self.memories.made = self.memories.list.is_empty();
        self.memories.find_window();
    }

    /// Whether compiled code of the program with these types finds the memories that it counts on.
    #[inline]
    pub(crate) fn is_ready_for(&self, types: &Arc<TypeTable>) -> bool {
        self.is_of(types) && self.memories.made
    }

    /// The linear memories, for compiled code. They stay where they are as long as the heap does; their bytes do not.
    #[doc(hidden)]
    #[must_use]
    pub fn linear_memories(&self) -> *const LinearMemory {
        self.memories.list.as_ptr()
    }

    /// The exported linear memory of this name, if the program has it. The empty name is that of no memory: those
    /// without a name are reached by number alone.
    #[must_use]
    pub fn exported_memory(&self, name: &str) -> Option<MemId> {
        let is_it = |ty: &MemoryType| ty.exported && !name.is_empty() && *ty.name == *name;
        let found = self.memories.list.iter().position(|memory| is_it(&memory.ty));
        found.map(|index| MemId(index as u32))
    }

    /// The bytes of an exported linear memory. `None` for others, which only the program sees. They are there from the
    /// first run on, or from [`Instance::make_memories`](crate::Instance::make_memories), and stay until
    /// [`Instance::clear_memories`](crate::Instance::clear_memories).
    #[must_use]
    pub fn memory(&self, memory: MemId) -> Option<&[u8]> {
        self.memories.list.get(memory.index()).filter(|memory| memory.ty.exported).map(|memory| &*memory.data)
    }

    /// The bytes of an exported linear memory, to change them; see [`Heap::memory`].
    pub fn memory_mut(&mut self, memory: MemId) -> Option<&mut [u8]> {
        let found = self.memories.list.get_mut(memory.index()).filter(|memory| memory.ty.exported);
        found.map(|memory| &mut *memory.data)
    }

    /// The bytes of all linear memories, exported or not, for what compares runs.
    #[doc(hidden)]
    pub fn all_memories(&self) -> impl Iterator<Item = &[u8]> {
        self.memories.list.iter().map(|memory| &*memory.data)
    }

    /// The bytes of a linear memory; none if there is no such memory.
    #[inline(always)]
    pub(crate) fn memory_bytes(&self, memory: MemId) -> &[u8] {
        self.memories.list.get(memory.index()).map_or(&[], |memory| &memory.data)
    }

    /// The bytes of a linear memory, to write.
    #[inline(always)]
    pub(crate) fn memory_bytes_mut(&mut self, memory: MemId) -> &mut [u8] {
        self.memories.list.get_mut(memory.index()).map_or(&mut [], |memory| &mut memory.data)
    }

    /// Where the bytes of memory 0 are, until the memory grows or the heap is begun or put back.
    #[cfg(opforge_threaded)]
    #[inline(always)]
    pub(crate) fn window(&self) -> &Window {
        &self.memories.window
    }

    /// The bytes of a number in a linear memory, if all are in it.
    #[inline(always)]
    pub(crate) fn memory_chunk<const N: usize>(
        &self,
        memory: MemId,
        addr: u64,
        offset: u32,
    ) -> Option<&[u8; N]> {
        let memory = self.memories.list.get(memory.index())?;
        memory.data.get(at(addr, offset)..)?.first_chunk()
    }

    /// The same, to write.
    #[inline(always)]
    pub(crate) fn memory_chunk_mut<const N: usize>(
        &mut self,
        memory: MemId,
        addr: u64,
        offset: u32,
    ) -> Option<&mut [u8; N]> {
        let memory = self.memories.list.get_mut(memory.index())?;
        memory.data.get_mut(at(addr, offset)..)?.first_chunk_mut()
    }

    /// The size of a linear memory in pages.
    pub(crate) fn memory_pages(&self, memory: MemId) -> u64 {
        self.memories.list.get(memory.index()).map_or(0, LinearMemory::pages)
    }

    /// Makes a linear memory `delta` pages larger. `None`, with nothing done, if it would be larger than it may be.
    pub(crate) fn grow_memory(&mut self, memory: MemId, delta: u64) -> Result<Option<u64>, TrapCode> {
        let Some(entry) = self.memories.list.get(memory.index()) else { return Ok(None) };
        let pages = entry.pages();
        if delta > u64::from(entry.ty.max).saturating_sub(pages) {
            return Ok(None);
        }
        let extra = delta * PAGE_BYTES;
        self.check_limit(extra)?;
        if let Some(entry) = self.memories.list.get_mut(memory.index()) {
            entry.extend(extra, self.limit)?;
            self.memories.charged += extra;
            self.memories.find_window();
        }
        Ok(Some(pages))
    }

    /// The bytes of `len` from `at` on as a range of a memory's slice.
    #[inline]
    pub(crate) fn memory_range(
        &mut self,
        memory: MemId,
        at: u64,
        len: u64,
    ) -> Result<Range<usize>, TrapCode> {
        let size = self.memory_bytes(memory).len() as u64;
        match at.checked_add(len) {
            // Both are at most the size of a slice.
            Some(end) if end <= size => Ok(at as usize..end as usize),
            _ => Err(self.out_of_bounds(memory, (at, 0), len)),
        }
    }

    /// Notes a range that is not all in its memory, for the report.
    #[cold]
    #[inline(never)]
    pub(crate) fn out_of_bounds(
        &mut self,
        memory: MemId,
        (address, offset): (u64, u32),
        len: u64,
    ) -> TrapCode {
        let size = self.memory_bytes(memory).len() as u64;
        let detail = TrapDetail::Memory { memory, address, offset, len, size };
        self.note(TrapCode::MemOutOfBounds, detail)
    }

    /// Copies a range of one memory to one of the same length of another, or of the same.
    pub(crate) fn copy_memory(
        &mut self,
        (to, dst): (MemId, Range<usize>),
        (from, src): (MemId, Range<usize>),
    ) {
        if to == from {
            if let Some(memory) = self.memories.list.get_mut(to.index()) {
                memory.data.copy_within(src, dst.start);
            }
            return;
        }
        if let Ok([to, from]) = self.memories.list.get_disjoint_mut([to.index(), from.index()])
            && let (Some(to), Some(from)) = (to.data.get_mut(dst), from.data.get(src))
        {
            to.copy_from_slice(from);
        }
    }

    /// Copies bytes of the heap, or of a constant, to a linear memory.
    pub(crate) fn put_bytes(&mut self, memory: MemId, dst: Range<usize>, slot: u64) {
        let (start, len) = super::text_parts(slot);
        let (start, end) = (start as usize, start as usize + len as usize);
        let constants = self.const_data.len();
        let source = match start.checked_sub(constants) {
            None => self.const_data.get(start..end),
            Some(start) => self.data.get(start..end - constants),
        };
        let to = self.memories.list.get_mut(memory.index()).and_then(|memory| memory.data.get_mut(dst));
        if let (Some(to), Some(from)) = (to, source) {
            to.copy_from_slice(from);
        }
    }

    /// Stores a copy of a range of a linear memory as bytes.
    pub(crate) fn bytes_of_memory(&mut self, memory: MemId, range: Range<usize>) -> Result<u64, TrapCode> {
        let len = range.len();
        let start = self.reserve_data(len as u64).ok_or(TrapCode::MemoryLimitExceeded)?;
        let from = self.memories.list.get(memory.index()).and_then(|memory| memory.data.get(range));
        self.data.extend_from_slice(from.unwrap_or(&[]));
        Ok(super::text_slot(start, len as u32))
    }
}

/// The place of a byte in a memory; past every memory if there is none such.
#[inline(always)]
fn at(addr: u64, offset: u32) -> usize {
    usize::try_from(addr.saturating_add(offset.into())).unwrap_or(usize::MAX)
}
