//! Cheaper operations with the same results.

use opforge_tables::Opcode;

/// An operation with an immediate right operand, given as the low half of a sign-extended number: unsigned
/// division by a power of two becomes a shift, its remainder a mask. Other operations stay as they are.
pub(super) fn reduced(op: Opcode, imm: u32) -> (Opcode, u32) {
    let power = (imm as i32) > 0 && imm.is_power_of_two();
    match op {
        Opcode::U64Div if power => (Opcode::U64Shr, imm.trailing_zeros()),
        Opcode::U64Rem if power => (Opcode::U64And, imm - 1),
        _ => (op, imm),
    }
}
