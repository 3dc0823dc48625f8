//! Codes about registers that hold endpoints and evidence, which are used exactly once in each state.

use super::{Access, Lower, OperandKind, Term, TypeRule};

code_enum! {
    /// What an instruction does to the states of linear registers: the rule by which the verifier follows them. An
    /// instruction whose code is `none` must not name a linear register.
    Typestate, "typestate" {
        /// Nothing: the instruction takes no linear register.
        None = 0 "none",
        /// The value goes from the register read to the one written.
        Move = 1 "move",
        /// Arguments go to the callee, results come from it.
        Call = 2 "call",
        /// As a call, and then the function ends.
        TailCall = 3 "tail_call",
        /// Results go to the caller, and the function ends.
        Return = 4 "return",
        /// Sends the one message that the endpoint's state has.
        Send = 5 "send",
        /// Receives the one message that the endpoint's state has.
        Receive = 6 "receive",
        /// Sends one message of those that the endpoint's state has.
        Offer = 7 "offer",
        /// Receives any message that the endpoint's state has, each at a target of its own.
        Choose = 8 "choose",
        /// Makes the endpoints of a session.
        Open = 9 "open",
        /// Ends a session and takes its endpoints.
        Close = 10 "close",
        /// Performs an effect.
        Effect = 11 "effect",
        /// Makes evidence.
        Acquire = 12 "acquire",
        /// Takes evidence.
        Release = 13 "release",
        /// Begins a speculation.
        Fork = 14 "fork",
        /// Ends a speculation and keeps what it did.
        Join = 15 "join",
        /// Ends a speculation and undoes what it did.
        Abort = 16 "abort",
        /// Takes an endpoint and gives it to another coroutine.
        Transfer = 17 "transfer",
        /// Takes the arguments of a new coroutine.
        Spawn = 18 "spawn",
        /// Ends the coroutine: nothing may be left to do.
        Halt = 19 "halt",
        /// Lets others run.
        Yield = 20 "yield",
        /// Notes a fact.
        Tag = 21 "tag",
        /// Asks for a fact.
        Check = 22 "check",
    }
}

/// What an operand of a session instruction is: its kind, its access, the type of its registers, and the operand that
/// the type refers to.
pub type SessionOperand = (OperandKind, Access, TypeRule, u8);

impl Typestate {
    /// The operands of a session instruction with this rule, in encoding order, so that whoever follows the rule finds
    /// each at its place; empty for rules of other instructions.
    #[must_use]
    pub const fn session_operands(self) -> &'static [SessionOperand] {
        use OperandKind as K;
        use TypeRule as T;
        const CHAN: SessionOperand = (K::Reg, Access::Read, T::Chan, 0);
        const FACT: SessionOperand = (K::Reg, Access::Read, T::Fact, 0);
        const YES: SessionOperand = (K::Reg, Access::Write, T::Bool, 0);
        const ARGS: SessionOperand = (K::RegList, Access::Read, T::ParamsOf, 0);
        const TARGETS: SessionOperand = (K::PcList, Access::None, T::None, 0);
        const LABEL: SessionOperand = (K::LabelId, Access::None, T::None, 0);
        const LABELS: SessionOperand = (K::LabelList, Access::None, T::None, 0);
        const SHAPE: SessionOperand = (K::ShapeId, Access::None, T::None, 0);
        const EFFECT: SessionOperand = (K::EffectId, Access::None, T::None, 0);
        const LAYER: SessionOperand = (K::LayerId, Access::None, T::None, 0);
        const FUNC: SessionOperand = (K::FuncId, Access::None, T::None, 0);
        match self {
            Self::Send => &[CHAN, (K::Reg, Access::Read, T::Message, 0)],
            Self::Receive => &[CHAN, (K::Reg, Access::Write, T::Message, 0)],
            Self::Offer => &[CHAN, LABEL, (K::RegOpt, Access::Read, T::Message, 0)],
            Self::Choose => &[CHAN, LABELS, (K::RegList, Access::Write, T::Message, 0), TARGETS],
            Self::Open => &[SHAPE, (K::RegList, Access::Write, T::ChansOf, 0)],
            Self::Close => &[CHAN],
            Self::Effect => &[EFFECT, ARGS, (K::RegOpt, Access::Write, T::ResultsOf, 0)],
            Self::Acquire => &[LAYER, (K::Reg, Access::Write, T::Evidence, 0)],
            Self::Release => &[LAYER, (K::Reg, Access::Read, T::Evidence, 0)],
            Self::Fork => &[(K::Reg, Access::Read, T::U64, 0)],
            Self::Transfer => {
                &[CHAN, (K::Reg, Access::Read, T::Coro, 0), (K::RegOpt, Access::Read, T::Bytes, 0)]
            }
            Self::Spawn => &[FUNC, ARGS, (K::RegOpt, Access::Write, T::Coro, 0)],
            Self::Tag => &[FACT, YES],
            Self::Check => &[FACT, (K::Reg, Access::Read, T::Str, 0), YES],
            Self::None | Self::Move | Self::Call | Self::TailCall | Self::Return => &[],
            Self::Join | Self::Abort | Self::Halt | Self::Yield => &[],
        }
    }

    /// The lowering of instructions that may have this rule; `None` if any other than
    /// [`Lower::Session`] may, which is so for [`Typestate::None`] alone.
    #[must_use]
    pub const fn lowering(self) -> Option<Lower> {
        match self {
            Self::None => None,
            Self::Move => Some(Lower::Move),
            Self::Call => Some(Lower::Call),
            Self::TailCall => Some(Lower::TailCall),
            Self::Return => Some(Lower::Return),
            _ => Some(Lower::Session),
        }
    }

    /// Whether it is the rule of a session instruction, and not of one that also moves other values.
    #[must_use]
    pub const fn is_session(self) -> bool {
        !matches!(self, Self::None | Self::Move | Self::Call | Self::TailCall | Self::Return)
    }

    /// How a session instruction with this rule ends its block; [`Term::None`] for others, too.
    #[must_use]
    pub const fn session_term(self) -> Term {
        match self {
            Self::Choose => Term::Branch,
            Self::Halt => Term::Halt,
            _ => Term::None,
        }
    }
}
