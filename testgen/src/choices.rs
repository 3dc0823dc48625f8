//! Choices from bytes. Where the bytes have run out, every choice is its first, so generation ends.

use arbitrary::Unstructured;

/// A source of choices.
#[derive(Debug)]
pub(crate) struct Choices<'u, 'a> {
    bytes: &'u mut Unstructured<'a>,
}

impl<'u, 'a> Choices<'u, 'a> {
    pub(crate) fn new(bytes: &'u mut Unstructured<'a>) -> Self {
        Self { bytes }
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound <= 1 {
            return 0;
        }
        // Two bytes are enough for every table here, and keep the input short.
        let bound = u16::try_from(bound).unwrap_or(u16::MAX);
        usize::from(self.bytes.int_in_range(0..=bound - 1).unwrap_or(0))
    }

    /// Whether something that happens so many times in a hundred does. Never where the bytes have run out.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) + percent >= 100
    }

    /// One of these; `None` if there are none.
    pub(crate) fn pick<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        let at = self.below(items.len());
        items.get(at)
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.bytes.arbitrary().unwrap_or(0)
    }

    /// Whether the bytes have run out.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
