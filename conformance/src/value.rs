//! Values as the case files write them: one JSON object with one key, aggregates as trees.
//!
//! The notation is that of `extape/README.md`. Values here own everything and belong to no run, so that what a run
//! gave can be kept and compared after its heap is gone.

use serde_json::{Value as Json, json};
use std::fmt;

/// The bits of every NaN that leaves the VM.
pub const CANONICAL_NAN: u64 = opforge::CANONICAL_NAN_BITS;

/// A value of a case file, or one that a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseValue {
    /// `{"unit": null}`
    Unit,
    /// `{"bool": true}`
    Bool(bool),
    /// `{"i64": -5}`
    I64(i64),
    /// `{"u64": 5}`
    U64(u64),
    /// `{"f64": "3ff0000000000000"}`: IEEE bits.
    F64(u64),
    /// `{"f64": "nan"}`: any NaN. In expectations only.
    AnyNan,
    /// `{"dec": ["-1234", 2]}`: mantissa and scale.
    Dec(i64, u8),
    /// `{"bytes": "00ff"}`
    Bytes(Vec<u8>),
    /// `{"str": "text"}`
    Str(String),
    /// `{"obj": [host_type, handle]}`
    Obj(u64, u64),
    /// `{"func": 3}`
    Func(u32),
    /// `{"tuple": [values]}`
    Tuple(Vec<CaseValue>),
    /// `{"struct": [type_id, [values]]}`
    Struct(u32, Vec<CaseValue>),
    /// `{"array": [elem_type_id, [values]]}`
    Array(u32, Vec<CaseValue>),
    /// `{"closure": [func, environment]}`
    Closure(u32, Box<CaseValue>),
    /// `{"bad_agg": null}`: an aggregate handle that does not resolve.
    BadAgg,
}

/// How an expected value and one that came out of a run compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Equal.
    Same,
    /// Equal but for NaNs whose expected bits are not the canonical ones, where the run gave the canonical ones;
    /// also as an integer, for which a caller must know that it holds the bits of a float.
    CanonicalNan,
    /// Not equal.
    Different,
}

impl Likeness {
    /// Of two parts together, the greater difference.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Different, _) | (_, Self::Different) => Self::Different,
            (Self::CanonicalNan, _) | (_, Self::CanonicalNan) => Self::CanonicalNan,
            _ => Self::Same,
        }
    }
}

impl CaseValue {
    /// Compares an expectation with what a run gave. Every NaN that a run gives must have the canonical bits.
    #[must_use]
    pub fn compare(&self, actual: &Self) -> Likeness {
        match (self, actual) {
            (_, Self::F64(bits)) if f64::from_bits(*bits).is_nan() && *bits != CANONICAL_NAN => {
                Likeness::Different
            }
            (Self::AnyNan, Self::F64(CANONICAL_NAN)) => Likeness::Same,
            (Self::F64(expected), Self::F64(CANONICAL_NAN))
                if f64::from_bits(*expected).is_nan() && *expected != CANONICAL_NAN =>
            {
                Likeness::CanonicalNan
            }
            // The bits of a NaN that was turned into an integer.
            (Self::U64(expected), Self::U64(CANONICAL_NAN))
                if f64::from_bits(*expected).is_nan() && *expected != CANONICAL_NAN =>
            {
                Likeness::CanonicalNan
            }
            (Self::Tuple(a), Self::Tuple(b)) => Self::compare_all(a, b),
            (Self::Struct(id, a), Self::Struct(other, b)) if id == other => Self::compare_all(a, b),
            (Self::Array(id, a), Self::Array(other, b)) if id == other => Self::compare_all(a, b),
            (Self::Closure(func, a), Self::Closure(other, b)) if func == other => a.compare(b),
            _ if self == actual => Likeness::Same,
            _ => Likeness::Different,
        }
    }

    /// Compares lists of values; lists of different lengths are different.
    #[must_use]
    pub fn compare_all(expected: &[Self], actual: &[Self]) -> Likeness {
        if expected.len() != actual.len() {
            return Likeness::Different;
        }
        expected.iter().zip(actual).fold(Likeness::Same, |all, (a, b)| all.and(a.compare(b)))
    }

