//! Code for the oldest machine of this architecture: what it lacks goes through the semantic functions.

use super::{JitConfig, JitEngine};
use cranelift_codegen::isa::lookup_by_name;
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Capabilities, Limits, Linker, Value, asm, sem};

/// Floats to integers that are floats, and the square root, in the order of their functions below.
const ROUNDING: [&str; 5] = ["f64.floor", "f64.ceil", "f64.trunc", "f64.nearest", "f64.sqrt"];

const BITS: &str = "
.func bits(a: u64) -> (u64, u64, u64) {
    .reg c, z, t
    u64.popcnt c, a
    u64.clz z, a
    u64.ctz t, a
    ret (c, z, t)
}
";

fn source() -> String {
    let function = |(n, op)| format!(".func f{n}(a: f64) -> (f64) {{\n {op} a, a\n ret a\n}}\n");
    ROUNDING.into_iter().enumerate().map(function).chain([BITS.into()]).collect()
}

fn oldest() -> JitEngine {
    let builder = lookup_by_name(std::env::consts::ARCH).expect("a code generator for this machine");
    let engine = JitEngine::with_builder(JitConfig::new(), None, builder).expect("an engine");
    let sse41 = engine.isa.isa_flags().into_iter().find(|flag| flag.name == "has_sse41");
    assert!(sse41.is_none_or(|flag| flag.as_bool() == Some(false)), "this machine is not the oldest");
    engine
}

#[test]
fn the_oldest_machine_gives_the_same_results() {
    let program = verify(asm::assemble(&source()).unwrap(), &VerifyConfig::new()).unwrap();
    let program = oldest().compile(&program).expect("code without routines of other libraries");
    let mut instance = Linker::new().instantiate(program.module(), (), &Capabilities::none()).unwrap();
    let mut call = |func, arg| instance.call(FuncId(func), &[arg], Limits::new()).unwrap();
    let functions: [fn(f64) -> f64; 5] = [
        sem::rounding::f64_floor,
        sem::rounding::f64_ceil,
        sem::rounding::f64_trunc,
        sem::rounding::f64_nearest,
        sem::rounding::f64_sqrt,
    ];
    for a in [0.0, 0.5, 1.5, 2.5, 4_503_599_627_370_495.5, 1e300, 5e-324, f64::INFINITY] {
        for a in [a, -a] {
            for (func, own) in (0..).zip(functions) {
                let [Value::F64(got)] = call(func, Value::F64(a))[..] else { panic!("one float") };
                let expected = own(a);
                let same = got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan();
                assert!(same, "function {func} of {a}: {got}, not {expected}");
            }
        }
    }
    for a in [0, 1, 0x8123_4567_89ab_cdef, u64::MAX, 1 << 63] {
        let expected = [a.count_ones(), a.leading_zeros(), a.trailing_zeros()];
        assert_eq!(call(5, Value::U64(a)), expected.map(|n| Value::U64(n.into())), "{a:#x}");
    }
}
