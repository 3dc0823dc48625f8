//! The EXTAPE corpus: containers, inputs, and what execution_tape 0.0.1 made of them.
//!
//! For every case: the container decodes and verifies, or is refused, as the case says; a canonical container is
//! written back byte for byte; every run ends as expected, with the expected fuel and host calls. Every run is then
//! repeated with one unit of fuel less, which must run out, and in ways that must change nothing: with its fuel given
//! in slices, traced, and charged by the size of data as well. A container that crashed the reference implementation must be refused in little memory.

mod case;
mod class;
mod deviations;
mod names;
mod repeat;
mod run;
mod stage;
#[cfg(test)]
mod tests;

pub use case::{Case, Expect, Run, Verdict};
pub use class::Class;
pub use deviations::{Deviations, Listed};
pub use run::{Match, compare};

use crate::engine::EngineKind;
use crate::report::Report;
use opforge::FuelSchedule;
use repeat::Target;
use std::collections::BTreeSet;

/// Runs cases on engines and adds them to a report, with the committed list of deviations.
pub fn run_cases(cases: &[Case], engines: &[EngineKind], deviations: &Deviations, report: &mut Report) {
    for case in cases {
        run_case(case, engines, deviations, report);
    }
}

/// Everything found out about one case.
#[derive(Debug, Default)]
struct Findings {
    differences: Vec<String>,
    /// Points on which the VM differs from the case as it is meant to.
    classes: BTreeSet<Class>,
}

impl Findings {
    fn differs(&mut self, what: impl Into<String>) {
        self.differences.push(what.into());
    }
}

fn run_case(case: &Case, engines: &[EngineKind], deviations: &Deviations, report: &mut Report) {
    let mut findings = Findings::default();
    let listed = deviations.get(&case.name);
    if let Some(program) = stage::check(case, listed, &mut findings, report) {
        for &engine in engines {
            let loaded =
                [FuelSchedule::V1, FuelSchedule::BySize].map(|schedule| engine.load(&program, schedule));
            match loaded {
                [Ok(mut v1), Ok(mut by_size)] => {
                    let target = Target { engine, v1: v1.as_mut(), by_size: by_size.as_mut() };
                    repeat::check_all(case, target, &mut findings, report);
                }
                [Err(error), _] | [_, Err(error)] => {
                    findings.differs(format!("{engine} refuses the program: {error}"));
                }
            }
        }
    }
    let seen = findings.classes.clone();
    for &tag in case.tags.iter().filter(|tag| !seen.contains(tag)) {
        if case.verdict == Verdict::Valid {
            // This VM differs in every point that the corpus tags; where it does not, it is not what its class says.
            findings.differs(format!("tagged {tag}, but does not differ in this point"));
        } else {
            report.count(&format!("tagged {tag}, refused by both all the same"), 1);
        }
    }
    for class in &seen {
        report.count(&format!("deviation {class}, cases"), 1);
        report.deviates(&case.name, class.name());
    }
    report.case(&case.name, findings.differences);
}
