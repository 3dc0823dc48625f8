//! Register lists that name a register twice.

use alloc::vec;
use alloc::vec::Vec;

/// Finds the entries of a list of written registers that stay: where a list names a register twice, only the
/// last entry counts, and the types of the others do not matter. Whoever carries out such a list must leave
/// the others out, because they may be of another width.
#[derive(Debug)]
pub(crate) struct LastWrites {
    list: u32,
    /// The list that named the register last, counted from 1.
    marks: Vec<u32>,
}

impl LastWrites {
    /// For lists of registers below `regs`.
    pub(crate) fn new(regs: u32) -> Self {
        Self { list: 0, marks: vec![0; regs as usize] }
    }

    /// The entries that stay, with their places, from last to first.
    pub(crate) fn of<'l>(&'l mut self, regs: &'l [u32]) -> impl Iterator<Item = (usize, u32)> + 'l {
        // A function has fewer instructions than there are marks.
        self.list = self.list.wrapping_add(1);
        let (list, marks) = (self.list, &mut self.marks);
        regs.iter().copied().enumerate().rev().filter(move |&(_, reg)| {
            marks.get_mut(reg as usize).is_some_and(|mark| core::mem::replace(mark, list) != list)
        })
    }
}
