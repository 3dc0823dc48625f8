//! Aggregate nodes: a header word with type and length, then the elements' slots.

use super::{Heap, reserve_within};
use crate::types::{Type, TypeId};
use opforge_schema::TrapCode;

/// The kind of aggregate an instruction works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggKind {
    /// A tuple.
    Tuple,
    /// A struct.
    Struct,
    /// An array.
    Array,
}

/// What an aggregate read knows when it is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggRead {
    /// The shape the verifier proved for the operand. A node of another shape takes the slow, checked path:
    /// declared parameter shapes are promises of the caller that only the read itself checks.
    pub shape: TypeId,
    /// The element type that the destination register has.
    pub elem: TypeId,
    /// Slots of the element.
    pub width: u32,
}

/// A node of the heap.
#[derive(Clone, Copy, Debug)]
pub struct Node<'h> {
    /// Its type: a tuple, struct or array.
    pub ty: TypeId,
    /// Its number of elements.
    pub len: u32,
    /// The elements' slots.
    pub slots: &'h [u64],
}

/// Why an aggregate could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AggFault {
    BadHandle,
    WrongKind,
    OutOfBounds,
    /// The element has this type, not the one the reader was promised.
    ElementType(TypeId),
}

fn header(ty: TypeId, len: u32) -> u64 {
    u64::from(ty.0) << 32 | u64::from(len)
}

impl Heap {
    /// The header at a handle: type and length.
    #[inline]
    pub(crate) fn node_header(&self, handle: u64) -> Option<(TypeId, u32)> {
        let word = *self.nodes.get(usize::try_from(handle).ok()?)?;
        Some((TypeId((word >> 32) as u32), word as u32))
    }

    /// One slot of a node's elements.
    #[inline]
    pub(crate) fn node_slot(&self, handle: u64, offset: u32) -> Option<u64> {
        self.nodes.get((handle as usize).checked_add(1 + offset as usize)?).copied()
    }

    /// The node at a handle, or `None` if the handle does not resolve.
    pub(crate) fn node(&self, handle: u64) -> Option<Node<'_>> {
        let (ty, len) = self.node_header(handle)?;
        let start = handle as usize + 1;
        let slots = self.nodes.get(start..start + self.node_slots(ty, len) as usize)?;
        Some(Node { ty, len, slots })
    }

    /// Makes room for a node of `slots` slots and writes its header. The caller pushes exactly `slots` slots.
    pub(crate) fn begin_node(&mut self, ty: TypeId, len: u32, slots: usize) -> Result<u64, TrapCode> {
        let words = slots + 1;
        self.check_limit(words as u64 * 8)?;
        reserve_within(&mut self.nodes, words, usize::try_from(self.limit).unwrap_or(usize::MAX))?;
        let handle = self.nodes.len() as u64;
        self.nodes.push(header(ty, len));
        Ok(handle)
    }

    /// Appends one slot to the node begun last.
    #[inline]
    pub(crate) fn push_slot(&mut self, slot: u64) {
        self.nodes.push(slot);
    }

    /// The kind of a node's type.
    pub(crate) fn kind_of(&self, ty: TypeId) -> Option<AggKind> {
        match self.types().get(ty) {
            Type::Tuple(_) => Some(AggKind::Tuple),
            Type::Struct(..) => Some(AggKind::Struct),
            Type::Array(..) => Some(AggKind::Array),
            Type::Value(_) | Type::Unknown => None,
        }
    }

    /// The number of elements of a node of this kind.
    pub(crate) fn agg_len(&self, handle: u64, kind: AggKind) -> Result<u64, AggFault> {
        let (ty, len) = self.node_header(handle).ok_or(AggFault::BadHandle)?;
        if self.kind_of(ty) != Some(kind) {
            return Err(AggFault::WrongKind);
        }
        Ok(len.into())
    }

    /// First slot of element `index` inside the node at `handle`, counted from its first element slot.
    ///
    /// The node usually has the shape that the verifier proved. It may have another one where the shape was
    /// only declared for a parameter; then kind, index and element type are checked here.
    pub(crate) fn find_element(&self, handle: u64, index: u64, read: &AggRead) -> Result<u32, AggFault> {
        let (ty, len) = self.node_header(handle).ok_or(AggFault::BadHandle)?;
        if ty != read.shape && self.kind_of(ty) != self.kind_of(read.shape) {
            return Err(AggFault::WrongKind);
        }
        if index >= u64::from(len) {
            return Err(AggFault::OutOfBounds);
        }
        let index = index as u32;
        let (elem, offset) = match self.types().get(ty) {
            Type::Array(_, elem) => (elem, index * self.types().slots(elem)),
            _ => self.types().element(ty, index).ok_or(AggFault::OutOfBounds)?,
        };
        if ty != read.shape && self.types().class(elem) != self.types().class(read.elem) {
            return Err(AggFault::ElementType(elem));
        }
        Ok(offset)
    }
}
