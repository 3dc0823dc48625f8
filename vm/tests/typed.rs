//! Typed calls: what is checked, and that they end as untyped ones do.

use opforge_vm::ids::FuncId;
use opforge_vm::sem::Decimal;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    BoundFunc, CallError, Capabilities, Engine, EntryError, Instance, Limits, Linker, Module, TrapCode,
    Value, ValueType, asm,
};

const SOURCE: &str = "
.func add(a: i64, b: i64) -> (i64) {
    i64.add a, a, b
    ret a
}
.func divide(a: i64, b: i64) -> (i64) {
    i64.div a, a, b
    ret a
}
.func join(a: str, b: str) -> (str, u64) {
    .reg n
    str.concat a, a, b
    str.len n, a
    ret (a, n)
}
.func all(a: bool, b: u64, c: f64, d: decimal, e: bytes) -> (decimal, f64, bool) {
    ret (d, c, a)
}
.func nothing() -> () {
    ret ()
}
.func nan(x: f64) -> (f64) {
    f64.sub x, x, x
    ret x
}
.func deep(n: i64) -> (i64) {
    .reg one
    const.i64 one, 1
    i64.add n, n, one
    call &deep n -> n
    ret n
}
";

const ADD: FuncId = FuncId(0);
const DIVIDE: FuncId = FuncId(1);
const JOIN: FuncId = FuncId(2);
const ALL: FuncId = FuncId(3);
const NOTHING: FuncId = FuncId(4);
const NAN: FuncId = FuncId(5);
const DEEP: FuncId = FuncId(6);

fn module(source: &str) -> Module {
    let program = asm::assemble(source).unwrap_or_else(|errors| panic!("{errors}"));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|report| panic!("{report}"));
    Module::new(&Engine::default(), &verified).unwrap()
}

fn instance(module: &Module) -> Instance<()> {
    Linker::new().instantiate(module, (), &Capabilities::none()).unwrap()
}

#[test]
fn values_of_every_type_go_in_and_out() {
    let module = module(SOURCE);
    let (mut instance, limits) = (instance(&module), Limits::new());
    let add = module.typed_func::<(i64, i64), i64>(ADD).unwrap();
    assert_eq!(add.call(&mut instance, (i64::MAX, 1), &limits), Ok(i64::MIN));
    let join = module.typed_func::<(String, String), (String, u64)>(JOIN).unwrap();
    let joined = join.call(&mut instance, ("o".into(), "pforge".into()), &limits);
    assert_eq!(joined, Ok(("opforge".into(), 7)));
    let all = module.typed_func::<(bool, u64, f64, Decimal, Vec<u8>), (Decimal, f64, bool)>(ALL).unwrap();
    let d = Decimal { mantissa: -5, scale: 2 };
    assert_eq!(all.call(&mut instance, (true, 7, 1.5, d, vec![1, 2]), &limits), Ok((d, 1.5, true)));
    let nothing = instance.typed_func::<(), ()>(NOTHING).unwrap();
    assert_eq!(nothing.call(&mut instance, (), &limits), Ok(()));
}

#[test]
fn a_nan_comes_out_with_canonical_bits() {
    let module = module(SOURCE);
    let nan = module.typed_func::<(f64,), f64>(NAN).unwrap();
    let result = nan.call(&mut instance(&module), (f64::INFINITY,), &Limits::new()).unwrap();
    assert_eq!(result.to_bits(), opforge_vm::CANONICAL_NAN_BITS);
}

#[test]
fn other_types_are_refused() {
    let module = module(SOURCE);
    let params: Box<[ValueType]> = [ValueType::I64, ValueType::I64].into();
    let results: Box<[ValueType]> = [ValueType::I64].into();
    let signature = EntryError::Signature { func: ADD, params, results };
    assert_eq!(module.typed_func::<(i64,), i64>(ADD).unwrap_err(), signature);
    assert_eq!(module.typed_func::<(i64, u64), i64>(ADD).unwrap_err(), signature);
    assert_eq!(module.typed_func::<(i64, i64), ()>(ADD).unwrap_err(), signature);
    assert_eq!(signature.to_string(), "error[E0008]: func 0 has the signature (i64, i64) -> (i64)");
    let unknown = module.typed_func::<(), ()>(FuncId(99)).unwrap_err();
    assert_eq!(unknown, EntryError::UnknownFunction(FuncId(99)));
}

