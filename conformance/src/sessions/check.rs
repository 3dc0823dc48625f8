//! Checks of one case that is run.

use super::Printing;
use super::case::{Case, Run};
use super::compare;
use super::program::Built;
use super::run::{self, Backend, Pace, Seen};
use super::schedules;
use super::script::Script;
use super::verdict::{Reason, Verdict};
use crate::engine::EngineKind;
use crate::report::Report;
use opforge::Program;
use opforge::container::{DecodeConfig, decode, encode};
use opforge::verify::{VerifiedProgram, VerifyConfig, VerifyReport, verify, verify_deep};
use std::fmt::Write as _;

/// Builds, verifies and runs a case; everything that is not as it says.
pub(super) fn check(
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
                let as_expected = found.is_empty();
                differences.extend(found.into_iter().map(|difference| format!("{engine}: {difference}")));
                report.count(&format!("events on {engine}"), seen.outcome.events.len() as u64);
                if as_expected && case.verdict == Verdict::Accept && schedules::agree(run) {
                    let ways = schedules::check(run, &built, &verified, (backends(engine), &seen));
                    report.count(&format!("runs under other schedules on {engine}"), ways.len() as u64);
                    differences.extend(ways.into_iter().flatten());
                }
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

/// What an engine stands for.
const fn backends(engine: EngineKind) -> &'static [Backend] {
    match engine {
        EngineKind::Interp => &[Backend::Interp],
        EngineKind::Jit => &[Backend::Native],
        EngineKind::Parity => &[Backend::Interp, Backend::Native],
    }
}

/// Runs on an engine: what is compared with the case. Everything that can be seen must be the same tick by tick as
/// at once, and side by side in native code, too.
fn see(run: &Run, built: &Built, program: &VerifiedProgram, engine: EngineKind) -> Result<Seen, String> {
    // Whose decision is asked for is only known of coroutines that the handler knows.
    let paces: &[Pace] = if run.spawns() && run.script != Script::default() {
        &[Pace::Ticks]
    } else {
        &[Pace::Whole, Pace::Ticks]
    };
    let mut first: Option<Seen> = None;
    for way in backends(engine).iter().flat_map(|&backend| paces.iter().map(move |&pace| (backend, pace))) {
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
