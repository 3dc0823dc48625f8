//! The generator itself: whatever the bytes and the bounds, it ends with a program that verifies, the same one for
//! the same bytes.

use opforge_testgen::{
    Dialect, GenConfig, GeneratedProgram, INPUTS, from_bytes, from_seed, seed_bytes, shrink,
};
use opforge_vm::container::encode;
use opforge_vm::disasm::{DisasmOptions, disassemble};
use opforge_vm::verify::{VerifyConfig, verify};

fn accepted(of: &GeneratedProgram, what: &str) {
    assert_eq!((of.inputs.len(), of.limits.len()), (INPUTS, INPUTS));
    let params = of.program.func_sig(of.entry).map(|sig| sig.params.len());
    assert!(of.inputs.iter().all(|input| Some(input.len()) == params), "{what}");
    if let Err(report) = verify(of.program.clone(), &VerifyConfig::new()) {
        panic!("{what}: {report}\n{}", disassemble(&of.program, &DisasmOptions::pretty()));
    }
}

#[test]
fn any_bytes_give_a_program_that_verifies() {
    let config = GenConfig::default();
    accepted(&from_bytes(&[], &config), "no bytes");
    for byte in [0, 1, 0x55, 0x7f, 0x80, 0xaa, 0xff] {
        for len in [1, 100, 5000] {
            accepted(&from_bytes(&vec![byte; len], &config), &format!("{len} bytes of {byte}"));
        }
    }
    for seed in 0..60 {
        let bytes = seed_bytes(seed);
        for len in [3, 40, 200, 1000] {
            accepted(&from_bytes(&bytes[..len], &config), &format!("{len} bytes of seed {seed}"));
        }
    }
}

#[test]
fn bounds_may_be_small_and_large() {
    let mut config = GenConfig::default();
    for (functions, statements, body, depth) in [(1, 1, 1, 0), (1, 1, 0, 9), (2, 40, 400, 8), (20, 3, 9, 2)] {
        config.max_functions = functions;
        config.max_statements = statements;
        config.max_body = body;
        config.max_depth = depth;
        for seed in 0..40 {
            let bytes = seed_bytes(seed).repeat(4);
            let dialect = if seed % 2 == 1 { Dialect::Full } else { Dialect::Peer };
            accepted(&from_bytes(&bytes, &config.dialect(dialect)), &format!("seed {seed} of {config:?}"));
        }
    }
}

#[test]
fn bytes_determine_the_program() {
    let config = GenConfig::default();
    let container = |seed| encode(&from_seed(seed, &config).program).expect("a small program");
    for seed in 0..20 {
        assert_eq!(container(seed), container(seed));
        assert_eq!(from_seed(seed, &config).inputs.len(), INPUTS);
    }
    assert_ne!(container(0), container(1));
}

#[test]
fn shrinking_keeps_what_fails_and_little_else() {
    let text = |of: &GeneratedProgram| disassemble(&of.program, &DisasmOptions::exact());
    let fails = |of: &GeneratedProgram| text(of).contains("f64.rem");
    let config = GenConfig::default();
    let lines = |of: &GeneratedProgram| text(of).lines().count();
    // A large one: tables alone take some forty lines.
    let large = |of: &GeneratedProgram| fails(of) && lines(of) > 400;
    let seed = (0..).find(|&seed| large(&from_seed(seed, &config))).expect("some program has it");
    let before = lines(&from_seed(seed, &config));
    let (bytes, config) = shrink(&seed_bytes(seed), &config, 2000, fails);
    let small = from_bytes(&bytes, &config);
    assert!(fails(&small));
    let after = lines(&small);
    assert!(after * 3 < before, "{before} lines became {after}\n{}", text(&small));
}
