//! The code of a party that does what its type says and nothing else.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::tree::{Cell, Edge, Tree};
use super::{Direction, LocalAction, LocalType, Name, Payload};

/// An instruction of [`Code`]. Registers are numbers; see [`Code::CHAN`] and [`Code::VALUE`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbstractOp {
    /// Sends the only label that the type allows here, with the value of a register.
    Send {
        /// The register of the endpoint.
        chan: u32,
        /// The register of the value.
        val: u32,
        /// The type of the value.
        payload: Payload,
    },
    /// Receives the only label that the type allows here, and puts what it carries into a register.
    Receive {
        /// The register of the endpoint.
        chan: u32,
        /// The register of the value.
        dst: u32,
        /// The type of the value.
        payload: Payload,
    },
    /// Sends one label of several.
    Offer {
        /// The register of the endpoint.
        chan: u32,
        /// The label.
        label: Name,
        /// The type of what it carries.
        payload: Payload,
    },
    /// Receives one label of several and goes on where its arm says.
    Choose {
        /// The register of the endpoint.
        chan: u32,
        /// Where its arms begin among those of the code; see [`Code::arms`].
        first: usize,
        /// How many arms it has: two or more.
        len: usize,
    },
    /// Goes on with one of several arms, whichever the party likes. Each begins with the [`AbstractOp::Offer`] of its
    /// label. Only in code of [`compile_all`].
    Pick {
        /// Where its arms begin among those of the code; see [`Code::arms`].
        first: usize,
        /// How many arms it has: two or more.
        len: usize,
    },
    /// Lets the host do its part of the step: the effect [`Code::ACTION`].
    Invoke,
    /// Goes on at this instruction.
    Jump {
        /// The index of the instruction.
        target: usize,
    },
    /// Ends the party.
    Halt,
}

/// An arm of an [`AbstractOp::Choose`] or [`AbstractOp::Pick`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The label.
    pub label: Name,
    /// The type of what it carries.
    pub payload: Payload,
    /// The index of the instruction to go on with.
    pub target: usize,
}

/// What [`compile`] and [`compile_all`] make of a local type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    ops: Vec<AbstractOp>,
    arms: Vec<Arm>,
}

impl Code {
    /// The register of the endpoint.
    pub const CHAN: u32 = 0;
    /// The register of values.
    pub const VALUE: u32 = 1;
    /// The name of the effect that follows a send or receive.
    pub const ACTION: &'static str = "runtime.step";

    /// The instructions. None goes on past the last one.
    #[must_use]
    pub fn ops(&self) -> &[AbstractOp] {
        &self.ops
    }

    /// The arms of an instruction, in the order of declaration; none if it is neither [`AbstractOp::Choose`] nor
    /// [`AbstractOp::Pick`].
    #[must_use]
    pub fn arms(&self, op: &AbstractOp) -> &[Arm] {
        match *op {
            AbstractOp::Choose { first, len, .. } | AbstractOp::Pick { first, len } => {
                first.checked_add(len).and_then(|past| self.arms.get(first..past)).unwrap_or(&[])
            }
            _ => &[],
        }
    }

    /// For each instruction, how few instructions lead from it to the end of the party, if others choose accordingly;
    /// `None` where no way does.
    #[must_use]
    pub fn ways_out(&self) -> Vec<Option<usize>> {
        // Breadth first from the ends backwards.
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.ops.len()];
        let mut edge = |from: usize, to: usize| {
            if let Some(before) = before.get_mut(to) {
                before.push(from);
            }
        };
        let mut ways: Vec<Option<usize>> = vec![None; self.ops.len()];
        let mut found = VecDeque::new();
        for ((pc, op), way) in self.ops.iter().enumerate().zip(&mut ways) {
            match op {
                AbstractOp::Halt => {
                    *way = Some(0);
                    found.push_back((pc, 0));
                }
                AbstractOp::Jump { target } => edge(pc, *target),
                AbstractOp::Choose { .. } | AbstractOp::Pick { .. } => {
                    self.arms(op).iter().for_each(|arm| edge(pc, arm.target));
                }
                _ => edge(pc, pc + 1),
            }
        }
        while let Some((pc, way)) = found.pop_front() {
            for &pc in before.get(pc).into_iter().flatten() {
                if let Some(slot @ None) = ways.get_mut(pc) {
                    *slot = Some(way + 1);
                    found.push_back((pc, way + 1));
                }
            }
        }
        ways
    }
}

impl Code {
    fn write_arms(&self, f: &mut fmt::Formatter<'_>, op: &AbstractOp) -> fmt::Result {
        self.arms(op).iter().try_for_each(|arm| write!(f, ", {} -> {}", arm.label, arm.target))
    }
}

/// One instruction a line, with its index.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (pc, op) in self.ops.iter().enumerate() {
            write!(f, "{}{pc}: ", if pc == 0 { "" } else { "\n" })?;
            match op {
                AbstractOp::Send { chan, val, .. } => write!(f, "send r{chan}, r{val}")?,
                AbstractOp::Receive { chan, dst, .. } => write!(f, "receive r{chan}, r{dst}")?,
                AbstractOp::Offer { chan, label, .. } => write!(f, "offer r{chan}, {label}")?,
                AbstractOp::Choose { chan, .. } => {
                    write!(f, "choose r{chan}")?;
                    self.write_arms(f, op)?;
                }
                AbstractOp::Pick { .. } => {
                    f.write_str("pick")?;
                    self.write_arms(f, op)?;
                }
                AbstractOp::Invoke => write!(f, "invoke {}", Self::ACTION)?,
                AbstractOp::Jump { target } => write!(f, "jump {target}")?,
                AbstractOp::Halt => f.write_str("halt")?,
            }
        }
        Ok(())
    }
}

