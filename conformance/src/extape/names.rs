//! Names of errors: ours, next to those of execution_tape 0.0.1.

use opforge::container::DecodeError;
use opforge::verify::VerifyReport;

/// Names that the reference implementation gives to what our decode errors say, by our stable code. It knows fewer
/// kinds than we do, and it calls a number that is too large for its 32-bit field and an index past a table the same.
const DECODE: &[(&str, &[&str])] = &[
    ("D0102", &["BadMagic"]),
    ("D0103", &["UnsupportedVersion"]),
    ("D0104", &["UnexpectedEof", "OutOfBounds"]),
    ("D0105", &["DuplicateSection"]),
    ("D0106", &["MissingSection"]),
    ("D0108", &["OutOfBounds"]),
    ("D0201", &["UnexpectedEof", "OutOfBounds"]),
    ("D0202", &["InvalidVarint"]),
    ("D0203", &["OutOfBounds"]),
    ("D0204", &["UnexpectedEof"]),
    ("D0205", &["InvalidUtf8"]),
    ("D0301", &["OutOfBounds"]),
    ("D0302", &["OutOfBounds"]),
    ("D0303", &["OutOfBounds"]),
    ("D0304", &["OutOfBounds"]),
    ("D0401", &["OutOfBounds"]),
    ("D0402", &["OutOfBounds"]),
    ("D0403", &["OutOfBounds"]),
];

/// Verify errors that the reference implementation does not have or names otherwise; all others have its names.
const VERIFY: &[(&str, &[&str])] = &[("V0408", &["MissingTerminator"])];

/// Whether a decode error is what the reference implementation calls `name`.
pub(super) fn decode_error_is(error: &DecodeError, name: &str) -> bool {
    DECODE.iter().any(|(code, names)| *code == error.code() && names.contains(&name))
}

/// The name of a report: that of its first error.
pub(super) fn verify_name(report: &VerifyReport) -> &'static str {
    report.errors().first().map_or("no error", |error| error.kind().name())
}

/// Whether the first error of a report is what the reference implementation calls `name`.
pub(super) fn verify_error_is(report: &VerifyReport, name: &str) -> bool {
    let Some(error) = report.errors().first() else { return false };
    match VERIFY.iter().find(|(code, _)| *code == error.kind().code()) {
        Some((_, names)) => names.contains(&name),
        None => error.kind().name() == name,
    }
}
