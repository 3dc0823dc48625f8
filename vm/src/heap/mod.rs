//! The heap of one run: bytes, text and aggregates, bounded as a whole.
//!
//! Everything but linear memories is immutable once made and lives until the run ends, so allocation is a bump and there
//! is nothing to collect. Every allocation is charged against the run's memory limit before it is made.
//!
//! A bytes or text value is one slot: start and length in an address space that begins with the program's
//! constant data and goes on with the run's own data. Constants and slices are therefore never copied.
//! An aggregate is one slot: the index of its header in the node arena.

mod agg;
mod host_values;
mod image;
mod memory;
#[cfg(test)]
mod tests;

pub(crate) use agg::AggFault;
pub use agg::{AggKind, AggRead, Node};
pub use host_values::{Aggregate, AggregateKind, ValueError};
pub(crate) use image::HeapImage;
pub use memory::{LinearMemory, MemoryType};

use crate::trap::TrapDetail;
use crate::types::{Type, TypeId, TypeTable, TypeTableFull};
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use opforge_schema::TrapCode;

/// An aggregate handle that resolves to nothing.
pub(crate) const BAD_HANDLE: u64 = u64::MAX;

/// The slot of a bytes or text value.
pub(crate) const fn text_slot(start: u32, len: u32) -> u64 {
    (start as u64) << 32 | len as u64
}

/// Start and length of a bytes or text slot.
pub(crate) const fn text_parts(slot: u64) -> (u32, u32) {
    ((slot >> 32) as u32, slot as u32)
}

/// The types nodes may have: the program's, and those that hosts made up while the run went on.
#[derive(Clone, Debug)]
struct RunTypes {
    program: Arc<TypeTable>,
    /// The program's table with additions; ids of the program's types are the same in both.
    extended: Option<Box<TypeTable>>,
}

impl RunTypes {
    fn table(&self) -> &TypeTable {
        self.extended.as_deref().unwrap_or(&self.program)
    }

    fn extend(&mut self) -> &mut TypeTable {
        self.extended.get_or_insert_with(|| Box::new(TypeTable::clone(&self.program)))
    }
}

/// The heap of one run.
#[derive(Debug)]
pub struct Heap {
    const_data: Arc<[u8]>,
    data: Vec<u8>,
    nodes: Vec<u64>,
    types: RunTypes,
    memories: memory::Memories,
    /// Bytes that a session machine holds beside the heap.
    beside: u64,
    /// Fuel for bytes that a session instruction has copied or compared and that is not paid yet.
    by_size: u64,
    /// What the report of a trap is to say besides its code.
    noted: Option<(TrapCode, TrapDetail)>,
    limit: u64,
    id: u64,
}

/// Tells the heaps of a process apart, so that a handle of one is not taken for a handle of another.
/// Word-sized, because not every target has wider atomics.
static NEXT_HEAP: AtomicUsize = AtomicUsize::new(1);

fn next_heap_id() -> u64 {
    NEXT_HEAP.fetch_add(1, Ordering::Relaxed) as u64
}

impl Heap {
    /// An empty heap over a program's constants and types that may hold `limit` bytes.
    pub(crate) fn new(const_data: Arc<[u8]>, types: Arc<TypeTable>, limit: u64) -> Self {
        Self {
            const_data,
            data: Vec::new(),
            nodes: Vec::new(),
            types: RunTypes { program: types, extended: None },
            memories: memory::Memories::default(),
            beside: 0,
            by_size: 0,
            noted: None,
            limit,
            id: next_heap_id(),
        }
    }

    /// Whether the heap was made for the program with these types. Hosts get heaps to change, and so can swap two.
    #[inline]
    pub(crate) fn is_of(&self, types: &Arc<TypeTable>) -> bool {
        Arc::ptr_eq(&self.types.program, types)
    }

    /// What stays the same while a host function has the heap, if it is still the same heap with the same memories.
    pub(crate) fn identity(&self) -> (u64, bool) {
        (self.id, self.memories.made())
    }

