//! Interning: every distinct text, constant, type and signature gets one index, found by map.

use crate::ids::{CallSigId, ConstId, ElemId, HostSigId, SymbolId};
use crate::program::Const;
use crate::value_type::ValueType;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

/// A pool constant by value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConstValue<'a> {
    /// The unit value.
    Unit,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A float, by its bits.
    F64(u64),
    /// A decimal: mantissa and number of decimal places.
    Decimal(i64, u8),
    /// A byte string.
    Bytes(&'a [u8]),
    /// Text.
    Str(&'a str),
}

impl ConstValue<'_> {
    /// The value as bytes, with a leading byte for its type: equal keys are equal constants.
    pub(crate) fn key(&self) -> Vec<u8> {
        let (tag, payload): (u8, &[u8]) = match self {
            Self::Unit => (0, &[]),
            Self::Bool(v) => (1, &[u8::from(*v)]),
            Self::I64(v) => (2, &v.to_le_bytes()),
            Self::U64(v) => (3, &v.to_le_bytes()),
            Self::F64(v) => (4, &v.to_le_bytes()),
            Self::Decimal(mantissa, scale) => {
                let m = mantissa.to_le_bytes();
                (5, &[m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], *scale])
            }
            Self::Bytes(v) => (6, v),
            Self::Str(v) => (7, v.as_bytes()),
        };
        let mut key = Vec::with_capacity(payload.len() + 1);
        key.push(tag);
        key.extend_from_slice(payload);
        key
    }

    /// The value of a constant of a program.
    pub(crate) fn of<'p>(constant: &Const, program: &'p crate::program::Program) -> ConstValue<'p> {
        match *constant {
            Const::Unit => ConstValue::Unit,
            Const::Bool(v) => ConstValue::Bool(v),
            Const::I64(v) => ConstValue::I64(v),
            Const::U64(v) => ConstValue::U64(v),
            Const::F64(bits) => ConstValue::F64(bits),
            Const::Decimal { mantissa, scale } => ConstValue::Decimal(mantissa, scale),
            Const::Bytes(start, len) => ConstValue::Bytes(program.const_slice(start, len)),
            Const::Str(start, len) => {
                ConstValue::Str(core::str::from_utf8(program.const_slice(start, len)).unwrap_or(""))
            }
        }
    }
}

/// Parameter and result types as a map key.
pub(super) type SigKey = (Vec<ValueType>, Vec<ValueType>);

/// The maps behind the tables: the first index of everything.
#[derive(Debug, Default)]
pub(super) struct Interner {
    pub(super) symbols: BTreeMap<String, SymbolId>,
    pub(super) field_names: BTreeMap<String, u32>,
    pub(super) consts: BTreeMap<Vec<u8>, ConstId>,
    pub(super) elems: BTreeMap<ValueType, ElemId>,
    pub(super) hosts: BTreeMap<(SymbolId, SigKey), HostSigId>,
    pub(super) call_sigs: BTreeMap<SigKey, CallSigId>,
    // Names that are taken.
    pub(super) locals: BTreeSet<String>,
    pub(super) shapes: BTreeSet<String>,
    pub(super) effects: BTreeSet<String>,
    pub(super) layers: BTreeSet<String>,
}
