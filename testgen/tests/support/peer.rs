//! execution_tape 0.0.1 as an oracle: the same container, the same inputs, the same limits.

use super::run::{End, Ran};
use execution_tape::aggregates::{AggError, AggHeap};
use execution_tape::host::{Host, HostContext, HostError, SigHash, ValueRef};
use execution_tape::program::{ElemTypeId, HostTypeId, Program, TypeId, ValueType};
use execution_tape::trace::TraceMask;
use execution_tape::value::{AggHandle, AggType, Closure, Decimal, FuncId, Obj, ObjHandle, Value};
use execution_tape::verifier::{VerifiedProgram, VerifyConfig, verify_program_owned};
use execution_tape::vm::{Limits, Trap, TrapInfo, Vm};
use opforge_testgen::{GeneratedProgram, HOST_FUNCS, HOST_OBJECT, HostFn, Input, Plain};
use opforge_vm::trap::AggErrorKind;
use opforge_vm::{TrapCode, TrapDetail, Value as Own};

/// A program that the peer accepts.
pub(crate) struct Peer {
    program: VerifiedProgram,
}

/// How a run of the peer ended.
pub(crate) struct PeerRan {
    result: Result<Vec<Plain>, TrapInfo>,
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Same,
    /// `f64.to_i64` or `f64.to_u64` exactly one past the range, which the peer saturates.
    FloatLimit,
    /// A caller broke the declared shape of a parameter: `TypeMismatch` here, the peer's `InvalidPc` at the same place.
    BrokenShape,
    /// The peer trapped with its `InvalidPc`, which verified code must not meet: its shapes were stale.
    PeerDefect,
}

impl Peer {
    /// Decodes and verifies.
    ///
    /// # Errors
    /// The peer's own words.
    pub(crate) fn new(container: &[u8]) -> Result<Self, String> {
        let program = Program::decode(container).map_err(|error| format!("decode: {error:?}"))?;
        let program = verify_program_owned(program, &VerifyConfig::default());
        Ok(Self { program: program.map_err(|error| format!("{error:?}"))? })
    }

    pub(crate) fn run(&self, of: &GeneratedProgram, input: usize, limits: &opforge_vm::Limits) -> PeerRan {
        let limits = Limits {
            fuel: limits.fuel,
            max_call_depth: limits.max_call_depth as usize,
            max_host_calls: limits.max_host_calls,
        };
        let mut vm = Vm::new(Functions, limits);
        let args: Vec<Value> =
            of.inputs[input].iter().map(|input| value(input, vm.aggregates_mut())).collect();
        let result = vm.run(&self.program, FuncId(of.entry.0), &args, TraceMask::NONE, None);
        let mut room = Plain::MOST_NODES;
        let heap = vm.aggregates();
        PeerRan {
            result: result.map(|values| values.iter().map(|value| plain(value, heap, &mut room)).collect()),
        }
    }
}

fn value(input: &Input, heap: &mut AggHeap) -> Value {
    let each =
        |inputs: &[Input], heap: &mut AggHeap| inputs.iter().map(|i| value(i, heap)).collect::<Vec<_>>();
    match input {
        Input::Value(own) => match own {
            Own::Unit => Value::Unit,
            Own::Bool(v) => Value::Bool(*v),
            Own::I64(v) => Value::I64(*v),
            Own::U64(v) => Value::U64(*v),
            Own::F64(v) => Value::F64(*v),
            Own::Decimal(v) => Value::Decimal(Decimal { mantissa: v.mantissa, scale: v.scale }),
            Own::Bytes(v) => Value::Bytes(v.clone()),
            Own::Str(v) => Value::Str(v.clone()),
            Own::Obj { host_type, handle } => {
                Value::Obj(Obj { host_type: HostTypeId(*host_type), handle: ObjHandle(*handle) })
            }
            Own::Func(func) => Value::Func(FuncId(func.0)),
            other => panic!("not a plain input: {other:?}"),
        },
        Input::BadHandle => Value::Agg(AggHandle(u32::MAX)),
        Input::Tuple(inputs) => {
            let values = each(inputs, heap);
            Value::Agg(heap.tuple_new(values))
        }
        Input::Struct(id, inputs) => {
            let values = each(inputs, heap);
            Value::Agg(heap.struct_new(TypeId(id.0), values))
        }
        Input::Array(id, inputs) => {
            let values = each(inputs, heap);
            Value::Agg(heap.array_new(ElemTypeId(id.0), values))
        }
        Input::Closure(func, env) => {
            let Value::Agg(env) = value(env, heap) else { panic!("an environment is an aggregate") };
            Value::Closure(Closure { func: FuncId(func.0), env })
        }
        other => panic!("an input of an unknown kind: {other:?}"),
    }
}

