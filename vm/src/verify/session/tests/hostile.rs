//! Programs made to be expensive end at a limit, not in time or memory.

use crate::verify::{Resource, VerifyConfig, VerifyErrorKind, verify};
use alloc::format;
use alloc::string::String;

fn shapes(count: usize) -> String {
    let roles: String = (0..count).map(|i| format!("R{i}: L{i}, ")).collect();
    let locals: String =
        (0..count).map(|i| format!(".local L{i} = mu x. !R{}{{a. x, b. end}}\n", (i + 1) % count)).collect();
    format!("{locals}.shape S {{ {roles} }}\n")
}

/// Many endpoints held over many blocks: what is kept is the product.
#[test]
fn endpoints_times_blocks_is_charged() {
    let opens: String = (0..100).map(|i| format!("open S -> (r{}, r{})\n", 2 * i + 3, 2 * i + 4)).collect();
    let blocks: String = (0..1000)
        .map(|i| format!("br r2, @a{i}, @b{i}\n@a{i}:\njmp @c{i}\n@b{i}:\njmp @c{i}\n@c{i}:\n"))
        .collect();
    let source = format!("{}.func f(n: u64, b: bool) {{\n{opens}{blocks}trap 1\n}}\n", shapes(2));
    let program = crate::asm::assemble(&source).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(verify(program.clone(), &VerifyConfig::new()).is_ok());
    let small = VerifyConfig::new().max_memory(4 << 20);
    let report = verify(program.clone(), &small).unwrap_err();
    let ran_out = |resource| VerifyErrorKind::VerifyBudget { resource };
    assert_eq!(*report.errors()[0].kind(), ran_out(Resource::Memory));
    let report = verify(program, &VerifyConfig::new().max_work(1 << 20)).unwrap_err();
    assert_eq!(*report.errors()[0].kind(), ran_out(Resource::Work));
}

/// Nested loops, each of which takes another round to find out that an endpoint is gone.
#[test]
fn rounds_are_charged() {
    let depth = 60;
    let mut source = format!("{}.func f(n: u64, b: bool) {{\n", shapes(2));
    for i in 0..depth {
        source += &format!("jmp @l{i}\n@l{i}:\n");
    }
    source += "open S -> (r3, r4)\nclose r3\n";
    for i in (0..depth).rev() {
        source += &format!("br b, @l{i}, @e{i}\n@e{i}:\n");
    }
    source += "halt\n}\n";
    let program = crate::asm::assemble(&source).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(verify(program, &VerifyConfig::new().max_work(1 << 20)).is_ok());
}
