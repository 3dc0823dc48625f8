//! The embedded tables, seen from outside.

use opforge_schema::{Encoding, OperandKind, TypeRule};
use opforge_tables::{ISA, Opcode};

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
     branch_f { $(($c:ident $c1:ident $cm:ident $cf:ident))* }) => {
        const $name: [&[(Opcode, &str)]; 4] = [
            &[$((Opcode::$d, stringify!($form))),*],
            &[$((Opcode::$i, stringify!($ii))),*],
            &[$((Opcode::$b, stringify!($b1))),*],
            &[$((Opcode::$c, stringify!($c1))),*],
        ];
    };
}

opforge_tables::with_direct_ops!(count { LISTS });

#[test]
fn the_list_macro_has_a_line_per_row() {
    use opforge_schema::{Lower, fuse_flags};
    let rows: Vec<_> = Opcode::ALL.iter().filter(|op| op.row().lower() == Lower::Direct).collect();
    let count = |f: fn(u8) -> bool| rows.iter().filter(|op| f(op.row().fuse)).count();
    assert_eq!(LISTS[0].len(), rows.len());
    assert_eq!(LISTS[1].len(), count(|f| f & fuse_flags::IMM != 0));
    assert_eq!(LISTS[2].len(), count(|f| f == fuse_flags::IMM | fuse_flags::BRANCH));
    assert_eq!(LISTS[3].len(), count(|f| f == fuse_flags::BRANCH));
    for (op, form) in LISTS[0] {
        assert_eq!(op.row().form().name(), *form, "{op}");
    }
    assert!(LISTS[2].contains(&(Opcode::I64Lt, "BrI64Lt")));
}
