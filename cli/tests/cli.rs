//! The other commands: usage, asm and disasm, verify, tables, explain; hostile programs.

mod common;

use common::{folder, opforge, opforge_with, root, run_text};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn wrong_command_lines_are_usage_errors() {
    for args in [
        &[][..],
        &["bogus"],
        &["run"],
        &["run", "a", "b"],
        &["run", "a", "--bogus"],
        &["run", "a", "--fuel", "-1"],
        &["run", "a", "--fuel=-1"],
        &["run", "a", "--fuel=1e9"],
        &["run", "a", "--max-memory", "16MB"],
        &["run", "a", "--max-memory", "99999999999GiB"],
        &["run", "a", "--max-input", ""],
        &["verify"],
        &["disasm", "a", "--exact", "--pretty"],
        &["tables"],
        &["tables", "diff", "a"],
        &["explain", "a", "b"],
    ] {
        let ran = opforge(args).exits(3);
        assert_eq!(ran.stdout, "", "{args:?}");
        let told = ["Usage: opforge", "error: invalid value"].iter().any(|text| ran.stderr.contains(text));
        assert!(told, "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn help_has_examples_and_exit_codes() {
    assert!(opforge(&["--help"]).exits(0).stdout.contains("Exit codes:"));
    assert!(opforge(&["--version"]).exits(0).stdout.starts_with("opforge "));
    for command in ["run", "asm", "disasm", "verify", "tables", "explain"] {
        let help = opforge(&[command, "--help"]).exits(0).stdout;
        assert!(help.contains(&format!("Examples:\n  opforge {command} ")), "{help}");
        assert!(!help.contains('\u{1b}'));
    }
}

fn examples() -> Vec<String> {
    let entries = fs::read_dir(root().join("examples")).expect("examples").flatten();
    let paths = entries.map(|entry| entry.path().to_str().expect("UTF-8").to_owned());
    paths.filter(|path| path.ends_with(".ofa")).collect()
}

#[test]
fn exact_text_gives_the_same_bytes() {
    for file in examples() {
        let tape = opforge(&["asm", &file, "-o", "-"]).exits(0).bytes;
        for style in ["--exact", "--pretty", "--bytes", "--pcs"] {
            let text = opforge_with(&["disasm", style, "-"], &tape).exits(0).bytes;
            let again = opforge_with(&["asm", "-", "-o", "-"], &text).exits(0).bytes;
            if style == "--exact" {
                assert_eq!(again, tape, "{file}");
            }
            assert_eq!(opforge_with(&["disasm", style, "-"], &again).exits(0).bytes, text, "{file} {style}");
        }
        // A container as input is written again as it is.
        assert_eq!(opforge_with(&["asm", "-"], &tape).exits(0).bytes, tape);
    }
}

#[test]
fn disasm_shows_bytes_and_writes_files() {
    let shown = opforge(&["disasm", "examples/gcd.ofa", "--bytes"]).exits(0).stdout;
    assert!(shown.contains("| 13 03 00\n"), "{shown}");
    let dir = folder();
    let out = dir.path().join("gcd.ofa");
    let out = out.to_str().expect("UTF-8");
    opforge(&["disasm", "examples/gcd.ofa", "--bytes", "-o", out]).exits(0);
    assert_eq!(fs::read_to_string(out).expect("the text"), shown);
}

#[test]
fn verify_deep_runs_the_roles_against_each_other() {
    let bad = b".local A = !B{x. end}\n.local B = ?A{y. end}\n.shape S { A: A, B: B }\n";
    opforge_with(&["verify", "-"], bad).exits(0);
    let ran = opforge_with(&["verify", "--deep", "-"], bad).exits(2);
    ran.complains("error[V1301]: the roles of shape 0 do not fit together");
    ran.complains("  = note: S: B cannot take x from A: of it is left ?A{y. end}; after: A sends x to B");
    let ran = opforge_with(&["verify", "--deep", "--json", "-"], bad).exits(2);
    let error = &ran.json()["files"][0]["errors"][0];
    assert_eq!(error["code"], "V1301");
    assert!(error["note"].as_str().is_some_and(|note| note.starts_with("S: B cannot take x")), "{error}");
    let good = b".shape S = A -> B{x. end}\n";
    opforge_with(&["verify", "--deep", "-"], good).exits(0);
}

#[test]
fn verify_tells_of_every_file() {
    let mut args = vec!["verify".to_owned()];
    args.extend(examples());
    let ran = opforge(&args).exits(0);
    assert_eq!(ran.stdout.lines().count(), args.len() - 1);
    assert!(ran.stdout.lines().all(|line| line.contains(": ok, functions: ")));

    let bad = b".func f(a: i64) -> (x: i64) {\n i64.add r2, r1, r3\n f64.add r2, r3, r1\n ret r9\n}\n";
    let ran = opforge_with(&["verify", "-", "examples/gcd.ofa"], bad).exits(2);
    assert!(
        ran.stdout.starts_with("examples/gcd.ofa: ok, functions: 1, instructions: 9, bytes of code: 45\n")
    );
    ran.complains("error[V");
    ran.complains("  --> <stdin>: function f (func 0), pc ");
    ran.complains("  = help: ");

    let ran = opforge_with(&["verify", "--json", "-", "examples/gcd.ofa"], bad).exits(2);
    let object = ran.json();
    assert_eq!(object["status"], "error");
    assert_eq!(
        object["files"][1],
        json!({"file": "examples/gcd.ofa", "ok": true, "functions": 1, "instructions": 9, "code_bytes": 45})
    );
    let errors = object["files"][0]["errors"].as_array().expect("errors");
    assert!(errors.iter().any(|error| error["code"] == "V0802" && error["pc"] == 4), "{errors:?}");
    for error in errors {
        for fact in
            ["code", "kind", "message", "hint", "function", "function_name", "pc", "span", "instruction"]
        {
            assert!(error.get(fact).is_some(), "{fact}: {error}");
        }
        assert_eq!(error["file"], "<stdin>");
    }
}

#[test]
fn assembler_errors_show_line_column_and_caret() {
    let ran =
        opforge_with(&["asm", "-"], ".func f() -> () {\n\tbogus r1\n\tjmp @中\n}\n".as_bytes()).exits(2);
    ran.complains("error[A0103]: there is no instruction `bogus`\n  --> <stdin>:2:2\n");
    ran.complains("    2 |     bogus r1\n      |     ^^^^^\n");
    let ran = opforge_with(&["asm", "-", "--json"], b".func f() -> () {\n jmp @b\n}\n").exits(2);
    let error = &ran.json()["errors"][0];
    assert_eq!((&error["code"], &error["line"], &error["column"]), (&json!("A0201"), &json!(2), &json!(7)));
}

#[test]
fn large_sources_take_linear_time() {
    let start = Instant::now();
    let long = format!(".func f() -> () {{\n  {}\n}}\n", "x".repeat(1 << 20));
    let ran = run_text(&long, &[]).exits(2);
    assert!(ran.stderr.len() < 2000, "{} bytes", ran.stderr.len());
    let labels: String = (0..100_000).map(|i| format!("@l{i}:\n  nop\n")).collect();
    run_text(&format!(".func f() -> () {{\n{labels}  ret ()\n}}\n"), &[]).exits(0);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn hostile_names_stay_text() {
    let hostile = r#"
        .program "\u{1b}[2J\u{202e}"
        .func &0 () -> () {
            trap 5
        }
        .name &0 "a\n  at main, pc 0\u{1b}[31m\u{202e}"
        "#;
    let asm =
        |text: &str| opforge_with(&["asm", "--no-verify", "-", "-o", "-"], text.as_bytes()).exits(0).bytes;
    let (good, bad) = (asm(hostile), asm(&hostile.replace("trap 5", "call &0 r5 -> r7")));
    for (args, code) in [
        (&["run", "-"][..], 1),
        (&["run", "-", "--json"], 1),
        (&["run", "-", "--trace"], 1),
        (&["run", "-", "--entry", "none"], 2),
        (&["run", "-", "--json", "--entry", "none"], 2),
        (&["run", "-", "--", "1"], 2),
        (&["disasm", "-"], 0),
        (&["disasm", "--exact", "-"], 0),
        (&["verify", "-"], 0),
        (&["verify", "-"], 2),
        (&["verify", "--json", "-"], 2),
        (&["disasm", "-"], 0),
    ] {
        let tape = if args[0] == "verify" && code == 2 { &bad } else { &good };
        let ran = opforge_with(args, tape).exits(code);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{args:?}: {text:?}");
            assert!(!text.contains("\n  at main, pc 0"), "{args:?}: {text}");
        }
    }
}

#[test]
fn tables_are_checked_dumped_and_compared() {
    let blobs = root().join("tables/blobs");
    let blobs = blobs.to_str().expect("UTF-8");
    let count = opforge::ISA.iter().count();
    let ok = format!("ok, opcodes: {count}, ");
    assert!(opforge(&["tables", "check"]).exits(0).stdout.contains(&ok));
    assert!(opforge(&["tables", "check", blobs]).exits(0).stdout.contains(&ok));
    let dump = opforge(&["tables", "dump"]).exits(0).stdout;
    let add = dump.lines().find(|line| line.contains(" i64.add ")).expect("i64.add");
    assert!(
        add.starts_with("0x20 i64.add ")
            && add.contains("operands reg write i64, reg read i64, reg read i64")
    );
    let opcodes =
        |dump: &str| dump.lines().filter(|line| line.starts_with("0x") || line.starts_with("FC:")).count();
    assert_eq!(opcodes(&dump), count);
    assert_eq!(
        opforge(&["tables", "dump", blobs]).exits(0).stdout.lines().skip(1).collect::<Vec<_>>(),
        dump.lines().skip(1).collect::<Vec<_>>()
    );
    assert!(opforge(&["tables", "diff", blobs, "embedded"]).exits(0).stdout.starts_with("no differences; "));
    opforge(&["tables", "check", "examples"]).exits(2).complains("error[I0001]: examples/vm.ops.bin");
}

#[test]
fn a_changed_table_is_a_breaking_change() {
    let dir = folder();
    for entry in fs::read_dir(root().join("tables/blobs")).expect("blobs").flatten() {
        fs::copy(entry.path(), dir.path().join(entry.file_name())).expect("a copy");
    }
    let path = dir.path().to_str().expect("UTF-8");
    let names = dir.path().join("vm.ops.bin");
    let good = fs::read(&names).expect("rows");
    // The fuel of i64.add, row 0x20: rows are 84 bytes behind a header of 16, fuel stands at byte 12.
    let mut bad = good.clone();
    bad[16 + 0x20 * 84 + 12] = 9;
    fs::write(&names, &bad).expect("rows");
    let ran = opforge(&["tables", "diff", "embedded", path]).exits(1);
    assert!(ran.stdout.contains("i64.add"), "{}", ran.stdout);
    assert!(ran.stdout.contains("fuel: 1 -> 9") && ran.stdout.contains("BREAKING (fuel)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("differences: 1, breaking: 1;"), "{}", ran.stdout);
    fs::write(&names, &good[..good.len() - 1]).expect("rows");
    opforge(&["tables", "check", path]).exits(2).complains("error[I0011]: ");
}

/// Each line of an opcode's section on the page, and the sentence that opens it.
#[test]
fn explain_says_what_the_page_of_opcodes_says() {
    let page = fs::read_to_string(root().join("docs/OPCODES.md")).expect("the page");
    let plain = |text: &str| text.replace(['`', '\\'], "");
    let (mut lines, mut topics) = (0, 0);
    // Every seventh is enough to see that they come from one place, and spares some hundred processes.
    for section in page.split("\n### ").skip(1).step_by(7) {
        let section = section.split("\n## ").next().expect("a section");
        let (mnemonic, rest) = section.split_once('\n').expect("a heading");
        let shown = opforge(&["explain", mnemonic]).exits(0).stdout;
        topics += 1;
        let doc = rest.trim_start().lines().next().expect("a sentence");
        assert!(shown.contains(&format!("\n  {}\n", plain(doc))), "{doc}: {shown}");
        for line in rest.lines().filter_map(|line| line.strip_prefix("- ")) {
            let (what, text) = line.split_once(": ").expect("a colon");
            let found = shown.lines().any(|line| match line.split_once(':') {
                Some((label, said)) if label == what && what == "example" => {
                    said.trim().starts_with(text.split('`').nth(1).expect("an instruction"))
                }
                Some((label, said)) if label == what => {
                    let said = said.split_whitespace().filter(|word| !is_trap_code(word));
                    said.collect::<Vec<_>>().join(" ") == plain(text)
                }
                _ => what == "text" && shown.starts_with(&format!("{}\n", plain(text))),
            });
            assert!(found, "{line}: {shown}");
            lines += 1;
        }
    }
    assert!(topics > 20 && lines > 8 * topics, "{topics} topics, {lines} lines");
}

/// `T006`, which the page leaves out.
fn is_trap_code(word: &str) -> bool {
    word.strip_prefix('T')
        .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
}

#[test]
fn explain_knows_codes_traps_and_instructions() {
    let explain = |topic: &str| opforge(&["explain", topic]).exits(0).stdout;
    assert!(explain("T006").starts_with("T006 DivByZero: "));
    assert_eq!(explain("divbyzero"), explain("T006"));
    assert!(explain("T006").contains("i64.div"));
    assert!(explain("V0603").contains("the verifier"));
    assert!(explain("a0201").contains("the assembler"));
    assert!(explain("I0006").contains("this command line"));
    let div = explain("i64.div");
    for part in ["i64.div dst, a, b\n", "T007 IntDivOverflow", "example:"] {
        assert!(div.contains(part), "{part}: {div}");
    }
    assert_eq!(explain("0x20"), explain("i64.add"));
    let dot = explain("vec2.dot");
    for part in ["vec2.dot(a: vec2, b: vec2) -> float\n", "argument slots: f64 f64 f64 f64\n", "example:"] {
        assert!(dot.contains(part), "{part}: {dot}");
    }
    assert!(explain("V0711").contains("the verifier") && explain("L0003").contains("lowering"));
    assert!(explain("InvalidIntrinsic").starts_with("T021 InvalidIntrinsic: "));
    opforge(&["explain", "nonsense"]).exits(2).complains("error[I0012]: nonsense");
    opforge(&["explain", "add"]).exits(2).complains("i64.add");
    // Everything that is listed can be asked for.
    let list = opforge(&["explain"]).exits(0).stdout;
    for name in
        ["T001 FuelExceeded", "V0603 MissingTerminator", "D0101", "i64.add", "vec2.dot", "From the verifier:"]
    {
        assert!(list.contains(name), "{name}: {list}");
    }
}
