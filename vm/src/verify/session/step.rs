//! One instruction: what it does to what is known, by the typestate code of its row.

use super::Sessions;
use super::delegation::Noted;
use super::flow::Aborts;
use super::held::{Held, State};
use super::messages::Messages;
use super::talk::Choice;
use super::text::Texts;
use crate::ids::{LayerId, Reg};
use crate::program::SessionTables;
use crate::protocol::LabelId;
use crate::value_type::ValueType;
use crate::verify::budget::{Budget, Exhausted, VerifyConfig};
use crate::verify::cx::{FuncCx, Op};
use crate::verify::error::VerifyErrorKind as E;
use crate::verify::report::FuncErrors;
use alloc::string::String;
use opforge_schema::{Access, Typestate};

/// What the last round finds out.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) messages: Messages,
    pub(super) aborts: Aborts,
    pub(super) noted: Noted,
}

/// Where errors and facts go.
///
/// An error is told when it is found first, in whatever round: what follows from it must not hide it. Errors that hide
/// nothing wait for the last round, as facts do.
#[derive(Debug)]
pub(super) struct Report<'r> {
    pub(super) errors: &'r mut FuncErrors,
    /// In the last round.
    pub(super) found: Option<&'r mut Found>,
}

/// Walks instructions one after another.
#[derive(Debug)]
pub(super) struct Walker<'c, 'a> {
    pub(super) cx: &'c FuncCx<'a>,
    pub(super) tables: &'a SessionTables,
    pub(super) sessions: &'c Sessions,
    pub(super) texts: Texts<'a>,
    pub(super) max_depth: usize,
    /// What is known before the next instruction.
    pub(super) state: State,
    pub(super) choice: Option<Choice>,
}

impl<'c, 'a> Walker<'c, 'a> {
    pub(super) fn new(cx: &'c FuncCx<'a>, sessions: &'c Sessions, config: &VerifyConfig) -> Self {
        Self {
            cx,
            tables: cx.program.sessions(),
            sessions,
            texts: Texts::new(cx.program),
            max_depth: config.max_speculation as usize,
            state: State::default(),
            choice: None,
        }
    }

    /// Goes over one instruction.
    pub(super) fn step(
        &mut self,
        op: &Op<'a>,
        report: &mut Report<'_>,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        self.check_speculation(op, report);
        match op.row.typestate() {
            Typestate::None => self.untouched(op, report),
            Typestate::Move => self.mov(op, report),
            Typestate::Call => {
                self.note_call(op, report, budget)?;
                self.call(op, report);
            }
            Typestate::TailCall => {
                self.note_call(op, report, budget)?;
                self.tail_call(op, report);
            }
            Typestate::Return => self.ret(op, report),
            Typestate::Send => self.send(op, 1, None, report),
            Typestate::Offer => {
                let label = op.id(1).and_then(|label| u16::try_from(label).ok());
                self.send(op, 2, label.map(LabelId), report);
            }
            Typestate::Receive => self.receive(op, report),
            Typestate::Choose => self.choose(op, report, budget)?,
            Typestate::Open => self.open(op, report),
            Typestate::Close => self.close(op, report),
            Typestate::Effect | Typestate::Yield | Typestate::Tag | Typestate::Check | Typestate::Halt => {
                self.plain(op, report);
            }
            Typestate::Acquire => {
                if let (Some(layer), Some(dst)) = (op.id(0), op.id(1)) {
                    self.write(op, dst, Some(Held::Evidence(LayerId(layer))), report);
                }
            }
            Typestate::Release => self.release(op, report),
            Typestate::Fork => self.fork(op, report, budget)?,
            Typestate::Join => _ = self.end_speculation(op, report),
            Typestate::Abort => self.abort(op, report, budget)?,
            Typestate::Transfer => self.transfer(op, report),
            Typestate::Spawn => self.spawn(op, report),
        }
        self.check_end(op, report);
        Ok(())
    }

