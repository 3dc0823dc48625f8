//! The host functions that generated programs import. They are deterministic, and simple enough to be written
//! again for another VM.

use crate::plain::Plain;
use opforge_vm::ValueType::{self, Agg, Bool, Bytes, Decimal, F64, I64, Obj, Str, U64};
use opforge_vm::{Caller, Capability, HostError, InterruptHandle, Linker, Value};

/// The host type of the objects that [`HostFn::Object`] makes.
pub const HOST_OBJECT: u64 = 7;

/// What a host function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostFn {
    /// Gives its argument back.
    Echo,
    /// The wrapping sum of two integers.
    Add,
    /// Fails if its argument is true, else gives nothing.
    Fail,
    /// Charges its argument modulo 8 as more fuel and gives the charge.
    Charge,
    /// Text and a float, given back the other way round.
    Swap,
    /// The length of bytes, and whether a decimal's mantissa is negative.
    Inspect,
    /// Gives an aggregate back as it is.
    Same,
    /// A host object with the argument as its handle.
    Object,
    /// The handle of a host object.
    Handle,
    /// Gives a truth value where an integer is promised, if its argument is 3; else 1.
    Liar,
}

/// One host function.
#[derive(Clone, Copy, Debug)]
pub struct HostFunc {
    /// Its name.
    pub symbol: &'static str,
    /// What it does.
    pub does: HostFn,
    /// Parameter types.
    pub params: &'static [ValueType],
    /// Result types.
    pub results: &'static [ValueType],
}

const fn host(
    symbol: &'static str,
    does: HostFn,
    params: &'static [ValueType],
    results: &'static [ValueType],
) -> HostFunc {
    HostFunc { symbol, does, params, results }
}

/// All host functions.
pub const HOST_FUNCS: &[HostFunc] = &[
    host("echo", HostFn::Echo, &[I64], &[I64]),
    host("echo", HostFn::Echo, &[F64], &[F64]),
    host("echo", HostFn::Echo, &[ValueType::Unit], &[ValueType::Unit]),
    host("echo", HostFn::Echo, &[Decimal], &[Decimal]),
    host("add", HostFn::Add, &[I64, I64], &[I64]),
    host("fail", HostFn::Fail, &[Bool], &[]),
    host("charge", HostFn::Charge, &[U64], &[U64]),
    host("swap", HostFn::Swap, &[Str, F64], &[F64, Str]),
    host("inspect", HostFn::Inspect, &[Bytes, Decimal], &[U64, Bool]),
    host("same", HostFn::Same, &[Agg], &[Agg]),
    host("object", HostFn::Object, &[U64], &[Obj(HOST_OBJECT)]),
    host("handle", HostFn::Handle, &[Obj(HOST_OBJECT)], &[U64]),
    host("liar", HostFn::Liar, &[U64], &[I64]),
];

/// One call that reached the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRecord {
    /// The function's name.
    pub symbol: &'static str,
    /// Bytes of the heap that were charged before the call.
    pub memory: u64,
    /// What it was called with.
    pub args: Vec<Plain>,
    /// What it gave, or why it failed.
    pub results: Result<Vec<Plain>, String>,
}

/// An instance's data: what the host functions saw and did in a run.
#[derive(Clone, Debug, Default)]
pub struct HostLog {
    /// Fuel that was charged on top of the instructions' own.
    pub charged: u64,
    /// All calls in order.
    pub calls: Vec<HostRecord>,
    /// By call: the fuel that the host saw. It depends on how a run's fuel is given.
    pub fuel: Vec<u64>,
    /// Every call interrupts the run that it is made for through this.
    pub interrupt: Option<InterruptHandle>,
}

/// A linker with all of them, which need no capability. An instance's data is a log of the calls.
///
/// # Panics
/// Never: names and signatures are distinct.
#[must_use]
pub fn linker() -> Linker<HostLog> {
    let mut linker = Linker::new();
    for func in HOST_FUNCS {
        linker
            .func_dyn(func.symbol, Capability::none(), func.params, func.results, move |caller, args, out| {
                logged(func, caller, args, out)
            })
            .expect("names and signatures are distinct");
    }
    linker
}

fn logged(
    func: &HostFunc,
    caller: &mut Caller<'_, HostLog>,
    args: &[Value],
    out: &mut [Value],
) -> Result<(), HostError> {
    let (fuel, memory) = (caller.fuel(), caller.heap().charged());
    let seen = Plain::list(args, caller.heap());
    let result = call(func.does, caller, args, out);
    let results = match &result {
        Ok(()) => Ok(Plain::list(out, caller.heap())),
        Err(error) => Err(error.to_string()),
    };
    let log = caller.data_mut();
    log.calls.push(HostRecord { symbol: func.symbol, memory, args: seen, results });
    log.fuel.push(fuel);
    if let Some(interrupt) = &log.interrupt {
        interrupt.interrupt();
    }
    result
}

fn call(
    does: HostFn,
    caller: &mut Caller<'_, HostLog>,
    args: &[Value],
    out: &mut [Value],
) -> Result<(), HostError> {
    match (does, args, out) {
        (HostFn::Echo | HostFn::Same, [value], [out]) => *out = value.clone(),
        (HostFn::Add, [Value::I64(a), Value::I64(b)], [out]) => *out = Value::I64(a.wrapping_add(*b)),
        (HostFn::Fail, [Value::Bool(fails)], []) => {
            if *fails {
                return Err(HostError::failed("asked to"));
            }
        }
        (HostFn::Charge, [Value::U64(n)], [out]) => {
            caller.charge(n % 8);
            caller.data_mut().charged += n % 8;
            *out = Value::U64(n % 8);
        }
        (HostFn::Swap, [text, float], [first, second]) => (*first, *second) = (float.clone(), text.clone()),
        (HostFn::Inspect, [Value::Bytes(bytes), Value::Decimal(decimal)], [len, negative]) => {
            *len = Value::U64(bytes.len() as u64);
            *negative = Value::Bool(decimal.mantissa < 0);
        }
        (HostFn::Object, [Value::U64(handle)], [out]) => {
            *out = Value::Obj { host_type: HOST_OBJECT, handle: *handle };
        }
        (HostFn::Handle, [Value::Obj { handle, .. }], [out]) => *out = Value::U64(*handle),
        (HostFn::Liar, [Value::U64(n)], [out]) => {
            *out = if *n == 3 { Value::Bool(true) } else { Value::I64(1) }
        }
        (does, args, _) => return Err(HostError::failed(format!("{does:?} was called with {args:?}"))),
    }
    Ok(())
}
