//! Types with shape: what inference follows across blocks, and what it refuses.

mod verify_support;

use opforge_vm::ValueType::{self, Agg, Bool, Closure, F64, Func, I64, Str, U64};
use opforge_vm::ids::{FuncId, InstrIx, Reg};
use opforge_vm::types::{Type, TypeId};
use opforge_vm::verify::{AggKind, VerifiedProgram, VerifyConfig, VerifyErrorKind, verify};
use verify_support::{Asm, Build, asm};

fn try_build(build: &Build) -> Result<VerifiedProgram, Vec<(Option<u32>, VerifyErrorKind)>> {
    verify(build.program(), &VerifyConfig::new())
        .map_err(|report| report.errors().iter().map(|error| (error.pc(), *error.kind())).collect())
}

fn try_one(
    params: &[ValueType],
    results: &[ValueType],
    regs: u32,
    code: Asm,
) -> Result<VerifiedProgram, Vec<(Option<u32>, VerifyErrorKind)>> {
    let mut build = Build::default();
    build.func(params, results, regs, code);
    try_build(&build)
}

#[track_caller]
fn refused(outcome: Result<VerifiedProgram, Vec<(Option<u32>, VerifyErrorKind)>>, kinds: &[VerifyErrorKind]) {
    let found = outcome.map(|_| ()).unwrap_err();
    assert_eq!(found.iter().map(|&(_, kind)| kind).collect::<Vec<_>>(), kinds);
}

fn unknown(reg: u32) -> VerifyErrorKind {
    VerifyErrorKind::UnknownTypeAtUse { reg: Reg(reg) }
}

#[test]
fn a_shape_survives_blocks_and_loops() {
    let mut code = Asm::default();
    asm!(code;
        "tuple.new" 3, [1, 2]; "jmp" => "loop";
        @"loop"; "tuple.get" 4, 3, 1; "tuple.get" 1, 3, 0; "tuple.new" 3, [1, 4]; "br" 4 => "loop", "out";
        @"out"; "tuple.get" 5, 3, 0; "ret" 0, [5];
    );
    let verified = try_one(&[I64, Bool], &[I64], 6, code).unwrap();
    let func = verified.function(FuncId(0)).unwrap();
    let types = verified.types();
    assert_eq!(types.get(func.reg_type(Reg(3))), Type::Tuple(&[TypeId::I64, TypeId::BOOL]));
    assert_eq!(func.reg_types()[..3], [TypeId::UNIT, TypeId::I64, TypeId::BOOL]);
    assert_eq!(func.reg_types()[4..], [TypeId::BOOL, TypeId::I64]);
    assert_eq!((func.params(), func.results()), (&[TypeId::I64, TypeId::BOOL][..], &[TypeId::I64][..]));
    assert_eq!(func.blocks(), [InstrIx(0), InstrIx(2), InstrIx(6)]);
    assert_eq!(func.agg_type_at(InstrIx(2)), Some(func.reg_type(Reg(3))));
    assert_eq!(func.agg_type_at(InstrIx(5)), None);
}

#[test]
fn two_shapes_in_one_register_are_told_apart_inside_a_block() {
    let mut code = Asm::default();
    asm!(code;
        "tuple.new" 3, [1]; "tuple.get" 4, 3, 0; "tuple.new" 3, [1, 2]; "tuple.get" 5, 3, 1;
        "tuple.len" 6, 3; "jmp" => "next"; @"next"; "tuple.len" 6, 3; "ret" 0, [4, 5];
    );
    let verified = try_one(&[I64, Bool], &[I64, Bool], 7, code).unwrap();
    let func = verified.function(FuncId(0)).unwrap();
    assert_eq!(func.reg_type(Reg(3)), TypeId::AGG);
    let shape = |ix| verified.types().get(func.agg_type_at(InstrIx(ix)).unwrap());
    assert_eq!(shape(0), Type::Tuple(&[TypeId::I64]));
    assert_eq!(shape(1), Type::Tuple(&[TypeId::I64]));
    assert_eq!(shape(3), Type::Tuple(&[TypeId::I64, TypeId::BOOL]));
    assert_eq!(shape(4), Type::Tuple(&[TypeId::I64, TypeId::BOOL]));
    // In the next block it is one of the two.
    assert_eq!(shape(6), Type::Value(Agg));
}

