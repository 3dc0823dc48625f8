//! Points on which this VM differs from execution_tape 0.0.1 on purpose.

use std::fmt;

/// A point on which this VM differs on purpose. Each has one exact check; see the modules that use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Every NaN that leaves the VM has the canonical bits, also one that was only moved.
    NanBits,
    /// Exactly 2^63 and 2^64 do not convert to an integer: `FloatToIntInvalid` instead of a saturated result.
    FloatLimit,
    /// Booleans stored as a byte other than 0 and 1 do not decode, or do not verify where they stand in code.
    BoolByte,
    /// A function without code does not verify.
    EmptyBody,
    /// `InvalidPc` is no trap here. Callers that name no function, or give another number of arguments, are refused
    /// before the run; an element of another type is `TypeMismatch` and a function value that names no function
    /// `InvalidFunction`, at the same place; programs that the verifier should not have let through do not verify.
    InvalidPc,
    /// Listed: refused by the reference implementation's verifier and accepted here.
    Accepted,
    /// Listed: refused by both, under another name.
    ErrorName,
}

impl Class {
    /// The classes that the corpus marks cases with.
    pub const TAGS: &'static [Self] =
        &[Self::NanBits, Self::FloatLimit, Self::BoolByte, Self::EmptyBody, Self::InvalidPc];

    /// The class that a tag of the corpus stands for.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::TAGS.iter().copied().find(|class| class.name() == tag)
    }

    /// Its name: the tag of the corpus, or the word in the committed list.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NanBits => "nan_bits",
            Self::FloatLimit => "float_limit",
            Self::BoolByte => "bool_byte",
            Self::EmptyBody => "empty_body",
            Self::InvalidPc => "invalid_pc",
            Self::Accepted => "accepted",
            Self::ErrorName => "error",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
