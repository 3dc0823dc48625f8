//! The session cases: coroutines that talk over sessions, and what must come of it.
//!
//! A case says what its roles do, as local types and as code in an instruction set without types. Of that a program of
//! the VM is made ([`program`]), one instruction for each of the case, so that under the reference schedule every event
//! has the tick that the case says. The program is written as a container and read back, verified as the case says, and
//! run by the session machine. Cases that the verifier refuses are run all the same, without its checks of sessions: the
//! machine must find out by itself.

mod case;
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
mod script;
mod shapes;
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
use opforge::Program;
use opforge::builder::ProgramBuilder;
use opforge::container::{DecodeConfig, decode, encode};
use opforge::protocol::LocalType;
use opforge::verify::{VerifiedProgram, VerifyConfig, VerifyReport, verify, verify_deep};
use program::Built;
use run::{Backend, Pace, Seen};
use std::collections::BTreeSet;
use std::fmt::Write as _;

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
                check_run(case, run, engines, printing, report)
            }
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

fn check_run(
    case: &Case,
    run: &Run,
    engines: &[EngineKind],
    printing: Printing,
    report: &mut Report,
) -> Vec<String> {
    let built = match Built::new(run) {
        Ok(built) => built,
        Err(error) => return vec![format!("is no program of the VM: {error}")],
    };
    let mut differences = Vec::new();
    let program = match written_and_read(&built.program) {
        Ok(program) => program,
        Err(error) => return vec![error],
    };
    let Some(verified) = check_verdict(&program, &case.verdict, &mut differences, report) else {
        return differences;
    };
    for &engine in engines {
        let seen = see(run, &built, &verified, engine);
        match seen {
            Err(error) => differences.push(format!("{engine}: {error}")),
            Ok(seen) => {
                if printing == Printing::Events {
                    report.note(trace(&case.name, engine, &seen));
                }
                let found = compare::compare(&run.expect, &seen.outcome);
                differences.extend(found.into_iter().map(|difference| format!("{engine}: {difference}")));
                report.count(&format!("events on {engine}"), seen.outcome.events.len() as u64);
            }
        }
    }
    differences
}

/// The program as it comes out of its container.
fn written_and_read(program: &Program) -> Result<Program, String> {
    let bytes = encode(program).map_err(|error| format!("cannot be written: {error}"))?;
    let read =
        decode(&bytes, &DecodeConfig::new()).map_err(|error| format!("cannot be read back: {error}"))?;
    if encode(&read).as_ref() == Ok(&bytes) {
        Ok(read)
    } else {
        Err("is read back as another program".to_owned())
    }
}

/// Verifies as the case says; gives what is to be run.
fn check_verdict(
    program: &Program,
    verdict: &Verdict,
    differences: &mut Vec<String>,
    report: &mut Report,
) -> Option<VerifiedProgram> {
    let config = VerifyConfig::new();
    let mut wrong = |what: &str, report: &VerifyReport| differences.push(format!("{what}\n{report}"));
    match (verdict, verify(program.clone(), &config)) {
        (Verdict::Accept, Ok(_)) => match verify_deep(program.clone(), &config) {
            Ok(verified) => {
                report.count("programs accepted", 1);
                return Some(verified);
            }
            Err(refused) => wrong("roles should fit together", &refused),
        },
        (Verdict::Accept, Err(refused)) => wrong("should be accepted", &refused),
        (Verdict::Incoherent, Ok(verified)) => match verify_deep(program.clone(), &config) {
            Err(refused) if Reason::INCOHERENT.is_in(&refused) => {
                report.count("programs refused because roles do not fit together", 1);
                return Some(verified);
            }
            Err(refused) => wrong("is refused, but not because roles do not fit together", &refused),
            Ok(_) => differences.push("roles should not fit together".to_owned()),
        },
        (Verdict::Incoherent, Err(refused)) => wrong("each role should be accepted alone", &refused),
        (Verdict::Reject(reason), Err(refused)) if reason.is_in(&refused) => {
            report.count("programs refused", 1);
        }
        (Verdict::Reject(reason), Err(refused)) => {
            wrong(&format!("is not refused because of: {}", reason.words()), &refused);
        }
        (Verdict::Reject(reason), Ok(_)) => {
            differences.push(format!("should be refused because of: {}", reason.words()));
        }
        (Verdict::IllFormed, _) => {
            differences.push("is of a type that means nothing, and was built".to_owned())
        }
    }
    // How it runs is compared all the same.
    let unchecked = verify(program.clone(), &config.unchecked_sessions(true));
    unchecked.map_err(|refused| differences.push(format!("cannot be run unchecked\n{refused}"))).ok()
}

/// Runs on an engine: what is compared with the case. Everything that can be seen must be the same tick by tick as
/// at once, and side by side in native code, too.
fn see(run: &Run, built: &Built, program: &VerifiedProgram, engine: EngineKind) -> Result<Seen, String> {
    let backends: &[Backend] = match engine {
        EngineKind::Interp => &[Backend::Interp],
        EngineKind::Jit => &[Backend::Native],
        EngineKind::Parity => &[Backend::Interp, Backend::Native],
    };
    // Whose decision is asked for is only known of coroutines that the handler knows.
    let paces: &[Pace] = if run.spawns() && run.script != Script::default() {
        &[Pace::Ticks]
    } else {
        &[Pace::Whole, Pace::Ticks]
    };
    let mut first: Option<Seen> = None;
    for way in backends.iter().flat_map(|&backend| paces.iter().map(move |&pace| (backend, pace))) {
        let seen = run::run(run, built, program, way)?;
        match &first {
            None => first = Some(seen),
            Some(first) => first.difference(&seen, way).map_or(Ok(()), Err)?,
        }
    }
    first.ok_or_else(|| "nothing was run".to_owned())
}

fn trace(name: &str, engine: EngineKind, seen: &Seen) -> String {
    let mut text = format!("{name} ({engine})");
    for (tick, event) in &seen.outcome.events {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n    {tick:>5} {event}");
    }
    for status in &seen.outcome.status {
        let _ = write!(text, "\n    {status}");
    }
    text
}
