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

const REASONS: &[Reason] = &[
    Reason { words: "send in a Recv state", codes: &["V1203"] },
    Reason { words: "receive in a Send state", codes: &["V1204"] },
    Reason { words: "label is not a branch of the state", codes: &["V1206"] },
    Reason { words: "register type", codes: &["V0812"] },
    Reason { words: "endpoint used after it was moved", codes: &["V1202"] },
    Reason { words: "halts while its type is not End", codes: &["V1213"] },
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
