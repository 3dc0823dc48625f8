//! Intrinsics: reference bits, the cases of the specification, the line between them and host calls, and programs
//! that were verified with other tables.

mod intrinsics_support;

use intrinsics_support::{Case, DATA, GUARDS, cases, functions, slot, source, ulps, value};
use opforge_schema::IntrinsicRow;
use opforge_vm::builder::ProgramBuilder;
use opforge_vm::host::LinkProblem;
use opforge_vm::host::Unknown;
use opforge_vm::ids::{FuncId, IntrinsicId, Reg};
use opforge_vm::intrinsics::function;
use opforge_vm::lower::LowerError;
use opforge_vm::verify::{SlotSide, VerifyConfig, VerifyErrorKind, VerifyReport, verify, verify_with};
use opforge_vm::{
    CallError, Capabilities, Capability, Engine, EngineConfig, FuelSchedule, ISA, Instance, Intrinsic, Isa,
    Limits, Linker, Module, Outcome, TrapCode, TrapDetail, Value, ValueType, asm,
};
use std::collections::BTreeSet;

fn module(source: &str) -> Module {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{e}"));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"));
    Module::new(&Engine::default(), &verified).expect("it lowers")
}

fn alone(source: &str) -> Instance<()> {
    Linker::new().instantiate(&module(source), (), &Capabilities::none()).expect("nothing to link")
}

fn refusal(source: &str) -> VerifyReport {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{e}"));
    verify(program, &VerifyConfig::default()).expect_err("refused")
}

/// Most units in the last place that a function may be away from the true value.
fn allowed(name: &str) -> u64 {
    match name {
        // Correctly rounded.
        "math.cbrt" => 0,
        // Sums and differences of rounded products; length is rounded before the quotient is.
        "vec2.rotate" | "vec2.normalize" => 2,
        // The channel divided by 255 and the sum in the base are rounded before the power.
        "color.to_linear" => 2,
        _ => 1,
    }
}

#[test]
fn every_number_intrinsic_gives_its_reference_bits() {
    let functions = functions();
    let mut instance = alone(&source());
    let (mut wrong, mut seen, mut text) = (Vec::new(), BTreeSet::new(), String::new());
    let mut inexact = 0;
    for Case { line, name, args, results, exact } in cases() {
        let (func, classes) = &functions[name.as_str()];
        let values: Vec<Value> = classes.iter().zip(&args).map(|(&ty, &bits)| value(ty, bits)).collect();
        assert_eq!(values.len(), args.len(), "{line}");
        let out =
            instance.call(FuncId(*func), &values, Limits::new()).unwrap_or_else(|e| panic!("{line}: {e}"));
        let mut out: Vec<u64> = out.iter().map(slot).collect();
        assert_eq!(out.split_off(out.len() - 2), GUARDS, "{line}: a register beside the results");
        if out != results {
            wrong.push(format!("{line}\n  gives {out:016x?}"));
        }
        for (&found, &exact) in out.iter().zip(exact.iter().flatten()) {
            let distance = ulps(found, exact);
            inexact += u64::from(distance != Some(0));
            if distance.is_none_or(|distance| distance > allowed(&name)) {
                wrong.push(format!("{line}\n  gives {found:016x}, {distance:?} ulp away"));
            }
        }
        let (left, _) = line.split_once(" => ").expect("an arrow");
        let words = |bits: &[u64]| bits.iter().map(|b| format!(" {b:016x}")).collect::<String>();
        let tail = exact.map_or(String::new(), |exact| format!(" ~{}", words(&exact)));
        text += &format!("{left} =>{}{tail}\n", words(&out));
        seen.insert(name);
    }
    if std::env::var_os("OPFORGE_BLESS").is_some() {
        let old = std::fs::read_to_string(DATA).expect("the file");
        let head = old.lines().next().expect("a head");
        std::fs::write(DATA, format!("{head}\n{text}")).expect("written");
    }
    println!("{inexact} results are not the nearest number");
    assert!(wrong.is_empty(), "{} lines differ:\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
    let numbers =
        ISA.intrinsics.iter().map(|row| row.name.as_str()).filter(|name| !name.starts_with("text."));
    let missing: Vec<&str> = numbers.filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "no reference values for {missing:?}");
}

