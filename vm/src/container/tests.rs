//! Tests of the reader's and writer's parts; whole containers are tested in the crate's `tests/`.

use super::reader::Reader;
use super::writer::Writer;
use super::{
    DecodeConfig, DecodeErrorKind, EncodeErrorKind, IndexKind, Section, TrailingBytes, UnknownSections,
    decode, encode,
};
use crate::ids::{FuncId, SymbolId};
use crate::program::{AggShape, Const, ContainerVersion, FunctionDef, ParamShape, Program, UnknownSection};
use crate::value_type::ValueType;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

/// A program of one function with one parameter, with names for everything.
fn program() -> Program {
    let mut program = Program::default();
    for text in ["", "main", "x"] {
        program.symbols.push(text).unwrap();
    }
    program.code.push(&[0x51, 0, 0]).unwrap();
    program.spans.push(&[]).unwrap();
    let (param_count, result_count, reg_count) = (1, 0, 2);
    program.functions.push(FunctionDef { param_count, result_count, reg_count, code: 0, spans: 0 });
    program.func_sigs.push(&[ValueType::Agg]).unwrap();
    program.func_sigs.push(&[]).unwrap();
    program.func_sig_names.push(&[SymbolId(2)]).unwrap();
    program.func_sig_names.push(&[]).unwrap();
    program.names.functions.push((FuncId(0), SymbolId(1)));
    program.names.labels.push((FuncId(0), 3, SymbolId(1)));
    let shape = AggShape::Tuple(vec![None, Some(ValueType::Obj(7))]);
    program.param_shapes.push(ParamShape { func: FuncId(0), param: 0, shape });
    program
}

#[test]
fn unsigned_numbers_are_read_up_to_ten_bytes() {
    let read = |bytes: &[u8]| {
        let mut r = Reader::new(bytes, 0, None);
        r.uleb64().map(|value| (value, r.offset())).map_err(|error| error.code())
    };
    let padded = |last: u8| [vec![0x80; 9], vec![last]].concat();
    assert_eq!(read(&[0x80, 0]), Ok((0, 2)));
    assert_eq!(read(&[0xe5, 0x8e, 0x26]), Ok((624_485, 3)));
    assert_eq!(read(&padded(0)), Ok((0, 10)));
    assert_eq!(read(&padded(1)), Ok((1 << 63, 10)));
    assert_eq!(read(&[&[0xff; 9][..], &[1]].concat()), Ok((u64::MAX, 10)));
    assert_eq!(read(&padded(2)), Err("D0202"));
    assert_eq!(read(&padded(0x80)), Err("D0202"));
    assert_eq!(read(&[0x80; 11]), Err("D0202"));
    assert_eq!(read(&[0x80; 9]), Err("D0201"));
    assert_eq!(read(&[]), Err("D0201"));
}

#[test]
fn signed_numbers_are_read_up_to_ten_bytes() {
    let read = |bytes: &[u8]| {
        let mut r = Reader::new(bytes, 0, None);
        r.sleb64().map(|value| (value, r.offset())).map_err(|error| error.code())
    };
    assert_eq!(read(&[0x7f]), Ok((-1, 1)));
    assert_eq!(read(&[0x80, 0x7f]), Ok((-128, 2)));
    assert_eq!(read(&[0xff, 0x7f]), Ok((-1, 2)));
    assert_eq!(read(&[0xff, 0]), Ok((127, 2)));
    assert_eq!(read(&[&[0x80; 9][..], &[0x7f]].concat()), Ok((i64::MIN, 10)));
    assert_eq!(read(&[&[0xff; 9][..], &[0]].concat()), Ok((i64::MAX, 10)));
    assert_eq!(read(&[&[0xff; 9][..], &[1]].concat()), Err("D0202"));
    assert_eq!(read(&[&[0xff; 9][..], &[0x7e]].concat()), Err("D0202"));
    assert_eq!(read(&[&[0x80; 9][..], &[0xff]].concat()), Err("D0202"));
    assert_eq!(read(&[0x80; 9]), Err("D0201"));
}

#[test]
fn numbers_are_written_in_their_shortest_form() {
    for value in (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, !0 >> bit, !(1 << bit)]) {
        let mut w = Writer::default();
        w.uleb(value);
        let unsigned = w.as_slice().len();
        w.sleb(value as i64);
        let bytes = w.into_vec();
        let mut r = Reader::new(&bytes, 0, None);
        assert_eq!(r.uleb64().unwrap(), value);
        assert_eq!(r.sleb64().unwrap(), value as i64);
        assert_eq!(r.remaining(), 0);
        assert_eq!(unsigned, (64 - value.leading_zeros() as usize).div_ceil(7).max(1));
        let magnitude = value as i64 ^ (value as i64 >> 63);
        assert_eq!(bytes.len() - unsigned, (64 - magnitude.leading_zeros() as usize) / 7 + 1);
    }
}

