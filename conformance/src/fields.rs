//! Fields of JSON objects, with errors that name them.

use serde_json::{Map, Value as Json};

pub(crate) type Result<T> = std::result::Result<T, String>;

/// A field that must be there.
pub(crate) fn field<'j>(json: &'j Json, name: &str) -> Result<&'j Json> {
    json.get(name).ok_or_else(|| format!("field {name:?} is missing"))
}

/// A text.
pub(crate) fn text(json: &Json, name: &str) -> Result<String> {
    let found = field(json, name)?;
    found.as_str().map(str::to_owned).ok_or_else(|| format!("field {name:?} is not text: {found}"))
}

/// A number without a sign.
pub(crate) fn number<T: TryFrom<u64>>(json: &Json, name: &str) -> Result<T> {
    let found = field(json, name)?;
    as_number(found).ok_or_else(|| format!("field {name:?} is not a number in range: {found}"))
}

/// The number that a value is.
pub(crate) fn as_number<T: TryFrom<u64>>(json: &Json) -> Option<T> {
    json.as_u64().and_then(|value| T::try_from(value).ok())
}

/// A list that may be left out when it is empty.
pub(crate) fn list<'j>(json: &'j Json, name: &str) -> Result<&'j [Json]> {
    json.get(name).map_or(Ok(&[]), |found| as_list(found).map_err(|_| not_a_list(name, found)))
}

fn not_a_list(name: &str, found: &Json) -> String {
    format!("field {name:?} is not a list: {found}")
}

/// The list that a value is.
pub(crate) fn as_list(json: &Json) -> Result<&[Json]> {
    json.as_array().map(Vec::as_slice).ok_or_else(|| format!("not a list: {json}"))
}

/// The object that a value is.
pub(crate) fn as_object(json: &Json) -> Result<&Map<String, Json>> {
    json.as_object().ok_or_else(|| format!("not an object: {json}"))
}

/// The parts of a list of so many.
pub(crate) fn parts<const N: usize>(json: &Json) -> Result<&[Json; N]> {
    as_list(json)?.try_into().map_err(|_| format!("not a list of {N}: {json}"))
}

/// The text that a value is.
pub(crate) fn as_text(json: &Json) -> Result<&str> {
    json.as_str().ok_or_else(|| format!("not text: {json}"))
}

/// Refuses fields other than these: what is not read is not checked.
pub(crate) fn only(json: &Json, known: &[&str]) -> Result<()> {
    let unknown = as_object(json)?.keys().find(|key| !known.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(format!("field {key:?} is not known")))
}
