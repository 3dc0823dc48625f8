//! The walk: what is known at the start of each block, as the least solution of what its instructions do.
//!
//! Blocks are taken in reverse postorder until nothing changes; what a register holds changes at most three times at
//! one place. Then each block is walked once more to note what messages carry and to look for errors that nothing else
//! builds on.

use super::Sessions;
use super::held::{Conflict, Held, OnConflict, Origin, State};
use super::step::{Found, Report, Walker};
use super::text::Texts;
use crate::ids::{InstrIx, Reg};
use crate::program::{LinearType, Place, SessionTables};
use crate::verify::budget::{Budget, Exhausted, VerifyConfig};
use crate::verify::cx::FuncCx;
use crate::verify::error::VerifyErrorKind;
use crate::verify::flow::Flow;
use crate::verify::report::{FuncErrors, pc_of};
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use opforge_schema::Typestate;

/// For each abort, in code order, the fork that it goes back to; `None` where that is not one.
pub(super) type Aborts = Vec<(InstrIx, Option<InstrIx>)>;

/// What is known at the start of a block.
#[derive(Debug)]
struct Entry {
    state: State,
    /// Where the path came from that was first.
    from: u32,
    queued: bool,
}

/// Two paths that do not fit together at the start of a block.
#[derive(Debug)]
struct Clash {
    block: u32,
    left: u32,
    right: u32,
    conflict: Conflict,
}

#[derive(Debug)]
struct Solver<'c, 'a> {
    cx: &'c FuncCx<'a>,
    flow: &'c Flow,
    tables: &'a SessionTables,
    entries: Vec<Option<Entry>>,
    clashes: Vec<Clash>,
    max_clashes: usize,
    on_conflict: OnConflict,
    /// Positions of blocks whose entry changed, least first.
    queue: BinaryHeap<Reverse<u32>>,
}

/// Follows what a function does with linear registers. Messages and aborts come in code order.
pub(super) fn follow(
    cx: &FuncCx<'_>,
    flow: &Flow,
    sessions: &Sessions,
    config: &VerifyConfig,
    budget: &mut Budget,
    errors: &mut FuncErrors,
) -> Result<Found, Exhausted> {
    let mark = budget.mark();
    budget.memory_for::<Option<Entry>>(flow.starts.len())?;
    let tables = cx.program.sessions();
    let mut solver = Solver {
        cx,
        flow,
        tables,
        entries: flow.starts.iter().map(|_| None).collect(),
        clashes: Vec::new(),
        max_clashes: config.max_errors,
        on_conflict: if config.unchecked_sessions { OnConflict::KeepFirst } else { OnConflict::GiveUp },
        queue: BinaryHeap::new(),
    };
    let mut walker = Walker::new(cx, sessions, config);
    solver.enter(0, &entry_state(cx), 0, budget)?;
    while let Some(Reverse(position)) = solver.queue.pop() {
        if let Some(&block) = flow.order.get(position as usize) {
            solver.leave(block, &mut walker, errors, budget)?;
        }
    }
    let mut found = solver.report(&mut walker, budget, errors)?;
    budget.release_to(mark);
    budget.memory_for::<(InstrIx, u32)>(found.messages.ends.len().saturating_mul(2))?;
    budget.memory_for::<u16>(found.messages.payloads.len().saturating_mul(2))?;
    found.noted.charge(budget)?;
    found.messages.sort();
    found.aborts.sort_unstable();
    Ok(found)
}

/// What parameters hold.
fn entry_state(cx: &FuncCx<'_>) -> State {
    let mut state = State::default();
    for def in cx.program.sessions().linear_of(cx.id) {
        let Place::Param(param) = def.place else { continue };
        let held = match def.ty {
            LinearType::Chan(chan) | LinearType::Handle(chan) => Held::Chan(chan, Origin::Other),
            LinearType::Evidence(layer) => Held::Evidence(layer),
        };
        state.regs.insert(param.saturating_add(1), held);
    }
    state
}

