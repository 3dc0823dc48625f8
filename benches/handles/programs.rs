//! The programs: a counted loop with one instruction over a handle eight times in its body, built with execution_tape's
//! builder, so that both engines run the same bytes.

use crate::support::programs::{Arg, Workload};
use execution_tape::asm::{Asm, AsmError, FunctionSig, ProgramBuilder};
use execution_tape::program::{ElemTypeId, StructTypeDef, TypeId, ValueType};

/// How often the instruction stands in the body of the program that is measured, beyond the one of its base.
const COPIES: u32 = 8;
/// Iterations of a run: few, for what is made lives until the run ends.
const LOOPS: u64 = 2000;
/// Text constants of the program that only starts.
const CONSTANTS: usize = 1000;

// Registers. The argument is in r1, r0 is the effect token.
const N: u32 = 1;
const I: u32 = 2;
const ONE: u32 = 3;
const MORE: u32 = 4;
const RESULT: u32 = 5;
/// Of the kind that the instruction reads: text, bytes or an aggregate.
const A: u32 = 6;
const B: u32 = 7;
const START: u32 = 8;
const END: u32 = 9;
const TO: u32 = 10;
const FIRST: u32 = 11;
/// What the instruction reads.
const GOT: u32 = 12;
const FROM: u32 = 13;
const UP_TO: u32 = 14;
const EQUAL: u32 = 15;

const TEXT: &str = "a handle is a word";
const OTHER: &str = ", not a vector";

/// What the instruction works on.
#[derive(Clone, Copy)]
enum Over {
    /// Two texts, and the positions 2 and 8.
    Text,
    /// Two texts of the same 18 bytes at different places.
    EqualText,
    /// Two byte strings, and the positions 2 and 8.
    Bytes,
    Tuple,
    Struct,
    Array,
}

/// Adds the instruction to the body.
type Body = for<'a> fn(&'a mut Asm, &mut ProgramBuilder) -> &'a mut Asm;

/// Writes the length of `TO` or `FIRST` to a register.
type Length = for<'a> fn(&'a mut Asm, u32, u32) -> &'a mut Asm;

/// A program and whether what it makes outlives a run on execution_tape, which never frees aggregates.
pub(crate) struct Case {
    pub(crate) workload: Workload,
    /// The same with the instruction once, where it stands in a loop.
    pub(crate) base: Option<Workload>,
    pub(crate) leaks: bool,
    /// Instructions over handles in a run, without those of the base.
    pub(crate) ops: u64,
}

/// Programs with a loop.
pub(crate) fn all() -> Vec<Case> {
    use Over::{Array, Bytes, EqualText, Struct, Text, Tuple};
    let (text, other) = (TEXT.len() as u64, OTHER.len() as u64);
    vec![
        case("str_const", Text, text, |a, b| a.const_pool(TO, b.const_str(TEXT)), Some(Asm::str_len)),
        case("str_len", Text, text, |a, _| a.str_len(GOT, A), None),
        case("str_slice", Text, 6, |a, _| a.str_slice(TO, A, START, END), Some(Asm::str_len)),
        case("str_eq", Text, 18, |a, _| a.str_eq(EQUAL, A, B), Some(Asm::str_len)),
        case("str_eq_same_bytes", EqualText, 18, |a, _| a.str_eq(EQUAL, A, B), Some(Asm::str_len)),
        case("str_concat", Text, text + other, |a, _| a.str_concat(TO, A, B), Some(Asm::str_len)),
        case("str_append", Text, text, append, Some(Asm::str_len)),
        case(
            "str_to_bytes",
            Text,
            text,
            |a, _| a.str_to_bytes(FIRST, A),
            Some(|a, to, _| a.bytes_len(to, FIRST)),
        ),
        case(
            "bytes_to_str",
            Bytes,
            text,
            |a, _| a.bytes_to_str(FIRST, A),
            Some(|a, to, _| a.str_len(to, FIRST)),
        ),
        case("bytes_len", Bytes, text, |a, _| a.bytes_len(GOT, A), None),
        case("bytes_get", Bytes, b'h'.into(), |a, _| a.bytes_get(GOT, A, START), None),
        case("bytes_get_imm", Bytes, b'h'.into(), |a, _| a.bytes_get_imm(GOT, A, 2), None),
        case("bytes_slice", Bytes, 6, |a, _| a.bytes_slice(TO, A, START, END), Some(Asm::bytes_len)),
        case("bytes_concat", Bytes, text + other, |a, _| a.bytes_concat(TO, A, B), Some(Asm::bytes_len)),
        case("tuple_new", Tuple, 3, |a, _| a.tuple_new(TO, &[START, END, ONE]), Some(Asm::tuple_len)),
        case("tuple_get", Tuple, 8, |a, _| a.tuple_get(GOT, A, 1), None),
        case("tuple_len", Tuple, 3, |a, _| a.tuple_len(GOT, A), None),
        case("struct_new", Struct, 3, new_struct, Some(Asm::struct_field_count)),
        case("struct_get", Struct, 8, |a, _| a.struct_get(GOT, A, 1), None),
        case("struct_field_count", Struct, 3, |a, _| a.struct_field_count(GOT, A), None),
        case("array_new", Array, 3, new_array, Some(Asm::array_len)),
        case("array_get", Array, 1, |a, _| a.array_get(GOT, A, START), None),
        case("array_get_imm", Array, 8, |a, _| a.array_get_imm(GOT, A, 1), None),
        case("array_len", Array, 3, |a, _| a.array_len(GOT, A), None),
    ]
}

