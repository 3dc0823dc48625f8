use super::*;
use crate::ids::{ConstId, ElemId, FuncId, HostSigId, StructId, SymbolId};
use crate::program::{AggShape, Const, ContainerVersion};
use crate::value_type::ValueType;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The code of a function with this body and two i64 parameters `a` and `b`.
fn code(body: &str) -> Vec<u8> {
    let source = format!(".func f(a: i64, b: i64) {{\n{body}\n}}\n");
    match assemble(&source) {
        Ok(program) => program.code(FuncId(0)).unwrap().to_vec(),
        Err(errors) => panic!("{}", errors.render(&source, "test")),
    }
}

/// Code, line, column and length of every error.
fn errors(source: &str) -> Vec<(&'static str, u32, u32, u32)> {
    let errors = assemble(source).expect_err("no error");
    errors.errors().iter().map(|e| (e.code(), e.line, e.column, e.length)).collect()
}

fn body_errors(body: &str) -> Vec<(&'static str, u32, u32, u32)> {
    errors(&format!(".func f(a: i64) {{\n{body}\n}}"))
}

#[test]
fn operands_are_written_by_kind() {
    assert_eq!(code("i64.add r3, a, b"), [0x20, 3, 1, 2]);
    assert_eq!(code("  i64.add  r3 ,r1,r2 ; sum\n// nothing\n\n"), [0x20, 3, 1, 2]);
    assert_eq!(code("const.bool r3, true"), [0x11, 3, 1]);
    assert_eq!(code("const.i64 r3, -0x40"), [0x12, 3, 0x40]);
    assert_eq!(code("const.u64 r3, 1_000"), [0x13, 3, 0xe8, 7]);
    assert_eq!(code("const.u64 r3, 0b101"), [0x13, 3, 5]);
    assert_eq!(code("const.decimal r3, -12345, 2"), [0x15, 3, 0xc7, 0x9f, 0x7f, 2]);
    assert_eq!(code("ret (a, b)"), [0x51, 0, 2, 1, 2]);
    assert_eq!(code("ret (\n a,\n b,\n)"), [0x51, 0, 2, 1, 2]);
    assert_eq!(code("ret b"), [0x51, 0, 1, 2]);
    assert_eq!(code("ret ()"), [0x51, 0, 0]);
    assert_eq!(code("call &f (a, b) -> ()"), [0x50, 0, 0, 0, 2, 1, 2, 0]);
    assert_eq!(code("call &7 () -> r3"), [0x50, 0, 7, 0, 0, 1, 3]);
    assert_eq!(code("jmp @=7"), [0x41, 0x87, 0x80, 0x80, 0x80, 0]);
    assert_eq!(code(".raw 0A ff\n.raw 00"), [0x0a, 0xff, 0]);
}

#[test]
fn floats_are_exact() {
    let bits = |text: &str| {
        let bytes = code(&format!("const.f64 r3, {text}"));
        u64::from_le_bytes(bytes[2..].try_into().unwrap())
    };
    assert_eq!(bits("1.5"), 1.5f64.to_bits());
    assert_eq!(bits("-0.0"), 1 << 63);
    assert_eq!(bits("2"), 2f64.to_bits());
    assert_eq!(bits("1e-5"), 1e-5f64.to_bits());
    assert_eq!(bits("-1.5E+300"), (-1.5e300f64).to_bits());
    assert_eq!(bits("5e-324"), 1);
    assert_eq!(bits("inf"), f64::INFINITY.to_bits());
    assert_eq!(bits("-inf"), f64::NEG_INFINITY.to_bits());
    assert_eq!(bits("nan"), 0x7ff8_0000_0000_0000);
    assert_eq!(bits("nan:0xfff0000000000001"), 0xfff0_0000_0000_0001);
    assert_eq!(body_errors("const.f64 r3, 1e999"), [("A0301", 2, 15, 5)]);
    assert_eq!(body_errors("const.f64 r3, nan:0x7ff0000000000000"), [("A0301", 2, 15, 22)]);
    assert_eq!(body_errors("const.f64 r3, 0x10"), [("A0004", 2, 15, 4)]);
}