#[test]
fn a_nan_comes_out_canonical_whatever_goes_in() {
    let mut instance = alone(&source());
    for row in ISA.intrinsics.iter().filter(|row| !row.name.as_str().starts_with("text.")) {
        let (func, classes) = &functions()[row.name.as_str()];
        for nan in [0x7ff0_0000_0000_0001, 0xfff8_0000_dead_beef, u64::MAX] {
            let args: Vec<Value> = classes.iter().map(|&ty| value(ty, nan)).collect();
            let out = instance.call(FuncId(*func), &args, Limits::new()).expect("no trap");
            for bits in
                out.iter().filter_map(|v| if let Value::F64(v) = v { Some(v.to_bits()) } else { None })
            {
                let nan = f64::from_bits(bits).is_nan();
                assert!(!nan || bits == opforge_vm::CANONICAL_NAN_BITS, "{}: {bits:016x}", row.name.as_str());
            }
        }
    }
}

#[test]
fn colours_survive_being_taken_apart() {
    let mut instance = alone(
        ".func main(c: u64) -> (u64, u64) {\n .reg r, g, b, a, d\n intrinsic color.r c -> r\n intrinsic color.g c -> g\n \
         intrinsic color.b c -> b\n intrinsic color.a c -> a\n intrinsic color.from_rgba (r, g, b, a) -> d\n \
         .reg x, y, z, w\n intrinsic color.to_linear c -> (x, y, z, w)\n \
         intrinsic color.from_linear (x, y, z, w) -> c\n ret (d, c)\n}",
    );
    // Each value of each channel, beside values that differ from it.
    for byte in 0..=255u64 {
        let [r, g, b, a] = [byte, (byte * 7 + 3) % 256, 255 - byte, (byte * 31) % 256];
        let color = r << 24 | g << 16 | b << 8 | a;
        let out = instance.call(FuncId(0), &[Value::U64(color)], Limits::new()).expect("it runs");
        assert_eq!(out, [Value::U64(color), Value::U64(color)], "{color:08x}");
    }
}

#[test]
fn vec2_dot_of_two_vectors_gives_one_float() {
    let source = ".func main(a: f64, b: f64, c: f64, d: f64) -> (f64) {\n .reg o\n intrinsic vec2.dot (a, b, c, d) -> (o)\n ret o\n}";
    let args = [2.0, 3.0, 4.0, 5.0].map(Value::F64);
    let out = alone(source).call(FuncId(0), &args, Limits::new()).expect("it runs");
    assert_eq!(out, [Value::F64(23.0)]);
}

#[test]
fn vec2_length_of_one_vector_gives_one_float() {
    let source =
        ".func main(a: f64, b: f64) -> (f64) {\n .reg o\n intrinsic vec2.length (a, b) -> (o)\n ret o\n}";
    let out = alone(source).call(FuncId(0), &[3.0, 4.0].map(Value::F64), Limits::new()).expect("it runs");
    assert_eq!(out, [Value::F64(5.0)]);
}

