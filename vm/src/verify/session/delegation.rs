//! Messages that carry endpoints: they cannot be undone, so none stands in a speculation, nor in anything that is called
//! there.
//!
//! What a message carries is known once its function has been walked. So each walk notes what its function does and
//! calls, and once all functions are walked, that is carried to the callers, and the calls in speculations are looked
//! at.
//!
//! Two kinds of calls are not noted. What else cannot be undone is known before ([`super::summary`]), and calls of
//! functions that do any of that are refused anyhow. And a function that is given no endpoint comes by one only by
//! opening a session, which is such a thing.

use super::step::{Report, Walker};
use super::summary::{self, Codes};
use super::text::Texts;
use crate::ids::FuncId;
use crate::program::{PayloadDef, Program};
use crate::protocol::PayloadId;
use crate::verify::budget::{Budget, Exhausted, VerifyConfig};
use crate::verify::cx::Op;
use crate::verify::error::{NotUndone, VerifyErrorKind};
use crate::verify::report::{Errors, FuncErrors};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use opforge_schema::{Isa, Typestate};

/// A call that stands in a speculation.
#[derive(Clone, Copy, Debug)]
struct Trial {
    caller: FuncId,
    pc: u32,
    callee: FuncId,
    /// Where the speculation begins, if that is one place.
    fork: Option<u32>,
}

/// What the walk of one function finds out.
#[derive(Debug, Default)]
pub(in crate::verify) struct Noted {
    /// The first of its messages that carries an endpoint.
    message: Option<u32>,
    /// What it calls.
    callees: Vec<FuncId>,
    trials: Vec<Trial>,
}

/// What the walks of all functions find out.
#[derive(Debug, Default)]
pub(in crate::verify) struct Delegations {
    /// The functions with a message that carries an endpoint, and the first of those, in the order of functions.
    messages: Vec<(FuncId, u32)>,
    /// Callee and caller.
    calls: Vec<(FuncId, FuncId)>,
    trials: Vec<Trial>,
}

/// Nothing in [`Delegations::messages`].
const NONE: u32 = u32::MAX;

impl<'a> Walker<'_, 'a> {
    /// Whether calls of a function in a speculation are refused without what is noted here.
    fn may_fix(&self, func: FuncId) -> bool {
        self.sessions.summary.may_fix(self.cx.program, func)
    }

    /// Notes a message. It must not stand in a speculation if it carries an endpoint.
    pub(super) fn note_message(&self, op: &Op<'a>, payload: PayloadId, report: &mut Report<'_>) {
        let Some(found) = &mut report.found else { return };
        if !matches!(self.tables.payload(payload), Some(PayloadDef::Chan(_))) {
            return;
        }
        if !self.may_fix(self.cx.id) {
            let first = found.noted.message.get_or_insert(op.pc());
            *first = op.pc().min(*first);
        }
        if self.speculates() {
            self.refuse(op, NotUndone::Delegation, report);
        }
    }

    /// Notes a call, of which it is known later whether it may come to a message that carries an endpoint.
    pub(super) fn note_call(
        &self,
        op: &Op<'a>,
        report: &mut Report<'_>,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let (Some(found), Some(callee)) = (&mut report.found, summary::callee(op)) else { return Ok(()) };
        budget.work(8)?;
        if self.tables.linear_of(callee).is_empty() || self.may_fix(callee) {
            return Ok(());
        }
        let noted = &mut found.noted;
        if !self.may_fix(self.cx.id) && noted.callees.last() != Some(&callee) {
            budget.memory_for::<FuncId>(2)?;
            noted.callees.push(callee);
        }
        // A tail call is refused there whatever it calls.
        if self.speculates() && op.row.typestate() == Typestate::Call {
            budget.memory_for::<Trial>(2)?;
            let (caller, pc, fork) = (self.cx.id, op.pc(), self.innermost_fork());
            noted.trials.push(Trial { caller, pc, callee, fork });
        }
        Ok(())
    }
}

impl Noted {
    /// Takes the memory that it keeps.
    pub(super) fn charge(&self, budget: &mut Budget) -> Result<(), Exhausted> {
        budget.memory_for::<FuncId>(self.callees.len().saturating_mul(2))?;
        budget.memory_for::<Trial>(self.trials.len().saturating_mul(2))
    }
}

