//! Operands as a builder's user gives them, and how they fit operand kinds.

use super::Label;
use crate::ids::{
    CallSigId, ConstId, EffectId, ElemId, FuncId, HostSigId, IntrinsicId, LayerId, MemId, Reg, ShapeId,
    StructId,
};
use crate::protocol::LabelId;
use opforge_schema::{OperandKind, Rounding};
use opforge_tables::Intrinsic;

/// One operand of [`FuncBuilder::emit`](super::FuncBuilder::emit).
///
/// Integers fit every integer kind that has room for their value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operand<'a> {
    /// A register.
    Reg(Reg),
    /// A list of registers.
    Regs(&'a [Reg]),
    /// A branch target.
    Label(Label),
    /// A list of branch targets.
    Labels(&'a [Label]),
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A float.
    F64(f64),
    /// A pool constant.
    Const(ConstId),
    /// A function.
    Func(FuncId),
    /// A host signature.
    HostSig(HostSigId),
    /// A call signature.
    CallSig(CallSigId),
    /// A struct type.
    Struct(StructId),
    /// An array element type.
    Elem(ElemId),
    /// A rounding mode.
    Rounding(Rounding),
    /// An intrinsic.
    Intrinsic(IntrinsicId),
    /// A linear memory.
    Mem(MemId),
    /// A register that may be left out.
    OptReg(Option<Reg>),
    /// A message label.
    Message(LabelId),
    /// A list of message labels.
    Messages(&'a [LabelId]),
    /// A session shape.
    Shape(ShapeId),
    /// An effect.
    Effect(EffectId),
    /// A guard layer.
    Layer(LayerId),
}

/// An operand as the codec takes it.
pub(super) enum Fit<'a> {
    Scalar(u64),
    Regs(&'a [Reg]),
    Label(Label),
    Labels(&'a [Label]),
    Opt(Option<u32>),
    Messages(&'a [LabelId]),
}

/// Why an operand does not fit.
pub(super) enum Misfit {
    Kind,
    Range,
}

impl<'a> Operand<'a> {
    /// What the operand is called in messages.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Reg(_) => "a register",
            Self::Regs(_) => "a register list",
            Self::Label(_) => "a label",
            Self::Labels(_) => "a list of labels",
            Self::Bool(_) => "a truth value",
            Self::I64(_) | Self::U64(_) => "an integer",
            Self::F64(_) => "a float",
            Self::Const(_) => "a constant",
            Self::Func(_) => "a function",
            Self::HostSig(_) => "a host signature",
            Self::CallSig(_) => "a call signature",
            Self::Struct(_) => "a struct type",
            Self::Elem(_) => "an element type",
            Self::Rounding(_) => "a rounding mode",
            Self::Intrinsic(_) => "an intrinsic",
            Self::Mem(_) => "a memory",
            Self::OptReg(_) => "an optional register",
            Self::Message(_) => "a message label",
            Self::Messages(_) => "a list of message labels",
            Self::Shape(_) => "a session shape",
            Self::Effect(_) => "an effect",
            Self::Layer(_) => "a guard layer",
        }
    }

    /// The operand as the codec takes it, if it is of this kind and in range.
    pub(super) fn fit(self, kind: OperandKind) -> Result<Fit<'a>, Misfit> {
        use OperandKind as K;
        let unsigned = |max: u64| match self {
            Self::U64(v) => Some(v).filter(|&v| v <= max),
            Self::I64(v) => u64::try_from(v).ok().filter(|&v| v <= max),
            _ => None,
        };
        let integer = matches!(self, Self::I64(_) | Self::U64(_));
        let scalar = match (kind, self) {
            (K::Reg, Self::Reg(Reg(n))) => u64::from(n),
            (K::RegList, Self::Regs(regs)) => return Ok(Fit::Regs(regs)),
            (K::Pc, Self::Label(label)) => return Ok(Fit::Label(label)),
            (K::PcList, Self::Labels(labels)) => return Ok(Fit::Labels(labels)),
            (K::RegOpt, Self::OptReg(reg)) => return Ok(Fit::Opt(reg.map(|Reg(n)| n))),
            (K::RegOpt, Self::Reg(Reg(n))) => return Ok(Fit::Opt(Some(n))),
            (K::LabelList, Self::Messages(labels)) => return Ok(Fit::Messages(labels)),
            (K::LabelId, Self::Message(label)) => u64::from(label.0),
            (K::ImmBool, Self::Bool(v)) => u64::from(v),
            (K::ImmF64, Self::F64(v)) => v.to_bits(),
            (K::ConstId, Self::Const(ConstId(n)))
            | (K::FuncId, Self::Func(FuncId(n)))
            | (K::HostSigId, Self::HostSig(HostSigId(n)))
            | (K::CallSigId, Self::CallSig(CallSigId(n)))
            | (K::TypeId, Self::Struct(StructId(n)))
            | (K::ElemTypeId, Self::Elem(ElemId(n)))
            | (K::IntrinsicId, Self::Intrinsic(IntrinsicId(n)))
            | (K::MemId, Self::Mem(MemId(n)))
            | (K::ShapeId, Self::Shape(ShapeId(n)))
            | (K::EffectId, Self::Effect(EffectId(n)))
            | (K::LayerId, Self::Layer(LayerId(n))) => u64::from(n),
            (K::Rounding, Self::Rounding(mode)) => mode.code().into(),
            (K::ImmI64, Self::I64(v)) => v as u64,
            (K::ImmI64, _) if integer => unsigned(i64::MAX as u64).ok_or(Misfit::Range)?,
            (K::ImmU64, _) if integer => unsigned(u64::MAX).ok_or(Misfit::Range)?,
            (K::ImmU32, _) if integer => unsigned(u64::from(u32::MAX)).ok_or(Misfit::Range)?,
            (K::ImmU8, _) if integer => unsigned(u64::from(u8::MAX)).ok_or(Misfit::Range)?,
            _ => return Err(Misfit::Kind),
        };
        Ok(Fit::Scalar(scalar))
    }
}

macro_rules! operand_from {
    ($($from:ty => $variant:ident,)*) => {$(
        impl<'a> From<$from> for Operand<'a> {
            fn from(value: $from) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

operand_from! {
    Reg => Reg,
    &'a [Reg] => Regs,
    Label => Label,
    &'a [Label] => Labels,
    bool => Bool,
    i64 => I64,
    u64 => U64,
    f64 => F64,
    ConstId => Const,
    FuncId => Func,
    HostSigId => HostSig,
    CallSigId => CallSig,
    StructId => Struct,
    ElemId => Elem,
    Rounding => Rounding,
    IntrinsicId => Intrinsic,
    MemId => Mem,
    Option<Reg> => OptReg,
    LabelId => Message,
    &'a [LabelId] => Messages,
    ShapeId => Shape,
    EffectId => Effect,
    LayerId => Layer,
}

impl From<Intrinsic> for Operand<'_> {
    fn from(value: Intrinsic) -> Self {
        Self::Intrinsic(IntrinsicId(value.id()))
    }
}

impl<'a, const N: usize> From<&'a [Reg; N]> for Operand<'a> {
    fn from(value: &'a [Reg; N]) -> Self {
        Self::Regs(value)
    }
}
