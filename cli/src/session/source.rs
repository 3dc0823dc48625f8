//! Session types as arguments: text that stands there, or a file with it.

use crate::codes;
use crate::failure::{Failure, Problem};
use crate::input;
use opforge::protocol::{ProtocolError, ProtocolErrors};
use std::ffi::OsStr;
use std::path::Path;

/// The text of a type, and where it comes from.
#[derive(Debug)]
pub(super) struct Source {
    name: String,
    text: String,
}

/// Types have signs that names of files rarely have.
fn is_type(text: &str) -> bool {
    matches!(text.trim(), "" | "end") || text.contains(['{', ' ', '\n'])
}

impl Source {
    /// The argument itself, if it looks like a type and no file has that name, or what the file holds.
    pub(super) fn read(argument: &OsStr, cap: u64) -> Result<Self, Failure> {
        let path = Path::new(argument);
        if let Some(text) = argument.to_str().filter(|text| is_type(text))
            && !path.is_file()
        {
            return Ok(Self { name: "<argument>".to_owned(), text: text.to_owned() });
        }
        let name = input::name(path);
        let text = String::from_utf8(input::read(path, cap)?).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Failure::own(codes::NOT_TEXT, &format!("{name}: no UTF-8 at byte {at}"))
        })?;
        Ok(Self { name, text })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Errors with the lines that they are about.
    pub(super) fn errors(&self, errors: &ProtocolErrors) -> Failure {
        let problems = errors.errors().iter().map(|error| self.problem(error)).collect();
        Failure { problems, truncated: errors.has_more() }.in_file(&self.name)
    }

    /// An error with the line that it is about.
    pub(super) fn error(&self, error: &ProtocolError) -> Failure {
        Failure::from(self.problem(error)).in_file(&self.name)
    }

    fn problem(&self, error: &ProtocolError) -> Problem {
        let problem = Problem::new(error.code(), &error.message, &error.hint);
        let Some(place) = error.place else { return problem };
        let (line, column) = (place.line, place.column);
        let mut shown =
            format!("error[{}]: {}\n  --> {}:{line}:{column}\n", error.code(), error.message, self.name);
        shown += &self.excerpt(line as usize, place.offset as usize, place.length as usize);
        if !error.hint.is_empty() {
            shown += &format!("  = help: {}\n", error.hint);
        }
        problem.with("line", line).with("column", column).shown_as(&shown)
    }

    /// The line around a place, with carets. A long line is shown in part.
    fn excerpt(&self, line: usize, offset: usize, length: usize) -> String {
        const BEFORE: usize = 60;
        const WIDTH: usize = 100;
        let text = &self.text;
        let (Some(before), Some(behind)) = (text.get(..offset), text.get(offset..)) else {
            return String::new();
        };
        let head = before.rsplit('\n').next().unwrap_or("");
        let tail = behind.split('\n').next().unwrap_or("");
        let skipped = head.chars().count().saturating_sub(BEFORE);
        let shown = |text: &str, skip: usize, take: usize| -> String {
            // Tabs count as one character, so that carets stand where they should.
            let chars = text.chars().skip(skip).take(take);
            chars.map(|c| if c.is_control() { ' ' } else { c }).collect()
        };
        let (cut, head) = (if skipped > 0 { "..." } else { "" }, shown(head, skipped, BEFORE));
        let rest = shown(tail, 0, WIDTH.saturating_sub(head.chars().count()));
        let end = if rest.chars().count() < tail.trim_end_matches('\r').chars().count() { "..." } else { "" };
        let marked =
            behind.get(..length).map_or(1, |text| text.chars().count()).clamp(1, rest.chars().count().max(1));
        let blank = " ".repeat(cut.len() + head.chars().count());
        let carets = "^".repeat(marked);
        format!("       |\n{line:>6} | {cut}{head}{rest}{end}\n       | {blank}{carets}\n")
    }
}