/// The code of a party that does what its type says.
///
/// | type | code |
/// |---|---|
/// | send with one branch | `send`, `invoke`, what comes after |
/// | send with more | `offer` of the first label as declared, what comes after that; the others are left out |
/// | receive with one branch | `receive`, `invoke`, what comes after |
/// | receive with more | `choose`, then each branch in the order of declaration; the table says where each begins |
/// | send or receive without branches | `halt` |
/// | `mu x. T` | `T`; `x` in it is where it begins |
/// | variable | `jump` to where its loop begins, or `halt` if nothing binds it |
/// | `end` | `halt` |
///
/// It takes every type, well-formed or not, except that it says nothing sensible about a loop that comes back without
/// an action: that is a `jump` to itself. A variable is bound by the innermost `mu` around it and only inside of
/// that.
#[must_use]
pub fn compile(ty: &LocalType) -> Code {
    emit(ty, false)
}

/// The code of a party that may do everything that its type lets it do.
///
/// As [`compile`], but for this row:
///
/// | type | code |
/// |---|---|
/// | send with more than one branch | `pick`, then each branch in the order of declaration: `offer` of its label, what comes after |
#[must_use]
pub fn compile_all(ty: &LocalType) -> Code {
    emit(ty, true)
}

fn emit(ty: &LocalType, all: bool) -> Code {
    let mut code = Code { ops: Vec::new(), arms: Vec::new() };
    let tree = &ty.0;
    let mut loops: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut tasks = vec![Task::Emit(tree.root)];
    while let Some(task) = tasks.pop() {
        let id = match task {
            Task::Emit(id) => id,
            Task::Arm(arm, id) => {
                if let Some(arm) = code.arms.get_mut(arm) {
                    arm.target = code.ops.len();
                }
                id
            }
            Task::Offer(arm, id) => {
                if let Some(arm) = code.arms.get_mut(arm) {
                    arm.target = code.ops.len();
                    let (label, payload) = (arm.label.clone(), arm.payload.clone());
                    code.ops.push(AbstractOp::Offer { chan: Code::CHAN, label, payload });
                }
                id
            }
            Task::Unbind(var) => {
                loops.get_mut(var).map(Vec::pop);
                continue;
            }
        };
        match tree.cell(id) {
            Cell::End => code.ops.push(AbstractOp::Halt),
            Cell::Var(var) => {
                let target = loops.get(var.as_str()).and_then(|targets| targets.last());
                code.ops.push(target.map_or(AbstractOp::Halt, |&target| AbstractOp::Jump { target }));
            }
            Cell::Mu { var, body } => {
                loops.entry(var).or_default().push(code.ops.len());
                tasks.push(Task::Unbind(var));
                tasks.push(Task::Emit(*body));
            }
            Cell::Act { act, .. } => action(tree, id, act, all, &mut code, &mut tasks),
        }
    }
    code
}

/// What is still to be emitted.
enum Task<'a> {
    Emit(usize),
    /// The branch of an arm, which begins where the code ends then.
    Arm(usize, usize),
    /// The same, and it begins with the offer of the arm's label.
    Offer(usize, usize),
    Unbind(&'a str),
}

fn action<'a>(
    tree: &'a Tree<LocalAction>,
    id: usize,
    act: &LocalAction,
    all: bool,
    code: &mut Code,
    tasks: &mut Vec<Task<'a>>,
) {
    const CHAN: u32 = Code::CHAN;
    const VALUE: u32 = Code::VALUE;
    match (act.direction, tree.edges(id)) {
        (_, []) => code.ops.push(AbstractOp::Halt),
        (direction, [Edge { payload, next, .. }]) => {
            let payload = payload.clone();
            code.ops.push(match direction {
                Direction::Send => AbstractOp::Send { chan: CHAN, val: VALUE, payload },
                Direction::Recv => AbstractOp::Receive { chan: CHAN, dst: VALUE, payload },
            });
            code.ops.push(AbstractOp::Invoke);
            tasks.push(Task::Emit(*next));
        }
        (Direction::Send, [Edge { label, payload, next, .. }, ..]) if !all => {
            let (label, payload) = (label.clone(), payload.clone());
            code.ops.push(AbstractOp::Offer { chan: CHAN, label, payload });
            tasks.push(Task::Emit(*next));
        }
        (direction, edges) => {
            let (first, len) = (code.arms.len(), edges.len());
            code.ops.push(match direction {
                Direction::Send => AbstractOp::Pick { first, len },
                Direction::Recv => AbstractOp::Choose { chan: CHAN, first, len },
            });
            for edge in edges {
                let (label, payload) = (edge.label.clone(), edge.payload.clone());
                code.arms.push(Arm { label, payload, target: 0 });
            }
            let arm = match direction {
                Direction::Send => Task::Offer,
                Direction::Recv => Task::Arm,
            };
            tasks.extend(edges.iter().enumerate().rev().map(|(i, edge)| arm(first + i, edge.next)));
        }
    }
}
