//! What every fuzz target asserts, as plain functions: libFuzzer calls them with its inputs, and
//! `vm/tests/regressions.rs` with the committed seeds and regressions.

use crate::mutation_support::judge::{Health, judge};
use opforge_schema::{Blobs, Isa};
use opforge_vm::asm::{assemble, assemble_with};
use opforge_vm::container::{DecodeConfig, TrailingBytes, decode, encode};
use opforge_vm::disasm::{DisasmOptions, disassemble};
use std::fmt::Write;

/// Any bytes decode or are refused; what decodes is written back as the same program, and that is final.
pub(crate) fn container(input: &[u8]) {
    match decode(input, &DecodeConfig::new()) {
        Err(error) => assert!(error.offset() <= input.len() && !error.to_string().is_empty()),
        Ok(program) => {
            let written = encode(&program).expect("what decodes encodes");
            let strict = DecodeConfig::new().trailing_bytes(TrailingBytes::Refuse);
            let again = decode(&written, &strict).expect("what is written decodes");
            assert!(again == program);
            assert!(encode(&again).expect("and encodes") == written);
        }
    }
}

/// What the bytes make of a program and its host runs the same in one go, again, and with going away and back, stays within
/// its limits and gives back what it held.
pub(crate) fn sessions(input: &[u8]) {
    use crate::session_random_support as random;
    random::check(input, &random::interpreter, false, &mut random::Health::default());
}

/// The tables that bodies of [`verify_run`] may refer to.
const SHELL: &str = "\
.const #0 unit\n.const #1 true\n.const #2 i64 7\n.const #3 u64 3\n.const #4 f64 1.5
.const #5 decimal(5, 1)\n.const #6 hex\"00ff41\"\n.const #7 \"aé\"
.struct Item { a: i64, b: str, c: decimal }\n.elem numbers = i64\n.elem prices = decimal
.host host = \"env.any\" (i64, decimal) -> (decimal, i64)\n.sig pair (i64, decimal) -> (decimal, i64)
.func other(i64, decimal) -> (decimal, i64) {\n ret (r2, r1)\n}
.func main(bool, i64, u64, f64, decimal, bytes, str, tuple(i64, str), struct Item, array numbers, func, closure) \
-> (decimal, i64) regs 24 {\n .raw";

/// A container, or else the code of a function in a fixed shell: what verifies runs within its limits, and the
/// same however it is run.
pub(crate) fn verify_run(input: &[u8]) {
    let seed = input.iter().fold(0x9e37_79b9_7f4a_7c15, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let program = if input.starts_with(b"EXTAPE") {
        let Ok(program) = decode(input, &DecodeConfig::new()) else { return };
        program
    } else {
        let mut text = SHELL.to_owned();
        input.iter().for_each(|byte| {
            let _ = write!(text, " {byte:02x}");
        });
        text.push_str("\n}\n");
        assemble(&text).expect("the shell assembles around any bytes")
    };
    judge(program, seed | 1, true, &mut Health::default());
}

/// Any text assembles or is refused with places inside it; what assembles is given back by its exact text.
pub(crate) fn text(input: &[u8]) {
    let Ok(source) = std::str::from_utf8(input) else { return };
    match assemble(source) {
        Err(errors) => {
            for error in errors.errors() {
                assert!(error.offset <= source.len() && source.is_char_boundary(error.offset));
            }
            assert!(!errors.render(source, "text").to_string().is_empty());
        }
        Ok(program) => {
            let exact = disassemble(&program, &DisasmOptions::exact());
            assert!(assemble(&exact).is_ok_and(|again| again == program), "{exact}");
            assert!(assemble(&disassemble(&program, &DisasmOptions::pretty())).is_ok());
        }
    }
}

const BLOBS: [&[u8]; 7] = [
    include_bytes!("../tables/blobs/vm.ops.bin"),
    include_bytes!("../tables/blobs/vm.names.bin"),
    include_bytes!("../tables/blobs/vm.text.bin"),
    include_bytes!("../tables/blobs/vm.lookup.bin"),
    include_bytes!("../tables/blobs/vm.classes.bin"),
    include_bytes!("../tables/blobs/vm.types.bin"),
    include_bytes!("../tables/blobs/vm.intrinsics.bin"),
];

/// A program that uses every kind of operand.
const PROGRAM: &str = ".struct S { a: i64 }\n.elem e = i64\n.host h = \"h\" () -> ()\n.sig s () -> ()\n\
.func main() -> () {\n const.bool r1, true\n const.i64 r2, -5\n const.f64 r3, 1.5\n const.pool r4, \"x\"\n \
const.func r5, &main\n call &main () -> ()\n host_call h () -> ()\n call.indirect s r5 () -> ()\n \
struct.new r6, S, r2\n array.new r7, e, (r2, r2)\n struct.get r2, r6, S.a\n i64.to_dec r8, r2, 3\n \
br r1, @a, @a\n@a:\n ret ()\n}\n";

/// Damaged tables are refused or safe to read. The first byte says which of the six tables is damaged, and how:
/// below 7 the rest of the input stands in its place, else the rest are changes: two bytes of place, one of value.
pub(crate) fn tables(input: &[u8]) {
    let Some((&first, rest)) = input.split_first() else { return };
    let which = usize::from(first) % BLOBS.len();
    let mut bytes = rest.to_vec();
    if usize::from(first) >= BLOBS.len() {
        bytes = BLOBS[which].to_vec();
        for change in rest.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len().max(1);
            bytes[at] = change[2];
        }
    }
    let mut tables = BLOBS;
    tables[which] = &bytes;
    let [ops, names, text, lookup, classes, types, intrinsics] = tables;
    match Isa::from_blobs(&Blobs { ops, names, text, lookup, classes, types, intrinsics }) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(isa) => {
            for (didx, row) in isa.iter() {
                assert!(row.operands().len() <= opforge_schema::MAX_OPERANDS);
                let _ = (isa.find(isa.name(didx)), isa.template(didx));
            }
            // Whatever the tables say now, assembling and showing by them does no harm.
            let _ = assemble_with(&isa, PROGRAM);
            let program = assemble(PROGRAM).expect("the program is right");
            assert!(!disassemble(&program, &DisasmOptions::pretty().isa(&isa)).is_empty());
        }
    }
}
