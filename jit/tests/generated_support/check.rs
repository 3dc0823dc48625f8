//! The runs of one program on both engines.

use super::engines::{Runs, Setup, Subject};
use super::way::{Random, Slices, Way};
use crate::exercised::Exercised;
use crate::run::{Drive, Interrupts, Machine, Ran};
use opforge_testgen::GeneratedProgram;
use opforge_vm::Limits;
use opforge_vm::verify::{VerifyConfig, verify};

/// What was run, to see that it was worth it.
#[derive(Debug, Default)]
pub(crate) struct Health {
    pub(crate) programs: u64,
    /// Programs on native code, each with one setup.
    pub(crate) compiled: u64,
    /// Runs, each on both engines.
    pub(crate) runs: u64,
    /// Times that runs stopped for fuel and went on.
    pub(crate) stops: u64,
    /// Calls that reached the host, of those runs that are counted below.
    pub(crate) host_calls: u64,
    /// Inputs for which the limits had no room.
    pub(crate) refused: u64,
    /// What runs with the generated limits and plenty of fuel did, once for each program and input.
    pub(crate) exercised: Exercised,
}

impl Health {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.programs += other.programs;
        self.compiled += other.compiled;
        self.runs += other.runs;
        self.stops += other.stops;
        self.host_calls += other.host_calls;
        self.refused += other.refused;
        self.exercised.merge(&other.exercised);
    }
}

/// One run, on whichever engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) setup: Setup,
    pub(crate) input: usize,
    pub(crate) limits: Limits,
    pub(crate) way: Way,
}

/// What is wrong with a program.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The engines did not end alike: the interpreter first.
    Differs(Box<(Case, Option<Ran>, Option<Ran>)>),
    /// Something else.
    Other(String),
}

/// The setups for the program of a seed. All have the first or the last; a compilation costs more than all runs.
fn setups(seed: u64) -> impl Iterator<Item = Setup> {
    let first = if seed % 8 == 7 { Setup::SmallStack } else { Setup::BySize };
    std::iter::once(first).chain((seed % 4 == 1).then_some(Setup::V1))
}

/// Compares everything about a program. The seed only varies slices and limits.
///
/// # Errors
/// The first difference.
pub(crate) fn check(
    of: &GeneratedProgram,
    seed: u64,
    subject: &dyn Subject,
    health: &mut Health,
) -> Result<(), Failure> {
    let verified = verify(of.program.clone(), &VerifyConfig::new());
    let verified = verified.map_err(|report| Failure::Other(format!("refused: {report}")))?;
    health.programs += 1;
    for (at, setup) in setups(seed).enumerate() {
        let interp = Machine::new(&verified, setup.schedule());
        let other = subject.load(&verified, setup).map_err(Failure::Other)?;
        health.compiled += 1;
        let mut both = Both { of, setup, interp, other, random: Random(seed), health };
        for input in 0..of.inputs.len() {
            both.input(input, at == 0)?;
        }
    }
    Ok(())
}

/// A program on both engines.
struct Both<'p> {
    of: &'p GeneratedProgram,
    setup: Setup,
    interp: Machine,
    other: Box<dyn Runs>,
    random: Random,
    health: &'p mut Health,
}

