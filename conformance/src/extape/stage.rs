//! How far a container comes: decode, verify, and back to bytes.

use super::case::{Case, Expect, Verdict};
use super::class::Class;
use super::deviations::Listed;
use super::{Findings, names};
use crate::peak;
use crate::report::Report;
use opforge::codec::CodeErrorKind;
use opforge::container::{DecodeConfig, DecodeError, DecodeErrorKind, decode, encode};
use opforge::verify::{VerifiedProgram, VerifyConfig, VerifyErrorKind, VerifyReport, verify};
use std::time::{Duration, Instant};

/// Most memory that refusing a container may take where the reference implementation crashed.
const MAX_PEAK: usize = 32 << 20;

/// Most time for it. Such containers are tiny; this only tells an ordinary error from a long search.
const MAX_TIME: Duration = Duration::from_secs(5);

/// How far a container came.
enum Stage {
    NotDecoded(DecodeError),
    NotVerified(VerifyReport),
    Verified(Box<VerifiedProgram>),
}

impl Stage {
    /// Decodes and verifies. For a container that decodes, also how writing it back compares with it.
    fn reach(container: &[u8], canonical: &mut Option<Result<bool, String>>) -> Self {
        let program = match decode(container, &DecodeConfig::new()) {
            Ok(program) => program,
            Err(error) => return Self::NotDecoded(error),
        };
        let written = encode(&program).map_err(|error| error.to_string());
        *canonical = Some(written.map(|bytes| bytes == container));
        match verify(program, &VerifyConfig::new()) {
            Ok(verified) => Self::Verified(Box::new(verified)),
            Err(report) => Self::NotVerified(report),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::NotDecoded(error) => format!("does not decode: {error}"),
            Self::NotVerified(report) => {
                format!("does not verify: {}\n{report}", names::verify_name(report))
            }
            Self::Verified(_) => "verifies".to_owned(),
        }
    }
}

/// Checks what becomes of a container. Gives the program where it is to be run.
pub(super) fn check(
    case: &Case,
    listed: Option<&Listed>,
    findings: &mut Findings,
    report: &mut Report,
) -> Option<VerifiedProgram> {
    let mut canonical = None;
    let start = Instant::now();
    let (stage, peak) = peak::measure(|| Stage::reach(&case.container, &mut canonical));
    let elapsed = start.elapsed();
    if case.verdict == Verdict::PeerCrash {
        check_resources(peak, elapsed, findings);
        report.count("containers that crashed the reference implementation", 1);
    }
    report.largest("most bytes of memory to decode and verify a container", peak as u64);
    // What was written but does not read as expected is a fault whatever the verdict.
    if let Some(Err(error)) = &canonical {
        findings.differs(format!("decodes, but cannot be written: {error}"));
    }
    let as_expected = check_stage(case, &stage, findings);
    check_listed(listed, as_expected, &stage, case, findings);
    let Stage::Verified(program) = stage else { return None };
    if case.verdict != Verdict::Valid {
        return None;
    }
    match (case.canonical, canonical) {
        (Some(true), Some(Ok(false))) => findings.differs("is not written back byte for byte"),
        (Some(true), Some(Ok(true))) => report.count("containers written back byte for byte", 1),
        (Some(false), Some(Ok(true))) => {
            report.count("containers written back byte for byte here only", 1);
        }
        _ => {}
    }
    Some(*program)
}

fn check_resources(bytes: usize, elapsed: Duration, findings: &mut Findings) {
    if bytes > MAX_PEAK {
        findings.differs(format!("took {bytes} bytes of memory, at most {MAX_PEAK} are allowed"));
    }
    if elapsed > MAX_TIME {
        findings.differs(format!("took {elapsed:?}"));
    }
}

