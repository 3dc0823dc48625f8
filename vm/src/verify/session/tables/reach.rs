//! Which states each role of each shape can come to.

use crate::program::{ChanType, SessionTables};
use crate::protocol::StateId;
use crate::verify::budget::{Budget, Exhausted};
use alloc::vec;
use alloc::vec::Vec;

/// For each entry of [`SessionTables::shape_roles`] the states that it can come to, sorted.
#[derive(Debug)]
pub(in crate::verify::session) struct Reach {
    states: Vec<StateId>,
    /// Where the states of each entry end.
    ends: Vec<usize>,
}

impl Reach {
    /// Walks from every entry. The tables are well-formed apart from what this is needed for.
    pub(in crate::verify::session) fn find(
        tables: &SessionTables,
        budget: &mut Budget,
    ) -> Result<Self, Exhausted> {
        budget.memory_for::<(u32, usize)>(tables.states.len() + tables.shape_roles.len())?;
        // The last entry, plus one, that came to each state.
        let mut marks = vec![0u32; tables.states.len()];
        let mut reach = Self { states: Vec::new(), ends: Vec::new() };
        for (place, role) in (1u32..).zip(&tables.shape_roles) {
            let start = reach.states.len();
            reach.visit(role.entry, place, &mut marks, budget)?;
            let mut at = start;
            while let Some(&state) = reach.states.get(at) {
                at += 1;
                budget.work(tables.branches_of(state).len().saturating_add(8))?;
                for branch in tables.branches_of(state) {
                    reach.visit(branch.next, place, &mut marks, budget)?;
                }
            }
            reach.states.get_mut(start..).unwrap_or(&mut []).sort_unstable();
            reach.ends.push(reach.states.len());
        }
        Ok(reach)
    }

    fn visit(
        &mut self,
        state: StateId,
        place: u32,
        marks: &mut [u32],
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        if let Some(mark) = marks.get_mut(state.0 as usize).filter(|mark| **mark != place) {
            *mark = place;
            // The vector grows by doubling.
            budget.memory_for::<StateId>(2)?;
            self.states.push(state);
        }
        Ok(())
    }

    /// The states that entry `index` of all shapes' roles can come to.
    pub(in crate::verify::session) fn of(&self, index: usize) -> &[StateId] {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.states.get(start..end).unwrap_or(&[])
    }

    /// Whether the role of an endpoint type can come to its state.
    pub(in crate::verify::session) fn contains(&self, tables: &SessionTables, chan: ChanType) -> bool {
        let first = tables.shape(chan.shape).map(|shape| shape.first_role as usize);
        let index = first.and_then(|first| first.checked_add(chan.role.into()));
        index.is_some_and(|index| self.of(index).binary_search(&chan.state).is_ok())
    }
}
