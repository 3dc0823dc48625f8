//! Every row of the shipped tables goes through the codec both ways, and damage never panics.

use super::*;
use alloc::vec;
use alloc::vec::Vec;
use opforge_schema::{Access, Encoding, Isa, NameRow, OpRow, OperandKind, OperandRow, op_flags};
use opforge_tables::ISA;
use std::format;

/// A small generator with a fixed seed, so that a failure repeats (xorshift64*).
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

fn max_of(enc: Encoding) -> u64 {
    match enc {
        Encoding::None => 0,
        Encoding::Uleb32 | Encoding::Uleb32Wide | Encoding::Uleb32List | Encoding::Uleb32WideList => {
            u64::from(u32::MAX)
        }
        Encoding::Uleb32Opt => u64::from(u32::MAX) - 1,
        Encoding::Uleb64 | Encoding::U64Le => u64::MAX,
        Encoding::Sleb64 => i64::MIN as u64,
        Encoding::U8 => 255,
        Encoding::Bool8 => 1,
        Encoding::Rounding8 => 4,
    }
}

/// Encodes, decodes, compares, and cuts the bytes short everywhere.
fn round_trip(isa: &Isa<'_>, didx: u16, values: &[OperandValue<'_>]) {
    let mut bytes = vec![];
    encode(isa, didx, values, &mut bytes).unwrap();
    let code = Code::decode(isa, &bytes).unwrap();
    let [instr] = code.instrs() else { panic!("one instruction expected") };
    assert_eq!(instr.didx, didx);
    let back: Vec<_> = code.values(isa, instr).map(|(_, value)| value).collect();
    assert_eq!(back, values, "{}", isa.name(didx));
    for cut in 1..bytes.len() {
        let error = Code::decode(isa, &bytes[..cut]).unwrap_err();
        assert_eq!(error.pc, 0, "{}", isa.name(didx));
    }
}

#[test]
fn every_row_decodes_what_it_encodes() {
    let (short, long) = ([0u32; 0], [u32::MAX; 130]);
    for (didx, row) in ISA.iter() {
        let of = |scalar: &dyn Fn(Encoding) -> u64, list| -> Vec<OperandValue<'_>> {
            let value = |row: &OperandRow| match row.enc() {
                enc if enc.is_list() => OperandValue::List(list),
                Encoding::Uleb32Opt => OperandValue::Opt((scalar(Encoding::Uleb32Opt) as u32).checked_sub(1)),
                enc => OperandValue::Scalar(scalar(enc)),
            };
            row.operands().iter().map(value).collect()
        };
        let least = of(&|_| 0, &short);
        round_trip(&ISA, didx, &least);
        round_trip(&ISA, didx, &of(&max_of, &long));
        let mut bytes = vec![];
        encode(&ISA, didx, &least, &mut bytes).unwrap();
        // A wide target is written with five bytes but may be read from one.
        let wide = row.operands().iter().filter(|row| row.enc() == Encoding::Uleb32Wide).count();
        assert_eq!(bytes.len(), usize::from(row.min_len) + 4 * wide, "min_len of {}", ISA.name(didx));
    }
}

#[test]
fn random_bytes_never_panic_and_what_decodes_encodes_back() {
    let mut rng = Rng(7);
    let mut decoded = 0;
    let opcodes: Vec<u16> = ISA.iter().map(|(didx, _)| didx).collect();
    for round in 0..20_000u32 {
        let len = rng.next() as usize % 24;
        let mut bytes: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        if round % 2 == 0 {
            // Small numbers behind a real opcode decode far more often.
            bytes.iter_mut().for_each(|byte| *byte &= 7);
            let start = bytes.len() % 5;
            bytes.truncate(start);
            bytes.insert(0, opcodes[rng.next() as usize % opcodes.len()] as u8);
        }
        let Ok(code) = Code::decode(&ISA, &bytes) else { continue };
        decoded += 1;
        let mut out = vec![];
        for instr in code.instrs() {
            let values: Vec<_> = code.values(&ISA, instr).map(|(_, value)| value).collect();
            encode(&ISA, instr.didx, &values, &mut out).unwrap();
        }
        let again = Code::decode(&ISA, &out).unwrap();
        assert_eq!(again.instrs().len(), code.instrs().len());
        for (a, b) in code.instrs().iter().zip(again.instrs()) {
            assert!(code.values(&ISA, a).eq(again.values(&ISA, b)));
        }
    }
    assert!(decoded > 1000, "only {decoded} inputs decoded");
}

