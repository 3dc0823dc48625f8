//! The embedded tables, seen from outside.

use opforge_schema::{Encoding, OperandKind, TypeRule};
use opforge_tables::{ISA, Intrinsic, Opcode};

#[test]
fn every_opcode_has_a_row_and_is_found_by_its_names() {
    assert_eq!(Opcode::ALL.len(), ISA.iter().count());
    for (&op, (didx, row)) in Opcode::ALL.iter().zip(ISA.iter()) {
        assert_eq!(op.didx(), didx);
        assert_eq!(Opcode::from_didx(didx), Some(op));
        assert_eq!(op.row(), row);
        assert_eq!(ISA.find(op.mnemonic()), Some(didx));
    }
    assert_eq!(Opcode::from_didx(0x03), None);
    assert_eq!(Opcode::from_didx(0xffff), None);
    assert_eq!(ISA.find("syscall"), Some(Opcode::HostCall.didx()));
    assert_eq!(ISA.find("no.such"), None);
    ISA.check().expect("the tables agree with each other");
}

#[test]
fn a_row_says_what_the_spec_says() {
    let row = Opcode::I64Add.row();
    assert_eq!((row.id.get(), row.n_operands, row.min_len), (17, 3, 4));
    assert_eq!((row.writes, row.reads), (0b001, 0b110));
    assert_eq!(row.operands()[1].ty(), TypeRule::I64);
    let jump = Opcode::Jmp.row();
    assert_eq!(jump.operands()[0].kind(), OperandKind::Pc);
    assert_eq!(jump.operands()[0].enc(), Encoding::Uleb32Wide);
    assert_eq!(jump.min_len, 2);
    assert_eq!(ISA.template(Opcode::Call.didx()), b"\x81 \x83 -> \x84");
    assert_eq!(ISA.template(Opcode::I64Add.didx()), b"\x80, \x81, \x82");
}

macro_rules! count {
    ({ $name:ident }
     direct { $(($d:ident $form:ident $dm:ident $df:ident))* }
     imm { $(($i:ident $ii:ident $im:ident $if_:ident))* }
     branch { $(($b:ident $b1:ident $b2:ident $bm:ident $bf:ident))* }
     branch_f { $(($c:ident $c1:ident $cm:ident $cf:ident))* }
     load { $(($l:ident $lm:ident $lf:ident))* }
     store { $(($s:ident $sm:ident $sf:ident))* }
     memory { $(($m:ident $mm:ident $mf:ident))* }) => {
        const $name: [&[(Opcode, &str)]; 7] = [
            &[$((Opcode::$d, stringify!($form))),*],
            &[$((Opcode::$i, stringify!($ii))),*],
            &[$((Opcode::$b, stringify!($b1))),*],
            &[$((Opcode::$c, stringify!($c1))),*],
            &[$((Opcode::$l, stringify!($lf))),*],
            &[$((Opcode::$s, stringify!($sf))),*],
            &[$((Opcode::$m, stringify!($mf))),*],
        ];
    };
}

opforge_tables::with_direct_ops!(count { LISTS });

macro_rules! pairs {
    ({ $name:ident }
     imm { $(($ip:ident $io:ident $ia:ident $iai:ident $iam:ident $iaf:ident $ib:ident $ibi:ident $ibm:ident $ibf:ident))* }
     plain { $(($pp:ident $po:ident $pa:ident $pam:ident $paf:ident $pb:ident $pbm:ident $pbf:ident))* }
     load { $(($lp:ident $lo:ident $la:ident $lam:ident $laf:ident $lb:ident $lbm:ident $lbf:ident))* }
     jump { $(($jp:ident $ja:ident $jai:ident $jm:ident $jf:ident))* }) => {
        const $name: &[(Opcode, Opcode, &str)] = &[
            $((Opcode::$ia, Opcode::$ib, stringify!($io)),)*
            $((Opcode::$pa, Opcode::$pb, stringify!($po)),)*
            $((Opcode::$la, Opcode::$lb, stringify!($lo)),)*
        ];
    };
}

