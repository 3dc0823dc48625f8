//! Copies of a heap as it is at a time, to go back to.

use super::{Heap, RunTypes};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What a heap held. Handles of that time resolve again when the heap is put back to it.
#[derive(Clone, Debug)]
pub(crate) struct HeapImage {
    id: u64,
    data: Vec<u8>,
    nodes: Vec<u64>,
    types: RunTypes,
    memories: Box<[Vec<u8>]>,
    beside: u64,
    limit: u64,
}

impl Heap {
    /// A copy of everything that it holds.
    pub(crate) fn image(&self) -> HeapImage {
        HeapImage {
            id: self.id,
            data: self.data.clone(),
            nodes: self.nodes.clone(),
            types: self.types.clone(),
            memories: self.all_memories().map(Into::into).collect(),
            beside: self.beside,
            limit: self.limit,
        }
    }

    /// Puts it back to what it was. `false`, with nothing done, if the image is of a heap with other types or memories.
    pub(crate) fn restore(&mut self, image: &HeapImage) -> bool {
        if !self.is_of(&image.types.program) || !self.memories.put_back(&image.memories) {
            return false;
        }
        self.id = image.id;
        self.data.clone_from(&image.data);
        self.nodes.clone_from(&image.nodes);
        self.types = image.types.clone();
        (self.beside, self.limit) = (image.beside, image.limit);
        self.by_size = 0;
        self.noted = None;
        true
    }
}
