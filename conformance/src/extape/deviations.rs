//! The committed list of single cases in which this VM differs on purpose: `conformance/deviations.txt`.

use std::collections::BTreeMap;

/// What happens in a listed case instead of what the case says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The container verifies.
    Accepted,
    /// It is refused in the same stage, and the first error has this name.
    Error(String),
}

/// The list: what happens in each case, by name.
#[derive(Clone, Debug, Default)]
pub struct Deviations {
    entries: BTreeMap<String, (Listed, String)>,
}

impl Deviations {
    /// The list that is committed with this crate.
    ///
    /// # Errors
    /// If a line cannot be read; the tests of this crate say that every line can.
    pub fn committed() -> Result<Self, String> {
        Self::parse(include_str!("../../deviations.txt"))
    }

    /// Reads a list. A line is a case name, `accepted` or `error NAME`, and a reason, with colons in between; empty
    /// lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// The number of the first bad line, counted from 1, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("deviations, line {}: {what}", at + 1);
            let parts: Vec<&str> = line.splitn(3, ": ").map(str::trim).collect();
            let &[name, what, reason] = parts.as_slice() else {
                return Err(wrong("not `case: accepted: reason` or `case: error NAME: reason`"));
            };
            let listed = match what.split_once(' ') {
                None if what == "accepted" => Listed::Accepted,
                Some(("error", error)) => Listed::Error(error.to_owned()),
                _ => return Err(wrong(&format!("{what:?} is not `accepted` or `error NAME`"))),
            };
            if reason.is_empty() {
                return Err(wrong("a deviation needs a reason"));
            }
            if entries.insert(name.to_owned(), (listed, reason.to_owned())).is_some() {
                return Err(wrong(&format!("{name} is listed twice")));
            }
        }
        Ok(Self { entries })
    }

    /// What is listed for a case.
    #[must_use]
    pub fn get(&self, case: &str) -> Option<&Listed> {
        self.entries.get(case).map(|(listed, _)| listed)
    }

    /// Every listed case with what happens there and why.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Listed, &str)> {
        self.entries.iter().map(|(name, (listed, reason))| (name.as_str(), listed, reason.as_str()))
    }
}