/// Programs with a thousand text constants: one that only returns its argument, and one that loads each once.
pub(crate) fn constants() -> Vec<Case> {
    let program = |name, used: bool, ops| {
        let built = thousand(used).unwrap_or_else(|error| panic!("{name}: {error}"));
        let workload = Workload { name, bytes: built, args: vec![Arg::U64(7)], expected: 7, required: 0.0 };
        Case { workload, base: None, leaks: false, ops }
    };
    vec![program("start_1000_constants", false, 1), program("load_1000_constants", true, CONSTANTS as u64)]
}

/// The result is a length, as `length` says, or else what the body leaves in `GOT`.
fn case(name: &'static str, over: Over, expected: u64, body: Body, length: Option<Length>) -> Case {
    let workload = |copies| {
        let bytes = counted(over, copies, body, length).unwrap_or_else(|error| panic!("{name}: {error}"));
        let appended = if name == "str_append" { u64::from(copies) * OTHER.len() as u64 } else { 0 };
        Workload { name, bytes, args: vec![Arg::U64(LOOPS)], expected: expected + appended, required: 0.0 }
    };
    Case {
        workload: workload(1 + COPIES),
        base: Some(workload(1)),
        leaks: matches!(over, Over::Tuple | Over::Struct | Over::Array),
        ops: LOOPS * u64::from(COPIES),
    }
}

/// Appends to what was appended to before; each iteration begins anew.
fn append<'a>(a: &'a mut Asm, _: &mut ProgramBuilder) -> &'a mut Asm {
    a.str_concat(TO, TO, B)
}

fn new_struct<'a>(a: &'a mut Asm, _: &mut ProgramBuilder) -> &'a mut Asm {
    a.struct_new(TO, TypeId(0), &[START, END, ONE])
}

fn new_array<'a>(a: &'a mut Asm, _: &mut ProgramBuilder) -> &'a mut Asm {
    a.array_new(TO, ElemTypeId(0), &[START, END, ONE])
}

fn counted(over: Over, copies: u32, body: Body, length: Option<Length>) -> Result<Vec<u8>, AsmError> {
    let (mut asm, mut builder) = (Asm::new(), ProgramBuilder::new());
    let (a, b) = (&mut asm, &mut builder);
    let (head, inside, done) = (a.label(), a.label(), a.label());
    a.const_u64(I, 0).const_u64(ONE, 1).const_u64(RESULT, 0).const_u64(START, 2).const_u64(END, 8);
    match over {
        Over::Text | Over::EqualText => {
            a.const_pool(A, b.const_str(TEXT)).const_pool(B, b.const_str(OTHER));
        }
        Over::Bytes => {
            a.const_pool(A, b.const_bytes(TEXT.as_bytes())).const_pool(B, b.const_bytes(OTHER.as_bytes()));
        }
        Over::Struct => {
            b.struct_type(StructTypeDef {
                field_names: ["start", "end", "one"].map(Into::into).into(),
                field_types: vec![ValueType::U64; 3],
            });
        }
        Over::Array => {
            b.array_elem(ValueType::U64);
        }
        Over::Tuple => {}
    }
    if let Over::EqualText = over {
        // The end of another text.
        let (from, to) = (OTHER.len() as u64, (OTHER.len() + TEXT.len()) as u64);
        a.str_concat(B, B, A).const_u64(FROM, from).const_u64(UP_TO, to).str_slice(B, B, FROM, UP_TO);
    }
    a.jmp(head);
    a.place(head)?;
    a.u64_lt(MORE, I, N).br(MORE, inside, done);
    a.place(inside)?;
    // execution_tape knows the shape of an aggregate only in the block that makes it.
    match over {
        Over::Tuple => a.tuple_new(A, &[START, END, ONE]).mov(TO, A),
        Over::Struct => a.struct_new(A, TypeId(0), &[START, END, ONE]).mov(TO, A),
        Over::Array => a.array_new(A, ElemTypeId(0), &[START, END, ONE]).mov(TO, A),
        Over::Text | Over::EqualText | Over::Bytes => a.mov(TO, A),
    };
    for _ in 0..copies {
        body(a, b);
    }
    match length {
        Some(length) => length(a, RESULT, TO),
        None => a.u64_or(RESULT, GOT, GOT),
    };
    a.u64_add(I, I, ONE).jmp(head);
    a.place(done)?;
    a.ret(0, &[RESULT]);
    builder.push_function_checked(asm, sig())?;
    Ok(builder.build().encode())
}

fn sig() -> FunctionSig {
    FunctionSig { arg_types: vec![ValueType::U64], ret_types: vec![ValueType::U64] }
}

fn thousand(used: bool) -> Result<Vec<u8>, AsmError> {
    let (mut asm, mut builder) = (Asm::new(), ProgramBuilder::new());
    let (mut loads, mut idle) = (Asm::new(), Asm::new());
    for n in 0..CONSTANTS {
        loads.const_pool(TO, builder.const_str(&format!("the text of constant number {n}")));
    }
    loads.ret(0, &[N]);
    idle.ret(0, &[N]);
    std::mem::swap(&mut asm, if used { &mut loads } else { &mut idle });
    builder.push_function_checked(asm, sig())?;
    builder.push_function_checked(if used { idle } else { loads }, sig())?;
    Ok(builder.build().encode())
}
