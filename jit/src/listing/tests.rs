use super::*;
use crate::{JitConfig, JitEngine};
use opforge_vm::asm;
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifyConfig, verify};

const PROGRAM: &str = "
.func area(n: i64, r: f64) -> (f64) {
    .reg pi, c
    const.f64 pi, 3.141592653589793
    f64.mul c, r, r
    f64.mul c, c, pi
    call &twice c -> c
    ret c
}
.func twice(a: f64) -> (f64) {
    f64.add a, a, a
    ret a
}
";

fn listing() -> Listing {
    let verified = verify(asm::assemble(PROGRAM).unwrap(), &VerifyConfig::new()).unwrap();
    JitEngine::new(JitConfig::new()).unwrap().disassemble(&verified).unwrap()
}

#[test]
fn every_byte_of_a_part_is_listed_once() {
    let listing = listing();
    let mut last = 0;
    for part in listing.parts() {
        let range = part.range();
        assert!(range.start >= last && !range.is_empty());
        let mut at = range.start;
        for instr in part.instructions() {
            assert_eq!(instr.offset, at);
            assert!(!instr.text.is_empty());
            at += instr.bytes.len();
        }
        assert_eq!(at, range.end);
        last = range.end;
    }
    assert_eq!(last, listing.program().code_size());
}

#[test]
fn parts_are_functions_and_ways_into_them() {
    let listing = listing();
    let parts: Vec<NativePart> = listing.parts().map(|part| part.part()).collect();
    let (one, two) = (FuncId(0), FuncId(1));
    assert_eq!(
        parts,
        [
            NativePart::Function(one),
            NativePart::Function(two),
            NativePart::Refill,
            NativePart::Enter(one),
            NativePart::Enter(two)
        ]
    );
    for part in listing.parts().take(2) {
        assert_eq!(listing.bytes(part.range()), listing.program().machine_code(part.part().func()));
    }
}

/// Instructions come out as instructions, calls with their targets, constants as data.
#[test]
fn code_calls_and_constants_are_told_apart() {
    let listing = listing();
    let instrs: Vec<_> = listing.parts().next().unwrap().instructions().collect();
    let has = |text: &str| instrs.iter().any(|instr| instr.text.contains(text));
    assert!(has("mul") && has("ret"), "{instrs:#?}");
    // A function's code begins with the linkage of frames.
    assert!(instrs[0].text.starts_with(if cfg!(target_arch = "x86_64") { "push rbp" } else { "stp" }));
    let twice = listing.parts().nth(1).unwrap().range().start;
    let call = instrs.iter().find(|instr| instr.callee == Some(NativePart::Function(FuncId(1)))).unwrap();
    assert!(call.text.ends_with(&format!("0x{twice:x}")), "{call:?}, twice is at 0x{twice:x}");
    if cfg!(target_arch = "x86_64") {
        let pi = format!(".quad 0x{:x}", std::f64::consts::PI.to_bits());
        let at = |offset: usize| instrs.iter().find(|instr| instr.offset == offset).unwrap();
        let read: Vec<&str> = instrs.iter().filter_map(|instr| Some(&*at(instr.reads?).text)).collect();
        assert!(read.contains(&&*pi) && read.iter().all(|text| text.starts_with(".quad")), "{instrs:#?}");
        assert!(!instrs.iter().any(|instr| instr.text.starts_with(".byte")), "{instrs:#?}");
    }
}

#[test]
fn constants_that_are_read_are_data() {
    // Reads eight bytes at offset 16 + 8 + 4, then returns; `0f 1f 40 00` fills up.
    #[cfg(target_arch = "x86_64")]
    {
        let load = decode::instruction(&[0xf2, 0x0f, 0x10, 0x05, 4, 0, 0, 0], 16);
        assert_eq!((load.len, load.reads), (8, Some(28)), "{load:?}");
        let jump = decode::instruction(&[0xeb, 0xfe], 16);
        assert_eq!((jump.len, jump.text.as_str()), (2, "jmp 0x10"));
        let none = decode::instruction(&[0x06], 0);
        assert_eq!((none.len, none.text.as_str()), (1, ".byte 0x06"));
    }
    #[cfg(target_arch = "aarch64")]
    {
        let load = decode::instruction(&0x5c00_0040_u32.to_le_bytes(), 16);
        assert_eq!((load.len, load.reads), (4, Some(24)), "{load:?}");
        let jump = decode::instruction(&0x1400_0000_u32.to_le_bytes(), 16);
        assert_eq!((jump.len, jump.text.as_str()), (4, "b 0x10"));
    }
    assert_eq!(decode::data(&1.5f64.to_bits().to_le_bytes()).text, ".quad 0x3ff8000000000000");
    assert_eq!(decode::data(&[1, 2]).text, ".byte 0x01, 0x02");
    assert_eq!(decode::data(&[1, 2]).len, 2);
}

/// Code of instructions, and of the places that leave them, names the instruction it does a part of.
#[test]
fn code_names_the_instruction_it_comes_from() {
    let listing = listing();
    let program = listing.program().module().program();
    for part in listing.parts() {
        let NativePart::Function(func) = part.part() else {
            assert!(part.instructions().all(|instr| instr.source.is_none()));
            continue;
        };
        let function = program.function(func).unwrap();
        let known: Vec<Source> = part.instructions().filter_map(|instr| instr.source).collect();
        assert!(known.len() * 2 > part.instructions().count(), "{known:?}");
        for source in &known {
            assert_eq!(source.pc, function.pc(source.instr));
            let segment = function.segments[source.segment as usize];
            assert!((segment.start..segment.end).contains(&source.instr));
        }
        // The function's last instruction is its return.
        let last =
            part.instructions().filter(|instr| instr.text.starts_with("ret")).find_map(|instr| instr.source);
        assert!(last.is_some());
    }
    // A call names the instruction that calls.
    let area = listing.parts().next().unwrap();
    let call =
        area.instructions().find(|instr| instr.callee == Some(NativePart::Function(FuncId(1)))).unwrap();
    assert_eq!(call.source.unwrap().instr, InstrIx(3));
}
