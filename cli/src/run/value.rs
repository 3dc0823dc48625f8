//! Values as text and as JSON. Aggregates are walked without recursion, to a depth and up to a size: a value may
//! stand in many places of another one, so what is small in memory can be endless on paper.

use crate::text::{hex, quoted};
use opforge::heap::{AggregateKind, Heap};
use opforge::ids::StructId;
use opforge::sem::Decimal;
use opforge::{AggRef, FuncId, Program, Value};
use serde_json::{Map, Value as Json, json};

/// Aggregates inside each other that are opened.
const MAX_DEPTH: usize = 32;
/// Elements and bytes of text inside aggregates that are shown, counted together.
const MAX_SIZE: usize = 1 << 20;
/// What an element counts at least.
const ELEMENT_SIZE: usize = 16;

/// What stands around values.
#[derive(Clone, Copy, Debug)]
enum Head {
    Agg(AggregateKind),
    Closure(FuncId),
}

/// One step of the walk over a value.
enum Event<'v> {
    Leaf(&'v Value),
    Open(Head),
    /// The next value is the element or field with this index.
    Element(usize),
    /// So many elements are not shown.
    Omitted(usize),
    Close,
}

enum Task {
    Value(Value),
    Elements { agg: AggRef, next: usize },
    Close,
}