    /// Reports an error, once.
    pub(super) fn fail(
        &self,
        op: &Op<'_>,
        report: &mut Report<'_>,
        kind: E,
        note: impl FnOnce(&Texts<'a>) -> Option<String>,
    ) {
        if !report.errors.is_full() && !report.errors.has(op.pc(), &kind) {
            report.errors.add_noted(op.pc(), kind, note(&self.texts));
        }
    }

    /// Reports an error about what a register holds.
    pub(super) fn fail_held(&self, op: &Op<'_>, report: &mut Report<'_>, reg: u32, kind: E) {
        let held = self.state.regs.get(&reg).copied();
        self.fail(op, report, kind, |texts| held.map(|held| texts.about(reg, held)));
    }

    /// After an error about it, nothing more is said about a register.
    pub(super) fn give_up(&mut self, reg: u32) {
        self.state.regs.insert(reg, Held::Broken);
    }

    /// A register is read by something that takes nothing linear.
    pub(super) fn read_plain(&mut self, op: &Op<'_>, reg: u32, report: &mut Report<'_>) {
        let kind = match self.state.regs.get(&reg) {
            Some(Held::Chan(..) | Held::Evidence(_)) => E::LinearUse { reg: Reg(reg) },
            Some(Held::Moved) => E::UsedAfterMove { reg: Reg(reg) },
            Some(Held::Broken) | None => return,
        };
        self.fail_held(op, report, reg, kind);
        self.give_up(reg);
    }

    /// A register is written; `held` is what it holds then, if that is linear.
    pub(super) fn write(&mut self, op: &Op<'_>, reg: u32, held: Option<Held>, report: &mut Report<'_>) {
        if self.state.regs.get(&reg).is_some_and(|held| held.is_live(self.tables)) {
            self.fail_held(op, report, reg, E::LinearOverwritten { reg: Reg(reg) });
        }
        match held {
            Some(held) => _ = self.state.regs.insert(reg, held),
            None => _ = self.state.regs.remove(&reg),
        }
    }

    /// Takes what a register holds, which something linear must be; `None` after an error.
    pub(super) fn take(&mut self, op: &Op<'_>, reg: u32, report: &mut Report<'_>) -> Option<Held> {
        let kind = match self.state.regs.get(&reg).copied() {
            Some(held @ (Held::Chan(..) | Held::Evidence(_))) => {
                self.state.regs.insert(reg, Held::Moved);
                return Some(held);
            }
            Some(Held::Broken) => return None,
            Some(Held::Moved) => E::UsedAfterMove { reg: Reg(reg) },
            None => E::NotAnEndpoint { reg: Reg(reg) },
        };
        self.fail_held(op, report, reg, kind);
        self.give_up(reg);
        None
    }

    /// The registers of an instruction that takes nothing linear and gives nothing linear.
    pub(super) fn plain(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let reads = op.accessing(Access::Read).flat_map(|(_, value)| value.entries());
        reads.for_each(|reg| self.read_plain(op, reg, report));
        let writes = op.accessing(Access::Write).flat_map(|(_, value)| value.entries());
        writes.for_each(|reg| self.write(op, reg, None, report));
    }

    /// The registers of an instruction without rule.
    fn untouched(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        self.plain(op, report);
        for (row, value) in op.accessing(Access::Write) {
            let types = self.cx.list_types(op, row);
            let linear = |n: usize| types.get(n).is_some_and(ValueType::is_linear);
            for (_, reg) in value.entries().enumerate().filter(|&(n, _)| linear(n)) {
                self.fail(op, report, E::LinearUse { reg: Reg(reg) }, |_| None);
                self.give_up(reg);
            }
        }
    }

    fn mov(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let reg_of = |access| op.accessing(access).find_map(|(_, value)| value.scalar32());
        let (Some(src), Some(dst)) = (reg_of(Access::Read), reg_of(Access::Write)) else { return };
        if src == dst && self.state.regs.get(&src) != Some(&Held::Moved) {
            return;
        }
        let held = match self.state.regs.get(&src).copied() {
            None => None,
            Some(Held::Broken) => Some(Held::Broken),
            Some(_) => Some(self.take(op, src, report).unwrap_or(Held::Broken)),
        };
        self.write(op, dst, held, report);
    }
}
