//! Operands as text, by kind.

use super::view::View;
use crate::builder::ConstValue;
use crate::codec::OperandValue;
use crate::ids::{
    CallSigId, ConstId, EffectId, ElemId, FuncId, HostSigId, LayerId, MemId, ShapeId, SymbolId,
};
use crate::program::{Program, Signature};
use crate::text::{Float, HexText, NameText, Quoted};
use crate::value_type::ValueType;
use alloc::collections::BTreeMap;
use core::fmt;
use opforge_schema::{Isa, OperandKind, Rounding};

/// What names are known to the writer of an operand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known<'a> {
    /// Look-ups of a whole disassembly.
    pub(super) view: Option<&'a View<'a>>,
    /// The program alone: names are searched for, which is enough for a message.
    pub(super) program: Option<&'a Program>,
    /// The labels of the function; without them a target is shown by its offset.
    pub(super) labels: Option<&'a Labels<'a>>,
}

/// Labels of a function by byte offset: a name, or `None` for one without.
pub(super) type Labels<'a> = BTreeMap<u32, Option<&'a str>>;

impl Known<'_> {
    /// Writes one operand.
    pub(super) fn write(
        &self,
        f: &mut dyn fmt::Write,
        isa: &Isa<'_>,
        kind: OperandKind,
        value: OperandValue<'_>,
    ) -> fmt::Result {
        let number = value.scalar().unwrap_or(0);
        // Ids and registers are written with 32 bits at most.
        let id = number as u32;
        match kind {
            OperandKind::Reg => write!(f, "r{id}"),
            OperandKind::RegOpt => match value.scalar32() {
                Some(reg) => write!(f, "r{reg}"),
                None => f.write_str("-"),
            },
            OperandKind::LabelList => {
                f.write_str("[")?;
                for (i, &label) in value.list().iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    named(f, self.message_label(label), label)?;
                }
                f.write_str("]")
            }
            OperandKind::LabelId => named(f, self.message_label(id), id),
            OperandKind::ShapeId => named(f, self.session_shape(ShapeId(id)), id),
            OperandKind::EffectId => named(f, self.effect(EffectId(id)), id),
            OperandKind::LayerId => named(f, self.layer(LayerId(id)), id),
            OperandKind::RegList => {
                f.write_str("(")?;
                for (i, reg) in value.list().iter().enumerate() {
                    write!(f, "{}r{reg}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            OperandKind::Pc => self.target(f, id),
            OperandKind::PcList => {
                f.write_str("(")?;
                for (i, &pc) in value.list().iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    self.target(f, pc)?;
                }
                f.write_str(")")
            }
            OperandKind::ImmBool => f.write_str(if number == 0 { "false" } else { "true" }),
            OperandKind::ImmU8 | OperandKind::ImmU32 | OperandKind::ImmU64 => write!(f, "{number}"),
            OperandKind::Rounding => match u8::try_from(number).ok().and_then(Rounding::from_code) {
                Some(mode) => f.write_str(mode.name()),
                None => write!(f, "{number}"),
            },
            OperandKind::ImmI64 => write!(f, "{}", number as i64),
            OperandKind::ImmF64 => write!(f, "{}", Float(number)),
            OperandKind::ConstId => match self.constant(ConstId(id)) {
                Some(value) => write_const(f, &value),
                None => write!(f, "#{id}"),
            },
            OperandKind::FuncId => match self.func_name(FuncId(id)) {
                Some(name) => write!(f, "&{}", NameText(name)),
                None => write!(f, "&{id}"),
            },
            OperandKind::HostSigId => match self.host(HostSigId(id)) {
                Some(text) => write!(f, "{}", Quoted(text)),
                None => write!(f, "#{id}"),
            },
            OperandKind::CallSigId => match self.call_sig(CallSigId(id)) {
                Some(sig) => write!(f, "{}", SigText(sig)),
                None => write!(f, "#{id}"),
            },
            OperandKind::ElemTypeId => match self.elem(ElemId(id)) {
                Some(ty) => write!(f, "{ty}"),
                None => write!(f, "#{id}"),
            },
            OperandKind::IntrinsicId => match isa.intrinsic(id) {
                Some(row) => f.write_str(row.name.as_str()),
                None => write!(f, "#{id}"),
            },
            OperandKind::MemId => match self.memory(MemId(id)) {
                Some(name) => write!(f, "{}", NameText(name)),
                None => write!(f, "#{id}"),
            },
            OperandKind::TypeId => write!(f, "#{id}"),
            OperandKind::None => write!(f, "?"),
        }
    }

    fn target(&self, f: &mut dyn fmt::Write, pc: u32) -> fmt::Result {
        match self.labels.map(|labels| labels.get(&pc)) {
            Some(Some(Some(name))) => write!(f, "@{}", NameText(name)),
            Some(Some(None)) | None => write!(f, "@{pc}"),
            Some(None) => write!(f, "@={pc}"),
        }
    }

    fn constant(&self, id: ConstId) -> Option<ConstValue<'_>> {
        self.view?.const_inline(id)
    }

    fn func_name(&self, id: FuncId) -> Option<&str> {
        match self.view {
            Some(view) => view.func_name(id),
            None => self.program?.func_name(id),
        }
    }

    fn host(&self, id: HostSigId) -> Option<&str> {
        match self.view {
            Some(view) => view.host_inline(id),
            None => {
                let program = self.program?;
                program.symbol(program.host_sig(id)?.symbol)
            }
        }
    }

    fn memory(&self, id: MemId) -> Option<&str> {
        match self.view {
            Some(view) => view.memory_name(id),
            None => {
                let program = self.program?;
                program.symbol(program.memories().get(id.index())?.name).filter(|name| !name.is_empty())
            }
        }
    }

    fn message_label(&self, id: u32) -> Option<&str> {
        match self.view {
            Some(view) => view.message_label(id),
            None => {
                let program = self.program?;
                self.text(program.sessions().labels.get(id as usize).copied())
            }
        }
    }

    fn session_shape(&self, id: ShapeId) -> Option<&str> {
        match self.view {
            Some(view) => view.session_shape_name(id),
            None => self.text(self.program?.sessions().shape(id).map(|shape| shape.name)),
        }
    }

    fn effect(&self, id: EffectId) -> Option<&str> {
        match self.view {
            Some(view) => view.effect_name(id),
            None => self.text(self.program?.sessions().effects.get(id.index()).map(|effect| effect.name)),
        }
    }

    fn layer(&self, id: LayerId) -> Option<&str> {
        match self.view {
            Some(view) => view.layer_name(id),
            None => self.text(self.program?.sessions().layers.get(id.index()).map(|layer| layer.name)),
        }
    }

    /// The text of a symbol, if it has one.
    fn text(&self, symbol: Option<SymbolId>) -> Option<&str> {
        self.program?.symbol(symbol?).filter(|name| !name.is_empty())
    }

    fn call_sig(&self, id: CallSigId) -> Option<Signature<'_>> {
        match self.view {
            Some(view) => view.call_sig_inline(id),
            None => self.program?.call_sig(id),
        }
    }

    fn elem(&self, id: ElemId) -> Option<ValueType> {
        match self.view {
            Some(view) => view.elem_inline(id),
            None => self.program?.elem_types().get(id.index()).copied(),
        }
    }
}