#[test]
fn names_stand_for_registers_labels_and_fields() {
    let by_name = code(
        ".reg i, j\n.reg k = r9\n@top: i64.add i, j, k\nbr i, @top, @1\n@1:\njmp @\"odd one\"\n@\"odd one\":",
    );
    let by_number = code("@top: i64.add r3, r4, r9\nbr r3, @top, @5\n@5:\njmp @x\n@x:");
    assert_eq!(by_name, by_number);
    let source = ".struct P { x: f64, y: f64 }\n.func f(p: struct P) {\nstruct.get r2, p, P.y\n}";
    assert_eq!(assemble(source).unwrap().code(FuncId(0)), Some(&[0x63, 2, 1, 1][..]));
}

#[test]
fn line_ends_and_marks_of_editors_do_not_matter() {
    let windows = "\u{feff}.func f(a: i64, b: i64) {\r\n\ti64.add r3,\ta, b ; sum\r\n}\r\n";
    assert_eq!(assemble(windows).unwrap().code(FuncId(0)), Some(&code("i64.add r3, a, b")[..]));
}

#[test]
fn only_labels_with_names_are_recorded() {
    let program = assemble(".func f() {\n@a: @1: @b:\n nop\n@\"x y\":\n}").unwrap();
    let labels: Vec<_> =
        program.names().labels.iter().map(|&(_, pc, symbol)| (pc, program.symbol(symbol).unwrap())).collect();
    assert_eq!(labels, [(0, "a"), (0, "b"), (1, "x y")]);
}

#[test]
fn tables_may_stand_behind_their_uses() {
    let source = r#"
.func main(f: closure) -> (i64) {
    const.pool r2, text
    const.pool r3, "text"
    const.pool r4, i64 -5
    struct.new r5, Point, (r2, r2)
    array.new r6, i64, ()
    array.new r6, words, ()
    host_call log r2 -> ()
    host_call "env.log" r2 -> ()
    call.indirect visit f r2 -> r7
    call.indirect (str) -> i64 f r2 -> r7
    call &later r7 -> r7
    ret r7
}
.func later(n: i64) -> i64 {
    ret n
}
.const text = "text"
.const #1 other = hex"00 ff"
.struct Point {
    x: str
    "odd name": str,
}
.elem words = str
.host log = "env.log" (str)
.sig visit (str) -> (i64)
.program "all"
"#;
    let program = assemble(source).unwrap_or_else(|e| panic!("{}", e.render(source, "test")));
    assert_eq!(program.constants().len(), 3, "equal constants are one");
    assert_eq!(program.constant(ConstId(2)), Some(&Const::I64(-5)));
    assert_eq!(program.elem_types(), [ValueType::Str, ValueType::I64]);
    assert_eq!(program.call_sig_count(), 1);
    assert_eq!(program.host_sig_count(), 1);
    assert_eq!(program.symbol(program.host_sig(HostSigId(0)).unwrap().symbol), Some("env.log"));
    assert_eq!(program.struct_fields(StructId(0)), Some(&[ValueType::Str; 2][..]));
    assert_eq!(program.func_name(FuncId(1)), Some("later"));
    assert_eq!(program.names().program.and_then(|id| program.symbol(id)), Some("all"));
}

#[test]
fn headers_hold_names_shapes_and_counts() {
    let source = ".struct S { a: i64 }\n.func f(a: tuple(i64, ?), struct S, c: array str, _: obj(7)) -> (x: i64) regs 9 arity 1 2 {\n}";
    let program = assemble(source).unwrap();
    let shapes: Vec<_> = program.param_shapes().iter().map(|s| (s.param, s.shape.clone())).collect();
    let tuple = AggShape::Tuple([Some(ValueType::I64), None].into());
    let array = AggShape::Array(ElemId(0));
    assert_eq!(shapes, [(0, tuple), (1, AggShape::Struct(StructId(0))), (2, array)]);
    let names = program.param_names(FuncId(0));
    assert_eq!((names[1], names[3]), (SymbolId(0), SymbolId(0)));
    let def = program.functions()[0];
    assert_eq!((def.param_count, def.result_count, def.reg_count), (1, 2, 9));
    assert!(assemble(".func f(i64) {\n}").unwrap().param_names(FuncId(0)).is_empty());
}