impl Delegations {
    /// Adds a function, behind those that are there.
    pub(in crate::verify) fn add(
        &mut self,
        func: FuncId,
        noted: Noted,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let Noted { message, callees, trials } = noted;
        budget.memory_for::<(FuncId, FuncId)>(callees.len().saturating_mul(2))?;
        budget.memory_for::<Trial>(trials.len().saturating_mul(2))?;
        if let Some(pc) = message {
            budget.memory_for::<(FuncId, u32)>(2)?;
            self.messages.push((func, pc));
        }
        self.calls.extend(callees.into_iter().map(|callee| (callee, func)));
        self.trials.extend(trials);
        Ok(())
    }

    /// Refuses the calls in speculations that may come to a message that carries an endpoint, in the order of the code.
    pub(in crate::verify) fn check(
        mut self,
        program: &Program,
        codes: &mut impl Codes,
        isa: &Isa<'_>,
        config: &VerifyConfig,
        budget: &mut Budget,
        errors: &mut Errors,
    ) -> Result<(), Exhausted> {
        if self.messages.is_empty() || self.trials.is_empty() || errors.is_full() {
            return Ok(());
        }
        let first = self.first_messages(program.functions().len(), budget)?;
        budget.work(self.trials.len().saturating_mul(32))?;
        self.trials.sort_unstable_by_key(|trial| (trial.caller, trial.pc));
        for trials in self.trials.chunk_by(|a, b| a.caller == b.caller) {
            let mut found = FuncErrors::new(config);
            let refused =
                trials.iter().filter_map(|trial| Some((trial, self.message(&first, trial.callee)?)));
            for (trial, message) in refused.take(config.max_errors) {
                let why = NotUndone::Delegation;
                let kind = VerifyErrorKind::RefusedInSpeculation { why };
                found.add_noted(trial.pc, kind, Some(note(program, trial, message)));
            }
            if let Some(&Trial { caller, .. }) = trials.first().filter(|_| !found.is_empty()) {
                let blob = program.functions().get(caller.index()).map_or(u32::MAX, |def| def.code);
                let code = codes.code(blob, budget)?;
                found.finish(errors, isa, program, caller, code.as_deref());
            }
            if errors.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// For each function, a message that carries an endpoint and that it may come to: the nearest, by place in
    /// `messages`.
    fn first_messages(&mut self, functions: usize, budget: &mut Budget) -> Result<Vec<u32>, Exhausted> {
        budget.work(self.calls.len().saturating_mul(32).saturating_add(functions))?;
        // The queue has every function once at most.
        budget.memory_for::<u32>(functions.saturating_mul(3))?;
        self.calls.sort_unstable();
        let mut first = vec![NONE; functions];
        let mut queue = VecDeque::new();
        for (n, &(func, _)) in (0u32..).zip(&self.messages) {
            if let Some(slot) = first.get_mut(func.index()) {
                *slot = n;
                queue.push_back(func);
            }
        }
        while let Some(callee) = queue.pop_front() {
            let message = first.get(callee.index()).copied().unwrap_or(NONE);
            let start = self.calls.partition_point(|&(to, _)| to < callee);
            let callers = self.calls.get(start..).unwrap_or(&[]).iter().take_while(|&&(to, _)| to == callee);
            budget.work(8)?;
            for &(_, caller) in callers {
                budget.work(2)?;
                if let Some(slot) = first.get_mut(caller.index()).filter(|slot| **slot == NONE) {
                    *slot = message;
                    queue.push_back(caller);
                }
            }
        }
        Ok(first)
    }

    fn message(&self, first: &[u32], callee: FuncId) -> Option<(FuncId, u32)> {
        let &at = first.get(callee.index())?;
        self.messages.get(at as usize).copied()
    }
}

/// Where the speculation begins, and which message it is that the call may come to.
fn note(program: &Program, trial: &Trial, (func, pc): (FuncId, u32)) -> String {
    let begins = trial.fork.map_or_else(String::new, |fork| format!("the speculation begins at pc {fork}; "));
    let name = program
        .func_name(func)
        .map_or_else(String::new, |name| format!(" `{}`", Texts::clip(&name.escape_debug())));
    format!("{begins}the message is that of {func}{name} at pc {pc}")
}
