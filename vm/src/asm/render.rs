//! Shows errors with the source line and a caret under the place.

use super::error::{AsmError, AsmErrors};
use crate::text::{is_hidden, width};
use alloc::string::String;
use core::fmt;

/// Columns of source shown at most.
const WINDOW: usize = 100;
/// Columns of a tab.
const TAB: usize = 4;

/// Errors with source excerpts; made by [`AsmErrors::render`].
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'a> {
    errors: &'a AsmErrors,
    source: &'a str,
    file: &'a str,
}

impl AsmErrors {
    /// A display of all errors with excerpts. `source` is the text that was assembled, `file` what to call it.
    #[must_use]
    pub fn render<'a>(&'a self, source: &'a str, file: &'a str) -> Rendered<'a> {
        Rendered { errors: self, source, file }
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in self.errors.errors() {
            writeln!(f, "error[{}]: {}", error.code(), error.message)?;
            writeln!(f, "  --> {}:{}:{}", self.file, error.line, error.column)?;
            excerpt(f, error, self.source)?;
            if !error.hint.is_empty() {
                writeln!(f, "   = hint: {}", error.hint)?;
            }
        }
        if self.errors.has_more() {
            writeln!(f, "more than {} errors; the rest is not shown", AsmErrors::MAX)?;
        }
        Ok(())
    }
}

/// The line of an error, cut to a window around its place, and the caret line.
fn excerpt(f: &mut fmt::Formatter<'_>, error: &AsmError, source: &str) -> fmt::Result {
    let (Some(before), Some(after)) = (source.get(..error.offset), source.get(error.offset..)) else {
        return Ok(());
    };
    let before = before.rsplit('\n').next().unwrap_or("");
    let after = after.split('\n').next().unwrap_or("").trim_end_matches('\r');
    // Walk back from the place, so that a very long line costs no more than the window.
    let mut start = before.len();
    let mut cells = 0;
    for (at, c) in before.char_indices().rev() {
        cells += cells_of(c);
        if cells > WINDOW / 2 {
            break;
        }
        start = at;
    }
    let mut shown = String::new();
    let mut column = 0;
    if start > 0 {
        shown.push_str("...");
        column += 3;
    }
    for c in before.get(start..).unwrap_or("").chars() {
        push(&mut shown, &mut column, c);
    }
    let caret_at = column;
    let mut caret_end = column;
    for (i, c) in after.chars().enumerate() {
        if column >= WINDOW {
            shown.push_str("...");
            break;
        }
        push(&mut shown, &mut column, c);
        if i < error.length as usize {
            caret_end = column;
        }
    }
    let carets = caret_end.saturating_sub(caret_at).max(1);
    writeln!(f, "{:>5} | {}", error.line, shown.trim_end())?;
    writeln!(f, "      | {:caret_at$}{:^<carets$}", "", "")
}

fn cells_of(c: char) -> usize {
    if c == '\t' { TAB } else { width(c) }
}

/// Appends a character as it is shown: tabs as blanks, invisible and control characters as a mark.
fn push(shown: &mut String, column: &mut usize, c: char) {
    if c == '\t' {
        for _ in 0..TAB {
            shown.push(' ');
        }
        *column += TAB;
    } else if is_hidden(c) {
        shown.push('\u{fffd}');
        *column += 1;
    } else {
        shown.push(c);
        *column += width(c);
    }
}
