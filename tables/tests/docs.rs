//! The docs blob, read with feature `docs`.
#![cfg(feature = "docs")]

use opforge_tables::docs::Docs;
use opforge_tables::{ISA, Opcode, docs};

#[test]
fn each_opcode_has_docs_that_fit_its_row() {
    let docs = docs().expect("the embedded docs");
    assert_eq!(docs.ops.len(), Opcode::ALL.len());
    assert_eq!(docs.isa_version, opforge_tables::ISA_VERSION);
    for (op, doc) in Opcode::ALL.iter().zip(&docs.ops) {
        assert_eq!(doc.didx, op.didx());
        assert_eq!(doc.name, format!("{op:?}"));
        assert_eq!(doc.operands.len(), op.row().operands().len());
        assert_eq!(doc.traps.iter().fold(0u64, |set, t| set | 1 << t), op.row().traps.get());
        assert!(!doc.doc.is_empty());
        for example in &doc.examples {
            assert_eq!(example.bytes.first(), Some(&(op.didx() as u8)));
        }
    }
    assert_eq!(docs.intrinsics.len(), ISA.intrinsics.len());
    for (row, doc) in ISA.intrinsics.iter().zip(&docs.intrinsics) {
        assert_eq!((doc.id, doc.name.as_str()), (row.id.get(), row.name.as_str()));
        assert_eq!(doc.args.len(), row.args().len());
        assert_eq!(doc.traps.iter().fold(0u64, |set, t| set | 1 << t), row.traps.get());
        assert!(!doc.doc.is_empty() && !doc.examples.is_empty());
    }
    let rem = docs.op(Opcode::I64Rem.didx()).expect("docs of i64.rem");
    assert_eq!((rem.sem.as_str(), rem.wasm.as_str()), ("int::i64_rem", "i64.rem_s"));
    assert!(rem.deviates.contains("MIN by -1"));
    assert!(docs.op(0x03).is_none());
    assert!(ISA.op(0x03).is_none());
}

#[test]
fn the_bytes_are_exactly_what_the_writer_makes() {
    let bytes: &[u8] = include_bytes!("../blobs/vm.docs.bincode");
    assert!(docs().expect("the docs").write().expect("written") == bytes);
}

#[test]
fn damaged_docs_are_an_error_or_docs() {
    let bytes: &[u8] = include_bytes!("../blobs/vm.docs.bincode");
    for len in (0..bytes.len()).step_by(97) {
        assert!(Docs::read(&bytes[..len]).is_err(), "cut to {len}");
    }
    assert!(Docs::read(&[bytes, &[0]].concat()).is_err(), "a byte more");
    let mut damaged = bytes.to_vec();
    for at in (0..bytes.len()).step_by(13) {
        damaged[at] ^= 0xff;
        let _ = Docs::read(&damaged);
        damaged[at] ^= 0xff;
    }
    // A vector that claims 2^62 entries is refused by the limit, not allocated.
    let huge = [&[1, 0xfd][..], &(1u64 << 62).to_le_bytes()].concat();
    assert!(Docs::read(&huge).is_err());
}
