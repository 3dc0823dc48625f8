//! The code of one function of a case.

use super::flow::Registers;
use super::instr::Instr;
use super::plan::{self, Extra, Function, Plan};
use super::program::{EffectKey, effect_of};
use super::values::{Class, Literal};
use crate::fields::Result;
use opforge::Opcode;
use opforge::builder::{BuildError, ConstValue, FuncBuilder, Label, Operand, ProgramBuilder};
use opforge::ids::{EffectId, FuncId, LayerId, Reg, ShapeId};
use opforge::protocol::LabelId;
use std::collections::BTreeMap;

/// Everything that code refers to.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) shapes: Vec<ShapeId>,
    pub(super) layers: BTreeMap<String, LayerId>,
    pub(super) effects: BTreeMap<EffectKey, EffectId>,
    pub(super) funcs: Vec<FuncId>,
}

/// The code of a function on its way.
#[derive(Debug)]
pub(super) struct Code<'c> {
    plan: &'c Plan<'c>,
    function: &'c Function,
    declared: &'c Declared,
    body: FuncBuilder<'static>,
    /// The register of each class of each register of the case.
    regs: BTreeMap<(u32, Class), Reg>,
    /// Registers for what arms of a choice carry, which the case does not keep.
    unread: BTreeMap<Class, Reg>,
    extras: BTreeMap<Extra, Reg>,
    /// Where blocks begin.
    labels: Vec<Label>,
}

