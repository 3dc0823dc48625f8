//! The rows N01 to N06 of the reliability list, which are about intrinsics, each by its name, on both engines. N07, an embedder
//! that redefines an id of the VM's, is about tables and not about runs.

#[allow(dead_code, reason = "each test binary uses its part")]
mod host_support;
#[path = "../../vm/tests/intrinsics_support/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod intrinsics_support;
#[allow(dead_code, reason = "each test binary uses its part")]
mod rows_support;

use host_support::{End, modules, observe};
use intrinsics_support::{GUARDS, cases, functions, slot, source, value};
use opforge_vm::Value::{F64, I64, U64};
use opforge_vm::host::{LinkProblem, Unknown};
use opforge_vm::ids::{FuncId, IntrinsicId};
use opforge_vm::verify::{VerifyConfig, VerifyErrorKind, verify};
use opforge_vm::{
    CallError, Caller, Capabilities, Capability, HostError, ISA, Limits, Linker, TrapCode, TrapDetail, Value,
    ValueType, asm,
};
use rows_support::{check, instances, seen};
use std::fmt::Write as _;

const MAIN: FuncId = FuncId(0);

fn refusal(source: &str) -> Vec<VerifyErrorKind> {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{}", e.render(source, "test")));
    let report = verify(program, &VerifyConfig::default()).expect_err("refused");
    report.errors().iter().map(|error| *error.kind()).collect()
}

/// N01: an id that no row has is refused by the verifier, whichever it is: between two rows, behind the last, an
/// embedder's, the largest; and 0, which no row ever has. (No id was ever removed.)
#[test]
fn n01_unknown_ids_are_refused_by_the_verifier() {
    let known = |id: u32| ISA.intrinsics.iter().any(|row| u32::from(row.id.get()) == id);
    let last = ISA.intrinsics.last().map_or(0, |row| u32::from(row.id.get()));
    let between = (1..last).find(|&id| !known(id)).expect("a gap between the families");
    for id in [0, between, last + 1, 0x7fff, 0x8000, 0xffff, 0x1_0001, u32::MAX - 1, u32::MAX] {
        let kinds = refusal(&format!(
            ".func main(a: f64) -> (f64) {{\n .reg r\n intrinsic #{id} (a) -> (r)\n ret a\n}}"
        ));
        assert_eq!(kinds, [VerifyErrorKind::UnknownIntrinsic { intrinsic: IntrinsicId(id) }], "{id}");
    }
}

/// N02: import 0 and intrinsic 1 have one name, one type and, counted from 1, one number. Whichever of them is absent,
/// denied or there, each is looked up in its own table.
#[test]
fn n02_intrinsics_and_host_calls_do_not_serve_each_other() {
    let source = "
.host swap = \"vec2.new\" (f64, f64) -> (f64, f64)
.func host(a: f64, b: f64) -> (f64, f64) {
    host_call swap (a, b) -> (a, b)
    ret (a, b)
}
.func own(a: f64, b: f64) -> (f64, f64) {
    intrinsic vec2.new (a, b) -> (a, b)
    ret (a, b)
}
";
    let (args, swapped) = ([F64(1.0), F64(2.0)], [F64(2.0), F64(1.0)]);
    let swap = |_: &mut Caller<'_, ()>, a: f64, b: f64| (b, a);
    for module in modules(source) {
        // Absent: the call does not link, or traps; it is not served by the intrinsic.
        let problems = Linker::<()>::new()
            .instantiate(&module, (), &Capabilities::none())
            .expect_err("it must not link");
        assert!(matches!(problems.problems[..], [LinkProblem::Missing { .. }]), "{problems}");
        let mut linker = Linker::<()>::new();
        linker.unknown_imports(Unknown::TrapWhenCalled);
        let mut instance = linker.instantiate(&module, (), &Capabilities::none()).unwrap();
        let Err(CallError::Trap(trap)) = instance.call(MAIN, &args, Limits::new()) else { panic!("no trap") };
        assert_eq!(trap.code, TrapCode::HostCallFailed);
        assert!(matches!(&trap.detail, TrapDetail::Host { error: HostError::UnknownSymbol, .. }), "{trap}");
        assert_eq!(instance.call(FuncId(1), &args, Limits::new()).unwrap(), args);
        // Denied.
        let mut linker = Linker::<()>::new();
        linker.func("vec2.new", Capability::named("vec"), swap).unwrap();
        let problems = linker.instantiate(&module, (), &Capabilities::none()).expect_err("it must not link");
        assert!(matches!(problems.problems[..], [LinkProblem::Denied { .. }]), "{problems}");
        // There: the intrinsic is not served by the host, counts as no host call and needs no capability.
        let mut instance = linker.instantiate(&module, (), &Capabilities::none().grant("vec")).unwrap();
        assert_eq!(instance.call(MAIN, &args, Limits::new()).unwrap(), swapped);
        let (end, _, calls, _) = observe(&mut instance, FuncId(1), &args, Limits::new().host_calls(0));
        assert_eq!((end, calls), (End::Values(args.to_vec()), 0));
    }
}

