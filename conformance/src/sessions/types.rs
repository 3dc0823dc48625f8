//! Local types, as case files write them.

use super::values::payload;
use crate::fields::{Result, as_list, as_text, field, only, parts, text};
use opforge::protocol::{Branch, LocalType};
use serde_json::Value as Json;

/// Reads a local type, well-formed or not. The parser of JSON bounds how deep it is.
pub(super) fn local_type(json: &Json) -> Result<LocalType> {
    if json == "end" {
        return Ok(LocalType::end());
    }
    if json.get("var").is_some() {
        only(json, &["var"])?;
        return Ok(LocalType::var(&text(json, "var")?));
    }
    if json.get("mu").is_some() {
        only(json, &["mu", "body"])?;
        return Ok(LocalType::mu(&text(json, "mu")?, local_type(field(json, "body")?)?));
    }
    let branches = || as_list(field(json, "branches")?)?.iter().map(branch).collect::<Result<Vec<_>>>();
    if json.get("send").is_some() {
        only(json, &["send", "branches"])?;
        return Ok(LocalType::send(&text(json, "send")?, branches()?));
    }
    if json.get("recv").is_some() {
        only(json, &["recv", "branches"])?;
        return Ok(LocalType::recv(&text(json, "recv")?, branches()?));
    }
    Err(format!("{json} is no local type"))
}

fn branch(json: &Json) -> Result<Branch<LocalType>> {
    let [label, annotation, next] = parts(json)?;
    Ok(Branch::new(as_text(label)?, payload(annotation)?, local_type(next)?))
}