#[test]
fn the_verifier_accepts_vec2_dot_and_rejects_it_with_too_few_slots() {
    let with = |args: &str, rets: &str| {
        let body = format!("intrinsic vec2.dot ({args}) -> ({rets})");
        let source = format!(".func main(a: f64, n: i64) -> () {{\n .reg o, p\n {body}\n ret ()\n}}");
        verify(asm::assemble(&source).expect("it assembles"), &VerifyConfig::default())
            .map_err(|report| report.errors().iter().map(|error| *error.kind()).collect::<Vec<_>>())
    };
    let intrinsic = IntrinsicId(Intrinsic::Vec2Dot.id());
    assert!(with("a, a, a, a", "o").is_ok());
    let few =
        VerifyErrorKind::IntrinsicTooFewSlots { intrinsic, side: SlotSide::Argument, expected: 4, actual: 3 };
    assert_eq!(with("a, a, a", "o").expect_err("refused"), [few]);
    let many =
        VerifyErrorKind::IntrinsicTooManySlots { intrinsic, side: SlotSide::Result, expected: 1, actual: 2 };
    assert_eq!(with("a, a, a, a", "o, p").expect_err("refused"), [many]);
    let (expected, actual) = (ValueType::F64, ValueType::I64);
    let class = VerifyErrorKind::IntrinsicSlotClass {
        intrinsic,
        side: SlotSide::Argument,
        reg: Reg(2),
        expected,
        actual,
    };
    assert_eq!(with("a, a, n, a", "o").expect_err("refused"), [class]);
}

#[test]
fn every_intrinsic_wants_exactly_its_slots() {
    for row in ISA.intrinsics {
        let classes = |slots: &[u8]| -> Vec<ValueType> {
            slots.iter().map(|&tag| ValueType::from_tag(tag, 0).expect("a class")).collect()
        };
        let (args, rets) = (classes(row.arg_slots()), classes(row.ret_slots()));
        let build = |args: &[ValueType], given: usize, taken: usize| {
            let mut builder = ProgramBuilder::new();
            let func = builder.declare("f", args, &[]).expect("a function");
            let mut body = builder.begin(func).expect("a body");
            let params: Vec<Reg> = (0..given).map(|i| Reg(1 + i as u32)).collect();
            let results: Vec<Reg> = (0..taken).map(|_| body.reg()).collect();
            let intrinsic = Intrinsic::from_id(row.id.get().into()).expect("an intrinsic");
            body.intrinsic(intrinsic, &params, &results).expect("it encodes");
            body.emit(opforge_vm::Opcode::Ret, &[(&[] as &[Reg]).into()]).expect("it encodes");
            builder.define(body).expect("a body");
            let verified = verify(builder.finish().expect("a program"), &VerifyConfig::default());
            verified.map_err(|report| report.errors()[0].kind().code())
        };
        let name = row.name.as_str();
        assert!(build(&args, args.len(), rets.len()).is_ok(), "{name}");
        let more = [&args[..], &args[..1]].concat();
        assert_eq!(build(&args, args.len() - 1, rets.len()).expect_err(name), "V0711");
        assert_eq!(build(&more, more.len(), rets.len()).expect_err(name), "V0712");
        assert_eq!(build(&args, args.len(), rets.len() - 1).expect_err(name), "V0711");
        assert_eq!(build(&args, args.len(), rets.len() + 1).expect_err(name), "V0712");
        for wrong in 0..args.len() {
            let mut other = args.clone();
            other[wrong] = ValueType::Decimal;
            assert_eq!(build(&other, args.len(), rets.len()).expect_err(name), "V0811", "slot {wrong}");
        }
    }
}

#[test]
fn an_unknown_id_is_an_error_of_intrinsics_and_not_of_calls() {
    for id in [0, 31, 0x7fff, 0x8000, u32::MAX] {
        let report =
            refusal(&format!(".func main(a: f64) -> () {{\n intrinsic #{id} (a) -> ()\n ret ()\n}}"));
        let kinds: Vec<VerifyErrorKind> = report.errors().iter().map(|error| *error.kind()).collect();
        assert_eq!(kinds, [VerifyErrorKind::UnknownIntrinsic { intrinsic: IntrinsicId(id) }]);
        assert!(function(IntrinsicId(id)).is_none());
    }
}

/// A program that calls import 0 and executes the intrinsic with the id of its index plus one.
const BOTH: &str = ".host log = \"vec2.new\" (f64, f64) -> (f64, f64)\n\
    .func host(a: f64, b: f64) -> (f64, f64) {\n host_call log (a, b) -> (a, b)\n ret (a, b)\n}\n\
    .func own(a: f64, b: f64) -> (f64, f64) {\n intrinsic vec2.new (a, b) -> (a, b)\n ret (a, b)\n}\n";

