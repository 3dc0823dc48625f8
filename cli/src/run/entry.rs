//! Which function runs, and its arguments from the command line.

use crate::codes;
use crate::failure::{Failure, Problem};
use crate::text;
use opforge::sem::Decimal;
use opforge::{FuncId, Program, Value, ValueType};
use std::ffi::{OsStr, OsString};

/// Functions that a message names at most.
const MAX_NAMED: usize = 20;

/// The function to run.
pub(crate) fn choose(program: &Program, asked: Option<&str>) -> Result<FuncId, Failure> {
    let missing = |message: String| Failure::own(codes::NO_ENTRY, &message);
    let count = program.functions().len();
    let Some(asked) = asked else {
        if count == 0 {
            return Err(missing("the program has no function".to_owned()));
        }
        return Ok(named(program, "main").next().unwrap_or(FuncId(0)));
    };
    let mut found = named(program, asked);
    match (found.next(), found.next()) {
        (Some(func), None) => return Ok(func),
        (Some(_), Some(_)) => {
            return Err(missing(format!("several functions are named {asked}; use an index, such as &0")));
        }
        (None, _) => {}
    }
    match asked.strip_prefix('&').unwrap_or(asked).parse::<u32>() {
        Ok(index) if (index as usize) < count => Ok(FuncId(index)),
        _ => Err(missing(format!("there is no function {asked}; there are: {}", names(program)))),
    }
}

fn ids(program: &Program) -> impl Iterator<Item = FuncId> {
    (0..program.functions().len() as u32).map(FuncId)
}

fn named<'p>(program: &'p Program, name: &'p str) -> impl Iterator<Item = FuncId> + 'p {
    ids(program).filter(move |&func| program.func_name(func) == Some(name))
}

fn names(program: &Program) -> String {
    let mut list: Vec<String> = ids(program).take(MAX_NAMED).map(|func| label(program, func)).collect();
    if program.functions().len() > MAX_NAMED {
        list.push("...".to_owned());
    }
    list.join(", ")
}

/// A function's name, or its index if it has none.
fn label(program: &Program, func: FuncId) -> String {
    program.func_name(func).map_or(format!("&{}", func.0), str::to_owned)
}

/// The signature as people write it.
pub(crate) fn signature(program: &Program, func: FuncId) -> String {
    let params = program.func_sig(func).map_or(&[][..], |sig| sig.params);
    let names = program.param_names(func);
    let list: Vec<String> = params
        .iter()
        .enumerate()
        .map(|(i, ty)| match names.get(i).and_then(|&name| program.symbol(name)) {
            Some(name) if !name.is_empty() => format!("{name}: {ty}"),
            _ => ty.to_string(),
        })
        .collect();
    format!("{}({})", label(program, func), list.join(", "))
}

/// Reads arguments by the parameter types of the function.
pub(crate) fn arguments(program: &Program, func: FuncId, args: &[OsString]) -> Result<Vec<Value>, Failure> {
    let params = program.func_sig(func).map_or(&[][..], |sig| sig.params);
    if params.len() != args.len() {
        let message = format!(
            "{} takes {} arguments, {} were given",
            signature(program, func),
            params.len(),
            args.len()
        );
        let functions = names(program);
        return Err(Problem::own(codes::ARG_COUNT, &message).with("functions", functions).into());
    }
    let mut values = Vec::with_capacity(params.len());
    for (i, (arg, &ty)) in args.iter().zip(params).enumerate() {
        let value = value(program, arg, ty).map_err(|reason| {
            let shown = text::quoted(&arg.to_string_lossy());
            let message = format!("argument {} of {}: {shown} {reason}", i + 1, signature(program, func));
            Failure::from(Problem::own(codes::BAD_ARG, &message).with("argument", i + 1))
        })?;
        values.push(value);
    }
    Ok(values)
}