#[test]
fn counts_are_checked_against_what_remains() {
    let mut r = Reader::new(&[2, 0, 0, 0], 0, None);
    assert_eq!(r.clone().count(1).unwrap(), 2);
    let error = r.count(2).unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (&DecodeErrorKind::CountExceedsInput { count: 2, room: 1 }, 0)
    );
}

#[test]
fn errors_point_at_what_is_wrong() {
    let mut bytes = encode(&program()).unwrap();
    let position = bytes.windows(4).position(|window| window == b"main").unwrap();
    bytes[position + 2] = 0xff;
    let error = decode(&bytes, &DecodeConfig::new()).unwrap_err();
    assert_eq!((error.code(), error.offset()), ("D0205", position + 2));
    assert_eq!(error.section(), Some(Section::Symbols));
    let text = error.to_string();
    assert!(text.starts_with("D0205: text is not UTF-8 (at byte 19, section 1 symbols); "), "{text}");
}

#[test]
fn the_writer_and_the_reader_agree() {
    let program = program();
    let bytes = encode(&program).unwrap();
    assert_eq!(decode(&bytes, &DecodeConfig::new()).unwrap(), program);
}

#[test]
fn programs_keep_their_version_and_no_other_is_read() {
    for version in ContainerVersion::ALL {
        let with = Program { version, ..program() };
        let bytes = encode(&with).unwrap();
        assert_eq!(bytes[8..12], [0, 0, version.minor(), 0]);
        assert_eq!(decode(&bytes, &DecodeConfig::new()).unwrap(), with);
    }
    for (major, minor) in [(0, 0), (0, 2), (0, 5), (0, 127), (0, 129), (1, 1), (0, 0x101), (0, 0x180)] {
        let mut bytes = encode(&program()).unwrap();
        bytes[8..10].copy_from_slice(&u16::to_le_bytes(major));
        bytes[10..12].copy_from_slice(&u16::to_le_bytes(minor));
        let error = decode(&bytes, &DecodeConfig::new()).unwrap_err();
        assert_eq!(error.kind(), &DecodeErrorKind::UnsupportedVersion { major, minor });
    }
}

#[test]
fn unsorted_names_are_written_sorted() {
    let mut program = program();
    program.names.functions.insert(0, (FuncId(0), SymbolId(2)));
    program.names.labels.push((FuncId(0), 1, SymbolId(2)));
    let read = decode(&encode(&program).unwrap(), &DecodeConfig::new()).unwrap();
    assert_eq!(read.names.labels, [(FuncId(0), 1, SymbolId(2)), (FuncId(0), 3, SymbolId(1))]);
    program.names.sort();
    assert_eq!(read, program);
}

#[test]
fn unknown_sections_are_kept_skipped_or_refused() {
    let mut with = program();
    with.unknown = vec![
        UnknownSection { tag: 200, payload: vec![1, 2] },
        UnknownSection { tag: 12, payload: Vec::new() },
        UnknownSection { tag: 200, payload: vec![3] },
    ];
    let bytes = encode(&with).unwrap();
    let config = DecodeConfig::new();
    assert_eq!(decode(&bytes, &config).unwrap(), with);
    assert_eq!(decode(&bytes, &config.unknown_sections(UnknownSections::Skip)).unwrap(), program());
    let error = decode(&bytes, &config.unknown_sections(UnknownSections::Refuse)).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::UnknownSection { tag: 200 });
    assert_eq!(error.offset(), encode(&program()).unwrap().len());

    // Unknown sections in front of known ones are found as well, and move behind them.
    let mut moved = bytes[..12].to_vec();
    moved.extend([200, 2, 1, 2, 12, 0]);
    moved.extend(&encode(&program()).unwrap()[12..]);
    moved.extend([200, 1, 3]);
    let read = decode(&moved, &config).unwrap();
    assert_eq!(read, with);
    assert_eq!(encode(&read).unwrap(), bytes);
}

#[test]
fn trailing_bytes_can_be_refused() {
    let mut bytes = encode(&Program { symbols: program().symbols, ..Program::default() }).unwrap();
    // The last section is that of host signatures, with a count of 0 in it.
    assert_eq!(bytes[bytes.len() - 3..], [8, 1, 0]);
    let end = bytes.len();
    bytes[end - 2] = 2;
    bytes.push(0);
    let config = DecodeConfig::new();
    assert!(decode(&bytes, &config).is_ok());
    let error = decode(&bytes, &config.trailing_bytes(TrailingBytes::Refuse)).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (&DecodeErrorKind::TrailingBytes { count: 1 }, end));
}

#[test]
fn containers_above_the_limit_are_refused() {
    let bytes = encode(&program()).unwrap();
    let limit = bytes.len();
    assert!(decode(&bytes, &DecodeConfig::new().max_bytes(limit)).is_ok());
    let error = decode(&bytes, &DecodeConfig::new().max_bytes(limit - 1)).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::TooLarge { len: limit, max: limit - 1 });
    assert_eq!(error.code(), "D0101");
}

