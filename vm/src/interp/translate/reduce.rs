//! Cheaper operations with the same results.

use opforge_schema::{Access, Clif, OpRow, fuse_flags};
use opforge_tables::{ISA, Opcode};

/// An operation with an immediate right operand, given as the low half of a sign-extended number: where the row
/// says so, a power of two makes it a shift or a mask. Other operations stay as they are.
pub(super) fn reduced(op: Opcode, imm: u32) -> (Opcode, u32) {
    let row = op.row();
    if (imm as i32) <= 0 || !imm.is_power_of_two() {
        return (op, imm);
    }
    let cheaper = if row.fuses(fuse_flags::POW2_SHIFT) {
        partner(row, Clif::Ushr).map(|shift| (shift, imm.trailing_zeros()))
    } else if row.fuses(fuse_flags::POW2_MASK) {
        partner(row, Clif::Band).map(|mask| (mask, imm - 1))
    } else {
        None
    };
    cheaper.unwrap_or((op, imm))
}

/// The opcode that does `clif` on operands of the same types.
fn partner(row: &OpRow, clif: Clif) -> Option<Opcode> {
    let types = |row: &OpRow| row.operands.map(|operand| (operand.access() == Access::Write, operand.ty()));
    let (didx, _) = ISA.iter().find(|(_, other)| other.clif() == clif && types(other) == types(row))?;
    Opcode::from_didx(didx)
}
