//! Tables from bytes at run time: any address works, and damaged bytes give an error or harmless tables.

use opforge_schema::{Blobs, Isa, IsaError, TrapCode};
use opforge_tables::ISA;

const FILES: [&[u8]; 7] = [
    include_bytes!("../blobs/vm.ops.bin"),
    include_bytes!("../blobs/vm.names.bin"),
    include_bytes!("../blobs/vm.text.bin"),
    include_bytes!("../blobs/vm.lookup.bin"),
    include_bytes!("../blobs/vm.classes.bin"),
    include_bytes!("../blobs/vm.types.bin"),
    include_bytes!("../blobs/vm.intrinsics.bin"),
];
const NAMES: [&str; 7] =
    ["vm.ops", "vm.names", "vm.text", "vm.lookup", "vm.classes", "vm.types", "vm.intrinsics"];

fn isa<'b>(files: &[&'b [u8]; 7]) -> Result<Isa<'b>, IsaError> {
    let [ops, names, text, lookup, classes, types, intrinsics] = *files;
    Isa::from_blobs(&Blobs { ops, names, text, lookup, classes, types, intrinsics })
}

fn with(at: usize, bytes: &[u8]) -> Result<(), IsaError> {
    let mut files = FILES;
    files[at] = bytes;
    isa(&files).map(|isa| read_everything(&isa))
}

/// Calls every reader; none may panic, whatever well-formed rows say.
fn read_everything(isa: &Isa<'_>) {
    let mut sum = 0;
    for (didx, row) in isa.iter() {
        sum += isa.name(didx).len() + isa.template(didx).len() + row.operands().len() + row.rules().count();
        sum += row.operands().iter().map(|o| o.kind().name().len() + o.enc().name().len()).sum::<usize>();
        sum += row.operands().iter().map(|o| o.access().name().len() + o.ty().name().len()).sum::<usize>();
        sum += TrapCode::ALL.iter().filter(|t| row.traps_with(**t)).count();
        sum += usize::from(isa.find(isa.name(didx)).is_some());
    }
    sum += isa.classes.iter().map(|c| c.as_str().len()).sum::<usize>();
    sum += isa.types.iter().map(|t| t.as_str().len() + t.slots().len()).sum::<usize>();
    for row in isa.intrinsics {
        sum += row.arg_slots().len() + row.ret_slots().len() + row.name.as_str().len();
        sum += row.args().iter().chain(row.rets()).map(|&e| isa.layout_name(e).len()).sum::<usize>();
        sum += usize::from(isa.intrinsic(row.id.get().into()).is_some());
    }
    sum += (isa.fingerprint() & 1) as usize;
    assert!(sum > 0);
}

#[test]
fn the_files_are_the_embedded_tables() {
    let read = isa(&FILES).expect("the committed blobs");
    assert_eq!((read.ops, read.names, read.text), (ISA.ops, ISA.names, ISA.text));
    assert_eq!((read.lookup, read.classes, read.types), (ISA.lookup, ISA.classes, ISA.types));
    assert_eq!(read.intrinsics, ISA.intrinsics);
    assert_eq!(read.fingerprint(), opforge_tables::FINGERPRINT);
}

#[test]
fn bytes_at_odd_addresses_are_fine() {
    for offset in 1..4 {
        let moved: Vec<Vec<u8>> = FILES.iter().map(|f| [&vec![0; offset], *f].concat()).collect();
        let files: Vec<&[u8]> = moved.iter().map(|f| &f[offset..]).collect();
        let files: [&[u8]; 7] = files.try_into().expect("seven files");
        read_everything(&isa(&files).expect("the same bytes"));
    }
}

#[test]
fn cut_and_padded_files_are_refused_by_name() {
    for (at, file) in FILES.iter().enumerate() {
        for len in (0..40).chain([file.len() / 2, file.len() - 1]) {
            let error = with(at, &file[..len]).expect_err("a cut file");
            assert!(error.to_string().starts_with(&format!("table {}: ", NAMES[at])), "{error}");
        }
        assert!(with(at, &[*file, &[0]].concat()).is_err(), "{}: a byte more", NAMES[at]);
        assert!(with(at, &[*file, &vec![0; 84 * 16]].concat()).is_err(), "{}: rows more", NAMES[at]);
        let other = FILES[(at + 1) % 7];
        assert!(with(at, other).is_err(), "another table in place of {}", NAMES[at]);
    }
}

#[test]
fn another_format_is_told_with_both_numbers() {
    for version in [0u16, 1, 3, 0xffff] {
        let mut ops = FILES[0].to_vec();
        ops[4..6].copy_from_slice(&version.to_le_bytes());
        let error = with(0, &ops).expect_err("another format");
        assert_eq!(error, IsaError::Format { table: "vm.ops", found: version, expected: 2 });
        assert!(error.to_string().contains(&format!("format {version}, but this version reads format 2")));
    }
    // The other byte order: the magic is bytes and still fits, so the version is what differs.
    let mut swapped = FILES[0].to_vec();
    swapped[4..6].copy_from_slice(&[0, 1]);
    assert!(matches!(with(0, &swapped), Err(IsaError::Format { found: 256, .. })));
}

#[test]
fn row_counts_that_wrap_are_refused() {
    for rows in [0u32, 1, 255, 257, u32::MAX, u32::MAX / 84 + 1] {
        let mut ops = FILES[0].to_vec();
        ops[12..16].copy_from_slice(&rows.to_le_bytes());
        assert!(with(0, &ops).is_err(), "{rows} rows");
    }
}

