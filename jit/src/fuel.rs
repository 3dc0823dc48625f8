//! Where fuel is charged.
//!
//! Every segment costs fuel, but not every segment needs a check of its own. One that control only comes to from
//! segments before it, none of which shows its fuel at its end, is prepaid: each of those has reserved what it needs,
//! and all that is reserved behind it. Where ways part that need different amounts, the largest is reserved, and the
//! others give the difference back; so does the way to a segment that pays for itself. In a loop without calls the
//! head is then the one place that pays; the way out behind a test at the loop's end mostly pays for itself. What is
//! reserved shows nowhere: code that leaves gives back all that has not run, and calls see exactly what is left. A
//! reservation that does not fit leaves to the interpreter, which is exact; so at worst the last few instructions of a
//! run's fuel are interpreted.

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

/// What is known of a segment's fuel.
#[derive(Clone, Copy, Debug, Default)]
struct Segment {
    /// Its own fuel and what it reserves.
    needs: u64,
    /// What it reserves for what follows.
    reserves: u64,
    /// Whether it is paid for where control comes from.
    prepaid: bool,
    /// What is given back at its start, if it is prepaid and control comes to it from one place.
    spare: u64,
}

/// Charges of one function, by segment.
#[derive(Debug)]
pub(crate) struct Charges(Vec<Segment>);

impl Charges {
    pub(crate) fn of(function: &ExecFunction, analysis: &Analysis) -> Self {
        let mut charges = Self(vec![Segment::default(); function.segments.len()]);
        charges.find_prepaid(function, analysis);
        // Prepaid segments come behind all that control comes from.
        for (index, segment) in function.segments.iter().enumerate().rev() {
            let successors = analysis.successors.get(index).map_or(&[][..], |list| list);
            let reserves = successors.iter().map(|&to| charges.held_at(to)).max().unwrap_or(0);
            if let Some(charge) = charges.0.get_mut(index) {
                charge.reserves = reserves;
                charge.needs = function.fuel(segment.start, segment.end) + reserves;
                charge.prepaid &= charge.needs <= MAX_RESERVED;
            }
        }
        for (index, successors) in analysis.successors.iter().enumerate() {
            for &to in successors {
                if analysis.predecessors.get(to) == Some(&1) {
                    let spare = charges.reserved(index) - charges.held_at(to);
                    if let Some(charge) = charges.0.get_mut(to).filter(|charge| charge.prepaid) {
                        charge.spare = spare;
                    }
                }
            }
        }
        charges
    }

    fn find_prepaid(&mut self, function: &ExecFunction, analysis: &Analysis) {
        for (index, charge) in self.0.iter_mut().enumerate() {
            charge.prepaid = index > 0 && analysis.reachable.get(index) == Some(&true);
        }
        for (index, (segment, successors)) in function.segments.iter().zip(&analysis.successors).enumerate() {
            let last = segment.end.index().checked_sub(1).and_then(|last| function.instrs.get(last));
            let shows = last.is_none_or(shows_fuel);
            let leads_back = successors.iter().any(|&to| to <= index);
            let tight = successors.contains(&index);
            for &to in successors {
                // The way back would give back what is reserved for the way out, once a turn, in a block of its own.
                // Where a longer loop has several ways out, each of the others would give back if this one did not.
                let way_out = tight || leads_back && analysis.predecessors.get(to) == Some(&1);
                if let Some(charge) = self.0.get_mut(to) {
                    charge.prepaid &= !shows && !way_out && index < to;
                }
            }
        }
    }

    fn get(&self, segment: usize) -> Segment {
        self.0.get(segment).copied().unwrap_or_default()
    }

    /// What control brings along to a segment.
    fn held_at(&self, segment: usize) -> u64 {
        let segment = self.get(segment);
        if segment.prepaid { segment.needs } else { 0 }
    }

    /// What happens where a segment starts.
    pub(crate) fn at_start(&self, segment: usize) -> Charge {
        let segment = self.get(segment);
        if segment.prepaid { Charge::GiveBack(segment.spare) } else { Charge::Take(segment.needs) }
    }

    /// What is given back on the way from a segment to the next; not what is given back where that starts.
    pub(crate) fn on_edge(&self, from: usize, to: usize) -> u64 {
        self.reserved(from) - (self.held_at(to) + self.get(to).spare)
    }

    /// What a segment reserves for those behind it.
    pub(crate) fn reserved(&self, segment: usize) -> u64 {
        self.get(segment).reserves
    }
}

/// Whether something sees the fuel at this instruction: a callee, the host, or a charge by size.
fn shows_fuel(instr: &ExecInstr) -> bool {
    match instr {
        ExecInstr::Call { .. } | ExecInstr::CallIndirect { .. } | ExecInstr::HostCall { .. } => true,
        ExecInstr::Direct { op, .. } | ExecInstr::DirectImm { op, .. } => {
            ISA.op(op.didx()).is_none_or(|row| row.fuel_shift != 0)
        }
        ExecInstr::Extension { size, .. } => size.is_some(),
        ExecInstr::Intrinsic { id, .. } => ISA.intrinsic(id.0).is_none_or(|row| row.fuel_shift != 0),
        _ => false,
    }
}