#[test]
fn a_damaged_integer_or_boolean_or_list_is_named() {
    let kind = |bytes: &[u8]| Code::decode(&ISA, bytes).map(|_| ()).unwrap_err();
    let words = |bytes: &[u8]| {
        let code = Code::decode(&ISA, bytes).unwrap();
        code.operands(&code.instrs()[0]).to_vec()
    };
    let at = |operand, kind| CodeError { pc: 0, operand, kind };
    // const.u64 r1, with ten and eleven bytes, and past 64 bits.
    let mut padded = vec![0x13, 1];
    padded.extend([0x80; 9]);
    padded.push(1);
    assert_eq!(words(&padded), [1, 1 << 63]);
    *padded.last_mut().unwrap() = 2;
    assert_eq!(kind(&padded), at(Some(1), CodeErrorKind::IntegerTooLarge));
    *padded.last_mut().unwrap() = 0x80;
    padded.push(0);
    assert_eq!(kind(&padded), at(Some(1), CodeErrorKind::IntegerTooLarge));
    // const.i64 r1: a tenth byte that is not a sign.
    let mut signed = vec![0x12, 1];
    signed.extend([0xff; 9]);
    signed.push(0x7f);
    assert_eq!(words(&signed), [1, u64::MAX]);
    *signed.last_mut().unwrap() = 1;
    assert_eq!(kind(&signed), at(Some(1), CodeErrorKind::IntegerTooLarge));
    // A register past 32 bits, padded registers, booleans, lists.
    assert_eq!(kind(&[0x10, 0x80, 0x80, 0x80, 0x80, 0x10]), at(Some(0), CodeErrorKind::IntegerTooLarge));
    assert_eq!(words(&[0x10, 0x85, 0x80, 0x00]), [5]);
    assert_eq!(kind(&[0x11, 1, 7]), at(Some(1), CodeErrorKind::BadBool { byte: 7 }));
    let list = CodeErrorKind::ListTooLong { count: u32::MAX };
    assert_eq!(kind(&[0x51, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]), at(Some(1), list));
    assert_eq!(kind(&[0xff]), at(None, CodeErrorKind::UnknownOpcode { didx: 0xff }));
    let second = CodeError { pc: 1, ..at(Some(0), CodeErrorKind::UnexpectedEnd) };
    assert_eq!(kind(&[0x00, 0x10]), second);
}

#[test]
fn positions_are_found_by_byte_offset() {
    let code = Code::decode(&ISA, &[0x00, 0x12, 1, 5, 0x51, 0, 1, 1]).unwrap();
    let ix = crate::ids::InstrIx;
    assert_eq!((code.at_pc(0), code.at_pc(1), code.at_pc(2)), (Some(ix(0)), Some(ix(1)), None));
    assert_eq!((code.at_pc(4), code.at_pc(8), code.byte_len()), (Some(ix(2)), None, 8));
    assert_eq!((code.end_pc(ix(0)), code.end_pc(ix(1)), code.end_pc(ix(2))), (1, 4, 8));
    let ret = code.instr(ix(2)).unwrap();
    assert_eq!(code.list(code.operands(ret)[1]), [1]);
    assert!(code.list(u64::MAX).is_empty() && code.instr(ix(3)).is_none());
    assert_eq!(size_of::<Instr>(), 12);
}

#[test]
fn encoding_refuses_what_does_not_fit() {
    use OperandValue::{List, Scalar};
    let mut out = vec![9];
    let mut fails = |didx, operands: &[OperandValue<'_>]| {
        let error = encode(&ISA, didx, operands, &mut out).unwrap_err();
        assert_eq!(out, [9], "{error}");
        (error.operand, error.kind)
    };
    assert_eq!(fails(0xff, &[]), (None, EncodeErrorKind::UnknownOpcode { didx: 0xff }));
    assert_eq!(fails(0x10, &[]), (None, EncodeErrorKind::OperandCount { expected: 1, given: 0 }));
    assert_eq!(fails(0x10, &[List(&[1])]), (Some(0), EncodeErrorKind::WrongForm));
    assert_eq!(fails(0x51, &[Scalar(0), Scalar(1)]), (Some(1), EncodeErrorKind::WrongForm));
    let large = |operand, value| (Some(operand), EncodeErrorKind::ValueTooLarge { value });
    assert_eq!(fails(0x10, &[Scalar(1 << 32)]), large(0, 1 << 32));
    assert_eq!(fails(0x11, &[Scalar(1), Scalar(2)]), large(1, 2));
    assert_eq!(fails(0x41, &[Scalar(1 << 32)]), large(0, 1 << 32));
    assert_eq!(fails(0x15, &[Scalar(1), Scalar(0), Scalar(256)]), large(2, 256));
}

