//! Tests of the program model.

use super::{Names, Program, signature_hash};
use crate::ids::{FuncId, SymbolId};
use crate::value_type::ValueType;
use alloc::vec;

#[test]
fn signature_hash_has_the_published_values() {
    assert_eq!(signature_hash(&[], &[]), 0x1034_0089_01c5_8b8f);
    assert_eq!(signature_hash(&[ValueType::I64], &[ValueType::I64]), 0x4904_8bcf_a89c_e5f5);
}

#[test]
fn signature_hash_tells_signatures_apart() {
    let (a, b) = (ValueType::Obj(1), ValueType::Obj(2));
    let hashes = [
        signature_hash(&[a], &[]),
        signature_hash(&[b], &[]),
        signature_hash(&[], &[a]),
        signature_hash(&[a, b], &[]),
        signature_hash(&[a], &[b]),
        signature_hash(&[ValueType::Func], &[]),
    ];
    for (i, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..i].contains(hash), "signature {i} has the hash of another one");
    }
}

#[test]
fn func_name_finds_each_function_in_sorted_names() {
    let mut program = Program::default();
    for text in ["", "one", "two", "three"] {
        program.symbols.push(text).unwrap();
    }
    let named = |func, symbol| (FuncId(func), SymbolId(symbol));
    let functions = vec![named(7, 3), named(2, 2), named(2, 1), named(9, 4)];
    program.names = Names { functions, ..Names::default() };
    program.names.sort();
    assert!(program.names.is_sorted());
    assert_eq!(program.func_name(FuncId(2)), Some("one"));
    assert_eq!(program.func_name(FuncId(7)), Some("three"));
    assert_eq!(program.func_name(FuncId(9)), None, "its symbol does not exist");
    assert_eq!(program.func_name(FuncId(3)), None);
}