fn classes(slots: &[u8]) -> Vec<ValueType> {
    slots.iter().map(|&tag| ValueType::from_tag(tag, 0).expect("a class")).collect()
}

/// A function for each intrinsic whose results overwrite its arguments where they have one class, last argument first, and
/// what it returns: the results in their order.
fn overlapping() -> String {
    let mut out = String::new();
    for row in ISA.intrinsics {
        let (args, rets) = (classes(row.arg_slots()), classes(row.ret_slots()));
        let params: Vec<String> = args.iter().enumerate().map(|(i, ty)| format!("p{i}: {ty}")).collect();
        let mut free: Vec<usize> = (0..args.len()).collect();
        let mut results = Vec::new();
        for (i, ty) in rets.iter().enumerate() {
            match free.iter().rposition(|&p| args[p] == *ty) {
                Some(at) => results.push(format!("p{}", free.remove(at))),
                None => results.push(format!("o{i}")),
            }
        }
        let names: Vec<String> = (0..args.len()).map(|i| format!("p{i}")).collect();
        let own: Vec<&str> =
            results.iter().filter(|name| name.starts_with('o')).map(String::as_str).collect();
        let types: Vec<String> = rets.iter().map(ToString::to_string).collect();
        let reg = if own.is_empty() { String::new() } else { format!(" .reg {}\n", own.join(", ")) };
        let _ = writeln!(
            out,
            ".func i{}({}) -> ({}) {{\n{reg} intrinsic {} ({}) -> ({})\n ret ({})\n}}",
            row.id.get(),
            params.join(", "),
            types.join(", "),
            row.name.as_str(),
            names.join(", "),
            results.join(", "),
            results.join(", ")
        );
    }
    out
}

/// N03: a register past the frame is refused; arguments may be one register and results may be written over arguments,
/// as all arguments are read before a result is written. Registers are listed one by one: no base and width can wrap.
#[test]
fn n03_registers_that_overlap_or_lie_outside() {
    let outside = |line: &str| {
        let kinds =
            refusal(&format!(".version 0.128\n.func main(a: f64) -> (f64) regs 4 {{\n {line}\n ret a\n}}"));
        assert!(kinds.iter().all(|kind| kind.code() == "V0707"), "{line}: {kinds:?}");
    };
    for reg in [4, 5, 255, 1 << 16, u32::MAX - 1] {
        outside(&format!("intrinsic vec2.new (r{reg}, r1) -> (r2, r3)"));
        outside(&format!("intrinsic vec2.new (r1, r1) -> (r2, r{reg})"));
    }
    // The largest number there is, which text does not let through: the same two instructions in bytes.
    outside(".raw 56 01 02 ff ff ff ff 0f 01 02 02 03");
    outside(".raw 56 01 02 01 01 02 02 ff ff ff ff 0f");
    let (functions, mut engines) = (functions(), instances(&overlapping()));
    for case in cases() {
        let (func, classes) = &functions[case.name.as_str()];
        let args: Vec<Value> = classes.iter().zip(&case.args).map(|(&ty, &bits)| value(ty, bits)).collect();
        for instance in &mut engines {
            let out = instance
                .call(FuncId(*func), &args, Limits::new())
                .unwrap_or_else(|e| panic!("{}: {e}", case.line));
            assert_eq!(out.iter().map(slot).collect::<Vec<_>>(), case.results, "{}", case.line);
        }
    }
    check("intrinsic vec2.dot (p0, p0, p0, p0) -> r", "f64", &[(vec![F64(3.0)], Ok(F64(18.0)))]);
    // A result register that is named twice holds the later result.
    check("intrinsic vec2.new (p0, p1) -> (r, r)", "f64", &[(vec![F64(3.0), F64(4.0)], Ok(F64(4.0)))]);
}

