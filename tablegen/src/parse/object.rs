//! Typed reading of JSON objects: unknown and repeated keys, missing fields, wrong types and numbers out of
//! range are all findings at the right place, and reading goes on.

use super::json::{Member, Node, Value};
use crate::diag::{Diags, nearest};
use crate::source::{At, Span};

/// An object whose keys have been compared with the known ones.
#[derive(Clone, Copy, Debug)]
pub struct Obj<'n> {
    node: &'n Node,
    members: &'n [Member],
    what: &'static str,
}

impl<'n> Obj<'n> {
    /// Opens an object; reports a value that is none, keys that are not in `known`, and repeated keys.
    pub fn open(d: &mut Diags, node: &'n Node, what: &'static str, known: &[&'static str]) -> Option<Self> {
        let Value::Object(members) = &node.value else {
            wrong_type(d, node, what, "an object");
            return None;
        };
        for (i, member) in members.iter().enumerate() {
            if let Some(first) = members.iter().take(i).find(|m| m.key == member.key) {
                let message = format!("key \"{}\" stands twice in {what}", member.key);
                d.error_note("E004", member.at, message, Some(first.at), "first here");
            } else if !known.contains(&member.key.as_str()) {
                let note = match nearest(&member.key, known.iter().copied()) {
                    Some(k) => format!("did you mean \"{k}\"?"),
                    None => format!("known fields: {}", known.join(", ")),
                };
                d.error_note(
                    "E003",
                    member.at,
                    format!("unknown field \"{}\" in {what}", member.key),
                    None,
                    note,
                );
            }
        }
        Some(Self { node, members, what })
    }

    /// Where the object begins.
    #[must_use]
    pub fn at(&self) -> Span {
        Span { end: self.node.at.start + 1, ..self.node.at }
    }

    /// A field that may be left out.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.members.iter().find(|m| m.key == key).map(|m| &m.value)
    }

    /// A field that must be there.
    pub fn need(&self, d: &mut Diags, key: &str) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            d.error("E005", self.at(), format!("{} has no \"{key}\"", self.what));
        }
        found
    }

    /// A string that must be there.
    pub fn string(&self, d: &mut Diags, key: &str) -> Option<At<String>> {
        let node = self.need(d, key)?;
        string(d, node, key)
    }

    /// A whole number from `min` to `max` that must be there.
    pub fn uint(&self, d: &mut Diags, key: &str, min: u64, max: u64) -> Option<At<u64>> {
        let node = self.need(d, key)?;
        uint(d, node, key, min, max)
    }

    /// A boolean that may be left out and is then false.
    pub fn flag(&self, d: &mut Diags, key: &str) -> bool {
        match self.get(key).map(|n| (n, &n.value)) {
            None => false,
            Some((_, Value::Bool(b))) => *b,
            Some((node, _)) => {
                wrong_type(d, node, key, "true or false");
                false
            }
        }
    }

    /// An array that must be there.
    pub fn list(&self, d: &mut Diags, key: &str) -> &'n [Node] {
        self.need(d, key).map_or(&[], |node| list(d, node, key))
    }

    /// An array that may be left out.
    pub fn opt_list(&self, d: &mut Diags, key: &str) -> &'n [Node] {
        self.get(key).map_or(&[], |node| list(d, node, key))
    }
}

fn wrong_type(d: &mut Diags, node: &Node, what: &str, wanted: &str) {
    let at = match node.value {
        Value::Object(_) | Value::Array(_) => Span { end: node.at.start + 1, ..node.at },
        _ => node.at,
    };
    d.error("E002", at, format!("{what} must be {wanted}, not {}", node.value.kind()));
}

/// The string of a node.
pub fn string(d: &mut Diags, node: &Node, what: &str) -> Option<At<String>> {
    match &node.value {
        Value::String(s) => Some(At::new(s.clone(), node.at)),
        _ => {
            wrong_type(d, node, what, "a string");
            None
        }
    }
}

/// The whole number of a node; fractions and exponents are refused even where they are whole.
pub fn uint(d: &mut Diags, node: &Node, what: &str, min: u64, max: u64) -> Option<At<u64>> {
    let Value::Number(text) = &node.value else {
        wrong_type(d, node, what, "a whole number");
        return None;
    };
    match text.parse::<u64>() {
        Ok(n) if (min..=max).contains(&n) => Some(At::new(n, node.at)),
        _ => {
            d.error(
                "E006",
                node.at,
                format!("{what} must be a whole number from {min} to {max}, not {text}"),
            );
            None
        }
    }
}

/// The items of an array.
pub fn list<'n>(d: &mut Diags, node: &'n Node, what: &str) -> &'n [Node] {
    match &node.value {
        Value::Array(items) => items,
        _ => {
            wrong_type(d, node, what, "an array");
            &[]
        }
    }
}

/// A code by its spec name; an unknown one is reported with what is known.
pub fn code<T: Copy>(
    d: &mut Diags,
    finding: &'static str,
    name: &At<String>,
    what: &str,
    all: &[(T, &'static str)],
) -> Option<T> {
    let found = all.iter().find(|(_, n)| *n == name.v).map(|(v, _)| *v);
    if found.is_none() {
        let known: Vec<&str> = all.iter().map(|(_, n)| *n).collect();
        let mut note = match known.as_slice() {
            [] => format!("there is no {what} yet"),
            list => format!("known: {}", list.join(", ")),
        };
        if let Some(near) = nearest(&name.v, known.iter().copied()) {
            note = format!("did you mean \"{near}\"? {note}");
        }
        d.error_note(finding, name.at, format!("unknown {what} \"{}\"", name.v), None, note);
    }
    found
}
