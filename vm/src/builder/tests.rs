use super::*;
use crate::ids::{ConstId, EffectId, LayerId, Reg, ShapeId, SpanId};
use crate::protocol::LabelId;
use crate::protocol::LocalType;
use crate::{ValueType, emit};
use ValueType::{Agg, I64, Str};
use alloc::string::String;
use opforge_schema::OperandKind;

fn func(params: &[ValueType]) -> (ProgramBuilder<'static>, FuncBuilder<'static>) {
    let mut program = ProgramBuilder::new();
    let id = program.declare("f", params, &[]).unwrap();
    let body = program.begin(id).unwrap();
    (program, body)
}

#[test]
fn registers_are_counted_from_what_instructions_name() {
    let (mut program, mut f) = func(&[I64, I64]);
    let a = f.reg();
    assert_eq!(a, Reg(3));
    emit!(f, Mov, Reg(9), f.param(1)).unwrap();
    assert_eq!(f.reg(), Reg(10));
    emit!(f, Ret, &[Reg(20), Reg(4)]).unwrap();
    program.define(f).unwrap();
    assert_eq!(program.finish().unwrap().functions()[0].reg_count, 21);
}

#[test]
fn labels_reach_back_and_forth() {
    let (mut program, mut f) = func(&[]);
    let (start, end) = (f.label(), f.label());
    f.place(start).unwrap();
    f.name_here("start");
    emit!(f, Jmp, end).unwrap();
    emit!(f, Jmp, start).unwrap();
    f.place(end).unwrap();
    emit!(f, Ret, &[]).unwrap();
    program.define(f).unwrap();
    let program = program.finish().unwrap();
    let wide = |pc: u8| [0x41, 0x80 | pc, 0x80, 0x80, 0x80, 0];
    let expected = [&wide(12)[..], &wide(0), &[0x51, 0, 0]].concat();
    assert_eq!(program.code(FuncId(0)), Some(&expected[..]));
    assert_eq!(program.names().labels.len(), 1);
}

#[test]
fn labels_are_placed_once() {
    let (mut program, mut f) = func(&[]);
    let label = f.label();
    emit!(f, Nop).unwrap();
    f.place(label).unwrap();
    assert_eq!(f.place(label), Err(BuildError::LabelPlacedTwice { pc: 1 }));
    let open = f.label();
    emit!(f, Jmp, open).unwrap();
    assert_eq!(program.define(f), Err(BuildError::UnplacedLabel { pc: 1 }));
    let (_, mut other) = func(&[]);
    assert_eq!(other.place(open), Err(BuildError::UnknownLabel));
    assert_eq!(emit!(other, Jmp, open), Err(BuildError::UnknownLabel));
    assert_eq!(other.pc(), 0, "a refused instruction leaves nothing behind");
}

#[test]
fn operands_are_checked_at_once() {
    let (_, mut f) = func(&[I64]);
    let add = || String::from("i64.add");
    let r = Reg(1);
    assert_eq!(
        emit!(f, I64Add, r, r),
        Err(BuildError::OperandCount { mnemonic: add(), expected: 3, got: 2 })
    );
    let kind = |expected, got| BuildError::OperandKind { mnemonic: add(), index: 2, expected, got };
    assert_eq!(emit!(f, I64Add, r, r, 5i64), Err(kind(OperandKind::Reg, "an integer")));
    let range = |mnemonic: &str, index, kind| BuildError::OperandRange {
        mnemonic: mnemonic.to_string(),
        index,
        kind,
    };
    assert_eq!(emit!(f, Trap, 1u64 << 32), Err(range("trap", 0, OperandKind::ImmU32)));
    assert_eq!(emit!(f, ConstU64, r, -1i64), Err(range("const.u64", 1, OperandKind::ImmU64)));
    assert_eq!(emit!(f, ConstI64, r, u64::MAX), Err(range("const.i64", 1, OperandKind::ImmI64)));
    assert_eq!(f.emit_didx(0xff, &[]), Err(BuildError::UnknownOpcode { didx: 0xff }));
    assert_eq!(emit!(f, Mov, Reg(u32::MAX), r), Err(BuildError::TooLarge { what: "registers" }));
    assert_eq!(f.pc(), 0);
    emit!(f, ConstI64, r, 5u64).unwrap();
    emit!(f, ConstU64, r, 5i64).unwrap();
}

