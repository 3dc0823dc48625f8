//! Messages: send, offer, receive and choose.

use super::held::{Held, Origin, State};
use super::messages::NO_PAYLOAD;
use super::step::{Report, Walker};
use crate::ids::Reg;
use crate::program::{ChanType, PayloadDef};
use crate::protocol::{LabelId, PayloadId, StateBranch, StateKind};
use crate::value_type::ValueType;
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::cx::Op;
use crate::verify::error::VerifyErrorKind as E;
use alloc::vec::Vec;
use core::iter::once;
use opforge_schema::Typestate;

/// A choice that is being made: the register of the endpoint, its type and session, and for each target a label and
/// where the payload goes.
#[derive(Debug)]
pub(super) struct Choice {
    chan: Option<(u32, ChanType, Origin)>,
    arms: Vec<(u32, u32)>,
}

impl<'a> Walker<'_, 'a> {
    /// The endpoint in operand 0.
    pub(super) fn chan(&mut self, op: &Op<'_>, report: &mut Report<'_>) -> Option<(u32, ChanType, Origin)> {
        let reg = op.id(0)?;
        let kind = match self.state.regs.get(&reg) {
            Some(&Held::Chan(chan, origin)) => return Some((reg, chan, origin)),
            Some(Held::Broken) => return None,
            Some(Held::Moved) => E::UsedAfterMove { reg: Reg(reg) },
            Some(Held::Evidence(_)) | None => E::NotAnEndpoint { reg: Reg(reg) },
        };
        self.fail_held(op, report, reg, kind);
        self.give_up(reg);
        None
    }

    /// Send and offer, whose value is operand `val`.
    pub(super) fn send(&mut self, op: &Op<'a>, val: u8, label: Option<LabelId>, report: &mut Report<'_>) {
        let branch = self.chan(op, report).and_then(|(reg, chan, origin)| {
            let branch = self.branch_to_send(op, reg, chan, label, report);
            if branch.is_none() {
                self.give_up(reg);
            }
            branch.map(|branch| (reg, chan, origin, branch))
        });
        let value = op.id(val);
        let mut payload = NO_PAYLOAD;
        if let Some((reg, chan, origin, branch)) = branch {
            let next = Held::Chan(ChanType { state: branch.next, ..chan }, origin);
            let fits = self.send_value(op, reg, branch, value, report);
            self.note_message(op, branch.payload, report);
            payload = if fits { branch.payload } else { NO_PAYLOAD };
            // Not if the endpoint was what was sent on itself.
            if matches!(self.state.regs.get(&reg), Some(Held::Chan(..))) {
                self.state.regs.insert(reg, next);
            }
        }
        if let Some(found) = &mut report.found {
            found.messages.push(op.ix, once(payload));
        }
    }

    /// The branch that send and offer take; nothing if they do not fit the state.
    fn branch_to_send(
        &self,
        op: &Op<'a>,
        reg: u32,
        chan: ChanType,
        label: Option<LabelId>,
        report: &mut Report<'_>,
    ) -> Option<StateBranch> {
        if !matches!(self.tables.kind(chan.state), StateKind::Send(_)) {
            self.fail_held(op, report, reg, E::EndpointCannotSend { reg: Reg(reg) });
            return None;
        }
        match (op.row.typestate(), label) {
            (Typestate::Offer, Some(label)) => self.branch(op, reg, chan, label, report),
            (Typestate::Offer, None) => None,
            _ => self.only_branch(op, reg, chan, report),
        }
    }

    fn branch(
        &self,
        op: &Op<'a>,
        reg: u32,
        chan: ChanType,
        label: LabelId,
        report: &mut Report<'_>,
    ) -> Option<StateBranch> {
        let branch = self.tables.branch(chan.state, label).copied();
        if branch.is_none() {
            let kind = E::LabelNotInState { reg: Reg(reg), label: label.0.into() };
            self.fail(op, report, kind, |texts| Some(texts.label_at(label, reg, chan)));
        }
        branch
    }

    fn only_branch(
        &self,
        op: &Op<'a>,
        reg: u32,
        chan: ChanType,
        report: &mut Report<'_>,
    ) -> Option<StateBranch> {
        match *self.tables.branches_of(chan.state) {
            [branch] => Some(branch),
            ref branches => {
                let labels = branches.len() as u32;
                self.fail_held(op, report, reg, E::NeedsLabel { reg: Reg(reg), labels });
                None
            }
        }
    }

    /// The value of a message, sent on `chan`: whether it fits as far as can be said without types.
    fn send_value(
        &mut self,
        op: &Op<'a>,
        chan: u32,
        branch: StateBranch,
        value: Option<u32>,
        report: &mut Report<'_>,
    ) -> bool {
        let label = branch.label;
        let unit = self.tables.payload_class(branch.payload) == Some(ValueType::Unit);
        // Send always names a register, which then holds unit.
        if value.is_none() && !unit || value.is_some() && unit && op.row.typestate() == Typestate::Offer {
            let kind = E::PayloadPresence { reg: Reg(chan), label: label.0.into() };
            self.fail(op, report, kind, |texts| Some(texts.carries(label, branch.payload)));
            return false;
        }
        let Some(value) = value else { return true };
        let Some(&PayloadDef::Chan(expected)) = self.tables.payload(branch.payload) else {
            self.read_plain(op, value, report);
            return true;
        };
        match self.take(op, value, report) {
            Some(Held::Chan(actual, _)) if actual == expected => true,
            Some(held) => {
                let kind = E::PayloadEndpoint { reg: Reg(value) };
                self.fail(op, report, kind, |texts| Some(texts.instead(value, held, expected)));
                false
            }
            None => false,
        }
    }

    pub(super) fn receive(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let mut payload = NO_PAYLOAD;
        let branch = self.chan_to_receive(op, report).and_then(|(reg, chan, origin)| {
            let branch = self.only_branch(op, reg, chan, report);
            match branch {
                Some(branch) => {
                    let next = Held::Chan(ChanType { state: branch.next, ..chan }, origin);
                    self.state.regs.insert(reg, next);
                }
                None => self.give_up(reg),
            }
            branch
        });
        let dst = op.id(1);
        if let (Some(branch), Some(dst)) = (branch, dst) {
            payload = branch.payload;
            self.note_message(op, payload, report);
            let held = self.held_by(payload);
            self.write(op, dst, held, report);
        } else if let Some(dst) = dst {
            self.give_up(dst);
        }
        if let Some(found) = &mut report.found {
            found.messages.push(op.ix, once(payload));
        }
    }

    /// The endpoint in operand 0, which must be receiving.
    fn chan_to_receive(&mut self, op: &Op<'a>, report: &mut Report<'_>) -> Option<(u32, ChanType, Origin)> {
        let (reg, chan, origin) = self.chan(op, report)?;
        if matches!(self.tables.kind(chan.state), StateKind::Recv(_)) {
            return Some((reg, chan, origin));
        }
        self.fail_held(op, report, reg, E::EndpointCannotReceive { reg: Reg(reg) });
        self.give_up(reg);
        None
    }

    /// What a register holds that a payload was received into.
    fn held_by(&self, payload: PayloadId) -> Option<Held> {
        match self.tables.payload(payload) {
            Some(&PayloadDef::Chan(chan)) => Some(Held::Chan(chan, Origin::Other)),
            _ => None,
        }
    }

    pub(super) fn choose(
        &mut self,
        op: &Op<'a>,
        report: &mut Report<'_>,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let chan = self.chan_to_receive(op, report);
        let list = |n: u8| op.operand(n).map_or(&[][..], |(_, value)| value.list());
        let arms: Vec<(u32, u32)> = list(1).iter().copied().zip(list(2).iter().copied()).collect();
        budget.work(arms.len().saturating_mul(16))?;
        if let Some((reg, chan, _)) = chan.filter(|_| report.found.is_some()) {
            self.check_labels(op, reg, chan, &arms, report);
            for &(label, dst) in &arms {
                let branch = self.branch_of(chan, label);
                if let Some(branch) = branch {
                    self.note_message(op, branch.payload, report);
                }
                let over = if dst == reg {
                    branch.map(|branch| Held::Chan(ChanType { state: branch.next, ..chan }, Origin::Other))
                } else {
                    self.state.regs.get(&dst).copied()
                };
                if over.is_some_and(|held| held.is_live(self.tables)) {
                    self.fail_held(op, report, dst, E::LinearOverwritten { reg: Reg(dst) });
                }
            }
        }
        if let Some(found) = &mut report.found {
            let payload = |&(label, _): &(u32, u32)| {
                let branch = chan.and_then(|(_, chan, _)| self.branch_of(chan, label));
                branch.map_or(NO_PAYLOAD, |branch| branch.payload)
            };
            found.messages.push(op.ix, arms.iter().map(payload));
        }
        self.choice = Some(Choice { chan, arms });
        Ok(())
    }

    /// The labels of a choice are exactly those of the state, each once.
    fn check_labels(
        &self,
        op: &Op<'a>,
        reg: u32,
        chan: ChanType,
        arms: &[(u32, u32)],
        report: &mut Report<'_>,
    ) {
        let mut labels: Vec<u32> = arms.iter().map(|&(label, _)| label).collect();
        labels.sort_unstable();
        for pair in labels.windows(2) {
            if let &[a, label] = pair
                && a == label
            {
                let name = u16::try_from(label).map(LabelId);
                self.fail(op, report, E::LabelTwice { label }, |texts| {
                    name.ok().map(|name| texts.called(name))
                });
            }
        }
        labels.dedup();
        for &label in labels.iter().filter(|&&label| self.branch_of(chan, label).is_none()) {
            let Ok(label) = u16::try_from(label).map(LabelId) else { continue };
            self.branch(op, reg, chan, label, report);
        }
        let branches = self.tables.branches_of(chan.state);
        let mut missing =
            branches.iter().filter(|branch| labels.binary_search(&branch.label.0.into()).is_err());
        if let Some(first) = missing.next() {
            let missing = 1 + missing.count() as u32;
            let kind = E::LabelMissing { reg: Reg(reg), label: first.label.0.into(), missing };
            self.fail(op, report, kind, |texts| Some(texts.label_at(first.label, reg, chan)));
        }
    }

    fn branch_of(&self, chan: ChanType, label: u32) -> Option<StateBranch> {
        let label = u16::try_from(label).map(LabelId).ok()?;
        self.tables.branch(chan.state, label).copied()
    }

    /// What is known at target `n` of the choice that was walked last; `None` if no message leads there.
    pub(super) fn chosen(&self, n: usize) -> Option<State> {
        let choice = self.choice.as_ref()?;
        let &(label, dst) = choice.arms.get(n)?;
        let mut state = self.state.clone();
        let Some((reg, chan, origin)) = choice.chan else {
            state.regs.insert(dst, Held::Broken);
            return Some(state);
        };
        let branch = self.branch_of(chan, label)?;
        state.regs.insert(reg, Held::Chan(ChanType { state: branch.next, ..chan }, origin));
        match self.held_by(branch.payload) {
            Some(held) => _ = state.regs.insert(dst, held),
            None => _ = state.regs.remove(&dst),
        }
        Some(state)
    }
}
