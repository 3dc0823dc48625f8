//! Measuring before storing.
//!
//! A section with lists of lists is walked twice by the same code: first into a [`Measure`], which stores
//! nothing, then into lists that were reserved for exactly what was measured. So a section is known to be
//! well-formed before memory is taken for it, and nothing is reserved on the word of a count.

use super::reader::{Reader, Result};
use crate::program::Lists;
use alloc::vec::Vec;

/// Takes items.
pub(super) trait Sink<T> {
    fn push(&mut self, item: T);
    fn extend(&mut self, items: &[T]);
}

/// Takes items that are grouped in lists.
pub(super) trait ListSink<T>: Sink<T> {
    /// Ends the list that the items since the last end belong to. `None` past `u32::MAX` items.
    fn end_list(&mut self) -> Option<u32>;
}

/// Counts what it is given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measure {
    pub(super) items: usize,
    pub(super) lists: usize,
}

impl Measure {
    /// Reserves room for what was measured.
    pub(super) fn reserve<T>(self, r: &Reader<'_>, lists: &mut Lists<T>) -> Result<()> {
        r.reserve(lists.try_reserve_exact(self.items, self.lists))
    }
}

impl<T> Sink<T> for Measure {
    fn push(&mut self, _: T) {
        self.items += 1;
    }

    fn extend(&mut self, items: &[T]) {
        self.items += items.len();
    }
}

impl<T> ListSink<T> for Measure {
    fn end_list(&mut self) -> Option<u32> {
        self.lists += 1;
        Some(0)
    }
}

impl<T: Clone> Sink<T> for Vec<T> {
    fn push(&mut self, item: T) {
        Self::push(self, item);
    }

    fn extend(&mut self, items: &[T]) {
        self.extend_from_slice(items);
    }
}

impl<T: Clone> Sink<T> for Lists<T> {
    fn push(&mut self, item: T) {
        self.push_item(item);
    }

    fn extend(&mut self, items: &[T]) {
        self.extend_items(items);
    }
}

impl<T: Clone> ListSink<T> for Lists<T> {
    fn end_list(&mut self) -> Option<u32> {
        Self::end_list(self)
    }
}