impl Both<'_> {
    fn compare(&mut self, input: usize, limits: Limits, way: Way) -> Result<Option<Ran>, Failure> {
        let module = self.interp.module().clone();
        let expected = way.run(&mut self.interp, &module, self.of, (input, limits));
        let actual = way.run(&mut *self.other, &module, self.of, (input, limits));
        self.health.runs += 1;
        self.health.stops += expected.as_ref().map_or(0, |ran| ran.stops.len() as u64);
        if expected == actual {
            return Ok(expected);
        }
        let case = Case { setup: self.setup, input, limits, way };
        Err(Failure::Differs(Box::new((case, expected, actual))))
    }

    fn input(&mut self, input: usize, counts: bool) -> Result<(), Failure> {
        let limits = self.of.limits[input];
        let Some(plenty) = self.compare(input, limits, Way::WHOLE)? else {
            self.health.refused += u64::from(counts);
            return Ok(());
        };
        if counts {
            self.count(input, limits, &plenty)?;
        }
        let used = limits.fuel - plenty.fuel;
        self.fuels(input, limits, used)?;
        self.slices(input, limits, used)?;
        self.interrupts(input, limits, &plenty)?;
        self.scarce(input, limits, (used, &plenty))
    }

    /// Takes note of what the run does, which a trace must not change.
    fn count(&mut self, input: usize, limits: Limits, plenty: &Ran) -> Result<(), Failure> {
        let exercised = &mut self.health.exercised;
        exercised.add(&plenty.end, self.interp.module());
        exercised.counts.depth = 0;
        let traced = self.interp.run(self.of, input, limits, Drive::Traced(&mut exercised.counts));
        exercised.counts.take_intrinsics(self.interp.module());
        self.health.host_calls += plenty.host_calls;
        if traced.as_ref() == Some(plenty) {
            return Ok(());
        }
        Err(Failure::Other(format!("input {input}: traced: {traced:?}\nuntraced: {plenty:?}")))
    }

    /// With no fuel, one, exactly enough, one less, and amounts in between.
    fn fuels(&mut self, input: usize, limits: Limits, used: u64) -> Result<(), Failure> {
        let mut amounts = vec![0, 1, used, used.saturating_sub(1)];
        amounts.extend([used, used, used / 4 + 1].map(|bound| self.random.below(bound)));
        amounts.sort_unstable();
        amounts.dedup();
        for fuel in amounts {
            self.compare(input, limits.fuel(fuel), Way::WHOLE)?;
        }
        Ok(())
    }

    /// With fuel in slices: even ones, exactly what segments cost or one off, and uneven ones; interrupted at each
    /// slice or not.
    fn slices(&mut self, input: usize, limits: Limits, used: u64) -> Result<(), Failure> {
        let even = self.random.pick(&[2, 3, 5, 7, 11, 13, 17, 31, 61, 127, 251, 1009]);
        let uneven = Slices::Uneven(2 + self.random.below(40), self.random.0);
        let off = Slices::Segments(self.random.pick(&[-1, 1]));
        for slices in [Slices::Even(1), Slices::Even(even), uneven, Slices::Segments(0), off] {
            let way = self.sliced(used, slices);
            self.compare(input, limits, way)?;
        }
        Ok(())
    }

    fn sliced(&mut self, used: u64, slices: Slices) -> Way {
        // Long runs are sliced from somewhere on.
        let first = if used > 1500 { self.random.below(used) } else { 0 };
        let interrupts = self.random.pick(&[Interrupts::Never, Interrupts::AtResume]);
        Way::Sliced { first, slices, interrupts }
    }

    fn interrupts(&mut self, input: usize, limits: Limits, plenty: &Ran) -> Result<(), Failure> {
        self.compare(input, limits, Way::Whole(Interrupts::AtResume))?;
        if plenty.host_calls > 0 {
            self.compare(input, limits, Way::Whole(Interrupts::AtHostCalls))?;
        }
        Ok(())
    }

    /// With just enough memory, host calls, frames and slots, or too few; in slices too.
    fn scarce(&mut self, input: usize, limits: Limits, (used, plenty): (u64, &Ran)) -> Result<(), Failure> {
        let random = &mut self.random;
        let less = [plenty.memory.saturating_sub(1), random.below(plenty.memory)];
        let mut tried = vec![limits.memory(plenty.memory), limits.memory(random.pick(&less))];
        if plenty.host_calls > 0 {
            tried.push(limits.host_calls(random.below(plenty.host_calls)));
        }
        tried.push(match random.below(3) {
            0 => limits.stack_slots(random.below(300) as u32),
            depth => limits.call_depth((depth + random.below(5)) as u32),
        });
        for &limits in &tried {
            self.compare(input, limits, Way::WHOLE)?;
        }
        let limits = self.random.pick(&tried);
        let slice = self.random.pick(&[1, 2, 3, 7, 19, 53]);
        let slices = self.random.pick(&[Slices::Even(slice), Slices::Segments(0)]);
        let way = self.sliced(used, slices);
        self.compare(input, limits, way)?;
        Ok(())
    }
}
