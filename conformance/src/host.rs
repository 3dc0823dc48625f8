//! The fixed host of the case files: the table of functions in `extape/README.md`.
//!
//! A function is registered for every import of a program under the import's own symbol and types, and looks at the
//! kinds of its arguments and the number of its results when it is called. So an import with types that the function
//! does not have fails when it is called, as the cases expect, and not when it is linked.

use crate::convert::list_from_vm;
use crate::value::CaseValue;
use opforge::host::{Caller, Capability, Linker, Unknown};
use opforge::ids::HostSigId;
use opforge::{AggRef, HostError, Program, Value};

/// What the host remembers of one run.
#[derive(Clone, Debug, Default)]
pub struct HostData {
    /// Calls of known functions, those that failed included.
    pub calls: u64,
    /// Fuel that was charged and there.
    pub charged: u64,
    /// The calls of known functions in order, where they are wanted.
    pub log: Option<Vec<HostCall>>,
}

/// One call of a known function. Values that case files have no notation for are errors in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCall {
    /// The symbol of the import.
    pub symbol: String,
    /// Fuel that was left.
    pub fuel: u64,
    /// Bytes of the heap that were charged.
    pub memory: u64,
    /// What it was called with.
    pub args: Result<Vec<CaseValue>, String>,
    /// What it gave, or why it failed.
    pub results: Result<Vec<CaseValue>, String>,
}

type Outcome = Result<(), HostError>;
type HostFn = fn(&mut Caller<'_, HostData>, &[Value], &mut [Value]) -> Outcome;

/// The functions by symbol.
const FUNCTIONS: &[(&str, HostFn)] = &[
    ("host.nop", nop),
    ("host.echo", echo),
    ("host.add_i64", add_i64),
    ("host.concat", concat),
    ("host.swap", swap),
    ("host.sqrt", sqrt),
    ("host.hash", hash),
    ("host.count", count),
    ("host.charge", charge),
    ("host.charge_ret", charge_ret),
    ("host.agg_len", agg_len),
    ("host.agg_sum", agg_sum),
    ("host.make_obj", make_obj),
    ("host.obj_handle", obj_handle),
    ("host.bad_type", bad_type),
    ("host.bad_obj", bad_obj),
    ("host.bad_agg", bad_agg),
    ("host.fail", fail),
    ("host.sig_mismatch", sig_mismatch),
];

/// The symbols of the host's functions.
pub fn symbols() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|&(symbol, _)| symbol)
}

/// A linker with the host's functions for the imports of a program. Imports of other symbols fail with
/// `UnknownSymbol` when they are called.
#[must_use]
pub fn linker(program: &Program) -> Linker<HostData> {
    let mut linker = Linker::new();
    linker.unknown_imports(Unknown::TrapWhenCalled);
    for index in 0..program.host_sig_count() {
        let Some(import) = program.host_sig(HostSigId(index as u32)) else { continue };
        let Some(symbol) = program.symbol(import.symbol) else { continue };
        let Some(&(_, function)) = FUNCTIONS.iter().find(|(name, _)| *name == symbol) else { continue };
        let name = symbol.to_owned();
        let call = move |caller: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]| {
            caller.data_mut().calls += 1;
            if caller.data().log.is_none() {
                return function(caller, args, rets);
            }
            let (fuel, memory, seen) =
                (caller.fuel(), caller.heap().charged(), list_from_vm(args, caller.heap()));
            let outcome = function(caller, args, rets);
            let results = match &outcome {
                Ok(()) => list_from_vm(rets, caller.heap()),
                Err(error) => Err(error.to_string()),
            };
            let call = HostCall { symbol: name.clone(), fuel, memory, args: seen, results };
            caller.data_mut().log.get_or_insert_default().push(call);
            outcome
        };
        // Two imports may have one symbol and one signature; the function behind them is the same one.
        let _ = linker.func_dyn(symbol, Capability::none(), import.sig.params, import.sig.results, call);
    }
    linker
}

const MISMATCH: Outcome = Err(HostError::SignatureMismatch);

