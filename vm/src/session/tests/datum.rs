use super::*;
use crate::endpoint::EvidenceId;
use crate::heap::{Heap, ValueError};
use crate::ids::{ElemId, StructId};
use crate::sem::Decimal;
use crate::session::datum::DatumError;
use crate::types::TypeTable;
use crate::value::{AggRef, Value};
use crate::value_type::ValueType;
use std::boxed::Box;
use std::sync::Arc;
use std::vec;

const MAX: usize = 1 << 20;

/// A heap with `struct 0 { i64, agg }` and arrays of `f64`.
fn heap() -> Heap {
    let structs = [vec![ValueType::I64, ValueType::Agg]];
    let types = TypeTable::new(structs.iter().map(|s| &**s), [ValueType::F64].into_iter()).unwrap();
    Heap::new([].into(), Arc::new(types), 1 << 20)
}

fn leaves() -> Vec<Value> {
    let endpoint = EndpointId { session: 1, generation: 2, role: 3 };
    vec![
        Value::Unit,
        Value::Bool(false),
        Value::Bool(true),
        Value::I64(i64::MIN),
        Value::U64(u64::MAX),
        Value::F64(-0.0),
        Value::Decimal(Decimal { mantissa: -5, scale: 2 }),
        Value::Bytes(vec![0, 255]),
        Value::Str("é".into()),
        Value::Obj { host_type: 4, handle: 5 },
        Value::Func(FuncId(6)),
        Value::Endpoint(endpoint),
        Value::Epid(endpoint),
        Value::Evidence(EvidenceId { layer: 7, serial: 8 }),
        Value::Coro(CoroId { index: 9, generation: 10 }),
        Value::Agg(AggRef::INVALID),
        Value::Closure { func: FuncId(11), env: AggRef::INVALID },
    ]
}

#[test]
fn values_go_from_one_heap_into_another() {
    let mut one = heap();
    let tuple = one.new_tuple(&leaves()).unwrap();
    let array = one.new_array(ElemId(0), &[Value::F64(1.5), Value::F64(-2.0)]).unwrap();
    let inner = one.new_struct(StructId(0), &[Value::I64(3), Value::Agg(array)]).unwrap();
    let empty = one.new_tuple(&[]).unwrap();
    let closure = Value::Closure { func: FuncId(1), env: tuple };
    let whole = one.new_tuple(&[Value::Agg(inner), closure, Value::Agg(empty), Value::Unit]).unwrap();
    let datum = Datum::from_value(&Value::Agg(whole), &one, MAX).unwrap();
    let Datum::Tuple(parts) = &datum else { panic!("{datum:?}") };
    let f64s = [1.5f64, -2.0].map(|v| Datum::F64(v.to_bits()));
    let array = Datum::Array(ElemId(0), Box::new(f64s));
    assert_eq!(parts[0], Datum::Struct(StructId(0), Box::new([Datum::I64(3), array])));
    let Datum::Closure(FuncId(1), env) = &parts[1] else { panic!("{:?}", parts[1]) };
    let Datum::Tuple(env) = &**env else { panic!("{env:?}") };
    assert_eq!(env.len(), leaves().len());
    assert_eq!(parts[2], Datum::Tuple(Box::new([])));
    // In another heap it is the same again.
    let mut other = heap();
    let value = datum.to_value(&mut other).unwrap();
    assert_eq!(Datum::from_value(&value, &other, MAX).unwrap(), datum);
    assert_eq!(datum.size(), 28 * size_of::<Datum>() + 4, "leaves, nodes and their bytes");
    assert_eq!(Datum::from_value(&value, &other, datum.size()).unwrap(), datum);
    let less = datum.size() - 1;
    let error = Datum::from_value(&value, &other, less).unwrap_err();
    assert_eq!(error, DatumError::TooLarge { max: less });
}

#[test]
fn leaves_come_back_as_they_were() {
    let mut heap = heap();
    for value in leaves() {
        let datum = Datum::from_value(&value, &heap, MAX).unwrap();
        assert_eq!(datum.to_value(&mut heap).unwrap(), value);
    }
    // What does not resolve is nothing, and so is what belongs to another run.
    let mut other = self::heap();
    let foreign = Value::Agg(other.new_tuple(&[]).unwrap());
    assert_eq!(Datum::from_value(&foreign, &heap, MAX).unwrap(), Datum::NoAggregate);
}

#[test]
fn depth_and_size_are_bounded() {
    let mut heap = heap();
    let mut value = Value::Unit;
    for _ in 0..Datum::MAX_DEPTH {
        value = Value::Agg(heap.new_tuple(&[value]).unwrap());
    }
    assert!(Datum::from_value(&value, &heap, MAX).is_ok());
    value = Value::Agg(heap.new_tuple(&[value]).unwrap());
    assert_eq!(Datum::from_value(&value, &heap, MAX).unwrap_err(), DatumError::TooDeep);
    // Sixty levels that hold the same twice would be 2^60 parts.
    let mut value = Value::Unit;
    for _ in 0..60 {
        value = Value::Agg(heap.new_tuple(&[value.clone(), value]).unwrap());
    }
    assert_eq!(Datum::from_value(&value, &heap, MAX).unwrap_err(), DatumError::TooLarge { max: MAX });
}

#[test]
fn what_the_other_heap_lacks_is_an_error() {
    let mut heap = heap();
    let unknown = Datum::Struct(StructId(9), Box::new([]));
    assert_eq!(unknown.to_value(&mut heap), Err(ValueError::UnknownType));
    let wrong = Datum::Array(ElemId(0), Box::new([Datum::Unit]));
    assert!(matches!(wrong.to_value(&mut heap), Err(ValueError::Type { .. })));
    let large = Datum::Tuple(Box::new([Datum::Bytes(vec![0; 1 << 21].into())]));
    assert_eq!(large.to_value(&mut heap), Err(ValueError::MemoryLimitExceeded));
}