fn walk(heap: &Heap, value: &Value, emit: &mut dyn FnMut(Event<'_>)) {
    let mut tasks = vec![Task::Value(value.clone())];
    let (mut depth, mut room) = (0, MAX_SIZE);
    while let Some(task) = tasks.pop() {
        match task {
            Task::Value(Value::Closure { func, env }) => {
                emit(Event::Open(Head::Closure(func)));
                emit(Event::Element(0));
                tasks.push(Task::Close);
                tasks.push(Task::Value(Value::Agg(env)));
            }
            Task::Value(Value::Agg(agg)) => match heap.aggregate(agg) {
                None => emit(Event::Leaf(&Value::Agg(agg))),
                Some(view) => {
                    emit(Event::Open(Head::Agg(view.kind())));
                    depth += 1;
                    tasks.push(Task::Elements { agg, next: 0 });
                }
            },
            Task::Value(leaf) => emit(Event::Leaf(&leaf)),
            Task::Elements { agg, next } => {
                let view = heap.aggregate(agg);
                let left = view.map_or(0, |view| view.len()).saturating_sub(next);
                let cut = depth > MAX_DEPTH || room == 0;
                let element = if cut { None } else { view.and_then(|view| view.get(next)) };
                let Some(element) = element else {
                    if left > 0 {
                        emit(Event::Omitted(left));
                    }
                    emit(Event::Close);
                    depth -= 1;
                    continue;
                };
                room = room.saturating_sub(ELEMENT_SIZE + text_len(&element));
                emit(Event::Element(next));
                tasks.push(Task::Elements { agg, next: next + 1 });
                tasks.push(Task::Value(element));
            }
            Task::Close => emit(Event::Close),
        }
    }
}

fn text_len(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

fn func_name(program: &Program, func: FuncId) -> String {
    program
        .func_name(func)
        .map_or_else(|| format!("&{}", func.0), |name| format!("&{}", crate::text::clean(name)))
}

/// The name of a struct's field, if it has one.
fn field(program: &Program, id: StructId, index: usize) -> Option<&str> {
    let name = *program.struct_field_names(id)?.get(index)?;
    program.field_names().get(name as usize)
}

/// A float as the assembler reads it.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { format!("{value:?}") }
}

/// The number `mantissa / 10^scale`, with all its places.
pub(crate) fn decimal(value: Decimal) -> String {
    let places = usize::from(value.scale);
    let digits = format!("{:0>width$}", value.mantissa.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if value.mantissa < 0 { "-" } else { "" };
    let point = if places == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Type and content of a value without parts.
fn leaf(program: &Program, value: &Value) -> (String, Json) {
    match value {
        Value::Unit => (String::new(), Json::Null),
        Value::Bool(v) => (v.to_string(), (*v).into()),
        Value::I64(v) => (v.to_string(), v.to_string().into()),
        Value::U64(v) => (v.to_string(), v.to_string().into()),
        Value::F64(v) => (float(*v), float(*v).into()),
        Value::Decimal(v) => (decimal(*v), decimal(*v).into()),
        Value::Bytes(v) => (hex(v), hex(v).into()),
        Value::Str(v) => (quoted(v), v.as_str().into()),
        Value::Obj { handle, .. } => (handle.to_string(), handle.to_string().into()),
        Value::Func(func) => (func_name(program, *func), func.0.into()),
        _ => ("invalid".to_owned(), Json::Null),
    }
}

/// A value on one line, as in `i64 6765` or `tuple (i64 1, str "x")`.
pub(crate) fn text(program: &Program, heap: &Heap, value: &Value) -> String {
    let mut out = String::new();
    let mut open: Vec<Head> = Vec::new();
    walk(heap, value, &mut |event| match event {
        Event::Leaf(value) => {
            let (content, _) = leaf(program, value);
            out += &value.value_type().to_string();
            if !content.is_empty() {
                out.push(' ');
                out += &content;
            }
        }
        Event::Open(head) => {
            out += &match head {
                Head::Agg(AggregateKind::Tuple) => "tuple (".to_owned(),
                Head::Agg(AggregateKind::Struct(id)) => format!("struct #{} {{", id.0),
                Head::Agg(AggregateKind::Array(_)) => "array [".to_owned(),
                Head::Closure(func) => format!("closure {} (", func_name(program, func)),
            };
            open.push(head);
        }
        Event::Element(index) => {
            out += if index == 0 { "" } else { ", " };
            if let Some(&Head::Agg(AggregateKind::Struct(id))) = open.last() {
                match field(program, id, index) {
                    Some(name) if !name.is_empty() => out += &crate::text::clean(name),
                    _ => out += &index.to_string(),
                }
                out += ": ";
            }
        }
        Event::Omitted(count) => out += &format!(" ... {count} more"),
        Event::Close => match open.pop() {
            Some(Head::Agg(AggregateKind::Struct(_))) => out.push('}'),
            Some(Head::Agg(AggregateKind::Array(_))) => out.push(']'),
            _ => out.push(')'),
        },
    });
    out
}

/// A value for machines: `{"type": "i64", "value": "6765"}`; see `opforge run --help`.
pub(crate) fn json(program: &Program, heap: &Heap, value: &Value) -> Json {
    // One list of values for every aggregate that is open, and one for the result.
    let mut lists: Vec<(Option<Head>, Vec<Json>, usize)> = vec![(None, Vec::new(), 0)];
    walk(heap, value, &mut |event| {
        let done = match event {
            Event::Open(head) => {
                lists.push((Some(head), Vec::new(), 0));
                return;
            }
            Event::Element(_) => return,
            Event::Omitted(count) => {
                if let Some((_, _, omitted)) = lists.last_mut() {
                    *omitted = count;
                }
                return;
            }
            Event::Leaf(value) => {
                json!({"type": value.value_type().to_string(), "value": leaf(program, value).1})
            }
            Event::Close => match lists.pop() {
                Some((Some(head), values, omitted)) => closed(program, head, values, omitted),
                _ => return,
            },
        };
        if let Some((_, list, _)) = lists.last_mut() {
            list.push(done);
        }
    });
    lists.pop().and_then(|(_, mut list, _)| list.pop()).unwrap_or(Json::Null)
}

/// An aggregate whose values are all there. They are moved: `json!` would copy them at every level.
fn closed(program: &Program, head: Head, mut values: Vec<Json>, omitted: usize) -> Json {
    let mut object = Map::new();
    let mut put = |name: &str, value: Json| object.insert(name.to_owned(), value);
    match head {
        Head::Agg(kind @ (AggregateKind::Tuple | AggregateKind::Array(_))) => {
            put("type", if kind == AggregateKind::Tuple { "tuple" } else { "array" }.into());
            put("elements", Json::Array(values));
        }
        Head::Agg(AggregateKind::Struct(id)) => {
            put("type", "struct".into());
            put("id", id.0.into());
            let fields = values.into_iter().enumerate().map(|(i, value)| {
                let name = field(program, id, i).unwrap_or("");
                Json::Object(Map::from_iter([("name".to_owned(), name.into()), ("value".to_owned(), value)]))
            });
            put("fields", fields.collect());
        }
        Head::Closure(func) => {
            put("type", "closure".into());
            put("function", func.0.into());
            put("name", program.func_name(func).into());
            put("env", values.pop().unwrap_or(Json::Null));
        }
    }
    if omitted > 0 {
        put("omitted", omitted.into());
    }
    Json::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_show_all_places() {
        assert_eq!(decimal(Decimal { mantissa: -5, scale: 3 }), "-0.005");
        assert_eq!(decimal(Decimal { mantissa: 1234, scale: 2 }), "12.34");
        assert_eq!(decimal(Decimal { mantissa: i64::MIN, scale: 0 }), "-9223372036854775808");
        assert_eq!(decimal(Decimal { mantissa: 0, scale: 2 }), "0.00");
    }

    #[test]
    fn floats_read_back() {
        assert_eq!(float(1.0), "1.0");
        assert_eq!(float(f64::NEG_INFINITY), "-inf");
        assert_eq!(float(f64::NAN), "nan");
    }
}