    /// Reads a value.
    ///
    /// # Errors
    /// If the JSON is not a value in the notation of the case files.
    pub fn from_json(json: &Json) -> Result<Self, String> {
        let wrong = || format!("not a value: {json}");
        let object = json.as_object().filter(|object| object.len() == 1).ok_or_else(wrong)?;
        let (key, inner) = object.iter().next().ok_or_else(wrong)?;
        let pair = || inner.as_array().filter(|pair| pair.len() == 2).ok_or_else(wrong);
        let id = |json: &Json| json.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(wrong);
        Ok(match key.as_str() {
            "unit" if inner.is_null() => Self::Unit,
            "bool" => Self::Bool(inner.as_bool().ok_or_else(wrong)?),
            "i64" => Self::I64(inner.as_i64().ok_or_else(wrong)?),
            "u64" => Self::U64(inner.as_u64().ok_or_else(wrong)?),
            "f64" => match inner.as_str().ok_or_else(wrong)? {
                "nan" => Self::AnyNan,
                digits if digits.len() == 16 => {
                    Self::F64(u64::from_str_radix(digits, 16).map_err(|_| wrong())?)
                }
                _ => return Err(wrong()),
            },
            "dec" => {
                let mantissa = pair()?[0].as_str().and_then(|text| text.parse().ok());
                let scale = pair()?[1].as_u64().and_then(|scale| u8::try_from(scale).ok());
                Self::Dec(mantissa.ok_or_else(wrong)?, scale.ok_or_else(wrong)?)
            }
            "bytes" => Self::Bytes(inner.as_str().and_then(from_hex).ok_or_else(wrong)?),
            "str" => Self::Str(inner.as_str().ok_or_else(wrong)?.to_owned()),
            "obj" => {
                let number = |json: &Json| json.as_u64().ok_or_else(wrong);
                Self::Obj(number(&pair()?[0])?, number(&pair()?[1])?)
            }
            "func" => Self::Func(id(inner)?),
            "tuple" => Self::Tuple(Self::list_from_json(inner)?),
            "struct" => Self::Struct(id(&pair()?[0])?, Self::list_from_json(&pair()?[1])?),
            "array" => Self::Array(id(&pair()?[0])?, Self::list_from_json(&pair()?[1])?),
            "closure" => Self::Closure(id(&pair()?[0])?, Box::new(Self::from_json(&pair()?[1])?)),
            "bad_agg" if inner.is_null() => Self::BadAgg,
            _ => return Err(wrong()),
        })
    }

    /// Reads a list of values.
    ///
    /// # Errors
    /// If the JSON is not an array, or an element is not a value.
    pub fn list_from_json(json: &Json) -> Result<Vec<Self>, String> {
        let list = json.as_array().ok_or_else(|| format!("not a list of values: {json}"))?;
        list.iter().map(Self::from_json).collect()
    }

    /// The value in the notation of the case files.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let list = |values: &[Self]| Json::Array(values.iter().map(Self::to_json).collect());
        match self {
            Self::Unit => json!({ "unit": null }),
            Self::Bool(v) => json!({ "bool": v }),
            Self::I64(v) => json!({ "i64": v }),
            Self::U64(v) => json!({ "u64": v }),
            Self::F64(bits) => json!({ "f64": format!("{bits:016x}") }),
            Self::AnyNan => json!({ "f64": "nan" }),
            Self::Dec(mantissa, scale) => json!({ "dec": [mantissa.to_string(), scale] }),
            Self::Bytes(bytes) => json!({ "bytes": to_hex(bytes) }),
            Self::Str(text) => json!({ "str": text }),
            Self::Obj(host_type, handle) => json!({ "obj": [host_type, handle] }),
            Self::Func(func) => json!({ "func": func }),
            Self::Tuple(values) => json!({ "tuple": list(values) }),
            Self::Struct(id, values) => json!({ "struct": [id, list(values)] }),
            Self::Array(id, values) => json!({ "array": [id, list(values)] }),
            Self::Closure(func, env) => json!({ "closure": [func, env.to_json()] }),
            Self::BadAgg => json!({ "bad_agg": null }),
        }
    }
}

impl fmt::Display for CaseValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_json())
    }
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes behind hex digits, two for each.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests;
