//! The state of a body that is being written: its registers, what is known of them here, and where results go.

use crate::choices::Choices;
use crate::plan::World;
use crate::ty::{AGG, Ty};
use crate::{Dialect, GenConfig};
use opforge_vm::ValueType;
use opforge_vm::builder::{FuncBuilder, Label, ProgramBuilder};
use opforge_vm::ids::Reg;

/// A register.
#[derive(Clone, Debug)]
pub(crate) struct RegState {
    /// Its type at the start of a block. An aggregate register of unknown shape has a write of unknown shape
    /// somewhere, so the verifier knows no more than this.
    pub(crate) ty: Ty,
    /// Its type here: the shape of the last write of the block counts.
    pub(crate) here: Ty,
    /// Whether the peer knows the shape here too.
    pub(crate) peer_knows: bool,
    /// Whether it was written on every path to here.
    pub(crate) init: bool,
    /// Whether only loops may write it.
    pub(crate) locked: bool,
    /// The function it probably refers to, by position in the plan.
    pub(crate) hint: Option<usize>,
}

/// A body that is being written.
#[derive(Debug)]
pub(crate) struct Body<'g, 'u, 'a> {
    pub(crate) choices: &'g mut Choices<'u, 'a>,
    pub(crate) builder: &'g mut ProgramBuilder<'static>,
    pub(crate) world: &'g World,
    pub(crate) config: &'g GenConfig,
    /// Position of the function in the plan.
    pub(crate) own: usize,
    pub(crate) func: FuncBuilder<'static>,
    pub(crate) regs: Vec<RegState>,
    /// Registers that the instruction at hand reads: what is made for it does not go there.
    pub(crate) pins: Vec<Reg>,
    /// Statements that may still be begun.
    pub(crate) left: usize,
    /// Whether the code at hand is unreachable.
    pub(crate) dead: bool,
    /// The exits of the loops around, and whether something goes there.
    pub(crate) loops: Vec<(Label, bool)>,
    /// The callee and the counter to pass, for a call that is guarded.
    pub(crate) guarded: Option<(usize, Reg)>,
    /// Environments that are being made for one another.
    pub(crate) envs: usize,
    /// The register that the last instruction wrote.
    pub(crate) last: Option<Reg>,
}

/// Which registers were written on every path.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot(Vec<bool>);

/// Registers of a function beyond which registers are used again where possible.
const MANY: usize = 48;

impl<'g, 'u, 'a> Body<'g, 'u, 'a> {
    pub(crate) fn new(
        choices: &'g mut Choices<'u, 'a>,
        builder: &'g mut ProgramBuilder<'static>,
        world: &'g World,
        config: &'g GenConfig,
        own: usize,
    ) -> Self {
        let plan = &world.funcs[own];
        let func = builder.begin(plan.id).expect("declared and not yet defined");
        let unit = Ty::Value(ValueType::Unit);
        let regs = std::iter::once(&unit)
            .chain(&plan.params)
            .map(|ty| RegState {
                ty: ty.clone(),
                here: ty.clone(),
                peer_knows: true,
                init: true,
                locked: false,
                hint: None,
            })
            .collect();
        let mut body = Self {
            choices,
            builder,
            world,
            config,
            own,
            func,
            regs,
            pins: Vec::new(),
            left: config.max_body,
            dead: false,
            loops: Vec::new(),
            guarded: None,
            envs: 0,
            last: None,
        };
        // The effect token is read like any other unit, but only calls write it.
        body.regs[0].locked = true;
        if let Some(counter) = plan.counter {
            body.regs[counter + 1].locked = true;
        }
        body
    }

    pub(crate) fn state(&mut self, reg: Reg) -> &mut RegState {
        &mut self.regs[reg.index()]
    }

    /// The type of a register here.
    pub(crate) fn type_of(&self, reg: Reg) -> &Ty {
        &self.regs[reg.index()].here
    }

    /// What must hold where control meets again.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(self.regs.iter().map(|reg| reg.init).collect())
    }

    /// Goes back to what held at a snapshot.
    pub(crate) fn restore(&mut self, snapshot: &Snapshot) {
        for (at, reg) in self.regs.iter_mut().enumerate() {
            reg.init = snapshot.0.get(at).copied().unwrap_or(false);
        }
    }

    /// Keeps only what held at the snapshot too.
    pub(crate) fn meet(&mut self, snapshot: &Snapshot) {
        for (at, reg) in self.regs.iter_mut().enumerate() {
            reg.init &= snapshot.0.get(at).copied().unwrap_or(false);
        }
    }

    /// Places a label, at which a block starts.
    pub(crate) fn place(&mut self, label: Label) {
        self.func.place(label).expect("a label is placed once");
        for reg in &mut self.regs {
            reg.here = reg.ty.clone();
            reg.peer_knows = false;
        }
    }

    /// A register that nothing has used.
    pub(crate) fn fresh(&mut self, ty: &Ty) -> Reg {
        let reg = self.func.reg();
        debug_assert_eq!(reg.index(), self.regs.len(), "registers are numbered alike");
        self.regs.push(RegState {
            ty: ty.clone(),
            here: ty.clone(),
            peer_knows: false,
            init: false,
            locked: false,
            hint: None,
        });
        reg
    }

    /// A register to write a value of this type to.
    pub(crate) fn target(&mut self, ty: &Ty) -> Reg {
        let again = self.dead || self.regs.len() > MANY || self.choices.chance(45);
        let fits: Vec<Reg> = if again {
            let fits = |reg: &RegState| !reg.locked && (reg.ty == *ty || ty.is_agg() && reg.ty == AGG);
            let regs = (0u32..).map(Reg).zip(&self.regs);
            regs.filter(|&(reg, state)| fits(state) && !self.pins.contains(&reg))
                .map(|(reg, _)| reg)
                .collect()
        } else {
            Vec::new()
        };
        match self.choices.pick(&fits) {
            Some(&reg) => reg,
            None => self.fresh(ty),
        }
    }

    /// Takes note of a write.
    pub(crate) fn written(&mut self, reg: Reg, ty: Ty, peer_knows: bool, hint: Option<usize>) {
        let state = self.state(reg);
        state.here = ty;
        state.init = true;
        state.peer_knows = peer_knows;
        state.hint = hint;
        self.last = Some(reg);
    }

    /// Initialised registers for which this holds.
    pub(crate) fn readable(&self, fits: impl Fn(&RegState) -> bool) -> Vec<Reg> {
        let regs = (0u32..).map(Reg).zip(&self.regs);
        regs.filter(|(_, state)| state.init && fits(state)).map(|(reg, _)| reg).collect()
    }

    pub(crate) fn is_peer(&self) -> bool {
        self.config.dialect == Dialect::Peer
    }

    /// The types that elements of an aggregate may be read as, with their indices. Arrays give one.
    pub(crate) fn elements(&self, ty: &Ty) -> Vec<(u32, Ty)> {
        let elems: Vec<Ty> = match ty {
            Ty::Tuple(elems) => elems.to_vec(),
            Ty::Struct(id) => self.world.fields(*id).iter().map(|&ty| Ty::Value(ty)).collect(),
            Ty::Array(id) => vec![Ty::Value(self.world.elem(*id))],
            Ty::Value(_) | Ty::Open => Vec::new(),
        };
        (0..).zip(elems).filter(|(_, ty)| *ty != Ty::Open).collect()
    }
}
