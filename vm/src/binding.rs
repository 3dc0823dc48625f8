//! What binds a program to the rows of an embedder: a section that says which of them it uses, by their identity.
//!
//! Another embedder may have another opcode at the same bytes. So a program with opcodes or intrinsics of an embedder
//! carries a fingerprint of just those rows: position or id, name, operands and their types. The builder writes it, and
//! the verifier compares it with the tables that it is given. Costs and traps are left out, so that they may change, and so are
//! rows that the program does not use, so that tables may grow. A program of the VM's own opcodes carries nothing.

use crate::codec::Code;
use crate::ids::FuncId;
use crate::program::{Program, UnknownSection};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use opforge_schema::zerocopy::IntoBytes;
use opforge_schema::{
    FINGERPRINT_SEED, FIRST_FOREIGN_ID, Isa, OWN_PAGES, OperandKind, fingerprint, is_foreign,
};

/// The tag of the section, whose payload is the fingerprint in eight bytes, little-endian. The container module passes it
/// on as it does all sections that it does not know.
pub(crate) const SECTION: u8 = 240;

/// Whether tables have rows of an embedder.
pub(crate) fn has_foreign(isa: &Isa<'_>) -> bool {
    isa.ops.len() > OWN_PAGES << 8
        || isa.intrinsics.last().is_some_and(|row| row.id.get() >= FIRST_FOREIGN_ID)
}

/// The rows of an embedder that code uses.
#[derive(Debug, Default)]
pub(crate) struct Used {
    opcodes: BTreeSet<u16>,
    intrinsics: BTreeSet<u32>,
}

impl Used {
    /// Adds those of a function.
    pub(crate) fn add(&mut self, isa: &Isa<'_>, code: &Code) {
        for instr in code.instrs() {
            if is_foreign(instr.didx) {
                self.opcodes.insert(instr.didx);
            }
            let ids = code.values(isa, instr).filter(|(row, _)| row.kind() == OperandKind::IntrinsicId);
            let ids = ids.filter_map(|(_, value)| value.scalar32());
            self.intrinsics.extend(ids.filter(|&id| id >= u32::from(FIRST_FOREIGN_ID)));
        }
    }

    /// The fingerprint of the rows, `None` if there are none.
    pub(crate) fn fingerprint(&self, isa: &Isa<'_>) -> Option<u64> {
        if self.opcodes.is_empty() && self.intrinsics.is_empty() {
            return None;
        }
        let mut hash = FINGERPRINT_SEED;
        let mut add = |bytes: &[u8]| hash = fingerprint(hash, bytes);
        for &didx in &self.opcodes {
            add(&didx.to_le_bytes());
            add(isa.name(didx).as_bytes());
            if let Some(row) = isa.op(didx) {
                add(row.id.as_bytes());
                add(row.operands.as_bytes());
            }
        }
        for row in self.intrinsics.iter().filter_map(|&id| isa.intrinsic(id)) {
            add(row.id.as_bytes());
            add(row.name.as_bytes());
            add(&[row.arg_slots, row.ret_slots]);
            add(&row.arg_classes);
            add(&row.ret_classes);
        }
        Some(hash)
    }
}

/// The fingerprint of the embedder's rows that a program uses; code that does not decode uses none.
pub(crate) fn of(isa: &Isa<'_>, program: &Program) -> Option<u64> {
    if !has_foreign(isa) {
        return None;
    }
    let mut used = Used::default();
    for index in 0..program.functions().len() {
        let code = program.code(FuncId(index as u32)).and_then(|bytes| Code::decode(isa, bytes).ok());
        if let Some(code) = code {
            used.add(isa, &code);
        }
    }
    used.fingerprint(isa)
}

/// The fingerprint that a program carries; `None` if it has no such section, or not just one of eight bytes.
pub(crate) fn stated(program: &Program) -> Option<u64> {
    let mut sections = program.unknown_sections().iter().filter(|section| section.tag == SECTION);
    let section = sections.next().filter(|_| sections.next().is_none())?;
    Some(u64::from_le_bytes(section.payload.as_slice().try_into().ok()?))
}

/// Binds a program, unless it carries such a section: one that was stated stays as it is.
pub(crate) fn bind(isa: &Isa<'_>, program: &mut Program) {
    if program.unknown.iter().any(|section| section.tag == SECTION) {
        return;
    }
    if let Some(hash) = of(isa, program) {
        program.unknown.push(UnknownSection { tag: SECTION, payload: Vec::from(hash.to_le_bytes()) });
    }
}

/// Whether a section says what [`bind`] would add if it were not there, so that text can leave it out.
pub(crate) fn is_implied(isa: &Isa<'_>, program: &Program, index: usize) -> bool {
    let last = index + 1 == program.unknown_sections().len();
    let own = program.unknown_sections().get(index).is_some_and(|section| section.tag == SECTION);
    last && own && stated(program).is_some_and(|stated| of(isa, program) == Some(stated))
}