fn sum_and_difference(linker: &mut Linker<()>, capability: Capability) {
    let swap = |_: &mut opforge_vm::Caller<'_, ()>, a: f64, b: f64| (b, a);
    linker.func("vec2.new", capability, swap).expect("a function");
}

#[test]
fn a_missing_or_denied_host_call_is_not_served_by_an_intrinsic_of_its_name() {
    let module = module(BOTH);
    let missing = Linker::<()>::new().instantiate(&module, (), &Capabilities::none()).expect_err("missing");
    assert!(matches!(missing.problems.as_slice(), [LinkProblem::Missing { .. }]), "{missing:?}");
    let mut linker = Linker::new();
    sum_and_difference(&mut linker, Capability::named("vectors"));
    let denied = linker.instantiate(&module, (), &Capabilities::none()).expect_err("denied");
    assert!(matches!(denied.problems.as_slice(), [LinkProblem::Denied { .. }]), "{denied:?}");
    // Linked as what traps when it is called: the intrinsic of the same name still runs, the call still does not.
    let mut linker = Linker::<()>::new();
    linker.unknown_imports(Unknown::TrapWhenCalled);
    let mut instance = linker.instantiate(&module, (), &Capabilities::none()).expect("it links");
    let args = [1.0, 2.0].map(Value::F64);
    let Err(CallError::Trap(trap)) = instance.call(FuncId(0), &args, Limits::new()) else {
        panic!("no trap")
    };
    assert_eq!(trap.code, TrapCode::HostCallFailed);
    assert!(matches!(trap.detail, TrapDetail::Host { .. }));
    assert_eq!(instance.call(FuncId(1), &args, Limits::new()).expect("it runs"), args);
}

#[test]
fn a_registered_host_function_does_not_replace_the_intrinsic_of_its_name_or_number() {
    let mut linker = Linker::new();
    sum_and_difference(&mut linker, Capability::none());
    let mut instance = linker.instantiate(&module(BOTH), (), &Capabilities::none()).expect("it links");
    let (args, swapped) = ([1.0, 2.0].map(Value::F64), [2.0, 1.0].map(Value::F64));
    assert_eq!(instance.call(FuncId(0), &args, Limits::new()).expect("it runs"), swapped);
    assert_eq!(instance.call(FuncId(1), &args, Limits::new()).expect("it runs"), args);
    // The number of an import, which is in range, is no intrinsic; the number of an intrinsic is no import.
    let import =
        ".host h = \"x\" (f64) -> ()\n.func main(a: f64) -> () {\n intrinsic #0 (a) -> ()\n ret ()\n}";
    assert_eq!(refusal(import).errors()[0].kind().name(), "UnknownIntrinsic");
    let call = ".func main(a: f64, b: f64) -> () {\n host_call #1 (a, b) -> (a, b)\n ret ()\n}";
    assert_eq!(refusal(call).errors()[0].kind().name(), "HostSigOutOfBounds");
}

#[test]
fn intrinsics_are_no_host_calls() {
    let mut instance = alone(".func main(a: f64) -> (f64) {\n intrinsic math.sin a -> a\n ret a\n}");
    let mut run = instance.execution(Limits::new().host_calls(0));
    run.start(FuncId(0), &[Value::F64(0.0)]).expect("arguments fit");
    assert!(matches!(run.resume(), Outcome::Finished(_)));
    assert_eq!(run.host_calls(), 0);
}

fn fuel(source: &str, args: &[Value], schedule: FuelSchedule) -> u64 {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{e}"));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"));
    let module =
        Module::new(&Engine::new(EngineConfig::new().schedule(schedule)), &verified).expect("it lowers");
    let mut instance =
        Linker::new().instantiate(&module, (), &Capabilities::none()).expect("nothing to link");
    let mut run = instance.execution(Limits::new());
    run.start(FuncId(0), args).expect("arguments fit");
    assert!(matches!(run.resume(), Outcome::Finished(_)));
    Limits::new().fuel - run.fuel()
}

