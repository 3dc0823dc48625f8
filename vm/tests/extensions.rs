//! Embedders' own opcodes and intrinsics: how functions are registered, what is refused, and what running them does.

#[allow(dead_code)]
mod extensions_support;

use extensions_support::{SOURCE, SPEC, extensions, hit, isa, mix, noise, snap, step, tables_of};
use opforge_vm::extensions::{Missing, Str};
use opforge_vm::ids::FuncId;
use opforge_vm::lower::LowerError;
use opforge_vm::trap::ExtensionFault;
use opforge_vm::verify::{VerifyConfig, verify, verify_with};
use opforge_vm::{
    CallError, Capabilities, Engine, EngineConfig, ExtensionError, Extensions, FuelSchedule, ISA, Instance,
    Isa, Limits, Linker, Module, Outcome, Program, Trap, TrapCode, TrapDetail, Value, asm, container, disasm,
};

fn program(source: &str) -> Program {
    asm::assemble_with(isa(), source).unwrap_or_else(|e| panic!("{e}"))
}

fn engine() -> Engine {
    Engine::with_extensions(EngineConfig::new(), extensions()).unwrap_or_else(|e| panic!("{e}"))
}

fn instance(engine: &Engine, source: &str) -> Instance<()> {
    let verified =
        verify_with(engine.isa(), program(source), &VerifyConfig::new()).unwrap_or_else(|e| panic!("{e}"));
    let module = Module::new(engine, &verified).unwrap_or_else(|e| panic!("{e}"));
    Linker::new().instantiate(&module, (), &Capabilities::none()).expect("nothing to link")
}

fn func(instance: &Instance<()>, name: &str) -> FuncId {
    instance.module().program().func_by_name(name).expect("a function")
}

fn call(name: &str, args: &[Value]) -> Result<Vec<Value>, CallError> {
    let mut instance = instance(&engine(), SOURCE);
    let func = func(&instance, name);
    instance.call(func, args, Limits::new())
}

fn trap(result: Result<Vec<Value>, CallError>) -> Trap {
    match result {
        Err(CallError::Trap(trap)) => *trap,
        other => panic!("no trap: {other:?}"),
    }
}

#[test]
fn opcodes_and_intrinsics_compute_what_their_functions_do() {
    let (mut acc, mut y, mut life) = (7, snap(0.3, 8), 1_000);
    for i in 0..5 {
        acc = mix(acc, i);
        y = noise(y, 0.3);
        life = hit(life, i + 1, 40).expect("no trap");
    }
    let wanted = [Value::I64(acc), Value::F64(y), Value::Bool(true), Value::I64(life)];
    assert_eq!(call("play", &[Value::I64(5), Value::F64(0.3), Value::U64(40)]).expect("it runs"), wanted);

    // All arguments are read before a result is written: here the two change places.
    let (row, column) = step(3, 4, 1).expect("a direction");
    let (column, row) = step(column, row, 1).expect("a direction");
    let walked = call("walk", &[Value::I64(3), Value::I64(4), Value::U64(1)]).expect("it runs");
    assert_eq!(walked, [Value::I64(column), Value::I64(row)]);

    let said = call("say", &[Value::Str("h\u{e9}".into())]).expect("it runs");
    assert_eq!(said, [Value::Str("H\u{c9}!!".into()), Value::U64(5)]);
}

#[test]
fn nans_are_canonical_on_the_way_in_and_out() {
    let nan = f64::from_bits(0xfff8_0000_0000_1234);
    let canonical = f64::from_bits(0x7ff8_0000_0000_0000);
    let out = call("bits", &[Value::F64(nan)]).expect("it runs");
    let of_canonical = noise(canonical, canonical).to_bits();
    assert_eq!(out, [Value::U64(0x7ff8_0000_0000_0000), Value::U64(of_canonical)]);
}

#[test]
fn a_listed_trap_ends_the_run_at_the_instruction() {
    let at = trap(call("play", &[Value::I64(5), Value::F64(0.3), Value::U64(101)]));
    assert_eq!((at.code, &at.detail), (TrapCode::IndexOutOfBounds, &TrapDetail::None));
    let program = program(SOURCE);
    let text = disasm::disassemble(
        &program,
        &disasm::DisasmOptions::exact().isa(isa()).show(disasm::Show::Comments),
    );
    let code =
        opforge_vm::codec::Code::decode(isa(), program.code(FuncId(0)).expect("code")).expect("it decodes");
    let line = code.instrs().iter().find(|i| i.pc == at.at().pc).expect("an instruction");
    assert_eq!(isa().name(line.didx), "game.hit", "{text}");
    let at = trap(call("walk", &[Value::I64(3), Value::I64(4), Value::U64(9)]));
    assert_eq!(at.code, TrapCode::IndexOutOfBounds);
}

