//! Bounded queues of messages.

use crate::heap::Heap;
use crate::protocol::{LabelId, PayloadId};
use alloc::collections::VecDeque;

/// A message: its label and the slots of what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) label: LabelId,
    pub(super) payload: PayloadId,
    pub(super) slots: [u64; 2],
}

/// Bytes that a message is charged.
pub(super) const MESSAGE_BYTES: u64 = size_of::<Message>() as u64;

/// Messages on their way. Grows on demand, so that an edge that is not used costs nothing.
///
/// How many there is room for is a number of its own, and not the queue's capacity: a copy has the same, so that a machine
/// that goes back to a snapshot is charged as it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Ring {
    queue: VecDeque<Message>,
    /// Messages that are paid for.
    room: usize,
}

impl Ring {
    pub(super) fn len(&self) -> u32 {
        self.queue.len() as u32
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn first(&self) -> Option<&Message> {
        self.queue.front()
    }

    pub(super) fn take(&mut self) -> Option<Message> {
        self.queue.pop_front()
    }

    /// Bytes of memory that so many more messages take: one mostly takes none, because room for several is made at once.
    #[inline]
    pub(super) fn growth(&self, more: usize, bound: u32) -> u64 {
        (self.room_for(more, bound) - self.room) as u64 * MESSAGE_BYTES
    }

    #[inline]
    fn room_for(&self, more: usize, bound: u32) -> usize {
        let (mut room, needed) = (self.room, self.queue.len() + more);
        while room < needed {
            room += room.max(4).min((bound as usize).saturating_sub(room).max(1));
        }
        room
    }

    /// Adds a message at the end for which there is memory and which is paid for; `false`, with nothing done, if it is not.
    #[inline]
    pub(super) fn put_paid(&mut self, message: Message) -> bool {
        let free = self.queue.len() < self.room && self.queue.len() < self.queue.capacity();
        if free {
            self.queue.push_back(message);
        }
        free
    }

    /// Adds a message at the end; `false`, with nothing done, if the allocator has no memory.
    #[inline]
    pub(super) fn put(&mut self, message: Message, bound: u32) -> bool {
        if self.queue.len() == self.queue.capacity() {
            let more = self.room_for(1, bound) - self.queue.len();
            if self.queue.try_reserve_exact(more).is_err() {
                return false;
            }
        }
        self.room = self.room_for(1, bound);
        self.queue.push_back(message);
        true
    }

    /// Puts a message back that was taken. What that takes is charged, unless the memory limit is reached: it was charged
    /// to who had taken the message, and is free since.
    pub(super) fn put_back(&mut self, message: Message, heap: &mut Heap) {
        self.queue.push_front(message);
        if self.room < self.queue.len() && heap.charge(MESSAGE_BYTES).is_ok() {
            self.room += 1;
        }
    }

    /// Bytes of memory that it is charged.
    pub(super) fn bytes(&self) -> u64 {
        self.room as u64 * MESSAGE_BYTES
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Message> {
        self.room = 0;
        core::mem::take(&mut self.queue).into_iter()
    }
}
