//! What is kept of host calls to compare two runs. It stays small whatever programs do: calls are kept in short up to
//! a number, and everything is hashed.

use super::value;
use crate::text::{clean, quoted};
use opforge::Value;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Calls that are kept.
const MAX_CALLS: usize = 100_000;
/// Characters of an argument that are kept.
const MAX_SHOWN: usize = 100;

/// One host call, in short.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    symbol: &'static str,
    /// Of the whole argument.
    digest: u64,
    shown: Box<str>,
    /// Fuel left, as the host function sees it.
    fuel: u64,
}

impl Call {
    pub(super) fn new(symbol: &'static str, argument: &Value, fuel: u64) -> Self {
        let mut digest = DefaultHasher::new();
        let shown = match argument {
            Value::Str(text) => {
                text.hash(&mut digest);
                let cut: String = text.chars().take(MAX_SHOWN).collect();
                let rest = if cut.len() < text.len() { " ..." } else { "" };
                format!("{}{rest}", quoted(&cut))
            }
            Value::F64(v) => {
                v.to_bits().hash(&mut digest);
                format!("{} (0x{:016x})", value::float(*v), v.to_bits())
            }
            Value::I64(v) => v.to_string(),
            Value::U64(v) => v.to_string(),
            Value::Bool(v) => v.to_string(),
            other => format!("{other:?}"),
        };
        let shown = format!("{} {shown}", argument.value_type());
        shown.hash(&mut digest);
        Self { symbol, digest: digest.finish(), shown: shown.into(), fuel }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) at {} fuel", self.symbol, clean(&self.shown), self.fuel)
    }
}

/// The host calls of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// The first ones.
    kept: Vec<Call>,
    count: u64,
    /// Of all of them.
    digest: DefaultHasher,
    /// Of what they wrote, and where to.
    output: DefaultHasher,
    lines: u64,
    /// The first call, from 1, that found standard output closed.
    pub(super) closed_at: Option<u64>,
}

impl Log {
    pub(super) fn call(&mut self, call: Call) {
        self.count += 1;
        call.hash(&mut self.digest);
        if self.kept.len() < MAX_CALLS {
            self.kept.push(call);
        }
    }

    pub(super) fn output(&mut self, to: &str, line: &str) {
        self.lines += 1;
        (to, line).hash(&mut self.output);
    }

    pub(super) fn closed(&mut self) {
        self.closed_at.get_or_insert(self.count);
    }

    /// Calls so far, with the one that is being answered.
    pub(super) fn calls(&self) -> u64 {
        self.count
    }

    /// What differs: what it is, and both sides.
    pub(super) fn compare(&self, other: &Self, differ: &mut dyn FnMut(&str, String, String)) {
        let pairs = self.kept.iter().zip(&other.kept);
        let shown = |log: &Self, at: usize| log.kept.get(at).map_or("none".to_owned(), Call::to_string);
        let first = pairs.clone().position(|(a, b)| a != b);
        let cut = self.kept.len().min(other.kept.len());
        match first.or((self.kept.len() != other.kept.len()).then_some(cut)) {
            Some(at) => differ(&format!("host call {}", at + 1), shown(self, at), shown(other, at)),
            None if (self.count, self.digest.finish()) != (other.count, other.digest.finish()) => {
                let side = |log: &Self| format!("{} calls, digest {:016x}", log.count, log.digest.finish());
                differ(&format!("host calls after the first {MAX_CALLS}"), side(self), side(other));
            }
            None => {}
        }
        if (self.lines, self.output.finish()) != (other.lines, other.output.finish()) {
            let side = |log: &Self| format!("{} lines, digest {:016x}", log.lines, log.output.finish());
            differ("output of host functions", side(self), side(other));
        }
    }
}
