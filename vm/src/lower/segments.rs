//! Fuel: what instructions cost and where a segment, whose fuel is charged at once, begins and ends.

use crate::codec::{Code, Digests, Instr, Marks};
use crate::engine::FuelSchedule;
use crate::ids::{FuncId, InstrIx, SpanId};
use crate::lower::{Segment, SizeFuel};
use crate::program::Program;
use alloc::boxed::Box;
use alloc::vec::Vec;
use opforge_schema::{Access, ClassRow, IntrinsicRow, Isa, Lower, OpRow, OperandKind, TypeRule, op_flags};
use opforge_tables::ISA;

/// Bytes that one element of a register list counts for when fuel goes by size.
const LIST_ELEMENT_BYTES: u64 = 8;

/// Fuel that depends on the sizes of values when the instruction runs, if it has such fuel. Bit `n` of `args`
/// is the `n`-th register read.
#[must_use]
pub fn size_fuel(row: &OpRow, schedule: FuelSchedule) -> Option<SizeFuel> {
    if schedule == FuelSchedule::V1 || row.fuel_shift == 0 {
        return None;
    }
    let (mut args, mut counts) = (0, 0);
    let reads = row.operands().iter().enumerate().filter(|(_, operand)| operand.access() == Access::Read);
    for (n, (i, operand)) in reads.enumerate() {
        if row.fuel_operands >> i & 1 == 1 && operand.kind() == OperandKind::Reg {
            args |= 1 << n;
            if operand.ty() == TypeRule::U64 {
                counts |= 1 << n;
            }
        }
    }
    (args != 0).then_some(SizeFuel { shift: row.fuel_shift, args, counts })
}

/// The same for an intrinsic. Bit `n` of `args` is the `n`-th argument slot.
#[must_use]
pub fn intrinsic_size_fuel(row: &IntrinsicRow, schedule: FuelSchedule) -> Option<SizeFuel> {
    if schedule == FuelSchedule::V1 || row.fuel_shift == 0 {
        return None;
    }
    let sized = |tag: u8| ISA.classes.get(usize::from(tag)).is_some_and(ClassRow::heap);
    let slots = row.arg_slots().iter().take(8).enumerate();
    let args = slots.filter(|(_, tag)| sized(**tag)).fold(0, |args, (n, _)| args | 1 << n);
    (args != 0).then_some(SizeFuel { shift: row.fuel_shift, args, counts: 0 })
}

/// The intrinsic that an instruction executes, if it does.
fn intrinsic<'a>(isa: &Isa<'a>, code: &Code, instr: &Instr, row: &OpRow) -> Option<&'a IntrinsicRow> {
    if row.lower() != Lower::Intrinsic {
        return None;
    }
    let at = row.operands().iter().position(|operand| operand.kind() == OperandKind::IntrinsicId)?;
    isa.intrinsic(u32::try_from(*code.operands(instr).get(at)?).ok()?)
}

/// The fuel an instruction costs whatever its values are; register lists are counted by their length.
fn static_fuel(digests: &Digests<'_>, code: &Code, instr: &Instr, schedule: FuelSchedule) -> u64 {
    let fuel = u64::from(digests.get(instr.didx).fuel);
    if schedule == FuelSchedule::V1 || !instr.marks.has(Marks::METERED) {
        return fuel;
    }
    let isa = digests.isa();
    let Some(row) = isa.op(instr.didx) else { return fuel };
    if let Some(intrinsic) = intrinsic(isa, code, instr, row) {
        // Its own row says all that it costs.
        return intrinsic.fuel.get().into();
    }
    let lists = row.operands().iter().zip(code.operands(instr)).enumerate().filter(|(i, (operand, _))| {
        row.fuel_operands >> i & 1 == 1 && operand.kind() == OperandKind::RegList
    });
    let bytes = |word| code.list(word).len() as u64 * LIST_ELEMENT_BYTES;
    fuel + lists.map(|(_, (_, &word))| bytes(word) >> row.fuel_shift).sum::<u64>()
}

/// Running sums of fuel: entry `i` is what instructions `0..i` cost.
pub(super) fn fuel_before(digests: &Digests<'_>, code: &Code, schedule: FuelSchedule) -> Box<[u64]> {
    let mut sums = Vec::with_capacity(code.instrs().len() + 1);
    let mut sum = 0u64;
    sums.push(sum);
    for instr in code.instrs() {
        sum += static_fuel(digests, code, instr, schedule);
        sums.push(sum);
    }
    sums.into()
}

/// Whether a segment ends behind the instruction, wherever its block ends.
fn cuts(isa: &Isa<'_>, code: &Code, instr: &Instr, schedule: FuelSchedule) -> bool {
    if !instr.marks.has(Marks::METERED) {
        return instr.marks.has(Marks::CALL_LIKE);
    }
    isa.op(instr.didx).is_some_and(|row| {
        let sized = size_fuel(row, schedule)
            .or_else(|| intrinsic_size_fuel(intrinsic(isa, code, instr, row)?, schedule));
        row.has(op_flags::CALL_LIKE) || sized.is_some()
    })
}

/// Cuts a function into segments. `blocks` are the first instructions of its basic blocks, sorted.
pub(super) fn cut(isa: &Isa<'_>, code: &Code, blocks: &[InstrIx], schedule: FuelSchedule) -> Box<[Segment]> {
    let count = code.instrs().len() as u32;
    let mut segments = Vec::with_capacity(blocks.len());
    let mut start = 0;
    let mut blocks = blocks.iter().map(|ix| ix.0).skip_while(|&ix| ix == 0).peekable();
    for (next, instr) in (1u32..).zip(code.instrs()) {
        let leader = blocks.next_if_eq(&next).is_some();
        if leader || next == count || cuts(isa, code, instr, schedule) {
            segments.push(Segment { start: InstrIx(start), end: InstrIx(next) });
            start = next;
        }
    }
    segments.into()
}

/// The span table of a function by instruction. Spans that start inside an instruction begin at the next one.
pub(super) fn spans(program: &Program, func: FuncId, pcs: &[u32]) -> Box<[(InstrIx, SpanId)]> {
    let mut out: Vec<(InstrIx, SpanId)> = Vec::new();
    let mut pc = 0u64;
    for entry in program.spans(func).unwrap_or(&[]) {
        pc = pc.saturating_add(entry.pc_delta);
        let at = InstrIx(pcs.partition_point(|&start| u64::from(start) < pc) as u32);
        match out.last_mut() {
            Some(last) if last.0 == at => last.1 = entry.span,
            _ => out.push((at, entry.span)),
        }
    }
    out.into()
}
