//! The committed list of operations that no instruction means the same as: `conformance/unmapped.txt`.

use std::collections::BTreeMap;

/// The list: why an operation has no twin.
#[derive(Clone, Debug, Default)]
pub struct Unmapped {
    reasons: BTreeMap<String, String>,
}

impl Unmapped {
    /// The list that is committed with this crate.
    ///
    /// # Errors
    /// If a line cannot be read; the tests of this crate say that every line can.
    pub fn committed() -> Result<Self, String> {
        Self::parse(include_str!("../../unmapped.txt"))
    }

    /// Reads a list. A line is the name of an operation, a colon, and the reason; empty lines and lines that begin with
    /// `#` are skipped.
    ///
    /// # Errors
    /// The number of the first bad line, counted from 1, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reasons = BTreeMap::new();
        let lines =
            text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        for (at, line) in lines {
            let wrong = |what: &str| format!("unmapped, line {}: {what}", at + 1);
            let (op, reason) = line.split_once(": ").ok_or_else(|| wrong("not `operation: reason`"))?;
            if reason.trim().is_empty() {
                return Err(wrong("an operation without a twin needs a reason"));
            }
            if reasons.insert(op.trim().to_owned(), reason.trim().to_owned()).is_some() {
                return Err(wrong(&format!("{op} is listed twice")));
            }
        }
        Ok(Self { reasons })
    }

    /// Why an operation has no twin; `None` if it is not listed.
    #[must_use]
    pub fn reason(&self, op: &str) -> Option<&str> {
        self.reasons.get(op).map(String::as_str)
    }

    /// Every listed operation with its reason.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.reasons.iter().map(|(op, reason)| (op.as_str(), reason.as_str()))
    }
}
