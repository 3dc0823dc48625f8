//! Ways to give a run its fuel, the same for every engine.

use crate::generated_support::engines::Runs;
use crate::run::{Drive, Interrupts, Ran, fuel_of_segment};
use opforge_testgen::GeneratedProgram;
use opforge_vm::trap::FrameInfo;
use opforge_vm::{Limits, Module};

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ word >> 31) % bound.max(1)
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// How large slices of fuel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slices {
    /// All alike.
    Even(u64),
    /// What the rest of the segment costs at which the run stands, and so much more.
    Segments(i64),
    /// Below a bound, from this state of [`Random`].
    Uneven(u64, u64),
}

/// Most slices of a run. What is left then is given at once.
const MOST_SLICES: u32 = 250;

/// How a run is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// With all fuel at the start.
    Whole(Interrupts),
    /// With so much fuel at first, then in slices.
    Sliced { first: u64, slices: Slices, interrupts: Interrupts },
}

impl Way {
    pub(crate) const WHOLE: Self = Self::Whole(Interrupts::Never);

    /// Runs so; the module tells costs of segments.
    pub(crate) fn run(
        self,
        engine: &mut dyn Runs,
        module: &Module,
        of: &GeneratedProgram,
        (input, limits): (usize, Limits),
    ) -> Option<Ran> {
        match self {
            Self::Whole(Interrupts::Never) => engine.run(of, input, limits, Drive::Whole),
            Self::Whole(interrupts) => engine.run(of, input, limits, Drive::Interrupted(interrupts)),
            Self::Sliced { first, slices, interrupts } => {
                let mut given = 0;
                let mut random = Random(if let Slices::Uneven(_, state) = slices { state } else { 0 });
                let segment = |at: Option<FrameInfo>| {
                    let (func, pc) = at.map_or((of.entry, 0), |at: FrameInfo| (at.func, at.pc));
                    fuel_of_segment(module, func, pc)
                };
                let mut pace = |at: Option<FrameInfo>| {
                    given += 1;
                    match slices {
                        _ if at.is_none() && first > 0 => first,
                        _ if given > MOST_SLICES => u64::MAX,
                        Slices::Even(slice) => slice,
                        Slices::Segments(more) => segment(at).saturating_add_signed(more),
                        Slices::Uneven(bound, _) => random.below(bound),
                    }
                };
                engine.run(of, input, limits, Drive::Paced(&mut pace, interrupts))
            }
        }
    }
}