/// A function's code, and by instruction where the registers of the case are that do not hold unit.
type Done = (FuncBuilder<'static>, Vec<Vec<(u32, Option<Reg>)>>);

/// Unit takes no room, and the register of the effect token holds it.
const UNIT: Reg = Reg(0);

fn said(error: BuildError) -> String {
    error.to_string()
}

impl<'c> Code<'c> {
    /// Writes the code of function `at`.
    pub(super) fn of(
        plan: &'c Plan<'c>,
        function: &'c Function,
        declared: &'c Declared,
        at: usize,
        builder: &mut ProgramBuilder<'static>,
    ) -> Result<Done> {
        let func = declared.funcs.get(at).ok_or("there is no such function")?;
        let mut body = builder.begin(*func).map_err(said)?;
        let labels = function.flow.blocks.iter().map(|_| body.label()).collect();
        let (regs, unread, extras) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut code = Self { plan, function, declared, body, regs, unread, extras, labels };
        code.name_params()?;
        let mut places = Vec::new();
        let instrs = plan.scene(function.role)?.code;
        for (block, label) in function.flow.blocks.iter().zip(code.labels.clone()) {
            code.body.place(label).map_err(said)?;
            for (pc, regs) in &block.steps {
                let instr = instrs.get(*pc).ok_or("control leaves the code")?;
                places.push(code.places(regs));
                let written = code.instr(instr, regs, &block.next, builder);
                written.map_err(|error| format!("pc {pc}, {}: {error}", instr.name()))?;
            }
        }
        Ok((code.body, places))
    }

    fn name_params(&mut self) -> Result<()> {
        let mut params = 0..;
        let mut next = || self.body.param(params.next().unwrap_or(0));
        for (reg, held) in &self.function.params {
            let class = held.class().ok_or_else(|| format!("argument {reg} is not one thing"))?;
            self.regs.insert((*reg, class), next());
        }
        for extra in self.plan.extras.get(self.function.role).into_iter().flatten() {
            self.extras.insert(*extra, next());
        }
        Ok(())
    }

    /// Where a block begins.
    fn label(&self, block: usize) -> Result<Label> {
        self.labels.get(block).copied().ok_or_else(|| "there is no such block".to_owned())
    }

    /// The register of a class.
    fn reg(&mut self, reg: u32, class: Class) -> Reg {
        if class == Class::Unit {
            return UNIT;
        }
        *self.regs.entry((reg, class)).or_insert_with(|| self.body.reg())
    }

    /// The register that holds what a register of the case holds.
    fn read(&mut self, regs: &Registers, reg: u32) -> Result<Reg> {
        let class = regs.class(reg)?;
        Ok(self.reg(reg, class))
    }

    /// The register that holds what a register of the case holds, which must be of a class.
    fn read_as(&mut self, regs: &Registers, reg: u32, class: Class) -> Result<Reg> {
        match regs.class(reg)? {
            found if found == class => Ok(self.reg(reg, class)),
            found => Err(format!("register {reg} holds {found}, where the VM has only {class}")),
        }
    }

    fn places(&mut self, regs: &Registers) -> Vec<(u32, Option<Reg>)> {
        let held = (0u32..).zip(&regs.now).map(|(reg, held)| (reg, held.class()));
        let held: Vec<(u32, Option<Class>)> = held.filter(|(_, class)| *class != Some(Class::Unit)).collect();
        held.into_iter().map(|(reg, class)| (reg, class.map(|class| self.reg(reg, class)))).collect()
    }

    fn emit(&mut self, opcode: Opcode, operands: &[Operand<'_>]) -> Result<()> {
        self.body.emit(opcode, operands).map_err(said)
    }

    /// One instruction of the case as one of the VM. `next` are the blocks that it goes to.
    fn instr(
        &mut self,
        instr: &Instr,
        regs: &Registers,
        next: &[usize],
        builder: &mut ProgramBuilder<'static>,
    ) -> Result<()> {
        match instr {
            Instr::Send { .. } | Instr::Receive { .. } | Instr::Offer { .. } => {
                self.message(instr, regs, builder)
            }
            Instr::Choose { chan, table } => self.choose(*chan, (table, next), regs, builder),
            Instr::Open(_)
            | Instr::Close { .. }
            | Instr::Acquire { .. }
            | Instr::Release { .. }
            | Instr::Transfer { .. }
            | Instr::Spawn { .. } => self.ownership(instr, regs),
            Instr::Invoke { action } => self.invoke(action, regs),
            Instr::Fork { ghost } => {
                let ghost = self.read_as(regs, *ghost, Class::Nat)?;
                self.emit(Opcode::Fork, &[ghost.into()])
            }
            Instr::Join => self.emit(Opcode::Join, &[]),
            Instr::Abort => self.emit(Opcode::Abort, &[]),
            Instr::Tag { fact, dst } => {
                let fact = self.read_as(regs, *fact, Class::Fact)?;
                let dst = self.reg(*dst, Class::Bool);
                self.emit(Opcode::Tag, &[fact.into(), dst.into()])
            }
            Instr::Check { knowledge, target, dst } => {
                let knowledge = self.read_as(regs, *knowledge, Class::Fact)?;
                let target = self.read_as(regs, *target, Class::Text)?;
                let dst = self.reg(*dst, Class::Bool);
                self.emit(Opcode::Check, &[knowledge.into(), target.into(), dst.into()])
            }
            Instr::Set { dst, val } => self.set(*dst, val, builder),
            Instr::Move { dst, src } => {
                let class = regs.class(*src)?;
                let (dst, src) = (self.reg(*dst, class), self.reg(*src, class));
                self.emit(Opcode::Mov, &[dst.into(), src.into()])
            }
            Instr::Jump { .. } => {
                let target = self.label(next.first().copied().unwrap_or(usize::MAX))?;
                self.emit(Opcode::Jmp, &[target.into()])
            }
            Instr::Yield => self.emit(Opcode::Yield, &[]),
            Instr::Halt => self.emit(Opcode::Halt, &[]),
        }
    }

    fn message(
        &mut self,
        instr: &Instr,
        regs: &Registers,
        builder: &mut ProgramBuilder<'static>,
    ) -> Result<()> {
        let shapes = &self.plan.shapes;
        match instr {
            Instr::Send { chan, val } => {
                let (chan, val) = (self.read_as(regs, *chan, Class::Chan)?, self.read(regs, *val)?);
                self.emit(Opcode::Send, &[chan.into(), val.into()])
            }
            Instr::Receive { chan, dst } => {
                let received = shapes.received(regs.end(*chan)?, None);
                let dst = self.reg(*dst, received.map_or(Class::Unit, |(class, _)| class));
                let chan = self.reg(*chan, Class::Chan);
                self.emit(Opcode::Receive, &[chan.into(), dst.into()])
            }
            Instr::Offer { chan, label, val } => {
                let class =
                    shapes.sent(regs.end(*chan)?, Some(label)).map_or(Class::Unit, |(class, _)| class);
                let value = match (class, val) {
                    // What carries nothing is sent without a register, and something is not sent so.
                    (Class::Unit, Some(val)) if regs.class(*val)? != Class::Unit => {
                        Some(self.read(regs, *val)?)
                    }
                    (Class::Unit, _) => None,
                    (_, Some(val)) => Some(self.read(regs, *val)?),
                    (class, None) => self.extras.get(&Extra::Zero(class)).copied(),
                };
                let chan = self.reg(*chan, Class::Chan);
                let label = builder.message_label(label).map_err(said)?;
                self.emit(Opcode::Offer, &[chan.into(), label.into(), value.into()])
            }
            _ => Err("is no message".to_owned()),
        }
    }

    fn choose(
        &mut self,
        chan: u32,
        (table, next): (&[(String, usize)], &[usize]),
        regs: &Registers,
        builder: &mut ProgramBuilder<'static>,
    ) -> Result<()> {
        let end = regs.end(chan)?;
        let (mut labels, mut dsts, mut targets) = (Vec::<LabelId>::new(), Vec::new(), Vec::new());
        for ((label, _), &block) in table.iter().zip(next) {
            let received = self.plan.shapes.received(end, Some(label));
            dsts.push(self.unread(received.map_or(Class::Unit, |(class, _)| class)));
            labels.push(builder.message_label(label).map_err(said)?);
            targets.push(self.label(block)?);
        }
        let chan = self.reg(chan, Class::Chan);
        self.emit(Opcode::Choose, &[chan.into(), labels[..].into(), dsts[..].into(), targets[..].into()])
    }

    /// A register that nothing of the case is in.
    fn unread(&mut self, class: Class) -> Reg {
        match class {
            Class::Unit => UNIT,
            class => *self.unread.entry(class).or_insert_with(|| self.body.reg()),
        }
    }

    fn ownership(&mut self, instr: &Instr, regs: &Registers) -> Result<()> {
        let layer_of = |name: &String| {
            self.declared.layers.get(name).copied().ok_or_else(|| format!("there is no layer {name}"))
        };
        match instr {
            Instr::Open(open) => {
                let at = self.plan.shapes.opened(open);
                let shape =
                    at.and_then(|at| self.declared.shapes.get(at)).ok_or("there is no such session")?;
                let dsts: Vec<Reg> =
                    open.roles.iter().map(|(_, _, dst)| self.reg(*dst, Class::Chan)).collect();
                self.emit(Opcode::Open, &[(*shape).into(), dsts[..].into()])
            }
            Instr::Close { session } => {
                let chan = self.read_as(regs, *session, Class::Chan)?;
                self.emit(Opcode::Close, &[chan.into()])
            }
            Instr::Acquire { layer, dst } => {
                let (layer, dst) = (layer_of(layer)?, self.reg(*dst, Class::Evidence));
                self.emit(Opcode::Acquire, &[layer.into(), dst.into()])
            }
            Instr::Release { layer, evidence } => {
                let layer = layer_of(layer)?;
                let evidence = self.read_as(regs, *evidence, Class::Evidence)?;
                self.emit(Opcode::Release, &[layer.into(), evidence.into()])
            }
            Instr::Transfer { endpoint, target, bundle } => {
                // What goes along are bytes, which no register of a case holds.
                regs.get(*bundle)?;
                let chan = self.read_as(regs, *endpoint, Class::Chan)?;
                let target = self.extras.get(&plan::coroutine(regs, *target)?).copied();
                let target = target.ok_or("there is no such coroutine")?;
                self.emit(Opcode::Transfer, &[chan.into(), target.into(), None.into()])
            }
            Instr::Spawn { target, args } => {
                let callee = self.plan.callee(self.function.role, *target, regs, args)?;
                let func = *self.declared.funcs.get(callee).ok_or("there is no such function")?;
                let mut given = Vec::new();
                for &arg in args {
                    given.push(self.read(regs, arg)?);
                }
                given.retain(|&reg| reg != UNIT);
                given.extend(self.extras.values());
                self.emit(Opcode::Spawn, &[func.into(), given[..].into(), None.into()])
            }
            _ => Err("changes no owner".to_owned()),
        }
    }

    fn invoke(&mut self, action: &str, regs: &Registers) -> Result<()> {
        let written = self.plan.scene(self.function.role)?.effect;
        let now = match written {
            Some((reg, _)) => regs.get(reg)?.class(),
            None => None,
        };
        let key = effect_of(action, written.map(|(_, class)| class), now);
        let effect =
            *self.declared.effects.get(&key).ok_or_else(|| format!("there is no effect {action}"))?;
        let dst = written.map(|(reg, class)| self.reg(reg, class));
        let args: Vec<Reg> = key.1.and(dst).into_iter().collect();
        self.emit(Opcode::Invoke, &[effect.into(), args[..].into(), dst.into()])
    }

    fn set(&mut self, dst: u32, value: &Literal, builder: &mut ProgramBuilder<'static>) -> Result<()> {
        let dst = Operand::Reg(self.reg(dst, value.class()));
        match value {
            Literal::Unit => self.emit(Opcode::ConstUnit, &[dst]),
            Literal::Bool(v) => self.emit(Opcode::ConstBool, &[dst, (*v).into()]),
            Literal::Nat(v) => self.emit(Opcode::ConstU64, &[dst, (*v).into()]),
            Literal::Text(text) => {
                let text = builder.constant(ConstValue::Str(text)).map_err(said)?;
                self.emit(Opcode::ConstPool, &[dst, text.into()])
            }
            Literal::Fact { .. } => Err("no instruction of a case makes a fact".to_owned()),
        }
    }
}
