//! What goes to callees and new coroutines and comes back, and what may be left when a function ends.

use super::held::{Held, Origin};
use super::step::{Report, Walker};
use super::summary;
use crate::ids::{FuncId, Reg};
use crate::program::{LinearType, Place};
use crate::verify::cx::Op;
use crate::verify::error::{FrameEnd, VerifyErrorKind as E};
use opforge_schema::{Access, Term, TypeRule, Typestate};

/// Whether a register holds exactly this.
fn is(held: Held, ty: LinearType) -> bool {
    match (held, ty) {
        (Held::Chan(chan, _), LinearType::Chan(expected) | LinearType::Handle(expected)) => chan == expected,
        (Held::Evidence(layer), LinearType::Evidence(expected)) => layer == expected,
        _ => false,
    }
}

/// A register that was given something of this type.
fn held_of(ty: LinearType) -> Held {
    match ty {
        LinearType::Chan(chan) | LinearType::Handle(chan) => Held::Chan(chan, Origin::Other),
        LinearType::Evidence(layer) => Held::Evidence(layer),
    }
}

impl<'a> Walker<'_, 'a> {
    pub(super) fn call(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let Some(callee) = summary::callee(op) else { return self.plain(op, report) };
        self.arguments(op, callee, report);
        if self.sessions.summary.may_halt(self.cx.program, callee) {
            self.nothing_held(op, FrameEnd::HaltingCall, report);
        }
        for (row, value) in op.accessing(Access::Write) {
            for (n, reg) in (0u32..).zip(value.entries()) {
                let place = Place::Result(n);
                let ty =
                    if row.ty() == TypeRule::ResultsOf { self.tables.linear_at(callee, place) } else { None };
                self.write(op, reg, ty.map(held_of), report);
            }
        }
    }

    pub(super) fn tail_call(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let Some(callee) = summary::callee(op) else { return self.plain(op, report) };
        self.arguments(op, callee, report);
        for result in 0..self.cx.sig.results.len() as u32 {
            let place = Place::Result(result);
            let (own, given) =
                (self.tables.linear_at(self.cx.id, place), self.tables.linear_at(callee, place));
            if own != given {
                self.fail(op, report, E::TailResultMismatch { result }, |texts| {
                    Some(texts.instead_of_type(given, own))
                });
            }
        }
    }

    /// The registers that a call reads: what is linear goes to the callee, exactly as its parameters say.
    fn arguments(&mut self, op: &Op<'a>, callee: FuncId, report: &mut Report<'_>) {
        for (row, value) in op.accessing(Access::Read) {
            for (param, reg) in (0u32..).zip(value.entries()) {
                let place = Place::Param(param);
                let ty =
                    if row.ty() == TypeRule::ParamsOf { self.tables.linear_at(callee, place) } else { None };
                match ty {
                    Some(ty) => self.pass(op, reg, ty, E::ArgumentMismatch { reg: Reg(reg), param }, report),
                    None => self.read_plain(op, reg, report),
                }
            }
        }
    }

    /// Takes what a register holds, which must be of this type.
    fn pass(&mut self, op: &Op<'a>, reg: u32, ty: LinearType, kind: E, report: &mut Report<'_>) {
        if let Some(held) = self.take(op, reg, report)
            && !is(held, ty)
        {
            self.fail(op, report, kind, |texts| Some(texts.instead_of(reg, held, ty)));
        }
    }

    pub(super) fn ret(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        for (row, value) in op.accessing(Access::Read) {
            for (result, reg) in (0u32..).zip(value.entries()) {
                let place = Place::Result(result);
                let own = row.ty() == TypeRule::OwnResults;
                match self.tables.linear_at(self.cx.id, place).filter(|_| own) {
                    Some(ty) => self.pass(op, reg, ty, E::ResultMismatch { reg: Reg(reg), result }, report),
                    None => self.read_plain(op, reg, report),
                }
            }
        }
    }

    /// What is linear goes to the new coroutine, but for handles: of those it gets the name, and the endpoint later.
    pub(super) fn spawn(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let Some(callee) = op.id(0).map(FuncId) else { return };
        let args = op.operand(1).map_or(&[][..], |(_, value)| value.list());
        for (param, &reg) in (0u32..).zip(args) {
            match self.tables.linear_at(callee, Place::Param(param)) {
                Some(ty @ LinearType::Handle(_)) => self.lend(op, reg, param, ty, report),
                Some(ty) => self.pass(op, reg, ty, E::ArgumentMismatch { reg: Reg(reg), param }, report),
                None => self.read_plain(op, reg, report),
            }
        }
        let results = self.tables.linear_of(callee).iter().any(|def| matches!(def.place, Place::Result(_)));
        if results {
            self.fail(op, report, E::SpawnedResult { callee }, |_| None);
        }
        if let Some(dst) = op.id(2) {
            self.write(op, dst, None, report);
        }
    }

    /// The name of an endpoint goes to a handle of the same role of the same shape.
    fn lend(&mut self, op: &Op<'a>, reg: u32, param: u32, ty: LinearType, report: &mut Report<'_>) {
        let before = self.state.regs.get(&reg).copied();
        let Some(held) = self.take(op, reg, report) else { return };
        if let (Held::Chan(chan, _), LinearType::Handle(expected)) = (held, ty)
            && (chan.shape, chan.role) == (expected.shape, expected.role)
        {
            self.state.regs.extend(before.map(|held| (reg, held)));
            return;
        }
        let kind = E::ArgumentMismatch { reg: Reg(reg), param };
        self.fail(op, report, kind, |texts| Some(texts.instead_of(reg, held, ty)));
        self.give_up(reg);
    }

    /// Nothing is held where the function or its coroutine ends.
    pub(super) fn check_end(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let end = match (op.row.term(), op.row.typestate()) {
            (_, Typestate::Halt) | (Term::Halt, _) => FrameEnd::Halt,
            (Term::Return, _) => FrameEnd::Return,
            (Term::TailCall, _) => FrameEnd::TailCall,
            (Term::None | Term::Branch | Term::Trap, _) => return,
        };
        self.nothing_held(op, end, report);
    }

    fn nothing_held(&mut self, op: &Op<'a>, end: FrameEnd, report: &mut Report<'_>) {
        if report.found.is_none() {
            return;
        }
        let held = self.state.regs.iter().filter(|(_, held)| held.is_live(self.tables));
        for (&reg, _) in held {
            self.fail_held(op, report, reg, E::StillHeld { reg: Reg(reg), end });
        }
    }
}