/// Out of fuel at each step, resumed with one unit at a time: the same end, and no function is skipped or run twice.
#[test]
fn fuel_runs_out_at_every_step_and_the_run_goes_on() {
    for schedule in [FuelSchedule::BySize, FuelSchedule::V1] {
        let config = EngineConfig::new().schedule(schedule);
        let engine = Engine::with_extensions(config, extensions()).expect("an engine");
        let mut instance = instance(&engine, SOURCE);
        for (name, args) in [
            ("play", vec![Value::I64(3), Value::F64(0.3), Value::U64(40)]),
            ("play", vec![Value::I64(3), Value::F64(0.3), Value::U64(200)]),
            ("walk", vec![Value::I64(3), Value::I64(4), Value::U64(2)]),
            ("say", vec![Value::Str("x".repeat(200).as_str().into())]),
        ] {
            let func = func(&instance, name);
            let all = Limits::new().fuel(10_000);
            let mut whole = instance.execution(all);
            whole.start(func, &args).expect("it starts");
            let end = whole.resume();
            let used = 10_000 - whole.fuel();
            let mut slow = instance.execution(Limits::new().fuel(0));
            slow.start(func, &args).expect("it starts");
            let mut given = 0;
            let slow_end = loop {
                match slow.resume() {
                    Outcome::OutOfFuel(_) => {
                        slow.add_fuel(1);
                        given += 1;
                    }
                    end => break end,
                }
            };
            assert_eq!(given - slow.fuel(), used, "{name}");
            match (end, slow_end) {
                (Outcome::Finished(a), Outcome::Finished(b)) => assert_eq!(a, b, "{name}"),
                (Outcome::Trapped(a), Outcome::Trapped(b)) => {
                    assert_eq!((a.code, a.at(), a.detail), (b.code, b.at(), b.detail), "{name}");
                }
                ends => panic!("{name}: {ends:?}"),
            }
        }
    }
}

#[test]
fn costs_are_those_of_the_rows() {
    let source = ".func one(a: i64) -> (i64) {\n game.mix a, a, a\n ret a\n}\n\
        .func two(t: str) -> (str) {\n intrinsic game.shout (t) -> (t)\n ret t\n}\n";
    let mut instance = instance(&engine(), source);
    let mut used = |func, args: &[Value]| {
        let mut run = instance.execution(Limits::new().fuel(1_000));
        run.start(FuncId(func), args).expect("it starts");
        assert!(matches!(run.resume(), Outcome::Finished(_)));
        1_000 - run.fuel()
    };
    assert_eq!(used(0, &[Value::I64(1)]), 2 + 1);
    // 130 bytes, 64 for a unit, besides the base of 2 and the return.
    assert_eq!(used(1, &[Value::Str("x".repeat(130).as_str().into())]), 2 + 130 / 64 + 1);
}

