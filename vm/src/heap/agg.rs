//! Aggregate nodes: a header word with type and length, then the elements' slots.

use super::{Heap, reserve_within};
use crate::types::{AggKind, Type, TypeId};

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

    /// Makes a node of `len` elements, which take as many slots as the iterator says it gives. Gives its handle; `None` past
    /// the limit.
    #[inline]
    pub(crate) fn new_node(
        &mut self,
        ty: TypeId,
        len: u32,
        slots: impl ExactSizeIterator<Item = u64>,
    ) -> Option<u64> {
        let words = slots.len() + 1;
        if !self.has_room(words as u64 * 8) {
            return None;
        }
        if words > self.nodes.capacity() - self.nodes.len() {
            reserve_within(&mut self.nodes, words, self.limit).ok()?;
        }
        let handle = self.nodes.len() as u64;
        self.nodes.push(header(ty, len));
        self.nodes.extend(slots);
        Some(handle)
    }

    /// The only slot of element `index` of the node at a handle, where the node has that shape and elements of one slot
    /// each. `None` says nothing about the others: [`Heap::find_element`] does.
    #[inline]
    pub(crate) fn element(&self, handle: u64, index: u64, shape: TypeId) -> Option<u64> {
        // A shape that a program reads by is a type of the program.
        match self.types.program.stride(shape) {
            Some(1) => self.element_at(handle, index, shape, index),
            _ => None,
        }
    }

    /// The slot `offset` slots behind the first one of the node at a handle, where the node has that shape and more than
    /// `index` elements.
    #[inline]
    pub(crate) fn element_at(&self, handle: u64, index: u64, shape: TypeId, offset: u64) -> Option<u64> {
        let (ty, len) = self.node_header(handle)?;
        if ty != shape || index >= len.into() {
            return None;
        }
        // The node is in the arena, header and elements, so nothing wraps unless the offset is none of the node's.
        self.nodes.get((handle as usize).wrapping_add(1).wrapping_add(offset as usize)).copied()
    }

    /// The number of elements of a node of this kind.
    #[inline]
    pub(crate) fn agg_len(&self, handle: u64, kind: AggKind) -> Result<u64, AggFault> {
        let (ty, len) = self.node_header(handle).ok_or(AggFault::BadHandle)?;
        if self.types().agg_kind(ty) != Some(kind) {
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
        if ty != read.shape && self.types().agg_kind(ty) != self.types().agg_kind(read.shape) {
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