#[test]
fn escapes_and_bytes_in_text() {
    let source = r#".const "\n\r\t\0\\\"\x7f\u{1F600}é""#;
    let program = assemble(source).unwrap();
    assert_eq!(program.const_data(), "\n\r\t\0\\\"\x7f\u{1f600}é".as_bytes());
    assert_eq!(errors(r#".const "ab\qc""#), [("A0003", 1, 11, 2)]);
    assert_eq!(errors(r#".const "\x80""#), [("A0003", 1, 9, 2)]);
    assert_eq!(errors(r#".const "\u{d800}""#), [("A0003", 1, 9, 2)]);
    assert_eq!(errors(".const hex\"0\""), [("A0003", 1, 8, 6)]);
    assert_eq!(errors(".const \"open\n.const unit"), [("A0002", 1, 8, 5)]);
}

#[test]
fn every_kind_of_error_has_its_place() {
    assert_eq!(errors("nop"), [("A0101", 1, 1, 3)]);
    assert_eq!(errors(".fnc f() {"), [("A0102", 1, 1, 4)]);
    assert_eq!(body_errors("i64.ad r1, r1, r1"), [("A0103", 2, 1, 6)]);
    assert_eq!(errors(".func f() {\nnop"), [("A0104", 1, 1, 5)]);
    assert_eq!(errors(".func f()"), [("A0105", 1, 7, 1)]);
    assert_eq!(body_errors("jmp @x\njmp @x"), [("A0201", 2, 6, 1)]);
    assert_eq!(body_errors("@x: nop\n@x: nop"), [("A0202", 3, 2, 1)]);
    assert_eq!(body_errors(".reg a"), [("A0202", 2, 6, 1)]);
    assert_eq!(body_errors(".reg r5"), [("A0202", 2, 6, 2)]);
    assert_eq!(errors(".func f() {\n}\n.func f() {\n}"), [("A0202", 3, 7, 1)]);
    assert_eq!(body_errors("call &g () -> ()"), [("A0203", 2, 7, 1)]);
    assert_eq!(body_errors("mov r1, x"), [("A0203", 2, 9, 1)]);
    let twice = ".host \"x\" ()\n.host \"x\" (i64)\n.func f() {\nhost_call \"x\" () -> ()\n}";
    assert_eq!(errors(twice), [("A0204", 4, 11, 3)]);
    assert_eq!(body_errors("i64.to_dec r2, a, 256"), [("A0301", 2, 19, 3)]);
    assert_eq!(body_errors("mov r4294967296, a"), [("A0301", 2, 5, 11)]);
    assert_eq!(body_errors("mov r01, a"), [("A0301", 2, 5, 3)]);
    assert_eq!(errors(".const #1 unit"), [("A0302", 1, 9, 1)]);
    assert_eq!(body_errors(".span 1\n.span 2\nnop"), [("A0303", 3, 1, 5)]);
    assert_eq!(body_errors(".span 0"), [("A0301", 2, 7, 1)]);
    assert_eq!(body_errors("mov r4294967295, a"), [("A0401", 2, 1, 3)]);
    assert_eq!(body_errors("@\"\": nop"), [("A0003", 2, 2, 2)]);
    assert_eq!(errors(".func \"\"() {\n}"), [("A0003", 1, 7, 2)]);
    assert_eq!(errors(".program \"\""), [("A0003", 1, 10, 2)]);
    assert_eq!(errors(".program \"a\"\n.program \"b\""), [("A0202", 2, 10, 3)]);
    assert_eq!(body_errors("nop nop"), [("A0101", 2, 5, 3)]);
    assert_eq!(body_errors("mov r1 r2"), [("A0101", 2, 8, 2)]);
    assert_eq!(body_errors("call &f (a) > ()"), [("A0101", 2, 13, 1)]);
    assert_eq!(body_errors("mov r1, \u{202e}"), [("A0001", 2, 9, 1)]);
}

#[test]
fn errors_are_collected_in_order_up_to_a_limit() {
    let source = ".func f() {\n jmp @nowhere\n bad\n mov r1\n}\n.const oops\n";
    assert_eq!(
        errors(source).iter().map(|e| (e.0, e.1)).collect::<Vec<_>>(),
        [("A0201", 2), ("A0103", 3), ("A0101", 4), ("A0101", 6)]
    );
    let many = format!(".func f() {{\n{}}}", "bad\n".repeat(1000));
    let errors = assemble(&many).unwrap_err();
    assert_eq!(errors.errors().len(), AsmErrors::MAX);
    assert!(errors.has_more() && errors.to_string().contains("more than 50 errors"));
}

#[test]
fn hints_name_what_is_near() {
    let hint = |source: &str| assemble(source).unwrap_err().errors()[0].hint.to_string();
    assert_eq!(hint(".func f() {\ni64.ad r1, r1, r1\n}"), "did you mean `i64.add`?");
    assert_eq!(hint(".func f() {\n}\n.func main() {\ncall &g () -> ()\n}"), "");
    assert_eq!(hint(".func fib() {\ncall &fbi () -> ()\n}"), "did you mean `fib`?");
    assert_eq!(hint(".cosnt unit"), "did you mean `.const`?");
    assert_eq!(hint(".func f(count: i64) {\nmov r2, cuont\n}"), "did you mean `count`?");
}

#[test]
fn excerpts_point_at_the_place() {
    let shown = |source: &str| assemble(source).unwrap_err().render(source, "a.ofa").to_string();
    assert_eq!(
        shown(".func f() {\n\tmov r1, x\n}"),
        "error[A0203]: there is no register `x`\n  --> a.ofa:2:10\n    2 |     mov r1, x\n      |             ^\n   \
         = hint: registers are r0, r1, .. or named by parameters and `.reg`\n"
    );
    let wide = shown(".const \"日本\" oops\r\n");
    assert!(wide.contains("    1 | .const \"日本\" oops\n      |               ^^^^\n"), "{wide}");
    let hidden = shown(".const \"\u{202e}\u{1b}\" oops");
    assert!(!hidden.contains(['\u{202e}', '\u{1b}']), "{hidden}");
}

#[test]
fn a_line_of_a_megabyte_is_cut_around_the_place() {
    let source = format!(".func f() {{\nret ({}oops)\n}}", "r1, ".repeat(1 << 18));
    let errors = assemble(&source).unwrap_err();
    assert_eq!(errors.errors()[0].column, (1 << 20) + 6);
    let shown = errors.render(&source, "a.ofa").to_string();
    assert!(shown.len() < 400 && shown.contains("r1, oops)"), "{shown}");
}

#[test]
fn a_million_labels_take_linear_time() {
    // A quadratic assembler needs hours for this, so a finished test is the assertion.
    let mut source = String::from(".func f() {\n");
    for i in 0..1_000_000 {
        source.push_str(&format!("@{i}:\n"));
    }
    source.push_str("jmp @999999\n}");
    assert_eq!(assemble(&source).unwrap().code(FuncId(0)).unwrap().len(), 6);
    let undefined = source.replace("@999999:", "");
    assert_eq!(errors(&undefined).len(), 1);
}

#[test]
fn type_names_of_text_are_those_of_the_tables() {
    for tag in 0..=15 {
        let ty = ValueType::from_tag(tag, 0).unwrap();
        let name = ty.to_string().replace("(0)", "");
        assert_eq!(types::class_of(&name), Some(ty));
    }
}

/// Nothing but an opcode that 0.1 does not know makes a container of another version.
#[test]
fn the_version_is_the_first_that_knows_every_opcode() {
    for (didx, row) in crate::ISA.iter() {
        let version = ContainerVersion::of_opcode(row);
        assert_eq!(version == ContainerVersion::V0_1, row.id.get() <= 106, "{}", crate::ISA.name(didx));
    }
    for (body, version) in [
        ("i64.add a, a, a", ContainerVersion::V0_1),
        ("i64.neg a, a", ContainerVersion::V0_128),
        (".raw a0 01 01", ContainerVersion::V0_1),
    ] {
        let source = format!(".func f(a: i64) -> (i64) {{\n {body}\n ret a\n}}");
        assert_eq!(assemble(&source).unwrap().version(), version, "{body}");
        let declared = format!(".version 0.128\n{source}");
        assert_eq!(assemble(&declared).unwrap().version(), ContainerVersion::V0_128);
    }
}

/// Operands of session instructions by index; each line is what the disassembler writes, too.
#[test]
fn session_instructions_take_indices_and_optional_registers() {
    let lines: [(&str, &[u8]); 20] = [
        ("send r1, r2", &[0xe4, 1, 2]),
        ("receive r1 -> r2", &[0xe5, 1, 2]),
        ("offer r1, #3, r2", &[0xe6, 1, 3, 3]),
        ("offer r1, #3, -", &[0xe6, 1, 3, 0]),
        (
            "choose r1, [#0, #1], (r2, r0), (@0, @0)",
            &[0xe7, 1, 2, 0, 1, 2, 2, 0, 2, 0x80, 0x80, 0x80, 0x80, 0, 0x80, 0x80, 0x80, 0x80, 0],
        ),
        ("open #2 -> (r1, r2)", &[0xe8, 2, 2, 1, 2]),
        ("close r1", &[0xe9, 1]),
        ("invoke #1 (r1, r2) -> r3", &[0xea, 1, 2, 1, 2, 4]),
        ("invoke #1 () -> -", &[0xea, 1, 0, 0]),
        ("acquire #1 -> r1", &[0xeb, 1, 1]),
        ("release #1, r1", &[0xec, 1, 1]),
        ("fork r1", &[0xed, 1]),
        ("join", &[0xee]),
        ("abort", &[0xef]),
        ("transfer r1, r2, r3", &[0xf0, 1, 2, 4]),
        ("transfer r1, r2, -", &[0xf0, 1, 2, 0]),
        ("tag r1 -> r2", &[0xf1, 1, 2]),
        ("check r1, r2 -> r3", &[0xf2, 1, 2, 3]),
        ("yield", &[0xf4]),
        ("halt", &[0xf5]),
    ];
    for (line, bytes) in lines {
        let program = assemble(&format!(".func f() {{\n @0:\n {line}\n}}")).unwrap();
        assert_eq!(program.code(FuncId(0)), Some(bytes), "{line}");
        assert_eq!(program.version(), ContainerVersion::V0_128, "{line}");
        let text = crate::disasm::disassemble(&program, &crate::disasm::DisasmOptions::exact());
        assert!(text.lines().any(|shown| shown.trim() == line), "{line} is shown otherwise:\n{text}");
    }
    let spawn = assemble(".func f() {\n spawn &f () -> r1\n spawn &f () -> -\n}").unwrap();
    assert_eq!(spawn.code(FuncId(0)), Some(&[0xf3, 0, 0, 2, 0xf3, 0, 0, 0][..]));
    let long = assemble(".func f() {\n choose r1, [\n #0,\n #1,\n ], (), ()\n}").unwrap();
    assert_eq!(long.code(FuncId(0)), Some(&[0xe7, 1, 2, 0, 1, 0, 0][..]));
}

#[test]
fn aliases_of_the_session_family_are_the_opcodes() {
    let of = |line: &str| {
        let source = format!(".func f(a: i64) {{\n @top:\n {line}\n}}");
        assemble(&source).unwrap().code(FuncId(0)).unwrap().to_vec()
    };
    assert_eq!(of("move r2, a"), of("mov r2, a"));
    assert_eq!(of("jump @top"), of("jmp @top"));
}

#[test]
fn operands_of_session_instructions_are_named_when_they_are_wrong() {
    assert_eq!(body_errors("offer a, get, a"), [("A0203", 2, 10, 3)]);
    assert_eq!(body_errors("offer a, #0, 5"), [("A0101", 2, 14, 1)]);
    assert_eq!(body_errors("offer a, #0 -"), [("A0101", 2, 13, 1)]);
    assert_eq!(body_errors("choose a, (#0), (), ()"), [("A0101", 2, 11, 1)]);
    assert_eq!(body_errors("choose a, [#0 #1], (), ()"), [("A0101", 2, 15, 1)]);
    assert_eq!(body_errors("open a -> ()"), [("A0203", 2, 6, 1)]);
    assert_eq!(body_errors("close -"), [("A0101", 2, 7, 1)]);
}
