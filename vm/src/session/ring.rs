//! Bounded queues of messages.

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
#[derive(Clone, Debug, Default)]
pub(super) struct Ring {
    queue: VecDeque<Message>,
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

    /// Bytes of memory that one more message takes: most take none, because room for several is made at once.
    pub(super) fn growth(&self, bound: u32) -> u64 {
        if self.queue.len() < self.queue.capacity() {
            0
        } else {
            self.next_room(bound) as u64 * MESSAGE_BYTES
        }
    }

    fn next_room(&self, bound: u32) -> usize {
        let room = self.queue.capacity();
        room.max(4).min((bound as usize).saturating_sub(room).max(1))
    }

    /// Adds a message at the end; `false`, with nothing done, if the allocator has no memory.
    pub(super) fn put(&mut self, message: Message, bound: u32) -> bool {
        if self.queue.len() == self.queue.capacity() {
            let room = self.next_room(bound);
            if self.queue.try_reserve_exact(room).is_err() {
                return false;
            }
        }
        self.queue.push_back(message);
        true
    }

    /// Puts a message back that was taken.
    pub(super) fn put_back(&mut self, message: Message) {
        self.queue.push_front(message);
    }

    /// Bytes of memory that it holds.
    pub(super) fn bytes(&self) -> u64 {
        self.queue.capacity() as u64 * MESSAGE_BYTES
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Message> {
        core::mem::take(&mut self.queue).into_iter()
    }
}
