use super::*;
use crate::sem::text::{self, Bytes, Str};
use crate::value::{AggRef, Value};
use alloc::string::String;
use alloc::vec;

const CONSTANTS: &[u8] = "const é".as_bytes();

fn heap(limit: u64) -> Heap {
    let structs = [vec![ValueType::I64, ValueType::Decimal]];
    let types = TypeTable::new(structs.iter().map(|s| &**s), [ValueType::F64].into_iter()).unwrap();
    Heap::new(CONSTANTS.into(), Arc::new(types), limit)
}

fn constant() -> u64 {
    text_slot(0, CONSTANTS.len() as u32)
}

#[test]
fn a_constant_is_read_in_place_and_costs_no_memory() {
    let heap = heap(0);
    assert_eq!(heap.text(constant()), "const é");
    assert_eq!(heap.charged(), 0);
}

#[test]
fn concat_extends_in_place_only_what_ends_the_data() {
    let mut heap = heap(1000);
    let ab = heap.concat(constant(), constant()).unwrap();
    assert_eq!(heap.charged(), 16, "a constant is copied, not extended");
    let abc = heap.concat(ab, constant()).unwrap();
    assert_eq!(heap.charged(), 24, "only the right side is copied");
    assert_eq!(heap.text(ab), "const éconst é");
    assert_eq!(heap.text(abc), "const éconst éconst é");
    // `ab` no longer ends the data: extending it again must not overwrite `abc`.
    let abd = heap.concat(ab, text_slot(0, 1)).unwrap();
    assert_eq!(heap.text(abd), "const éconst éc");
    assert_eq!(heap.text(abc), "const éconst éconst é");
    let twice = heap.concat(abd, abd).unwrap();
    assert_eq!(heap.text(twice), "const éconst écconst éconst éc");
}

#[test]
fn concat_with_the_empty_text_is_free() {
    let mut heap = heap(0);
    let empty = text_slot(3, 0);
    assert_eq!(heap.concat(constant(), empty), Ok(constant()));
    assert_eq!(heap.concat(empty, constant()), Ok(constant()));
}

#[test]
fn the_limit_holds_to_the_byte_and_a_refused_allocation_changes_nothing() {
    let mut full = heap(16);
    full.alloc_bytes(&[7; 16]).unwrap();
    assert_eq!(full.alloc_bytes(&[7]), Err(TrapCode::MemoryLimitExceeded));
    assert_eq!(full.charged(), 16);
    let mut short = heap(15);
    assert_eq!(short.concat(constant(), constant()), Err(TrapCode::MemoryLimitExceeded));
    assert_eq!(short.charged(), 0);
    assert_eq!(short.begin_node(TypeId::AGG, 1, 1), Err(TrapCode::MemoryLimitExceeded));
}

#[test]
fn doubling_text_stops_at_the_limit_without_overshooting_it() {
    let mut heap = heap(1 << 20);
    let mut value = heap.alloc_bytes(b"x").unwrap();
    let stopped = loop {
        match heap.concat(value, value) {
            Ok(next) => value = next,
            Err(code) => break code,
        }
    };
    assert_eq!(stopped, TrapCode::MemoryLimitExceeded);
    assert!(heap.charged() <= heap.limit());
    assert!(heap.data.capacity() as u64 <= heap.limit());
}

#[test]
fn slices_check_the_range_first_and_then_the_boundaries() {
    let mut heap = heap(0);
    let s = Str(constant());
    assert_eq!(text::str_slice(&mut heap, s, 0, 9), Err(TrapCode::IndexOutOfBounds));
    assert_eq!(text::str_slice(&mut heap, s, 7, 9), Err(TrapCode::IndexOutOfBounds));
    assert_eq!(text::str_slice(&mut heap, s, 2, 1), Err(TrapCode::IndexOutOfBounds));
    assert_eq!(text::str_slice(&mut heap, s, u64::MAX, u64::MAX), Err(TrapCode::IndexOutOfBounds));
    assert_eq!(text::str_slice(&mut heap, s, 0, 7), Err(TrapCode::StrNotCharBoundary));
    assert_eq!(text::str_slice(&mut heap, s, 7, 8), Err(TrapCode::StrNotCharBoundary));
    let slice = text::str_slice(&mut heap, s, 6, 8).unwrap();
    assert_eq!(heap.text(slice.0), "é");
    assert_eq!(text::str_len(text::str_slice(&mut heap, s, 8, 8).unwrap()), 0);
    let bytes = text::bytes_slice(Bytes(constant()), 7, 8).unwrap();
    assert_eq!(heap.bytes(bytes.0), [0xa9]);
    assert_eq!(text::bytes_to_str(&mut heap, bytes), Err(TrapCode::InvalidUtf8));
    assert_eq!(text::bytes_get(&mut heap, bytes, 1 << 32), Err(TrapCode::IndexOutOfBounds));
}