fn plain(value: &Value, heap: &AggHeap, room: &mut usize) -> Plain {
    if *room == 0 {
        return Plain::More;
    }
    *room -= 1;
    match value {
        Value::Unit => Plain::Unit,
        Value::Bool(v) => Plain::Bool(*v),
        Value::I64(v) => Plain::I64(*v),
        Value::U64(v) => Plain::U64(*v),
        Value::F64(v) => Plain::float(*v),
        Value::Decimal(v) => Plain::Decimal(v.mantissa, v.scale),
        Value::Bytes(v) => Plain::Bytes(v.clone()),
        Value::Str(v) => Plain::Str(v.clone()),
        Value::Obj(v) => Plain::Obj(v.host_type.0, v.handle.0),
        Value::Func(v) => Plain::Func(v.0),
        Value::Closure(v) => Plain::Closure(v.func.0, Box::new(aggregate(v.env, heap, room))),
        Value::Agg(v) => aggregate(*v, heap, room),
    }
}

fn aggregate(agg: AggHandle, heap: &AggHeap, room: &mut usize) -> Plain {
    let Ok(kind) = heap.agg_type(agg) else { return Plain::BadHandle };
    let len = match kind {
        AggType::Tuple { .. } => heap.tuple_len(agg),
        AggType::Struct { .. } => heap.struct_field_count(agg),
        AggType::Array { .. } => heap.array_len(agg),
    };
    let mut elems = Vec::new();
    for index in 0..len.expect("the length of its own kind") {
        let elem = match kind {
            AggType::Tuple { .. } => heap.tuple_get(agg, index),
            AggType::Struct { .. } => heap.struct_get(agg, index),
            AggType::Array { .. } => heap.array_get(agg, index),
        };
        elems.push(plain(&elem.expect("an element below the length"), heap, room));
        if *room == 0 {
            break;
        }
    }
    match kind {
        AggType::Tuple { .. } => Plain::Tuple(elems),
        AggType::Struct { type_id } => Plain::Struct(type_id.0, elems),
        AggType::Array { elem_type_id } => Plain::Array(elem_type_id.0, elems),
    }
}

/// The host functions of generated programs, written again for the peer.
struct Functions;

