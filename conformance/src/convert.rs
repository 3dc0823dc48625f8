//! Values of the case files in the heap of a run, and back.

use crate::value::CaseValue;
use opforge::heap::{AggregateKind, Heap, ValueError};
use opforge::ids::{ElemId, FuncId, StructId};
use opforge::sem::Decimal;
use opforge::{AggRef, Value, ValueType};
use serde_json::{Value as Json, json};

/// Most values that are read out of a heap for one run. Aggregates may share parts, so the tree behind a handle can
/// be far larger than the heap; no expectation comes near this.
const MAX_VALUES: usize = 1 << 16;

/// Deepest nesting that is read out of a heap.
const MAX_DEPTH: usize = 200;

/// Makes a value of a case file in a run's heap.
///
/// # Errors
/// If the heap refuses to make an aggregate, or the value is a pattern that stands in expectations only.
pub fn to_vm(value: &CaseValue, heap: &mut Heap) -> Result<Value, String> {
    let refused = |error: ValueError| format!("{value} cannot be made: {error}");
    Ok(match value {
        CaseValue::Unit => Value::Unit,
        CaseValue::Bool(v) => Value::Bool(*v),
        CaseValue::I64(v) => Value::I64(*v),
        CaseValue::U64(v) => Value::U64(*v),
        CaseValue::F64(bits) => Value::F64(f64::from_bits(*bits)),
        CaseValue::AnyNan => return Err("\"nan\" without bits is no argument".to_owned()),
        CaseValue::Dec(mantissa, scale) => Value::Decimal(Decimal { mantissa: *mantissa, scale: *scale }),
        CaseValue::Bytes(bytes) => Value::Bytes(bytes.clone()),
        CaseValue::Str(text) => Value::Str(text.clone()),
        CaseValue::Obj(host_type, handle) => Value::Obj { host_type: *host_type, handle: *handle },
        CaseValue::Func(func) => Value::Func(FuncId(*func)),
        CaseValue::Tuple(values) => {
            let values = list_to_vm(values, heap)?;
            Value::Agg(heap.new_tuple(&values).map_err(refused)?)
        }
        CaseValue::Struct(id, values) => {
            let values = list_to_vm(values, heap)?;
            Value::Agg(heap.new_struct(StructId(*id), &values).map_err(refused)?)
        }
        CaseValue::Array(id, values) => {
            let values = list_to_vm(values, heap)?;
            Value::Agg(heap.new_array(ElemId(*id), &values).map_err(refused)?)
        }
        CaseValue::Closure(func, env) => match to_vm(env, heap)? {
            Value::Agg(env) => Value::Closure { func: FuncId(*func), env },
            _ => return Err(format!("{value}: the environment is no aggregate")),
        },
        CaseValue::BadAgg => Value::Agg(AggRef::INVALID),
    })
}

/// Makes values of a case file in a run's heap.
///
/// # Errors
/// As [`to_vm`].
pub fn list_to_vm(values: &[CaseValue], heap: &mut Heap) -> Result<Vec<Value>, String> {
    values.iter().map(|value| to_vm(value, heap)).collect()
}

/// Reads values out of a run, aggregates as trees.
///
/// # Errors
/// If there are too many values behind the handles, or they are nested too deeply.
pub fn list_from_vm(values: &[Value], heap: &Heap) -> Result<Vec<CaseValue>, String> {
    let mut reader = HeapReader { heap, left: MAX_VALUES };
    values.iter().map(|value| reader.read(value, 0)).collect()
}

struct HeapReader<'h> {
    heap: &'h Heap,
    left: usize,
}

impl HeapReader<'_> {
    fn read(&mut self, value: &Value, depth: usize) -> Result<CaseValue, String> {
        self.left = self.left.checked_sub(1).ok_or("more values than any case expects")?;
        if depth > MAX_DEPTH {
            return Err("aggregates are nested deeper than any case expects".to_owned());
        }
        Ok(match value {
            Value::Unit => CaseValue::Unit,
            Value::Bool(v) => CaseValue::Bool(*v),
            Value::I64(v) => CaseValue::I64(*v),
            Value::U64(v) => CaseValue::U64(*v),
            Value::F64(v) => CaseValue::F64(v.to_bits()),
            Value::Decimal(v) => CaseValue::Dec(v.mantissa, v.scale),
            Value::Bytes(bytes) => CaseValue::Bytes(bytes.clone()),
            Value::Str(text) => CaseValue::Str(text.clone()),
            Value::Obj { host_type, handle } => CaseValue::Obj(*host_type, *handle),
            Value::Func(func) => CaseValue::Func(func.0),
            Value::Agg(agg) => self.aggregate(*agg, depth)?,
            Value::Closure { func, env } => {
                CaseValue::Closure(func.0, Box::new(self.aggregate(*env, depth + 1)?))
            }
            other => return Err(format!("{other:?} has no notation in case files")),
        })
    }

    fn aggregate(&mut self, agg: AggRef, depth: usize) -> Result<CaseValue, String> {
        let Some(found) = self.heap.aggregate(agg) else {
            return if agg == AggRef::INVALID {
                Ok(CaseValue::BadAgg)
            } else {
                Err("an aggregate of the run does not resolve".to_owned())
            };
        };
        let mut values = Vec::new();
        for index in 0..found.len() {
            let value = found.get(index).ok_or_else(|| format!("element {index} cannot be read"))?;
            values.push(self.read(&value, depth + 1)?);
        }
        Ok(match found.kind() {
            AggregateKind::Tuple => CaseValue::Tuple(values),
            AggregateKind::Struct(id) => CaseValue::Struct(id.0, values),
            AggregateKind::Array(id) => CaseValue::Array(id.0, values),
        })
    }
}

/// A type as the case files spell it: `"I64"`, `{"Obj": 7}`.
#[must_use]
pub fn type_to_json(ty: ValueType) -> Json {
    match ty {
        ValueType::Obj(host_type) => json!({ "Obj": host_type }),
        other => Json::String(format!("{other:?}")),
    }
}
