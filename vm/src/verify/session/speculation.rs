//! Speculations: how they nest, what must not stand in them, and what is known again after an abort.

use super::held::{Fork, Held};
use super::step::{Report, Walker};
use super::summary::{self, not_undone};
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::cx::Op;
use crate::verify::error::{NotUndone, VerifyErrorKind as E};
use alloc::format;
use alloc::rc::Rc;
use opforge_schema::Term;

impl<'a> Walker<'_, 'a> {
    /// Nothing that cannot be undone stands in a speculation.
    pub(super) fn check_speculation(&self, op: &Op<'a>, report: &mut Report<'_>) {
        if report.found.is_none() || !self.speculates() {
            return;
        }
        let callee = summary::callee(op);
        let fixes = |callee| self.sessions.summary.may_fix(self.cx.program, callee);
        let why = match op.row.term() {
            Term::Return | Term::TailCall | Term::Halt => Some(NotUndone::End),
            Term::None | Term::Branch | Term::Trap => {
                not_undone(self.cx.program, op).or(callee.is_some_and(fixes).then_some(NotUndone::Callee))
            }
        };
        if let Some(why) = why {
            self.refuse(op, why, report);
        }
    }

    /// Whether a speculation is open.
    pub(super) fn speculates(&self) -> bool {
        !self.state.lost && !self.state.forks.is_empty()
    }

    /// Where the innermost speculation begins, if that is one place.
    pub(super) fn innermost_fork(&self) -> Option<u32> {
        let fork = self.state.forks.last().and_then(|fork| fork.at);
        fork.and_then(|at| self.cx.code.instr(at)).map(|instr| instr.pc)
    }

    /// Something cannot be undone, and stands in a speculation.
    pub(super) fn refuse(&self, op: &Op<'a>, why: NotUndone, report: &mut Report<'_>) {
        let pc = self.innermost_fork();
        self.fail(op, report, E::RefusedInSpeculation { why }, |_| {
            pc.map(|pc| format!("the speculation begins at pc {pc}"))
        });
    }

    pub(super) fn fork(
        &mut self,
        op: &Op<'a>,
        report: &mut Report<'_>,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        self.plain(op, report);
        if self.state.lost {
            return Ok(());
        }
        if self.state.forks.len() >= self.max_depth {
            let max = self.max_depth as u32;
            self.fail(op, report, E::SpeculationTooDeep { max }, |_| None);
            self.state.lost = true;
            return Ok(());
        }
        budget.work(self.state.regs.len().saturating_mul(8))?;
        budget.memory(self.state.regs.len().saturating_mul(48).saturating_add(64))?;
        self.state.forks.push(Rc::new(Fork { at: Some(op.ix), regs: self.state.regs.clone() }));
        Ok(())
    }

    /// Join or abort: takes the innermost speculation.
    pub(super) fn end_speculation(&mut self, op: &Op<'a>, report: &mut Report<'_>) -> Option<Rc<Fork>> {
        if self.state.lost {
            return None;
        }
        let fork = self.state.forks.pop();
        if fork.is_none() {
            self.fail(op, report, E::NoSpeculation {}, |_| None);
            self.state.lost = true;
        }
        fork
    }

    pub(super) fn abort(
        &mut self,
        op: &Op<'a>,
        report: &mut Report<'_>,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let fork = self.end_speculation(op, report);
        if let Some(found) = &mut report.found {
            budget.memory(32)?;
            found.aborts.push((op.ix, fork.as_ref().and_then(|fork| fork.at)));
        }
        match fork {
            Some(fork) => {
                budget.work(fork.regs.len().saturating_mul(8))?;
                self.state.regs.clone_from(&fork.regs);
            }
            // Which fork it goes back to is not known.
            None => self.state.regs.values_mut().for_each(|held| *held = Held::Broken),
        }
        Ok(())
    }
}
