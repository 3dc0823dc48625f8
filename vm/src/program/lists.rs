//! Flat storage for lists of lists: one arena and one end offset a list, so an untrusted container with many
//! empty lists costs four bytes each.

use alloc::collections::TryReserveError;
use alloc::string::String;
use alloc::vec::Vec;

/// Lists of `T` in one arena, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists<T> {
    items: Vec<T>,
    ends: Vec<u32>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { items: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Lists<T> {
    /// The number of lists.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The list at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[T]> {
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.items.get(start..end)
    }

    /// All lists in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[T]> {
        (0..self.len()).map(|i| self.get(i).unwrap_or(&[]))
    }

    /// Appends one item to the list being built.
    pub fn push_item(&mut self, item: T) {
        self.items.push(item);
    }

    /// Ends the list being built. Everything pushed since the last end belongs to it.
    /// Returns its index, or `None` (and drops nothing) if there are more than `u32::MAX` items or lists.
    pub fn end_list(&mut self) -> Option<u32> {
        let end = u32::try_from(self.items.len()).ok()?;
        let index = u32::try_from(self.ends.len()).ok()?;
        self.ends.push(end);
        Some(index)
    }
}

impl<T> Lists<T> {
    /// Makes room for exactly this many further items and lists.
    pub(crate) fn try_reserve_exact(&mut self, items: usize, lists: usize) -> Result<(), TryReserveError> {
        self.items.try_reserve_exact(items)?;
        self.ends.try_reserve_exact(lists)
    }
}

impl<T: Clone> Lists<T> {
    /// Appends items to the list being built.
    pub(crate) fn extend_items(&mut self, items: &[T]) {
        self.items.extend_from_slice(items);
    }

    /// Appends a whole list; see [`Lists::end_list`].
    pub fn push(&mut self, items: &[T]) -> Option<u32> {
        self.items.extend_from_slice(items);
        self.end_list()
    }
}

/// Texts in one arena, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    /// The number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.text.get(start..end)
    }

    /// All texts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|i| self.get(i).unwrap_or(""))
    }

    /// Makes room for exactly this many further bytes and texts.
    pub(crate) fn try_reserve_exact(&mut self, bytes: usize, texts: usize) -> Result<(), TryReserveError> {
        self.text.try_reserve_exact(bytes)?;
        self.ends.try_reserve_exact(texts)
    }

    /// Appends a text. Returns its index, or `None` if there are more than `u32::MAX` bytes or texts.
    pub fn push(&mut self, text: &str) -> Option<u32> {
        let end = u32::try_from(self.text.len().checked_add(text.len())?).ok()?;
        let index = u32::try_from(self.ends.len()).ok()?;
        self.text.push_str(text);
        self.ends.push(end);
        Some(index)
    }
}