#[test]
fn text_goes_both_ways_and_a_program_is_bound_to_its_tables() {
    let program = program(SOURCE);
    let text = disasm::disassemble(&program, &disasm::DisasmOptions::exact().isa(isa()));
    for line in ["game.mix ", "game.hit ", "intrinsic game.step ", "game.snap "] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains(".raw"), "{text}");
    assert_eq!(asm::assemble_with(isa(), &text).unwrap_or_else(|e| panic!("{e}")), program);
    // A container says that it needs what only this VM has.
    let bytes = container::encode(&program).expect("it is encoded");
    assert_eq!(container::decode(&bytes, &container::DecodeConfig::default()).expect("it decodes"), program);
    assert!(text.contains(".version 0.128"), "{text}");

    // Without the tables there are no such opcodes.
    let unknown = verify(program.clone(), &VerifyConfig::new()).expect_err("unknown opcodes");
    assert!(unknown.to_string().contains("unknown opcode"), "{unknown}");

    // With them, only an engine that has them runs it.
    let verified = verify_with(isa(), program, &VerifyConfig::new()).unwrap_or_else(|e| panic!("{e}"));
    let refused = Module::new(&Engine::default(), &verified).expect_err("other tables");
    assert!(matches!(refused, LowerError::OtherTables { .. }), "{refused}");
    let plain = asm::assemble(".func main() -> () {\n ret ()\n}").expect("text");
    let plain = verify(plain, &VerifyConfig::new()).expect("it verifies");
    assert!(Module::new(&engine(), &plain).is_err(), "verified with the VM's own tables");

    // Another overlay with another meaning of the same bytes is another table.
    let dir = tempfile();
    let other = std::fs::read_to_string(SPEC).expect("the spec").replace("\"fuel\": 2,", "\"fuel\": 5,");
    std::fs::write(&dir, other).expect("writing");
    let other = tables_of(&dir);
    std::fs::remove_file(&dir).expect("removing");
    let mut functions = Extensions::new(&other).expect("good tables");
    functions.missing(Missing::TrapWhenExecuted);
    let engine = Engine::with_extensions(EngineConfig::new(), functions).expect("an engine");
    assert!(matches!(Module::new(&engine, &verified), Err(LowerError::OtherTables { .. })));
}

fn tempfile() -> String {
    let name = format!("opforge-game-{}.json", std::process::id());
    std::env::temp_dir().join(name).display().to_string()
}

/// A container is bound to the rows that it uses: their names, ids and types, not their costs, nor other rows.
#[test]
fn a_container_of_another_overlay_does_not_verify() {
    let source = ".func one(a: i64) -> (i64) {\n game.mix a, a, a\n ret a\n}\n";
    let bytes = container::encode(&program(source)).expect("it is encoded");
    let spec = std::fs::read_to_string(SPEC).expect("the spec");
    let verified = |isa: &Isa<'static>, bytes: &[u8], config: &container::DecodeConfig| {
        let program = container::decode(bytes, config).expect("it decodes");
        verify_with(isa, program, &VerifyConfig::new())
            .map(|_| ())
            .map_err(|report| report.errors()[0].kind().code())
    };
    let keep = container::DecodeConfig::new();
    assert_eq!(verified(isa(), &bytes, &keep), Ok(()));
    for (i, (from, to, expected)) in [
        ("\"mnemonic\": \"game.mix\"", "\"mnemonic\": \"game.blend\"", Err("V1001")),
        ("\"id\": 32768, \"name\": \"GameMix\"", "\"id\": 40000, \"name\": \"GameMix\"", Err("V1001")),
        ("\"traps\": [], \"fuel\": 2", "\"traps\": [\"DivByZero\"], \"fuel\": 9", Ok(())),
        ("\"mnemonic\": \"game.hit\"", "\"mnemonic\": \"game.strike\"", Ok(())),
        ("\"byte\": \"0x00\"", "\"byte\": \"0x03\"", Err("V0407")),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(spec.contains(from), "{from}");
        let text = spec.replacen(from, to, 1);
        // The example is of the row as it was.
        let text = text.replacen("game.mix r3", if i == 0 { "game.blend r3" } else { "game.mix r3" }, 1);
        let text = text.replace("fc 10 00 03", if i == 4 { "fc 10 03 03" } else { "fc 10 00 03" });
        let file = format!("{}.{i}", tempfile());
        std::fs::write(&file, text).expect("writing");
        let other = tables_of(&file);
        std::fs::remove_file(&file).expect("removing");
        assert_eq!(verified(&other, &bytes, &keep), expected, "{to}");
    }
    // Taken away, it is missed; stated wrongly, text shows it, and it stays wrong.
    let skip = keep.unknown_sections(container::UnknownSections::Skip);
    assert_eq!(verified(isa(), &bytes, &skip), Err("V1001"));
    let text = disasm::disassemble(&program(source), &disasm::DisasmOptions::exact().isa(isa()));
    assert!(!text.contains(".section"), "{text}");
    let forged = program(&format!("{source}.section 240 hex\"0102030405060708\"\n"));
    let text = disasm::disassemble(&forged, &disasm::DisasmOptions::exact().isa(isa()));
    assert_eq!(asm::assemble_with(isa(), &text).unwrap_or_else(|e| panic!("{e}")), forged);
    let report = verify_with(isa(), forged, &VerifyConfig::new()).expect_err("forged");
    assert_eq!(report.errors()[0].kind().code(), "V1001");
    // What uses no row of an embedder carries nothing.
    assert!(program(".func f() -> () {\n ret ()\n}\n").unknown_sections().is_empty());
}