#[test]
fn effect_tokens_are_implied() {
    let (mut program, mut f) = func(&[I64]);
    emit!(f, Call, FuncId(7), &[Reg(1)], &[Reg(2)]).unwrap();
    program.define(f).unwrap();
    let program = program.finish().unwrap();
    assert_eq!(program.code(FuncId(0)), Some(&[0x50, 0, 7, 0, 1, 1, 1, 2][..]));
}

#[test]
fn functions_are_declared_before_they_are_defined() {
    let mut program = ProgramBuilder::new();
    let [first, second] = ["first", "second"].map(|name| program.declare(name, &[], &[]).unwrap());
    let mut bodies = [second, first].map(|id| program.begin(id).unwrap());
    emit!(bodies[0], Nop).unwrap();
    let [body, _] = bodies;
    program.define(body).unwrap();
    assert_eq!(program.begin(second).unwrap_err(), BuildError::DefinedTwice { func: second });
    assert_eq!(program.begin(FuncId(2)).unwrap_err(), BuildError::UnknownFunction { func: FuncId(2) });
    let undefined = BuildError::Undefined { func: first, name: "first".to_string() };
    assert_eq!(program.finish().unwrap_err(), undefined);
}

#[test]
fn equal_entries_are_one() {
    let mut p = ProgramBuilder::new();
    assert_eq!(p.symbol("").unwrap(), SymbolId(0));
    assert_eq!(p.symbol("a").unwrap(), p.symbol("a").unwrap());
    let text = p.constant(ConstValue::Str("a")).unwrap();
    assert_eq!(p.constant(ConstValue::Bytes(b"a")).unwrap(), ConstId(1), "bytes are no text");
    assert_eq!(p.constant(ConstValue::Str("a")).unwrap(), text);
    let zero = p.constant(ConstValue::F64(0)).unwrap();
    assert_ne!(p.constant(ConstValue::F64(1 << 63)).unwrap(), zero, "-0.0 is not 0.0");
    assert_eq!(p.elem_type(I64).unwrap(), p.elem_type(I64).unwrap());
    assert_eq!(p.call_sig(&[Agg], &[]).unwrap(), p.call_sig(&[Agg], &[]).unwrap());
    assert_ne!(p.call_sig(&[], &[Agg]).unwrap(), p.call_sig(&[Agg], &[]).unwrap());
    assert_eq!(p.host("log", &[Str], &[]).unwrap(), p.host("log", &[Str], &[]).unwrap());
    assert_ne!(p.host("log", &[I64], &[]).unwrap(), p.host("log", &[Str], &[]).unwrap());
    let fields = [("x", I64), ("y", I64)];
    assert_ne!(p.struct_type(&fields).unwrap(), p.struct_type(&fields).unwrap(), "types have names");
    assert_eq!(p.program.field_names().len(), 2);
}

#[test]
fn spans_start_where_they_are_set() {
    let (mut program, mut f) = func(&[]);
    let span = |id| SpanId::new(id).unwrap();
    f.span(span(1));
    f.span(span(2));
    emit!(f, Nop).unwrap();
    emit!(f, Nop).unwrap();
    f.span(span(3));
    emit!(f, Nop).unwrap();
    program.define(f).unwrap();
    let program = program.finish().unwrap();
    let entry = |pc_delta, id| SpanEntry { pc_delta, span: span(id) };
    assert_eq!(program.spans(FuncId(0)), Some(&[entry(0, 2), entry(2, 3)][..]));
}

#[test]
fn names_must_match_the_signature() {
    let mut p = ProgramBuilder::new();
    let f = p.declare("f", &[I64, I64], &[I64]).unwrap();
    assert_eq!(p.name_params(f, &["a"]), Err(BuildError::NameCount { func: f, expected: 2, got: 1 }));
    p.name_params(f, &["a", ""]).unwrap();
    p.name_results(f, &["sum"]).unwrap();
    let body = p.begin(f).unwrap();
    p.define(body).unwrap();
    let p = p.finish().unwrap();
    assert_eq!(p.param_names(f), [SymbolId(2), SymbolId(0)]);
    assert_eq!(p.symbol(p.result_names(f)[0]), Some("sum"));
}

