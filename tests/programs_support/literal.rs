//! Values as directives write them, and their way to and from the engine.

use super::scan::Scan;
use opforge_vm::heap::{AggregateKind, Heap, ValueError};
use opforge_vm::ids::{ElemId, FuncId, StructId};
use opforge_vm::sem::Decimal;
use opforge_vm::{AggRef, Program, Value, ValueType};
use std::fmt;

/// A value with everything that it refers to. Floats are bits, so that comparing is exact.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Plain(Value),
    Float(u64),
    Tuple(Vec<Self>),
    Struct(u32, Vec<Self>),
    Array(u32, Vec<Self>),
    /// An aggregate handle that resolves to nothing.
    Invalid,
    Closure(FuncId, Box<Self>),
    /// Nested too deeply to be read back.
    Deep,
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Self]| {
            let items: Vec<_> = items.iter().map(ToString::to_string).collect();
            write!(f, "({})", items.join(", "))
        };
        match self {
            Self::Plain(value) => match value {
                Value::Unit => f.write_str("unit"),
                Value::Bool(v) => write!(f, "{v}"),
                Value::I64(v) => write!(f, "i64 {v}"),
                Value::U64(v) => write!(f, "u64 {v}"),
                Value::Decimal(v) => write!(f, "decimal({}, {})", v.mantissa, v.scale),
                Value::Bytes(v) => {
                    let digits: String = v.iter().map(|byte| format!("{byte:02x}")).collect();
                    write!(f, "hex\"{digits}\"")
                }
                Value::Str(v) => write!(f, "{v:?}"),
                Value::Obj { host_type, handle } => write!(f, "obj({host_type}, {handle})"),
                Value::Func(func) => write!(f, "func {}", func.0),
                other => write!(f, "{other:?}"),
            },
            Self::Float(bits) => {
                let value = f64::from_bits(*bits);
                if value.is_nan() { write!(f, "f64 nan:{bits:#x}") } else { write!(f, "f64 {value:?}") }
            }
            Self::Tuple(items) => f.write_str("tuple").and_then(|()| list(f, items)),
            Self::Struct(id, items) => write!(f, "struct #{id} ").and_then(|()| list(f, items)),
            Self::Array(id, items) => write!(f, "array #{id} ").and_then(|()| list(f, items)),
            Self::Invalid => f.write_str("agg invalid"),
            Self::Closure(func, env) => write!(f, "closure(func {}, {env})", func.0),
            Self::Deep => f.write_str("..."),
        }
    }
}

/// A float: decimal, `inf`, `nan` (the canonical one) or `nan:0x7ff8...`.
fn float(word: &str) -> Result<u64, String> {
    match word {
        "nan" => return Ok(opforge_vm::CANONICAL_NAN_BITS),
        "inf" => return Ok(f64::INFINITY.to_bits()),
        "-inf" => return Ok(f64::NEG_INFINITY.to_bits()),
        _ => {}
    }
    if let Some(hex) = word.strip_prefix("nan:0x") {
        return u64::from_str_radix(hex, 16).map_err(|e| format!("`{word}`: {e}"));
    }
    word.replace('_', "").parse::<f64>().map(f64::to_bits).map_err(|e| format!("`{word}`: {e}"))
}