/// N04: every intrinsic of the table reads and writes exactly the slots of its layout: registers beside its results keep
/// what they held, and its arguments do too.
#[test]
fn n04_every_intrinsic_keeps_to_its_slots() {
    let mut guarded = instances(&source());
    let sample = |ty: ValueType, i: usize| match ty {
        ValueType::Bool => Value::Bool(i.is_multiple_of(2)),
        ValueType::I64 => I64(i as i64 - 1),
        ValueType::U64 => U64(0x1122_3344_5566_7788 >> i),
        ValueType::F64 => F64(0.25 * (i as f64 + 1.0)),
        ValueType::Str => Value::Str(["a-b", "-"][i % 2].into()),
        other => panic!("a sample of {other}"),
    };
    for (func, row) in ISA.intrinsics.iter().enumerate() {
        let args: Vec<Value> =
            classes(row.arg_slots()).iter().enumerate().map(|(i, &ty)| sample(ty, i)).collect();
        let results = guarded.each_mut().map(|instance| {
            let mut out = instance.call(FuncId(func as u32), &args, Limits::new()).unwrap();
            let guards = out.split_off(out.len() - GUARDS.len());
            assert_eq!(guards, GUARDS.map(U64), "{}", row.name.as_str());
            assert_eq!(out.len(), row.ret_slots().len());
            out.iter().map(seen).collect::<Vec<_>>()
        });
        assert_eq!(results[0], results[1], "{}", row.name.as_str());
    }
    // The arguments of each, read again behind it.
    let mut text = String::new();
    for row in ISA.intrinsics {
        let (args, rets) = (classes(row.arg_slots()), classes(row.ret_slots()));
        let list =
            |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>().join(", ");
        let types =
            |types: &[ValueType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let params: Vec<String> = args.iter().enumerate().map(|(i, ty)| format!("p{i}: {ty}")).collect();
        let (ps, os) = (list("p", args.len()), list("o", rets.len()));
        let _ = writeln!(
            text,
            ".func i{}({}) -> ({}) {{\n .reg {os}\n intrinsic {} ({ps}) -> ({os})\n ret ({ps})\n}}",
            row.id.get(),
            params.join(", "),
            types(&args),
            row.name.as_str(),
        );
    }
    for instance in &mut instances(&text) {
        for (func, row) in ISA.intrinsics.iter().enumerate() {
            let args: Vec<Value> =
                classes(row.arg_slots()).iter().enumerate().map(|(i, &ty)| sample(ty, i)).collect();
            let out = instance.call(FuncId(func as u32), &args, Limits::new()).unwrap();
            assert_eq!(out, args, "{}", row.name.as_str());
        }
    }
}

/// N05: lengths of vectors at the ends of the range, and dot products that cancel: each product is rounded before it is
/// added, so nothing is fused. The bits are those of the numbers below, on both engines.
#[test]
fn n05_vectors_at_the_ends_of_the_range() {
    let (tiny, inf, nan) = (f64::from_bits(1), f64::INFINITY, f64::NAN);
    let length = |x: f64, y: f64, want: f64| (vec![F64(x), F64(y)], Ok(F64(want)));
    check(
        "intrinsic vec2.length (p0, p1) -> r",
        "f64",
        &[
            length(3e307, 4e307, 5e307),
            length(-1e308, 0.0, 1e308),
            length(f64::MAX, 0.0, f64::MAX),
            length(f64::MAX, f64::MAX, inf),
            length(tiny, 0.0, tiny),
            length(3.0 * tiny, -4.0 * tiny, 5.0 * tiny),
            length(f64::MIN_POSITIVE, tiny, f64::MIN_POSITIVE),
            length(-0.0, -0.0, 0.0),
            length(inf, 1.0, inf),
            length(1.0, -inf, inf),
            length(nan, 1.0, nan),
            length(1.0, -nan, nan),
            // As hypot of C: an infinite component makes the length infinite, whatever the other one is.
            length(inf, nan, inf),
        ],
    );
    // (1 + 2^-30)^2 is 1 + 2^-29 + 2^-60, of which the last part is rounded away, and 1 + 2^-29 is taken off.
    let near = 1.0 + 2f64.powi(-30);
    let off = 1.0 + 2f64.powi(-29);
    assert_ne!(near.mul_add(near, -off), 0.0, "a fused operation would show");
    let four = |a: [f64; 4], want: f64| (a.map(F64).to_vec(), Ok(F64(want)));
    let dots = [
        four([near, 1.0, near, -off], 0.0),
        four([1.0, near, -off, near], 0.0),
        four([1e16, 1.0, 1.0, -1e16], 0.0),
        four([1e308, 1e308, 10.0, -10.0], nan),
        four([tiny, tiny, 0.5, 0.5], 0.0),
        four([-0.0, 0.0, 1.0, -0.0], -0.0),
        four([inf, 0.0, 1.0, 1.0], inf),
        four([inf, 1.0, 0.0, 1.0], nan),
    ];
    check("intrinsic vec2.dot (p0, p1, p2, p3) -> r", "f64", &dots);
    let squared = "intrinsic vec2.length_squared (p0, p1) -> r";
    check(squared, "f64", &[length(near, 0.0, off), length(1e200, 0.0, inf), length(tiny, tiny, 0.0)]);
}

/// Takes `n` colours apart and puts them together again, each `step` further on than the one before; counts those that
/// come back changed, by their channels and by the linear floats between.
const COLOURS: &str = "
.func main(c: u64, n: u64, step: u64) -> (u64) {
    .reg r, g, b, a, d, wrong, one, zero, more, x, y, z, w, mask
    const.u64 wrong, 0
    const.u64 zero, 0
    const.u64 one, 1
    const.u64 mask, 4294967295
    jmp @next
@next:
    intrinsic color.r c -> r
    intrinsic color.g c -> g
    intrinsic color.b c -> b
    intrinsic color.a c -> a
    intrinsic color.from_rgba (r, g, b, a) -> d
    u64.ne more, c, d
    br more, @count, @linear
@linear:
    intrinsic color.to_linear c -> (x, y, z, w)
    intrinsic color.from_linear (x, y, z, w) -> d
    u64.ne more, c, d
    br more, @count, @on
@count:
    u64.add wrong, wrong, one
    jmp @on
@on:
    u64.add c, c, step
    u64.and c, c, mask
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @next, @end
@end:
    ret wrong
}
";

/// N06: channels are clamped, NaN is 0, alpha 0 keeps the colours, and colours survive being taken apart: a step that is
/// odd goes through all 2^32 of them, of which a run takes as many as there is time for, native code more.
#[test]
fn n06_colours_and_pixels_are_clamped_and_survive() {
    let four = |a: [i64; 4], want: u64| (a.map(I64).to_vec(), Ok(U64(want)));
    check(
        "intrinsic color.from_rgba (p0, p1, p2, p3) -> r",
        "u64",
        &[
            four([-1, 256, 0, 255], 0x00ff_00ff),
            four([i64::MIN, i64::MAX, 1 << 32, -(1 << 32)], 0x00ff_ff00),
            four([1, 2, 3, 0], 0x0102_0300),
        ],
    );
    let floats = |a: [f64; 4], want: u64| (a.map(F64).to_vec(), Ok(U64(want)));
    check(
        "intrinsic color.from_linear (p0, p1, p2, p3) -> r",
        "u64",
        &[
            floats([f64::NAN, -f64::NAN, f64::NAN, f64::NAN], 0),
            floats([-0.0, -1.0, f64::NEG_INFINITY, 0.0], 0),
            floats([1.0, 2.0, f64::INFINITY, f64::MAX], 0xffff_ffff),
            floats([1.0, 0.0, 0.0, 0.0], 0xff00_0000),
        ],
    );
    let lerp = |t: f64, want: u64| (vec![U64(0x0000_00ff), U64(0xffff_ff00), F64(t)], Ok(U64(want)));
    check(
        "intrinsic color.lerp (p0, p1, p2) -> r",
        "u64",
        &[
            lerp(f64::NAN, 0x0000_00ff),
            lerp(-1.0, 0x0000_00ff),
            lerp(2.0, 0xffff_ff00),
            lerp(f64::INFINITY, 0xffff_ff00),
            lerp(0.5, 0x8080_8080),
        ],
    );
    let alpha = |a: i64, want: u64| (vec![U64(0x1122_3344), I64(a)], Ok(U64(want)));
    let alphas =
        [alpha(-1, 0x1122_3300), alpha(0, 0x1122_3300), alpha(256, 0x1122_33ff), alpha(0x80, 0x1122_3380)];
    check("intrinsic color.with_alpha (p0, p1) -> r", "u64", &alphas);
    // Bits past the 32 of a colour are not looked at.
    check(
        ".reg x, y, z\n intrinsic pixel.new (p0, p0, p1) -> (x, y, z)\n intrinsic pixel.color (x, y, z) -> r",
        "u64",
        &[(vec![I64(i64::MIN), U64(u64::MAX)], Ok(U64(0xffff_ffff)))],
    );
    check(
        ".reg y, z, one\n const.i64 one, 1\n intrinsic pixel.offset (p0, p0, p1, one, one) -> (r, y, z)",
        "i64",
        &[(vec![I64(i64::MAX), U64(0)], Ok(I64(i64::MIN)))],
    );
    let many = if cfg!(debug_assertions) { [2_000, 20_000] } else { [200_000, 2_000_000] };
    for (mut instance, n) in instances(COLOURS).into_iter().zip(many) {
        for (start, step) in [(0, 1), (u64::from(u32::MAX) - n / 2, 1), (1, 0x9e37_79b1), (7, 0x0101_0101)] {
            let args = [U64(start), U64(n), U64(step)];
            let limits = Limits::new().fuel(u64::MAX);
            // Starting near the end, the colour wraps to 0.
            assert_eq!(instance.call(MAIN, &args, limits), Ok(vec![U64(0)]), "from {start:#x} by {step:#x}");
        }
    }
}
