//! JSON text to a tree in which every value and key knows its place. serde_json does the reading; the
//! addresses of its raw slices give the offsets.

use crate::diag::Diags;
use crate::source::Span;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Deepest nesting that is read. The spec needs 7.
pub const MAX_DEPTH: usize = 16;

/// A JSON value and its place.
#[derive(Debug)]
pub struct Node {
    /// From its first to its last character.
    pub at: Span,
    /// The value.
    pub value: Value,
}

/// A JSON value. Numbers stay text, so nothing is rounded.
#[derive(Debug)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Node>),
    /// An object: its members in the order they are written, duplicates included.
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Debug)]
pub struct Member {
    /// The key, unescaped.
    pub key: String,
    /// Where the key stands.
    pub at: Span,
    /// The value.
    pub value: Node,
}

impl Value {
    /// What kind of value it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads source `file`. On a finding it is reported and there is no tree.
pub fn parse(d: &mut Diags, file: u16) -> Option<Node> {
    let source = d.sources.get(usize::from(file))?.clone();
    let raw: &RawValue = match serde_json::from_str(&source.text) {
        Ok(raw) => raw,
        Err(e) => {
            let start = source.offset(e.line(), e.column());
            let text = e.to_string();
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            d.error("E001", Span { file, start, end: start + 1 }, format!("not JSON: {what}"));
            return None;
        }
    };
    let reader = Reader { text: &source.text, file };
    match reader.node(raw.get(), 0) {
        Ok(node) => Some(node),
        Err((at, message)) => {
            d.error("E001", at, message);
            None
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    file: u16,
}

type Failure = (Span, String);

impl Reader<'_> {
    /// The place of a slice of the text. Slices come from serde_json, which borrows from that text.
    fn span(&self, slice: &str) -> Span {
        let start = (slice.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Span { file: self.file, start: start as u32, end: (start + slice.len()) as u32 }
    }

    fn node(&self, raw: &str, depth: usize) -> Result<Node, Failure> {
        let at = self.span(raw);
        if depth > MAX_DEPTH {
            let at = Span { end: at.start + 1, ..at };
            return Err((at, format!("nested more than {MAX_DEPTH} deep")));
        }
        let fail = |e: serde_json::Error| (at, format!("not JSON: {e}"));
        let value = match raw.as_bytes().first() {
            Some(b'{') => {
                let Members(list) = serde_json::from_str(raw).map_err(fail)?;
                let members = list.into_iter().map(|(k, v)| self.member(k, v, depth));
                Value::Object(members.collect::<Result<_, _>>()?)
            }
            Some(b'[') => {
                let list: Vec<&RawValue> = serde_json::from_str(raw).map_err(fail)?;
                let items = list.into_iter().map(|v| self.node(v.get(), depth + 1));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::String(serde_json::from_str(raw).map_err(fail)?),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') => Value::Null,
            _ => Value::Number(raw.to_owned()),
        };
        Ok(Node { at, value })
    }

    fn member(&self, key: &RawValue, value: &RawValue, depth: usize) -> Result<Member, Failure> {
        let at = self.span(key.get());
        let text = serde_json::from_str(key.get()).map_err(|e| (at, format!("not JSON: {e}")))?;
        Ok(Member { key: text, at, value: self.node(value.get(), depth + 1)? })
    }
}

/// Every member of an object, in order: serde's maps would drop duplicates.
struct Members<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    list.push(pair);
                }
                Ok(Members(list))
            }
        }
        deserializer.deserialize_map(All)
    }
}

impl Node {
    /// The value as JSON without white space, members in their order.
    #[must_use]
    pub fn compact(&self) -> String {
        let join = |parts: Vec<String>| parts.join(",");
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => n.clone(),
            Value::String(s) => quote(s),
            Value::Array(items) => format!("[{}]", join(items.iter().map(Self::compact).collect())),
            Value::Object(members) => {
                let member = |m: &Member| format!("{}:{}", quote(&m.key), m.value.compact());
                format!("{{{}}}", join(members.iter().map(member).collect()))
            }
        }
    }
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
