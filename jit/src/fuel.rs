//! Where fuel is charged.
//!
//! Every segment costs fuel, but not every segment needs a check of its own. One that is entered from one place only
//! has its cost reserved there, together with that of the segment it follows; where a branch leads to segments of
//! different costs, the largest is reserved and the others give the difference back; so does the way to a segment that
//! is entered from elsewhere too, which checks for itself. What is reserved shows nowhere: code that leaves gives back
//! all that has not run, and calls see exactly what is left. A reservation that does not
//! fit leaves to the interpreter, which is exact; so at worst the last few instructions of a run's fuel are
//! interpreted.

use crate::analysis::Analysis;
use opforge_tables::ISA;
use opforge_vm::lower::{ExecFunction, ExecInstr};

/// Most fuel that is reserved at once beyond a segment's own. Reserving more saves no time.
const MAX_RESERVED: u64 = 512;

/// What happens to fuel where a segment starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    /// This much is taken, if it is there.
    Take(u64),
    /// The segment is paid for already, with this much more than it needs.
    GiveBack(u64),
}

/// Charges of one function, by segment.
#[derive(Debug)]
pub(crate) struct Charges {
    pub(crate) charges: Vec<Charge>,
    /// What is reserved for what follows the segment, when its own fuel is used.
    pub(crate) reserved: Vec<u64>,
}

impl Charges {
    pub(crate) fn of(function: &ExecFunction, analysis: &Analysis) -> Self {
        let count = function.segments.len();
        let cost = |index: usize| {
            function.segments.get(index).map_or(0, |segment| function.fuel(segment.start, segment.end))
        };
        let mut charges: Vec<Charge> = (0..count).map(|index| Charge::Take(cost(index))).collect();
        let mut reserved = vec![0; count];
        // Segments from the leaves of the trees of single entries upwards.
        for index in analysis.bottom_up() {
            let Some(children) = children(function, analysis, index) else { continue };
            let needs = |charges: &[Charge], child: usize| match charges.get(child) {
                Some(Charge::Take(fuel)) => *fuel,
                _ => 0,
            };
            let most = children.iter().map(|&child| needs(&charges, child)).max().unwrap_or(0);
            if most > MAX_RESERVED {
                continue;
            }
            for &child in &children {
                let spare = most - needs(&charges, child);
                if let Some(charge) = charges.get_mut(child) {
                    *charge = Charge::GiveBack(spare);
                }
            }
            if let (Some(charge), Some(kept)) = (charges.get_mut(index), reserved.get_mut(index)) {
                *charge = Charge::Take(cost(index) + most);
                *kept = most;
            }
        }
        Self { charges, reserved }
    }
}

/// The segments that are entered from this one only, if it may reserve their fuel: nothing sees the fuel in between,
/// and control does not go back, where giving back would cost something in each turn of a loop.
fn children(function: &ExecFunction, analysis: &Analysis, index: usize) -> Option<Vec<usize>> {
    let segment = function.segments.get(index)?;
    let last = function.instrs.get(segment.end.index().checked_sub(1)?)?;
    if shows_fuel(last) {
        return None;
    }
    let successors = analysis.successors.get(index)?;
    if successors.iter().any(|&to| to <= index) {
        return None;
    }
    Some(successors.iter().copied().filter(|&to| analysis.is_child(to)).collect())
}

/// Whether something sees the fuel at this instruction: a callee, the host, or a charge by size.
fn shows_fuel(instr: &ExecInstr) -> bool {
    match instr {
        ExecInstr::Call { .. } | ExecInstr::CallIndirect { .. } | ExecInstr::HostCall { .. } => true,
        ExecInstr::Direct { op, .. } | ExecInstr::DirectImm { op, .. } => {
            ISA.op(op.didx()).is_none_or(|row| row.fuel_shift != 0)
        }
        _ => false,
    }
}
