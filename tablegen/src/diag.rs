//! Findings: collected, sorted by place, printed with an excerpt. Nothing here decides what is wrong.

use crate::source::{Source, Span};
use std::fmt::Write as _;

/// Most findings that are kept; later ones are only counted.
pub const MAX_FINDINGS: usize = 50;

/// Widest excerpt that is printed, in characters.
const EXCERPT: usize = 120;

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Stable code, such as `E011`; [`CODES`](crate::codes::CODES) explains each.
    pub code: &'static str,
    /// Where; `None` for a finding about no particular place.
    pub at: Option<Span>,
    /// What is wrong, in one line.
    pub message: String,
    /// Remarks, some with a place of their own.
    pub notes: Vec<(Option<Span>, String)>,
}

/// Sources and the findings in them.
#[derive(Clone, Debug, Default)]
pub struct Diags {
    /// The files that were read.
    pub sources: Vec<Source>,
    findings: Vec<Finding>,
    dropped: usize,
}

impl Diags {
    /// No findings in these sources.
    #[must_use]
    pub fn new(sources: Vec<Source>) -> Self {
        Self { sources, findings: Vec::new(), dropped: 0 }
    }

    /// Adds a finding.
    pub fn error(&mut self, code: &'static str, at: Span, message: impl Into<String>) {
        self.push(Finding { code, at: Some(at), message: message.into(), notes: Vec::new() });
    }

    /// Adds a finding with one remark.
    pub fn error_note(
        &mut self,
        code: &'static str,
        at: Span,
        message: impl Into<String>,
        note_at: Option<Span>,
        note: impl Into<String>,
    ) {
        let notes = vec![(note_at, note.into())];
        self.push(Finding { code, at: Some(at), message: message.into(), notes });
    }

    /// Adds a finding that has no place in a source.
    pub fn error_nowhere(&mut self, code: &'static str, message: impl Into<String>) {
        self.push(Finding { code, at: None, message: message.into(), notes: Vec::new() });
    }

    fn push(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.dropped += 1;
        }
    }

    /// How many findings there are, those not kept included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.findings.len() + self.dropped
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings that were kept, in the order of their places.
    #[must_use]
    pub fn findings(&self) -> Vec<&Finding> {
        let mut list: Vec<_> = self.findings.iter().collect();
        list.sort_by_key(|f| f.at);
        list
    }

    /// All findings as text, with a last line that counts them.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        for finding in self.findings() {
            let _ = writeln!(
                out,
                "{}error[{}]: {}",
                self.place(finding.at),
                finding.code,
                printable(&finding.message)
            );
            if let Some(at) = finding.at {
                self.excerpt(&mut out, at);
            }
            for (at, note) in &finding.notes {
                let _ = writeln!(out, "{}note: {}", self.place(*at), printable(note));
            }
        }
        if self.dropped > 0 {
            let _ = writeln!(out, "tablegen: {} more not shown", self.dropped);
        }
        let _ = writeln!(out, "tablegen: {}, nothing written", plural(self.count(), "error"));
        out
    }

    fn place(&self, at: Option<Span>) -> String {
        let Some((span, source)) = at.and_then(|s| Some((s, self.sources.get(usize::from(s.file))?))) else {
            return String::new();
        };
        let (line, column) = source.line_column(span.start);
        format!("{}:{line}:{column}: ", source.name)
    }

    fn excerpt(&self, out: &mut String, at: Span) {
        let Some(source) = self.sources.get(usize::from(at.file)) else { return };
        let (line, start) = source.line_at(at.start);
        if line.trim().is_empty() {
            return;
        }
        let number = source.line_column(at.start).0;
        let from = (at.start as usize).saturating_sub(start).min(line.len());
        let to = (at.end as usize).saturating_sub(start).clamp(from, line.len());
        let (Some(before), Some(marked), Some(after)) =
            (line.get(..from), line.get(from..to), line.get(to..))
        else {
            return;
        };
        let (mut before, marked, mut after) = (printable(before), printable(marked), printable(after));
        let marked: String = marked.chars().take(EXCERPT / 2).collect();
        let (left, right) = (before.chars().count(), after.chars().count());
        let room = EXCERPT.saturating_sub(marked.chars().count());
        if left + right > room {
            // A long line is cut on both sides, the longer side more.
            let keep_left = (room / 2).max(room.saturating_sub(right)).min(left);
            if keep_left < left {
                before = format!("...{}", before.chars().skip(left - keep_left).collect::<String>());
            }
            if right > room - keep_left {
                after = format!("{}...", after.chars().take(room - keep_left).collect::<String>());
            }
        }
        let carets = "^".repeat(marked.chars().count().max(1));
        let _ = writeln!(out, "{number:>5} | {before}{marked}{after}");
        let _ = writeln!(out, "      | {}{carets}", " ".repeat(before.chars().count()));
    }
}

/// The text with everything that a terminal would not print as itself escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            ' '..='~' => out.push(c),
            _ => out.extend(c.escape_unicode()),
        }
    }
    out
}

/// A number and its noun, with an `s` where it needs one.
#[must_use]
pub fn plural(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The closest of `known` to a misspelt `word`, if one is close.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let limit = (word.chars().count() / 3).max(1);
    let begins = |k: &str| k.len() >= 4 && word.starts_with(k);
    let far = |k: &str| if begins(k) { limit } else { distance(word, k) };
    known.into_iter().map(|k| (far(k), k)).filter(|&(d, _)| d <= limit).min().map(|(_, k)| k)
}

/// Edit distance, on words cut to 40 characters.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(40).collect(), b.chars().take(40).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
