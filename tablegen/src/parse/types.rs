//! Reads `types.json`: register classes and logical types.

use super::json::Node;
use super::object::{Obj, string};
use crate::diag::{Diags, nearest};
use crate::model::{Class, LogicalType};
use opforge_schema::TypeRule;

/// Most slots a logical type may take.
const MAX_SLOTS: usize = 4;

pub(super) fn read(d: &mut Diags, node: &Node) -> Option<(Vec<Class>, Vec<LogicalType>)> {
    let obj = Obj::open(d, node, "the type spec", &["$schema", "classes", "types"])?;
    let mut classes = Vec::new();
    for node in obj.list(d, "classes") {
        classes.extend(class(d, node, classes.len()));
    }
    let mut types: Vec<LogicalType> = Vec::new();
    let nodes = obj.list(d, "types");
    logical_types(d, nodes, &classes, &mut types);
    Some((classes, types))
}

/// Adds logical types; each may name those before it.
pub(super) fn logical_types(d: &mut Diags, nodes: &[Node], classes: &[Class], types: &mut Vec<LogicalType>) {
    for node in nodes {
        let read = logical(d, node, classes, types);
        types.extend(read);
    }
}

fn class(d: &mut Diags, node: &Node, position: usize) -> Option<Class> {
    let obj = Obj::open(d, node, "a class", &["name", "tag", "slots", "heap", "linear", "doc"])?;
    let (name, tag) = (obj.string(d, "name"), obj.uint(d, "tag", 0, 255));
    let slots = obj.uint(d, "slots", 0, 2);
    obj.need(d, "heap");
    let (heap, linear) = (obj.flag(d, "heap"), obj.flag(d, "linear"));
    obj.string(d, "doc");
    let (name, tag, slots) = (name?, tag?, slots?);
    if tag.v as usize != position {
        d.error("E050", tag.at, format!("class \"{}\" stands at place {position}, not {}", name.v, tag.v));
    }
    // Classes without a type rule of their own, such as host objects, carry more in their type than a class.
    let rule = TypeRule::from_name(&name.v).filter(|r| !r.takes_operand()).unwrap_or(TypeRule::None);
    Some(Class { name, tag: tag.v as u8, slots: slots.v as u8, heap, linear, rule })
}

fn logical(d: &mut Diags, node: &Node, classes: &[Class], types: &[LogicalType]) -> Option<LogicalType> {
    let obj = Obj::open(d, node, "a logical type", &["name", "layout", "doc"])?;
    let name = obj.string(d, "name");
    obj.string(d, "doc");
    let layout = obj.need(d, "layout")?;
    let mut slots = Vec::new();
    for item in obj.list(d, "layout") {
        let Some(part) = string(d, item, "a layout entry") else { continue };
        if let Some(class) = classes.iter().find(|c| c.name.v == part.v) {
            if class.slots != 1 {
                let message = format!("\"{}\" takes {} slots; a layout takes one each", part.v, class.slots);
                d.error("E051", part.at, message);
            }
            if class.linear {
                let message = format!("\"{}\" is used exactly once; a layout takes plain values", part.v);
                d.error("E051", part.at, message);
            }
            slots.push(class.tag);
        } else if let Some(inner) = types.iter().find(|t| t.name.v == part.v) {
            slots.extend_from_slice(&inner.slots);
        } else {
            let known = classes.iter().map(|c| &c.name).chain(types.iter().map(|t| &t.name));
            let note = match nearest(&part.v, known.map(|n| n.v.as_str())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "a layout names register classes and the types above it".to_owned(),
            };
            let message = format!("unknown class or type \"{}\"", part.v);
            d.error_note("E051", part.at, message, None, note);
            return None;
        }
    }
    if slots.is_empty() || slots.len() > MAX_SLOTS {
        let at = crate::source::Span { end: layout.at.start + 1, ..layout.at };
        d.error("E051", at, format!("a layout takes 1 to {MAX_SLOTS} slots, not {}", slots.len()));
        return None;
    }
    Some(LogicalType { name: name?, slots })
}
