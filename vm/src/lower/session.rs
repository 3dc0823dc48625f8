//! Lowering of session instructions: what the typestate rule says each operand is, by its place.

use super::site::{Arm, Carried, Carries, SessionInstr, Site};
use super::{ExecInstr, FunctionLowering, Slot, TargetList};
use crate::codec::Instr;
use crate::ids::{EffectId, FuncId, InstrIx, LayerId, ShapeId};
use crate::protocol::LabelId;
use alloc::boxed::Box;
use alloc::vec::Vec;
use opforge_schema::{OpRow, Typestate};

impl FunctionLowering<'_> {
    /// A session instruction and its site. The places of operands are those of [`Typestate::session_operands`], which
    /// the tables' check holds rows to.
    pub(super) fn session(&mut self, at: InstrIx, instr: &Instr, row: &OpRow) -> Option<ExecInstr> {
        let words = self.code.operands(instr);
        let word = |n: usize| words.get(n).copied();
        let id = |n: usize| u32::try_from(word(n)?).ok();
        let mut targets = TargetList::default();
        let site = match row.typestate() {
            Typestate::Send => {
                Site::Send { chan: self.slot(word(0)?)?, value: self.carried(at, 0, word(1)?)? }
            }
            Typestate::Receive => {
                Site::Receive { chan: self.slot(word(0)?)?, dst: self.carried(at, 0, word(1)?)? }
            }
            Typestate::Offer => {
                let label = LabelId(u16::try_from(id(1)?).ok()?);
                // Without a register the message carries unit, as register 0 holds it.
                let value = self.carried(at, 0, optional(word(2)?).unwrap_or(0))?;
                Site::Offer { chan: self.slot(word(0)?)?, label, value }
            }
            Typestate::Choose => {
                targets = self.arm_targets(word(3)?)?;
                Site::Choose { chan: self.slot(word(0)?)?, arms: self.arms(at, word(1)?, word(2)?)? }
            }
            Typestate::Open => Site::Open { shape: ShapeId(id(0)?), dsts: self.slots_of(word(1)?)? },
            Typestate::Close => Site::Close { chan: self.slot(word(0)?)? },
            Typestate::Effect => Site::Invoke {
                effect: EffectId(id(0)?),
                args: self.slots_of(word(1)?)?,
                dst: self.optional_slot(word(2)?)?,
            },
            Typestate::Acquire => Site::Acquire { layer: LayerId(id(0)?), dst: self.slot(word(1)?)? },
            Typestate::Release => Site::Release { layer: LayerId(id(0)?), evidence: self.slot(word(1)?)? },
            Typestate::Fork => Site::Fork { ghost: self.slot(word(0)?)? },
            Typestate::Join => Site::Join,
            Typestate::Abort => Site::Abort,
            Typestate::Transfer => Site::Transfer {
                chan: self.slot(word(0)?)?,
                target: self.slot(word(1)?)?,
                bundle: self.optional_slot(word(2)?)?,
            },
            Typestate::Tag => Site::Tag { fact: self.slot(word(0)?)?, dst: self.slot(word(1)?)? },
            Typestate::Check => Site::Check {
                knowledge: self.slot(word(0)?)?,
                target: self.slot(word(1)?)?,
                dst: self.slot(word(2)?)?,
            },
            Typestate::Spawn => Site::Spawn {
                func: FuncId(id(0)?),
                args: self.slots_of(word(1)?)?,
                dst: self.optional_slot(word(2)?)?,
            },
            Typestate::Yield => Site::Yield,
            Typestate::Halt => Site::Halt,
            Typestate::None | Typestate::Move | Typestate::Call | Typestate::TailCall | Typestate::Return => {
                return None;
            }
        };
        let halts = site.is_halt();
        let index = u32::try_from(self.sites.len()).ok()?;
        self.sites.push(SessionInstr { at, site });
        Some(ExecInstr::Session { site: index, targets, halts })
    }

    fn arms(&self, at: InstrIx, labels: u64, dsts: u64) -> Option<Box<[Arm]>> {
        let pairs = self.code.list(labels).iter().zip(self.code.list(dsts));
        let arm = |(target, (&label, &dst)): (u32, (&u32, &u32))| {
            let dst = self.carried(at, target as usize, dst.into())?;
            Some(Arm { label: LabelId(u16::try_from(label).ok()?), target, dst })
        };
        let mut arms: Box<[Arm]> = (0..).zip(pairs).map(arm).collect::<Option<_>>()?;
        // Of equal labels, which unchecked programs may have, the first one counts.
        arms.sort_by_key(|arm| arm.label);
        Some(arms)
    }

    fn arm_targets(&mut self, list: u64) -> Option<TargetList> {
        let start = u32::try_from(self.targets.len()).ok()?;
        for &pc in self.code.list(list) {
            let target = self.target(pc.into())?;
            self.targets.push(target);
        }
        Some(TargetList { start, len: u32::try_from(self.targets.len()).ok()? - start })
    }

    /// A register that holds a payload: the `n`-th of the instruction.
    fn carried(&self, at: InstrIx, n: usize, reg: u64) -> Option<Carried> {
        let payload = self.source.messages_at(at).get(n).copied().unwrap_or(Carried::NONE);
        let def = self.verified.program().sessions().payload(payload);
        let carries = def.map_or(Carries::Plain, Carries::of);
        Some(Carried { slot: self.slot(reg)?, width: u8::try_from(self.width(reg)?).ok()?, payload, carries })
    }

    fn slots_of(&self, list: u64) -> Option<Box<[Slot]>> {
        let mut slots = Vec::new();
        for &reg in self.code.list(list) {
            let first = self.slot(reg.into())?;
            slots.extend((0..self.width(reg.into())?).map(|n| first + n));
        }
        Some(slots.into())
    }

    /// The slot of a register that may be left out. `Some(None)` where it is, and where it has no slot.
    fn optional_slot(&self, word: u64) -> Option<Option<Slot>> {
        match optional(word) {
            Some(reg) if self.width(reg)? > 0 => self.slot(reg).map(Some),
            _ => Some(None),
        }
    }
}

/// The register in the word of an optional one.
fn optional(word: u64) -> Option<u64> {
    word.checked_sub(1)
}