/// Reads a value of a type; the error says what is wrong with it.
pub(crate) fn value(program: &Program, arg: &OsStr, ty: ValueType) -> Result<Value, String> {
    let text = arg.to_str().ok_or("is not UTF-8")?;
    let wrong = || format!("is no {ty}");
    Ok(match ty {
        ValueType::Unit if matches!(text, "unit" | "()") => Value::Unit,
        ValueType::Bool => Value::Bool(text.parse().map_err(|_| wrong())?),
        ValueType::I64 => Value::I64(signed(text).ok_or_else(wrong)?),
        ValueType::U64 => Value::U64(unsigned(text).ok_or_else(wrong)?),
        ValueType::F64 => Value::F64(float(text)?),
        ValueType::Decimal => Value::Decimal(decimal(text)?),
        ValueType::Bytes => Value::Bytes(bytes(text).ok_or("is no 0x and pairs of hex digits")?),
        ValueType::Str => Value::Str(text.to_owned()),
        ValueType::Func => {
            Value::Func(function(program, text).ok_or("names no function, as in &main or &0")?)
        }
        ValueType::Unit => return Err(wrong()),
        _ => return Err(format!("cannot be given: a value of type {ty} has no text form")),
    })
}

fn digits(text: &str) -> (&str, u32) {
    match text.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None => (text, 10),
    }
}

/// `from_str_radix` would take another sign behind the one that was read.
fn magnitude(text: &str) -> Option<u64> {
    let (digits, radix) = digits(text);
    if digits.starts_with(['+', '-']) { None } else { u64::from_str_radix(digits, radix).ok() }
}

fn unsigned(text: &str) -> Option<u64> {
    magnitude(text)
}

fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(rest) => 0i64.checked_sub_unsigned(magnitude(rest)?),
        None => i64::try_from(magnitude(text)?).ok(),
    }
}

fn float(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "is no f64".to_owned())?;
    // A number too large reads as infinity; only the word means it.
    if value.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) {
        return Err("is out of the range of f64".to_owned());
    }
    Ok(value)
}

/// The scale is the number of digits behind the point.
fn decimal(text: &str) -> Result<Decimal, String> {
    let wrong = || "is no decimal, as in -12.34".to_owned();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || rest.ends_with('.') {
        return Err(wrong());
    }
    let scale =
        u8::try_from(fraction.len()).map_err(|_| "has more than 255 digits behind the point".to_owned())?;
    let mantissa = format!("{sign}{whole}{fraction}")
        .parse()
        .map_err(|_| "does not fit a mantissa of 64 bits".to_owned())?;
    Ok(Decimal { mantissa, scale })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let hex = text.strip_prefix("0x")?.as_bytes();
    let digit = |b: u8| char::from(b).to_digit(16).map(|digit| digit as u8);
    let pairs = hex.chunks(2).map(|pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

fn function(program: &Program, text: &str) -> Option<FuncId> {
    let name = text.strip_prefix('&')?;
    choose(program, Some(name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_at_their_ends() {
        assert_eq!(signed("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed("9223372036854775807"), Some(i64::MAX));
        assert_eq!(signed("9223372036854775808"), None);
        assert_eq!(signed("-0x10"), Some(-16));
        for wrong in ["", "-", "--1", "-+1", "+1", "0x", "0x+1", "1.0", " 1", "1_000"] {
            assert_eq!(signed(wrong), None, "{wrong:?}");
        }
        assert_eq!(unsigned("18446744073709551615"), Some(u64::MAX));
        assert_eq!(unsigned("-0"), None);
    }

    #[test]
    fn floats_do_not_overflow_to_infinity() {
        assert_eq!(float("1e308"), Ok(1e308));
        assert_eq!(float("-inf"), Ok(f64::NEG_INFINITY));
        assert!(float("nan").is_ok_and(f64::is_nan));
        assert!(float("1e400").is_err());
        assert!(float("1,5").is_err());
    }

    #[test]
    fn decimals_keep_their_scale() {
        assert_eq!(decimal("-12.340"), Ok(Decimal { mantissa: -12340, scale: 3 }));
        assert_eq!(decimal("7"), Ok(Decimal { mantissa: 7, scale: 0 }));
        assert_eq!(decimal("-9223372036854775808"), Ok(Decimal { mantissa: i64::MIN, scale: 0 }));
        assert!(decimal("0.").is_err() && decimal(".5").is_err() && decimal("--1").is_err());
        assert!(decimal("9223372036854775808").is_err());
        assert!(decimal(&format!("0.{}", "0".repeat(256))).is_err());
    }

    #[test]
    fn bytes_are_pairs_of_hex_digits() {
        assert_eq!(bytes("0x"), Some(vec![]));
        assert_eq!(bytes("0x00fF"), Some(vec![0, 255]));
        assert_eq!(bytes("0x0"), None);
        assert_eq!(bytes("00"), None);
        assert_eq!(bytes("0x+1"), None);
    }
}
