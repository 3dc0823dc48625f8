//! Instructions, as case files write them.

use super::types::local_type;
use super::values::Literal;
use crate::fields::{Result, as_list, as_number, as_text, field, number, only, parts, text};
use opforge::protocol::{self, AbstractOp, Code, LocalType};
use serde_json::Value as Json;

/// One instruction. Registers and targets are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instr {
    /// Sends the only label.
    Send {
        /// The endpoint.
        chan: u32,
        /// The value.
        val: u32,
    },
    /// Receives the only label.
    Receive {
        /// The endpoint.
        chan: u32,
        /// Where the value goes.
        dst: u32,
    },
    /// Sends one label of several.
    Offer {
        /// The endpoint.
        chan: u32,
        /// The label.
        label: String,
        /// The value, if one is named.
        val: Option<u32>,
    },
    /// Receives one label of several.
    Choose {
        /// The endpoint.
        chan: u32,
        /// Labels and targets.
        table: Vec<(String, usize)>,
    },
    /// Opens a session.
    Open(Box<Open>),
    /// Closes a session.
    Close {
        /// An endpoint of it.
        session: u32,
    },
    /// Has the host do something.
    Invoke {
        /// What.
        action: String,
    },
    /// Asks for a guard layer.
    Acquire {
        /// The layer.
        layer: String,
        /// Where the evidence goes.
        dst: u32,
    },
    /// Gives a guard layer back.
    Release {
        /// The layer.
        layer: String,
        /// The evidence.
        evidence: u32,
    },
    /// Begins a speculation.
    Fork {
        /// Its name.
        ghost: u32,
    },
    /// Makes a speculation real.
    Join,
    /// Undoes a speculation.
    Abort,
    /// Gives an endpoint away.
    Transfer {
        /// The endpoint.
        endpoint: u32,
        /// The number of the coroutine.
        target: u32,
        /// What goes along.
        bundle: u32,
    },
    /// Learns a fact.
    Tag {
        /// The fact.
        fact: u32,
        /// Whether it was learnt.
        dst: u32,
    },
    /// Asks whether a fact is known and may flow.
    Check {
        /// The fact.
        knowledge: u32,
        /// The role.
        target: u32,
        /// The answer.
        dst: u32,
    },
    /// Writes a register.
    Set {
        /// The register.
        dst: u32,
        /// The value.
        val: Literal,
    },
    /// Copies a register.
    Move {
        /// To.
        dst: u32,
        /// From.
        src: u32,
    },
    /// Goes on elsewhere.
    Jump {
        /// The index of the instruction.
        target: usize,
    },
    /// Begins a coroutine.
    Spawn {
        /// The index of its first instruction.
        target: usize,
        /// Its first registers.
        args: Vec<u32>,
    },
    /// Lets others run.
    Yield,
    /// Ends the coroutine.
    Halt,
}

/// What [`Instr::Open`] opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Each role with its type and the register for its endpoint.
    pub roles: Vec<(String, LocalType, u32)>,
}

impl Open {
    fn from_json(json: &Json) -> Result<Self> {
        only(json, &["op", "roles", "local_types", "handlers", "dsts"])?;
        let (types, dsts) = (as_list(field(json, "local_types")?)?, as_list(field(json, "dsts")?)?);
        let names = as_list(field(json, "roles")?)?;
        if types.len() != dsts.len() || types.len() != names.len() {
            return Err(
                "an open without one type and one register for each role cannot be written".to_owned()
            );
        }
        let mut roles = Vec::with_capacity(types.len());
        for ((name, ty), dst) in names.iter().zip(types).zip(dsts) {
            let ([of, ty], [to, dst]) = (parts(ty)?, parts(dst)?);
            if name != of || name != to {
                return Err(format!("an open that lists {name}, {of} and {to} cannot be written"));
            }
            let dst = as_number(dst).ok_or_else(|| format!("{dst} is no register"))?;
            roles.push((as_text(name)?.to_owned(), local_type(ty)?, dst));
        }
        let open = Self { roles };
        open.check_handlers(as_list(field(json, "handlers")?)?)?;
        Ok(open)
    }

