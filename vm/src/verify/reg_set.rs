//! Sets of registers, and lists of registers that name one twice.

use alloc::vec::Vec;

/// A set of registers that is emptied at once, however many it holds, and is kept from function to function.
#[derive(Debug, Default)]
pub(crate) struct RegSet {
    now: u32,
    /// The registers in the set are those marked with `now`.
    marks: Vec<u32>,
}

impl RegSet {
    /// Empties the set and makes room for registers below `regs`; others are never in it.
    pub(crate) fn begin(&mut self, regs: u32) {
        self.marks.resize(regs as usize, 0);
        self.clear();
    }

    /// Empties the set.
    pub(crate) fn clear(&mut self) {
        self.now = self.now.wrapping_add(1);
        if self.now == 0 {
            self.marks.fill(0);
            self.now = 1;
        }
    }

    /// Adds a register; whether it was not there before.
    pub(crate) fn insert(&mut self, reg: u32) -> bool {
        let now = self.now;
        self.marks.get_mut(reg as usize).is_some_and(|mark| core::mem::replace(mark, now) != now)
    }

    /// Whether the register is in the set.
    pub(crate) fn contains(&self, reg: u32) -> bool {
        self.marks.get(reg as usize) == Some(&self.now)
    }

    /// The entries of a list of written registers that stay, with their places, from last to first: where a list names
    /// a register twice, only the last entry counts, and the types of the others do not matter. Whoever carries out
    /// such a list must leave the others out, because they may be of another width. Empties the set before.
    pub(crate) fn last_entries<'l>(&'l mut self, list: &'l [u32]) -> impl Iterator<Item = (usize, u32)> + 'l {
        self.clear();
        list.iter().copied().enumerate().rev().filter(|&(_, reg)| self.insert(reg))
    }
}
