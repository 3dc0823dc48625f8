//! The code of a party, from its abstract code.

use super::{PartyParam, Plan};
use crate::builder::{BuildError, FuncBuilder, Label, Operand, ProgramBuilder};
use crate::ids::{EffectId, Reg};
use crate::protocol::{AbstractOp, Arm, Code, Payload};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use opforge_tables::Opcode;

/// Multiplier and increment of the random numbers, those of Knuth's MMIX. The upper half of the bits is used.
const NEXT: [u64; 2] = [6_364_136_223_846_793_005, 1_442_695_040_888_963_407];

/// Holds unit, and takes it: the register of the effect token.
const UNIT: Reg = Reg(0);

/// Registers for random choices.
#[derive(Clone, Copy, Debug)]
struct Dice {
    seed: Reg,
    rounds: Reg,
    zero: Reg,
    one: Reg,
    half: Reg,
    next: [Reg; 2],
    more: Reg,
    roll: Reg,
    arms: Reg,
}

/// Emits one function.
#[derive(Debug)]
pub(super) struct Emitter<'b, 'isa, 'c> {
    program: &'b mut ProgramBuilder<'isa>,
    body: FuncBuilder<'isa>,
    code: &'c Code,
    step: Option<EffectId>,
    chan: Reg,
    regs: BTreeMap<Payload, Reg>,
    dice: Option<Dice>,
    /// By instruction, for those that something goes to.
    labels: Vec<Option<Label>>,
    ways_out: Vec<Option<usize>>,
}

impl<'b, 'isa, 'c> Emitter<'b, 'isa, 'c> {
    pub(super) fn new(
        program: &'b mut ProgramBuilder<'isa>,
        mut body: FuncBuilder<'isa>,
        code: &'c Code,
        plan: &Plan,
        step: Option<EffectId>,
    ) -> Self {
        let mut regs = BTreeMap::new();
        let (mut seed, mut rounds) = (None, None);
        for (place, param) in (0u32..).zip(&plan.params) {
            let reg = body.param(place);
            match param {
                PartyParam::Endpoint => {}
                PartyParam::Seed => seed = Some(reg),
                PartyParam::Rounds => rounds = Some(reg),
                PartyParam::Payload(payload) => _ = regs.insert(payload.clone(), reg),
            }
        }
        for payload in plan.made.iter().chain(&plan.received) {
            regs.insert(payload.clone(), body.reg());
        }
        let dice = seed.zip(rounds).map(|(seed, rounds)| Dice {
            seed,
            rounds,
            zero: body.reg(),
            one: body.reg(),
            half: body.reg(),
            next: [body.reg(), body.reg()],
            more: body.reg(),
            roll: body.reg(),
            arms: body.reg(),
        });
        let mut labels = vec![None; code.ops().len()];
        let mut goes_to = |to: usize| {
            if let Some(slot @ None) = labels.get_mut(to) {
                *slot = Some(body.label());
            }
        };
        for op in code.ops() {
            code.arms(op).iter().for_each(|arm| goes_to(arm.target));
            if let AbstractOp::Jump { target } = op {
                goes_to(*target);
            }
        }
        let (chan, ways_out) = (body.param(0), code.ways_out());
        Self { program, body, code, step, chan, regs, dice, labels, ways_out }
    }