/// A type of an embedder's own that is careless with its slots.
struct Careless(u64);

impl opforge_vm::extensions::Layout for Careless {
    const CLASSES: &'static [u8] = &[opforge_vm::ValueType::F64.tag()];

    fn load(slots: &[u64]) -> Self {
        Self(slots[0])
    }

    fn store(self, slots: &mut [u64]) {
        slots[0] = self.0;
    }
}

struct Maybe(u64);

impl opforge_vm::extensions::Layout for Maybe {
    const CLASSES: &'static [u8] = &[opforge_vm::ValueType::Bool.tag()];

    fn load(slots: &[u64]) -> Self {
        Self(slots[0])
    }

    fn store(self, slots: &mut [u64]) {
        slots[0] = self.0;
    }
}

#[test]
fn types_of_ones_own_cannot_leave_their_class() {
    let nan = 0x7ff8_0000_0000_0000;
    let mut all = Extensions::new(isa()).expect("good tables");
    all.missing(Missing::TrapWhenExecuted);
    all.opcode("game.live", move |x: Careless| Maybe(if x.0 == nan { 6 } else { 0 })).expect("it fits");
    all.opcode("game.snap", |_: Careless, _: u32| Careless(0xfff8_0000_dead_beef)).expect("it fits");
    let engine = Engine::with_extensions(EngineConfig::new(), all).expect("an engine");
    let source = ".func main(x: f64) -> (bool, u64) {\n .reg b, bits\n f64.neg x, x\n game.live b, x\n \
        game.snap x, x, 1\n f64.to_bits bits, x\n ret (b, bits)\n}\n";
    let out = instance(&engine, source).call(FuncId(0), &[Value::F64(f64::NAN)], Limits::new());
    assert_eq!(out.expect("it runs"), [Value::Bool(true), Value::U64(nan)]);
}

/// What registering refuses, with the stable code.
fn refused(done: Result<&mut Extensions, ExtensionError>) -> (&'static str, String) {
    let error = done.expect_err("an error");
    (error.code(), error.to_string())
}

/// N07: what the VM owns is not for embedders to redefine, not even with the same types; nothing is registered. Rows that
/// take ids or names of the VM are findings of tablegen: `tablegen/tests/bad/overlay.*_of_the_vm`.
#[test]
fn n07_ids_of_the_vm_are_refused_at_registration() {
    let mut all = Extensions::new(isa()).expect("good tables");
    let (code, text) = refused(all.intrinsic("math.sin", |x: f64| x));
    assert_eq!((code, text.contains("`math.sin` is the VM's own")), ("X0004", true), "{text}");
    assert_eq!(refused(all.intrinsic("text.trim", |text: Str| text)).0, "X0004");
    assert_eq!(refused(all.opcode("i64.add", |a: i64, b: i64| a + b)).0, "X0004");
    for row in opforge_vm::ISA.intrinsics {
        assert_eq!(refused(all.intrinsic(row.name.as_str(), |x: f64| x)).0, "X0004", "{}", row.name.as_str());
    }
    for (didx, _) in opforge_vm::ISA.iter() {
        let name = opforge_vm::ISA.name(didx);
        assert_eq!(refused(all.opcode(name, mix)).0, "X0004", "{name}");
    }
}

#[test]
fn functions_are_checked_against_their_rows() {
    let mut all = Extensions::new(isa()).expect("good tables");
    let (code, text) = refused(all.opcode("game.none", mix));
    assert_eq!((code, text.contains("no opcode `game.none`")), ("X0003", true), "{text}");
    assert_eq!(refused(all.intrinsic("game.mix", mix)).0, "X0003", "an opcode is no intrinsic");
    let (code, text) = refused(all.opcode("game.mix", |a: i64, b: u64| a ^ b as i64));
    assert_eq!(code, "X0005");
    assert!(
        text.ends_with("`game.mix` is (i64, i64) -> (i64) by its row, the function is (i64, u64) -> (i64)"),
        "{text}"
    );
    let (code, text) = refused(all.opcode("game.snap", |x: f64| x));
    assert_eq!((code, text.contains("(f64, u32 immediate) -> (f64)")), ("X0005", true), "{text}");
    assert_eq!(refused(all.opcode("game.live", |x: f64| x)).0, "X0005", "result class");
    assert_eq!(refused(all.intrinsic("game.step", |a: i64, b: i64| (a, b))).0, "X0005", "one argument less");
    all.opcode("game.mix", mix).expect("it fits");
    assert_eq!(refused(all.opcode("game.mix", mix)).0, "X0006");
    let missing = Engine::with_extensions(EngineConfig::new(), all).expect_err("functions are missing");
    assert_eq!(missing.code(), "X0007");
    let text = missing.to_string();
    assert!(
        text.contains("`game.hit`") && text.contains("`game.noise`") && !text.contains("`game.mix`"),
        "{text}"
    );
}

