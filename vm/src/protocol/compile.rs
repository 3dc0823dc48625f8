//! The code of a party that does what its type says and nothing else.

use alloc::collections::BTreeMap;
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

/// An arm of a [`AbstractOp::Choose`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The label.
    pub label: Name,
    /// The type of what it carries.
    pub payload: Payload,
    /// The index of the instruction to go on with.
    pub target: usize,
}

/// What [`compile`] makes of a local type.
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

    /// The arms of an instruction, in the order of declaration; none if it is no [`AbstractOp::Choose`].
    #[must_use]
    pub fn arms(&self, op: &AbstractOp) -> &[Arm] {
        match *op {
            AbstractOp::Choose { first, len, .. } => {
                first.checked_add(len).and_then(|past| self.arms.get(first..past)).unwrap_or(&[])
            }
            _ => &[],
        }
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
                    for arm in self.arms(op) {
                        write!(f, ", {} -> {}", arm.label, arm.target)?;
                    }
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
            Cell::Act { act, .. } => action(tree, id, act, &mut code, &mut tasks),
        }
    }
    code
}

/// What is still to be emitted.
enum Task<'a> {
    Emit(usize),
    /// The branch of an arm, which begins where the code ends then.
    Arm(usize, usize),
    Unbind(&'a str),
}

fn action<'a>(
    tree: &'a Tree<LocalAction>,
    id: usize,
    act: &LocalAction,
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
        (Direction::Send, [Edge { label, payload, next, .. }, ..]) => {
            let (label, payload) = (label.clone(), payload.clone());
            code.ops.push(AbstractOp::Offer { chan: CHAN, label, payload });
            tasks.push(Task::Emit(*next));
        }
        (Direction::Recv, edges) => {
            let (first, len) = (code.arms.len(), edges.len());
            code.ops.push(AbstractOp::Choose { chan: CHAN, first, len });
            for edge in edges {
                let (label, payload) = (edge.label.clone(), edge.payload.clone());
                code.arms.push(Arm { label, payload, target: 0 });
            }
            tasks.extend(edges.iter().enumerate().rev().map(|(i, edge)| Task::Arm(first + i, edge.next)));
        }
    }
}
