//! Types of registers as the generator follows them: classes, and the shapes of aggregates.

use opforge_vm::ValueType;
use opforge_vm::ids::{ElemId, StructId};
use std::rc::Rc;

/// The type of a register, narrow enough to know what can be read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    /// A class; for aggregates: of unknown shape.
    Value(ValueType),
    /// A tuple.
    Tuple(Rc<[Ty]>),
    /// A struct of the program.
    Struct(StructId),
    /// An array of the program.
    Array(ElemId),
    /// An element of a declared tuple shape that was left open: it cannot be read.
    Open,
}

/// An aggregate of unknown shape.
pub(crate) const AGG: Ty = Ty::Value(ValueType::Agg);

impl Ty {
    /// The class; `None` for an open element.
    pub(crate) fn class(&self) -> Option<ValueType> {
        match self {
            Self::Value(ty) => Some(*ty),
            Self::Tuple(_) | Self::Struct(_) | Self::Array(_) => Some(ValueType::Agg),
            Self::Open => None,
        }
    }

    pub(crate) fn is_agg(&self) -> bool {
        self.class() == Some(ValueType::Agg)
    }

    /// Whether more is known of it than its class.
    pub(crate) fn has_shape(&self) -> bool {
        matches!(self, Self::Tuple(_) | Self::Struct(_) | Self::Array(_))
    }

    /// The type that covers both, of one class: the verifier's join.
    pub(crate) fn join(&self, other: &Self) -> Self {
        if self == other {
            return self.clone();
        }
        let flat = self.flat();
        if flat == other.flat() { flat } else { AGG }
    }

    /// The shapes of elements forgotten.
    fn flat(&self) -> Self {
        match self {
            Self::Tuple(elems) => {
                Self::Tuple(elems.iter().map(|e| if e.is_agg() { AGG } else { e.clone() }).collect())
            }
            _ => self.clone(),
        }
    }
}
