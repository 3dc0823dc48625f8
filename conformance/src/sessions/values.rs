//! Values and their classes, as case files write them.

use crate::fields::{Result, as_number, as_text, only, parts};
use opforge::ValueType;
use opforge::protocol::Payload;
use serde_json::{Value as Json, json};
use std::fmt;

/// What a register of a case holds, as far as its type goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing.
    Unit,
    /// A truth value.
    Bool,
    /// A number.
    Nat,
    /// Text.
    Text,
    /// The name of an endpoint and a text.
    Fact,
    /// An endpoint.
    Chan,
    /// Proof of holding a guard layer.
    Evidence,
}

impl Class {
    /// The VM's type.
    #[must_use]
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::Unit => ValueType::Unit,
            Self::Bool => ValueType::Bool,
            Self::Nat => ValueType::U64,
            Self::Text => ValueType::Str,
            Self::Fact => ValueType::Agg,
            Self::Chan => ValueType::Chan,
            Self::Evidence => ValueType::Evidence,
        }
    }

    /// What the payload of a message leaves in a register; nothing of a payload that no case has.
    pub(super) fn of_payload(payload: &Payload) -> Option<Self> {
        match payload {
            Payload::Value(ValueType::Unit) => Some(Self::Unit),
            Payload::Value(ValueType::Bool) => Some(Self::Bool),
            Payload::Value(ValueType::U64) => Some(Self::Nat),
            Payload::Value(ValueType::Str) => Some(Self::Text),
            _ => None,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "unit",
            Self::Bool => "bool",
            Self::Nat => "nat",
            Self::Text => "string",
            Self::Fact => "prod",
            Self::Chan => "endpoint",
            Self::Evidence => "evidence",
        })
    }
}

/// The payload that an annotation means; none is unit.
pub(super) fn payload(json: &Json) -> Result<Payload> {
    let ty = match json {
        Json::Null => ValueType::Unit,
        other => match other.as_str() {
            Some("unit") => ValueType::Unit,
            Some("bool") => ValueType::Bool,
            Some("nat") => ValueType::U64,
            Some("string") => ValueType::Str,
            _ => return Err(format!("payload {other} is not one that can be run")),
        },
    };
    Ok(Payload::Value(ty))
}

/// A value that a case file states.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Literal {
    /// `null`.
    Unit,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Nat(u64),
    /// A text.
    Text(String),
    /// `{"prod": [{"endpoint": [session, role]}, text]}`.
    Fact {
        /// The number of the session.
        session: u32,
        /// The role.
        role: String,
        /// What is known about the endpoint.
        text: String,
    },
}

impl Literal {
    pub(super) fn from_json(json: &Json) -> Result<Self> {
        Ok(match json {
            Json::Null => Self::Unit,
            Json::Bool(v) => Self::Bool(*v),
            Json::String(text) => Self::Text(text.clone()),
            Json::Object(fields) => {
                only(json, &["prod"])?;
                let [endpoint, text] = parts(fields.get("prod").unwrap_or(&Json::Null))?;
                only(endpoint, &["endpoint"])?;
                let [session, role] = parts(endpoint.get("endpoint").unwrap_or(&Json::Null))?;
                let session = as_number(session).ok_or_else(|| format!("{session} is no session"))?;
                Self::Fact { session, role: as_text(role)?.to_owned(), text: as_text(text)?.to_owned() }
            }
            other => Self::Nat(as_number(other).ok_or_else(|| format!("{other} is no value"))?),
        })
    }

    /// Its class.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Unit => Class::Unit,
            Self::Bool(_) => Class::Bool,
            Self::Nat(_) => Class::Nat,
            Self::Text(_) => Class::Text,
            Self::Fact { .. } => Class::Fact,
        }
    }

    /// The value of a class that stands for nothing said.
    pub(super) fn zero(class: Class) -> Result<Self> {
        Ok(match class {
            Class::Unit => Self::Unit,
            Class::Bool => Self::Bool(false),
            Class::Nat => Self::Nat(0),
            Class::Text => Self::Text(String::new()),
            Class::Fact | Class::Chan | Class::Evidence => {
                return Err(format!("no {class} stands for nothing"));
            }
        })
    }
}

/// An endpoint in the notation of the case files.
pub(super) fn endpoint(session: usize, role: &str) -> Json {
    json!({ "endpoint": [session, role] })
}
