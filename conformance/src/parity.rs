//! Both engines side by side, as one engine: whatever is run, everything that can be seen of it must be the same.
//!
//! Compared are results, trap with its whole call stack and spans, fuel left at every stop, what host functions were
//! called with and gave, and memory charged; and the same again with fuel 0, 1, one less than the run takes, and
//! exactly what it takes.

use crate::engine::{End, Loaded, Pace, RunLimits, RunRequest, RunResult, Tracing};
use crate::interp::{Interp, Seen};
use opforge::FuelSchedule;
use opforge::verify::VerifiedProgram;

/// A program on both engines.
#[derive(Debug)]
pub(crate) struct Parity {
    interp: Interp,
    native: Interp,
}

impl Parity {
    /// Lowers, compiles and links a program.
    pub(crate) fn load(program: &VerifiedProgram, schedule: FuelSchedule) -> Result<Self, String> {
        let interp = Interp::load(program, schedule)?;
        Ok(Self { interp, native: Interp::load_native(program, schedule)? })
    }

    /// Runs on both: what the interpreter gives.
    ///
    /// # Errors
    /// What differs.
    fn compare(&mut self, request: &RunRequest<'_>) -> Result<RunResult, String> {
        let (expected, actual) = (self.interp.see(request), self.native.see(request));
        if expected == actual { Ok(expected.result) } else { Err(difference(request, &expected, &actual)) }
    }

    fn compare_all(&mut self, request: &RunRequest<'_>) -> Result<RunResult, String> {
        let result = self.compare(request)?;
        // Traces show that a run is not a native one; slices are of a run that was compared whole.
        if request.pace == Pace::Whole && request.tracing == Tracing::Off {
            let used = result.fuel_used;
            for fuel in [0, 1, used.saturating_sub(1), used] {
                let limits = RunLimits { fuel, ..request.limits };
                self.compare(&RunRequest { limits, ..*request })?;
            }
        }
        Ok(result)
    }
}

impl Loaded for Parity {
    /// As the interpreter's run; broken if the engines differ.
    fn run(&mut self, request: &RunRequest<'_>) -> RunResult {
        self.compare_all(request).unwrap_or_else(|difference| RunResult {
            end: End::Broken(difference),
            fuel_used: 0,
            charged: 0,
            host_calls: 0,
            trace: None,
        })
    }
}

/// The first thing that differs.
fn difference(request: &RunRequest<'_>, expected: &Seen, actual: &Seen) -> String {
    let what = if expected.result != actual.result {
        format!("{:?}, native code: {:?}", expected.result, actual.result)
    } else if expected.memory != actual.memory {
        format!("{} bytes charged, native code: {}", expected.memory, actual.memory)
    } else if let Some(difference) = first(&expected.log, &actual.log) {
        format!("call of the host {difference}")
    } else {
        format!("stop {}", first(&expected.stops, &actual.stops).unwrap_or_default())
    };
    format!("the engines differ: {:?}, {:?}: interpreter: {what}", request.limits, request.pace)
}

/// The first pair that differs.
fn first<T: PartialEq + std::fmt::Debug>(one: &[T], other: &[T]) -> Option<String> {
    let at = (0..one.len().max(other.len())).find(|&at| one.get(at) != other.get(at))?;
    Some(format!("{at}: {:?}, native code: {:?}", one.get(at), other.get(at)))
}

#[cfg(test)]
mod tests;
