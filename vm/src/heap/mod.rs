//! The heap of one run: bytes, text and aggregates, bounded as a whole.
//!
//! Everything but linear memories is immutable once made and lives until the run ends, so allocation is a bump and there
//! is nothing to collect. Every allocation is charged against the run's memory limit before it is made.
//!
//! A bytes or text value is one slot: start and length in an address space that begins with the program's
//! constant data, which all runs of a program share, and goes on with the run's own data. Constants, slices and
//! conversions are therefore new slots over old bytes: nothing is copied, allocated or charged for them.
//! An aggregate is one slot: the index of its header in the node arena.
//!
//! What is charged is what the arenas hold: each byte that is stored counts once, however many slots refer to it, and an
//! aggregate counts eight bytes for its header and for each slot of its elements. Tuple types that the program does not
//! have and a host makes up count, too. A slot itself costs nothing, for it
//! stands in a frame or an element, which are bounded and charged themselves. A slice keeps nothing alive: nothing is
//! freed before the run ends, so a small part of a long text and the text itself cost the same, and a million empty or
//! cut texts cost what their aggregates cost. Arenas grow by doubling, but none past the limit.

mod agg;
mod host_values;
mod image;
mod memory;
#[cfg(test)]
mod tests;

pub use crate::types::AggKind;
pub(crate) use agg::AggFault;
pub use agg::{AggRead, Node};
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
    /// Bytes of the additions.
    charged: u64,
}

impl RunTypes {
    fn table(&self) -> &TypeTable {
        self.extended.as_deref().unwrap_or(&self.program)
    }

    /// Bytes that a new type of so many elements takes, at most: its entry, its elements and its place in the index, in
    /// lists that grow by doubling.
    const fn cost(elems: usize) -> u64 {
        128 + 24 * elems as u64
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
            types: RunTypes { program: types, extended: None, charged: 0 },
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
        (self.types.extended, self.types.charged) = (None, 0);
        self.id = next_heap_id();
    }