#[test]
fn a_function_of_another_module_is_refused() {
    let (one, other) = (module(SOURCE), module(SOURCE));
    let add = one.typed_func::<(i64, i64), i64>(ADD).unwrap();
    let refused = add.call(&mut instance(&other), (1, 2), &Limits::new());
    assert_eq!(refused, Err(CallError::Entry(EntryError::OtherModule)));
    // A clone is the same module.
    assert_eq!(add.call(&mut instance(&one.clone()), (1, 2), &Limits::new()), Ok(3));
}

#[test]
fn what_does_not_fit_the_limits_is_refused() {
    let module = module(SOURCE);
    let mut instance = instance(&module);
    let join = module.typed_func::<(String, String), (String, u64)>(JOIN).unwrap();
    let refused = join.call(&mut instance, ("12345".into(), "123456".into()), &Limits::new().memory(10));
    assert!(matches!(refused, Err(CallError::Entry(EntryError::Argument { index: 1, .. }))), "{refused:?}");
    let refused = join.call(&mut instance, (String::new(), String::new()), &Limits::new().stack_slots(3));
    assert_eq!(refused, Err(CallError::Entry(EntryError::StackLimitExceeded)));
    assert!(join.call(&mut instance, (String::new(), String::new()), &Limits::new()).is_ok());
}

fn ends_alike<P, R>(bound: &mut BoundFunc<'_, P, R>, args: P, untyped: Result<Vec<Value>, CallError>)
where
    P: opforge_vm::CallParams,
    R: opforge_vm::CallResults + std::fmt::Debug,
{
    match (bound.call(args), untyped) {
        (Ok(_), Ok(_)) => {}
        (Err(typed), Err(untyped)) => assert_eq!(typed, untyped),
        (typed, untyped) => panic!("{typed:?} and {untyped:?}"),
    }
}

#[test]
fn a_bound_function_ends_as_an_untyped_call_does_and_can_be_called_again() {
    let module = module(SOURCE);
    let (mut typed, mut untyped) = (instance(&module), instance(&module));
    for fuel in [0, 1, 2, 3, 100, 1_000_000] {
        let limits = Limits::new().fuel(fuel).call_depth(50);
        let divide = module.typed_func::<(i64, i64), i64>(DIVIDE).unwrap();
        let mut divide = divide.bind(&mut typed, &limits).unwrap();
        for args in [(7, 2), (7, 0), (i64::MIN, -1), (6, 3)] {
            let values = [Value::I64(args.0), Value::I64(args.1)];
            ends_alike(&mut divide, args, untyped.call(DIVIDE, &values, limits));
        }
        let deep = module.typed_func::<(i64,), i64>(DEEP).unwrap();
        let mut deep = deep.bind(&mut typed, &limits).unwrap();
        for n in 0..3 {
            ends_alike(&mut deep, (n,), untyped.call(DEEP, &[Value::I64(n)], limits));
        }
    }
}

#[test]
fn limits_hold_for_each_call_of_a_bound_function() {
    let module = module(SOURCE);
    let mut instance = instance(&module);
    let join = module.typed_func::<(String, String), (String, u64)>(JOIN).unwrap();
    let limits = Limits::new().fuel(5).memory(20);
    let mut join = join.bind(&mut instance, &limits).unwrap();
    for _ in 0..1000 {
        assert_eq!(join.call(("12345".into(), "1234".into())).map(|(_, len)| len), Ok(9));
    }
    let full = join.call(("12345".into(), "123456".into())).unwrap_err();
    assert!(matches!(full, CallError::Trap(trap) if trap.code == TrapCode::MemoryLimitExceeded));
}
