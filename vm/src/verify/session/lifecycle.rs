//! Where endpoints and evidence come from and go to: open, close, transfer, release.

use super::held::{Held, Origin};
use super::step::{Report, Walker};
use crate::ids::{LayerId, Reg, ShapeId};
use crate::program::ChanType;
use crate::verify::cx::Op;
use crate::verify::error::VerifyErrorKind as E;

impl<'a> Walker<'_, 'a> {
    pub(super) fn open(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let Some(shape) = op.id(0).map(ShapeId) else { return };
        // Endpoints of an earlier round of this instruction are of another session than the new ones.
        for held in self.state.regs.values_mut() {
            if let Held::Chan(_, origin) = held
                && *origin == Origin::Open(op.ix)
            {
                *origin = Origin::Other;
            }
        }
        let dsts = op.operand(1).map_or(&[][..], |(_, value)| value.list());
        for ((role, entry), &dst) in (0u16..).zip(self.tables.roles_of(shape)).zip(dsts) {
            let chan = ChanType { shape, role, state: entry.entry };
            self.write(op, dst, Some(Held::Chan(chan, Origin::Open(op.ix))), report);
        }
    }

    /// The endpoint is gone, and with it all that are known to be of the same session.
    pub(super) fn close(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let Some((reg, _, origin)) = self.chan(op, report) else { return };
        self.state.regs.insert(reg, Held::Moved);
        for held in self.state.regs.values_mut() {
            if let (Held::Chan(_, other), Origin::Open(_)) = (*held, origin)
                && other == origin
            {
                *held = Held::Moved;
            }
        }
    }

    pub(super) fn release(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        let (Some(layer), Some(reg)) = (op.id(0).map(LayerId), op.id(1)) else { return };
        match self.state.regs.get(&reg) {
            Some(Held::Broken) => {}
            Some(&Held::Evidence(held)) if held == layer => _ = self.state.regs.insert(reg, Held::Moved),
            Some(Held::Moved) => {
                self.fail_held(op, report, reg, E::UsedAfterMove { reg: Reg(reg) });
                self.give_up(reg);
            }
            Some(Held::Chan(..) | Held::Evidence(_)) | None => {
                self.fail_held(op, report, reg, E::EvidenceMismatch { reg: Reg(reg), layer });
                self.give_up(reg);
            }
        }
    }

    pub(super) fn transfer(&mut self, op: &Op<'a>, report: &mut Report<'_>) {
        if let Some((reg, ..)) = self.chan(op, report) {
            self.state.regs.insert(reg, Held::Moved);
        }
        for n in 1..3 {
            if let Some(reg) = op.id(n) {
                self.read_plain(op, reg, report);
            }
        }
    }
}