/// A value. Numbers without a type have that of `wanted`.
pub(crate) fn literal(
    scan: &mut Scan<'_>,
    program: &Program,
    wanted: Option<ValueType>,
) -> Result<Literal, String> {
    scan.skip_blanks();
    if scan.rest.starts_with('"') {
        return scan.quoted().map(|text| Literal::Plain(Value::Str(text)));
    }
    if scan.eat("&") {
        return func(scan, program).map(|id| Literal::Plain(Value::Func(id)));
    }
    let before = *scan;
    let word = scan.word();
    Ok(Literal::Plain(match word {
        "unit" => Value::Unit,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "i64" => Value::I64(scan.number()?),
        "u64" => Value::U64(scan.number()?),
        "f64" => return Ok(Literal::Float(float(scan.word())?)),
        "str" => Value::Str(scan.quoted()?),
        "func" => Value::Func(FuncId(scan.number()?)),
        "decimal" => {
            scan.expect("(")?;
            let mantissa = scan.number()?;
            scan.expect(",")?;
            let scale = scan.number()?;
            scan.expect(")")?;
            Value::Decimal(Decimal { mantissa, scale })
        }
        "obj" => {
            scan.expect("(")?;
            let host_type = scan.number()?;
            scan.expect(",")?;
            let handle = scan.number()?;
            scan.expect(")")?;
            Value::Obj { host_type, handle }
        }
        "hex" => Value::Bytes(hex(&scan.quoted()?)?),
        "tuple" => return list(scan, program).map(Literal::Tuple),
        "struct" => {
            scan.expect("#")?;
            return Ok(Literal::Struct(scan.number()?, list(scan, program)?));
        }
        "array" => {
            scan.expect("#")?;
            return Ok(Literal::Array(scan.number()?, list(scan, program)?));
        }
        "agg" if scan.eat_word("invalid") => return Ok(Literal::Invalid),
        "closure" => {
            scan.expect("(")?;
            let id = if scan.eat("&") {
                func(scan, program)?
            } else {
                scan.eat_word("func");
                FuncId(scan.number()?)
            };
            scan.expect(",")?;
            let env = literal(scan, program, None)?;
            scan.expect(")")?;
            return Ok(Literal::Closure(id, Box::new(env)));
        }
        _ => {
            *scan = before;
            match wanted {
                Some(ValueType::I64) => Value::I64(scan.number()?),
                Some(ValueType::U64) => Value::U64(scan.number()?),
                Some(ValueType::F64) => return Ok(Literal::Float(float(scan.word())?)),
                _ => return Err(format!("no value at `{}`", scan.rest)),
            }
        }
    }))
}

fn func(scan: &mut Scan<'_>, program: &Program) -> Result<FuncId, String> {
    let name = scan.word();
    let ids = (0..program.functions().len() as u32).map(FuncId);
    ids.into_iter()
        .find(|&id| program.func_name(id) == Some(name))
        .ok_or_else(|| format!("no function `{name}`"))
}

fn list(scan: &mut Scan<'_>, program: &Program) -> Result<Vec<Literal>, String> {
    scan.expect("(")?;
    let mut items = Vec::new();
    while !scan.eat(")") {
        items.push(literal(scan, program, None)?);
        if !scan.eat(",") && !scan.rest.trim_start().starts_with(')') {
            return Err(format!("expected `,` or `)` at `{}`", scan.rest));
        }
    }
    Ok(items)
}

fn hex(digits: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
    if !digits.len().is_multiple_of(2) {
        return Err("an odd number of hex digits".into());
    }
    Ok(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

impl Literal {
    /// The value, with its aggregates made in `heap`.
    pub(crate) fn store(&self, heap: &mut Heap) -> Result<Value, ValueError> {
        let mut all =
            |items: &[Self]| items.iter().map(|item| item.store(heap)).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Float(bits) => Value::F64(f64::from_bits(*bits)),
            Self::Tuple(items) => {
                let items = all(items)?;
                Value::Agg(heap.new_tuple(&items)?)
            }
            Self::Struct(id, items) => {
                let items = all(items)?;
                Value::Agg(heap.new_struct(StructId(*id), &items)?)
            }
            Self::Array(id, items) => {
                let items = all(items)?;
                Value::Agg(heap.new_array(ElemId(*id), &items)?)
            }
            Self::Invalid | Self::Deep => Value::Agg(AggRef::INVALID),
            Self::Closure(func, env) => match env.store(heap)? {
                Value::Agg(env) => Value::Closure { func: *func, env },
                _ => Value::Closure { func: *func, env: AggRef::INVALID },
            },
        })
    }

    /// What a value is, read out of `heap`.
    pub(crate) fn load(value: &Value, heap: &Heap) -> Self {
        Self::load_to(value, heap, 64)
    }

    fn load_to(value: &Value, heap: &Heap, depth: u32) -> Self {
        match value {
            Value::F64(v) => Self::Float(v.to_bits()),
            Value::Agg(agg) => Self::load_agg(*agg, heap, depth),
            Value::Closure { func, env } => Self::Closure(*func, Box::new(Self::load_agg(*env, heap, depth))),
            other => Self::Plain(other.clone()),
        }
    }

    fn load_agg(agg: AggRef, heap: &Heap, depth: u32) -> Self {
        let Some(node) = heap.aggregate(agg) else { return Self::Invalid };
        let Some(deeper) = depth.checked_sub(1) else { return Self::Deep };
        let items = (0..node.len()).filter_map(|i| node.get(i));
        let items = items.map(|item| Self::load_to(&item, heap, deeper)).collect();
        match node.kind() {
            AggregateKind::Tuple => Self::Tuple(items),
            AggregateKind::Struct(id) => Self::Struct(id.0, items),
            AggregateKind::Array(id) => Self::Array(id.0, items),
        }
    }
}