#[test]
fn every_flipped_bit_is_refused_or_harmless() {
    let (mut refused, mut harmless) = (0, 0);
    for (at, file) in FILES.iter().enumerate() {
        let mut bytes = file.to_vec();
        // Every bit of the small tables; of the large ones all of the header and a sample.
        let step = if bytes.len() > 1024 { 29 } else { 1 };
        for bit in (0..128).chain((128..bytes.len() * 8).step_by(step)) {
            bytes[bit / 8] ^= 1 << (bit % 8);
            match with(at, &bytes) {
                Ok(()) => harmless += 1,
                Err(error) => {
                    // Classes are wrong by themselves, or for the intrinsics whose slots they are.
                    let told = [NAMES[at], NAMES[6]].iter().any(|name| error.to_string().contains(name));
                    assert!(told || at != 4, "{error}");
                    refused += 1;
                }
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
    // Structure finds most; the rest are tables with another meaning, which the digest in MANIFEST finds.
    assert!(refused > 4 * harmless, "{refused} refused, {harmless} harmless");
}

#[test]
fn every_changed_table_has_another_fingerprint() {
    for (at, file) in FILES.iter().enumerate() {
        let mut bytes = file.to_vec();
        for bit in (128..bytes.len() * 8).step_by(101) {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut files = FILES;
            files[at] = &bytes;
            if let Ok(isa) = isa(&files) {
                assert_ne!(isa.fingerprint(), opforge_tables::FINGERPRINT, "{}, bit {bit}", NAMES[at]);
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn an_intrinsic_row_that_disagrees_with_the_types_is_refused() {
    use opforge_schema::{IntrinsicRow, literal::blob};
    let dot = *ISA.intrinsics.iter().find(|row| row.name.as_str() == "vec2.dot").expect("vec2.dot");
    let refused = |change: fn(&mut IntrinsicRow)| {
        let mut row = dot;
        change(&mut row);
        with(6, &blob(&[row])).expect_err("a changed row").to_string()
    };
    assert!(with(6, &blob(&[dot])).is_ok());
    for change in [
        (|row: &mut IntrinsicRow| row.arg_slots = 3) as fn(&mut IntrinsicRow),
        |row| row.arg_classes[3] = 2,
        |row| row.ret_classes[0] = 3,
        |row| row.args[0] = 0x80,
    ] {
        assert!(refused(change).contains("the slots disagree with the layout's types"));
    }
    assert!(refused(|row| row.n_rets = 0).contains("an entry behind a layout"));
    assert!(refused(|row| row.args[0] = 0xff).contains("a logical type that does not exist"));
    assert!(refused(|row| row.fuel = 0.into()).contains("fuel must not be 0"));
    assert!(refused(|row| row.flags = opforge_schema::op_flags::HOST.into()).contains("cannot have"));
    assert!(with(6, &blob(&[dot, dot])).expect_err("twice").to_string().contains("ids are not sorted"));
    let mut twin = dot;
    twin.id = 9.into();
    assert!(with(6, &blob(&[dot, twin])).expect_err("twice").to_string().contains("the name of another"));
}

#[test]
fn a_row_that_is_not_what_its_typestate_rule_says_is_refused() {
    use opforge_schema::{Lower, OpRow, Term, Typestate, literal::blob, op_flags};
    let refused = |name: &str, change: fn(&mut OpRow)| {
        let mut rows = ISA.ops.to_vec();
        change(&mut rows[usize::from(ISA.find(name).expect("an opcode"))]);
        with(0, &blob(&rows)).expect_err("a changed row").to_string()
    };
    type Change = fn(&mut OpRow);
    let cases: [(&str, Change, &str); 11] = [
        ("send", |row| row.typestate = 99, "a code or flag that does not exist"),
        ("send", |row| row.typestate = 0, "a session instruction without a typestate rule"),
        ("send", |row| row.typestate = Typestate::Move.code(), "a typestate rule of another lowering"),
        (
            "send",
            |row| row.typestate = Typestate::Receive.code(),
            "operands are not those of its typestate rule",
        ),
        (
            "join",
            |row| row.typestate = Typestate::Close.code(),
            "operands are not those of its typestate rule",
        ),
        ("mov", |row| row.typestate = Typestate::Call.code(), "a typestate rule of another lowering"),
        ("send", |row| row.lower = Lower::Nop.code(), "a typestate rule of another lowering"),
        (
            "send",
            |row| row.flags = (op_flags::PRESENT | op_flags::MAY_TRAP).into(),
            "does not end its fuel segment",
        ),
        (
            "halt",
            |row| (row.term, row.typestate) = (Term::Halt.code(), Typestate::Yield.code()),
            "terminator is not that",
        ),
        ("trap", |row| row.term = Term::Halt.code(), "an instruction of no session that halts"),
        ("nop", |row| row.reserved = [0, 1], "reserved bytes are not zero"),
    ];
    for (name, change, told) in cases {
        let error = refused(name, change);
        assert!(error.contains(told), "{name}: {error}");
    }
    let high = refused("open", |row| row.traps = (1 << 63).into());
    assert!(high.contains("a trap that does not exist"), "{high}");
}

#[test]
fn a_linear_class_in_a_layout_is_refused() {
    use opforge_schema::{class_flags, literal::blob};
    let mut classes = ISA.classes.to_vec();
    let float = classes.iter_mut().find(|class| class.as_str() == "f64").expect("a class");
    float.flags = class_flags::LINEAR;
    assert!(with(4, &blob(&classes)).expect_err("vec2.new").to_string().contains("or is linear"));
    classes[4].flags = 4;
    assert!(with(4, &blob(&classes)).expect_err("a flag").to_string().contains("vm.classes"));
}