    /// Empties the heap for another run. Handles given out before no longer resolve.
    #[inline]
    pub(crate) fn reset(&mut self, limit: u64) {
        self.limit = limit;
        (self.beside, self.by_size) = (0, 0);
        // What never held anything needs no new identity: no handle of it is about.
        if (self.data.len() | self.nodes.len()) != 0 || self.types.extended.is_some() {
            self.empty();
        }
    }

    #[cold]
    fn empty(&mut self) {
        // Keep small buffers for reuse; give big ones back.
        const KEEP_BYTES: usize = 1 << 20;
        self.data.clear();
        self.nodes.clear();
        if self.data.capacity() > KEEP_BYTES {
            self.data = Vec::new();
        }
        if self.nodes.capacity() > KEEP_BYTES / 8 {
            self.nodes = Vec::new();
        }
        self.types.extended = None;
        self.id = next_heap_id();
    }

    /// Bytes charged to the run so far.
    #[must_use]
    pub fn charged(&self) -> u64 {
        self.data.len() as u64 + self.nodes.len() as u64 * 8 + self.memories.charged() + self.beside
    }

    /// The memory limit in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The types that nodes of this heap have.
    #[must_use]
    pub fn types(&self) -> &TypeTable {
        self.types.table()
    }

    fn check_limit(&self, bytes: u64) -> Result<(), TrapCode> {
        match self.charged().checked_add(bytes) {
            Some(total) if total <= self.limit => Ok(()),
            _ => Err(TrapCode::MemoryLimitExceeded),
        }
    }