/// N01 for embedders' ids: a row without a function traps, and is never served by anything else.
#[test]
fn a_row_without_a_function_traps_when_it_is_executed() {
    let mut some = Extensions::new(isa()).expect("good tables");
    some.opcode("game.mix", mix).expect("it fits").missing(Missing::TrapWhenExecuted);
    let engine = Engine::with_extensions(EngineConfig::new(), some).expect("an engine");
    let source = ".func a(x: f64) -> (f64) {\n intrinsic game.noise (x, x) -> (x)\n ret x\n}\n\
        .func b(x: f64) -> (f64) {\n game.snap x, x, 4\n ret x\n}\n\
        .func c(a: i64) -> (i64) {\n game.mix a, a, a\n ret a\n}\n";
    let mut instance = instance(&engine, source);
    for (func, name) in [(0, "game.noise"), (1, "game.snap")] {
        let trap = trap(instance.call(FuncId(func), &[Value::F64(1.0)], Limits::new()));
        assert_eq!(trap.code, TrapCode::InvalidIntrinsic);
        let detail = TrapDetail::Extension { name: name.into(), fault: ExtensionFault::NotRegistered };
        assert_eq!(trap.detail, detail);
        assert!(trap.to_string().contains(&format!(": {name}: no function is registered")), "{trap}");
    }
    assert_eq!(
        instance.call(FuncId(2), &[Value::I64(1)], Limits::new()).expect("it runs"),
        [Value::I64(mix(1, 1))]
    );
}

#[test]
fn a_trap_that_the_row_does_not_list_is_named() {
    let mut all = Extensions::new(isa()).expect("good tables");
    all.missing(Missing::TrapWhenExecuted);
    all.opcode("game.mix", |_: i64, _: i64| -> Result<i64, TrapCode> { Err(TrapCode::DivByZero) })
        .expect("it fits");
    let engine = Engine::with_extensions(EngineConfig::new(), all).expect("an engine");
    let mut instance = instance(&engine, ".func c(a: i64) -> (i64) {\n game.mix a, a, a\n ret a\n}\n");
    let trap = trap(instance.call(FuncId(0), &[Value::I64(1)], Limits::new()));
    assert_eq!(trap.code, TrapCode::InvalidIntrinsic);
    let fault = ExtensionFault::UnlistedTrap(TrapCode::DivByZero);
    assert_eq!(trap.detail, TrapDetail::Extension { name: "game.mix".into(), fault });
}

#[test]
fn tables_of_another_vm_are_refused() {
    let code = |isa: &Isa<'static>| Extensions::new(isa).expect_err("refused").code();
    // A row of the VM that costs something else.
    let ops: &'static mut [_] = isa().ops.to_vec().leak();
    ops[0].fuel = 9.into();
    assert_eq!(code(&Isa { ops, ..*isa() }), "X0002");
    // An intrinsic more that is the VM's by its id.
    let intrinsics: &'static mut [_] = isa().intrinsics.to_vec().leak();
    intrinsics[ISA.intrinsics.len()].id = 0x7000.into();
    assert_eq!(code(&Isa { intrinsics, ..*isa() }), "X0002");
    // An embedder's opcode that would be lowered as something of the VM.
    let ops: &'static mut [_] = isa().ops.to_vec().leak();
    ops[ISA.ops.len()].lower = opforge_vm::schema::Lower::Call.code();
    assert_eq!(code(&Isa { ops, ..*isa() }), "X0001");
    // The VM's own tables have no rows to register for, and are enough for an engine.
    assert!(
        Engine::with_extensions(EngineConfig::new(), Extensions::new(&ISA).expect("good tables")).is_ok()
    );
}