#[test]
fn two_shapes_in_one_register_cannot_be_read_in_another_block() {
    let mut code = Asm::default();
    asm!(code;
        "br" 2 => "a", "b";
        @"a"; "tuple.new" 3, [1]; "jmp" => "c";
        @"b"; "tuple.new" 3, [1, 2]; "jmp" => "c";
        @"c"; "tuple.get" 4, 3, 0; "ret" 0, [4];
    );
    refused(try_one(&[I64, Bool], &[I64], 5, code), &[unknown(3)]);
}

#[test]
fn nested_shapes_that_differ_leave_the_outer_shape() {
    let mut code = Asm::default();
    asm!(code;
        "tuple.new" 3, [1]; "tuple.new" 4, [1, 1];
        "br" 2 => "a", "b";
        @"a"; "tuple.new" 5, [3, 1]; "jmp" => "c";
        @"b"; "tuple.new" 5, [4, 1]; "jmp" => "c";
        @"c"; "tuple.get" 6, 5, 1; "tuple.get" 7, 5, 0; "tuple.len" 8, 7; "ret" 0, [6];
    );
    let verified = try_one(&[I64, Bool], &[I64], 9, code).unwrap();
    let func = verified.function(FuncId(0)).unwrap();
    assert_eq!(verified.types().get(func.reg_type(Reg(5))), Type::Tuple(&[TypeId::AGG, TypeId::I64]));
    assert_eq!(func.reg_type(Reg(7)), TypeId::AGG);
}

/// A copy that is read before the register it copies gets its second shape, in code order.
#[test]
fn a_later_shape_reaches_earlier_copies() {
    let mut code = Asm::default();
    asm!(code;
        "tuple.new" 3, [1]; "jmp" => "loop";
        @"loop"; "mov" 4, 3; "tuple.new" 5, [4, 1]; "mov" 6, 5; "br" 2 => "again", "out";
        @"again"; "tuple.new" 3, [1, 1]; "jmp" => "loop";
        @"out"; "tuple.get" 7, 6, 1; "tuple.get" 8, 6, 0; "ret" 0, [7];
    );
    let verified = try_one(&[I64, Bool], &[I64], 9, code.clone()).unwrap();
    let func = verified.function(FuncId(0)).unwrap();
    for reg in [3, 4, 8] {
        assert_eq!(func.reg_type(Reg(reg)), TypeId::AGG, "r{reg}");
    }
    assert_eq!(verified.types().get(func.reg_type(Reg(6))), Type::Tuple(&[TypeId::AGG, TypeId::I64]));
    // Reading the element whose shape was lost.
    code.0.truncate(code.0.len() - 4);
    asm!(code; "tuple.get" 7, 8, 0; "ret" 0, [7];);
    refused(try_one(&[I64, Bool], &[I64], 9, code), &[unknown(8)]);
}

#[test]
fn select_joins_shapes() {
    let mut code = Asm::default();
    asm!(code;
        "tuple.new" 3, [1]; "tuple.new" 4, [1]; "tuple.new" 5, [2];
        "select" 6, 2, 3, 4; "tuple.get" 7, 6, 0; "select" 8, 2, 3, 5; "tuple.len" 9, 8; "ret" 0, [7];
    );
    let verified = try_one(&[I64, Bool], &[I64], 10, code.clone()).unwrap();
    assert_eq!(verified.function(FuncId(0)).unwrap().reg_type(Reg(8)), TypeId::AGG);
    code.0.truncate(code.0.len() - 4);
    asm!(code; "tuple.get" 7, 8, 0; "ret" 0, [7];);
    refused(try_one(&[I64, Bool], &[I64], 10, code), &[unknown(8)]);

    let mut code = Asm::default();
    asm!(code; "select" 3, 2, 1, 2; "ret" 0, [1];);
    let mismatch = VerifyErrorKind::TypeMismatch { reg: Reg(2), expected: I64, actual: Bool };
    refused(try_one(&[I64, Bool], &[I64], 4, code), &[mismatch]);
}

