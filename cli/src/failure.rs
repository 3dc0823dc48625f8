//! What went wrong with the input, for people and for machines.

use crate::codes;
use crate::exit::Exit;
use crate::output::{self, Out};
use crate::text;
use serde_json::{Map, Value as Json, json};

/// One error: its facts by name for machines, and its text for people.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    facts: Map<String, Json>,
    text: String,
}

impl Problem {
    /// An error with a code from elsewhere. The message may hold anything.
    pub(crate) fn new(code: &str, message: &str, hint: &str) -> Self {
        let message = text::clean(message);
        let mut text = format!("error[{code}]: {message}\n");
        if !hint.is_empty() {
            text += &format!("  = help: {hint}\n");
        }
        Self { text, facts: Map::new() }.with("code", code).with("message", message).with("hint", hint)
    }

    /// An error with one of the command line's own codes.
    pub(crate) fn own(code: &'static str, message: &str) -> Self {
        Self::new(code, message, codes::hint(code))
    }

    /// An error from an `error[code]: message` text, as the VM writes it.
    pub(crate) fn parse(text: &str) -> Self {
        let parts = text.strip_prefix("error[").and_then(|rest| rest.split_once("]: "));
        let (code, message) = parts.unwrap_or(("", text));
        Self::new(code, message, "")
    }

    /// Adds a fact.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Replaces the text for people.
    pub(crate) fn shown_as(mut self, text: &str) -> Self {
        self.text = text::clean_lines(text);
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self
    }
}

/// Bad input: one or more errors.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) problems: Vec<Problem>,
    /// There may be more errors than these.
    pub(crate) truncated: bool,
}

impl Failure {
    /// A failure with one of the command line's own codes.
    pub(crate) fn own(code: &'static str, message: &str) -> Self {
        Problem::own(code, message).into()
    }

    /// The errors for machines.
    pub(crate) fn json(&self) -> Json {
        self.problems.iter().map(|problem| Json::Object(problem.facts.clone())).collect()
    }

    /// The errors for people.
    pub(crate) fn text(&self) -> String {
        let mut text: String = self.problems.iter().map(|problem| problem.text.as_str()).collect();
        if self.truncated {
            text += "there may be more errors; the rest is not shown\n";
        }
        text
    }

    /// Adds the name of the file to every error.
    pub(crate) fn in_file(mut self, file: &str) -> Self {
        for problem in &mut self.problems {
            problem.facts.insert("file".to_owned(), file.into());
        }
        self
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], truncated: false }
    }
}

/// Tells the user, and says how the process ends.
pub(crate) fn report(failure: &Failure, json: bool, out: &mut Out) -> Exit {
    let exit = Exit::BadInput;
    if json {
        let object = json!({
            "status": "error",
            "exit_code": exit.code(),
            "errors": failure.json(),
            "truncated": failure.truncated,
        });
        out.line(&text::json(&object));
    } else {
        output::to_stderr(&failure.text());
    }
    exit
}
