//! The session cases: coroutines that talk over sessions, and what must come of it.
//!
//! A case says what its roles do, as local types and as code in an instruction set without types. Of that a program of
//! the VM is made ([`program`]), one instruction for each of the case, so that under the reference schedule every event
//! has the tick that the case says. The program is written as a container and read back, verified as the case says, and
//! run by the session machine. Cases that the verifier refuses are run all the same, without its checks of sessions: the
//! machine must find out by itself.

mod case;
mod check;
mod code;
mod compare;
mod config;
mod events;
mod faults;
mod flow;
mod instr;
mod plan;
mod program;
mod run;
mod schedules;
mod script;
mod shapes;
#[cfg(test)]
mod tests;
mod types;
mod values;
mod verdict;

pub use case::{Body, Case, Drive, Expect, Role, Run, Setup, Status};
pub use config::Config;
pub use instr::{Instr, Open};
pub use script::{Call, Decision, Script};
pub use values::{Class, Literal};
pub use verdict::{Reason, Verdict};

use crate::engine::EngineKind;
use crate::report::Report;
use opforge::builder::ProgramBuilder;
use opforge::protocol::LocalType;
use std::collections::BTreeSet;

/// Whether events are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Printing {
    /// Only differences are.
    #[default]
    Differences,
    /// All events of runs are.
    Events,
}

/// Runs cases on engines and adds them to a report.
pub fn run_cases(cases: &[Case], engines: &[EngineKind], printing: Printing, report: &mut Report) {
    let mut used = BTreeSet::new();
    for case in cases {
        let differences = match &case.body {
            Body::Compile { ty, code } => {
                used.extend(code.iter().map(Instr::name));
                report.count("local types compiled", 1);
                check_compiled(ty, code, &case.verdict)
            }
            Body::Run(run) => {
                used.extend(run.roles.iter().flat_map(|role| &role.code).map(Instr::name));
                check::check(case, run, engines, printing, report)
            }
            Body::Unknown(why) => vec![format!("cannot be run here: {why}")],
        };
        report.case(&case.name, differences);
    }
    let missing: Vec<&str> = Instr::names().filter(|name| !used.contains(name)).collect();
    report.count(&format!("instructions in cases, of {}", Instr::names().len()), used.len() as u64);
    if !missing.is_empty() {
        report.note(format!("instructions in no case: {}", missing.join(", ")));
    }
}

/// A type becomes this code, and is refused in programs if it means nothing.
fn check_compiled(ty: &LocalType, expected: &[Instr], verdict: &Verdict) -> Vec<String> {
    let mut differences = Vec::new();
    match Instr::compiled(ty) {
        Err(error) => differences.push(error),
        Ok(code) => {
            for at in 0..code.len().max(expected.len()) {
                let (expected, found) = (expected.get(at), code.get(at));
                if expected != found {
                    differences.push(format!("pc {at}: expected {expected:?}, found {found:?}"));
                }
            }
        }
    }
    let declared = ProgramBuilder::new().local("type", ty);
    match (verdict, declared) {
        (Verdict::IllFormed, Ok(())) => differences.push("the type is not refused".to_owned()),
        (Verdict::Accept, Err(error)) => differences.push(format!("the type is refused: {error}")),
        _ => {}
    }
    differences
}
