//! The functions of a case's program: one for each coroutine that it starts with, one for each place and kind of
//! arguments that a `spawn` begins with.

use super::case::{Run, Setup};
use super::flow::{Flow, Held, Registers, Scene};
use super::instr::Instr;
use super::shapes::Shapes;
use super::values::{Class, Literal};
use crate::fields::Result;
use std::collections::{BTreeMap, BTreeSet};

/// Something that the code of a case takes from nowhere, and a function of the VM from a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extra {
    /// The value that stands for nothing said.
    Zero(Class),
    /// The coroutine with this number.
    Coroutine(u32),
}

/// A function of the program.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    /// The place of its role.
    pub(super) role: usize,
    /// The registers that are parameters, with what they hold. The extras of the role come behind them.
    pub(super) params: Vec<(u32, Held)>,
    pub(super) flow: Flow,
}

/// What begins at a `spawn`: role, first instruction, arguments.
type Spawned = (usize, usize, Vec<Held>);

/// All functions of a case.
#[derive(Debug)]
pub(super) struct Plan<'r> {
    run: &'r Run,
    pub(super) shapes: Shapes,
    /// Those of the coroutines at the start come first, in their order.
    pub(super) functions: Vec<Function>,
    spawned: BTreeMap<Spawned, usize>,
    /// By role.
    pub(super) extras: Vec<BTreeSet<Extra>>,
}

impl<'r> Plan<'r> {
    pub(super) fn new(run: &'r Run) -> Result<Self> {
        let extras = vec![BTreeSet::new(); run.roles.len()];
        let (functions, spawned) = (Vec::new(), BTreeMap::new());
        let mut plan = Self { run, shapes: Shapes::of(run)?, functions, spawned, extras };
        for coro in 0..run.instances * run.roles.len() {
            plan.add_entry(coro)?;
        }
        let mut at = 0;
        while at < plan.functions.len() {
            plan.look_into(at)?;
            at += 1;
        }
        Ok(plan)
    }

    /// What the code of a role does with registers.
    pub(super) fn scene(&self, role: usize) -> Result<Scene<'_>> {
        let role = self.run.roles.get(role).ok_or("there is no such role")?;
        Ok(Scene { shapes: &self.shapes, code: &role.code, effect: self.run.script.written(&role.name)? })
    }

    fn add_entry(&mut self, coro: usize) -> Result<()> {
        let role = coro % self.run.roles.len();
        let mut params = vec![(0, Held::Chan(self.shapes.entry(0, role)))];
        params.extend(registers(self.run, coro).map(|(reg, value)| (reg, Held::exactly(value))));
        let name = self.run.roles.get(role).map_or("", |role| &role.name);
        let name =
            if coro == role { name.to_owned() } else { format!("{name}#{}", coro / self.run.roles.len()) };
        self.add(name, role, 0, params).map(|_| ())
    }

    fn add(&mut self, name: String, role: usize, start: usize, params: Vec<(u32, Held)>) -> Result<usize> {
        let mut entry = vec![Held::Unit; self.run.config.registers as usize];
        for (reg, held) in &params {
            let slot = entry.get_mut(*reg as usize);
            *slot.ok_or_else(|| format!("there is no register {reg} that the VM could name"))? = held.clone();
        }
        let flow =
            Flow::follow(self.scene(role)?, start, entry).map_err(|error| format!("{name}: {error}"))?;
        self.functions.push(Function { name, role, params, flow });
        Ok(self.functions.len() - 1)
    }

    /// Finds what a function spawns, and what it takes from nowhere.
    fn look_into(&mut self, at: usize) -> Result<()> {
        let (mut spawned, mut extras) = (Vec::new(), Vec::new());
        let function = self.functions.get(at).ok_or("there is no such function")?;
        let (role, code) = (function.role, self.scene(function.role)?.code);
        for (pc, regs) in function.flow.steps() {
            match code.get(pc) {
                Some(Instr::Spawn { target, args }) => spawned.push((*target, arguments(regs, args)?)),
                Some(Instr::Offer { chan, label, val: None }) => {
                    let sent = self.shapes.sent(regs.end(*chan)?, Some(label));
                    let class = sent.map(|(class, _)| class).filter(|&class| class != Class::Unit);
                    extras.extend(class.map(Extra::Zero));
                }
                Some(Instr::Transfer { target, .. }) => extras.push(coroutine(regs, *target)?),
                _ => {}
            }
        }
        self.extras.get_mut(role).ok_or("there is no such role")?.extend(extras);
        for (start, args) in spawned {
            let key = (role, start, args);
            if !self.spawned.contains_key(&key) {
                let params = (0..).zip(key.2.iter().cloned()).filter(|(_, held)| *held != Held::Unit);
                let name = self.run.roles.get(role).map_or("", |role| &role.name);
                let name = format!("{name}@{start}.{}", self.spawned.len());
                let function = self.add(name, role, start, params.collect())?;
                self.spawned.insert(key, function);
            }
        }
        Ok(())
    }

    /// The function that a `spawn` of a role begins.
    pub(super) fn callee(&self, role: usize, start: usize, regs: &Registers, args: &[u32]) -> Result<usize> {
        let found = self.spawned.get(&(role, start, arguments(regs, args)?));
        found.copied().ok_or_else(|| format!("nothing begins at pc {start}"))
    }
}

/// What the host puts into registers of a coroutine before it runs; of several values of one register the last.
pub(super) fn registers(run: &Run, coro: usize) -> impl Iterator<Item = (u32, &Literal)> {
    let set = run.setup.iter().filter_map(move |setup| match setup {
        Setup::Register(of, reg, value) if *of == coro => Some((*reg, value)),
        _ => None,
    });
    set.collect::<BTreeMap<u32, &Literal>>().into_iter()
}

fn arguments(regs: &Registers, args: &[u32]) -> Result<Vec<Held>> {
    args.iter().map(|&arg| Ok(regs.get(arg)?.as_argument())).collect()
}

/// The coroutine that a register names by its number.
pub(super) fn coroutine(regs: &Registers, reg: u32) -> Result<Extra> {
    match regs.get(reg)? {
        Held::Nat(Some(number)) => {
            let number = u32::try_from(*number).map_err(|_| format!("there is no coroutine {number}"))?;
            Ok(Extra::Coroutine(number))
        }
        other => Err(format!("register {reg} holds {other:?}, which names no coroutine of the VM")),
    }
}