/// A name, or else an index.
fn named(f: &mut dyn fmt::Write, name: Option<&str>, id: u32) -> fmt::Result {
    match name {
        Some(name) => write!(f, "{}", NameText(name)),
        None => write!(f, "#{id}"),
    }
}

/// Writes a constant by value.
pub(super) fn write_const(f: &mut dyn fmt::Write, value: &ConstValue<'_>) -> fmt::Result {
    match *value {
        ConstValue::Unit => f.write_str("unit"),
        ConstValue::Bool(v) => write!(f, "{v}"),
        ConstValue::I64(v) => write!(f, "i64 {v}"),
        ConstValue::U64(v) => write!(f, "u64 {v}"),
        ConstValue::F64(bits) => write!(f, "f64 {}", Float(bits)),
        ConstValue::Decimal(mantissa, scale) => write!(f, "decimal({mantissa}, {scale})"),
        ConstValue::Bytes(bytes) => write!(f, "{}", HexText(bytes)),
        ConstValue::Str(text) => write!(f, "{}", Quoted(text)),
    }
}

/// Shows a signature: `(i64) -> (str)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SigText<'p>(pub(super) Signature<'p>);

impl fmt::Display for SigText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (types, open) in [(self.0.params, "("), (self.0.results, ") -> (")] {
            f.write_str(open)?;
            for (i, ty) in types.iter().enumerate() {
                write!(f, "{}{ty}", if i == 0 { "" } else { ", " })?;
            }
        }
        f.write_str(")")
    }
}
