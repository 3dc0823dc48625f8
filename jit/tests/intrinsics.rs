//! Intrinsics in native code: the reference bits of the interpreter, the cases of the specification, and the line
//! between intrinsics and host calls.

#[path = "../../vm/tests/intrinsics_support/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod intrinsics_support;

use intrinsics_support::{Case, GUARDS, cases, functions, slot, source, value};
use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::host::Unknown;
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    CallError, Capabilities, Capability, Instance, Limits, Linker, Module, TrapCode, Value, asm,
};

fn native(source: &str) -> Module {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{e}"));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"));
    let engine = JitEngine::new(JitConfig::new()).expect("native code");
    engine.compile(&verified).unwrap_or_else(|e| panic!("{e}")).module().clone()
}

fn alone(source: &str) -> Instance<()> {
    Linker::new().instantiate(&native(source), (), &Capabilities::none()).expect("nothing to link")
}

#[test]
fn every_number_intrinsic_gives_its_reference_bits() {
    let functions = functions();
    let mut instance = alone(&source());
    for Case { line, name, args, results, .. } in cases() {
        let (func, classes) = &functions[name.as_str()];
        let values: Vec<Value> = classes.iter().zip(&args).map(|(&ty, &bits)| value(ty, bits)).collect();
        let out =
            instance.call(FuncId(*func), &values, Limits::new()).unwrap_or_else(|e| panic!("{line}: {e}"));
        let mut out: Vec<u64> = out.iter().map(slot).collect();
        assert_eq!(out.split_off(out.len() - 2), GUARDS, "{line}: a register beside the results");
        assert_eq!(out, results, "{line}");
    }
}

#[test]
fn vec2_dot_of_two_vectors_gives_one_float() {
    let source = ".func main(a: f64, b: f64, c: f64, d: f64) -> (f64) {\n .reg o\n intrinsic vec2.dot (a, b, c, d) -> (o)\n ret o\n}";
    let out = alone(source).call(FuncId(0), &[2.0, 3.0, 4.0, 5.0].map(Value::F64), Limits::new());
    assert_eq!(out.expect("it runs"), [Value::F64(23.0)]);
}

#[test]
fn vec2_length_of_one_vector_gives_one_float() {
    let source =
        ".func main(a: f64, b: f64) -> (f64) {\n .reg o\n intrinsic vec2.length (a, b) -> (o)\n ret o\n}";
    let out = alone(source).call(FuncId(0), &[3.0, 4.0].map(Value::F64), Limits::new());
    assert_eq!(out.expect("it runs"), [Value::F64(5.0)]);
}

/// Import 0 has the name of the intrinsic.
const BOTH: &str = ".host log = \"vec2.new\" (f64, f64) -> (f64, f64)\n\
    .func host(a: f64, b: f64) -> (f64, f64) {\n host_call log (a, b) -> (a, b)\n ret (a, b)\n}\n\
    .func own(a: f64, b: f64) -> (f64, f64) {\n intrinsic vec2.new (a, b) -> (a, b)\n ret (a, b)\n}\n";

#[test]
fn host_calls_and_intrinsics_do_not_serve_each_other() {
    let module = native(BOTH);
    let (args, swapped) = ([1.0, 2.0].map(Value::F64), [2.0, 1.0].map(Value::F64));
    let mut linker = Linker::<()>::new();
    linker.unknown_imports(Unknown::TrapWhenCalled);
    let mut instance = linker.instantiate(&module, (), &Capabilities::none()).expect("it links");
    let Err(CallError::Trap(trap)) = instance.call(FuncId(0), &args, Limits::new()) else {
        panic!("no trap")
    };
    assert_eq!(trap.code, TrapCode::HostCallFailed);
    assert_eq!(instance.call(FuncId(1), &args, Limits::new()).expect("it runs"), args);
    let mut linker = Linker::new();
    let swap = |_: &mut opforge_vm::Caller<'_, ()>, a: f64, b: f64| (b, a);
    linker.func("vec2.new", Capability::none(), swap).expect("a function");
    let mut instance = linker.instantiate(&module, (), &Capabilities::none()).expect("it links");
    assert_eq!(instance.call(FuncId(0), &args, Limits::new()).expect("it runs"), swapped);
    assert_eq!(instance.call(FuncId(1), &args, Limits::new().host_calls(0)).expect("it runs"), args);
}