impl Host for Functions {
    fn call(
        &mut self,
        symbol: &str,
        _: SigHash,
        args: &[ValueRef<'_>],
        rets: &mut [Value],
        _: HostContext<'_, '_>,
    ) -> Result<u64, HostError> {
        let func = HOST_FUNCS.iter().find(|func| func.symbol == symbol).ok_or(HostError::UnknownSymbol)?;
        match (func.does, args, rets) {
            (HostFn::Echo | HostFn::Same, [value], [out]) => *out = owned(value),
            (HostFn::Add, [ValueRef::I64(a), ValueRef::I64(b)], [out]) => {
                *out = Value::I64(a.wrapping_add(*b))
            }
            (HostFn::Fail, [ValueRef::Bool(true)], _) => return Err(HostError::Failed),
            (HostFn::Fail, ..) => {}
            (HostFn::Charge, [ValueRef::U64(n)], [out]) => {
                *out = Value::U64(n % 8);
                return Ok(n % 8);
            }
            (HostFn::Swap, [text, float], [first, second]) => (*first, *second) = (owned(float), owned(text)),
            (HostFn::Inspect, [ValueRef::Bytes(bytes), ValueRef::Decimal(decimal)], [len, negative]) => {
                *len = Value::U64(bytes.len() as u64);
                *negative = Value::Bool(decimal.mantissa < 0);
            }
            (HostFn::Object, [ValueRef::U64(handle)], [out]) => {
                *out = Value::Obj(Obj { host_type: HostTypeId(HOST_OBJECT), handle: ObjHandle(*handle) });
            }
            (HostFn::Handle, [ValueRef::Obj(object)], [out]) => *out = Value::U64(object.handle.0),
            (HostFn::Liar, [ValueRef::U64(n)], [out]) => {
                *out = if *n == 3 { Value::Bool(true) } else { Value::I64(1) };
            }
            _ => return Err(HostError::SignatureMismatch),
        }
        Ok(0)
    }
}

fn owned(value: &ValueRef<'_>) -> Value {
    match value {
        ValueRef::Unit => Value::Unit,
        ValueRef::Bool(v) => Value::Bool(*v),
        ValueRef::I64(v) => Value::I64(*v),
        ValueRef::U64(v) => Value::U64(*v),
        ValueRef::F64(v) => Value::F64(*v),
        ValueRef::Decimal(v) => Value::Decimal(*v),
        ValueRef::Bytes(v) => Value::Bytes(v.to_vec()),
        ValueRef::Str(v) => Value::Str((*v).to_owned()),
        ValueRef::Obj(v) => Value::Obj(*v),
        ValueRef::Agg(v) => Value::Agg(*v),
        ValueRef::Func(v) => Value::Func(*v),
        ValueRef::Closure(v) => Value::Closure(*v),
    }
}

/// Whether a run ended as the peer's did. `opcode` is the opcode at the trap, if there is one.
///
/// # Errors
/// Both ends, where they differ for a reason that is not listed.
pub(crate) fn compare(own: &Ran, opcode: Option<&str>, peer: &PeerRan) -> Result<Compared, String> {
    let same = match (&own.end, &peer.result) {
        (End::Finished(values), Ok(expected)) => values == expected,
        (End::Trapped(trap) | End::OutOfFuel(trap), Err(info)) => {
            let (at, span) = (trap.at(), trap.at().span.map(|span| span.get()));
            (at.func.0, at.pc, span) == (info.func.0, info.pc, info.span_id) && same_trap(trap, &info.trap)
        }
        _ => false,
    };
    if same {
        return Ok(Compared::Same);
    }
    let trap = own.end.trap();
    let limit = trap.is_some_and(|trap| trap.code == TrapCode::FloatToIntInvalid);
    let elsewhere = match (&peer.result, trap) {
        (Err(info), Some(trap)) => (info.func.0, info.pc) != (trap.at().func.0, trap.at().pc),
        _ => true,
    };
    if limit && elsewhere && matches!(opcode, Some("f64.to_i64" | "f64.to_u64")) {
        return Ok(Compared::FloatLimit);
    }
    if matches!(&peer.result, Err(TrapInfo { trap: Trap::InvalidPc, .. })) {
        let broken = !elsewhere && trap.is_some_and(|trap| trap.code == TrapCode::TypeMismatch);
        return Ok(if broken { Compared::BrokenShape } else { Compared::PeerDefect });
    }
    Err(format!("opforge: {own:?}\npeer:    {:?}", peer.result))
}

fn same_trap(own: &opforge_vm::Trap, peer: &Trap) -> bool {
    use TrapCode as T;
    let code = match peer {
        Trap::FuelExceeded => T::FuelExceeded,
        Trap::CallDepthExceeded => T::CallDepthExceeded,
        Trap::HostCallLimitExceeded => T::HostCallLimitExceeded,
        // The peer has one kind for whatever its verifier should have found; this is the one that it cannot find.
        Trap::InvalidPc => T::InvalidFunction,
        Trap::TypeMismatch { expected, actual } => return same_types(&own.detail, *expected, *actual),
        Trap::AggError(error) => {
            let detail = match error {
                AggError::BadHandle => AggErrorKind::BadHandle,
                AggError::WrongKind => AggErrorKind::WrongKind,
                AggError::OutOfBounds => AggErrorKind::OutOfBounds,
                _ => return false,
            };
            return own.code == T::AggError && own.detail == TrapDetail::Agg(detail);
        }
        Trap::ArityMismatch => T::ArityMismatch,
        Trap::HostCallFailed { .. } => T::HostCallFailed,
        Trap::IntCastOverflow => T::IntCastOverflow,
        Trap::DecimalScaleMismatch => T::DecimalScaleMismatch,
        Trap::DecimalOverflow => T::DecimalOverflow,
        Trap::DivByZero => T::DivByZero,
        Trap::IntDivOverflow => T::IntDivOverflow,
        Trap::FloatToIntInvalid => T::FloatToIntInvalid,
        Trap::IndexOutOfBounds => T::IndexOutOfBounds,
        Trap::StrNotCharBoundary => T::StrNotCharBoundary,
        Trap::InvalidUtf8 => T::InvalidUtf8,
        Trap::TrapCode(code) => return own.code == T::TrapCode && own.detail == TrapDetail::Code(*code),
        _ => return false,
    };
    own.code == code
}

fn same_types(detail: &TrapDetail, expected: ValueType, actual: ValueType) -> bool {
    let name = |ty: ValueType| format!("{ty:?}").to_lowercase();
    let own = |ty: opforge_vm::ValueType| format!("{ty:?}").to_lowercase();
    match detail {
        TrapDetail::Types { expected: e, actual: a }
        | TrapDetail::HostResult { expected: e, actual: a, .. } => {
            let object = |text: String| text.replace("hosttypeid(", "").replace("))", ")");
            object(name(expected)) == own(*e) && object(name(actual)) == own(*a)
        }
        _ => false,
    }
}
