//! What the registers of a case hold at each place of its code.
//!
//! A register of a case holds anything, one after another; one of the VM holds values of one type. So the classes are
//! followed through the code first, and each class gets a register of its own. Code that is come to with other classes is
//! written once more: then it is known at each place where everything is. Nor does the code of the VM run on into what
//! is jumped to, so what is come to both ways is written twice, too.

use super::instr::Instr;
use super::shapes::{End, Shapes};
use super::values::{Class, Literal};
use crate::fields::Result;
use std::collections::{BTreeMap, BTreeSet};

/// What a register holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    Unit,
    Bool,
    /// A number, where it is known which.
    Nat(Option<u64>),
    Text,
    Fact,
    /// An endpoint, where it is known of what and in which state.
    Chan(Option<End>),
    Evidence(String),
    /// One thing on some paths, another on others; only behind an abort that goes back to several forks.
    Mixed,
}

impl Held {
    /// The class, where there is one.
    pub(super) const fn class(&self) -> Option<Class> {
        Some(match self {
            Self::Unit => Class::Unit,
            Self::Bool => Class::Bool,
            Self::Nat(_) => Class::Nat,
            Self::Text => Class::Text,
            Self::Fact => Class::Fact,
            Self::Chan(_) => Class::Chan,
            Self::Evidence(_) => Class::Evidence,
            Self::Mixed => return None,
        })
    }

    /// Some value of a class that is neither an endpoint nor evidence.
    pub(super) const fn some(class: Class) -> Self {
        match class {
            Class::Unit => Self::Unit,
            Class::Bool => Self::Bool,
            Class::Nat => Self::Nat(None),
            Class::Text => Self::Text,
            Class::Fact => Self::Fact,
            Class::Chan => Self::Chan(None),
            Class::Evidence => Self::Mixed,
        }
    }

    /// This value.
    pub(super) const fn exactly(value: &Literal) -> Self {
        match value {
            Literal::Nat(v) => Self::Nat(Some(*v)),
            other => Self::some(other.class()),
        }
    }

    /// As an argument of a function that is the same for all numbers.
    pub(super) fn as_argument(&self) -> Self {
        match self {
            Self::Nat(_) => Self::Nat(None),
            other => other.clone(),
        }
    }

    /// What code is written once for.
    fn key(&self) -> Self {
        match self {
            Self::Nat(_) => Self::Nat(None),
            Self::Chan(_) => Self::Chan(None),
            other => other.clone(),
        }
    }

    fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a.clone(),
            (Self::Nat(_), Self::Nat(_)) => Self::Nat(None),
            (Self::Chan(_), Self::Chan(_)) => Self::Chan(None),
            _ => Self::Mixed,
        }
    }
}

/// What all registers hold, now and at the forks that are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registers {
    pub(super) now: Vec<Held>,
    forks: Vec<Vec<Held>>,
}

impl Registers {
    pub(super) const fn new(now: Vec<Held>) -> Self {
        Self { now, forks: Vec::new() }
    }

    /// What a register holds.
    pub(super) fn get(&self, reg: u32) -> Result<&Held> {
        self.now.get(reg as usize).ok_or_else(|| format!("there is no register {reg} that the VM could name"))
    }

    /// The class of a register that is read.
    pub(super) fn class(&self, reg: u32) -> Result<Class> {
        let class = self.get(reg)?.class();
        class.ok_or_else(|| format!("register {reg} holds different things on different paths"))
    }

    /// The endpoint in a register, as far as it is known.
    pub(super) fn end(&self, reg: u32) -> Result<Option<End>> {
        match self.get(reg)? {
            Held::Chan(end) => Ok(*end),
            other => {
                Err(format!("register {reg} holds {other:?}, which the VM does not take for an endpoint"))
            }
        }
    }

    fn set(&mut self, reg: u32, held: Held) -> Result<()> {
        self.get(reg)?;
        if let Some(slot) = self.now.get_mut(reg as usize) {
            *slot = held;
        }
        Ok(())
    }

    /// Takes in another path; whether that changed anything.
    fn join(&mut self, other: &Self) -> bool {
        let before = self.clone();
        let join_all = |mine: &mut Vec<Held>, theirs: &[Held]| {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = mine.join(theirs));
        };
        join_all(&mut self.now, &other.now);
        // Whether paths may differ so is for the verifier to say.
        self.forks.truncate(other.forks.len());
        self.forks.iter_mut().zip(&other.forks).for_each(|(mine, theirs)| join_all(mine, theirs));
        *self != before
    }
}

/// What code does with registers beyond what stands in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'s> {
    pub(super) shapes: &'s Shapes,
    pub(super) code: &'s [Instr],
    /// The register that effects write, and the class that they leave in it.
    pub(super) effect: Option<(u32, Class)>,
}

/// Code without a target in it: from where control comes to, to where it goes elsewhere or ends.
#[derive(Debug)]
pub(super) struct Block {
    /// The first instruction.
    start: usize,
    /// What registers hold there.
    entry: Registers,
    /// Its instructions, with what registers hold before each.
    pub(super) steps: Vec<(usize, Registers)>,
    /// The blocks that the last instruction goes to.
    pub(super) next: Vec<usize>,
}

/// The code that is come to from a first instruction. The block of that is the first one.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) blocks: Vec<Block>,
    found: BTreeMap<(usize, Vec<Held>), usize>,
    todo: BTreeSet<usize>,
}

impl Flow {
    /// Blocks that code may become. Case files stay far below.
    const MAX_BLOCKS: usize = 4096;