fn nop(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    if args.is_empty() && rets.is_empty() { Ok(()) } else { MISMATCH }
}

fn echo(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    if args.len() != rets.len() {
        return MISMATCH;
    }
    rets.clone_from_slice(args);
    Ok(())
}

fn add_i64(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::I64(a), Value::I64(b)], [ret]) = (args, rets) else { return MISMATCH };
    *ret = Value::I64(a.wrapping_add(*b));
    Ok(())
}

fn concat(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::Str(a), Value::Str(b)], [ret]) = (args, rets) else { return MISMATCH };
    *ret = Value::Str(format!("{a}{b}"));
    Ok(())
}

fn swap(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([a, b], [first, second]) = (args, rets) else { return MISMATCH };
    (*first, *second) = (b.clone(), a.clone());
    Ok(())
}

fn sqrt(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::F64(a)], [ret]) = (args, rets) else { return MISMATCH };
    *ret = Value::F64(a.sqrt());
    Ok(())
}

/// FNV-1a with 64 bits.
fn hash(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::Bytes(bytes)], [ret]) = (args, rets) else { return MISMATCH };
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    *ret = Value::U64(bytes.iter().fold(0xcbf2_9ce4_8422_2325, step));
    Ok(())
}

fn count(caller: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([], [ret]) = (args, rets) else { return MISMATCH };
    *ret = Value::U64(caller.data().calls);
    Ok(())
}

fn charge_fuel(caller: &mut Caller<'_, HostData>, fuel: u64) {
    let there = fuel.min(caller.fuel());
    let data = caller.data_mut();
    data.charged += there;
    caller.charge(fuel);
}

fn charge(caller: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::U64(fuel)], []) = (args, rets) else { return MISMATCH };
    charge_fuel(caller, *fuel);
    Ok(())
}

fn charge_ret(caller: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::U64(fuel), value], [ret]) = (args, rets) else { return MISMATCH };
    *ret = value.clone();
    charge_fuel(caller, *fuel);
    Ok(())
}

fn agg_len(caller: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::Agg(agg)], [ret]) = (args, rets) else { return MISMATCH };
    let found = caller.heap().aggregate(*agg).ok_or_else(|| HostError::failed("no such aggregate"))?;
    *ret = Value::U64(found.len() as u64);
    Ok(())
}

fn agg_sum(caller: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::Agg(agg)], [ret]) = (args, rets) else { return MISMATCH };
    let found = caller.heap().aggregate(*agg).ok_or_else(|| HostError::failed("no such aggregate"))?;
    let numbers = (0..found.len()).filter_map(|index| match found.get(index) {
        Some(Value::I64(number)) => Some(number),
        _ => None,
    });
    *ret = Value::I64(numbers.fold(0, i64::wrapping_add));
    Ok(())
}

fn make_obj(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::U64(handle)], [ret]) = (args, rets) else { return MISMATCH };
    *ret = Value::Obj { host_type: 7, handle: *handle };
    Ok(())
}

fn obj_handle(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([Value::Obj { handle, .. }], [ret]) = (args, rets) else { return MISMATCH };
    *ret = Value::U64(*handle);
    Ok(())
}

/// Results start as unit.
fn bad_type(_: &mut Caller<'_, HostData>, _: &[Value], _: &mut [Value]) -> Outcome {
    Ok(())
}

fn bad_obj(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([], [ret]) = (args, rets) else { return MISMATCH };
    *ret = Value::Obj { host_type: 8, handle: 1 };
    Ok(())
}

fn bad_agg(_: &mut Caller<'_, HostData>, args: &[Value], rets: &mut [Value]) -> Outcome {
    let ([], [ret]) = (args, rets) else { return MISMATCH };
    *ret = Value::Agg(AggRef::INVALID);
    Ok(())
}

fn fail(_: &mut Caller<'_, HostData>, _: &[Value], _: &mut [Value]) -> Outcome {
    Err(HostError::failed("this function always fails"))
}

fn sig_mismatch(_: &mut Caller<'_, HostData>, _: &[Value], _: &mut [Value]) -> Outcome {
    MISMATCH
}