#[test]
fn span_distances_keep_64_bits() {
    let mut program = program();
    let span = crate::ids::SpanId::MAX;
    let entry = crate::program::SpanEntry { pc_delta: u64::MAX, span };
    program.spans.push(&[entry, entry]).unwrap();
    assert_eq!(decode(&encode(&program).unwrap(), &DecodeConfig::new()).unwrap(), program);
}

/// What [`encode`] says to the program after a change.
fn refused(change: impl FnOnce(&mut Program)) -> (&'static str, Option<Section>, usize) {
    let mut program = program();
    change(&mut program);
    let error = encode(&program).unwrap_err();
    assert!(error.to_string().starts_with(error.code()));
    (error.code(), error.section(), error.entry())
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    assert_eq!(refused(|p| p.symbols = Default::default()), ("W0101", Some(Section::Symbols), 0));
    assert_eq!(
        refused(|p| p.consts = vec![Const::Unit, Const::Str(0, 1)]),
        ("W0102", Some(Section::Consts), 1)
    );
    let bad_text = |p: &mut Program| {
        p.const_data = vec![0xff];
        p.consts = vec![Const::Bytes(0, 1), Const::Str(0, 1)];
    };
    assert_eq!(refused(bad_text), ("W0102", Some(Section::Consts), 1));
    assert_eq!(
        refused(|p| assert!(p.structs.push(&[ValueType::Unit]).is_some())),
        ("W0103", Some(Section::Types), 0),
        "a struct without a list of names"
    );
    assert_eq!(refused(|p| p.functions[0].code = 1), ("W0106", Some(Section::Functions), 0));
    assert_eq!(refused(|p| p.functions[0].spans = 9), ("W0106", Some(Section::Functions), 0));
    assert_eq!(
        refused(|p| assert!(p.func_sigs.push(&[]).is_some())),
        ("W0104", Some(Section::FunctionSigs), 1)
    );
    let many_names = |p: &mut Program| {
        p.func_sig_names = Default::default();
        p.func_sig_names.push(&[SymbolId(1), SymbolId(2)]).unwrap();
        p.func_sig_names.push(&[]).unwrap();
    };
    assert_eq!(refused(many_names), ("W0103", Some(Section::FunctionSigs), 0));
    assert_eq!(refused(|p| p.host_sigs.push((SymbolId(1), 0))), ("W0104", Some(Section::HostSigs), 0));
    assert_eq!(refused(|p| assert!(p.call_sigs.push(&[]).is_some())), ("W0104", Some(Section::CallSigs), 0));
    assert_eq!(refused(|p| p.param_shapes[0].param = 1), ("W0106", Some(Section::Shapes), 0));
    assert_eq!(refused(|p| p.param_shapes[0].func = FuncId(1)), ("W0106", Some(Section::Shapes), 0));
    assert_eq!(refused(|p| p.names.program = Some(SymbolId(0))), ("W0105", Some(Section::Names), 0));
    assert_eq!(refused(|p| p.names.functions[0].1 = SymbolId(3)), ("W0106", Some(Section::Names), 0));
    assert_eq!(refused(|p| p.names.labels[0].1 = 4), ("W0107", Some(Section::Names), 0));
    let known_tag = |p: &mut Program| p.unknown.push(UnknownSection { tag: 11, payload: Vec::new() });
    assert_eq!(refused(known_tag), ("W0108", None, 0));
}

#[test]
fn encode_errors_say_which_table_has_no_such_entry() {
    let mut program = program();
    program.func_sig_names = Default::default();
    program.func_sig_names.push(&[SymbolId(9)]).unwrap();
    program.func_sig_names.push(&[]).unwrap();
    let error = encode(&program).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::IndexOutOfRange { what: IndexKind::Symbol, index: 9, len: 3 });
    assert_eq!(
        error.to_string(),
        "W0106: symbol 9 does not exist, there are 3, entry 0 of section 7 function signatures"
    );
}

#[test]
fn section_tags_are_those_of_the_order() {
    let tags: Vec<u8> = Section::ALL.iter().map(|section| section.tag()).collect();
    let expected = [1, 2, 3, 5, 6, 4, 7, 8, 10, 11, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 9];
    assert_eq!(tags, expected);
    for version in ContainerVersion::ALL {
        for section in Section::ALL {
            let known = (section.since() <= version).then_some(section);
            assert_eq!(Section::from_tag(section.tag(), version), known);
        }
        assert_eq!(Section::from_tag(0, version), None);
        assert_eq!(Section::from_tag(12, version), None);
    }
    assert_eq!(
        Section::from_tag(128, ContainerVersion::V0_1),
        None,
        "the peer may use the tag for something else"
    );
}
