//! Session instructions as lowered: a site says everything that the session machine needs to do one.

use super::Slot;
use crate::ids::{EffectId, FuncId, InstrIx, LayerId, ShapeId};
use crate::program::PayloadDef;
use crate::protocol::{LabelId, PayloadId};
use crate::value_type::ValueType;
use alloc::boxed::Box;

/// A register that holds what a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Its first slot.
    pub slot: Slot,
    /// How many slots it has: 0 to 2.
    pub width: u8,
    /// The payload that it holds, by its type; [`Carried::NONE`] for a type that no message carries.
    pub payload: PayloadId,
    /// What has to be done about the payload on its way.
    pub carries: Carries,
}

/// What has to be done about a payload on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Nothing.
    Plain,
    /// A float: a NaN leaves with canonical bits.
    Float,
    /// An endpoint: it changes hands.
    Endpoint,
}

impl Carries {
    pub(crate) fn of(payload: &PayloadDef) -> Self {
        match payload {
            PayloadDef::Value(ValueType::F64) => Self::Float,
            PayloadDef::Value(_) | PayloadDef::Tuple(_) => Self::Plain,
            PayloadDef::Chan(_) => Self::Endpoint,
        }
    }
}

impl Carried {
    /// No payload of the program.
    pub const NONE: PayloadId = PayloadId(u16::MAX);
}

/// One alternative of a `choose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The label.
    pub label: LabelId,
    /// Where it leads: which of the instruction's targets.
    pub target: u32,
    /// Where the payload goes.
    pub dst: Carried,
}

/// A session instruction and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInstr {
    /// The instruction of the function.
    pub at: InstrIx,
    /// What it does.
    pub site: Site,
}

/// What a session instruction does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Site {
    /// Sends the only label of the endpoint's state.
    Send {
        /// The endpoint.
        chan: Slot,
        /// What the message carries.
        value: Carried,
    },
    /// Receives the only label of the endpoint's state.
    Receive {
        /// The endpoint.
        chan: Slot,
        /// Where the payload goes.
        dst: Carried,
    },
    /// Sends a label of several.
    Offer {
        /// The endpoint.
        chan: Slot,
        /// The label.
        label: LabelId,
        /// What the message carries.
        value: Carried,
    },
    /// Receives a label of several and goes where it leads.
    Choose {
        /// The endpoint.
        chan: Slot,
        /// What each label leads to, sorted by label.
        arms: Box<[Arm]>,
    },
    /// Opens a session.
    Open {
        /// Its shape.
        shape: ShapeId,
        /// Where the endpoint of each role goes.
        dsts: Box<[Slot]>,
    },
    /// Closes a session.
    Close {
        /// An endpoint of it.
        chan: Slot,
    },
    /// Has the embedder do something.
    Invoke {
        /// What.
        effect: EffectId,
        /// The slots of the arguments.
        args: Box<[Slot]>,
        /// The first slot of the result, if there is one.
        dst: Option<Slot>,
    },
    /// Waits for a guard layer.
    Acquire {
        /// The layer.
        layer: LayerId,
        /// Where the evidence goes.
        dst: Slot,
    },
    /// Gives a guard layer back.
    Release {
        /// The layer.
        layer: LayerId,
        /// The evidence.
        evidence: Slot,
    },
    /// Begins a speculation.
    Fork {
        /// Its name.
        ghost: Slot,
    },
    /// Makes a speculation real.
    Join,
    /// Undoes a speculation.
    Abort,
    /// Gives an endpoint to another coroutine.
    Transfer {
        /// The endpoint.
        chan: Slot,
        /// The coroutine.
        target: Slot,
        /// Bytes that go along.
        bundle: Option<Slot>,
    },
    /// Learns a fact.
    Tag {
        /// The fact.
        fact: Slot,
        /// Whether it was learnt.
        dst: Slot,
    },
    /// Asks whether a fact is known and may flow to a role.
    Check {
        /// The fact.
        knowledge: Slot,
        /// The role's name.
        target: Slot,
        /// The answer.
        dst: Slot,
    },
    /// Begins a coroutine.
    Spawn {
        /// Its function.
        func: FuncId,
        /// The slots of the arguments.
        args: Box<[Slot]>,
        /// Where its name goes.
        dst: Option<Slot>,
    },
    /// Lets others run.
    Yield,
    /// Ends the coroutine.
    Halt,
}

impl Site {
    /// Calls `f` with each slot read, `frame` being all slots of the frame. A checkpoint reads them all.
    pub(crate) fn for_each_read(&self, frame: Slot, mut f: impl FnMut(Slot)) {
        let carried = |value: &Carried, f: &mut dyn FnMut(Slot)| {
            (0..u32::from(value.width)).for_each(|i| f(value.slot + i));
        };
        match self {
            Self::Send { chan, value } | Self::Offer { chan, value, .. } => {
                f(*chan);
                carried(value, &mut f);
            }
            Self::Receive { chan, .. } | Self::Choose { chan, .. } | Self::Close { chan } => f(*chan),
            Self::Invoke { args, .. } | Self::Spawn { args, .. } => args.iter().copied().for_each(f),
            Self::Release { evidence, .. } => f(*evidence),
            Self::Fork { .. } => (0..frame).for_each(f),
            Self::Transfer { chan, target, bundle } => {
                f(*chan);
                f(*target);
                bundle.iter().copied().for_each(f);
            }
            Self::Tag { fact, .. } => f(*fact),
            Self::Check { knowledge, target, .. } => {
                f(*knowledge);
                f(*target);
            }
            Self::Open { .. }
            | Self::Acquire { .. }
            | Self::Join
            | Self::Abort
            | Self::Yield
            | Self::Halt => {}
        }
    }

    /// Calls `f` with each slot written. An undone speculation writes them all.
    pub(crate) fn for_each_write(&self, frame: Slot, mut f: impl FnMut(Slot)) {
        let carried = |dst: &Carried, f: &mut dyn FnMut(Slot)| {
            (0..u32::from(dst.width)).for_each(|i| f(dst.slot + i));
        };
        match self {
            Self::Receive { dst, .. } => carried(dst, &mut f),
            Self::Choose { arms, .. } => arms.iter().for_each(|arm| carried(&arm.dst, &mut f)),
            Self::Open { dsts, .. } => dsts.iter().copied().for_each(f),
            Self::Invoke { dst, .. } | Self::Spawn { dst, .. } => dst.iter().copied().for_each(f),
            Self::Acquire { dst, .. } | Self::Tag { dst, .. } | Self::Check { dst, .. } => f(*dst),
            Self::Abort => (0..frame).for_each(f),
            Self::Send { .. }
            | Self::Offer { .. }
            | Self::Close { .. }
            | Self::Release { .. }
            | Self::Fork { .. }
            | Self::Join
            | Self::Transfer { .. }
            | Self::Yield
            | Self::Halt => {}
        }
    }

    /// Whether the coroutine ends with it.
    #[must_use]
    pub const fn is_halt(&self) -> bool {
        matches!(self, Self::Halt)
    }
}