impl<'a> Solver<'_, 'a> {
    /// Takes in a path to a block.
    fn enter(&mut self, block: u32, state: &State, from: u32, budget: &mut Budget) -> Result<(), Exhausted> {
        budget.work(state.work())?;
        let Some(slot) = self.entries.get_mut(block as usize) else { return Ok(()) };
        let position = self.flow.position(block);
        let Some(entry) = slot else {
            budget.memory(state.bytes())?;
            *slot = Some(Entry { state: state.clone(), from, queued: true });
            self.queue.push(Reverse(position));
            return Ok(());
        };
        let before = entry.state.bytes();
        let (left, right) = (entry.from, from);
        let (clashes, max) = (&mut self.clashes, self.max_clashes);
        let changed = entry.state.join(self.tables, self.on_conflict, state, |conflict| {
            if clashes.len() < max {
                clashes.push(Clash { block, left, right, conflict });
            }
        });
        budget.memory(entry.state.bytes().saturating_sub(before))?;
        if changed && !entry.queued {
            entry.queued = true;
            self.queue.push(Reverse(position));
        }
        Ok(())
    }

    /// Walks a block and carries what is known at its end to the blocks it leads to.
    fn leave(
        &mut self,
        block: u32,
        walker: &mut Walker<'_, 'a>,
        errors: &mut FuncErrors,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let Some(entry) = self.entries.get_mut(block as usize).and_then(Option::as_mut) else {
            return Ok(());
        };
        entry.queued = false;
        budget.work(entry.state.work())?;
        walker.state = entry.state.clone();
        let last = self.walk(block, walker, &mut Report { errors, found: None }, budget)?;
        let Some((last, chooses)) = last else { return Ok(()) };
        let from = pc_of(self.cx.code, last);
        for (n, &next) in self.flow.succs(block).iter().enumerate() {
            if !chooses {
                self.enter(next, &walker.state, from, budget)?;
                continue;
            }
            budget.work(walker.state.work())?;
            if let Some(state) = walker.chosen(n) {
                self.enter(next, &state, from, budget)?;
            }
        }
        Ok(())
    }

    /// Walks the instructions of a block. Gives the last, and whether it is a choice.
    fn walk(
        &self,
        block: u32,
        walker: &mut Walker<'_, 'a>,
        report: &mut Report<'_>,
        budget: &mut Budget,
    ) -> Result<Option<(InstrIx, bool)>, Exhausted> {
        let (start, end) = self.flow.range(block);
        let mut last = None;
        for op in self.cx.ops(start, end) {
            budget.work(4)?;
            walker.step(&op, report, budget)?;
            last = Some((op.ix, op.row.typestate() == Typestate::Choose));
        }
        Ok(last)
    }

    /// Walks every block that is reached once more, and tells what is wrong.
    fn report(
        &mut self,
        walker: &mut Walker<'_, 'a>,
        budget: &mut Budget,
        errors: &mut FuncErrors,
    ) -> Result<Found, Exhausted> {
        let mut found = Found::default();
        for &block in &self.flow.order {
            let Some(entry) = self.entries.get_mut(block as usize).and_then(Option::as_mut) else { continue };
            walker.state = core::mem::take(&mut entry.state);
            self.walk(block, walker, &mut Report { errors, found: Some(&mut found) }, budget)?;
        }
        for clash in &self.clashes {
            let pc =
                self.flow.starts.get(clash.block as usize).map_or(0, |&start| pc_of(self.cx.code, start));
            let (kind, note) = self.describe(clash);
            errors.add_noted(pc, kind, note);
        }
        Ok(found)
    }

    fn describe(&self, clash: &Clash) -> (VerifyErrorKind, Option<String>) {
        let &Clash { left, right, conflict, .. } = clash;
        match conflict {
            Conflict::Reg(reg, a, b) => {
                let texts = Texts::new(self.cx.program);
                let note = format!("from pc {left}: {}; from pc {right}: {}", texts.held(a), texts.held(b));
                (VerifyErrorKind::JoinDiffers { reg: Reg(reg), left, right }, Some(note))
            }
            Conflict::Depth(a, b) => {
                let (left_depth, right_depth) = (a as u32, b as u32);
                (VerifyErrorKind::JoinSpeculation { left, right, left_depth, right_depth }, None)
            }
        }
    }
}