    /// Every edge has a handler. The VM has one handler for all, so a missing one cannot be written.
    fn check_handlers(&self, handlers: &[Json]) -> Result<()> {
        for (role, ty, _) in &self.roles {
            for partner in ty.partners() {
                let between = |handler: &Json| {
                    parts::<3>(handler).is_ok_and(|[from, to, _]| {
                        let (there, back) =
                            ((from == &**role, to == &*partner), (from == &*partner, to == &**role));
                        there == (true, true) || back == (true, true)
                    })
                };
                if !handlers.iter().any(between) {
                    return Err(format!(
                        "an open without a handler between {role} and {partner} cannot be written"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The names of the fields of an instruction besides `op`, and what reads them.
type Shape = (&'static str, &'static [&'static str], fn(&Json) -> Result<Instr>);

const SHAPES: &[Shape] = &[
    ("send", &["chan", "val"], |j| Ok(Instr::Send { chan: number(j, "chan")?, val: number(j, "val")? })),
    ("receive", &["chan", "dst"], |j| {
        Ok(Instr::Receive { chan: number(j, "chan")?, dst: number(j, "dst")? })
    }),
    ("offer", &["chan", "label", "val"], |j| {
        let val = j.get("val").map(|_| number(j, "val")).transpose()?;
        Ok(Instr::Offer { chan: number(j, "chan")?, label: text(j, "label")?, val })
    }),
    ("choose", &["chan", "table"], |j| {
        let table = as_list(field(j, "table")?)?.iter().map(arm).collect::<Result<_>>()?;
        Ok(Instr::Choose { chan: number(j, "chan")?, table })
    }),
    ("open", &["roles", "local_types", "handlers", "dsts"], |j| {
        Ok(Instr::Open(Box::new(Open::from_json(j)?)))
    }),
    ("close", &["session"], |j| Ok(Instr::Close { session: number(j, "session")? })),
    ("invoke", &["action"], |j| Ok(Instr::Invoke { action: text(j, "action")? })),
    ("acquire", &["layer", "dst"], |j| {
        Ok(Instr::Acquire { layer: text(j, "layer")?, dst: number(j, "dst")? })
    }),
    ("release", &["layer", "evidence"], |j| {
        Ok(Instr::Release { layer: text(j, "layer")?, evidence: number(j, "evidence")? })
    }),
    ("fork", &["ghost"], |j| Ok(Instr::Fork { ghost: number(j, "ghost")? })),
    ("join", &[], |_| Ok(Instr::Join)),
    ("abort", &[], |_| Ok(Instr::Abort)),
    ("transfer", &["endpoint", "target", "bundle"], |j| {
        let (endpoint, target) = (number(j, "endpoint")?, number(j, "target")?);
        Ok(Instr::Transfer { endpoint, target, bundle: number(j, "bundle")? })
    }),
    ("tag", &["fact", "dst"], |j| Ok(Instr::Tag { fact: number(j, "fact")?, dst: number(j, "dst")? })),
    ("check", &["knowledge", "target", "dst"], |j| {
        let (knowledge, target) = (number(j, "knowledge")?, number(j, "target")?);
        Ok(Instr::Check { knowledge, target, dst: number(j, "dst")? })
    }),
    ("set", &["dst", "val"], |j| {
        Ok(Instr::Set { dst: number(j, "dst")?, val: Literal::from_json(field(j, "val")?)? })
    }),
    ("move", &["dst", "src"], |j| Ok(Instr::Move { dst: number(j, "dst")?, src: number(j, "src")? })),
    ("jump", &["target"], |j| Ok(Instr::Jump { target: number(j, "target")? })),
    ("spawn", &["target", "args"], |j| {
        let reg = |arg: &Json| as_number(arg).ok_or_else(|| format!("{arg} is no register"));
        let args = as_list(field(j, "args")?)?.iter().map(reg).collect::<Result<_>>()?;
        Ok(Instr::Spawn { target: number(j, "target")?, args })
    }),
    ("yield", &[], |_| Ok(Instr::Yield)),
    ("halt", &[], |_| Ok(Instr::Halt)),
];

fn arm(json: &Json) -> Result<(String, usize)> {
    let [label, target] = parts(json)?;
    let target = as_number(target).ok_or_else(|| format!("{target} is no target"))?;
    Ok((as_text(label)?.to_owned(), target))
}

impl Instr {
    /// The names of all instructions.
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        SHAPES.iter().map(|&(name, ..)| name)
    }

    /// Reads an instruction. What is not read is refused.
    pub(super) fn from_json(json: &Json) -> Result<Self> {
        let op = text(json, "op")?;
        let shape = SHAPES.iter().find(|(name, ..)| *name == op);
        let &(_, fields, read) = shape.ok_or_else(|| format!("there is no instruction {op:?}"))?;
        let known: Vec<&str> = fields.iter().copied().chain(["op"]).collect();
        only(json, &known).and_then(|()| read(json)).map_err(|error| format!("{op}: {error}"))
    }

    /// Reads a list of instructions.
    pub(super) fn code(json: &Json) -> Result<Vec<Self>> {
        let code = as_list(json)?.iter().enumerate();
        code.map(|(pc, instr)| Self::from_json(instr).map_err(|error| format!("pc {pc}: {error}"))).collect()
    }

    /// The code that the VM makes of a local type.
    pub(super) fn compiled(ty: &LocalType) -> Result<Vec<Self>> {
        let code = protocol::compile(ty);
        code.ops().iter().map(|op| Self::of_abstract(&code, op)).collect()
    }

    fn of_abstract(code: &Code, op: &AbstractOp) -> Result<Self> {
        Ok(match op {
            AbstractOp::Send { chan, val, .. } => Self::Send { chan: *chan, val: *val },
            AbstractOp::Receive { chan, dst, .. } => Self::Receive { chan: *chan, dst: *dst },
            AbstractOp::Offer { chan, label, .. } => {
                Self::Offer { chan: *chan, label: label.as_str().to_owned(), val: None }
            }
            AbstractOp::Choose { chan, .. } => {
                let table = code.arms(op).iter().map(|arm| (arm.label.as_str().to_owned(), arm.target));
                Self::Choose { chan: *chan, table: table.collect() }
            }
            AbstractOp::Invoke => Self::Invoke { action: Code::ACTION.to_owned() },
            AbstractOp::Jump { target } => Self::Jump { target: *target },
            AbstractOp::Halt => Self::Halt,
            other => return Err(format!("compile() gives {other:?}, which no case knows")),
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Send { .. } => "send",
            Self::Receive { .. } => "receive",
            Self::Offer { .. } => "offer",
            Self::Choose { .. } => "choose",
            Self::Open(_) => "open",
            Self::Close { .. } => "close",
            Self::Invoke { .. } => "invoke",
            Self::Acquire { .. } => "acquire",
            Self::Release { .. } => "release",
            Self::Fork { .. } => "fork",
            Self::Join => "join",
            Self::Abort => "abort",
            Self::Transfer { .. } => "transfer",
            Self::Tag { .. } => "tag",
            Self::Check { .. } => "check",
            Self::Set { .. } => "set",
            Self::Move { .. } => "move",
            Self::Jump { .. } => "jump",
            Self::Spawn { .. } => "spawn",
            Self::Yield => "yield",
            Self::Halt => "halt",
        }
    }

    /// Where control goes; `None` for what is behind. A new coroutine is none of it.
    pub(super) fn targets(&self) -> Option<Vec<usize>> {
        match self {
            Self::Halt => Some(Vec::new()),
            Self::Jump { target } => Some(vec![*target]),
            Self::Choose { table, .. } => Some(table.iter().map(|&(_, target)| target).collect()),
            _ => None,
        }
    }
}