/// Compares the stage. Records deviations; `Err` says what differs and is not one.
fn check_stage(case: &Case, stage: &Stage, findings: &mut Findings) -> Result<(), String> {
    let by_name = case.has_one_cause();
    let as_expected = match (&case.verdict, stage) {
        (Verdict::Valid, Stage::Verified(_)) | (Verdict::PeerCrash, Stage::NotDecoded(_)) => true,
        (Verdict::DecodeError(name), Stage::NotDecoded(error)) => {
            !by_name || names::decode_error_is(error, name)
        }
        (Verdict::VerifyError(name), Stage::NotVerified(report)) => {
            !by_name || names::verify_error_is(report, name)
        }
        (Verdict::PeerCrash, Stage::NotVerified(_)) => true,
        (Verdict::Valid, refused) | (Verdict::VerifyError(_), refused @ Stage::NotDecoded(_)) => {
            let classes = case.tags.iter().filter(|&&tag| refused_on_purpose(case, tag, refused));
            let before = findings.classes.len();
            findings.classes.extend(classes);
            findings.classes.len() > before
        }
        _ => false,
    };
    if as_expected {
        return Ok(());
    }
    let expected = match &case.verdict {
        Verdict::Valid => "must verify".to_owned(),
        Verdict::DecodeError(name) => format!("must not decode ({name})"),
        Verdict::VerifyError(name) => format!("must decode and not verify ({name})"),
        Verdict::PeerCrash => "must be refused".to_owned(),
    };
    Err(format!("{expected}, but {}", stage.describe()))
}

/// Whether a valid container is refused in exactly the way its tag allows.
fn refused_on_purpose(case: &Case, tag: Class, stage: &Stage) -> bool {
    match stage {
        Stage::Verified(_) => false,
        Stage::NotDecoded(error) => {
            tag == Class::BoolByte && matches!(error.kind(), DecodeErrorKind::BadFlag { found } if *found > 1)
        }
        Stage::NotVerified(report) => {
            let mut errors = report.errors().iter();
            match tag {
                Class::BoolByte => errors.all(|error| {
                    let cause = match error.kind() {
                        VerifyErrorKind::BytecodeDecode { cause, .. } => *cause,
                        _ => return false,
                    };
                    matches!(cause, CodeErrorKind::BadBool { .. })
                }),
                Class::EmptyBody => {
                    errors.all(|error| matches!(error.kind(), VerifyErrorKind::EmptyBody { .. }))
                }
                // The verifier must point at what the reference implementation trapped at, or at a later use of it.
                Class::InvalidPc => errors.any(|error| {
                    let (func, pc) = (error.func().map(|func| func.0), error.pc().unwrap_or(0));
                    invalid_pcs(case).any(|trap| Some(trap.0) == func && trap.1 <= pc)
                }),
                _ => false,
            }
        }
    }
}

/// Where the runs of a case trap with `InvalidPc`: function and pc.
fn invalid_pcs(case: &Case) -> impl Iterator<Item = (u32, u32)> {
    case.runs.iter().filter_map(|run| match &run.expect {
        Expect::Trap(trap) if trap.kind == "InvalidPc" => Some((trap.func, trap.pc)),
        _ => None,
    })
}

/// Weighs what differs against the committed list: what is listed must be so, what is not must not.
fn check_listed(
    listed: Option<&Listed>,
    as_expected: Result<(), String>,
    stage: &Stage,
    case: &Case,
    findings: &mut Findings,
) {
    let difference = match (listed, as_expected) {
        (None, Ok(())) => return,
        (None, Err(difference)) => difference,
        (Some(listed), Ok(())) => format!("listed as {listed:?}, but is as expected: the list is stale"),
        (Some(Listed::Accepted), Err(_))
            if matches!((&case.verdict, stage), (Verdict::VerifyError(_), Stage::Verified(_))) =>
        {
            findings.classes.insert(Class::Accepted);
            return;
        }
        (Some(Listed::Error(name)), Err(difference)) => match (&case.verdict, stage) {
            (Verdict::VerifyError(_), Stage::NotVerified(report)) if names::verify_name(report) == name => {
                findings.classes.insert(Class::ErrorName);
                return;
            }
            (Verdict::DecodeError(_), Stage::NotDecoded(error)) if error.code() == name => {
                findings.classes.insert(Class::ErrorName);
                return;
            }
            _ => format!("listed as error {name}, but {difference}"),
        },
        (Some(listed), Err(difference)) => format!("listed as {listed:?}, but {difference}"),
    };
    findings.differs(difference);
}
