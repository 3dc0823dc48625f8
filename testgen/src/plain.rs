//! Values without handles, so that those of different runs, engines and machines can be compared.

use opforge_vm::heap::{AggregateKind, Heap};
use opforge_vm::{AggRef, CANONICAL_NAN_BITS, Value};

/// A value without handles: aggregates are spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plain {
    /// Unit.
    Unit,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// The bits of a float.
    F64(u64),
    /// Mantissa and scale of a decimal.
    Decimal(i64, u8),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Str(String),
    /// Type and handle of a host object.
    Obj(u64, u64),
    /// A function.
    Func(u32),
    /// A function and its environment.
    Closure(u32, Box<Plain>),
    /// The elements of a tuple.
    Tuple(Vec<Plain>),
    /// The type and the fields of a struct.
    Struct(u32, Vec<Plain>),
    /// The element type and the elements of an array.
    Array(u32, Vec<Plain>),
    /// An aggregate handle that resolves to nothing.
    BadHandle,
    /// There was more than can be compared.
    More,
}

impl Plain {
    /// The most nodes of one list of values that are spelled out.
    pub const MOST_NODES: usize = 4000;

    /// A float; every NaN has the canonical bits.
    #[must_use]
    pub fn float(value: f64) -> Self {
        Self::F64(if value.is_nan() { CANONICAL_NAN_BITS } else { value.to_bits() })
    }

    /// Spells values out, as far as there is room for all of them together.
    ///
    /// # Panics
    /// If a NaN has other bits than the canonical ones: no run hands such a value out.
    #[must_use]
    pub fn list(values: &[Value], heap: &Heap) -> Vec<Self> {
        let mut room = Self::MOST_NODES;
        values.iter().map(|value| spell(value, heap, &mut room)).collect()
    }
}

fn spell(value: &Value, heap: &Heap, room: &mut usize) -> Plain {
    if *room == 0 {
        return Plain::More;
    }
    *room -= 1;
    match value {
        Value::Unit => Plain::Unit,
        Value::Bool(v) => Plain::Bool(*v),
        Value::I64(v) => Plain::I64(*v),
        Value::U64(v) => Plain::U64(*v),
        Value::F64(v) => {
            let bits = v.to_bits();
            assert!(!v.is_nan() || bits == CANONICAL_NAN_BITS, "a NaN left with bits {bits:#x}");
            Plain::float(*v)
        }
        Value::Decimal(v) => Plain::Decimal(v.mantissa, v.scale),
        Value::Bytes(v) => Plain::Bytes(v.clone()),
        Value::Str(v) => Plain::Str(v.clone()),
        Value::Obj { host_type, handle } => Plain::Obj(*host_type, *handle),
        Value::Func(func) => Plain::Func(func.0),
        Value::Closure { func, env } => Plain::Closure(func.0, Box::new(aggregate(*env, heap, room))),
        Value::Agg(agg) => aggregate(*agg, heap, room),
        other => panic!("a value of an unknown kind: {other:?}"),
    }
}

fn aggregate(agg: AggRef, heap: &Heap, room: &mut usize) -> Plain {
    let Some(aggregate) = heap.aggregate(agg) else { return Plain::BadHandle };
    let mut elems = Vec::new();
    for index in 0..aggregate.len() {
        let elem = aggregate.get(index).expect("an element below the length");
        elems.push(spell(&elem, heap, room));
        if *room == 0 {
            break;
        }
    }
    match aggregate.kind() {
        AggregateKind::Tuple => Plain::Tuple(elems),
        AggregateKind::Struct(id) => Plain::Struct(id.0, elems),
        AggregateKind::Array(id) => Plain::Array(id.0, elems),
    }
}
