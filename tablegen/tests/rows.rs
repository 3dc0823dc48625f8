//! Self-decode: each row encodes and decodes its smallest and largest operands to the same values.

use opforge_schema::{Blobs, Encoding, Isa, OpRow};
use opforge_tablegen::codec::{Operand, decode, encode};
use opforge_tablegen::{compile, emit, source::Sources};

fn blobs() -> Vec<(&'static str, Vec<u8>)> {
    let texts = [opforge_spec::OPCODES, opforge_spec::TYPES, opforge_spec::INTRINSICS, opforge_spec::SESSION];
    let spec = compile(Sources::of_texts(texts));
    emit::bytes::blobs(&spec.unwrap_or_else(|d| panic!("{}", d.render())))
}

fn view<'b>(blobs: &'b [(&'static str, Vec<u8>)]) -> Isa<'b> {
    let [ops, names, text, lookup, classes, types, intrinsics] = blobs else { panic!("seven blobs") };
    let blobs = Blobs {
        ops: &ops.1,
        names: &names.1,
        text: &text.1,
        lookup: &lookup.1,
        classes: &classes.1,
        types: &types.1,
        intrinsics: &intrinsics.1,
    };
    Isa::from_blobs(&blobs).unwrap_or_else(|e| panic!("{e}"))
}

fn extremes(enc: Encoding) -> Vec<Operand> {
    let bits = |values: &[u64]| values.iter().map(|v| Operand::Bits(*v)).collect();
    match enc {
        Encoding::None => Vec::new(),
        Encoding::Uleb32 | Encoding::Uleb32Wide | Encoding::Uleb32Opt => {
            bits(&[0, 127, 128, u64::from(u32::MAX)])
        }
        Encoding::Uleb64 | Encoding::U64Le => bits(&[0, 1, 1 << 63, u64::MAX]),
        Encoding::Sleb64 => [0, -1, 63, 64, -64, -65, i64::MIN, i64::MAX].map(Operand::Signed).to_vec(),
        Encoding::U8 => bits(&[0, 255]),
        Encoding::Bool8 => bits(&[0, 1]),
        Encoding::Rounding8 => bits(&[0, 4]),
        Encoding::Uleb32List | Encoding::Uleb32WideList => {
            vec![Operand::List(vec![]), Operand::List(vec![0]), Operand::List(vec![u32::MAX; 300])]
        }
    }
}

fn round_trip(didx: u16, row: &OpRow, operands: &[Operand]) -> usize {
    let bytes = encode(didx, row, operands);
    assert_eq!(decode(didx, row, &bytes).as_deref(), Ok(operands), "{didx:#04x}: {bytes:02x?}");
    for cut in 0..bytes.len() {
        assert!(decode(didx, row, &bytes[..cut]).is_err(), "{didx:#04x} cut to {cut} bytes decodes");
    }
    assert!(decode(didx, row, &[&bytes[..], &[0]].concat()).is_err(), "{didx:#04x} with a byte more decodes");
    bytes.len()
}

#[test]
fn every_row_decodes_what_it_encodes() {
    let blobs = blobs();
    let isa = view(&blobs);
    let mut rows = 0;
    for (didx, row) in isa.iter() {
        let choices: Vec<Vec<Operand>> = row.operands().iter().map(|o| extremes(o.enc())).collect();
        let least: Vec<Operand> = choices.iter().map(|c| c[0].clone()).collect();
        // A wide operand may be read from one byte and is written with five.
        let wide = row.operands().iter().filter(|o| o.enc() == Encoding::Uleb32Wide).count();
        let written = round_trip(didx, row, &least);
        assert_eq!(written, usize::from(row.min_len) + 4 * wide, "{didx:#04x}: min_len");
        for (i, choice) in choices.iter().enumerate() {
            for value in choice {
                let mut operands = least.clone();
                operands[i] = value.clone();
                round_trip(didx, row, &operands);
            }
        }
        rows += 1;
    }
    assert!(rows >= 106);
}

#[test]
fn over_long_and_over_wide_numbers_do_not_decode() {
    let blobs = blobs();
    let isa = view(&blobs);
    let row = |name: &str| isa.find(name).and_then(|didx| isa.op(didx)).expect("an opcode");
    let (mov, jmp, uint, int) = (row("mov"), row("jmp"), row("const.u64"), row("const.i64"));
    assert!(decode(0x01, mov, &[1, 0x80, 0x80, 0x80, 0x80, 0x10, 0]).is_err(), "33 bits");
    assert!(decode(0x01, mov, &[1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0]).is_err(), "six bytes");
    assert!(decode(0x41, jmp, &[0x41, 1]).is_err(), "a short target");
    let wide = |byte: u8, last: u8| [&[byte, 1][..], &[0xff; 9], &[last]].concat();
    assert!(decode(0x13, uint, &wide(0x13, 0x02)).is_err(), "65 bits");
    assert!(decode(0x12, int, &wide(0x12, 0x01)).is_err(), "over i64::MAX");
    assert!(decode(0x12, int, &wide(0x12, 0x7f)).is_ok(), "minus one, written long");
}
