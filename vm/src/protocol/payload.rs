//! What a message carries beside its label.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::error::{ProtocolError, ProtocolErrorKind};
use super::{MAX_PAYLOAD_PARTS, Name};
use crate::ValueType;

/// The type of what a message carries beside its label. [`Payload::UNIT`] stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Payload {
    /// A value of the VM.
    Value(ValueType),
    /// Several values as one; made by [`Payload::tuple`].
    Tuple(TuplePayload),
    /// An endpoint that changes hands (delegation).
    Chan {
        /// The shape or the role of the session that the endpoint belongs to.
        of: Name,
        /// The name of the local type that is left to be done with it.
        state: Name,
    },
}

/// The elements of a tuple payload, bounded by [`MAX_PAYLOAD_PARTS`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TuplePayload(Arc<[Payload]>);

impl TuplePayload {
    /// The types of the elements.
    #[must_use]
    pub fn elements(&self) -> &[Payload] {
        &self.0
    }
}

impl Payload {
    /// No payload.
    pub const UNIT: Self = Self::Value(ValueType::Unit);

    /// A tuple of payloads.
    ///
    /// # Errors
    ///
    /// [`ProtocolErrorKind::TooLarge`] if it has more than [`MAX_PAYLOAD_PARTS`] parts.
    pub fn tuple(elements: impl IntoIterator<Item = Self>) -> Result<Self, ProtocolError> {
        let elements: Vec<Self> = elements.into_iter().take(MAX_PAYLOAD_PARTS).collect();
        let parts = elements.iter().map(Self::parts).fold(1_usize, usize::saturating_add);
        if parts > MAX_PAYLOAD_PARTS {
            let message = format!("a payload of more than {MAX_PAYLOAD_PARTS} parts");
            return Err(ProtocolError::new(ProtocolErrorKind::TooLarge, message).hint("send it in pieces"));
        }
        Ok(Self::Tuple(TuplePayload(elements.into())))
    }

    /// An endpoint of the session `of`, with the local type called `state` left to be done.
    #[must_use]
    pub fn chan(of: &str, state: &str) -> Self {
        Self::Chan { of: of.into(), state: state.into() }
    }

    /// Calls `found` for every part, inside of tuples first, from left to right.
    pub(crate) fn each_part(&self, found: &mut impl FnMut(&Self)) {
        // As deep as tuples may be.
        if let Self::Tuple(tuple) = self {
            tuple.0.iter().for_each(|element| element.each_part(found));
        }
        found(self);
    }

    /// The same payload with other endpoints in it; `None` if none of them changes.
    pub(crate) fn with_chans(&self, other: &mut impl FnMut(&Self) -> Option<Self>) -> Option<Self> {
        match self {
            Self::Value(_) => None,
            Self::Chan { .. } => other(self),
            Self::Tuple(tuple) => {
                let mut changed = false;
                let elements: Vec<Self> = tuple
                    .0
                    .iter()
                    .map(|element| {
                        let new = element.with_chans(other);
                        changed |= new.is_some();
                        new.unwrap_or_else(|| element.clone())
                    })
                    .collect();
                changed.then(|| Self::Tuple(TuplePayload(elements.into())))
            }
        }
    }

    /// Whether this is no payload.
    #[must_use]
    pub fn is_unit(&self) -> bool {
        *self == Self::UNIT
    }

    /// The number of tuples and elements. Tuples bound it, so it also bounds how deep these walks go.
    fn parts(&self) -> usize {
        match self {
            Self::Tuple(tuple) => tuple.0.iter().map(Self::parts).fold(1, usize::saturating_add),
            Self::Value(_) | Self::Chan { .. } => 1,
        }
    }
}

impl From<ValueType> for Payload {
    fn from(ty: ValueType) -> Self {
        Self::Value(ty)
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(ty) => write!(f, "{ty}"),
            Self::Chan { of, state } => write!(f, "chan({of}, {state})"),
            Self::Tuple(tuple) => {
                f.write_str("tuple(")?;
                for (i, element) in tuple.0.iter().enumerate() {
                    write!(f, "{}{element}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}