#[test]
fn aggregates_go_out_as_they_came_in() {
    let mut heap = heap(4096);
    let decimal = crate::sem::Decimal { mantissa: -5, scale: 2 };
    let inner = heap.new_struct(crate::ids::StructId(0), &[Value::I64(1), decimal.into()]).unwrap();
    let values =
        [Value::Unit, Value::Bool(true), Value::Str(String::from("x")), Value::Agg(inner), Value::F64(1.5)];
    let outer = heap.new_tuple(&values).unwrap();
    let view = heap.aggregate(outer).unwrap();
    assert_eq!((view.kind(), view.len()), (AggregateKind::Tuple, 5));
    for (i, value) in values.iter().enumerate() {
        assert_eq!(view.get(i).as_ref(), Some(value));
    }
    assert_eq!(view.get(5), None);
    let inner = heap.aggregate(inner).unwrap();
    assert_eq!(inner.get(1), Some(decimal.into()));
}

#[test]
fn values_of_the_wrong_type_count_or_heap_are_refused() {
    let mut one = heap(4096);
    let mut two = heap(4096);
    let foreign = two.new_tuple(&[]).unwrap();
    assert_eq!(one.new_tuple(&[Value::Agg(foreign)]), Err(ValueError::ForeignHandle));
    assert!(one.aggregate(foreign).is_none());
    assert!(one.aggregate(AggRef::INVALID).is_none());
    let wrong = one.new_array(crate::ids::ElemId(0), &[Value::I64(1)]);
    assert_eq!(wrong, Err(ValueError::Type { expected: ValueType::F64, actual: ValueType::I64 }));
    let short = one.new_struct(crate::ids::StructId(0), &[Value::I64(1)]);
    assert_eq!(short, Err(ValueError::Count { expected: 2, actual: 1 }));
    assert_eq!(one.new_array(crate::ids::ElemId(9), &[]), Err(ValueError::UnknownType));
}

#[test]
fn a_reset_makes_old_handles_foreign() {
    let mut heap = heap(4096);
    let old = heap.new_tuple(&[]).unwrap();
    heap.reset(4096);
    assert!(heap.aggregate(old).is_none());
    assert_eq!(heap.charged(), 0);
}

#[test]
fn a_nan_leaves_with_canonical_bits() {
    let mut heap = heap(4096);
    let odd = f64::from_bits(0xfff8_0000_0000_1234);
    let agg = heap.new_array(crate::ids::ElemId(0), &[Value::F64(odd)]).unwrap();
    let Some(Value::F64(out)) = heap.aggregate(agg).unwrap().get(0) else { panic!("not a float") };
    assert_eq!(out.to_bits(), crate::CANONICAL_NAN_BITS);
}

#[test]
fn an_aggregate_that_does_not_fit_leaves_none_of_its_elements() {
    // A header and ten slots are 88 bytes.
    let mut heap = heap(87);
    let texts = vec![Value::Str("ab".into()); 10];
    assert_eq!(heap.new_tuple(&texts), Err(ValueError::MemoryLimitExceeded));
    let floats = vec![Value::F64(1.0); 10];
    assert_eq!(heap.new_array(crate::ids::ElemId(0), &floats), Err(ValueError::MemoryLimitExceeded));
    assert_eq!(heap.charged(), 0);
    assert!(heap.new_array(crate::ids::ElemId(0), &floats[..9]).is_ok());
    assert_eq!(heap.charged(), 80);
}