    /// Bytes charged to the run so far.
    #[inline]
    #[must_use]
    pub fn charged(&self) -> u64 {
        self.data.len() as u64
            + self.nodes.len() as u64 * 8
            + self.memories.charged()
            + self.types.charged
            + self.beside
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

    /// Whether so many bytes more are within the limit.
    #[inline]
    fn has_room(&self, bytes: u64) -> bool {
        self.charged().checked_add(bytes).is_some_and(|total| total <= self.limit)
    }

    fn check_limit(&self, bytes: u64) -> Result<(), TrapCode> {
        if self.has_room(bytes) { Ok(()) } else { Err(TrapCode::MemoryLimitExceeded) }
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
    #[inline]
    pub(crate) fn bytes(&self, slot: u64) -> &[u8] {
        let (start, len) = text_parts(slot);
        let (start, end) = (start as usize, start as usize + len as usize);
        let constants = self.const_data.len();
        let found = match start.checked_sub(constants) {
            // Where both ends are is one test, which programs' loops decide alike time after time.
            _ if end <= constants => self.const_data.get(start..end),
            Some(start) => self.data.get(start..end - constants),
            None => None,
        };
        found.unwrap_or(&[])
    }

    /// One byte of a bytes or text slot, widened; `None` at its end and behind.
    #[inline]
    pub(crate) fn byte(&self, slot: u64, index: u64) -> Option<u64> {
        let (start, len) = text_parts(slot);
        if index >= len.into() {
            return None;
        }
        // Less than the length, so it has 32 bits.
        let at = start as usize + index as usize;
        let byte = match at.checked_sub(self.const_data.len()) {
            None => self.const_data.get(at),
            Some(at) => self.data.get(at),
        };
        byte.map(|&byte| byte.into())
    }

    /// Whether two bytes or text slots hold the same bytes.
    #[inline]
    pub(crate) fn same_bytes(&self, a: u64, b: u64) -> bool {
        a == b || text_parts(a).1 == text_parts(b).1 && self.compare(a, b)
    }

    #[inline(never)]
    fn compare(&self, a: u64, b: u64) -> bool {
        self.bytes(a) == self.bytes(b)
    }

    /// Whether a character goes on at one of two positions of a text, rather than to begin or end there.
    #[inline]
    pub(crate) fn cuts_character(&self, slot: u64, at: [u64; 2]) -> bool {
        // A continuation byte is 0b10xx_xxxx; a position is a boundary unless such a byte stands there.
        let inside = |at| self.byte(slot, at).is_some_and(|byte| byte & 0xc0 == 0x80);
        inside(at[0]) || inside(at[1])
    }

    /// How many bytes from the start are text, if not all are.
    #[inline(never)]
    pub(crate) fn text_ends(&self, slot: u64) -> Option<u64> {
        core::str::from_utf8(self.bytes(slot)).err().map(|error| error.valid_up_to() as u64)
    }

    /// The text behind a text slot.
    pub(crate) fn text(&self, slot: u64) -> &str {
        core::str::from_utf8(self.bytes(slot)).unwrap_or("")
    }

    /// Makes room for `extra` bytes of data within the limit. Gives the address of the first; `None` past the limit.
    #[inline]
    fn reserve_data(&mut self, extra: u64) -> Option<u32> {
        let start = self.const_data.len() as u64 + self.data.len() as u64;
        let end = start.checked_add(extra).filter(|&end| end <= u32::MAX.into());
        if !self.has_room(extra) || end.is_none() {
            return None;
        }
        // Both have 32 bits now.
        if extra as usize > self.data.capacity() - self.data.len() {
            reserve_within(&mut self.data, extra as usize, self.limit).ok()?;
        }
        Some(start as u32)
    }

    /// Stores bytes or text.
    pub(crate) fn alloc_bytes(&mut self, bytes: &[u8]) -> Result<u64, TrapCode> {
        let start = self.reserve_data(bytes.len() as u64).ok_or(TrapCode::MemoryLimitExceeded)?;
        self.data.extend_from_slice(bytes);
        Ok(text_slot(start, bytes.len() as u32))
    }

    /// Stores a copy of bytes with each of them mapped. The value itself if that changes nothing.
    pub(crate) fn map_bytes(&mut self, slot: u64, map: impl Fn(u8) -> u8) -> Result<u64, TrapCode> {
        if self.bytes(slot).iter().all(|&byte| map(byte) == byte) {
            return Ok(slot);
        }
        let (start, len) = text_parts(slot);
        let new = self.reserve_data(len.into()).ok_or(TrapCode::MemoryLimitExceeded)?;
        let first = self.data.len();
        self.append(start, len);
        for byte in self.data.get_mut(first..).unwrap_or(&mut []) {
            *byte = map(*byte);
        }
        Ok(text_slot(new, len))
    }

    /// `a` followed by `b`; `None` past the limit. If `a` ends where the data ends it is extended in place, which is sound
    /// because values are immutable: every other value keeps its own start and length.
    #[inline(never)]
    pub(crate) fn concat(&mut self, a: u64, b: u64) -> Option<u64> {
        let ((a_start, a_len), (b_start, b_len)) = (text_parts(a), text_parts(b));
        if b_len == 0 {
            return Some(a);
        }
        if a_len == 0 {
            return Some(b);
        }
        let constants = self.const_data.len() as u64;
        let a_end = u64::from(a_start) + u64::from(a_len);
        let extends = a_end == constants + self.data.len() as u64 && u64::from(a_start) >= constants;
        let extra = if extends { b_len.into() } else { u64::from(a_len) + u64::from(b_len) };
        let mut start = self.reserve_data(extra)?;
        if extends {
            start = a_start;
        } else {
            self.append(a_start, a_len);
        }
        self.append(b_start, b_len);
        // What is reserved has addresses, so the length has 32 bits.
        Some(text_slot(start, a_len + b_len))
    }

    /// Copies existing bytes to the end of the data; room is reserved.
    #[inline]
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
    fn shape_of(&mut self, ty: ValueType, slot: u64) -> Result<TypeId, TrapCode> {
        if ty == ValueType::Agg {
            return Ok(self.node(slot).map_or(TypeId::AGG, |node| node.ty));
        }
        match self.types().find_value(ty) {
            Some(id) => Ok(id),
            None => self.new_type(0, |types| types.value(ty)),
        }
    }

    /// Adds a type that the program does not have, of so many elements. A host that makes tuples of tuples makes types
    /// as fast as nodes, so they are charged as these are.
    fn new_type(
        &mut self,
        elems: usize,
        add: impl FnOnce(&mut TypeTable) -> Result<TypeId, TypeTableFull>,
    ) -> Result<TypeId, TrapCode> {
        let cost = RunTypes::cost(elems);
        self.check_limit(cost)?;
        let id = add(self.types.extend()).map_err(|_| TrapCode::MemoryLimitExceeded)?;
        self.types.charged += cost;
        Ok(id)
    }
}

/// Reserves room for `extra` items: doubles like `Vec`, but never past `max` bytes.
#[cold]
#[inline(never)]
fn reserve_within<T>(vec: &mut Vec<T>, extra: usize, max: u64) -> Result<(), TrapCode> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let needed = vec.len().checked_add(extra).ok_or(TrapCode::MemoryLimitExceeded)?;
    if needed <= vec.capacity() {
        return Ok(());
    }
    const FIRST: usize = 64;
    let doubled = vec.capacity().saturating_mul(2).max(FIRST).min(max / size_of::<T>().max(1));
    let target = doubled.max(needed);
    vec.try_reserve_exact(target - vec.len()).map_err(|_| TrapCode::MemoryLimitExceeded)
}
