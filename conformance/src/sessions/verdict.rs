//! What the static check says about a case, and by which errors it must say so.

use crate::fields::Result;
use opforge::verify::VerifyReport;

/// What the static check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The code is as its types say, and the types fit together.
    Accept,
    /// The code is not, for a reason of this class.
    Reject(Reason),
    /// Each role is as its type says, but the types do not fit together.
    Incoherent,
    /// A type means nothing.
    IllFormed,
}

/// A class of reasons: the words of the case file, and the codes of our errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    words: &'static str,
    codes: &'static [&'static str],
}

const fn reason(words: &'static str, codes: &'static [&'static str]) -> Reason {
    Reason { words, codes }
}

const REASONS: &[Reason] = &[
    reason("send in a Recv state", &["V1203"]),
    reason("receive in a Send state", &["V1204"]),
    reason("needs a single branch", &["V1205"]),
    reason("label is not a branch of the state", &["V1206"]),
    reason("table misses a label", &["V1207"]),
    reason("register type", &["V0812", "V1209"]),
    reason("endpoint used after it was moved", &["V1202"]),
    reason("endpoint overwritten", &["V1212"]),
    reason("halts while its type is not End", &["V1213"]),
    reason("halt while a guard is held", &["V1213"]),
    reason("no evidence of this layer", &["V1214"]),
    reason("join without fork", &["V1215"]),
    reason("abort without fork", &["V1215"]),
    reason("halt inside speculation", &["V1216"]),
];

impl Verdict {
    /// Of a case that is run.
    pub(super) fn of_run(text: &str) -> Result<Self> {
        if text.starts_with("accept") {
            return Ok(Self::Accept);
        }
        if text.contains("reject: shape not coherent") {
            return Ok(Self::Incoherent);
        }
        let reason = text
            .strip_prefix("reject: ")
            .and_then(|text| REASONS.iter().find(|reason| text.contains(reason.words)));
        reason
            .map(|reason| Self::Reject(*reason))
            .ok_or_else(|| format!("verdict {text:?} is of no known class"))
    }

    /// Of a type that is compiled.
    pub(super) fn of_type(text: &str) -> Result<Self> {
        match text {
            "accept" => Ok(Self::Accept),
            _ if text.starts_with("the type itself is rejected") || text.starts_with("as compile_") => {
                Ok(Self::IllFormed)
            }
            _ => Err(format!("verdict {text:?} is of no known class")),
        }
    }
}

impl Reason {
    /// Roles that do not fit together.
    pub(super) const INCOHERENT: Self = Self { words: "shape not coherent", codes: &["V1301"] };

    /// Whether a report says so.
    #[must_use]
    pub fn is_in(&self, report: &VerifyReport) -> bool {
        report.errors().iter().any(|error| self.codes.contains(&error.kind().code()))
    }

    /// The reason in words.
    #[must_use]
    pub const fn words(&self) -> &'static str {
        self.words
    }
}
