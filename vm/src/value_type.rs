//! The value types that containers and signatures spell out.

use core::fmt;

/// A type as a container spells it: a class tag, and the host type of an object.
///
/// Aggregates carry no shape here; the verifier works with [`Type`](crate::types::Type), which does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// The unit value.
    Unit,
    /// A truth value.
    Bool,
    /// A signed 64-bit integer.
    I64,
    /// An unsigned 64-bit integer.
    U64,
    /// A binary64 float.
    F64,
    /// A decimal: 64-bit mantissa and a scale.
    Decimal,
    /// A byte string.
    Bytes,
    /// UTF-8 text.
    Str,
    /// A host object of this host type.
    Obj(u64),
    /// A tuple, struct or array.
    Agg,
    /// A function reference.
    Func,
    /// A function reference with an environment.
    Closure,
    /// An endpoint of a session. Linear: it is used, moved or closed, never copied.
    Chan,
    /// Proof of holding a guard layer. Linear.
    Evidence,
    /// A coroutine.
    Coro,
    /// The name of an endpoint, which gives no right to use it.
    Epid,
}

impl ValueType {
    /// The tag byte of the class in containers.
    #[must_use]
    pub const fn tag(self) -> u8 {
        match self {
            Self::Unit => 0,
            Self::Bool => 1,
            Self::I64 => 2,
            Self::U64 => 3,
            Self::F64 => 4,
            Self::Decimal => 5,
            Self::Bytes => 6,
            Self::Str => 7,
            Self::Obj(_) => 8,
            Self::Agg => 9,
            Self::Func => 10,
            Self::Closure => 11,
            Self::Chan => 12,
            Self::Evidence => 13,
            Self::Coro => 14,
            Self::Epid => 15,
        }
    }

    /// The type with this tag; `host_type` is used for objects only.
    #[must_use]
    pub const fn from_tag(tag: u8, host_type: u64) -> Option<Self> {
        Some(match tag {
            0 => Self::Unit,
            1 => Self::Bool,
            2 => Self::I64,
            3 => Self::U64,
            4 => Self::F64,
            5 => Self::Decimal,
            6 => Self::Bytes,
            7 => Self::Str,
            8 => Self::Obj(host_type),
            9 => Self::Agg,
            10 => Self::Func,
            11 => Self::Closure,
            12 => Self::Chan,
            13 => Self::Evidence,
            14 => Self::Coro,
            15 => Self::Epid,
            _ => return None,
        })
    }

    /// Whether values of the type are used up: an endpoint or evidence is in one place at a time.
    #[must_use]
    pub const fn is_linear(self) -> bool {
        matches!(self, Self::Chan | Self::Evidence)
    }

    /// Whether the type belongs to sessions, which containers before 0.128 do not know.
    #[must_use]
    pub const fn is_of_sessions(self) -> bool {
        self.tag() > Self::Closure.tag()
    }

    /// The tag of host objects, whose type has a host type id behind it.
    pub const OBJ_TAG: u8 = 8;

    /// The number of 64-bit slots a value takes at run time: 0, 1 or 2.
    #[must_use]
    #[inline]
    pub fn slots(self) -> u32 {
        opforge_tables::ISA.classes.get(usize::from(self.tag())).map_or(1, |row| u32::from(row.slots))
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("unit"),
            Self::Bool => f.write_str("bool"),
            Self::I64 => f.write_str("i64"),
            Self::U64 => f.write_str("u64"),
            Self::F64 => f.write_str("f64"),
            Self::Decimal => f.write_str("decimal"),
            Self::Bytes => f.write_str("bytes"),
            Self::Str => f.write_str("str"),
            Self::Obj(host) => write!(f, "obj({host})"),
            Self::Agg => f.write_str("agg"),
            Self::Func => f.write_str("func"),
            Self::Closure => f.write_str("closure"),
            Self::Chan => f.write_str("chan"),
            Self::Evidence => f.write_str("evidence"),
            Self::Coro => f.write_str("coro"),
            Self::Epid => f.write_str("epid"),
        }
    }
}

/// Writes types as `(i64, str)`.
pub(crate) fn write_types(f: &mut fmt::Formatter<'_>, types: &[ValueType]) -> fmt::Result {
    f.write_str("(")?;
    for (i, ty) in types.iter().enumerate() {
        write!(f, "{}{ty}", if i == 0 { "" } else { ", " })?;
    }
    f.write_str(")")
}