#[test]
fn a_declared_shape_holds_until_the_parameter_is_overwritten() {
    let with_shape = |elems: &[Option<ValueType>], code: Asm| {
        let mut build = Build::default();
        build.func(&[Agg, Bool], &[I64], 6, code);
        build.tuple_shape(0, 0, elems);
        try_build(&build)
    };
    let mut later = Asm::default();
    asm!(later; "jmp" => "next"; @"next"; "tuple.get" 3, 1, 0; "ret" 0, [3];);
    let verified = with_shape(&[Some(I64)], later.clone()).unwrap();
    let func = verified.function(FuncId(0)).unwrap();
    assert_eq!(verified.types().get(func.params()[0]), Type::Tuple(&[TypeId::I64]));
    assert_eq!(func.reg_type(Reg(1)), func.params()[0]);
    // An open element can be counted, not read.
    refused(with_shape(&[None], later), &[unknown(1)]);

    // The first block reads what was passed, although the register gets another shape later.
    let mut code = Asm::default();
    asm!(code; "tuple.get" 3, 1, 0; "tuple.new" 1, [2, 2]; "tuple.get" 2, 1, 1; "ret" 0, [3];);
    with_shape(&[Some(I64)], code).unwrap();
    // Unless the first block is also a loop head.
    let mut code = Asm::default();
    asm!(code; @"top"; "tuple.get" 3, 1, 0; "tuple.new" 1, [2, 2]; "br" 2 => "top", "out"; @"out"; "ret" 0, [3];);
    refused(with_shape(&[Some(I64)], code), &[unknown(1)]);
}

#[test]
fn values_from_calls_have_no_shape() {
    let mut build = Build::default();
    let mut code = Asm::default();
    asm!(code; "tuple.new" 2, [1]; "call" 0, 1, 0, [2], [2]; "tuple.get" 1, 2, 0; "ret" 0, [1];);
    build.func(&[I64], &[I64], 3, code);
    let mut code = Asm::default();
    asm!(code; "ret" 0, [1];);
    build.func(&[Agg], &[Agg], 2, code);
    // A declared shape of the callee does not matter to the caller.
    build.tuple_shape(1, 0, &[Some(F64), Some(F64)]);
    refused(try_build(&build), &[unknown(2)]);
}

#[test]
fn structs_and_arrays_have_the_types_of_their_declarations() {
    let mut build = Build { structs: vec![vec![I64, Str]], elems: vec![Bool], ..Build::default() };
    let mut code = Asm::default();
    asm!(code;
        "struct.new" 3, 0, [1, 2]; "struct.get" 4, 3, 1; "array.new" 5, 0, []; "const.u64" 6, 0;
        "array.get" 7, 5, 6; "array.get_imm" 7, 5, 9; "ret" 0, [4, 7];
    );
    build.func(&[I64, Str], &[Str, Bool], 8, code);
    let verified = try_build(&build).unwrap();
    let func = verified.function(FuncId(0)).unwrap();
    assert!(matches!(verified.types().get(func.reg_type(Reg(3))), Type::Struct(..)));
    assert!(matches!(verified.types().get(func.reg_type(Reg(5))), Type::Array(_, TypeId::BOOL)));

    build.functions.clear();
    build.blobs.clear();
    let mut code = Asm::default();
    asm!(code; "struct.new" 9, 0, [1]; "ret" 0, [];);
    build.func(&[I64, Str], &[], 10, code);
    refused(try_build(&build), &[VerifyErrorKind::StructArityMismatch { expected: 2, actual: 1 }]);
}

#[test]
fn projections_are_checked_where_the_shape_is_known() {
    let mut build = Build { structs: vec![vec![I64, Str]], elems: vec![Bool], ..Build::default() };
    let mut code = Asm::default();
    asm!(code;
        "struct.new" 3, 0, [1, 2]; "struct.get" 4, 3, 2; "tuple.len" 5, 3; "array.new" 6, 0, [1];
        "tuple.new" 7, [1]; "tuple.get" 8, 7, 1; "ret" 0, [];
    );
    build.func(&[I64, Str], &[], 10, code);
    let kinds: Vec<_> = try_build(&build).unwrap_err().into_iter().map(|(_, kind)| kind).collect();
    let index = VerifyErrorKind::StructFieldIndexOutOfBounds {
        type_id: opforge_vm::ids::StructId(0),
        fields: 2,
        index: 2,
    };
    let kind =
        VerifyErrorKind::AggKindMismatch { reg: Reg(3), expected: AggKind::Tuple, actual: AggKind::Struct };
    let elem = VerifyErrorKind::TypeMismatch { reg: Reg(1), expected: Bool, actual: I64 };
    let tuple = VerifyErrorKind::TupleIndexOutOfBounds { arity: 1, index: 1 };
    assert_eq!(kinds, [index, kind, elem, tuple]);
}