#[test]
fn an_intrinsic_costs_what_its_row_says() {
    let sin = ".func main(a: f64) -> (f64) {\n intrinsic math.sin a -> a\n ret a\n}";
    let cost = |name: &str| u64::from(ISA.find_intrinsic(name).expect("a row").fuel.get());
    assert!(cost("math.sin") > 1);
    assert_eq!(fuel(sin, &[Value::F64(1.0)], FuelSchedule::BySize), cost("math.sin") + 1);
    assert_eq!(fuel(sin, &[Value::F64(1.0)], FuelSchedule::V1), 2);
    // Text costs a unit more for every 64 bytes of both arguments.
    let find = ".func main(a: str, b: str) -> (bool) {\n .reg f, n\n intrinsic text.find (a, b) -> (f, n)\n ret f\n}";
    for (len, more) in [(0, 0), (61, 0), (62, 1), (200, 3), (6398, 100)] {
        let args = [Value::Str("x".repeat(len)), Value::Str("ab".into())];
        assert_eq!(fuel(find, &args, FuelSchedule::BySize), cost("text.find") + more + 1, "{len} bytes");
        assert_eq!(fuel(find, &args, FuelSchedule::V1), 2);
    }
}

/// The VM's tables with one intrinsic more, of an embedder.
fn overlaid(change: impl Fn(&mut IntrinsicRow)) -> Vec<IntrinsicRow> {
    let mut rows = ISA.intrinsics.to_vec();
    let mut more = *ISA.find_intrinsic("vec2.dot").expect("vec2.dot");
    more.id = IntrinsicRow::FIRST_FOREIGN.into();
    more.name = ISA.find_intrinsic("vec2.neg").expect("vec2.neg").name;
    more.name.text[..4].copy_from_slice(b"mine");
    change(&mut more);
    rows.push(more);
    rows
}

#[test]
fn an_engine_refuses_a_program_that_was_verified_with_other_tables() {
    let rows = overlaid(|_| ());
    let isa = Isa { intrinsics: &rows, ..ISA };
    isa.check().expect("good tables");
    let source = ".func main(a: f64) -> (f64) {\n .reg o\n intrinsic mine.neg (a, a, a, a) -> o\n ret o\n}";
    assert!(asm::assemble(source).is_err());
    let program = asm::assemble_with(&isa, source).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        verify(program.clone(), &VerifyConfig::default()).expect_err("unknown here").errors()[0]
            .kind()
            .code(),
        "V0511"
    );
    let verified = verify_with(&isa, program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"));
    let refused = Module::new(&Engine::default(), &verified).expect_err("other tables");
    let tables = opforge_tables::FINGERPRINT;
    assert_eq!(refused, LowerError::OtherTables { verified: isa.fingerprint(), engine: tables });
    assert!(
        refused.to_string().starts_with("error[L0003]: the program was verified with tables "),
        "{refused}"
    );
    // Whatever differs: here only what an intrinsic costs that the program does not use.
    let plain = ".func main() -> () {\n ret ()\n}";
    let dearer = overlaid(|row| row.fuel = 2.into());
    let isa = Isa { intrinsics: &dearer[..], ..ISA };
    let verified =
        verify_with(&isa, asm::assemble(plain).expect("text"), &VerifyConfig::default()).expect("fine");
    assert!(Module::new(&Engine::default(), &verified).is_err());
    // A copy of the same tables is the same tables.
    let copy = ISA.intrinsics.to_vec();
    let isa = Isa { intrinsics: &copy, ..ISA };
    let verified =
        verify_with(&isa, asm::assemble(plain).expect("text"), &VerifyConfig::default()).expect("fine");
    assert!(Module::new(&Engine::default(), &verified).is_ok());
}
