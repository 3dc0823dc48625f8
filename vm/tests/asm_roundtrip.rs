//! Text and back: exact disassembly assembles to the same container, for every program that decodes.

mod container_support;

use container_support::{Case, corpus};
use opforge_vm::asm::assemble;
use opforge_vm::container::{DecodeConfig, decode, encode};
use opforge_vm::disasm::{DisasmOptions, Show, disassemble};

fn exact_differs(case: &Case) -> Option<String> {
    let program = decode(&case.bytes, &DecodeConfig::new()).ok()?;
    let text = disassemble(&program, &DisasmOptions::exact());
    let again = match assemble(&text) {
        Ok(again) => again,
        Err(errors) => return Some(format!("{}:\n{}", case.name, errors.render(&text, "text"))),
    };
    if again != program {
        return Some(format!("{}: another program", case.name));
    }
    // Where the peer's bytes are not canonical, ours are the measure.
    let bytes = if case.canonical { case.bytes.clone() } else { encode(&program).unwrap() };
    (encode(&again).ok()? != bytes).then(|| format!("{}: other bytes", case.name))
}

#[test]
fn exact_text_gives_the_same_container_back() {
    let (cases, complete) = corpus();
    let canonical = cases.iter().filter(|case| case.canonical).count();
    assert!(canonical >= if complete { 2000 } else { 5 }, "{canonical} canonical cases");
    let differing: Vec<_> = cases.iter().filter_map(exact_differs).collect();
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}

/// What the corpus cannot have: the sections of 0.128, as they are and damaged.
#[test]
fn exact_text_gives_session_tables_back() {
    let program = assemble(include_str!("data/sessions.ofa")).unwrap();
    let bytes = encode(&program).unwrap();
    let text = disassemble(&program, &DisasmOptions::exact());
    for directive in [".local Client = mu", ".shape #0 Shop {", ".effect #0 log", ".layer #0 auth"] {
        assert!(text.contains(directive), "{directive} is missing:\n{text}");
    }
    assert!(!text.contains(".state"), "{text}");
    let mut decoded = 0;
    for at in 0..bytes.len() {
        for change in [1, 0x7e] {
            let mut bytes = bytes.clone();
            bytes[at] ^= change;
            let Ok(program) = decode(&bytes, &DecodeConfig::new()) else { continue };
            decoded += 1;
            let text = disassemble(&program, &DisasmOptions::exact());
            let again =
                assemble(&text).unwrap_or_else(|errors| panic!("{at}: {}", errors.render(&text, "text")));
            assert!(again == program, "byte {at} changed by {change}:\n{text}");
        }
    }
    assert!(decoded > bytes.len() / 2, "{decoded} of {} decode", bytes.len() * 2);
}

#[test]
fn exact_text_is_a_fixed_point() {
    for case in corpus().0 {
        let Ok(program) = decode(&case.bytes, &DecodeConfig::new()) else { continue };
        let options = DisasmOptions::exact().show(Show::Comments).show(Show::Pcs).show(Show::Bytes);
        let text = disassemble(&program, &options);
        let again = assemble(&text).unwrap_or_else(|errors| panic!("{}: {errors}", case.name));
        assert!(disassemble(&again, &options) == text, "{}", case.name);
    }
}

#[test]
fn pretty_text_assembles_to_the_same_code() {
    for case in corpus().0 {
        let Ok(program) = decode(&case.bytes, &DecodeConfig::new()) else { continue };
        let text = disassemble(&program, &DisasmOptions::pretty().show(Show::Pcs).show(Show::Bytes));
        let again = match assemble(&text) {
            Ok(again) => again,
            Err(errors) => panic!("{}:\n{}", case.name, errors.render(&text, "text")),
        };
        assert!(again.code_blobs() == program.code_blobs(), "{}: other code", case.name);
        assert!(again.span_tables() == program.span_tables(), "{}: other spans", case.name);
        assert!(again.constants() == program.constants(), "{}: other constants", case.name);
        assert!(again.functions() == program.functions(), "{}: other functions", case.name);
    }
}