#[test]
fn closures_and_functions_can_be_called_nothing_else() {
    let build = |ty, env| {
        let mut build = Build { call_sigs: vec![(vec![I64], vec![Str])], ..Build::default() };
        let mut code = Asm::default();
        asm!(code;
            "const.func" 3, 0; "closure.new" 4, 3, env; "const.i64" 5, 1;
            "call.indirect" 0, 0, 1, 0, [5], [6]; "call.indirect" 0, 0, 4, 0, [5], [6]; "str.len" 7, 6;
            "ret" 0, [];
        );
        build.func(&[ty, Agg], &[], 8, code);
        try_build(&build)
    };
    for ty in [Func, Closure] {
        let verified = build(ty, 2).unwrap();
        assert_eq!(verified.function(FuncId(0)).unwrap().reg_type(Reg(4)), TypeId::CLOSURE);
    }
    let callee = VerifyErrorKind::TypeMismatch { reg: Reg(1), expected: Func, actual: I64 };
    refused(build(I64, 2), &[callee]);
    let env = VerifyErrorKind::TypeMismatch { reg: Reg(3), expected: Agg, actual: Func };
    refused(build(Func, 3), &[env]);
}

#[test]
fn a_register_has_one_class() {
    let mut code = Asm::default();
    asm!(code; "const.i64" 2, 1; "const.u64" 2, 1; "u64.add" 3, 2, 2; "ret" 0, [];);
    let second = VerifyErrorKind::UnstableRegTypeAt { reg: Reg(2), expected: I64, actual: U64 };
    refused(try_one(&[], &[], 4, code), &[second]);
    // Register 0 is unit from the start.
    let mut code = Asm::default();
    asm!(code; "const.i64" 0, 1; "ret" 0, [];);
    let second = VerifyErrorKind::UnstableRegTypeAt { reg: Reg(0), expected: ValueType::Unit, actual: I64 };
    refused(try_one(&[], &[], 1, code), &[second]);
}

#[test]
fn of_a_register_listed_twice_the_last_result_counts() {
    let mut build = Build::default();
    let mut code = Asm::default();
    asm!(code; "call" 0, 1, 0, [], [2, 2]; "str.len" 3, 2; "ret" 0, [3];);
    build.func(&[], &[U64], 4, code);
    let mut code = Asm::default();
    asm!(code; "trap" 1;);
    build.func(&[], &[I64, Str], 1, code);
    let verified = try_build(&build).unwrap();
    assert_eq!(verified.function(FuncId(0)).unwrap().reg_type(Reg(2)), TypeId::STR);
}

#[test]
fn dead_code_must_be_well_typed_but_may_read_anything_written_somewhere() {
    let mut code = Asm::default();
    asm!(code; "ret" 0, [1]; "i64.add" 2, 3, 3; "const.i64" 3, 1; "ret" 0, [2];);
    let verified = try_one(&[I64], &[I64], 4, code).unwrap();
    let func = verified.function(FuncId(0)).unwrap();
    assert!(func.is_reachable(InstrIx(0)));
    assert!(
        !func.is_reachable(InstrIx(1)) && !func.is_reachable(InstrIx(3)) && !func.is_reachable(InstrIx(9))
    );

    let mut code = Asm::default();
    asm!(code; "ret" 0, [1]; "i64.add" 2, 3, 3; "ret" 0, [2];);
    refused(try_one(&[I64], &[I64], 4, code), &[unknown(3)]);
    let mut code = Asm::default();
    asm!(code; "ret" 0, [1]; "bool.not" 1, 1; "ret" 0, [1];);
    let write = VerifyErrorKind::UnstableRegTypeAt { reg: Reg(1), expected: I64, actual: Bool };
    refused(try_one(&[I64], &[I64], 2, code), &[write]);
    let mut code = Asm::default();
    asm!(code; "ret" 0, [1]; "bool.not" 2, 1; "ret" 0, [1];);
    let read = VerifyErrorKind::TypeMismatch { reg: Reg(1), expected: Bool, actual: I64 };
    refused(try_one(&[I64], &[I64], 3, code), &[read]);
}

#[test]
fn copies_in_a_circle_have_no_type() {
    let mut code = Asm::default();
    asm!(code; "ret" 0, []; @"loop"; "mov" 2, 3; "mov" 3, 2; "jmp" => "loop";);
    refused(try_one(&[], &[], 4, code), &[unknown(3)]);
}