/// Opcodes on other pages come from tables alone: here one on page 16.
#[test]
fn a_prefixed_page_decodes_from_its_rows() {
    let mut ops: Vec<OpRow> = ISA.ops.to_vec();
    let mut row = ISA.ops[0x00];
    row.n_operands = 1;
    row.operands[0] =
        OperandRow { kind: OperandKind::ImmU8.code(), enc: Encoding::U8.code(), ..OperandRow::default() };
    assert!(row.has(op_flags::PRESENT));
    ops.push(row);
    let names: Vec<NameRow> = ISA.names.to_vec();
    let isa = Isa { ops: &ops, names: &names, ..ISA };
    let mut bytes = vec![];
    encode(&isa, 16 << 8, &[OperandValue::Scalar(5)], &mut bytes).unwrap();
    assert_eq!(bytes, [0xfc, 16, 0, 5]);
    assert_eq!(Code::decode(&isa, &bytes).unwrap().instrs()[0].didx, 16 << 8);
    for bad in [&[0xfc, 0, 0][..], &[0xfc, 16, 1], &[0xfc, 17, 0, 5], &[0xfc, 16], &[0xfc]] {
        let error = Code::decode(&isa, bad).unwrap_err();
        assert!(error.operand.is_none(), "{}", format!("{error}"));
    }
    assert!(Code::decode(&ISA, &bytes).is_err());
}

/// 0 in the bytes is no register, so register 0 is 1.
#[test]
fn an_optional_register_is_one_more_than_its_number_or_nothing() {
    use OperandValue::{List, Opt, Scalar};
    let offer = ISA.find("offer").unwrap();
    let values = |bytes: &[u8]| {
        let code = Code::decode(&ISA, bytes).unwrap();
        let last = code.values(&ISA, &code.instrs()[0]).last().map(|(_, value)| value).unwrap();
        (last == Opt(last.scalar32()), last.entries().collect::<Vec<_>>(), last.list().len())
    };
    assert_eq!(values(&[0xe6, 1, 0, 0]), (true, vec![], 0));
    assert_eq!(values(&[0xe6, 1, 0, 1]), (true, vec![0], 0));
    assert_eq!(values(&[0xe6, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]), (true, vec![u32::MAX - 1], 0));
    let error = Code::decode(&ISA, &[0xe6, 1, 0, 0x80, 0x80, 0x80, 0x80, 0x10]).unwrap_err();
    assert_eq!((error.operand, error.kind), (Some(2), CodeErrorKind::IntegerTooLarge));
    let mut out = vec![];
    encode(&ISA, offer, &[Scalar(1), Scalar(0), Opt(Some(2))], &mut out).unwrap();
    assert_eq!(out, [0xe6, 1, 0, 3]);
    let mut fails = |last| {
        let error = encode(&ISA, offer, &[Scalar(1), Scalar(0), last], &mut out).unwrap_err();
        assert_eq!((error.operand, out.len()), (Some(2), 4));
        error.kind
    };
    let large = EncodeErrorKind::ValueTooLarge { value: u64::from(u32::MAX) };
    assert_eq!(fails(Opt(Some(u32::MAX))), large);
    assert_eq!(fails(Scalar(3)), EncodeErrorKind::WrongForm);
    assert_eq!(fails(List(&[])), EncodeErrorKind::WrongForm);
    let send = encode(&ISA, 0xe4, &[Scalar(1), Opt(Some(2))], &mut out).unwrap_err();
    assert_eq!(send.kind, EncodeErrorKind::WrongForm);
}

/// A digest says what its row says, operand by operand.
#[test]
fn digests_are_their_rows_in_short() {
    use crate::codec::{Digests, Marks, class_of};
    let digests = Digests::of(&ISA);
    let mut simple = 0;
    for (didx, row) in ISA.iter() {
        let digest = digests.get(didx);
        assert_eq!(u32::from(digest.fuel), u32::from(row.fuel.get()));
        assert_eq!(digest.marks.has(Marks::TERMINATOR), row.has(op_flags::TERMINATOR));
        assert_eq!(digest.marks.has(Marks::CALL_LIKE), row.has(op_flags::CALL_LIKE));
        if !digest.marks.has(Marks::SIMPLE) {
            assert!(!digest.marks.has(Marks::FREE) && !digest.marks.has(Marks::DIRECT));
            continue;
        }
        simple += 1;
        // Operand `n` names register 100 + n.
        let words: Vec<u64> = (100..).take(row.operands().len()).collect();
        let with = |access| {
            let operands = (100..).zip(row.operands()).filter(move |(_, row)| row.access() == access);
            operands.map(|(reg, row)| (reg, class_of(row.ty()).map(|class| u32::from(class.tag()))))
        };
        let registers = digest.registers(&words);
        let pair = |(reg, ty): (u32, crate::types::TypeId)| (reg, Some(ty.0));
        assert!(registers.reads().map(pair).eq(with(Access::Read)), "{}", ISA.name(didx));
        assert!(registers.write().map(pair).into_iter().eq(with(Access::Write)), "{}", ISA.name(didx));
        assert_eq!(
            registers.highest(),
            with(Access::Read).chain(with(Access::Write)).map(|r| r.0).max().unwrap_or(0)
        );
    }
    // Most opcodes are, or the digests are good for nothing.
    assert!(simple * 2 > ISA.iter().count(), "{simple}");
}
