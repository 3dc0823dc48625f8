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
    assert_eq!(heap.concat(constant(), empty), Some(constant()));
    assert_eq!(heap.concat(empty, constant()), Some(constant()));
}

#[test]
fn the_limit_holds_to_the_byte_and_a_refused_allocation_changes_nothing() {
    let mut full = heap(16);
    full.alloc_bytes(&[7; 16]).unwrap();
    assert_eq!(full.alloc_bytes(&[7]), Err(TrapCode::MemoryLimitExceeded));
    assert_eq!(full.charged(), 16);
    let mut short = heap(15);
    assert_eq!(short.concat(constant(), constant()), None);
    assert_eq!(short.charged(), 0);
    assert_eq!(short.new_node(TypeId::AGG, 1, [0].into_iter()), None);
}

#[test]
fn doubling_text_stops_at_the_limit_without_overshooting_it() {
    let mut heap = heap(1 << 20);
    let mut value = heap.alloc_bytes(b"x").unwrap();
    while let Some(next) = heap.concat(value, value) {
        value = next;
    }
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

#[test]
fn bytes_are_read_on_both_sides_of_the_end_of_the_constants() {
    let mut heap = heap(100);
    let own = heap.alloc_bytes(b"own").unwrap();
    assert_eq!(heap.byte(constant(), 7), Some(0xa9), "the last of the constants");
    assert_eq!(heap.byte(constant(), 8), None, "the next one is another value's");
    assert_eq!(
        [0, 2, 3, u64::MAX].map(|at| heap.byte(own, at)),
        [Some(b'o'.into()), Some(b'n'.into()), None, None]
    );
    // A slot behind all data, as no program has one.
    assert_eq!(heap.byte(text_slot(11, 1), 0), None);
}

#[test]
fn equality_is_of_bytes_wherever_they_are() {
    let mut heap = heap(100);
    let own = heap.alloc_bytes("const é".as_bytes()).unwrap();
    assert!(heap.same_bytes(own, constant()) && heap.same_bytes(constant(), own));
    assert!(heap.same_bytes(own, own) && heap.same_bytes(text_slot(0, 0), text_slot(9, 0)));
    assert!(!heap.same_bytes(own, text_slot(0, 7)) && !heap.same_bytes(text_slot(0, 3), text_slot(1, 3)));
}

/// Nothing holds a text: the million parts cost nothing, and neither is the long text charged for them.
#[test]
fn parts_of_parts_cost_nothing_and_a_refused_text_leaves_them_as_they_are() {
    let mut heap = heap(1000);
    let mut part = Str(heap.alloc_bytes(&[b'x'; 1000]).unwrap());
    for _ in 0..499 {
        part = text::str_slice(&mut heap, part, 1, text::str_len(part) - 1).unwrap();
        assert_eq!(heap.charged(), 1000);
    }
    assert_eq!((heap.text(part.0), text::str_len(part)), ("xx", 2));
    assert_eq!(text::str_concat(&mut heap, part, part), Err(TrapCode::MemoryLimitExceeded));
    assert_eq!((heap.text(part.0), heap.charged()), ("xx", 1000));
}

#[test]
fn appending_to_the_last_text_is_charged_by_what_is_appended() {
    let mut heap = heap(15);
    let mut text = heap.alloc_bytes(b"12345").unwrap();
    for n in 1..=10 {
        text = heap.concat(text, text_slot(0, 1)).unwrap();
        assert_eq!(heap.charged(), 5 + n);
    }
    assert_eq!(heap.text(text), "12345cccccccccc");
    assert_eq!(heap.concat(text, text_slot(0, 1)), None);
}

/// What is read without a look at types, and that all else is not.
#[test]
fn only_elements_of_one_slot_are_read_by_position() {
    let fields = [vec![ValueType::I64, ValueType::F64], vec![ValueType::I64, ValueType::Decimal]];
    let types = TypeTable::new(
        fields.iter().map(|fields| &**fields),
        [ValueType::F64, ValueType::Decimal, ValueType::Unit].into_iter(),
    )
    .unwrap();
    let pair = types.struct_type(crate::ids::StructId(0)).unwrap();
    let mixed = types.struct_type(crate::ids::StructId(1)).unwrap();
    let [floats, decimals, units] = [0, 1, 2].map(|id| types.array_type(crate::ids::ElemId(id)).unwrap());
    let strides = [pair, mixed, floats, decimals, units, TypeId::I64, TypeId::AGG].map(|ty| types.stride(ty));
    assert_eq!(strides, [Some(1), None, Some(1), Some(2), Some(0), None, None]);
    let mut heap = Heap::new([].into(), Arc::new(types), 1000);
    heap.new_node(mixed, 2, [1, 2, 3].into_iter()).unwrap();
    let node = heap.new_node(pair, 2, [4, 5].into_iter()).unwrap();
    let array = heap.new_node(floats, 3, [6, 7, 8].into_iter()).unwrap();
    let wide = heap.new_node(decimals, 1, [9, 10].into_iter()).unwrap();
    assert_eq!([0, 1, 2, u64::MAX].map(|at| heap.element(node, at, pair)), [Some(4), Some(5), None, None]);
    assert_eq!([2, 3].map(|at| heap.element(array, at, floats)), [Some(8), None]);
    assert_eq!(heap.element(0, 0, mixed), None, "elements of different widths");
    assert_eq!(heap.element(wide, 0, decimals), None, "elements of two slots");
    assert_eq!(heap.element_at(wide, 0, decimals, 1), Some(10), "by offset, where the reader knows it");
    assert_eq!(heap.element(node, 0, floats), None, "another shape than was promised");
    assert_eq!(heap.element(BAD_HANDLE, 0, pair), None);
    // What the checked path says to each of them.
    let read = |shape| AggRead { shape, elem: TypeId::F64, width: 1 };
    assert_eq!(heap.find_element(array, 2, &read(floats)), Ok(2));
    assert_eq!(heap.find_element(array, 3, &read(floats)), Err(AggFault::OutOfBounds));
    assert_eq!(heap.find_element(node, 0, &read(floats)), Err(AggFault::WrongKind));
    assert_eq!(heap.find_element(BAD_HANDLE, 0, &read(pair)), Err(AggFault::BadHandle));
    assert_eq!(heap.charged(), (4 + 3 + 4 + 3) * 8);
}

/// Each tuple of the tuple before is a type that there was not: what the table takes counts, and ends with the run.
#[test]
fn types_that_hosts_make_up_are_charged() {
    let limit = 1 << 16;
    let mut heap = heap(limit);
    let fixed = heap.types().len();
    let mut tuple = heap.new_tuple(&[Value::I64(1)]).unwrap();
    let first = heap.charged();
    heap.new_tuple(&[Value::I64(2)]).unwrap();
    assert_eq!(heap.charged(), first + 16, "the type is there already");
    let taken = allocation_counter::measure(|| {
        while let Ok(next) = heap.new_tuple(&[Value::Agg(tuple)]) {
            tuple = next;
        }
    });
    assert!(taken.bytes_current as u64 <= heap.charged(), "{taken:?}");
    let made = heap.types().len() - fixed;
    assert_eq!(heap.charged(), 2 * 16 + (made as u64 - 1) * 16 + made as u64 * RunTypes::cost(1));
    assert!(heap.charged() <= limit && heap.charged() + 16 + RunTypes::cost(1) > limit);
    heap.reset(limit);
    assert_eq!((heap.charged(), heap.types().len()), (0, fixed));
}