    /// Follows the code from `start` on.
    pub(super) fn follow(scene: Scene<'_>, start: usize, entry: Vec<Held>) -> Result<Self> {
        let mut flow = Self::default();
        flow.come_to(start, Registers::new(entry))?;
        while let Some(at) = flow.todo.pop_first() {
            flow.walk(scene, at)?;
        }
        Ok(flow)
    }

    /// Every instruction, with what registers hold before.
    pub(super) fn steps(&self) -> impl Iterator<Item = (usize, &Registers)> {
        self.blocks.iter().flat_map(|block| &block.steps).map(|(pc, regs)| (*pc, regs))
    }

    /// The block that begins at an instruction with these classes.
    fn come_to(&mut self, start: usize, regs: Registers) -> Result<usize> {
        let key = (start, regs.now.iter().map(Held::key).collect());
        if let Some(&at) = self.found.get(&key) {
            if self.blocks.get_mut(at).is_some_and(|block| block.entry.join(&regs)) {
                self.todo.insert(at);
            }
            return Ok(at);
        }
        let at = self.blocks.len();
        if at >= Self::MAX_BLOCKS {
            return Err("the code becomes too large".to_owned());
        }
        self.blocks.push(Block { start, entry: regs, steps: Vec::new(), next: Vec::new() });
        self.found.insert(key, at);
        self.todo.insert(at);
        Ok(at)
    }

    fn walk(&mut self, scene: Scene<'_>, at: usize) -> Result<()> {
        let Some(block) = self.blocks.get(at) else { return Ok(()) };
        let (mut regs, mut steps) = (block.entry.clone(), Vec::new());
        for pc in block.start.. {
            let Some(instr) = scene.code.get(pc) else {
                return Err(format!("control comes to pc {pc}, where there is no code"));
            };
            let place = |error| format!("pc {pc}, {}: {error}", instr.name());
            steps.push((pc, regs.clone()));
            let Some(targets) = instr.targets() else {
                regs = scene.after(instr, 0, regs).map_err(place)?;
                continue;
            };
            let mut next = Vec::with_capacity(targets.len());
            for (arm, target) in targets.into_iter().enumerate() {
                let after = scene.after(instr, arm, regs.clone()).map_err(place)?;
                next.push(self.come_to(target, after)?);
            }
            if let Some(block) = self.blocks.get_mut(at) {
                (block.steps, block.next) = (steps, next);
            }
            break;
        }
        Ok(())
    }
}

impl Scene<'_> {
    /// What registers hold after an instruction, on its way to target `arm`.
    fn after(&self, instr: &Instr, arm: usize, mut regs: Registers) -> Result<Registers> {
        let moved = |message: Option<(Class, End)>| Held::Chan(message.map(|(_, end)| end));
        match instr {
            Instr::Send { chan, .. } => {
                let sent = self.shapes.sent(regs.end(*chan)?, None);
                regs.set(*chan, moved(sent))?;
            }
            Instr::Offer { chan, label, .. } => {
                let sent = self.shapes.sent(regs.end(*chan)?, Some(label));
                regs.set(*chan, moved(sent))?;
            }
            Instr::Receive { chan, dst } => {
                let received = self.shapes.received(regs.end(*chan)?, None);
                regs.set(*chan, moved(received))?;
                regs.set(*dst, Held::some(received.map_or(Class::Unit, |(class, _)| class)))?;
            }
            Instr::Choose { chan, table } => {
                let label = table.get(arm).map(|(label, _)| label.as_str());
                let received = self.shapes.received(regs.end(*chan)?, label);
                regs.set(*chan, moved(received))?;
            }
            Instr::Open(open) => {
                let shape = self.shapes.opened(open).ok_or("what is opened is not known")?;
                for (role, (_, _, dst)) in open.roles.iter().enumerate() {
                    regs.set(*dst, Held::Chan(self.shapes.entry(shape, role)))?;
                }
            }
            Instr::Close { session: chan } | Instr::Transfer { endpoint: chan, .. } => {
                regs.end(*chan)?;
                regs.set(*chan, Held::Chan(None))?;
            }
            Instr::Invoke { .. } => {
                if let Some((reg, class)) = self.effect {
                    regs.set(reg, Held::some(class))?;
                }
            }
            Instr::Acquire { layer, dst } => regs.set(*dst, Held::Evidence(layer.clone()))?,
            Instr::Release { evidence, .. } => regs.set(*evidence, Held::Unit)?,
            Instr::Fork { .. } => regs.forks.push(regs.now.clone()),
            Instr::Join => _ = regs.forks.pop(),
            Instr::Abort => regs.now = regs.forks.pop().unwrap_or(regs.now),
            Instr::Tag { dst, .. } | Instr::Check { dst, .. } => regs.set(*dst, Held::Bool)?,
            Instr::Set { dst, val } => regs.set(*dst, Held::exactly(val))?,
            Instr::Move { dst, src } => {
                let held = regs.get(*src)?.clone();
                if matches!(held, Held::Chan(_)) {
                    regs.set(*src, Held::Chan(None))?;
                }
                regs.set(*dst, held)?;
            }
            Instr::Spawn { args, .. } => {
                for &arg in args {
                    if let Held::Chan(_) = regs.get(arg)? {
                        regs.set(arg, Held::Chan(None))?;
                    }
                }
            }
            Instr::Jump { .. } | Instr::Yield | Instr::Halt => {}
        }
        Ok(regs)
    }
}
