use super::*;
use crate::asm::assemble;
use crate::builder::{ProgramBuilder, RawOperand};
use crate::codec::Code;
use crate::ids::FuncId;
use alloc::string::ToString;
use alloc::vec::Vec;
use opforge_schema::{Encoding, MAX_OPERANDS, TypeRule};
use opforge_tables::ISA;

/// A program with one function that holds one instruction.
fn one(didx: u16, operands: &[RawOperand<'_>]) -> Program {
    let mut program = ProgramBuilder::new();
    let id = program.declare("f", &[], &[]).unwrap();
    let mut f = program.begin(id).unwrap();
    f.emit_raw(didx, ISA.op(didx).unwrap(), operands).unwrap();
    program.define(f).unwrap();
    program.finish().unwrap()
}

/// The largest scalar that an encoding holds; for registers one less, as their count is a number too.
fn largest(encoding: Encoding) -> u64 {
    match encoding {
        Encoding::Uleb32 | Encoding::Uleb32Wide => u64::from(u32::MAX) - 1,
        Encoding::U8 => 255,
        Encoding::Bool8 => 1,
        Encoding::Rounding8 => 4,
        Encoding::None => 0,
        _ => u64::MAX,
    }
}

#[test]
fn every_opcode_comes_back_with_its_least_and_greatest_operands() {
    for (didx, row) in ISA.iter() {
        for greatest in [false, true] {
            let list: &[u32] = if greatest { &[u32::MAX - 1, 0, 7] } else { &[] };
            let mut operands = [RawOperand::Scalar(0); MAX_OPERANDS];
            for (operand, op) in operands.iter_mut().zip(row.operands()) {
                if op.enc().is_list() {
                    *operand = RawOperand::List(list);
                } else if op.enc() == Encoding::Uleb32Opt {
                    *operand = RawOperand::Opt(greatest.then_some(u32::MAX - 1));
                } else if greatest && op.ty() != TypeRule::Effect {
                    *operand = RawOperand::Scalar(largest(op.enc()));
                }
            }
            let program = one(didx, &operands[..row.operands().len()]);
            let text = disassemble(&program, &DisasmOptions::exact());
            assert!(!text.contains(".raw"), "{text}");
            let again = assemble(&text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
            assert!(again == program, "{text}");
        }
    }
}

#[test]
fn opcodes_of_an_embedder_need_only_their_rows() {
    // A copy of the tables with one more opcode, on a page of the embedders: a copy of `i64.add`.
    const DIDX: u16 = 16 << 8 | 5;
    let (add, none) = (usize::from(ISA.find("i64.add").unwrap()), 0xff);
    let mut tables = (ISA.ops.to_vec(), ISA.names.to_vec(), ISA.text.to_vec(), ISA.lookup.to_vec());
    let before = opforge_schema::row_of(DIDX);
    tables.0.resize(before, ISA.ops[none]);
    tables.1.resize(before, ISA.names[none]);
    tables.2.resize(before, ISA.text[none]);
    tables.0.push(ISA.ops[add]);
    tables.2.push(ISA.text[add]);
    let mut row = tables.3[0];
    row.name.len = 6;
    row.name.text[..6].copy_from_slice(b"my.add");
    row.didx.set(DIDX);
    tables.1.push(row.name);
    tables.3.push(row);
    tables.3.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    let isa = Isa { ops: &tables.0, names: &tables.1, text: &tables.2, lookup: &tables.3, ..ISA };

    let source = ".symbol $1 \"f\"\n\n.func &0 f() -> () {\n    my.add r3, r1, r2\n}\n";
    let program = crate::asm::assemble_with(&isa, source).unwrap();
    assert_eq!(program.code(FuncId(0)), Some(&[0xfc, 16, 5, 3, 1, 2][..]));
    assert_eq!(disassemble(&program, &DisasmOptions::exact().isa(&isa)), source);
    assert!(assemble(source).is_err());
}

#[test]
fn effect_tokens_other_than_r0_are_shown_as_bytes() {
    let ret = ISA.find("ret").unwrap();
    let program = one(ret, &[RawOperand::Scalar(3), RawOperand::List(&[])]);
    let text = disassemble(&program, &DisasmOptions::exact());
    assert!(text.contains("    .raw 51 03 00 "), "{text}");
    assert_eq!(assemble(&text).unwrap().code_blobs(), program.code_blobs());
}

#[test]
fn lines_show_targets_by_offset_and_names_from_the_program() {
    let source = ".func main() {\n@here: call &helper () -> ()\njmp @here\n}\n.func helper() {\nret ()\n}";
    let program = assemble(source).unwrap();
    let code = Code::decode(&ISA, program.code(FuncId(0)).unwrap()).unwrap();
    let lines: Vec<_> = code
        .instrs()
        .iter()
        .map(|instr| Line::new(&ISA, &code, instr).program(&program).to_string())
        .collect();
    assert_eq!(lines, ["call &helper () -> ()", "jmp @0"]);
    assert_eq!(Line::new(&ISA, &code, &code.instrs()[0]).to_string(), "call &1 () -> ()");
}

#[test]
fn hostile_text_is_escaped() {
    let evil = "\u{1b}[2J\u{202e}\u{200b}\r\n\0\u{feff}\"";
    let mut builder = ProgramBuilder::new();
    builder.name(evil).unwrap();
    builder.constant(crate::builder::ConstValue::Str(evil)).unwrap();
    builder.struct_type(&[(evil, crate::ValueType::I64)]).unwrap();
    builder.host(evil, &[], &[]).unwrap();
    let f = builder.declare(evil, &[crate::ValueType::I64], &[]).unwrap();
    builder.name_params(f, &[evil]).unwrap();
    let mut body = builder.begin(f).unwrap();
    body.name_here(evil);
    body.emit_bytes(&[0xff]).unwrap();
    builder.define(body).unwrap();
    let program = builder.finish().unwrap();
    for options in [DisasmOptions::exact(), DisasmOptions::pretty().show(Show::Pcs).show(Show::Bytes)] {
        let text = disassemble(&program, &options);
        assert!(text.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{text:?}");
        assert!(assemble(&text).unwrap() == program, "{text}");
    }
}

#[test]
fn several_functions_of_one_name_stay_apart() {
    let mut builder = ProgramBuilder::new();
    for _ in 0..2 {
        let id = builder.declare("same", &[], &[]).unwrap();
        let body = builder.begin(id).unwrap();
        builder.define(body).unwrap();
    }
    let program = builder.finish().unwrap();
    let text = disassemble(&program, &DisasmOptions::exact());
    assert!(text.contains(".name &0 \"same\"\n.name &1 \"same\"\n"), "{text}");
    assert!(assemble(&text).unwrap() == program);
}

#[test]
fn a_listing_reads_well() {
    let source = include_str!("../../../examples/trap.ofa");
    let text = disassemble(&assemble(source).unwrap(), &DisasmOptions::pretty().show(Show::Pcs));
    let expected = ".program \"trap\"\n\
        \n\
        .func &0 main(people: i64) -> (each: i64) {\n\
        \x20   .span 10\n\
        \x20   const.i64 r2, 100                        ; 0000\n\
        \x20   .span 11\n\
        \x20   call &serve (r2, r1) -> (r3)             ; 0004\n\
        \x20   .span 12\n\
        \x20   ret (r3)                                 ; 000d\n\
        }\n";
    assert!(text.starts_with(expected), "{text}");
}