    /// Charges bytes that are held beside the heap, before they are allocated.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), TrapCode> {
        self.check_limit(bytes)?;
        self.beside += bytes;
        Ok(())
    }

    /// Bytes that are held beside the heap.
    pub(crate) fn held(&self) -> u64 {
        self.beside
    }

    /// Gives charged bytes back.
    pub(crate) fn uncharge(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.beside, "more given back than charged");
        self.beside = self.beside.saturating_sub(bytes);
    }

    /// So many bytes were copied, compared or hashed, to be paid for as instructions of the core pay: a unit of fuel for
    /// 64.
    pub(crate) fn work(&mut self, bytes: usize) {
        self.by_size = self.by_size.saturating_add(bytes as u64 >> 6);
    }

    /// The fuel that such work costs; from now on there was none.
    #[inline]
    pub(crate) fn take_work(&mut self) -> u64 {
        core::mem::take(&mut self.by_size)
    }

    /// Notes what the report of a trap is to say. Returns its code.
    #[cold]
    pub(crate) fn note(&mut self, code: TrapCode, detail: TrapDetail) -> TrapCode {
        self.noted = Some((code, detail));
        code
    }

    /// What was noted last for a trap of this code, if that is the last that was noted.
    pub(crate) fn take_noted(&mut self, code: Option<TrapCode>) -> Option<TrapDetail> {
        self.noted.take().filter(|(noted, _)| Some(*noted) == code).map(|(_, detail)| detail)
    }

    /// The bytes behind a bytes or text slot.
    pub(crate) fn bytes(&self, slot: u64) -> &[u8] {
        let (start, len) = text_parts(slot);
        let (start, len) = (start as usize, len as usize);
        let constants = self.const_data.len();
        let (area, start) = match start.checked_sub(constants) {
            None => (&*self.const_data, start),
            Some(start) => (&*self.data, start),
        };
        area.get(start..start + len).unwrap_or(&[])
    }

    /// The text behind a text slot.
    pub(crate) fn text(&self, slot: u64) -> &str {
        core::str::from_utf8(self.bytes(slot)).unwrap_or("")
    }

    /// Makes room for `extra` bytes of data within the limit, without growing past it by doubling.
    fn reserve_data(&mut self, extra: usize) -> Result<(), TrapCode> {
        self.check_limit(extra as u64)?;
        let end = self.const_data.len() as u64 + self.data.len() as u64 + extra as u64;
        if end > u64::from(u32::MAX) {
            return Err(TrapCode::MemoryLimitExceeded);
        }
        reserve_within(&mut self.data, extra, usize::try_from(self.limit).unwrap_or(usize::MAX))
    }

    /// Stores bytes or text.
    pub(crate) fn alloc_bytes(&mut self, bytes: &[u8]) -> Result<u64, TrapCode> {
        self.reserve_data(bytes.len())?;
        let start = self.const_data.len() + self.data.len();
        self.data.extend_from_slice(bytes);
        Ok(text_slot(start as u32, bytes.len() as u32))
    }

    /// Stores a copy of bytes with each of them mapped. The value itself if that changes nothing.
    pub(crate) fn map_bytes(&mut self, slot: u64, map: impl Fn(u8) -> u8) -> Result<u64, TrapCode> {
        if self.bytes(slot).iter().all(|&byte| map(byte) == byte) {
            return Ok(slot);
        }
        let (start, len) = text_parts(slot);
        self.reserve_data(len as usize)?;
        let first = self.data.len();
        self.append(start, len);
        for byte in self.data.iter_mut().skip(first) {
            *byte = map(*byte);
        }
        Ok(text_slot((self.const_data.len() + first) as u32, len))
    }

    /// `a` followed by `b`. If `a` ends where the data ends it is extended in place, which is sound because
    /// values are immutable: every other value keeps its own start and length.
    pub(crate) fn concat(&mut self, a: u64, b: u64) -> Result<u64, TrapCode> {
        let ((a_start, a_len), (b_start, b_len)) = (text_parts(a), text_parts(b));
        if b_len == 0 {
            return Ok(a);
        }
        if a_len == 0 {
            return Ok(b);
        }
        let total = a_len.checked_add(b_len).ok_or(TrapCode::MemoryLimitExceeded)?;
        let end = (self.const_data.len() + self.data.len()) as u64;
        if u64::from(a_start) + u64::from(a_len) == end && a_start as usize >= self.const_data.len() {
            self.reserve_data(b_len as usize)?;
            self.append(b_start, b_len);
            return Ok(text_slot(a_start, total));
        }
        self.reserve_data(total as usize)?;
        self.append(a_start, a_len);
        self.append(b_start, b_len);
        Ok(text_slot(end as u32, total))
    }

    /// Copies existing bytes to the end of the data; room is reserved.
    fn append(&mut self, start: u32, len: u32) {
        let (start, len) = (start as usize, len as usize);
        match start.checked_sub(self.const_data.len()) {
            None => self.data.extend_from_slice(self.const_data.get(start..start + len).unwrap_or(&[])),
            Some(start) if start + len <= self.data.len() => self.data.extend_from_within(start..start + len),
            Some(_) => {}
        }
    }

    /// The number of slots that the elements of a node take.
    fn node_slots(&self, ty: TypeId, len: u32) -> u32 {
        match self.types().get(ty) {
            Type::Array(_, elem) => len.saturating_mul(self.types().slots(elem)),
            _ => self.types().node_slots(ty).unwrap_or(0),
        }
    }

    /// The type of a value, with the shape of an aggregate where its handle resolves.
    fn shape_of(&mut self, ty: ValueType, slot: u64) -> Result<TypeId, TypeTableFull> {
        if ty == ValueType::Agg {
            return Ok(self.node(slot).map_or(TypeId::AGG, |node| node.ty));
        }
        match self.types().find_value(ty) {
            Some(id) => Ok(id),
            None => self.types.extend().value(ty),
        }
    }
}

/// Reserves room for `extra` items: doubles like `Vec`, but never past `max` bytes.
fn reserve_within<T>(vec: &mut Vec<T>, extra: usize, max: usize) -> Result<(), TrapCode> {
    let needed = vec.len().checked_add(extra).ok_or(TrapCode::MemoryLimitExceeded)?;
    if needed <= vec.capacity() {
        return Ok(());
    }
    const FIRST: usize = 64;
    let doubled = vec.capacity().saturating_mul(2).max(FIRST).min(max / size_of::<T>().max(1));
    let target = doubled.max(needed);
    vec.try_reserve_exact(target - vec.len()).map_err(|_| TrapCode::MemoryLimitExceeded)
}
