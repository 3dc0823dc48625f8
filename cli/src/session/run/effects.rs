//! What becomes of the effects that programs ask for: they are printed, and give a default.

use crate::output::to_stderr;
use crate::run::hosts::{SharedOut, Target};
use crate::run::value::float;
use crate::text::{clean, clean_lines, hex, quoted};
use opforge::ids::EffectId;
use opforge::session::{EffectCall, EffectHandler, Outcome};
use opforge::{Program, Value, ValueType};

/// Prints effects.
#[derive(Debug)]
pub(super) struct Handler {
    denied: bool,
    target: Target,
    out: SharedOut,
    /// The type of the result of each effect.
    results: Vec<ValueType>,
}

impl Handler {
    /// A handler for a program; with `denied` every effect fails.
    pub(super) fn new(program: &Program, denied: bool, target: Target, out: SharedOut) -> Self {
        let tables = program.sessions();
        let result = |id: u32| {
            let sig = tables.effect_sig(EffectId(id));
            sig.and_then(|sig| sig.results.first().copied()).unwrap_or(ValueType::Unit)
        };
        let results = (0..tables.effects.len() as u32).map(result).collect();
        Self { denied, target, out, results }
    }

    /// Writes a line; whether somebody reads it.
    fn line(&self, line: &str) -> bool {
        if self.target == Target::Stderr {
            to_stderr(&format!("{line}\n"));
            return true;
        }
        let mut out = self.out.borrow_mut();
        out.line(line);
        !out.is_closed()
    }
}

impl EffectHandler for Handler {
    fn invoke(&mut self, call: EffectCall<'_>) -> Outcome<Value> {
        if self.denied {
            return Outcome::Failed("--effects deny".to_owned());
        }
        let class = self.results.get(call.effect.index()).copied().unwrap_or(ValueType::Unit);
        let Some(result) = default(class) else {
            return Outcome::Failed(format!("opforge session run has no value of type {class} to give"));
        };
        let written = match call.name {
            "print" => self.line(&plain(call.args)),
            "log" => {
                to_stderr(&format!("log: {}\n", plain(call.args)));
                true
            }
            name => {
                let args: Vec<String> = call.args.iter().map(shown).collect();
                let gives =
                    if class == ValueType::Unit { String::new() } else { format!(" = {}", shown(&result)) };
                self.line(&format!("effect {}({}){gives}", clean(name), args.join(", ")))
            }
        };
        match written {
            true => Outcome::Done(result),
            false => Outcome::Failed("standard output is closed".to_owned()),
        }
    }
}

/// What effects give.
fn default(class: ValueType) -> Option<Value> {
    Some(match class {
        ValueType::Unit => Value::Unit,
        ValueType::Bool => Value::Bool(false),
        ValueType::I64 => Value::I64(0),
        ValueType::U64 => Value::U64(0),
        ValueType::F64 => Value::F64(0.0),
        ValueType::Str => Value::Str(String::new()),
        ValueType::Bytes => Value::Bytes(Vec::new()),
        _ => return None,
    })
}

/// Arguments as a line of text.
fn plain(args: &[Value]) -> String {
    let parts: Vec<String> = args
        .iter()
        .map(|arg| match arg {
            Value::Str(text) => clean_lines(text),
            other => shown(other),
        })
        .collect();
    parts.join(" ")
}

/// A value as it is written in programs. Aggregates are not opened: a handler does not see the heap.
fn shown(value: &Value) -> String {
    match value {
        Value::Unit => "unit".to_owned(),
        Value::Bool(v) => v.to_string(),
        Value::I64(v) => v.to_string(),
        Value::U64(v) => v.to_string(),
        Value::F64(v) => float(*v),
        Value::Decimal(v) => crate::run::value::decimal(*v),
        Value::Str(v) => quoted(v),
        Value::Bytes(v) => hex(v),
        Value::Endpoint(id) => id.to_string(),
        Value::Coro(id) => id.to_string(),
        other => format!("<{}>", other.value_type()),
    }
}