#[test]
fn every_error_has_its_own_code_and_a_text() {
    let func = FuncId(1);
    let errors = [
        BuildError::UnknownOpcode { didx: 3 },
        BuildError::OperandCount { mnemonic: String::new(), expected: 1, got: 2 },
        BuildError::OperandKind {
            mnemonic: String::new(),
            index: 0,
            expected: OperandKind::Reg,
            got: "a label",
        },
        BuildError::OperandRange { mnemonic: String::new(), index: 0, kind: OperandKind::ImmU8 },
        BuildError::Encode { mnemonic: String::new() },
        BuildError::UnknownLabel,
        BuildError::LabelPlacedTwice { pc: 1 },
        BuildError::UnplacedLabel { pc: 1 },
        BuildError::UnknownFunction { func },
        BuildError::DefinedTwice { func },
        BuildError::Undefined { func, name: String::new() },
        BuildError::NameCount { func, expected: 1, got: 2 },
        BuildError::TooLarge { what: "code" },
        BuildError::NameTaken { what: "shape", name: String::new() },
        BuildError::UnknownName { what: "shape", name: String::new() },
        BuildError::AmbiguousName { what: "shape", name: String::new() },
        BuildError::NoRole { shape: String::new(), role: String::new() },
        BuildError::RoleOfState { shape: String::new(), local: String::new(), roles: 2 },
        BuildError::NoEdge { shape: String::new(), from: String::new(), to: String::new() },
        BuildError::Protocol {
            name: String::new(),
            errors: "x".parse::<LocalType>().unwrap().check().unwrap_err(),
        },
        BuildError::MixedStates,
    ];
    for (i, error) in errors.iter().enumerate() {
        assert_eq!(error.code(), alloc::format!("B{:04}", i + 1));
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn operands_of_session_instructions_have_types_of_their_own() {
    let (mut program, mut f) = func(&[]);
    let (chan, val, none) = (Reg(1), Reg(2), None::<Reg>);
    emit!(f, Offer, chan, LabelId(3), val).unwrap();
    emit!(f, Offer, chan, LabelId(3), Some(val)).unwrap();
    emit!(f, Offer, chan, LabelId(3), none).unwrap();
    emit!(f, Open, ShapeId(2), &[Reg(4), Reg(5)]).unwrap();
    emit!(f, Invoke, EffectId(1), &[val], none).unwrap();
    emit!(f, Acquire, LayerId(0), Reg(6)).unwrap();
    let here = f.label();
    f.place(here).unwrap();
    let labels = [LabelId(0), LabelId(500)];
    emit!(f, Choose, chan, &labels[..], &[Reg(7), Reg(0)], &[here, here][..]).unwrap();
    let wrong = emit!(f, Offer, chan, ShapeId(0), none);
    let expected = BuildError::OperandKind {
        mnemonic: String::from("offer"),
        index: 1,
        expected: OperandKind::LabelId,
        got: "a session shape",
    };
    assert_eq!(wrong, Err(expected));
    assert_eq!(
        emit!(f, Offer, chan, LabelId(0), Some(Reg(u32::MAX))),
        Err(BuildError::TooLarge { what: "registers" })
    );
    program.define(f).unwrap();
    let program = program.finish().unwrap();
    let at = |pc: u8| [0x80 | pc, 0x80, 0x80, 0x80, 0];
    let choose = [&[0xe7, 1, 2, 0, 0xf4, 3, 2, 7, 0, 2][..], &at(25), &at(25)].concat();
    let expected = [
        &[0xe6, 1, 3, 3, 0xe6, 1, 3, 3, 0xe6, 1, 3, 0][..],
        &[0xe8, 2, 2, 4, 5],
        &[0xea, 1, 1, 2, 0, 0xeb, 0, 6],
        &choose,
    ];
    assert_eq!(program.code(FuncId(0)), Some(&expected.concat()[..]));
    assert_eq!(program.functions()[0].reg_count, 8);
}
