//! One instruction on both engines, its operands as arguments and as constants in the code.

use crate::host_support::{End, modules, observe};
use opforge_vm::ids::FuncId;
use opforge_vm::{Capabilities, Instance, Limits, Linker, TrapCode, Value};
use std::fmt::Write as _;

/// What an instruction gives, or the trap that it ends in.
pub(crate) type Want = Result<Value, TrapCode>;

/// Instances of a program without imports, interpreted and compiled.
pub(crate) fn instances(source: &str) -> [Instance<()>; 2] {
    modules(source).map(|module| Linker::new().instantiate(&module, (), &Capabilities::none()).unwrap())
}

/// A value that can be compared also where it is a NaN: floats by their bits.
pub(crate) fn seen(value: &Value) -> Value {
    match value {
        Value::F64(v) => Value::U64(v.to_bits()),
        other => other.clone(),
    }
}

/// The instruction that makes a value in a register.
fn constant(reg: &str, value: &Value) -> String {
    match value {
        Value::Bool(v) => format!("const.bool {reg}, {v}"),
        Value::I64(v) => format!("const.i64 {reg}, {v}"),
        Value::U64(v) => format!("const.u64 {reg}, {v}"),
        Value::F64(v) if v.is_nan() => format!("const.f64 {reg}, nan:{:#018x}", v.to_bits()),
        Value::F64(v) => format!("const.f64 {reg}, {v:?}"),
        Value::Str(v) => format!("const.pool {reg}, {v:?}"),
        Value::Bytes(v) => {
            let digits: String = v.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("const.pool {reg}, hex\"{digits}\"")
        }
        other => panic!("there is no constant {other:?}"),
    }
}

/// A function of `args` whose last ones, from the `given`th on, are constants; it returns what the body leaves in `r`.
fn function(out: &mut String, body: &str, result: &str, args: &[Value], given: usize) {
    let params: Vec<String> = (0..given).map(|i| format!("p{i}: {}", args[i].value_type())).collect();
    let _ = writeln!(out, ".func f{}({}) -> ({result}) {{\n .reg r", out.len(), params.join(", "));
    for (i, value) in args.iter().enumerate().skip(given) {
        let _ = writeln!(out, " .reg p{i}\n {}", constant(&format!("p{i}"), value));
    }
    let _ = writeln!(out, " {body}\n ret r\n}}");
}

/// Checks what the lines of `body` leave in `r` for operands in `p0`, `p1` and so on: on both engines, with all
/// operands as arguments, all as constants, and the last one alone as a constant.
pub(crate) fn check(body: &str, result: &str, cases: &[(Vec<Value>, Want)]) {
    let mut source = String::new();
    let mut runs = Vec::new();
    for (args, want) in cases {
        let mut counts = vec![0, args.len().saturating_sub(1), args.len()];
        counts.dedup();
        for given in counts {
            function(&mut source, body, result, args, given);
            runs.push((&args[..given], args, want));
        }
    }
    let mut engines = instances(&source);
    for (func, (given, args, want)) in runs.into_iter().enumerate() {
        let ends = engines.each_mut().map(|instance| {
            let (end, fuel, ..) = observe(instance, FuncId(func as u32), given, Limits::new());
            let end = match end {
                End::Values(values) => Ok(seen(&values[0])),
                End::Trapped(trap) => Err((trap.code, trap.at())),
                other => panic!("{body} of {args:?}: {other:?}"),
            };
            (end, fuel)
        });
        let [interp, jit] = &ends;
        assert_eq!(interp, jit, "{body} of {args:?}, {} given: the engines differ", given.len());
        let found = interp.0.clone().map_err(|(code, _)| code);
        assert_eq!(
            found,
            want.clone().map(|value| seen(&value)),
            "{body} of {args:?}, {} given",
            given.len()
        );
    }
}

/// Cases of one operand.
pub(crate) fn of_one<T: Copy>(value: fn(T) -> Value, cases: &[(T, Want)]) -> Vec<(Vec<Value>, Want)> {
    cases.iter().map(|(a, want)| (vec![value(*a)], want.clone())).collect()
}

/// Cases of two operands of one type.
pub(crate) fn of_two<T: Copy>(value: fn(T) -> Value, cases: &[(T, T, Want)]) -> Vec<(Vec<Value>, Want)> {
    cases.iter().map(|(a, b, want)| (vec![value(*a), value(*b)], want.clone())).collect()
}