    pub(super) fn emit(mut self, made: &[Payload]) -> Result<FuncBuilder<'isa>, BuildError> {
        if let Some(dice) = self.dice {
            let numbers = [(dice.zero, 0), (dice.one, 1), (dice.half, 32)];
            for (reg, number) in numbers.into_iter().chain(dice.next.into_iter().zip(NEXT)) {
                self.body.emit(Opcode::ConstU64, &[reg.into(), number.into()])?;
            }
        }
        for payload in made {
            if let Payload::Tuple(tuple) = payload {
                let parts: Vec<Reg> = tuple.elements().iter().map(|part| self.reg(part)).collect();
                self.body.emit(Opcode::TupleNew, &[self.reg(payload).into(), parts.as_slice().into()])?;
            }
        }
        let code = self.code;
        let mut runs_on = self.body.pc() > 0;
        for (pc, op) in code.ops().iter().enumerate() {
            if let Some(label) = self.labels.get(pc).copied().flatten() {
                // Control does not run into a place that something goes to.
                if runs_on {
                    self.body.emit(Opcode::Jmp, &[label.into()])?;
                }
                self.body.place(label)?;
            }
            self.op(op)?;
            runs_on = match op {
                AbstractOp::Jump { .. } | AbstractOp::Halt => false,
                op => code.arms(op).is_empty(),
            };
        }
        Ok(self.body)
    }

    /// Where a payload is.
    fn reg(&self, payload: &Payload) -> Reg {
        self.regs.get(payload).copied().unwrap_or(UNIT)
    }

    fn target(&self, pc: usize) -> Result<Label, BuildError> {
        self.labels.get(pc).copied().flatten().ok_or(BuildError::UnknownLabel)
    }

    fn op(&mut self, op: &AbstractOp) -> Result<(), BuildError> {
        let (code, chan) = (self.code, self.chan);
        match op {
            AbstractOp::Send { payload, .. } => {
                self.body.emit(Opcode::Send, &[chan.into(), self.reg(payload).into()])
            }
            AbstractOp::Receive { payload, .. } => {
                self.body.emit(Opcode::Receive, &[chan.into(), self.reg(payload).into()])
            }
            AbstractOp::Offer { label, payload, .. } => {
                let label = self.program.message_label(label)?;
                let value = Some(self.reg(payload)).filter(|_| !payload.is_unit());
                self.body.emit(Opcode::Offer, &[chan.into(), label.into(), value.into()])
            }
            AbstractOp::Choose { .. } => self.choose(code.arms(op)),
            AbstractOp::Pick { .. } => self.pick(code.arms(op)),
            AbstractOp::Invoke => match self.step {
                Some(step) => {
                    let none: &[Reg] = &[];
                    self.body.emit(Opcode::Invoke, &[step.into(), none.into(), Operand::OptReg(None)])
                }
                None => Ok(()),
            },
            AbstractOp::Jump { target } => {
                let target = self.target(*target)?;
                self.body.emit(Opcode::Jmp, &[target.into()])
            }
            AbstractOp::Halt => self.body.emit(Opcode::Halt, &[]),
        }
    }

    fn choose(&mut self, arms: &[Arm]) -> Result<(), BuildError> {
        let (mut labels, mut dsts, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for arm in arms {
            labels.push(self.program.message_label(&arm.label)?);
            dsts.push(self.reg(&arm.payload));
            targets.push(self.target(arm.target)?);
        }
        let operands =
            [self.chan.into(), labels.as_slice().into(), dsts.as_slice().into(), targets.as_slice().into()];
        self.body.emit(Opcode::Choose, &operands)
    }

    /// Goes to a random arm; when the rounds are over, to the one that leads out soonest, if any does.
    fn pick(&mut self, arms: &[Arm]) -> Result<(), BuildError> {
        let Some(dice) = self.dice else { return Err(BuildError::UnknownLabel) };
        let targets = arms.iter().map(|arm| self.target(arm.target)).collect::<Result<Vec<_>, _>>()?;
        let way = |arm: &Arm| self.ways_out.get(arm.target).copied().flatten();
        let soonest = arms.iter().filter_map(|arm| Some((way(arm)?, arm.target))).min();
        if let Some((_, target)) = soonest {
            let (out, on) = (self.target(target)?, self.body.label());
            self.body.emit(Opcode::U64Gt, &[dice.more.into(), dice.rounds.into(), dice.zero.into()])?;
            self.body.emit(Opcode::Br, &[dice.more.into(), on.into(), out.into()])?;
            self.body.place(on)?;
            self.body.emit(Opcode::U64Sub, &[dice.rounds.into(), dice.rounds.into(), dice.one.into()])?;
        }
        let [factor, increment] = dice.next;
        self.body.emit(Opcode::U64Mul, &[dice.seed.into(), dice.seed.into(), factor.into()])?;
        self.body.emit(Opcode::U64Add, &[dice.seed.into(), dice.seed.into(), increment.into()])?;
        self.body.emit(Opcode::U64Shr, &[dice.roll.into(), dice.seed.into(), dice.half.into()])?;
        self.body.emit(Opcode::ConstU64, &[dice.arms.into(), (arms.len() as u64).into()])?;
        self.body.emit(Opcode::U64Rem, &[dice.roll.into(), dice.roll.into(), dice.arms.into()])?;
        let (last, others) = targets.split_last().ok_or(BuildError::UnknownLabel)?;
        self.body.emit(Opcode::BrTable, &[dice.roll.into(), others.into(), (*last).into()])
    }
}