opforge_tables::with_pairs!(pairs { PAIRS });

#[test]
fn the_macro_of_pairs_has_a_line_for_each_that_fits() {
    use opforge_schema::fuse_flags;
    let fitting = Opcode::ALL.iter().flat_map(|first| Opcode::ALL.iter().map(move |second| (first, second)));
    let fitting = fitting.filter(|(first, second)| {
        let (lead, follow) = (first.row(), second.row());
        lead.fuses(fuse_flags::LEAD)
            && follow.fuses(fuse_flags::FOLLOW)
            && follow.operands()[1..].iter().all(|operand| operand.ty() == lead.operands()[0].ty())
    });
    assert_eq!(fitting.count(), PAIRS.len());
    for (first, second, order) in PAIRS {
        assert_eq!(second.row().fuses(fuse_flags::COMMUTES), *order == "commutes", "{first} {second}");
    }
    assert!(PAIRS.contains(&(Opcode::F64Mul, Opcode::F64Add, "commutes")));
    assert!(PAIRS.contains(&(Opcode::F64Load64, Opcode::F64Sub, "ordered")));
}

#[test]
fn the_list_macro_has_a_line_per_row() {
    use opforge_schema::{Lower, fuse_flags};
    let rows: Vec<_> = Opcode::ALL.iter().filter(|op| op.row().lower() == Lower::Direct).collect();
    let forms = fuse_flags::IMM | fuse_flags::BRANCH;
    let count = |f: fn(u8) -> bool| rows.iter().filter(|op| f(op.row().fuse & forms)).count();
    assert_eq!(LISTS[0].len(), rows.len());
    assert_eq!(LISTS[1].len(), count(|f| f & fuse_flags::IMM != 0));
    assert_eq!(LISTS[2].len(), count(|f| f == fuse_flags::IMM | fuse_flags::BRANCH));
    assert_eq!(LISTS[3].len(), count(|f| f == fuse_flags::BRANCH));
    for (list, lower) in LISTS[4..].iter().zip([Lower::Load, Lower::Store, Lower::Memory]) {
        let rows = Opcode::ALL.iter().filter(|op| op.row().lower() == lower);
        assert!(rows.eq(list.iter().map(|(op, _)| op)), "{lower:?}");
    }
    for (op, form) in LISTS[0] {
        assert_eq!(op.row().form().name(), *form, "{op}");
    }
    assert!(LISTS[2].contains(&(Opcode::I64Lt, "BrI64Lt")));
}

#[test]
fn every_intrinsic_has_a_row_and_is_found_by_its_name() {
    assert_eq!(Intrinsic::ALL.len(), ISA.intrinsics.len());
    for (&intrinsic, row) in Intrinsic::ALL.iter().zip(ISA.intrinsics) {
        assert_eq!(intrinsic.id(), u32::from(row.id.get()));
        assert_eq!(Intrinsic::from_id(intrinsic.id()), Some(intrinsic));
        assert_eq!(ISA.intrinsic(intrinsic.id()), Some(row));
        assert_eq!(ISA.find_intrinsic(intrinsic.name()), Some(row));
        assert_eq!(intrinsic.to_string(), row.name.as_str());
    }
    for id in [0, 31, 0x7fff, 0x8000, 0xffff, 0x1_0001, u32::MAX] {
        assert_eq!((Intrinsic::from_id(id), ISA.intrinsic(id)), (None, None));
    }
    let dot = ISA.find_intrinsic("vec2.dot").expect("vec2.dot");
    assert_eq!((dot.arg_slots(), dot.ret_slots()), (&[4, 4, 4, 4][..], &[4][..]));
    assert_eq!(dot.args().iter().map(|&e| ISA.layout_name(e)).collect::<Vec<_>>(), ["vec2", "vec2"]);
    let length = ISA.find_intrinsic("vec2.length").expect("vec2.length");
    assert_eq!((length.arg_slots, length.ret_slots), (2, 1));
}
